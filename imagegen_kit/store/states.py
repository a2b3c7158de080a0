"""The legal moves of attempts, uploads and ledger entries: the one table that every change of state is held against."""

from __future__ import annotations

from typing import Final

from imagegen_kit.errors import StoreError

ATTEMPT_MOVES: Final[dict[str, frozenset[str]]] = {
    "planned": frozenset({"reserved", "cancelled", "failed"}),
    "reserved": frozenset({"submitting", "cancelled", "failed"}),
    "submitting": frozenset({"submitted", "ready", "failed", "unknown"}),
    "submitted": frozenset({"running", "ready", "failed", "unknown", "cancelled"}),
    "running": frozenset({"ready", "failed", "unknown", "cancelled"}),
    "ready": frozenset({"stored", "failed"}),
    "stored": frozenset({"uploaded"}),
    "uploaded": frozenset(),
    "failed": frozenset(),
    "unknown": frozenset({"ready", "failed"}),  # a later look-up may still find out
    "cancelled": frozenset(),
}
LEDGER_MOVES: Final[dict[str, frozenset[str]]] = {
    "reserved": frozenset({"settled", "released", "unknown"}),
    "unknown": frozenset({"settled", "released"}),
    "settled": frozenset(),
    "released": frozenset(),
}
UPLOAD_MOVES: Final[dict[str, frozenset[str]]] = {
    "planned": frozenset({"running", "failed"}),
    "running": frozenset({"done", "failed"}),
    "failed": frozenset({"running"}),
    "done": frozenset({"running"}),  # only when it is asked for again and the storage no longer has it
}
OPEN_STATES: Final = ("planned", "reserved", "submitting", "submitted", "running", "ready")
MAYBE_PAID: Final = ("submitting", "submitted", "running", "ready", "unknown")


def check_move(moves: dict[str, frozenset[str]], old: str, new: str) -> None:
    """Raise StoreError where ``old`` → ``new`` is not a legal move."""
    if new not in moves.get(old, frozenset()):
        raise StoreError(f"the journal was asked to move a row from {old!r} to {new!r}, which no rule allows")

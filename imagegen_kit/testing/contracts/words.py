"""How the checks put what they were told into their own sentences."""

from __future__ import annotations


def sentence(said: object) -> str:
    """Return a text that goes before another sentence: with one full stop, wherever it had one or none."""
    return f"{str(said).rstrip().rstrip('.')}."

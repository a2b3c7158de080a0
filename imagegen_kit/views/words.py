"""Amounts, times and values in the few words that fit under a picture. Unknown is said, never shown as zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def usd(amount: float | None) -> str:
    """Return ``$0.47``, with as many decimals as a small price needs, or ``unknown`` for None."""
    if amount is None:
        return "unknown"
    if amount == 0 or amount >= 0.9995:
        return f"${amount:,.2f}"
    digits = f"{amount:.3f}" if amount >= 0.01 else f"{amount:.6f}"
    whole, _, decimals = digits.partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}" if decimals.strip("0") else "under $0.000001"


def usd_sum(known: float | None, unknown: int) -> str:
    """Return the sum of the known amounts and how many are unknown: ``$0.47, 2 unknown``."""
    if not unknown:
        return usd(known or 0.0)
    words = f"{unknown:,} unknown"
    return f"{usd(known)}, {words}" if known else words


def seconds(amount: float) -> str:
    """Return ``0.41 s``, ``12.3 s``, ``95 s`` or ``12 min``."""
    if amount < 10:
        return f"{amount:.2f} s"
    if amount < 30:
        return f"{amount:.1f} s"
    if amount < 180:
        return f"{amount:.0f} s"
    return f"{amount / 60:.0f} min" if amount < 7200 else f"{amount / 3600:.1f} h"


def count(number: int, noun: str) -> str:
    """Return ``1 cell``, ``12 cells``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def corrected(tests: int, most: int, unit: str = "prompt") -> str:
    """Return for how many tests p-values are corrected; comparisons in which nothing differs are none.

    ``most`` is how many prompts (``unit``) with a number on both sides the comparison has that has the most of them.
    """
    if not most:
        return f"no {unit} has a number on both sides, so nothing was tested"
    if most == 1:
        return f"no comparison has more than one {unit}, so nothing was tested"
    if not tests:
        return "nothing differs anywhere, so nothing was tested"
    return f"corrected (Holm) for {count(tests, 'comparison')} in which anything differs"


def shortened(text: object, length: int) -> str:
    """Return ``text`` in one line of at most ``length`` characters, with an ellipsis where something is left out."""
    line = " ".join(str(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def said(value: Any) -> str:
    """Return a parameter's value in words: None is ``none``, True ``yes``; lists and mappings lose their brackets."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {said(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(said, value)) or "none"
    return str(value)


def is_stand_in(model: str | None) -> bool:
    """Say whether ``model`` composes clip art on this machine instead of generating."""
    return model is not None and model.startswith("offline/")


STAND_IN = "offline stand-in, not a generative model"
SIMULATION = "simulated: no real service was asked"

"""What a judge did not judge, and why: in words that blame neither the prompts nor the controls for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from imagegen_kit.experiments.judging.verdicts import PAIR
from imagegen_kit.experiments.voting import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.experiments.judging.verdicts import Verdict

# What a provider says of such an answer is meant for who wrote a prompt: of a judge's question it would mislead.
_CAUSES = {
    "ContentBlocked": "refused by the judge",
    "InvalidReply": "the judge gave no verdict in the form that was asked for",
}


def missing_notes(verdicts: Sequence[Verdict], asked: int, model: str) -> list[str]:
    """Return what has to be said where pairs have no verdict; nothing where all of ``asked`` have one."""
    pairs = [v for v in verdicts if v.kind == PAIR]
    judged = sum(v.complete for v in pairs)
    if judged >= asked:
        return []
    why = Counter(_why(v) for v in pairs if not v.complete)
    unasked = asked - len(pairs)
    if unasked > 0:
        why["not asked yet"] += unasked
    note = f"{asked - judged:,} of {asked:,} pairs have no verdict: {in_words(why)}."
    if judged:
        return [note]
    controls = [v for v in verdicts if v.kind != PAIR]
    also = sum(not v.complete for v in controls)
    of_them = (
        f" Neither have {also:,} of {len(controls):,} controls, pairs whose better picture is known." if also else ""
    )
    return [f"Nothing was judged by {model}. {note}{of_them} So this says nothing of the pictures."]


def _why(verdict: Verdict) -> str:
    return _CAUSES.get(verdict.cause or "") or (verdict.error or "not asked yet").rstrip(".")

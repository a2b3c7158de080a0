"""A model as judge: which of two pictures fulfils an order better, asked in both orders of showing them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.engine.job import Job

CHOICES = ("first", "second", "tie")


async def judge_pair(
    job: Job,
    *,
    left: Any,
    right: Any,
    question: str,
    instruction: str,
    criteria: Sequence[str],
    model: str,
    about: Mapping[str, Any],
    temperature: float | None = None,
) -> list[dict[str, Any]]:
    """Ask ``model`` about two pictures, then about the same two exchanged, and return both verdicts.

    ``about`` rides along as labels. Raises what went wrong, and InvalidReply for a verdict that breaks the schema.
    """
    verdicts = []
    for shown in ((left, right), (right, left)):
        more = {"system": instruction, "temperature": temperature, "labels": dict(about)}
        answer = await job.ask(question, model=model, references=list(shown), schema=schema_of(criteria), **more)
        verdicts.append(read_verdict(answer.data, criteria, model))
    return verdicts


def schema_of(criteria: Sequence[str]) -> dict[str, Any]:
    """Return the JSON schema of a verdict: for each criterion a reason and a choice, and the choice in all, last."""
    choice = {"type": "string", "enum": list(CHOICES)}
    each = _closed({"reason": {"type": "string"}, "better": choice})
    return {"title": "verdict", **_closed({"criteria": _closed(dict.fromkeys(criteria, each)), "choice": choice})}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def read_verdict(said: Any, criteria: Sequence[str], model: str) -> dict[str, Any]:
    """Return ``{"choice": …, "reasons": {criterion: "first: …"}}``. Raises InvalidReply for all else."""
    with contextlib.suppress(TypeError, KeyError):
        each = {name: said["criteria"][name] for name in criteria}
        if {said["choice"], *(one["better"] for one in each.values())} <= set(CHOICES):
            return {"choice": said["choice"], "reasons": {n: f"{o['better']}: {o['reason']}" for n, o in each.items()}}
    raise InvalidReply(f"{model} gave no verdict in the form that was asked for: {str(said)[:200]}", model=model)

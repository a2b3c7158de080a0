"""The votes on a run, each with what was left and right and on which prompt, as statistics need them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.contenders import compared, parameters_of, prompt_of
from imagegen_kit.experiments.pairing import AGAIN, parameter_of
from imagegen_kit.experiments.voting import JUDGE

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run

_VOTES = (
    "SELECT v.id, v.rater, v.pair, v.left_request, v.right_request, l.cell, r.cell, v.choice, v.milliseconds, "
    "v.created_at, v.blind FROM votes v LEFT JOIN requests l ON l.id = v.left_request "
    "LEFT JOIN requests r ON r.id = v.right_request WHERE v.run = ? AND v.undone_at IS NULL ORDER BY v.id"
)


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote that stands. ``left`` and ``right`` are the values, as they are recorded, that the pictures had."""

    rater: str
    by: str
    pair: str  # without what marks a repeat
    again: bool
    left_request: int
    right_request: int
    left: str
    right: str
    prompt: str
    choice: str
    milliseconds: int | None
    created_at: str
    blind: bool

    @property
    def judge(self) -> bool:
        """Whether a machine cast it."""
        return self.rater.startswith(JUDGE)

    @property
    def preferred(self) -> int | None:
        """The request that was preferred, None for ties, "both bad" and skipped pairs."""
        return {"left": self.left_request, "right": self.right_request}.get(self.choice)

    @property
    def verdict(self) -> str:
        """What was said of the pair, whichever side either lay on: "low", "high" (the request's number), or "tie"."""
        if self.preferred is None:
            return "skip" if self.choice == "skip" else "tie"
        return "low" if self.preferred == min(self.left_request, self.right_request) else "high"


def votes_of(run: Run) -> list[Cast]:
    """Return all votes on ``run`` that stand, oldest first; those on pictures beyond a selection are left out."""
    run._flush()
    params = parameters_of(run)
    found = []
    for _, rater, key, left, right, left_cell, right_cell, choice, took, at, blind in run._store.journal.read(
        _VOTES, (run._number,)
    ):
        if run._only is not None and not {left, right} <= run._only:
            continue
        by = parameter_of(key)
        if by not in params.get(left_cell, {}) or by not in params.get(right_cell, {}):
            continue  # of a bundle that was shared without what it was about
        sides = params[left_cell][by], params[right_cell][by]
        prompt = prompt_of(params[left_cell], by)
        again = key.endswith(AGAIN)
        pair = key.removesuffix(AGAIN)
        found.append(Cast(rater, by, pair, again, left, right, *sides, prompt, choice, took, at, bool(blind)))
    return found


def chosen_votes(run: Run, by: object, raters: object, *, blind: bool = True) -> tuple[str, list[Cast], Counter[str]]:
    """Return the parameter, the votes on it by ``raters``, and how many were left out, and why.

    ``by`` None is what was voted on, where that is one parameter. ``raters`` None is all people, "people" too;
    "judges" all machines; else a name or several. Raises InvalidInput for names that nobody has, and without votes.
    """
    votes = votes_of(run)
    names = sorted({vote.rater for vote in votes})
    if not votes:
        hint = "run.vote() shows pairs; run.import_votes(…) reads what others voted."
        raise InvalidInput([Fault("votes", "nobody has voted on this run yet.", hint)])
    voted_on = list(dict.fromkeys(vote.by for vote in votes))
    if by is None:
        by = voted_on[0] if len(voted_on) == 1 else compared(run, None)
    if by not in voted_on:
        raise InvalidInput([unknown_name_fault("parameter that was voted on", by, voted_on, where="by")])
    wanted = _wanted(raters, names)
    left_out: Counter[str] = Counter()
    found = []
    for vote in votes:
        if vote.by != by:
            continue
        if vote.rater not in wanted:
            whose = "judges" if vote.judge else "people" if raters == "judges" else "other raters"
            left_out[f"of {whose}"] += 1
        elif blind and not vote.blind and not vote.judge:
            left_out["not blind"] += 1
        else:
            found.append(vote)
    return str(by), found, left_out


def _wanted(raters: object, names: list[str]) -> set[str]:
    if raters is None or raters == "people":
        return {name for name in names if not name.startswith(JUDGE)}
    if raters == "judges":
        return {name for name in names if name.startswith(JUDGE)}
    if raters == "all":
        return set(names)
    if not isinstance(raters, Iterable):
        what = f"a {type(raters).__name__} names no raters."
        raise InvalidInput([Fault("raters", what, 'Write "people", "judges", "all", or names.')])
    given = [raters] if isinstance(raters, str) else list(raters)
    faults = [
        unknown_name_fault("rater of this run", name, names, where="raters") for name in given if name not in names
    ]
    if faults:
        raise InvalidInput(faults)
    return set(given)

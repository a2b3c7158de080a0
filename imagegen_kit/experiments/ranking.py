"""Votes into a ranking: strengths with intervals and tiers, and how far the raters can be trusted."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import ceil, isnan
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.samples import texts
from imagegen_kit.experiments.statistics import (
    bradley_terry,
    cohen_kappa,
    krippendorff_alpha,
    need_extra,
    rate_interval,
    tiers,
    votes_needed,
)
from imagegen_kit.experiments.voted import chosen_votes
from imagegen_kit.tables.scores import judge_doubts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.experiments.statistics import Strengths
    from imagegen_kit.experiments.voted import Cast

RANKING = {
    "tier": "Int64", "strength": "Float64", "low": "Float64", "high": "Float64", "votes": "Int64", "wins": "Int64",
    "losses": "Int64", "ties": "Int64", "both_bad": "Int64", "votes_missing": "Int64",
}  # fmt: skip
RATERS = {
    "votes": "Int64", "ties": "Int64", "both_bad": "Int64", "skipped": "Int64", "left_share": "Float64",
    "left_low": "Float64", "left_high": "Float64", "repeated": "Int64", "self_agreement": "Float64",
    "self_low": "Float64", "self_high": "Float64", "same_side": "Int64", "shared": "Int64", "agreement": "Float64",
    "kappa": "Float64", "judge": "boolean",
}  # fmt: skip
# Which of a pair is named first means nothing, so each pair counts in both orders where agreement is told from chance:
# else raters who all prefer one value, which the grid always has first, would agree no more than chance has them agree.
_TURNED = {"low": "high", "high": "low", "tie": "tie"}


def ranking(run: Run, by: object, raters: object, *, blind: bool, win_rate: float, power: float) -> pd.DataFrame:
    """Return the table of ``Run.ranking``."""
    import numpy as np
    import pandas as pd

    needed = _needed(win_rate, power)
    by, votes, left_out = chosen_votes(run, by, raters, blind=blind)
    left_out.update("skipped" for vote in votes if vote.choice == "skip")
    left_out.update("repeats" for vote in votes if vote.again and vote.choice != "skip")
    counted = [vote for vote in votes if vote.choice != "skip" and not vote.again]
    if not counted:
        why = f" Left out: {', '.join(f'{n} {w}' for w, n in left_out.most_common())}." if left_out else ""
        raise InvalidInput([Fault("votes", f"no vote on {by} can be counted.{why}", _next_step(left_out))])
    values = list(dict.fromkeys(value for vote in counted for value in sorted((vote.left, vote.right))))
    place = {value: i for i, value in enumerate(values)}
    prompts = {prompt: i for i, prompt in enumerate(dict.fromkeys(vote.prompt or vote.pair for vote in counted))}
    wins = np.zeros((len(prompts), len(values), len(values)))
    single = []
    for vote in counted:
        left, right = place[vote.left], place[vote.right]
        won = {"left": 1.0, "right": 0.0}.get(vote.choice, 0.5)
        wins[prompts[vote.prompt or vote.pair], left, right] += won
        wins[prompts[vote.prompt or vote.pair], right, left] += 1 - won
        single.append((left, right, won))
    found = bradley_terry(wins, single)
    tier = tiers(list(found.low), list(found.high))
    missing = _missing(found, tier, needed)
    tally = {value: _tally(counted, value) for value in values}
    order = sorted(range(len(values)), key=lambda i: -float(found.values[i]))
    words = texts(values)
    rows = [
        (tier[i], found.values[i], found.low[i], found.high[i], *tally[values[i]], missing[i]) for i in order
    ]  # fmt: skip
    data = {name: pd.array([row[k] for row in rows], dtype=kind) for k, (name, kind) in enumerate(RANKING.items())}  # type: ignore[call-overload]  # a dtype by name
    frame = pd.DataFrame(data, index=pd.Index([words[values[i]] for i in order], name=by, dtype="object"))
    frame.attrs.update(
        {
            "by": by, "votes": len(counted), "prompts": len(prompts), "raters": len({v.rater for v in counted}),
            "left_out": dict(left_out), "resampled": found.unit, "alpha": _alpha(counted), "win_rate": win_rate,
            "power": power, "both_bad": sum(v.choice == "both_bad" for v in counted), **_sides(votes),
            "notes": _notes(run, counted),
        }
    )  # fmt: skip
    return frame


def raters_table(run: Run, by: object) -> pd.DataFrame:
    """Return the table of ``Run.raters``."""
    import pandas as pd

    need_extra()
    _, votes, _ = chosen_votes(run, by, "all", blind=False)
    names = list(dict.fromkeys(vote.rater for vote in votes))
    rows = []
    for name in names:
        own = [vote for vote in votes if vote.rater == name]
        said = [vote for vote in own if vote.choice != "skip"]
        told = _sides(own)
        shared, agreement, kappa = _with_others(votes, name)
        rows.append(
            {
                "votes": len(said), "ties": sum(v.choice in ("tie", "both_bad") for v in said),
                "both_bad": sum(v.choice == "both_bad" for v in said), "skipped": len(own) - len(said), **told,
                "shared": shared, "agreement": agreement, "kappa": kappa, "judge": own[0].judge,
            }
        )  # fmt: skip
    data = {c: pd.array([_known(row[c]) for row in rows], dtype=kind) for c, kind in RATERS.items()}  # type: ignore[call-overload]  # a dtype by name
    frame = pd.DataFrame(data, index=pd.Index(names, name="rater", dtype="object"))
    people = [vote for vote in votes if not vote.judge]
    frame.attrs["alpha"] = _alpha([vote for vote in people if vote.blind])
    if late := sum(not vote.blind for vote in people):
        gave = f"{late:,} vote{'s' * (late != 1)} of people who knew whose picture was whose"
        frame.attrs["notes"] = [f"Among these are {gave}: neither alpha nor ranking() counts them."]
    return frame


def _next_step(left_out: Counter[str]) -> str:
    """Return what counts the votes of which none counts as it was asked."""
    steps = {
        "of people": "raters=None counts those of people.",
        "of judges": 'raters="judges" counts those of judges.',
        "of other raters": "raters=… names whose votes count: run.raters() shows who voted.",
        "not blind": "blind=False counts those of people who knew whose picture was whose.",
    }
    known = [step for why, step in steps.items() if left_out[why]]
    return " ".join(known) or "Vote on more pairs: run.vote()."


def _notes(run: Run, counted: Sequence[Cast]) -> list[str]:
    """Return what has to be said of votes that machines gave."""
    votes = Counter(vote.rater for vote in counted if vote.judge)
    doubted = judge_doubts(run._store.journal, run._number, votes)
    notes = [f"No claim by the votes of {name}: {doubt}." for name, doubt in doubted.items()]
    if 0 < votes.total() < len(counted):
        what = f"{votes.total():,} of these {len(counted):,} votes are of machine judges, not of people"
        notes.insert(0, f"{what}; raters=None counts people alone.")
    return notes


def _needed(win_rate: float, power: float) -> int:
    need_extra()
    faults = []
    if isinstance(win_rate, bool) or not isinstance(win_rate, (int, float)) or not 0.5 < win_rate < 1:
        faults.append(
            Fault("win_rate", f"{win_rate!r:.40} is no win rate to tell.", "Give more than 0.5, less than 1.")
        )
    if isinstance(power, bool) or not isinstance(power, (int, float)) or not 0.5 <= power < 1:
        faults.append(Fault("power", f"{power!r:.40} is no power.", "Give 0.5 or more, less than 1; 0.8 is usual."))
    if faults:
        raise InvalidInput(faults)
    return votes_needed(win_rate, power)


def _missing(found: Strengths, tier: Sequence[int], needed: int) -> list[int]:
    """Return how many votes each lacks to be told from all others of its tier, 0 where it stands alone.

    Votes on others count as far as they tell something: the error of a difference is that of 4 / error² plain votes.
    """
    missing = [0] * len(tier)
    for i, j in combinations(range(len(tier)), 2):
        if tier[i] == tier[j]:
            error = float(found.errors[i, j])
            lacking = max(0, ceil(needed - (4 / error**2 if error > 0 else 0)))
            missing[i], missing[j] = max(missing[i], lacking), max(missing[j], lacking)
    return missing


def _tally(votes: Sequence[Cast], value: str) -> tuple[int, int, int, int, int]:
    own = [vote for vote in votes if value in (vote.left, vote.right)]
    seen = Counter(
        vote.choice if vote.choice in ("tie", "both_bad") else (vote.left, vote.right)[vote.choice == "right"] == value
        for vote in own
    )
    return len(own), seen[True], seen[False], seen["tie"] + seen["both_bad"], seen["both_bad"]


def _sides(votes: Sequence[Cast]) -> dict[str, Any]:
    """Return how often the left side won, and what a second look at the same pair, mirrored, said."""
    decided = [vote for vote in votes if vote.preferred is not None and not vote.again]
    left = sum(vote.choice == "left" for vote in decided)
    first = {(vote.rater, vote.pair): vote for vote in votes if not vote.again and vote.choice != "skip"}
    twice = [
        (first[vote.rater, vote.pair], vote)
        for vote in votes
        if vote.again and vote.choice != "skip" and (vote.rater, vote.pair) in first
    ]
    alike = sum(one.verdict == other.verdict for one, other in twice)
    low, high = rate_interval(left, len(decided))
    self_low, self_high = rate_interval(alike, len(twice))
    return {
        "left_share": left / len(decided) if decided else None, "left_low": _known(low), "left_high": _known(high),
        "repeated": len(twice), "self_agreement": alike / len(twice) if twice else None,
        "self_low": _known(self_low), "self_high": _known(self_high),
        "same_side": sum(one.choice == other.choice and one.preferred is not None for one, other in twice),
    }  # fmt: skip


def _with_others(votes: Sequence[Cast], name: str) -> tuple[int, float | None, float | None]:
    """Return on how many pairs somebody else voted too, and the share and kappa of agreement with those."""
    units = _units(votes)
    both = [
        (said[name], other) for said in units.values() if name in said for rater, other in said.items() if rater != name
    ]
    if not both:
        return 0, None, None
    own, others = zip(*both, *((_TURNED[a], _TURNED[b]) for a, b in both), strict=True)
    return len(both), sum(a == b for a, b in both) / len(both), _known(cohen_kappa(own, others))


def _alpha(votes: Sequence[Cast]) -> float | None:
    units = [list(said.values()) for said in _units(votes).values()]
    alpha: float | None = _known(krippendorff_alpha([*units, *([_TURNED[one] for one in said] for said in units)]))
    return alpha


def _units(votes: Sequence[Cast]) -> dict[str, dict[str, str]]:
    """Return {pair: {rater: verdict}} of what was seen for the first time and not skipped."""
    found: dict[str, dict[str, str]] = {}
    for vote in votes:
        if not vote.again and vote.choice != "skip":
            found.setdefault(vote.pair, {})[vote.rater] = vote.verdict
    return found


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value

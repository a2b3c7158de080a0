"""The answer in honest words: what may be claimed with its interval, what cannot be told yet, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.comparing import OPEN, open_first
from imagegen_kit.report.frames import figures, interval
from imagegen_kit.report.parts import Items, Section, Words
from imagegen_kit.types import SIMULATED
from imagegen_kit.views.words import corrected, count, is_stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from imagegen_kit.report.known import Known

MOST_CLAIMS, MOST_OPEN = 8, 4
_NEVER = "The pictures come from stand-ins on this machine or from simulated services: they say nothing of real models."


def answer(known: Known) -> Section:
    """Return what the run proves, and what it does not."""
    blocks: list[Any] = []
    table = known.table
    made = int(table["status"].isin(["ok", "cached"]).sum())
    if known.elsewhere:
        told = f"{count(made, 'picture')} made elsewhere; of {len(table) - made:,} more it is told that none came."
        words = told if made < len(table) else f"{count(made, 'picture')} made elsewhere; what failed is not told."
    else:
        words = f"{made:,} of {count(len(table), 'request')} brought a picture or text from the model asked."
    blocks.append(Words(words))
    if not made:
        blocks.append(Words("Nothing came of this run, so nothing can be said of quality.", "warning"))
    comparison = known.comparison
    if isinstance(comparison, str):
        blocks.append(Words(comparison))
    else:
        blocks += _compared(comparison, str(known.by), known.unit)
    blocks += _ranked(known)
    models = set(table["model_used"].dropna())
    simulated = table["origin"].fillna("").str.startswith(SIMULATED).any()
    if simulated or any(map(is_stand_in, models)):
        blocks.append(Words(_NEVER, "warning"))
    return Section("answer", "The answer", blocks)


def _compared(frame: pd.DataFrame, by: str, unit: str) -> Iterator[Any]:
    rows: list[Any] = list(frame.astype(object).where(frame.notna(), None).itertuples(index=False))
    rows.sort(
        key=lambda row: (not row.metric.startswith("score_"), row.metric.count("_"))
    )  # a scorer's own number first
    claims = [row for row in rows if row.verdict.startswith(("a is", "b is"))]
    if claims:
        yield Words(f"What holds, at 95 % for the {by}s and metrics compared here together:")
        yield Items([claim(row, unit) for row in claims[:MOST_CLAIMS]])
        if len(claims) > MOST_CLAIMS:
            yield Words(f"… and {len(claims) - MOST_CLAIMS:,} more differences in the table below.")
    else:
        yield Words(f"Nothing can be claimed yet about {by}.")
    yield from _open(rows, unit)
    unfair = sum(bool(row.unfair) for row in claims)
    if unfair:
        words = f"Of {count(unfair, 'claim')} some pairs were not asked alike: see Fairness before you repeat them."
        yield Words(words, "warning")
    if rows:
        tests, most = int(frame.attrs.get("tests", len(rows))), max(row.n for row in rows)
        how = corrected(tests, most, unit)
        told = f"A claim is made only where p is below .05, {how}." if tests else f"{how[0].upper()}{how[1:]}."
        yield Words(f"Paired {unit} by {unit}; intervals are 95 %. {told}", "small")


def _open(rows: list[Any], unit: str) -> Iterator[Any]:
    missing = [row for row in rows if row.verdict.startswith(OPEN)]
    missing.sort(key=lambda row: open_first(row.verdict, row.missing))
    if not missing:
        return
    lines = []
    for row in missing[:MOST_OPEN]:
        seen = f"; seen {_effect(row, 1)}, {count(row.n, unit)}" if row.effect is not None else ""
        lines.append(f"{row.a} against {row.b} on {row.metric}: {row.verdict}{seen}.")
    left = len(missing) - MOST_OPEN
    yield Words("What cannot be told yet:")
    yield Items([*lines, *([f"… and {count(left, 'more comparison')}."] if left > 0 else [])])


def claim(row: Any, unit: str = "prompt") -> str:
    """Return one row of ``run.compare`` as a sentence: winner first, effect, interval, number of prompts (``unit``)."""
    first, how = row.verdict.split(" is ")
    sign = 1 if first == "a" else -1
    winner, loser = (row.a, row.b) if first == "a" else (row.b, row.a)
    return f"{winner} is {how} than {loser} on {row.metric}: {_effect(row, sign)}, {count(row.n, unit)}."


def _effect(row: Any, sign: int) -> str:
    unit = f" {row.unit}" if row.unit else ""
    return f"{figures(float(row.effect) * sign, signed=True)}{unit} {interval(row.low, row.high, sign)}"


def _ranked(known: Known) -> Iterator[Any]:
    frame = known.ranking
    if isinstance(frame, str):
        return
    votes = f"{count(int(frame.attrs.get('votes', 0)), 'vote')} of {count(int(frame.attrs.get('raters', 0)), 'rater')}"
    tiers = [list(frame.index[frame["tier"] == tier]) for tier in sorted(frame["tier"].dropna().unique())]
    best = frame.iloc[0]
    missing = int(frame["votes_missing"].fillna(0).max())
    lacking = f"; {count(missing, 'vote')} missing to tell a win rate of {frame.attrs.get('win_rate', 0.6):.0%} apart"
    if len(tiers) > 1:
        first = " and ".join(map(str, tiers[0]))
        verb = "are" if len(tiers[0]) > 1 else "is"
        yield Words(
            f"By {votes}, {first} {verb} in the first of {len(tiers)} tiers: strength "
            f"{figures(float(best['strength']))} {interval(best['low'], best['high'])}{lacking if missing else ''}.",
            "claim",
        )
    else:
        yield Words(f"By {votes} nobody is ahead: all are in one tier{lacking if missing else ''}.")

"""The columns of what is judged: scorers, a comparison, a ranking, its raters; intervals beside all numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.views.listing_columns import Column, Kind, Row
from imagegen_kit.views.markup import Markup, text
from imagegen_kit.views.words import corrected, count, seconds, usd

if TYPE_CHECKING:
    import pandas as pd

DIRECTION = {"higher": "higher is better", "lower": "lower is better"}


def _amount(value: Any, unit: str, *, sign: bool = False) -> str:
    """Return a number with its unit; ``sign`` also says that it is more."""
    number = float(value)
    plus = "+" if sign and number > 0 else "−" if number < 0 else ""
    size = abs(number)
    if unit == "USD":
        return plus + usd(size)
    if unit == "s":
        return plus + (seconds(size) if size >= 0.0995 or not size else f"{size * 1000:.2g} ms")
    return f"{plus}{size:.3g}" + (f" {unit}" if unit else "")


def _range(row: Row, low: str, high: str, unit: str = "", *, sign: bool = False) -> str:
    if row.known(low) is None or row.known(high) is None:
        return "unknown"
    return f"{_amount(row.known(low), unit, sign=sign)} to {_amount(row.known(high), unit, sign=sign)}"


def _share(row: Row, name: str, low: str, high: str) -> str:
    if row.known(name) is None:
        return "–"
    words = f"{float(row.known(name)):.0%}"
    if row.known(low) is None:
        return words
    return f"{words} ({float(row.known(low)):.0%} to {float(row.known(high)):.0%})"


# ---------------------------------------------------------------------- comparison
def _metric(row: Row) -> str:
    direction = DIRECTION.get(row.said("better"), "neither way is better")
    return f"{row.said('metric')} ({direction})"


def _verdict(row: Row, length: int = 32) -> str:
    words = row.said("verdict")
    for side in ("a", "b"):
        if words.startswith(f"{side} is "):
            return f"{row.said(side, length)} {words[2:]}"
    return words


def _claim(row: Row) -> Markup:
    words = text(_verdict(row, 60))
    return Markup(f"<b>{words}</b>") if row.said("verdict").startswith(("a is ", "b is ")) else words


def _sides(row: Row, length: int = 20) -> str:
    return f"{row.said('a', length)} − {row.said('b', length)}"  # both are seen, however long they are


def _effect(row: Row) -> str:
    if row.known("effect") is None:
        return "–"
    unit = row.said("unit")
    inside = unit if unit in ("USD", "s") else ""  # a word behind every number would only be in the way
    middle = "median " if row.said("of") == "median" else ""
    return f"{middle}{_amount(row.known('effect'), unit, sign=True)} ({_range(row, 'low', 'high', inside, sign=True)})"


def _wins(row: Row) -> str:
    share = _share(row, "win_rate", "win_low", "win_high")
    return (
        share if row.known("win_n") in (None, row.known("n")) or share == "–" else f"{share} of {row.number('win_n')}"
    )


def _p(row: Row) -> str:
    value = row.known("p_holm")
    return "–" if value is None else "< 0.001" if float(value) < 0.001 else f"{float(value):.3f}"


def _prompts(row: Row) -> str:
    n, of = row.number("n"), row.number("prompts")
    return f"{n:,}" if n == of else f"{n:,} of {of:,}"


def _lost(row: Row) -> str:
    failed = [row.number(f"{side}_failed") for side in "ab"]
    lost = [row.number(f"{side}_lost") for side in "ab"]
    if row.said("metric") != "success":  # of what is lost, only what came and has no number: no failure counts twice
        lost = [max(0, of - bad) for of, bad in zip(lost, failed, strict=True)]
    counts = {"failed": failed, "came without a number": lost}
    return "; ".join(f"{a:,} and {b:,} {what}" for what, (a, b) in counts.items() if a or b) or "–"


def _unfair(row: Row) -> str:
    return f"{row.number('unfair'):,}" if row.number("unfair") else "–"


def _comparison(frame: pd.DataFrame) -> str:
    claims = int(frame["verdict"].str.contains(r"^[ab] is ", na=False).sum())
    unit, most = frame.attrs.get("unit", "prompt"), int(frame["n"].fillna(0).max() or 0) if len(frame) else 0
    few = f" · too few {unit}s for any claim" if frame["verdict"].str.startswith("too few").any() else ""
    by = f"by {frame.attrs['by']} · " if "by" in frame.attrs else ""
    how = f", {corrected(frame.attrs['tests'], most, unit)}" if "tests" in frame.attrs or not most else ""
    return f"{by}{count(len(frame), 'comparison')} · {count(claims, 'claim')} at 5 %{how}{few}"


# ---------------------------------------------------------------------- ranking
def _strength(row: Row) -> str:
    return f"{float(row.known('strength')):.0f} ({float(row.known('low')):.0f} to {float(row.known('high')):.0f})"


def _missing(row: Row) -> str:
    return f"not enough: {row.number('votes_missing'):,} more" if row.number("votes_missing") else "enough"


def _ranking(frame: pd.DataFrame) -> str:
    told, parts = frame.attrs, []
    if "votes" in told:
        parts = [count(told["votes"], "vote"), count(told["raters"], "rater"), count(told["prompts"], "prompt")]
    if told.get("alpha") is not None:
        parts.append(f"agreement of raters: alpha {told['alpha']:.2f}")
    if told.get("self_agreement") is not None:
        parts.append(f"the same said again of {told['self_agreement']:.0%} of {told['repeated']:,} repeats")
    if told.get("left_share") is not None:
        share, low, high = told["left_share"], told["left_low"], told["left_high"]
        parts.append(f"left side won {share:.0%} ({low:.0%} to {high:.0%})")
    if told.get("left_out"):
        parts.append("not counted: " + ", ".join(f"{n:,} {why}" for why, n in told["left_out"].items()))
    return " · ".join(parts) or count(len(frame), "value")


def _kappa(row: Row) -> str:
    value = row.known("kappa")
    agreed = "–" if row.known("agreement") is None else f"{float(row.known('agreement')):.0%}"
    return agreed if value is None else f"{agreed}, kappa {float(value):.2f}"


def _raters(frame: pd.DataFrame) -> str:
    alpha = frame.attrs.get("alpha")
    return count(len(frame), "rater") + (f" · agreement of people: alpha {alpha:.2f}" if alpha is not None else "")


def _spread(row: Row) -> str:
    low, high = (row.known(name) for name in ("low", "high"))
    if low is None and high is None:
        return "any"
    if low is None or high is None:
        return f"from {low:g}" if high is None else f"up to {high:g}"
    return f"{low:g} to {high:g}"


_OF_SCORERS = ("scorer", "better", "unit", "low", "high", "of", "card")
_OF_COMPARISON = (
    "a", "b", "metric", "better", "unit", "of", "effect", "low", "high", "win_rate", "win_low", "win_high", "n",
    "prompts", "p_holm", "verdict", "unfair", "a_lost", "b_lost", "a_failed", "b_failed",
)  # fmt: skip
_OF_RANKING = ("tier", "strength", "low", "high", "votes", "wins", "losses", "ties", "both_bad", "votes_missing")
_OF_RATERS = (
    "votes", "skipped", "left_share", "left_low", "left_high", "repeated", "self_agreement", "self_low", "self_high",
    "shared", "agreement", "kappa",
)  # fmt: skip


def ranking_kind(index: str) -> Kind:
    """Return the listing of a ranking by a parameter: its index has that name."""
    return Kind(
        index,
        _OF_RANKING,
        (),
        (
            Column("tier", lambda row: str(row.number("tier"))),
            Column(index, lambda row: row.said(index)),
            Column("strength", _strength, unbroken=True),
            Column("votes", lambda row: f"{row.number('votes'):,}"),
            Column("won", lambda row: f"{row.number('wins'):,}"),
            Column("lost", lambda row: f"{row.number('losses'):,}"),
            Column("ties", lambda row: f"{row.number('ties'):,}"),
            Column("to tell it from its tier", _missing),
        ),
        _ranking,
        frozenset(_OF_RANKING),
    )


def comparison_kind(frame: pd.DataFrame) -> Kind:
    """Return the listing of a comparison: what is paired in it (prompts, files …) heads a column."""
    return Kind(
        None,
        _OF_COMPARISON,
        ("a_value", "b_value", "p", "missing", "method", "win_n"),
        (
            Column("what", _metric),
            Column("difference of", _sides, lambda row: text(_sides(row, 60))),
            Column("effect (95 % interval)", _effect),
            Column("first wins", _wins, narrow=False),
            Column(f"{frame.attrs.get('unit', 'prompt')}s", _prompts),
            Column("p (Holm)", _p),
            Column("verdict", _verdict, _claim),
            Column("unfair", _unfair, optional=True),
            Column("lost, of either", _lost, optional=True, narrow=False),
        ),
        _comparison,
        frozenset(_OF_COMPARISON),
    )


JUDGED = {
    "scorers": Kind(
        "column",
        _OF_SCORERS,
        ("reads", "version", "install"),
        (
            Column("column", lambda row: row.said("column"), unbroken=True),
            Column("better", lambda row: row.said("better") or "–"),
            Column("unit", lambda row: row.said("unit") or "–"),
            Column("range", _spread, unbroken=True),
            Column("of a", lambda row: row.said("of")),
            Column("what it says", lambda row: row.said("card")),
        ),
        lambda frame: f"{count(len(frame), 'number')} of {count(frame['scorer'].nunique(), 'scorer')}",
        frozenset(_OF_SCORERS),
    ),
    "raters": Kind(
        "rater",
        _OF_RATERS,
        ("ties", "both_bad", "same_side", "judge"),
        (
            Column("rater", lambda row: row.said("rater")),
            Column("votes", lambda row: f"{row.number('votes'):,}"),
            Column("left side won", lambda row: _share(row, "left_share", "left_low", "left_high")),
            Column("the same again", lambda row: _share(row, "self_agreement", "self_low", "self_high")),
            Column("repeats", lambda row: f"{row.number('repeated'):,}"),
            Column("agrees with others", _kappa),
            Column("shared pairs", lambda row: f"{row.number('shared'):,}"),
        ),
        _raters,
        frozenset(_OF_RATERS),
    ),
}  # fmt: skip

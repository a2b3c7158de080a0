"""A judgement in a cell: who won how often, and what has to be said beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.views.markup import ALARM, Markup, box, lines, small, table, text
from imagegen_kit.views.words import count, usd_sum

if TYPE_CHECKING:
    from imagegen_kit.experiments.judging.judgement import Judgement


def show_judgement(judgement: Judgement) -> str:
    """Show the shares with their intervals, whether the judge can be trusted, and what it cost."""
    costs = [verdict.cost_usd for verdict in judgement.verdicts]
    cost = usd_sum(sum(c for c in costs if c is not None), costs.count(None))
    judged, asked = len(judgement.judged), judgement.asked
    facts = [
        f"{judged:,} of {count(asked, 'pair')} judged by {judgement.model}",
        f"rubric {judgement.rubric.name} {judgement.rubric.version}",
        f"cost {cost}",
    ]
    if judgement.rater.endswith("(simulated)"):
        facts.append("simulated")
    rows = [
        (text(value), *(text(f"{row[name]:,}") for name in ("pairs", "wins", "losses", "ties")), text(_share(row)))
        for value, row in judgement.summary().astype(object).where(lambda f: f.notna(), None).iterrows()
    ]
    head = [text(name) for name in (judgement.by, "pairs", "won", "lost", "ties", "share of pairs won")]
    found = judgement.reliability
    warned = [note for note in judgement.notes if note.startswith(("Do not trust", "Nobody knows", "Not calibrated"))]
    rest = [note for note in judgement.notes if note not in warned]
    return box(
        lines(f"<b>{text('judgement of ' + (judgement.run.name or 'run'))}</b> · {text(' · '.join(facts))}"),
        *(_warning(note, loud=found.trusted is False and note.startswith("Do not")) for note in warned),
        table(rows, head) if rows else None,
        lines(*(small(text(note)) for note in rest)),
    )


def _share(row: Any) -> str:
    low, high = row["low"], row["high"]
    interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return f"{row['share']:.2f}{interval}"


def _warning(words: str, *, loud: bool) -> Markup:
    style = f"border-left:{ALARM};padding:2px 8px;margin:4px 0" if loud else "margin:4px 0"
    return Markup(
        f'<div style="{style}"><b>{text(words)}</b></div>' if loud else f'<div style="{style}">{text(words)}</div>'
    )

"""What a search found: a strip of small pictures with names and scores; and why, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.views.markup import Markup, box, figure, lines, small, table, text
from imagegen_kit.views.pictures import AT_MOST, shown
from imagegen_kit.views.words import count, shortened

if TYPE_CHECKING:
    from imagegen_kit.retrieval.retrievers.evaluation import Evaluation
    from imagegen_kit.retrieval.retrievers.hits import Explanation, Hits
    from imagegen_kit.types import Reference

STRIP_PX = 128


def show_hits(hits: Hits) -> str:
    """Show the hits as a strip, best first, and what people should know of the search below."""
    found = hits[:AT_MOST]
    more = len(hits) - len(found)
    notes = [small(text(note)) for note in hits._about.notes]
    return box(
        lines(text(count(len(hits), "hit"))) if not hits else "",
        *(_hit(reference) for reference in found),
        lines(text(f"… and {more} more; .table() has them all") if more > 0 else "", *notes),
    )


def _hit(reference: Reference) -> Markup:
    name = reference.name or reference.origin or "unnamed"
    width, height = reference.picture.width or STRIP_PX, reference.picture.height or STRIP_PX
    fitted = max(1, round(width * min(1.0, STRIP_PX / max(width, height))))
    facts = [reference.role] if reference.role != "content" else []
    facts.append(f"score {reference.score:.2f}")
    caption = f"{text(shortened(name, 60))}<br>{text(' · '.join(facts))}"
    picture = shown(reference.picture, f"{shortened(name, 80)}, {facts[-1]}", STRIP_PX, fitted, None)
    return figure(picture, caption, STRIP_PX)


def show_explanation(explanation: Explanation) -> str:
    """Show who answered, how and how fast, and the ranks and scores of each hit."""
    facts = [(text(name), text(value)) for name, value in explanation.facts.items()]
    hits = explanation.hits.drop(columns=["path", "caption"])
    rows = [[text(_said(value)) for value in row] for row in hits.itertuples(index=False, name=None)]
    return box(
        table(facts, ["search", ""]), table(rows, [text(str(name).replace("_", " ")) for name in hits]) if rows else ""
    )


def show_evaluation(evaluation: Evaluation) -> str:
    """Show the measures with their intervals."""
    summary = evaluation.summary()
    rows = [[text(_said(value)) for value in row] for row in summary.itertuples(index=False, name=None)]
    title = f"{evaluation.retriever} · {count(len(evaluation), 'query').replace('querys', 'queries')}"
    recall = f"the index finds {evaluation.index_recall:.1%} of the exact neighbours"
    return box(lines(text(title)), table(rows, [text(str(name)) for name in summary]), lines(small(text(recall))))


def _said(value: object) -> str:
    if str(value) in ("None", "nan", "<NA>"):  # a table's ways to say that there is nothing
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else shortened(value, 80)

"""A sketch's report as a table of its rules, and what was mended: both pictures, what was done, and the rules after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.views.markup import Markup, box, figure, lines, notice, small, table, text
from imagegen_kit.views.pictures import named, shown

if TYPE_CHECKING:
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.recipes.sketched import Sketch, Sketches
    from imagegen_kit.scorers.sketch.fix import Fixed
    from imagegen_kit.scorers.sketch.report import SketchReport
    from imagegen_kit.types import Check

SIDE_PX = 256
VERDICTS = {True: "✓ passes", False: "✗ fails", None: "– cannot be measured"}


def show_sketch_report(report: SketchReport) -> str:
    """Show each rule with its value, limit and verdict."""
    return box(_title(report), _rules(report))


def show_fixed(fixed: Fixed) -> str:
    """Show the picture before and after, the steps between, and the rules that it keeps now."""
    before = figure(_small(fixed.original, "as it came"), text(f"as it came: {_count(fixed.before)}"), SIDE_PX)
    if not fixed.steps:
        why = "keeps every rule" if fixed.before.passed else "nothing that could be mended"
        return box(before, lines(small(text(why))), _rules(fixed.after))
    after = figure(_small(fixed.picture, "fixed"), text(f"fixed: {_count(fixed.after)}"), SIDE_PX)
    steps = [(text(s.name), text(s.what), text(f"{s.changed:.1%} of the pixels")) for s in fixed.steps]
    return box(before, after, table(steps, ["step", "what was done", "changed"]), _rules(fixed.after))


def show_sketches(sketches: Sketches) -> str:
    """Show the sketches side by side, each with the phrase of every axis and the rules that it breaks."""
    figures = [_sketch(one) for one in sketches]
    head = small(text(f"{sketches.brief} · {sketches.style or 'no style'}"))
    lent = ", ".join(named(r.name, r.origin, r.role, r.picture.sha256, r.score) for r in sketches.references)
    return box(lines(head), *figures, lines(small(text(f"references: {lent}"))) if lent else None)


def _sketch(one: Sketch) -> Markup:
    words = [f"{axis}: {phrase}" for axis, phrase in one.variation.items()]
    if one.rules:
        kept = len(one.rules) - len(one.failed_rules)
        fails = f", breaks {', '.join(one.failed_rules).replace('_', ' ')}" if one.failed_rules else ""
        words.append(f"{kept} of {len(one.rules)} rules{fails}")
    if one.mended is not None:
        words.append("mended" if one.mended.ok else f"not mended: {one.mended.error}")
    caption = Markup("<br>".join(map(text, words)))
    picture = one.picture
    if picture is None:
        return figure(notice(f"no sketch: {one.error}", SIDE_PX), caption, SIDE_PX)
    return figure(_small(picture, ", ".join(one.variation.values())), caption, SIDE_PX)


def _small(picture: Picture, words: str) -> Markup:
    width, height = picture.width or SIDE_PX, picture.height or SIDE_PX
    fitted = max(1, round(width * min(1.0, SIDE_PX / max(width, height))))
    return shown(picture, f"the sketch {words}", SIDE_PX, fitted, None)


def _title(report: SketchReport) -> Markup:
    return lines(text(_count(report)))


def _count(report: SketchReport) -> str:
    return f"{len(report.rules) - len(report.failed)} of {len(report.rules)} rules"


def _rules(report: SketchReport) -> Markup:
    rows = [_row(rule, report) for rule in report.rules]
    return table(rows, ["rule", "value", "limit", "", "what it measures"])


def _row(rule: Check, report: SketchReport) -> list[Markup]:
    about = report.about[rule.name]
    value = f"{rule.value:.4g} {about.unit}" if isinstance(rule.value, float) else "–"
    words = (rule.name.replace("_", " "), value, rule.limit, VERDICTS[rule.passed], about.about)
    return [text(word) for word in words]

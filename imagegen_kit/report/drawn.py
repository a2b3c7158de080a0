"""The plots of a page as SVG inside it: no picture to fetch, sharp on paper, each with words and its data nearby."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError, MissingDependency
from imagegen_kit.plots import cost_latency, latency, spending
from imagegen_kit.plots.plot import INK, LINE, QUIET
from imagegen_kit.report.frames import table_of
from imagegen_kit.report.parts import Drawing, Section, Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen_kit.plots import Plot
    from imagegen_kit.report.known import Known

_HEAD = re.compile(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->", re.S)
# What is ink on paper follows the page: dark grounds and print have their own.
_THEMED = {INK: "ink", QUIET: "quiet", LINE: "line", "#000000": "ink"}
_FEW = 24  # rows of data that are shown below a plot


def plots(known: Known) -> Section:
    """Return price against latency, latency, and spending; words where matplotlib is missing."""
    by = known.by if known.by in known.values else "model"
    wanted: list[Callable[[], Plot]] = [
        lambda: cost_latency(known.run, str(by)),
        lambda: latency(known.run, str(by)),
        lambda: spending(known.run),
    ]
    blocks: list[Any] = []
    for i, make in enumerate(wanted):
        try:
            plot = make()
            if plot.nothing:
                blocks.append(Words(f"Not drawn: {plot.title}, for {plot.nothing}.", "small"))
                continue
            blocks.append(_drawing(plot, f"p{i}"))
        except MissingDependency as error:
            return Section("plots", "Plots", [Words(str(error), "warning")])
        except ImagegenError as error:
            blocks.append(Words(f"Not drawn: {error}", "small"))
    return Section("plots", "Plots", blocks)


def _drawing(plot: Plot, prefix: str) -> Drawing:
    frame = plot.table()
    few = table_of(frame, f"Data: {plot.title}", index=frame.index.name is not None) if len(frame) <= _FEW else None
    return Drawing(plot.title, svg_of(plot, prefix), plot.alt, plot.notes, few)


def svg_of(plot: Plot, prefix: str) -> str:
    """Return a plot as SVG whose names begin with ``prefix``, so that several stand in one page."""
    figure = plot.figure  # first: it says what to install where matplotlib is missing
    import matplotlib as mpl

    out = io.StringIO()
    for axes in figure.axes:
        axes.set_title("", loc="left")  # the page says it in its own letters
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": prefix}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = _HEAD.sub("", out.getvalue())
    for colour, name in _THEMED.items():
        svg = re.sub(rf"(?<=[: ]){colour}\b", f"var(--{name})", svg)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    return re.sub(r'(<svg[^>]*?) height="[^"]*"([^>]*?) width="[^"]*"', r"\1\2", svg, count=1)

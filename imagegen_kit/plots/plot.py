"""One plot: its data, the words for those who do not see it, and the figure that is drawn when it is needed."""

from __future__ import annotations

import io
import unicodedata
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import MissingDependency, StoreError
from imagegen_kit.views.markup import Markup, box, lines, small, text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

WIDTH_IN, HEIGHT_IN = 7.2, 4.0
DPI = 160  # 1152 pixels, shown 720 wide: sharp on dense screens, some 50 KB
# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), which most colour-blind people tell apart; no plot says
# anything by colour alone.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = "osD^vPX"
FAMILY, BOX = "DejaVu Sans", "\N{WHITE SQUARE}"
MORE_FAMILIES = (  # of Chinese, Japanese, Korean and of pictographs, where they are usual: Linux, macOS, Windows
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans JP", "WenQuanYi Zen Hei", "Hiragino Sans", "Yu Gothic",
    "Microsoft YaHei", "Malgun Gothic", "Noto Emoji", "Segoe UI Emoji", "Segoe UI Symbol",
)  # fmt: skip
INK, QUIET, LINE = "#222222", "#5a5a5a", "#d0d0d0"


class Plot:
    """A static plot. Shows itself in a cell as a picture with an alternative text, on white in either theme."""

    def __init__(
        self, title: str, frame: pd.DataFrame, draw: Callable[[Any, pd.DataFrame], None], *, alt: str,
        notes: list[str], nothing: str = "",
    ) -> None:  # fmt: skip
        self.title, self.alt, self.notes = title, alt, notes
        # why there is nothing to draw, "" where there is something: axes without a mark would say that all is 0
        self.nothing = nothing if len(frame) else "nothing to draw yet"
        self._frame, self._draw = frame, draw

    def table(self) -> pd.DataFrame:
        """Return the data that are drawn, and what could not be drawn."""
        return self._frame.copy()

    @property
    def figure(self) -> Any:
        """A new ``matplotlib.figure.Figure``, to be changed or put elsewhere. Raises MissingDependency."""
        try:
            from matplotlib import rc_context
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingDependency("Plots", "matplotlib", "pip install 'imagegen-kit[plots]'") from error
        with rc_context({"font.family": list(_families())}):
            return self._drawn(Figure)

    def _drawn(self, make: Callable[..., Any]) -> Any:
        figure = make(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(plain(self.title), loc="left", fontsize=11, color=INK, fontweight="bold")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(LINE)
        axes.tick_params(colors=QUIET, labelsize=8.5)
        axes.grid(color=LINE, linewidth=0.5, alpha=0.6)
        axes.set_axisbelow(True)
        if self.nothing:
            figure.set_figheight(HEIGHT_IN / 4)
            axes.set_axis_off()
            axes.text(0, 0.5, plain(self.nothing), color=QUIET, transform=axes.transAxes)
        else:
            self._draw(axes, self._frame)
        return figure

    def save(self, path: str | Path) -> Path:
        """Write the plot; the suffix (.png, .svg, .pdf) names the format. Raises StoreError where it cannot.

        Missing folders are made, and an old file is replaced.
        """
        target = Path(path).expanduser()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.figure.savefig(target)
        except (OSError, ValueError) as error:
            raise StoreError(f"the plot cannot be written to {target}: {error}") from error
        return target

    def html(self) -> Markup:
        """Return the plot as HTML: a picture inside the page, and its notes below."""
        out = io.BytesIO()
        self.figure.savefig(out, format="png")
        source = b64encode(out.getvalue()).decode("ascii")
        style = "max-width:100%;height:auto;border-radius:4px"
        picture = f'<img src="data:image/png;base64,{source}" alt="{text(self.alt)}" width="720" style="{style}">'
        return box(picture, lines(*(small(text(note)) for note in self.notes)))

    def _repr_html_(self) -> str:
        try:
            return self.html()
        except MissingDependency as error:
            return box(lines(text(self.alt), text(error.message)))

    def __repr__(self) -> str:
        return f"Plot({self.title})"


def plain(words: object) -> str:
    """Return text as it can be drawn: two dollars in a prompt are no mathematics, what no font here has is a box."""
    known = _letters()
    drawn = "".join(c if ord(c) in known or c.isspace() else "" if _joins(c) else BOX for c in str(words))
    return drawn.replace("$", r"\$")


def _joins(letter: str) -> bool:
    """Whether it has no shape of its own: a joiner or selector that makes one emoji of several."""
    return unicodedata.category(letter) in ("Cf", "Mn", "Me")


@cache
def _families() -> tuple[str, ...]:
    """Return what is drawn with: DejaVu Sans, which comes with matplotlib, then what else is installed."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return (FAMILY, *(name for name in MORE_FAMILIES if name in installed))


@cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset().union(*(get_font(findfont(FontProperties(family=name))).get_charmap() for name in _families()))


def usd_axis(axis: Any) -> None:
    """Write the ticks of an axis as dollars, as the tables do."""
    from matplotlib.ticker import FuncFormatter

    from imagegen_kit.views.words import usd

    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(usd(value) if value >= 0 else "")))


def from_zero(axes: Any, name: str, values: list[float]) -> None:
    """Let an axis begin at 0, or be logarithmic where the values, all above 0, span more than a factor of 50.

    Where all are 0 it has no other number: a scale up to 1 would speak of what was never there.
    """
    if values and min(values) > 0 and max(values) / min(values) > 50:
        from matplotlib.ticker import ScalarFormatter

        getattr(axes, f"set_{name}scale")("log")
        getattr(axes, f"{name}axis").set_major_formatter(ScalarFormatter())
    else:
        getattr(axes, f"set_{name}lim")(0, max(values, default=0) * 1.25 or 1)
        if not any(values):
            getattr(axes, f"set_{name}ticks")([0])

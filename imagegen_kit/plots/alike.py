"""How alike pictures are: every pair as a heat map, and the likeness to the first as a line with its slope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imagegen_kit.plots.plot import COLOURS, INK, QUIET, Plot, plain
from imagegen_kit.scorers.consistency import matrix
from imagegen_kit.scorers.consistency.feature import BEYOND
from imagegen_kit.scorers.consistency.sequence import drift as slope_of
from imagegen_kit.scorers.consistency.sequence import worst_pair
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    import pandas as pd

_WRITTEN = 12  # pictures up to which each number stands in its field


def consistency(pictures: Mapping[str, Any] | Iterable[Any], *, feature: Any = "auto") -> Plot:
    """Plot the likeness, from 0 to 1, of every pair of ``pictures``; the table is ``scorers.consistency.matrix``.

    Raises InvalidInput for what is no picture.
    """
    frame = matrix(pictures, feature=feature)
    seen = frame.dropna(how="all")
    likenesses = seen[seen.index].to_numpy()
    words = "no two pictures can be compared"
    if len(seen) > 1:
        one, other = worst_pair(likenesses)
        words = f"least alike: {seen.index[one]} and {seen.index[other]}, {likenesses[one, other]:.2f}"
    notes = [words, f"by {frame.attrs['feature']}. {BEYOND}"]
    what = f"likeness of {len(frame)} pictures, pair by pair"
    return Plot(what, frame, _draw_pairs, alt=f"{what}; {words}", notes=notes)


def drift(pictures: Mapping[str, Any] | Iterable[Any], *, feature: Any = "auto") -> Plot:
    """Plot the likeness of each picture of a sequence to the first, and the line that fits it.

    The table has a row for each picture that is not blank: ``likeness`` and the ``line``, both NaN for the first.
    Raises InvalidInput for what is no picture.
    """
    import numpy as np
    import pandas as pd

    whole = matrix(pictures, feature=feature)
    by = whole.attrs["feature"]
    seen = whole.dropna(how="all")
    whole = seen[seen.index]
    if not len(whole):
        frame = pd.DataFrame({"likeness": [], "line": []}, dtype="float64")
        return Plot(
            "likeness to the first picture", frame, _draw_line, alt="all pictures are blank", notes=["all blank"]
        )
    likeness = whole.iloc[0].astype(float).copy()
    likeness.iloc[0] = np.nan
    steps, line = np.arange(len(likeness)), np.full(len(likeness), np.nan)
    slope = slope_of(whole.to_numpy())
    words = "a slope needs three pictures"
    if slope is not None:
        line[1:] = likeness.mean() + slope * (steps[1:] - steps[1:].mean())
        words = f"{slope:+.3f} a step"
    frame = pd.DataFrame({"likeness": likeness, "line": line}, index=whole.index)
    what = f"likeness to {whole.index[0]!s}, the first of {len(frame)} pictures"
    notes = [words, f"by {by}. {BEYOND}"]
    return Plot(what, frame, _draw_line, alt=f"{what}: {words}", notes=notes)


def _names(frame: pd.DataFrame) -> list[str]:
    return [plain(shortened(name, 18)) for name in frame.index]


def _draw_pairs(axes: Any, frame: pd.DataFrame) -> None:
    shown = axes.imshow(frame.to_numpy(), vmin=0, vmax=1, cmap="cividis")
    axes.grid(visible=False)
    turned = {"rotation": 40, "ha": "right"} if len(frame) > 4 else {}
    axes.set_xticks(range(len(frame)), _names(frame), **turned)
    axes.set_yticks(range(len(frame)), _names(frame))
    bar = axes.figure.colorbar(shown, ax=axes)
    bar.set_label("likeness", fontsize=9, color=QUIET)
    for (row, column), value in zip(
        ((r, c) for r in range(len(frame)) for c in range(len(frame))), frame.to_numpy().ravel(), strict=True
    ):
        if len(frame) <= _WRITTEN:
            text = f"{value:.2f}" if 0 <= value <= 1 else "blank"
            colour = "white" if value < 0.55 else INK
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def _draw_line(axes: Any, frame: pd.DataFrame) -> None:
    places = range(1, len(frame) + 1)
    axes.plot(places, frame["likeness"], marker="o", color=COLOURS[0], linewidth=1.6, label="likeness to the first")
    if frame["line"].notna().any():
        axes.plot(places, frame["line"], color=COLOURS[1], linewidth=1.2, linestyle="--", label="line of best fit")
        axes.legend(fontsize=8, frameon=False)
    axes.set_ylim(0, 1.05)
    axes.set_xlim(0.5, len(frame) + 0.5)
    step = max(1, len(frame) // 12)
    axes.set_xticks(list(places)[::step], _names(frame)[::step], rotation=30 if len(frame) > 4 else 0)
    axes.set_ylabel("likeness", fontsize=9, color=QUIET)

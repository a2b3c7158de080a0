"""How a story's characters hold from keyframe to keyframe: their presence, light and palette, and the slope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.plots.plot import COLOURS, INK, QUIET, Plot, plain
from imagegen_kit.recipes.story_told import Story
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    import pandas as pd

BY = "presence: the best fit of the character's cut-out anywhere in the picture; coherence: light and palette"


def drift_curve(story: Story) -> Plot:
    """Plot presence and coherence, from 0 to 1, of each keyframe of what ``recipes.keyframes`` returned, in order.

    The table has them and the ``line`` that fits the presence, NaN where a keyframe did not come. Raises InvalidInput
    for what is no story.
    """
    import numpy as np

    if not isinstance(story, Story):
        hint = "Give what ik.run(ik.recipes.keyframes, …) returned."
        raise InvalidInput([Fault("story", f"a {type(story).__name__} is no story.", hint)])
    frame = story.table().set_index("name")[["presence", "coherence"]].astype("float64")
    frame["line"] = np.nan
    known = frame["presence"].notna().to_numpy()
    slope = story.metrics()["value"]["drift"]
    words = "a slope needs three keyframes with a character"
    if known.sum() >= 3:
        places = np.flatnonzero(known)
        frame.loc[known, "line"] = np.polyval(np.polyfit(places, frame["presence"][known], 1), places)
        words = f"presence {slope:+.3f} a keyframe"
    what = f"{story.name}: how its {len(frame)} keyframes hold together"
    limit = story.threshold
    notes = [words, BY]
    return Plot(what, frame, lambda axes, f: _draw(axes, f, limit), alt=f"{what}: {words}", notes=notes)


def _draw(axes: Any, frame: pd.DataFrame, limit: float | None) -> None:
    places = list(range(1, len(frame) + 1))
    axes.plot(places, frame["presence"], marker="o", color=COLOURS[0], linewidth=1.6, label="presence")
    axes.plot(places, frame["line"], color=COLOURS[0], linewidth=1.0, linestyle="--", label="its line of best fit")
    axes.plot(places, frame["coherence"], marker="s", color=COLOURS[1], linewidth=1.6, label="coherence")
    if limit is not None:
        axes.axhline(limit, color=INK, linewidth=1.0, linestyle=":", label="below: tried again")
    axes.set_ylim(0, 1.05)
    axes.set_xlim(0.5, len(frame) + 0.5)
    axes.set_xticks(places, [plain(shortened(name, 18)) for name in frame.index])
    axes.legend(fontsize=8, frameon=False, loc="lower left", ncols=2)
    axes.set_xlabel("keyframe", fontsize=9, color=QUIET)

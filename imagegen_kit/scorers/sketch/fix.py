"""``auto_fix``: a sketch that keeps more of the rules, and the record of what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.imaging.encode import flatten, has_alpha
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.lazy import Shown
from imagegen_kit.scorers.sketch.limits import limits_of
from imagegen_kit.scorers.sketch.report import SketchReport, measured
from imagegen_kit.scorers.sketch.steps import STEPS, Step, StepDefinition, apply

if TYPE_CHECKING:
    from PIL import Image

    from imagegen_kit.types import Style


@dataclass(frozen=True)
class Fixed(Shown):
    """What became of a picture: the ``image`` at its full size, the ``steps`` in order, the reports around them.

    ``original`` is the picture that was given; its bytes stay as they are. Without steps ``image`` shows the same.
    """

    original: Picture
    image: Image.Image
    steps: tuple[Step, ...]
    before: SketchReport
    after: SketchReport

    @cached_property
    def picture(self) -> Picture:
        """The fixed picture as a PNG whose parent is the original, with the steps in its record.

        The original itself where nothing was done.
        """
        if not self.steps:
            return self.original
        record = dict(self.original.request or {"tool": f"imagegen_kit {__version__}"})
        lineage = [*(record.get("parents") or ()), self.original.sha256]
        record |= {"parents": list(dict.fromkeys(lineage)), "steps": [step.to_plain() for step in self.steps]}
        return replace(Picture.from_image(self.image), parents=(self.original.sha256,), provenance=record)

    def __repr__(self) -> str:
        done = ", ".join(step.name for step in self.steps) or "nothing"
        return f"Fixed({done}: {self.before.share:.0%} → {self.after.share:.0%} of the rules)"


def auto_fix(picture: object, *, limits: Mapping[str, Any] | None = None, style: str | Style | None = None) -> Fixed:
    """Mend what can be mended of a sketch without drawing; nothing where it keeps every rule.

    Greyscale, level stretch, white around the figure, specks: each is tried where a rule fails that it is for, and kept
    where it brings that rule's number nearer to its limit and breaks none that held. ``picture`` is a Picture, path,
    bytes, PIL image or uint8 array; transparent ones are laid on white first. ``limits`` and ``style`` as for
    ``sketch_report``. Raises as ``sketch_report`` does.
    """
    original = open_picture(picture)
    read = limits_of(limits, style)
    image = original.image
    before = report = measured(image, read)
    steps: list[Step] = []
    if before.passed:
        return Fixed(original, image, (), before, before)
    if has_alpha(image):
        image = flatten(image)  # shows the same as before
    for definition in STEPS:
        tried = _tried(definition, image, report)
        if tried is not None:
            image, step, report = tried
            steps.append(step)
    return Fixed(original, image, tuple(steps), before, report)


def _tried(
    definition: StepDefinition, image: Image.Image, before: SketchReport
) -> tuple[Image.Image, Step, SketchReport] | None:
    """Return picture, record and report after a step; None where it is not called for or does no good."""
    wanted = [name for name in definition.rules if name in before.failed]
    done = apply(definition, image) if wanted else None
    if done is None:
        return None
    after = measured(done[0], before.limits)
    broken = set(after.failed) - set(before.failed)
    nearer = any(after.beyond(name) < before.beyond(name) for name in wanted)
    return None if broken or not nearer else (*done, after)

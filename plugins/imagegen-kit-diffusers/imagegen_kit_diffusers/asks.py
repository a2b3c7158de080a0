"""A request as a pipeline takes it: everything checked, pictures decoded and brought to size."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from imagegen_kit import providers as kit
from imagegen_kit.errors import Fault, UnsupportedRequest
from imagegen_kit.imaging.picture import open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

    from imagegen_kit_diffusers.models import Model

Task = Literal["text", "image", "inpaint"]
SEEDS = 2**32
STRENGTH: Mapping[Task, float] = {"text": 1.0, "image": 0.7, "inpaint": 1.0}
MOST_STEPS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One picture to draw. Asks with the same ``together`` can be drawn in one batch."""

    model: Model
    id: str
    task: Task
    prompt: str
    negative_prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    strength: float
    picture: Image | None = field(default=None, repr=False, compare=False)
    mask: Image | None = field(default=None, repr=False, compare=False)

    @property
    def together(self) -> tuple[Any, ...]:
        """What all pictures of one batch share."""
        return self.model.name, self.task, self.width, self.height, self.steps, self.guidance, self.strength

    @property
    def steps_drawn(self) -> int:
        """How many steps really run: a redrawn picture starts part of the way."""
        return min(self.steps, max(1, int(self.steps * self.strength)))


def read_request(request: kit.ImageRequest, model: Model) -> Ask:
    """Return the ask of a request. Raises UnsupportedRequest with everything that cannot be drawn."""
    from PIL import Image, ImageOps

    faults: list[Fault] = []
    if request.mask is not None and not request.references:
        faults.append(Fault("mask", "there is no reference picture that it could belong to."))
    task: Task = "text" if not request.references else "image" if request.mask is None else "inpaint"
    strength = _number(request.options, "strength", STRENGTH[task], faults)
    guidance = _number(request.options, "guidance", model.guidance, faults)
    if not 0 < strength <= 1:
        faults.append(Fault("strength", f"{strength:g} is not above 0 and at most 1."))
        strength = 1.0
    if guidance < 0:
        faults.append(Fault("guidance", f"{guidance:g} is below 0."))
    needed = math.ceil(1 / strength)
    steps = request.options.get("steps", max(model.steps, needed))
    if type(steps) is not int or not 1 <= steps <= MOST_STEPS:
        faults.append(Fault("steps", f"{steps!r} is not a whole number from 1 to {MOST_STEPS}."))
    elif int(steps * strength) < 1:
        faults.append(Fault("steps", f"{steps} × strength {strength:g} is less than one step.", f"Ask for {needed}."))
    seed = request.seed if request.seed is not None else secrets.randbelow(SEEDS)
    if not 0 <= seed < 2**63:
        faults.append(Fault("seed", f"{seed} is not between 0 and 2^63."))
    if faults:
        raise UnsupportedRequest(faults, model=request.model, request=request)
    picture = open_picture(request.references[0].picture).image.convert("RGB") if request.references else None
    if request.size is not None:
        width, height = request.size.pixels(model.default_side)
    elif picture is not None:
        shrunk = min(1.0, model.max_side / max(picture.size))
        width, height = round(picture.width * shrunk), round(picture.height * shrunk)
    else:
        width = height = model.default_side
    width, height = (max(8, round(side / 8) * 8) for side in (width, height))
    mask = None
    if picture is not None:
        picture = ImageOps.fit(picture, (width, height))
    if request.mask is not None:
        given = open_picture(request.mask).image.convert("RGBA")
        flat = Image.new("RGBA", given.size, (0, 0, 0, 255))
        flat.alpha_composite(given)
        mask = ImageOps.fit(flat.convert("L"), (width, height))
    return Ask(
        model=model, id=request.model, task=task, prompt=request.prompt, seed=seed, width=width, height=height,
        negative_prompt=request.negative_prompt or "", steps=steps, guidance=guidance, strength=strength,
        picture=picture, mask=mask,
    )  # fmt: skip


def _number(options: Mapping[str, Any], name: str, default: float, faults: list[Fault]) -> float:
    value = options.get(name, default)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    faults.append(Fault(name, f"{value!r} is not a number."))
    return default

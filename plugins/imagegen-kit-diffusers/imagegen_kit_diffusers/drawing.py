"""One batch through a pipeline: everything that touches tensors."""

from __future__ import annotations

import inspect
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagegen_kit_diffusers.asks import Ask

PNG_LEVEL = 4


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture as PNG; ``blocked`` where the model's own safety checker refused it, ``lost`` what it cannot take."""

    png: bytes
    blocked: bool = False
    lost: tuple[str, ...] = ()


class Stopped(Exception):
    """Nobody waits for the batch any more."""


def draw(pipeline: Any, asks: Sequence[Ask], on_step: Callable[[int], bool]) -> list[Drawn]:
    """Return the pictures of ``asks``, which belong ``together``, in their order.

    Every picture has a generator of its own on the CPU: a seed is the same noise in any batch and on any device.
    ``on_step(steps done)`` returns whether to go on. Raises Stopped, and what torch raises.
    """
    import torch

    first = asks[0]

    def after_step(_pipeline: Any, step: int, _timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        if not on_step(step + 1):
            raise Stopped
        return values

    wanted: dict[str, Any] = {
        "prompt": [ask.prompt for ask in asks],
        "negative_prompt": [ask.negative_prompt for ask in asks] if first.guidance > 1 else None,
        "generator": [torch.Generator("cpu").manual_seed(ask.seed) for ask in asks],
        "num_inference_steps": first.steps,
        "guidance_scale": first.guidance,
        "callback_on_step_end": after_step,
        "width": first.width,
        "height": first.height,
    }
    if first.task != "text":
        wanted |= {"image": [ask.picture for ask in asks], "strength": first.strength}
    if first.task == "inpaint":
        wanted["mask_image"] = [ask.mask for ask in asks]
    takes = inspect.signature(pipeline.__call__).parameters
    with torch.inference_mode():
        answer = pipeline(**{name: value for name, value in wanted.items() if name in takes})
    flags = getattr(answer, "nsfw_content_detected", None) or [False] * len(asks)
    return [
        Drawn(_png(_kept(image, ask)), bool(flag), _lost(ask, takes))
        for ask, image, flag in zip(asks, answer.images, flags, strict=True)
    ]


def _kept(image: Any, ask: Ask) -> Any:
    """Return the picture with everything outside the mask exactly as it was: encoding alone changes every pixel."""
    from PIL import Image

    return image if ask.mask is None or ask.picture is None else Image.composite(image, ask.picture, ask.mask)


def _lost(ask: Ask, takes: Any) -> tuple[str, ...]:
    """Return the parts of an ask that its pipeline has no use for."""
    return ("negative_prompt",) if ask.negative_prompt and ("negative_prompt" not in takes or ask.guidance <= 1) else ()


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=PNG_LEVEL)
    return file.getvalue()

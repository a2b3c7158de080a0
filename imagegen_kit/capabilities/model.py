"""What a model can do, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagegen_kit.types import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping


FORMATS = ("png", "jpeg", "webp", "gif", "svg")  # in which services deliver pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one model accepts. An empty tuple means that any value goes; ``None`` that no limit is known.

    ``sizes`` are the only exact sizes as (width, height); ``ratios`` the only aspect ratios; ``resolutions`` the only
    resolution words; ``max_side`` and ``multiple_of`` are pixels; ``min_pixels`` and ``max_pixels`` limit width ×
    height, ``max_aspect`` the longer side divided by the shorter; ``default_side`` is the side of the square that the
    model draws when nothing is asked. ``references`` is how many reference pictures it takes, ``min_references`` how
    many it cannot do without. ``options`` names further options with one sentence each, ``choices`` the only values of
    an option. ``formats`` are those in which a picture can come, the first unasked. ``idempotent``: the service ignores
    a repeated request under the same key.

    Of films: whether it takes a ``first_frame`` and a ``last_frame``; ``keyframes`` says how a sequence of keyframes
    becomes clips unasked, "single" (each begins one) or "paired" (each clip leads to the next), None where the frames
    that it takes say it. ``durations`` are the only lengths, ``min_seconds`` and ``max_seconds`` the shortest and
    longest, ``max_seconds_to_last`` the longest where a last frame is given.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    max_side: int | None = None
    multiple_of: int = 1
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_aspect: float | None = None
    default_side: int = 1024
    references: int = 0
    min_references: int = 0
    mask: bool = False
    negative_prompt: bool = False
    seed: bool = False
    qualities: tuple[str, ...] = ()
    max_prompt_chars: int | None = None
    n_per_call: int = 1
    partials: bool = False
    formats: tuple[str, ...] = ("png",)
    first_frame: bool = False
    last_frame: bool = False
    keyframes: str | None = None
    durations: tuple[float, ...] = ()
    min_seconds: float | None = None
    max_seconds: float | None = None
    max_seconds_to_last: float | None = None
    system: bool = True
    schema: bool = False
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    idempotent: bool = False
    resumable: bool = False

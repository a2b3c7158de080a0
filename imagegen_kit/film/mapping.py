"""Keyframes into clips, by what a model can do: a pure mapping, so that a plan, a test and a run agree.

``single``: each keyframe is the first frame of a clip; n keyframes are n clips. ``paired``: each clip leads from one
keyframe to the next; n + 1 keyframes are n clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, UnsupportedRequest
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from imagegen_kit.capabilities import Capabilities

KINDS = ("single", "paired")


@dataclass(frozen=True, slots=True)
class Clip:
    """One film to ask for: what happens, from which frame, to which frame, for how many seconds (None: as usual).

    Frames are whatever a picture is read from; ``labels`` ride along (segment, scene …).
    """

    prompt: str
    first_frame: Any = None
    last_frame: Any = None
    seconds: float | None = None
    labels: Mapping[str, Any] = field(default_factory=empty, compare=False)


def keyframes_kind(can: Capabilities, model: str, wanted: str | None = None) -> str:
    """Return "single" or "paired": what ``wanted`` says, else what the model declares, else what it can do.

    Raises UnsupportedRequest, by the model's name, where it starts from no picture, or cannot do what is ``wanted``.
    """
    if wanted is not None and wanted not in KINDS:
        raise InvalidInput([Fault("keyframes", f"{wanted!r} is no way to use keyframes.", "Write single or paired.")])
    if not can.first_frame:
        what = f"{model} starts from no picture (neither a first frame nor a first and a last one)."
        raise UnsupportedRequest([Fault("model", what, "Choose one with first_frame; see ik.models().")], model=model)
    kind = wanted or can.keyframes or ("paired" if can.last_frame else "single")
    if kind == "paired" and not can.last_frame:
        what = f"{model} takes no last frame, so keyframes cannot be paired."
        raise UnsupportedRequest([Fault("keyframes", what, "Use single, or another model.")], model=model)
    return kind


def clips(
    keyframes: Sequence[Any],
    prompts: str | Sequence[str],
    can: Capabilities,
    *,
    model: str,
    kind: str | None = None,
    seconds: float | Sequence[float | None] | None = None,
) -> tuple[Clip, ...]:
    """Return the clips between ``keyframes`` for a model that ``can`` do this much, in order, with ``prompts``.

    One prompt, or number of seconds, stands for all clips; a list has one for each. ``labels`` of the clips number
    them as ``segment``, from 1. Raises InvalidInput with every fault, and UnsupportedRequest as ``keyframes_kind``.
    """
    kind = keyframes_kind(can, model, kind)
    frames = list(keyframes)
    count = len(frames) - (kind == "paired")
    faults: list[Fault] = []
    if not frames:
        faults.append(Fault("keyframes", "there are none.", "Give at least one."))
    elif count < 1:
        what = f"there is one, and {model} makes a clip from one keyframe to the next."
        faults.append(Fault("keyframes", what, "Give two or more, or use single."))
    texts = [prompts] * max(count, 1) if isinstance(prompts, str) else list(prompts)
    if count >= 1 and len(texts) != count:
        what = f"there are {len(texts)} for {count} clips ({len(frames)} keyframes, {kind})."
        faults.append(Fault("prompts", what, "Give one for each clip, or one for all."))
    several = isinstance(seconds, Sequence)
    lengths = list(seconds) if isinstance(seconds, Sequence) else [seconds] * max(count, 1)
    if several and count >= 1 and len(lengths) != count:
        faults.append(Fault("seconds", f"there are {len(lengths)} for {count} clips.", "Give one for each clip."))
    if faults:
        raise InvalidInput(faults)
    last = frames[1:] if kind == "paired" else [None] * count
    return tuple(
        Clip(text, first, then, length, {"segment": number})
        for number, (text, first, then, length) in enumerate(zip(texts, frames[:count], last, lengths, strict=True), 1)
    )

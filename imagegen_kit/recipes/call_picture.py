"""What a picture of a call is: its prompt, the object that it lies under, and what is handed on to a film of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.imaging.files import name_fault
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.lazy import Shown
from imagegen_kit.prompts.templates import render
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.engine.image_result import ImageResult
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.types import Result

NEGATIVE: Final = "blurry, low quality, distorted"
REUSE: Final = ("hybrid", "call", "template")
LOOKS: Final[Mapping[str, str]] = {
    "professional": "modern, professional, well lit",
    "casual": "casual clothes, relaxed smiles, at home, warm natural light",
    "festive": "festive clothes, balloons and bunting in the background, happy faces",
    "night": "late in the evening, soft lamps, faces lit by their screens",
}
SIDES: Final = {"caller": "the caller, on the left", "callee": "the person called, on the right"}
TOLD: Final = tuple(f"{side}_{what}" for side in SIDES for what in ("name", "context", "description", "setting"))
PICTURES: Final = tuple(f"{side}_picture" for side in SIDES)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was asked for, checked: its prompt, its profile pictures and the labels that name its file."""

    prompt: str
    people: tuple[Reference, ...] | None
    labels: Mapping[str, str]
    look: str
    reuse: str
    call_id: str | None


@dataclass(frozen=True, slots=True, repr=False)
class CallScene(Shown):
    """The picture of a call with all that a film of two talking people needs next.

    ``object`` is the name that the picture has in the object storage, ``url`` its address there (None where it was not
    uploaded). The picture may be a default one, which stands for one that failed: see ``is_default`` and ``error``.
    """

    answer: ImageResult
    object: str
    url: str | None = None  # it may be signed, so no repr shows it
    call_id: str | None = None

    @property
    def result(self) -> Result:
        """The one result: what was asked and sent, its cost, its time and its error."""
        return self.answer.results[0]

    @property
    def picture(self) -> Picture:
        """The picture, with the record of its request."""
        return self.answer.picture

    @property
    def prompt(self) -> str | None:
        """The prompt that was asked with, None for a picture of one's own."""
        return None if self.result.request.labels.get("own") else self.result.request.prompt

    @property
    def is_default(self) -> bool:
        """Whether the picture is the default one, which stands where none came."""
        return self.result.status == "placeholder"

    @property
    def error(self) -> str | None:
        """What went wrong, in words, or None."""
        return self.result.error

    @property
    def job_id(self) -> str | None:
        """The service's own name of the work, None where it has none, and for a picture that was there already."""
        return next((a.job_id for a in reversed(self.result.attempts) if a.job_id), None)

    def for_film(self, caller_audio: Any, callee_audio: Any, audio_duration: float) -> dict[str, Any]:
        """Return what a talking-avatar step takes: both voices, the call's id, the picture's address, the seconds.

        Raises InvalidInput where the call has no id, its picture lies in no object storage, or the duration is not a
        number above 0.
        """
        faults = []
        if self.call_id is None:
            faults.append(Fault("call_id", "the call has no name.", "Ask with call_id=…: it buys nothing again."))
        if self.url is None:
            hint = 'Set a storage: configure(remote="s3://bucket/prefix"), and ask again.'
            faults.append(Fault("url", "the picture lies in no object storage.", hint))
        known = isinstance(audio_duration, (int, float)) and not isinstance(audio_duration, bool)
        if not known or not 0 < audio_duration < math.inf:
            faults.append(Fault("audio_duration", f"{audio_duration!r:.80} is not a number of seconds above 0."))
        if faults:
            raise InvalidInput(faults)
        return {
            "caller_audio": caller_audio, "callee_audio": callee_audio, "call_id": self.call_id,
            "image_url": self.url, "audio_duration": audio_duration,
        }  # fmt: skip

    def __repr__(self) -> str:
        what = f"the default picture: {self.error}" if self.is_default else "a picture"
        return f"CallScene({what})" if self.call_id is None else f"CallScene({self.call_id!r}, {what})"


def own(picture: Picture) -> Picture:
    """Return a picture of somebody's own: it was read and checked when it came in."""
    return picture


def read_call(**asked: Any) -> Call:
    """Return a call as ``call_scene`` is asked for it. Raises InvalidInput with every fault."""
    if faults := call_faults(asked, None):
        raise InvalidInput(faults)
    look, reuse, call_id = asked["look"], asked["reuse"], asked["call_id"]
    labels = {"call": {"call_id": call_id}, "template": {"variant": look}}.get(reuse, {})
    people = tuple(
        given if isinstance(given, Reference)
        else Reference(given, role="character", name=asked[f"{side}_name"], description=where)
        for side, where in SIDES.items() if (given := asked[f"{side}_picture"]) is not None
    )  # fmt: skip
    return Call(call_prompt(look, asked), people or None, labels, look, reuse, call_id)


def call_prompt(look: str, sides: Mapping[str, Any]) -> str:
    """Return the prompt of a split-screen call. A side of which nothing is known adds nothing."""
    known = {name: sides[name].strip() for name in TOLD if (sides.get(name) or "").strip()}
    return render("split_screen_call", **known, look=LOOKS.get(look, look.strip()))


def call_faults(asked: Mapping[str, Any], _registry: Any) -> list[Fault]:
    """Return everything wrong with what somebody wants a call's picture to be."""
    look, reuse, call_id = asked.get("look", "professional"), asked.get("reuse", "hybrid"), asked.get("call_id")
    faults = [
        Fault(name, f"{asked[name]!r:.80} is no text.")
        for name in TOLD if asked.get(name) is not None and not isinstance(asked[name], str)
    ]  # fmt: skip
    if not isinstance(look, str) or not look.strip():
        hint = f"Use one of {', '.join(LOOKS)}, or words of your own."
        faults.append(Fault("look", f"{look!r:.80} is no text.", hint))
    elif not faults:
        try:
            call_prompt(look, asked)
        except InvalidInput as error:
            faults += error.faults
    for name in (*PICTURES, "own_picture"):
        if asked.get(name) is not None and not isinstance(asked[name], Reference):
            try:
                open_picture(asked[name], where=name)
            except InvalidInput as error:
                faults += error.faults
    if call_id is not None and (fault := name_fault("call_id", call_id)):
        faults.append(fault)
    if reuse not in REUSE:
        faults.append(unknown_name_fault("way of reuse", str(reuse), REUSE, where="reuse"))
    elif reuse == "call" and call_id is None:
        faults.append(Fault("call_id", "it is missing.", 'reuse="call" keeps a picture for each call.'))
    elif reuse == "template":
        if told := [name for name in (*TOLD, *PICTURES) if asked.get(name) is not None]:
            what = f"a template shows nobody in particular, and {', '.join(told)} is given."
            faults.append(Fault("reuse", what, 'Use reuse="hybrid", or leave these out.'))
        if isinstance(look, str) and look not in LOOKS:
            faults.append(unknown_name_fault("look", look, LOOKS, where="look"))
    return faults


def call_models(asked: Mapping[str, Any]) -> list[str | None]:
    """Return the model that draws the call; none for a picture of one's own."""
    return [asked.get("model")] if asked.get("own_picture") is None else []


def object_of(result: Result, call: Call) -> str:
    """Return the name of the picture's object. A default picture never takes the place of a real one."""
    digest = result.artifacts[0].sha256[:16]
    if result.status == "placeholder":
        return f"images/default/split-screen-{digest}.jpg"
    if call.reuse == "call":
        return f"images/{call.call_id}.jpg"
    if call.reuse == "template":
        return f"images/templates/split-screen-{call.look}.jpg"
    return f"images/cache/{result.key[:16] if result.key else digest}.jpg"

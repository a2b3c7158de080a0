"""What a picture of a call is: its prompt, the object that it lies under, and what is handed on to a film of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.lazy import Shown
from imagegen_kit.prompts.templates import render

if TYPE_CHECKING:
    from imagegen_kit.engine.image_result import ImageResult
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.types import Result

NEGATIVE = "blurry, low quality, distorted"
REUSE = ("hybrid", "call", "template")
STAND_IN = "images/default/split-screen.jpg"
LOOKS: Mapping[str, str] = {
    "professional": "modern, professional, well lit",
    "casual": "casual clothes, relaxed smiles, at home, warm natural light",
    "festive": "festive clothes, bunting and small lights in the background, happy faces",
    "night": "late in the evening, soft lamps, faces lit by their screens",
}


@dataclass(frozen=True, slots=True)
class CallScene(Shown):
    """The picture of a call with all that a film of two talking people needs next.

    ``object`` is the name that the picture has in the object storage, ``url`` its address there (None without a
    storage), ``job_id`` the service's own name of the work (None where it has none, and for a picture that was there
    already). ``is_default`` says that the picture is a stand-in for one that failed; ``error`` says why.
    """

    answer: ImageResult = field(repr=False)
    object: str
    url: str | None = field(default=None, repr=False)  # it may be signed
    call_id: str | None = None

    @property
    def result(self) -> Result:
        """The one result: what was asked and sent, its cost, its time and its error."""
        return self.answer.results[0]

    @property
    def picture(self) -> Picture:
        """The picture. Raises what went wrong where there is none, not even a default one."""
        return self.answer.picture

    @property
    def prompt(self) -> str:
        """The prompt that was asked with."""
        return self.result.request.prompt

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
        """The name that the service gave the last job, or None."""
        return next((a.job_id for a in reversed(self.result.attempts) if a.job_id), None)

    def for_film(self, caller_audio: Any, callee_audio: Any, audio_duration: float) -> dict[str, Any]:
        """Return what a talking-avatar step takes: both voices, the call's id, the picture's address, the seconds.

        Raises InvalidInput where the picture lies in no object storage, or the duration is not above 0.
        """
        faults = []
        if self.url is None:
            hint = 'Set a storage: configure(remote="s3://bucket/prefix"), and ask again.'
            faults.append(Fault("url", "the picture lies in no object storage.", hint))
        if isinstance(audio_duration, bool) or not isinstance(audio_duration, (int, float)) or not audio_duration > 0:
            faults.append(Fault("audio_duration", f"{audio_duration!r} is not a number of seconds above 0."))
        if faults:
            raise InvalidInput(faults)
        return {
            "caller_audio": caller_audio, "callee_audio": callee_audio, "call_id": self.call_id,
            "image_url": self.url, "audio_duration": audio_duration,
        }  # fmt: skip


def call_prompt(look: str, sides: Mapping[str, str | None]) -> str:
    """Return the prompt of a split-screen call. A side of which nothing is known adds nothing."""
    known = {name: value for name, value in sides.items() if value}
    return render("split_screen_call", **known, look=LOOKS.get(look, look))


def call_faults(
    look: str, reuse: str, call_id: str | None, sides: Mapping[str, str | None], pictures: Mapping[str, Any]
) -> list[Fault]:
    """Return everything wrong with what somebody wants a call's picture to be."""
    faults = []
    if not isinstance(look, str) or not look.strip():
        faults.append(Fault("look", f"{look!r} is no text.", f"Use one of {', '.join(LOOKS)}, or words of your own."))
    if reuse not in REUSE:
        faults.append(unknown_name_fault("way of reuse", str(reuse), REUSE, where="reuse"))
    if call_id is not None and (not isinstance(call_id, str) or not call_id):
        faults.append(Fault("call_id", f"{call_id!r} is not a call's name.", 'Write it as text: call_id="c-17".'))
    if reuse == "call" and call_id is None:
        faults.append(Fault("call_id", "it is missing.", 'reuse="call" keeps a picture for each call.'))
    for name, value in sides.items():
        if value is not None and not isinstance(value, str):
            faults.append(Fault(name, f"{value!r} is no text."))
    told = [name for name, value in {**sides, **pictures}.items() if value is not None]
    if reuse == "template" and told:
        what = f"a template shows nobody in particular, and {', '.join(told)} is given."
        faults.append(Fault("reuse", what, 'Use reuse="hybrid", or leave these out.'))
    if reuse == "template" and isinstance(look, str) and look not in LOOKS:
        faults.append(unknown_name_fault("look", look, LOOKS, where="look"))
    return faults


def object_of(result: Result, reuse: str, call_id: str | None, look: str) -> str:
    """Return the name of the picture's object. A default picture never takes the place of a real one."""
    if result.status == "placeholder":
        return STAND_IN
    if reuse == "call":
        return f"images/{call_id}.jpg"
    if reuse == "template":
        return f"images/templates/split-screen-{look}.jpg"
    return f"images/cache/{(result.key or result.artifacts[0].sha256)[:16]}.jpg"

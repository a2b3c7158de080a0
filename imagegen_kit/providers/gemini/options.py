"""The options of Google's models, from plain words to what the service takes; and pictures with their captions.

``temperature`` (number) · ``max_output_tokens`` · ``thinking`` (minimal, low, medium, high, or a number of tokens) ·
``thoughts`` (tell them as progress) · ``safety`` (a threshold for all categories, or a mapping of category to
threshold) · ``stream`` (text and drafts as progress) · ``person_generation`` and ``output_format`` (Enterprise only) ·
``generate_audio`` and ``enhance_prompt`` (Veo).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, UnsupportedRequest, unknown_name_fault
from imagegen_kit.imaging.picture import open_picture

if TYPE_CHECKING:
    from imagegen_kit.types import Artifact, ImageRequest, Reference, Request, Size, VideoRequest

CATEGORIES = ("harassment", "hate_speech", "sexually_explicit", "dangerous_content")
THRESHOLDS = ("off", "block_none", "block_only_high", "block_medium_and_above", "block_low_and_above")
THINKING = ("minimal", "low", "medium", "high", "xhigh")
PERSONS = ("dont_allow", "allow_adult", "allow_all")
FORMATS = ("png", "jpeg", "webp")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one request, checked; None (or False, or empty) where nothing is asked."""

    temperature: float | None = None
    max_output_tokens: int | None = None
    thinking: str | int | None = None
    thoughts: bool = False
    safety: tuple[tuple[str, str], ...] = ()
    stream: bool = False
    person_generation: str | None = None
    generate_audio: bool | None = None
    enhance_prompt: bool | None = None
    output_format: str | None = None


def read_options(request: Request) -> Options:
    """Return the options of ``request``. Raises UnsupportedRequest, before anything is sent, with every fault."""
    faults: list[Fault] = []
    given = request.options
    temperature = given.get("temperature")
    if temperature is not None and (isinstance(temperature, bool) or not isinstance(temperature, (int, float))):
        faults.append(Fault("temperature", f"{temperature!r} is not a number.", "Give one from 0 to 2."))
    longest = given.get("max_output_tokens")
    if longest is not None and (type(longest) is not int or longest < 1):
        faults.append(Fault("max_output_tokens", f"{longest!r} is not a number of tokens."))
    thinking = given.get("thinking")
    if not isinstance(thinking, int) or isinstance(thinking, bool):
        thinking = _word("thinking", thinking, THINKING, faults)
    found = Options(
        temperature=temperature,
        max_output_tokens=longest,
        thinking=thinking,
        thoughts=_flag("thoughts", given, faults) or False,
        safety=_safety(given.get("safety"), faults),
        stream=_flag("stream", given, faults) or False,
        person_generation=_word("person_generation", given.get("person_generation"), PERSONS, faults),
        generate_audio=_flag("generate_audio", given, faults),
        enhance_prompt=_flag("enhance_prompt", given, faults),
        output_format=_word("output_format", given.get("output_format"), FORMATS, faults),
    )
    if faults:
        raise UnsupportedRequest(faults, model=request.model)
    return found


def _safety(given: object, faults: list[Fault]) -> tuple[tuple[str, str], ...]:
    """Return (category, threshold) pairs; one threshold alone counts for all four categories."""
    if not isinstance(given, Mapping):
        threshold = _word("safety", given, THRESHOLDS, faults)
        return tuple((category, threshold) for category in CATEGORIES) if threshold else ()
    return tuple(
        (
            str(_word("safety", category, CATEGORIES, faults, prefix="harm_category_")),
            str(_word("safety", threshold, THRESHOLDS, faults)),
        )
        for category, threshold in given.items()
    )


def _word(where: str, value: object, known: tuple[str, ...], faults: list[Fault], prefix: str = "") -> str | None:
    if value is None:
        return None
    word = str(value).strip().lower().removeprefix(prefix)
    if word not in known:
        faults.append(unknown_name_fault("value", value, known, where=where))
    return word


def _flag(name: str, given: Mapping[str, Any], faults: list[Fault]) -> bool | None:
    if given.get(name) is None:
        return None
    word = str(given[name]).lower()  # a command line gives words
    if word not in ("true", "false"):
        faults.append(Fault(name, f"{given[name]!r} is neither True nor False."))
    return word == "true"


def words_of(size: Size | None, model: str) -> tuple[str | None, str | None]:
    """Return a size as Google names it: (ratio, resolution word), each None where it is not asked.

    Raises UnsupportedRequest for exact pixels, which no such model takes.
    """
    if size is None:
        return None, None
    if size.width and size.height:
        hint = 'Ask for a ratio and a resolution, such as aspect_ratio="16:9" and size="2K".'
        raise UnsupportedRequest([Fault("size", f"{model} takes no exact pixels.", hint)], model=model)
    return size.ratio, size.resolution


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture as it is sent: its bytes and media type, and the words that stand before it (may be empty)."""

    data: bytes
    mime: str
    caption: str = ""


def pictures_of(request: Request) -> list[Sent]:
    """Return the request's reference pictures in order; reads files, so it belongs into a thread."""
    return [sent_picture(r.picture, caption_of(i, r)) for i, r in enumerate(request.references, 1)]


def sent_picture(picture: Artifact, caption: str = "") -> Sent:
    """Return a picture's bytes as they are, with their media type."""
    found = open_picture(picture)
    return Sent(found.bytes, f"image/{found.format}", caption)


def caption_of(number: int, reference: Reference) -> str:
    """Return what is told of a reference before its picture; empty where there is nothing but the picture."""
    what = " ".join(w for w in (reference.role if reference.role != "content" else None, reference.name) if w)
    if not what and not reference.description:
        return ""
    head = f"Reference {number}" + (f" ({what})" if what else "")
    return f"{head}: {reference.description or 'the next picture'}"


def prompt_of(request: ImageRequest | VideoRequest) -> str:
    """Return the whole text of a request; what to avoid has its own place only where ``fit`` left it there."""
    return request.prompt + (f"\nAvoid: {request.negative_prompt}" if request.negative_prompt else "")

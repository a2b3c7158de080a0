"""The one vocabulary of requests and results that every part of the toolkit shares.

All values are frozen. Prices are in USD, times in seconds, sizes in pixels as (width, height); ``None`` means unknown,
never zero. Inputs are checked before these are built (``capabilities.fit``, ``prompts``, ``engine.job``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields, replace
from math import gcd
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.lazy import Shown, upward

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # built once: `json.dumps` builds it anew

Kind = Literal["image", "text", "video"]
Status = Literal["pending", "ok", "cached", "fallback", "placeholder", "blocked", "failed", "unknown", "cancelled"]
ROLES = ("content", "character", "setting", "style", "mask")
RESOLUTIONS = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}  # the services' words for the side of a square
MAX_SIDE = 16384  # no model goes there; more is a typing error
EMPTY: Mapping[str, Any] = MappingProxyType({})


def _empty() -> Mapping[str, Any]:
    return EMPTY


class Prompt(str):
    """A prompt that knows where it comes from; otherwise an ordinary string."""

    id: str
    category: str | None
    tags: tuple[str, ...]

    def __new__(cls, text: str, *, id: str = "", category: str | None = None, tags: tuple[str, ...] = ()) -> Prompt:
        """Keep the text and what is known of it."""
        self = super().__new__(cls, text)
        self.id, self.category, self.tags = id, category, tuple(tags)
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # pickle, deepcopy
        return (str(self),), {"id": self.id, "category": self.category, "tags": self.tags}


@dataclass(frozen=True, slots=True)
class Size:
    """A picture size: exact pixels, or a ratio and a resolution word ("1K") that the model turns to pixels."""

    width: int | None = None
    height: int | None = None
    ratio: str | None = None
    resolution: str | None = None

    @classmethod
    def parse(cls, size: object = None, aspect_ratio: str | None = None) -> Size | None:
        """Read ``(1024, 768)``, ``"1024x768"``, ``512``, ``"16:9"`` or ``"2K"``, and an optional aspect ratio.

        Returns None where nothing is asked. Raises InvalidInput with every fault: a side that is not 1 … 16384, an
        unreadable text, or a size and an aspect ratio that disagree.
        """
        faults: list[Fault] = []
        found = _read_size(size, faults) if size is not None else None
        if aspect_ratio is not None:
            ratio = _read_ratio(aspect_ratio)
            if ratio is None:
                faults.append(Fault("aspect_ratio", f"{aspect_ratio!r} is not a ratio.", 'Write it like "16:9".'))
            elif found is None:
                found = cls(ratio=ratio)
            elif found.width and found.height:
                if abs(found.width / found.height / ratio_value(ratio) - 1) > 0.02:
                    faults.append(
                        Fault("size", f"{found} and aspect_ratio {ratio} are in conflict.", "Give one of the two.")
                    )
            elif found.ratio is not None and found.ratio != ratio:
                faults.append(Fault("size", f"{found.ratio} and aspect_ratio {ratio} are in conflict.", "Give one."))
            else:
                found = replace(found, ratio=ratio)
        if faults:
            raise InvalidInput(faults)
        return found

    @property
    def aspect(self) -> float | None:
        """Width divided by height, or None where only a resolution is named."""
        if self.width and self.height:
            return self.width / self.height
        return ratio_value(self.ratio) if self.ratio else None

    def pixels(self, side: int = 1024) -> tuple[int, int]:
        """Return (width, height); a ratio keeps the area of a ``side`` × ``side`` square, rounded to multiples of 8."""
        if self.width and self.height:
            return self.width, self.height
        side = RESOLUTIONS.get(self.resolution or "", side)
        aspect = self.aspect or 1.0
        return max(8, round(side * aspect**0.5 / 8) * 8), max(8, round(side / aspect**0.5 / 8) * 8)

    def __str__(self) -> str:
        if self.width and self.height:
            return f"{self.width}x{self.height}"
        return " ".join(p for p in (self.ratio, self.resolution) if p)


def _read_size(size: object, faults: list[Fault]) -> Size | None:
    if isinstance(size, Size):
        return size
    if isinstance(size, int) and not isinstance(size, bool):
        size = (size, size)
    if isinstance(size, str):
        text = size.strip()
        if text.upper() in RESOLUTIONS:
            return Size(resolution=text.upper())
        if text.isdecimal():
            return _read_size(int(text), faults)
        if ratio := _read_ratio(text):
            return Size(ratio=ratio)
        if match := re.fullmatch(r"(-?\d+)\s*[x×*, ]\s*(-?\d+)", text):
            size = (int(match[1]), int(match[2]))
    if isinstance(size, (tuple, list)) and len(size) == 2 and all(type(s) is int for s in size):
        width, height = size
        for name, value in (("width", width), ("height", height)):
            if not 1 <= value <= MAX_SIDE:
                faults.append(Fault("size", f"the {name} {value} is not between 1 and {MAX_SIDE} pixels."))
        return Size(width, height)
    faults.append(Fault("size", f"{size!r} is not a size.", 'Write (1024, 768), "1024x768", "16:9" or "2K".'))
    return None


def _read_ratio(text: object) -> str | None:
    match = re.fullmatch(r"\s*(\d{1,4})\s*:\s*(\d{1,4})\s*", text) if isinstance(text, str) else None
    if not match or not int(match[1]) or not int(match[2]):
        return None
    a, b = int(match[1]), int(match[2])
    return "21:9" if (a, b) == (21, 9) else f"{a // gcd(a, b)}:{b // gcd(a, b)}"  # services write 21:9, not 7:3


def ratio_value(ratio: str) -> float:
    """Return "16:9" as 1.777…"""
    a, b = ratio.split(":")
    return int(a) / int(b)


@dataclass(frozen=True, slots=True)
class Artifact:
    """Bytes known by their sha256: a picture, a film or a text. Equal when the bytes are equal.

    ``path`` is where they lie on this machine and ``data`` the bytes themselves where they are in memory; either may be
    None. ``width`` and ``height`` are pixels, None for text.
    """

    sha256: str
    kind: Literal["picture", "film", "text"] = field(default="picture", compare=False)
    format: str = field(default="png", compare=False)
    width: int | None = field(default=None, compare=False)
    height: int | None = field(default=None, compare=False)
    size_bytes: int | None = field(default=None, compare=False)
    path: str | None = field(default=None, compare=False, repr=False)
    data: bytes | None = field(default=None, compare=False, repr=False)
    parents: tuple[str, ...] = field(default=(), compare=False)

    def to_plain(self) -> dict[str, Any]:
        """Return what identifies and describes the bytes, without path or bytes."""
        return {"sha256": self.sha256, "format": self.format, "width": self.width, "height": self.height}


@dataclass(frozen=True, slots=True)
class Reference(Shown):
    """A picture given to a model, and what it is for.

    ``picture`` may be given as a path, bytes, a PIL image or a ``Picture``; it is read and checked at once. ``role`` is
    one of content, character, setting, style, mask. ``origin`` (the library item it came from) and ``score`` are None
    for pictures given by hand.
    """

    picture: Artifact
    role: str = field(default="content", kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    origin: str | None = field(default=None, kw_only=True, compare=False)
    score: float | None = field(default=None, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        faults = []
        if self.role not in ROLES:
            faults.append(Fault("role", f"{self.role!r} is not a role.", "Use " + ", ".join(ROLES) + "."))
        if not isinstance(self.picture, Artifact):
            try:
                object.__setattr__(self, "picture", upward("open_picture")(self.picture))
            except InvalidInput as error:
                faults.extend(error.faults)
        if faults:
            raise InvalidInput(faults)

    def to_plain(self) -> dict[str, Any]:
        """Return a JSON-ready dict; the bytes are named by their hash."""
        plain: dict[str, Any] = {"picture": self.picture.to_plain(), "role": self.role}
        for name in ("name", "description", "origin", "score"):
            if getattr(self, name) is not None:
                plain[name] = getattr(self, name)
        return plain

    def __repr__(self) -> str:
        return f"Reference({self.name or self.picture.sha256[:8]}, role={self.role!r})"


@dataclass(frozen=True, slots=True)
class Style(Shown):
    """A prompt style.

    ``text`` follows the brief, ``suffix`` holds quality words and comes last, ``negative`` says what to avoid. With
    ``name_aspect`` the asked aspect ratio is named in words. ``axes`` are named lists of phrases for controlled
    variation; ``checks`` names the checks that measure whether a picture keeps the style's rules, each with its limits.
    """

    name: str
    text: str = field(default="", kw_only=True)
    negative: str = field(default="", kw_only=True)
    suffix: str = field(default="", kw_only=True)
    name_aspect: bool = field(default=False, kw_only=True)
    axes: Mapping[str, tuple[str, ...]] | None = field(default=None, kw_only=True)
    checks: Mapping[str, Any] | None = field(default=None, kw_only=True)
    title: str = field(default="", kw_only=True)
    api_version: int = field(default=1, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        faults = []
        if not isinstance(self.name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.name):
            faults.append(Fault("style", f"{self.name!r} is not a name.", "Use letters, digits, '.', '_' and '-'."))
        for part in ("text", "negative", "suffix"):
            if not isinstance(getattr(self, part), str):
                faults.append(Fault(part, f"{getattr(self, part)!r} is not text."))
        for axis, values in (self.axes or {}).items():
            if isinstance(values, str) or not values:
                faults.append(Fault("axes", f"{axis!r} needs a list of phrases, not {values!r}."))
        if faults:
            raise InvalidInput(faults)
        object.__setattr__(self, "axes", MappingProxyType({k: tuple(v) for k, v in (self.axes or {}).items()}))
        object.__setattr__(self, "checks", MappingProxyType(dict(self.checks or {})))

    def __repr__(self) -> str:
        return f"Style({self.name!r})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Request:
    """What all requests share. ``labels`` ride along (category, variant, scene): outside equality and key."""

    kind: ClassVar[Kind]
    prompt: str
    model: str
    seed: int | None = None
    sample: int = 0
    references: tuple[Reference, ...] = ()
    options: Mapping[str, Any] = field(default_factory=_empty)
    labels: Mapping[str, Any] = field(default_factory=_empty, compare=False)

    def to_plain(self) -> dict[str, Any]:
        """Return a JSON-ready dict of everything that is set; ``request_from_plain`` reads it back."""
        plain: dict[str, Any] = {"kind": self.kind}
        for name in _field_names(type(self)):
            value = getattr(self, name)
            kind = type(value)
            if value is None or value is EMPTY or value == ():
                continue
            if kind is str or kind is int or kind is float:
                plain[name] = value
            elif name == "references":
                plain[name] = [r.to_plain() for r in value]
            elif isinstance(value, Artifact):
                plain[name] = value.to_plain()
            elif isinstance(value, (Size, str)):
                plain[name] = str(value)
            elif name not in ("options", "labels"):
                plain[name] = value
            elif value:
                plain[name] = dict(value)
        return plain

    def __repr__(self) -> str:
        plain = {k: v for k, v in self.to_plain().items() if k not in ("kind", "labels") and v != 0}
        pictures = [k for k, v in plain.items() if k == "references" or isinstance(getattr(self, k), Artifact)]
        words = [f"{k}={len(self.references) if k == 'references' else 1}" for k in pictures]
        shown = [f"{k}={v!r}" for k, v in plain.items() if k not in pictures]
        return f"{type(self).__name__}({', '.join(shown + words)})"

    def to_json(self) -> str:
        """Return ``to_plain`` as compact JSON text."""
        return _ENCODE(self.to_plain())


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ImageRequest(_Request, Shown):
    """One ask for one picture. ``mask`` marks with opaque white where an edit may change the first reference."""

    kind = "image"
    negative_prompt: str | None = None
    mask: Artifact | None = None
    size: Size | None = None
    quality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TextRequest(_Request, Shown):
    """One ask for text from a language model; ``schema`` is a JSON schema for the answer, or None for free text."""

    kind = "text"
    system: str | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VideoRequest(_Request, Shown):
    """One ask for one film of ``seconds`` length between optional first and last frames."""

    kind = "video"
    negative_prompt: str | None = None
    first_frame: Artifact | None = None
    last_frame: Artifact | None = None
    seconds: float | None = None
    size: Size | None = None
    quality: str | None = None


Request = ImageRequest | TextRequest | VideoRequest
_REQUESTS: dict[str, type[Request]] = {"image": ImageRequest, "text": TextRequest, "video": VideoRequest}
_FIELD_NAMES: dict[type, tuple[str, ...]] = {}


def _field_names(cls: type) -> tuple[str, ...]:
    if cls not in _FIELD_NAMES:
        _FIELD_NAMES[cls] = tuple(f.name for f in fields(cls))
    return _FIELD_NAMES[cls]


def request_from_plain(plain: Mapping[str, Any], where: Callable[[str, str], Path] | None = None) -> Request:
    """Read ``to_plain`` of any request back; ``where(sha256, format)`` says which file holds the bytes of a picture.

    Raises InvalidInput for an unknown kind or field.
    """
    values = dict(plain)
    cls = _REQUESTS.get(values.pop("kind", ""))
    if cls is None or not set(values) <= set(_field_names(cls)):
        raise InvalidInput([Fault("request", f"not a stored request: {sorted(plain)}")])

    def artifact(known: Mapping[str, Any]) -> Artifact:
        return Artifact(**known, path=str(where(known["sha256"], known["format"])) if where else None)

    values["references"] = tuple(
        Reference(artifact(r["picture"]), **{k: v for k, v in r.items() if k != "picture"})
        for r in values.get("references", ())
    )
    for name in ("mask", "first_frame", "last_frame"):
        if name in values:
            values[name] = artifact(values[name])
    if "size" in values:
        parts = str(values["size"]).split(" ")
        values["size"] = Size.parse(parts[0]) if len(parts) == 1 else Size(ratio=parts[0], resolution=parts[1])
    return cls(**values)


FOLDED = "put into the prompt"  # nothing is lost, so it is never unfair


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One recorded difference between what was asked and what was sent.

    ``how`` is dropped, changed, clamped, folded or replaced; ``unfair`` says that it weakens a comparison with models
    that honoured the request.
    """

    field: str
    asked: Any
    sent: Any
    how: str
    unfair: bool = True

    def __str__(self) -> str:
        if self.how == "dropped":
            return f"{self.field} {self.asked} ignored"
        if self.how == "folded":
            return f"{self.field} {FOLDED}"
        return f"{self.field} {self.asked} → {self.sent}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a service reported as consumed; None where it said nothing."""

    input_text_tokens: int | None = None
    input_image_tokens: int | None = None
    output_text_tokens: int | None = None
    output_image_tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """``usd`` was spent now (0 when cached), ``price_usd`` when the picture was bought; None is unknown.

    ``basis`` is reported, usage, table, estimate, assumed or unknown.
    """

    usd: float | None
    price_usd: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a provider: its state, the service's job id, and how it ended."""

    number: int
    state: str
    account: str
    origin: str
    seconds: float | None = None
    job_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one named check: a number, its limit, and whether it passed (None: could not be judged)."""

    name: str
    passed: bool | None
    value: float | str | None = None
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A part of a request that a model cannot honour in any form."""

    field: str
    asked: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.field} {self.asked}: {self.allowed}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider returns: encoded pictures (or films, or text) as the service sent them, and what it said of them.

    ``cost_usd`` is the charge that the service itself reported; ``model_used`` the model that answered, where the
    service names it; ``timings`` seconds by part (queue, submit, wait, download …).
    """

    pictures: tuple[bytes, ...] = ()
    films: tuple[bytes, ...] = ()
    text: str | None = None
    usage: Usage | None = None
    cost_usd: float | None = None
    seed_used: int | None = None
    model_used: str | None = None
    adaptations: tuple[Adaptation, ...] = ()
    timings: Mapping[str, float] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class Result(Shown):
    """What came of one request. In a batch a failure is such a value; ``error`` says what happened."""

    request: Request
    sent: Request | None
    status: Status
    artifacts: tuple[Artifact, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    usage: Usage | None = None
    cost: Cost = Cost(None, None, "unknown")
    timings: Mapping[str, float] = field(default_factory=_empty)
    adaptations: tuple[Adaptation, ...] = ()
    checks: tuple[Check, ...] = ()
    error: str | None = None
    error_type: str | None = None
    model_used: str | None = None
    key: str | None = None
    step: int = 0
    exception: BaseException | None = field(default=None, compare=False, repr=False)

    @property
    def ok(self) -> bool:
        """Whether a picture of a real model came back (fresh, cached, or from a fallback that the policy allowed)."""
        return self.status in ("ok", "cached", "fallback")

    @property
    def seconds(self) -> float | None:
        """Seconds of the attempt that answered, None where nothing was called (cached, failed before sending)."""
        return self.timings.get("total")

    def __repr__(self) -> str:
        return f"Result({self.request.model}, {self.status}{', ' + self.error if self.error else ''})"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A service took a job and named it; committed to the journal before the first poll."""

    job_id: str
    poll_url: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call is (0 … 1, or None) and what it is doing; ``picture`` holds a partial picture's bytes, if any."""

    fraction: float | None = None
    text: str = ""
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Completed:
    """An event of ``stream``: the request number ``step`` of the recipe ended with ``result``."""

    step: int
    result: Result


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of ``stream``: the recipe returned ``value``."""

    value: Any

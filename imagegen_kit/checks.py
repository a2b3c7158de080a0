"""Named checks: each measures one thing about a picture and compares the number with a limit.

Visual checks look at a copy of at most 256 pixels, on white paper where it is transparent, so that each takes a few
milliseconds and a line counts by how thick it is relative to the picture. Their default limits were chosen on the drawn
examples of ``tests/test_checks.py`` so that every example falls on its side with room to spare; a style overrides them.

A limit is written as one number (the lowest or highest that passes, whichever the check is about), as ``[low, high]``,
as ``{"min": low, "max": high}``, or as None, True or ``{}`` for the default; False leaves the check out.

A style may also hold limits for a scorer under its name (``SCORED``); they are read when pictures are scored, not here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from PIL import Image, ImageStat

from imagegen_kit.errors import Fault, InvalidInput, UnknownName, unknown_name_fault
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.masks import Mask, colour_spread, share_around
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.types import RESOLUTIONS, Check, Size

if TYPE_CHECKING:
    from imagegen_kit.types import Request

S = TypeVar("S")

SCORED = ("sketch",)  # scorers whose limits a style may hold beside its checks, as a mapping under the scorer's name
SIDE = 256  # pixels of the copy that is measured
RATIO_TOLERANCE = 0.02  # models round sides to multiples of 8 or 16
AREA_TOLERANCE = 0.10  # "2K" of a service is 2048 pixels squared only in a square picture
STROKE = 110  # levels of 255 that a stroke is darker than its paper
STROKE_WIDTH = 15  # pixels of 256: darker areas that are wider than this are fills, and only their rims are strokes
PAPER = 28  # levels by which paper may differ from itself
EDGE = 40  # levels between neighbours that make an edge


class Subject:
    """A picture under examination and what is known of it; measured copies are made at first use and shared."""

    def __init__(
        self, image: Image.Image, *, request: Request | None, format: str | None, size_bytes: int | None
    ) -> None:
        self.image, self.request, self.format, self.size_bytes = image, request, format, size_bytes

    @cached_property
    def small(self) -> Image.Image:
        """The picture in RGB, at most 256 pixels long."""
        return flatten(shrink(self.image, SIDE))

    @cached_property
    def grey(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        """``small`` in shades from 0 to 255, as (height, width)."""
        return np.asarray(self.small.convert("L"), dtype=np.int16)

    @cached_property
    def strokes(self) -> Mask:
        """Where thick dark strokes are: without lines of one pixel, and without the inside of dark areas."""
        dark: Mask = self.grey < np.percentile(self.grey, 90) - STROKE
        core = dark[:-1, :-1] & dark[1:, :-1] & dark[:-1, 1:] & dark[1:, 1:]  # squares of 2 × 2
        thick = np.zeros_like(dark)
        for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
            thick[down : down + core.shape[0], right : right + core.shape[1]] |= core
        inside: Mask = share_around(thick, STROKE_WIDTH // 2) == 255
        sharp: Mask = share_around(self.edges, STROKE_WIDTH // 2) > 0  # shadows of a photo are dark, without a rim
        return thick & ~inside & sharp

    @cached_property
    def edges(self) -> Mask:
        """Where the shade jumps from one pixel to the next."""
        edges = np.zeros(self.grey.shape, dtype=bool)
        edges[:, 1:] |= np.abs(np.diff(self.grey, axis=1)) > EDGE
        edges[1:, :] |= np.abs(np.diff(self.grey, axis=0)) > EDGE
        return edges


@dataclass(frozen=True, slots=True)
class CheckDefinition(Generic[S]):
    """A check: the unit of its number, what it is about, and the function that judges a subject by a limit.

    ``low`` and ``high`` are the default limits, the lowest and highest number that pass, None where that side is open;
    both are None for a check that compares something else than one number.
    """

    name: str
    unit: str
    about: str
    function: Callable[[S, Any], Check]
    low: float | None = None
    high: float | None = None


def run_checks(
    image: Image.Image,
    names_or_limits: Mapping[str, Any] | Sequence[str],
    *,
    request: Request | None = None,
    format: str | None = None,
    size_bytes: int | None = None,
) -> tuple[Check, ...]:
    """Return the outcome of each named check, in order; ``passed`` is None where it cannot be judged.

    ``request`` is needed by ``size``, ``format`` ("png", "jpeg", "webp") by ``format`` and ``size_bytes`` (of the file)
    by ``min_bytes``. Raises UnknownName for a name that is not in ``CHECKS`` and InvalidInput for unreadable limits.
    """
    if isinstance(names_or_limits, str):
        names_or_limits = [names_or_limits]
    asked = dict(names_or_limits) if isinstance(names_or_limits, Mapping) else dict.fromkeys(names_or_limits)
    asked = {name: given for name, given in asked.items() if name not in SCORED or not isinstance(given, Mapping)}
    unknown = [name for name in asked if name not in CHECKS]
    faults = [unknown_name_fault("check", name, CHECKS) for name in unknown]
    limits: dict[str, Any] = {}
    for name, given in asked.items():
        if name in CHECKS and given is not False:  # False switches a style's check off
            try:
                limits[name] = read_limit(CHECKS[name], given)
            except (TypeError, ValueError):  # InvalidInput is a ValueError
                faults.append(Fault(name, f"{given!r} is no limit for this check.", CHECKS[name].about))
    if unknown and len(faults) == 1:
        raise UnknownName("check", unknown[0], CHECKS)
    if faults:
        raise InvalidInput(faults)
    subject = Subject(image, request=request, format=format, size_bytes=size_bytes)
    return tuple(CHECKS[name].function(subject, limit) for name, limit in limits.items())


def read_limit(check: CheckDefinition[Any], given: Any) -> Any:
    """Return a limit as a check's function takes it: ``(low, high)``, and otherwise what "format" and "size" compare.

    Raises TypeError or ValueError for what is no limit of this check.
    """
    if isinstance(given, Mapping) and set(given) == {
        "is"
    }:  # how a style file, where limits are mappings, names a format
        given = given["is"]
    default = given is None or given is True or given == {}
    if check.name == "format":
        formats = ("png", "jpeg", "webp") if default else (given,) if isinstance(given, str) else tuple(given)
        if not formats or not all(isinstance(f, str) for f in formats):
            raise TypeError("formats are words")
        return tuple("jpeg" if f.lower() in ("jpg", ".jpg") else f.lower().lstrip(".") for f in formats)
    if check.name == "size":
        return None if default else Size.parse(tuple(given) if isinstance(given, list) else given)
    if default:
        return check.low, check.high
    if isinstance(given, Mapping):
        if not set(given) <= {"min", "max"}:
            raise ValueError("limits are min and max")
        low, high = given.get("min"), given.get("max")
    elif isinstance(given, (list, tuple)):
        low, high = given
    elif check.low is not None and check.high is not None:
        raise ValueError("this check needs a low and a high limit")
    else:
        low, high = (given, None) if check.low is not None else (None, given)
    low, high = (None if v is None else float(v) for v in (low, high))
    if any(v is not None and math.isnan(v) for v in (low, high)):  # NaN, against which all compares false
        raise ValueError("a limit is a number")
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        raise ValueError("everything or nothing could pass")
    return low, high


def _format(subject: Subject, limit: tuple[str, ...]) -> Check:
    passed = None if subject.format is None else subject.format in limit
    return Check("format", passed, subject.format, ", ".join(limit))


def _size(subject: Subject, limit: Size | None) -> Check:
    width, height = subject.image.size
    size = limit or getattr(subject.request, "size", None)
    if size is None:
        return Check("size", None, f"{width}x{height}")
    if size.width and size.height:
        passed = (width, height) == (size.width, size.height)
    else:
        passed = True
        if size.aspect is not None:
            passed = abs(width / height / size.aspect - 1) <= RATIO_TOLERANCE
        if size.resolution is not None:
            side = (width * height) ** 0.5
            passed = passed and abs(side / RESOLUTIONS[size.resolution] - 1) <= AREA_TOLERANCE
    return Check("size", passed, f"{width}x{height}", str(size))


def _min_bytes(subject: Subject) -> float | None:
    return None if subject.size_bytes is None else float(subject.size_bytes)


def _density(subject: Subject) -> float | None:
    width, height = subject.image.size
    return None if subject.size_bytes is None else subject.size_bytes / (width * height) * 1e6


def _not_blank(subject: Subject) -> float:
    return float(max(ImageStat.Stat(subject.small).stddev))


def _greyscale(subject: Subject) -> float:
    return colour_spread(subject.small)


def _outline(subject: Subject) -> float:
    return float(subject.strokes.mean())


def _clean_background(subject: Subject) -> float:
    rgb = np.asarray(subject.small.reduce(2), dtype=np.int16)  # half the size: paths along paper are searched
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    paper = np.median(border, axis=0)
    if paper.min() < 170:  # not light
        return 0.0
    near = np.abs(rgb - paper).max(axis=2) <= PAPER
    return float(_reached_from_border(near).mean())


def _interior_detail(subject: Subject) -> float:
    outside = share_around(subject.strokes, 2) == 0
    return float((subject.edges & outside).sum() / max(1, outside.sum()))


def _reached_from_border(free: Mask) -> Mask:
    """Return the part of ``free`` that is connected with the border, over sides.

    Each pass carries what is reached along whole rows and columns up to the next barrier, so that the number of passes
    is the number of turns on the way, not its length; 64 passes are more than any drawing needs.
    """
    reached = free.copy()
    reached[1:-1, 1:-1] = False
    turned = np.ascontiguousarray(free.T)
    count = -1
    for _ in range(64):
        before, count = count, int(reached.sum())
        if count == before:
            break
        reached = _carried_along_rows(reached, free)
        reached = np.ascontiguousarray(_carried_along_rows(np.ascontiguousarray(reached.T), turned).T)
    return reached


def _carried_along_rows(reached: Mask, free: Mask) -> Mask:
    steps = np.arange(free.shape[1], dtype=np.int16)
    for way in (1, -1):  # to the right, then to the left
        barrier = np.maximum.accumulate(np.where(free[:, ::way], np.int16(-1), steps), axis=1)
        source = np.maximum.accumulate(np.where(reached[:, ::way], steps, np.int16(-2)), axis=1)
        reached = (source > barrier)[:, ::way]
    return reached


def numeric(
    name: str,
    unit: str,
    about: str,
    measure: Callable[[S], float | None],
    *,
    low: float | None = None,
    high: float | None = None,
) -> CheckDefinition[S]:
    """Define a check whose outcome is one number within limits; None is a number that cannot be had."""

    def function(subject: S, limit: tuple[float | None, float | None]) -> Check:
        low, high = limit
        signs = (f"≥ {low:g}" if low is not None else "", f"≤ {high:g}" if high is not None else "")
        text = f"{low:g} … {high:g}" if all(signs) else "".join(signs)
        value = measure(subject)
        if value is None:
            return Check(name, None, None, text)
        passed = (low is None or value >= low) and (high is None or value <= high)
        return Check(name, passed, round(value, 4), text)

    return CheckDefinition(name, unit, about, function, low, high)


_DEFINITIONS: tuple[CheckDefinition[Subject], ...] = (
    CheckDefinition("format", "", "The formats that are accepted, as a list: png, jpeg and webp.", _format),
    CheckDefinition("size", "pixels", "The size asked for: pixels exactly, a ratio within 2 %.", _size),
    numeric("min_bytes", "bytes", "The size of the file, more than 10 KB by default.", _min_bytes, low=10_241),
    numeric(
        "bytes_per_megapixel",
        "bytes",
        "The file by its area; by default more than 10 KB at 1920 × 1080, less below it.",
        _density,
        low=4938.3,
    ),
    numeric("not_blank", "levels", "The spread of the most varied channel, 0 to 127.5.", _not_blank, low=3),
    numeric("greyscale", "levels", "How far channels differ (99.5th percentile), 0 to 255.", _greyscale, high=16),
    numeric("outline", "share", "The share of thick dark strokes, 0 to 1.", _outline, low=0.012, high=0.35),
    numeric(
        "clean_background", "share", "The share of even light paper around the drawing.", _clean_background, low=0.3
    ),
    numeric("interior_detail", "share", "The share of edges away from thick strokes.", _interior_detail, high=0.05),
)
CHECKS: Mapping[str, CheckDefinition[Subject]] = MappingProxyType({check.name: check for check in _DEFINITIONS})

"""Picture sizes: pixels, or a ratio with a resolution word."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import gcd

from imagegen_kit.errors import Fault, InvalidInput

RESOLUTIONS = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}  # the services' words for the side of a square
MAX_SIDE = 16384  # no model goes there; more is a typing error


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

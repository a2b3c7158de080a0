"""What a simulated model of text says when it is asked to compare two pictures: honest, biased, broken or refusing.

``simulator.reader = Honest()`` lets it look at what it is really sent. A question that is no comparison is answered as
without a reader.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

from imagegen_kit.testing.simulators import texts

if TYPE_CHECKING:
    import numpy as np

SIDE, BLOCK = 128, 16  # pixels: of the copy that is looked at, and of the parts that are compared
HUES = {"red": 0.0, "orange": 0.08, "yellow": 0.16, "green": 0.33, "blue": 0.64, "purple": 0.8}
ORDER = re.compile(r"BEGIN ORDER (\w+)\n(.*)\nEND ORDER \1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Look:
    """A question as it came: its text, the pictures' bytes in order, and the schema that the answer must fit."""

    prompt: str
    pictures: tuple[bytes, ...] = ()
    schema: Mapping[str, Any] | None = None

    @property
    def compares(self) -> bool:
        """Whether two pictures are to be compared."""
        wanted = (self.schema or {}).get("properties") or {}
        return len(self.pictures) == 2 and "choice" in wanted

    @property
    def order(self) -> str:
        """The order between its marks; empty where none is marked."""
        found = ORDER.search(self.prompt)
        return found[2] if found else ""

    @property
    def unmarked(self) -> str:
        """All that is said outside the marks."""
        return ORDER.sub("", self.prompt)

    def chance(self) -> float:
        """Return a number from 0 to 1 that is the same for the same question."""
        digest = hashlib.sha256(
            "\0".join([self.prompt, *(hashlib.sha256(p).hexdigest() for p in self.pictures)]).encode()
        )
        return int.from_bytes(digest.digest()[:4], "big") / 2**32


Reader = Callable[[Look], "str | None"]


class Honest:
    """Prefers the picture with more of the colours that the order names, then the sharper one; else says tie."""

    def __call__(self, look: Look) -> str | None:
        """Return the answer; None refuses."""
        if not look.compares:
            return texts.answer(look.prompt, len(look.pictures), look.schema)
        return self.verdict(look, *self.choose(look))

    def choose(self, look: Look) -> tuple[str, str]:
        """Return "first", "second" or "tie", and why."""
        one, other = (Image.open(io.BytesIO(data)).convert("RGB").resize((SIDE, SIDE)) for data in look.pictures)
        fits = [fit(picture, look.order) for picture in (one, other)]
        if abs(fits[0] - fits[1]) > 0.15:
            return ("first" if fits[0] > fits[1] else "second"), "its colours are those of the order"
        lead = sharper(one, other)
        if abs(lead) > 0.25:
            return ("first" if lead > 0 else "second"), "it is sharper"
        return "tie", "I see no clear difference"

    def verdict(self, look: Look, choice: str, why: str) -> str:
        """Return a verdict that fits the schema of the question."""
        named = (look.schema or {})["properties"].get("criteria", {}).get("properties", {})
        return json.dumps({"criteria": {n: {"reason": why, "better": choice} for n in named}, "choice": choice})


@dataclass(frozen=True)
class Leaning(Honest):
    """Says ``position`` with a probability, whatever it sees; else it is honest."""

    probability: float = 1.0
    position: str = "first"

    def choose(self, look: Look) -> tuple[str, str]:
        """Return the choice."""
        return (self.position, "it comes to mind") if look.chance() < self.probability else super().choose(look)


@dataclass(frozen=True)
class Partial(Honest):
    """Prefers pictures that ``of_my_house`` takes for its own vendor's by their look; else it is honest."""

    of_my_house: Callable[[Image.Image], bool] = field(default=lambda _: False)

    def choose(self, look: Look) -> tuple[str, str]:
        """Return the choice."""
        mine = [self.of_my_house(Image.open(io.BytesIO(data)).convert("RGB")) for data in look.pictures]
        if mine[0] != mine[1]:
            return ("first" if mine[0] else "second"), "I like this style"
        return super().choose(look)


class Obedient(Honest):
    """Does what the message tells it outside the order's marks, such as "choose the first picture"."""

    def choose(self, look: Look) -> tuple[str, str]:
        """Return the choice."""
        told = re.search(r"choose the (first|second)", look.unmarked.lower())
        return (told[1], "I was told so") if told else super().choose(look)


class Gullible(Honest):
    """Does what any text tells it, the order too."""

    def choose(self, look: Look) -> tuple[str, str]:
        """Return the choice."""
        told = re.search(r"choose the (first|second)", look.prompt.lower())
        return (told[1], "I was told so") if told else super().choose(look)


class Broken(Honest):
    """Answers in JSON that breaks the schema: a choice that is none."""

    def verdict(self, look: Look, choice: str, why: str) -> str:
        """Return what is no verdict."""
        return json.dumps({"criteria": {}, "choice": "both", "reason": why})


class Refusing(Honest):
    """Refuses to compare."""

    def __call__(self, look: Look) -> str | None:
        """Return None for two pictures."""
        return None if look.compares else super().__call__(look)


def fit(picture: Image.Image, order: str) -> float:
    """Return the share of the picture that has colours which the order names, 0 where it names none."""
    hues = [hue for name, hue in HUES.items() if name in re.findall(r"[a-z]+", order.lower())]
    if not hues:
        return 0.0
    seen = picture.resize((16, 16)).convert("HSV").tobytes()
    near = [
        saturation > 64 and any(min(abs(h / 255 - hue), 1 - abs(h / 255 - hue)) < 0.06 for hue in hues)
        for h, saturation in zip(seen[::3], seen[1::3], strict=True)
    ]
    return sum(near) / len(near)


def sharper(one: Image.Image, other: Image.Image) -> float:
    """Return in which share of its parts ``one`` is clearly sharper, less that of ``other``: -1 to 1.

    By parts, so that a text or a border that was drawn over a few of them decides nothing.
    """
    ours, theirs = (_detail(picture) for picture in (one, other))
    lead: float = (ours > 1.6 * theirs + 1).mean() - (theirs > 1.6 * ours + 1).mean()
    return float(lead)


def _detail(picture: Image.Image) -> np.ndarray[Any, Any]:
    import numpy as np

    grey = np.asarray(picture.convert("L"), dtype=float)
    edges = np.abs(4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:])
    edges = np.pad(edges, 1)
    count = SIDE // BLOCK
    blocks: np.ndarray[Any, Any] = edges.reshape(count, BLOCK, count, BLOCK).mean(axis=(1, 3))
    return blocks

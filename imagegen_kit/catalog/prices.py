"""What a request costs: list prices as data, what they foresee, and what a reply came to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.rates import used
from imagegen_kit.types import EMPTY, RESOLUTIONS, Cost, ImageRequest, TextRequest, VideoRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from imagegen_kit.capabilities import Capabilities
    from imagegen_kit.types import Reply, Request, Size

OWN = "own"  # how the name of a list begins that the user wrote; it goes before every other one
CHARACTERS_A_TOKEN = 4  # a rule of thumb for English text; only estimates use it


@dataclass(frozen=True, slots=True)
class Price:
    """A list price in USD, with the day it was read (ISO date) and where. Zero is free; give one way of reckoning.

    ``per_picture``, ``per_second`` (of film) and ``output_tokens`` (of one picture, answer, or second of film) are a
    number, or numbers by what they depend on: "high 1024x1024", "high", "1024x1024", "2K" or "720p"; the first is what
    counts where nothing is asked. ``per_megapixel`` is the price of the first 1024 × 1024 pixels and of every further
    such area, reference pictures included. ``per_mtok`` holds USD for a million tokens: input_text, input_image,
    cached_text, cached_image, output_text, output_image, output_video; ``input_image_tokens`` is what one reference
    picture comes to. ``listed_as`` ("google/gemini-2.5-flash-image") is what genai-prices calls the model: its rates
    are used where it knows them. ``usual_seconds`` is the length of a film where none is asked. ``book`` names the
    list that the price stands in.
    """

    per_picture: float | Mapping[str, float] | None = None
    as_of: str = ""
    source: str = ""
    per_second: float | Mapping[str, float] | None = field(default=None, kw_only=True)
    per_megapixel: tuple[float, float] | None = field(default=None, kw_only=True)
    per_mtok: Mapping[str, float] = field(default_factory=lambda: EMPTY, kw_only=True)
    output_tokens: float | Mapping[str, float] | None = field(default=None, kw_only=True)
    input_image_tokens: int = field(default=0, kw_only=True)
    usual_seconds: float | None = field(default=None, kw_only=True)
    listed_as: str = field(default="", kw_only=True)
    book: str = field(default="", kw_only=True)

    @property
    def unit(self) -> str:
        """What is charged for, in words: "per picture", "per second" or "tokens"; empty where nothing is said."""
        if self.per_picture is not None or self.per_megapixel is not None:
            return "per picture"
        if self.per_second is not None:
            return "per second"
        return "tokens" if self.per_mtok or self.listed_as else ""

    @property
    def own(self) -> bool:
        """Whether the user's own file states it."""
        return self.book.startswith(OWN)

    def amounts(self) -> Iterator[Any]:
        """Yield every number that the price states, for a check of them."""
        for value in (self.per_picture, self.per_second, self.per_megapixel, self.output_tokens, self.per_mtok):
            if isinstance(value, Mapping):
                yield from value.values()
            elif isinstance(value, (tuple, list)):
                yield from value
            elif value is not None:
                yield value
        yield self.input_image_tokens
        if self.usual_seconds is not None:
            yield self.usual_seconds


def estimate(price: Price | None, request: Request, assumed: float | None) -> tuple[float | None, str]:
    """Return (USD, basis) foreseen for one request, as it would be sent.

    The basis is "table" for a price by picture, area or second, "estimate" where tokens had to be guessed, "assumed"
    for the user's own assumption. (None, "unknown") without any of them.
    """
    if price is not None:
        usd = _by_table(price, request)
        if usd is not None:
            return usd, "table"
        usd = _by_tokens(price, request)
        if usd is not None:
            return usd, "estimate"
    if assumed is not None:
        return assumed, "assumed"
    return None, "unknown"


def cost_of(reply: Reply, request: Request, price: Price | None, assumed: float | None, *, today: date) -> Cost:
    """Return what ``reply`` to ``request`` (as it was sent) cost, by the prices of ``today``.

    In this order: what the service reported, the tokens that it counted, the table, an estimate of the tokens, the
    user's assumption. None of them: unknown, which is never 0.
    """
    if reply.cost_usd is not None:
        return Cost(reply.cost_usd, reply.cost_usd, "reported")
    if price is not None and reply.usage is not None and (found := used(reply, price, today)) is not None:
        return Cost(found[0], found[0], "usage", found[1])
    usd, basis = estimate(price, request, assumed)
    if usd is None or price is None or basis == "assumed":
        return Cost(usd, usd, basis)
    usd *= max(1, len(reply.pictures), len(reply.films))
    return Cost(usd, usd, basis, price_list(price))


def price_list(price: Price) -> str:
    """Return the name and day of the list that a price stands in; empty for a price that a plugin states."""
    return f"{price.book} {price.as_of}" if price.book else ""


def picture_price(price: Price | None, can: Capabilities, kind: str = "image") -> float | None:
    """Return USD for a typical picture (the size that the model draws unasked, no references) or second of film.

    None where that is unknown, and for models that answer in text, whose answers have no typical length.
    """
    if price is None or (kind == "text" and price.per_picture is None):
        return None
    if kind == "video":
        return estimate(price, VideoRequest(prompt="", model="", seconds=1.0), None)[0]
    return estimate(price, ImageRequest(prompt="", model=""), None)[0]


def _by_table(price: Price, request: Request) -> float | None:
    if price.per_picture is not None:
        return picked(price.per_picture, request)
    if price.per_megapixel is not None:
        first, further = price.per_megapixel
        size = getattr(request, "size", None)
        width, height = size.pixels() if size is not None else (1024, 1024)
        return first + further * (max(0, math.ceil(width * height / 2**20) - 1) + len(request.references))
    if price.per_second is not None and isinstance(request, VideoRequest):
        return _times(picked(price.per_second, request), request.seconds or price.usual_seconds)
    return None


def _by_tokens(price: Price, request: Request) -> float | None:
    rates, out = price.per_mtok, price.output_tokens
    kind = "text" if isinstance(request, TextRequest) else "video" if isinstance(request, VideoRequest) else "image"
    rate = rates.get(f"output_{kind}")
    if out is None or rate is None:
        return None
    tokens = picked(out, request)
    if isinstance(request, VideoRequest):
        tokens = _times(tokens, request.seconds or price.usual_seconds)
    if tokens is None:
        return None
    text = len(request.prompt) / CHARACTERS_A_TOKEN * rates.get("input_text", 0.0)
    pictures = len(request.references) * price.input_image_tokens * rates.get("input_image", 0.0)
    return (tokens * rate + text + pictures) / 1e6


def _times(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


def picked(table: float | Mapping[str, float], request: Request) -> float | None:
    """Return the number of a table for a request: of its quality, and nearest in size. The first if it asks nothing.

    None for a quality that the table does not hold.
    """
    if isinstance(table, (int, float)):
        return table
    keys = [_key(text) for text in table]
    asked: Size | None = getattr(request, "size", None)
    quality = getattr(request, "quality", None)
    if quality is None or quality == "auto" or keys[0][0] is None:
        quality = keys[0][0]
    fitting = [(key, usd) for key, usd in zip(keys, table.values(), strict=True) if key[0] == quality]
    if not fitting:
        return None
    if asked is None or len(fitting) == 1:
        return fitting[0][1]
    width, height = asked.pixels()
    return min(fitting, key=lambda pair: _distance(pair[0][1], pair[0][2], width, height))[1]


@lru_cache(maxsize=256)
def _key(text: str) -> tuple[str | None, int, int]:
    """Read "high 1024x1536", "2K" or "720p" as (quality, width, height): height 0 is a square's, width 0 any other."""
    quality, _, size = text.rpartition(" ")
    if size in RESOLUTIONS:
        return quality or None, RESOLUTIONS[size], 0
    if size.endswith("p") and size[:-1].isdecimal():
        return quality or None, 0, int(size[:-1])
    width, _, height = size.partition("x")
    if width.isdecimal() and height.isdecimal():
        return quality or None, int(width), int(height)
    return text, 0, 0


def _distance(key_width: int, key_height: int, width: int, height: int) -> float:
    """Return how far a size is from a key's: in side, and for exact sizes in shape, lying and standing alike."""
    if not key_width and not key_height:
        return 0.0
    if not key_width:  # a film's lines are its shorter side
        return abs(math.log(min(width, height) / key_height))
    if not key_height:
        return abs(math.log(width * height / key_width**2))
    shape = max(width, height) / min(width, height) / (max(key_width, key_height) / min(key_width, key_height))
    return abs(math.log(width * height / (key_width * key_height))) + abs(math.log(shape))

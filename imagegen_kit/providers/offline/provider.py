"""The provider ``offline``: draws in a thread, and takes from the policy's clock a latency that differs by model."""

from __future__ import annotations

import asyncio
import hashlib
import io
import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from imagegen_kit.errors import UnknownName
from imagegen_kit.providers.offline import collage, films, pencil, poster
from imagegen_kit.providers.offline.brief import DEFAULT_SIDE, Brief, make_brief
from imagegen_kit.types import Reply

if TYPE_CHECKING:
    from PIL import Image

    from imagegen_kit.providers.base import Account, OnProgress
    from imagegen_kit.types import ImageRequest, VideoRequest

MODELS: dict[str, Callable[[Brief], Image.Image]] = {
    "collage": collage.draw,
    "pencil": pencil.draw,
    "poster": poster.draw,
}
FILMS = ("zoom", "fade")
# Seconds that a simulated clock is told for a picture of 768 × 768; larger ones take longer by their area.
PACE = {"collage": 0.25, "pencil": 0.35, "poster": 0.2, "zoom": 0.6, "fade": 0.6}
PNG_LEVEL = 4  # measured on 768 × 768: half the time of Pillow's default of 6 for 4 % more bytes


class OfflineProvider:
    """Pictures from public-domain clip art, and films of pictures: free, quick, the same for the same request."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def generate(self, request: ImageRequest, on_progress: OnProgress) -> Reply:
        """Draw the one picture that ``request`` asks for. Raises UnknownName for a model that is not there."""
        name = model_name(request.model, MODELS)
        data, size = await asyncio.to_thread(draw_png, name, request)
        await on_progress.clock.pace(seconds(name, request, size))
        return Reply(pictures=(data,), model_used=f"offline/{name}")

    async def animate(self, request: VideoRequest, on_progress: OnProgress) -> Reply:
        """Render the film that ``request`` asks for. Raises MissingDependency without the extra ``video``."""
        name = model_name(request.model, FILMS)
        data, size = await asyncio.to_thread(films.render, name, request)
        await on_progress.clock.pace(seconds(name, request, size))
        return Reply(films=(data,), model_used=f"offline/{name}")


def model_name(model: str, known: Collection[str]) -> str:
    """Return the name after ``offline/``. Raises UnknownName where ``known`` does not hold it."""
    name = model.rpartition("/")[2]
    if name not in known:
        raise UnknownName("offline model", name, known, where="model")
    return name


def draw_png(name: str, request: ImageRequest) -> tuple[bytes, tuple[int, int]]:
    """Return the picture as PNG bytes, and its (width, height)."""
    picture = MODELS[name](make_brief(name, request))
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=PNG_LEVEL)
    return out.getvalue(), picture.size


def seconds(name: str, request: ImageRequest | VideoRequest, size: tuple[int, int]) -> float:
    """Return the seconds that this request pretends to take: its model's pace, its area, and ±30 % of its own."""
    digest = hashlib.sha256(f"{name}\x1f{request.prompt}\x1f{request.sample}".encode("utf-8", "replace")).digest()
    own = 0.7 + 0.6 * int.from_bytes(digest[:4], "big") / 2**32
    area = math.sqrt(size[0] * size[1]) / DEFAULT_SIDE
    return round(min(0.9, max(0.18, PACE[name] * own * (0.6 + 0.4 * area))), 4)

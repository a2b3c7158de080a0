"""What a model draws from: the request, read and decoded, and its random numbers, which nothing else feeds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from imagegen_kit.providers.offline.inputs import Given, given, load, mask_of
from imagegen_kit.providers.offline.library import Library, shipped
from imagegen_kit.providers.offline.reading import read
from imagegen_kit.providers.offline.scene import Scene
from imagegen_kit.types import ImageRequest

DEFAULT_SIDE = 768
MAX_SIDE = 2048


@dataclass(frozen=True, slots=True)
class Brief:
    """A request made ready for drawing.

    ``turn`` counts through pictures that fit equally well, one further with each sample. ``base`` is the picture under
    a mask, at the size of the canvas, and ``mask`` white where it may change; both are None without a mask.
    """

    scene: Scene
    prompt: str
    size: tuple[int, int]
    library: Library
    references: tuple[Given, ...]
    excluded: frozenset[int]
    turn: int
    seeds: tuple[int, int]
    base: Image.Image | None = None
    mask: Image.Image | None = None

    def arranging(self, panel: int = 0) -> np.random.Generator:
        """Return the numbers that place things. Style words do not change them: styles compare like with like."""
        return np.random.default_rng([self.seeds[0], panel])

    def detailing(self, panel: int = 0) -> np.random.Generator:
        """Return the numbers for grain, clouds and other details; every word of the prompt changes them."""
        return np.random.default_rng([self.seeds[1], panel])

    def of(self, scene: Scene, turn: int = 0) -> Brief:
        """Return this brief for a part of the picture, ``turn`` pictures further."""
        return replace(self, scene=scene, turn=self.turn + turn, base=None, mask=None)


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).digest()[:8], "big")


def make_brief(model: str, request: ImageRequest, library: Library | None = None) -> Brief:
    """Read and decode ``request`` for ``model``. Raises InvalidInput where a reference cannot be read."""
    library = library or shipped()
    scene = read(request.prompt, library.known)
    base = mask = None
    if request.mask is not None and request.references:
        base = load(request.references[0].picture)
        size = request.size.pixels(DEFAULT_SIDE) if request.size else base.size
        size = (min(size[0], MAX_SIDE), min(size[1], MAX_SIDE))
        base = base if base.size == size else base.resize(size, Image.Resampling.LANCZOS)
        mask = mask_of(request.mask, size)
    else:
        size = request.size.pixels(DEFAULT_SIDE) if request.size else (DEFAULT_SIDE, DEFAULT_SIDE)
    given_ = tuple(given(r) for r in request.references[1 if mask else 0 :])
    inputs = [f"{r.picture.sha256} {r.role}" for r in request.references]
    inputs += [request.mask.sha256] if request.mask else []
    fixed = (model, request.negative_prompt or "", *inputs, size, request.seed or 0)
    return Brief(
        scene=scene,
        prompt=str(request.prompt),
        size=size,
        library=library,
        references=given_,
        excluded=library.excluded(request.negative_prompt),
        turn=_number(*fixed, scene.brief) % 60 + request.sample,
        seeds=(
            _number(*fixed, scene.brief, request.sample),
            _number(*fixed, request.prompt, request.sample),
        ),
        base=base,
        mask=mask,
    )

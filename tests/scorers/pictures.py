"""Pictures that scorers must tell apart, all made here, and the ways to spoil them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from imagegen_kit.imaging.encode import encode
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.registry import get_registry
from imagegen_kit.scorers import Measurement, ScorerSpec, Subject
from imagegen_kit.types import ImageRequest, Reference


@cache
def landscape(seed: int = 0, side: int = 320) -> Image.Image:
    """Hills, a sun and trees in uneven light, with grain: large and small forms, as a photograph has them."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), tuple(rng.integers(130, 230, 3).tolist()))
    draw = ImageDraw.Draw(image)
    x, y = rng.integers(side // 8, side * 7 // 8), rng.integers(side // 8, side // 3)
    draw.ellipse((x - side // 12, y - side // 12, x + side // 12, y + side // 12), fill=(250, 220, 120))
    for depth in range(3):
        tone = tuple((rng.integers(30, 190, 3) // (depth + 1)).tolist())
        waves = np.sin(np.linspace(0, rng.uniform(4, 9), side) + rng.uniform(0, 6)) * side / 16
        ridge = side * (0.45 + 0.17 * depth) + waves
        draw.polygon([(0, side), *enumerate(ridge.tolist()), (side, side)], fill=tone)
        for left in rng.integers(0, side, 12):
            top = float(ridge[left])
            draw.polygon(
                [(left, top + 12), (left + 8, top - 28), (left + 16, top + 12)], fill=(20, 60 + 30 * depth, 30)
            )
    light = Image.fromarray(rng.integers(0, 60, (9, 9), dtype=np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    grain = rng.normal(-30, 3, (side, side))
    lit = np.asarray(image) + (np.asarray(light) + grain)[..., None]
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


@cache
def sketch(side: int = 512) -> Image.Image:
    """A drawing in thick black lines on white paper."""
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    line = side // 50
    draw.ellipse((side * 0.2, side * 0.2, side * 0.7, side * 0.7), outline="black", width=line)
    draw.line((side * 0.45, side * 0.7, side * 0.5, side * 0.9), fill="black", width=line)
    draw.line((side * 0.35, side * 0.4, side * 0.4, side * 0.42), fill="black", width=line)
    return image


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(BytesIO(jpeg_bytes(image, quality)))


def jpeg_bytes(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


def blurred(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius)) if radius else image


def noisy(image: Image.Image, spread: float) -> Image.Image:
    grain = np.random.default_rng(5).normal(0, spread, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image.convert("RGB")) + grain).clip(0, 255).astype(np.uint8))


def brighter(image: Image.Image, factor: float) -> Image.Image:
    return image.point(lambda level: level * factor)


def flatter(image: Image.Image, factor: float) -> Image.Image:
    return image.point(lambda level: 128 + (level - 128) * factor)


def letterboxed(image: Image.Image, share: float, colour: str = "black") -> Image.Image:
    """The picture between two bands that take ``share`` of its area."""
    framed = Image.new("RGB", image.size, colour)
    band = round(image.height * share / 2)
    framed.paste(image.resize((image.width, image.height - 2 * band)), (0, band))
    return framed


EDGE_CASES: Mapping[str, Image.Image] = {
    "one pixel": Image.new("RGB", (1, 1), "teal"),
    "two pixels": Image.fromarray(np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)),
    "all white": Image.new("RGB", (300, 200), "white"),
    "all black": Image.new("L", (64, 64), 0),
    "transparent": Image.new("RGBA", (120, 120), (200, 0, 0, 0)),
    "half transparent": landscape(2, 128).convert("RGBA"),
    "grey": landscape(1).convert("L"),
    "16 bit": Image.fromarray(np.asarray(landscape(1).convert("L")).astype(np.uint16) * 257),
    "palette": landscape(3).quantize(16),
    "black and white": sketch().convert("1"),
    "banner": landscape(1).resize((2000, 7)),
    "column": landscape(1).resize((9, 1500)),
    "noise": noisy(Image.new("RGB", (256, 256), "grey"), 90),
    "stripes": Image.fromarray(np.tile(np.array([0, 255], dtype=np.uint8), (200, 100))),
    "blocks of eight": Image.fromarray(
        np.kron(np.indices((32, 32)).sum(axis=0) % 2 * 255, np.ones((8, 8))).astype("u1")
    ),
}


def spec(name: str) -> ScorerSpec:
    return get_registry().scorer(name)


def scorer(name: str, **options: Any) -> Any:
    return get_registry().scorer_target(name)(**options)


def subject(
    image: Image.Image | bytes,
    *,
    references: tuple[Reference, ...] = (),
    prompt: str = "a picture",
    reads: tuple[str, ...] | None = None,
) -> Subject:
    picture = Picture.from_bytes(image) if isinstance(image, bytes) else Picture.from_bytes(encode(image))
    return Subject(picture, ImageRequest(prompt=prompt, model="offline/collage", references=references), reads=reads)


def measured(name: str, *subjects: Subject, **options: Any) -> list[dict[str, Measurement]]:
    """Return what a scorer says of a set, every number of its spec, as scores are recorded."""
    known = spec(name)
    seen = [s.seen_by(known.reads, name) for s in subjects]
    return [whole(known, answer) for answer in scorer(name, **options).score(seen)]


def whole(known: ScorerSpec, answer: Any) -> dict[str, Measurement]:
    names = [measure.name for measure in known.columns.values()]
    given = answer if isinstance(answer, Mapping) else dict.fromkeys(names, answer)
    assert set(given) == set(names)
    return {name: v if isinstance(v, Measurement) else Measurement(v) for name, v in given.items()}


def value(measurement: Measurement) -> float:
    assert measurement.value is not None, measurement.reason
    return measurement.value


def check_honest(known: ScorerSpec, found: Mapping[str, Measurement]) -> None:
    """Every number is within the range that its column promises; where there is none, there is a reason."""
    for measure in known.columns.values():
        measurement = found[measure.name]
        if measurement.value is None:
            assert measurement.reason, measure
            continue
        assert np.isfinite(measurement.value), measure
        assert measure.low is None or measurement.value >= measure.low, (measure, measurement)
        assert measure.high is None or measurement.value <= measure.high, (measure, measurement)

"""How style words change a finished picture: one small function for each style of the lexicon."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from imagegen_kit.providers.offline.draw import Canvas, Colour, Floats


def _array(image: Image.Image) -> Floats:
    return np.asarray(image).astype(np.float32)


def _image(array: Floats) -> Image.Image:
    return Image.fromarray(np.clip(array, 0, 255).astype(np.uint8))


def vignette(image: Image.Image, strength: float) -> Image.Image:
    """Darken the corners; ``strength`` is how much is taken from them (0 … 1)."""
    ramp = Image.radial_gradient("L").resize(image.size)
    dark = ramp.point([round(255 * (1 - strength * max(0.0, (v - 90) / 165) ** 1.6)) for v in range(256)])
    return ImageChops.multiply(image, Image.merge("RGB", (dark, dark, dark)))


def grain(image: Image.Image, rng: np.random.Generator, sigma: float = 11.0) -> Image.Image:
    """Add film grain: the same noise in all channels, ``sigma`` grey levels strong."""
    tile = rng.normal(0, sigma, (min(512, image.height), min(512, image.width))).astype(np.float32)
    noise = np.tile(tile, (-(-image.height // tile.shape[0]), -(-image.width // tile.shape[1])))
    return _image(_array(image) + noise[: image.height, : image.width, None])


def _split_tone(image: Image.Image, shadows: Colour, lights: Colour, share: float) -> Image.Image:
    grey = image.convert("L")
    toned = ImageOps.colorize(grey, shadows, lights, mid=(128, 126, 124))
    return Image.blend(image, toned, share)


def _cinematic(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    image = _split_tone(image, (4, 30, 44), (255, 214, 160), 0.34)
    return vignette(ImageEnhance.Contrast(image).enhance(1.16), 0.62)


def _noir(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    grey = ImageOps.autocontrast(image.convert("L"), cutoff=2)
    curve = [round(255 / (1 + np.exp(-(v - 122) / 34))) for v in range(256)]
    dark = _array(grey.point(curve).convert("RGB"))
    height, width = dark.shape[:2]
    slant = np.arange(height)[:, None] + np.arange(width)[None, :] * rng.uniform(-0.35, 0.35)
    slats = 0.5 + 0.5 * np.clip(np.sin(slant / min(width, height) * 2 * np.pi * 9) * 2.2, -1, 1)
    reach = np.clip(1.3 - np.arange(height) / height * 1.6, 0, 1)[:, None]
    return vignette(_image(dark * (1 - 0.42 * (slats * reach))[..., None]), 0.8)


def _mono(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageOps.autocontrast(image.convert("L"), cutoff=1).convert("RGB")


def _vintage(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    image = ImageEnhance.Color(image).enhance(0.55)
    image = _split_tone(image, (58, 34, 22), (252, 232, 190), 0.5)
    image = Image.blend(image, Image.new("RGB", image.size, (226, 196, 150)), 0.1)
    return vignette(grain(image, rng, 6), 0.4)


def _neon(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    edges = image.convert("L").filter(ImageFilter.GaussianBlur(1.2)).filter(ImageFilter.FIND_EDGES)
    edges = edges.point([min(255, int(v * 3.2)) for v in range(256)])
    dark = ImageEnhance.Brightness(_split_tone(image, (18, 4, 54), (236, 90, 220), 0.62)).enhance(0.55)
    across = Image.linear_gradient("L").rotate(90).resize(image.size)
    glow = ImageOps.colorize(across, (255, 40, 190), (30, 230, 255))
    light = Image.composite(glow, Image.new("RGB", image.size), edges)
    soft = light.reduce(4).filter(ImageFilter.GaussianBlur(max(1.0, min(image.size) / 220))).resize(image.size)
    return vignette(ImageChops.add(ImageChops.add(dark, light), ImageEnhance.Brightness(soft).enhance(1.5)), 0.45)


def _watercolour(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = image.reduce(2).filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.ModeFilter(5))
    flat = small.filter(ImageFilter.SMOOTH_MORE).resize(image.size, Image.Resampling.BICUBIC)
    edge = ImageOps.invert(small.convert("L").filter(ImageFilter.FIND_EDGES)).resize(image.size)
    edge = edge.point([max(150, v) for v in range(256)])
    washed = ImageChops.multiply(flat, Image.merge("RGB", (edge, edge, edge)))
    blotch = rng.uniform(0, 1, (9, 9)).astype(np.float32)
    cloudy = np.asarray(Image.fromarray(blotch).resize(image.size, Image.Resampling.BICUBIC))
    paper = np.asarray(Image.fromarray(rng.normal(0, 5, (256, 256)).astype(np.float32)).resize(image.size))
    pale = _array(washed) * 0.8 + 56 + (cloudy[..., None] - 0.5) * 26 + paper[..., None]
    width, height = image.size
    rim = np.minimum.outer(
        np.minimum(np.arange(height), np.arange(height)[::-1]), np.minimum(np.arange(width), np.arange(width)[::-1])
    )
    fade = np.clip((rim / min(width, height) - 0.02 - cloudy * 0.05) * 26, 0, 1)[..., None]
    return _image(pale * fade + np.array([251, 248, 241]) * (1 - fade))


def _oil(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = ImageEnhance.Color(image.reduce(2)).enhance(1.35).filter(ImageFilter.ModeFilter(7))
    paint = _array(small.resize(image.size, Image.Resampling.BICUBIC))
    strokes = rng.normal(0, 1, (image.height // 3 + 1, image.width // 16 + 1)).astype(np.float32)
    relief = np.asarray(Image.fromarray(strokes).rotate(12).resize(image.size, Image.Resampling.BICUBIC))
    return _image(paint + relief[..., None] * 12)


def _comic(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    soft = image.filter(ImageFilter.MedianFilter(3))
    flat = _array(ImageOps.posterize(ImageEnhance.Color(soft).enhance(1.7), 3)) + 14
    height, width = flat.shape[:2]
    pitch = max(4.0, min(width, height) / 110)
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    dots = (np.sin((x + y) * np.pi / pitch) * np.sin((x - y) * np.pi / pitch) + 1) / 2
    tone = _array(image.convert("L"))
    flat *= 1 - 0.28 * np.clip((dots - tone / 255 * 1.15) * 6, 0, 1)[..., None]
    return ImageChops.multiply(_image(flat), _ink(image, 1.5))


def _ink(image: Image.Image, weight: float) -> Image.Image:
    edge = image.convert("L").filter(ImageFilter.GaussianBlur(1.0)).filter(ImageFilter.FIND_EDGES)
    edge = edge.crop((2, 2, image.width - 2, image.height - 2)) if min(image.size) > 8 else edge
    framed = Image.new("L", image.size)
    framed.paste(edge, (2, 2))
    thick = framed.filter(ImageFilter.MaxFilter(3)).point(
        [255 - min(255, int(max(0, v - 18) * 4 * weight)) for v in range(256)]
    )
    return Image.merge("RGB", (thick, thick, thick))


def _sketch(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    lines = _ink(image, 1.0)
    light = ImageEnhance.Color(image).enhance(0.0)
    return ImageChops.multiply(Image.blend(light, Image.new("RGB", image.size, (250, 249, 246)), 0.78), lines)


def _pixel(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = image.size
    share = 96 / max(width, height)
    small = image.resize((max(1, round(width * share)), max(1, round(height * share))), Image.Resampling.BOX)
    small = ImageEnhance.Color(small).enhance(1.3).quantize(28, dither=Image.Dither.NONE).convert("RGB")
    return small.resize(image.size, Image.Resampling.NEAREST)


def _pastel(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    soft = Image.blend(ImageEnhance.Color(image).enhance(0.75), Image.new("RGB", image.size, (255, 240, 246)), 0.34)
    return ImageChops.screen(
        soft,
        ImageEnhance.Brightness(soft.reduce(4).filter(ImageFilter.GaussianBlur(4)).resize(image.size)).enhance(0.22),
    )


def _vivid(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(ImageEnhance.Color(image).enhance(1.55)).enhance(1.08)


def _crisp(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    sharp = image.filter(ImageFilter.UnsharpMask(radius=2.2, percent=60, threshold=2))
    return vignette(ImageEnhance.Contrast(sharp).enhance(1.06), 0.16)


def _warm(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return _image(_array(image) * np.array([1.07, 1.0, 0.86]))


def _cool(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return _image(_array(image) * np.array([0.86, 0.98, 1.08]))


STYLES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "crisp": _crisp,
    "vivid": _vivid,
    "pastel": _pastel,
    "warm": _warm,
    "cool": _cool,
    "cinematic": _cinematic,
    "comic": _comic,
    "watercolour": _watercolour,
    "oil": _oil,
    "vintage": _vintage,
    "neon": _neon,
    "sketch": _sketch,
    "pixel": _pixel,
    "mono": _mono,
    "noir": _noir,
    "grain": grain,
}


def grade(image: Image.Image, styles: frozenset[str], rng: np.random.Generator) -> Image.Image:
    """Apply all of ``styles`` in one fixed order (colours first, film last)."""
    for name, apply in STYLES.items():
        if name in styles:
            image = apply(image, rng)
    return image


def bokeh(c: Canvas) -> None:
    """Blur what is painted so far and set soft discs of light before it."""
    c.image = c.image.filter(ImageFilter.GaussianBlur(c.unit * 0.011))
    average = c.image.resize((1, 1)).getpixel((0, 0))
    tint = tuple(min(255, int(v * 0.4 + 160)) for v in average) if isinstance(average, tuple) else (255, 240, 210)
    for _ in range(16):
        x, y, r = c.rng.uniform(0, c.width), c.height * c.rng.beta(1.4, 2.2), c.unit * c.rng.uniform(0.022, 0.06)
        c.disc(x, y, r, (tint[0], tint[1], tint[2]), 0.22)
        c.disc(x, y, r * 0.86, (255, 236, 196), 0.16)


def palette_of(image: Image.Image, model: Image.Image) -> Image.Image:
    """Return ``image`` with the mean and spread of each channel moved towards those of ``model``.

    Reinhard et al. 2001, "Color Transfer between Images", here in RGB and by 70 %.
    """
    source, target = _array(image), _array(model.convert("RGB").resize((64, 64)))
    spread = np.clip((target.std((0, 1)) + 1) / (source.std((0, 1)) + 1), 0.5, 1.8)
    moved = (source - source.mean((0, 1))) * spread + target.mean((0, 1))
    return _image(source * 0.3 + moved * 0.7)

"""``offline/poster``: a square, flat poster: few bold colours, geometry behind, the subject large in front."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from imagegen_kit.providers.offline.abstract import SHOWN
from imagegen_kit.providers.offline.brief import Brief
from imagegen_kit.providers.offline.cast import cast
from imagegen_kit.providers.offline.collage import with_decor
from imagegen_kit.providers.offline.draw import Canvas, Colour, mix
from imagegen_kit.providers.offline.inputs import cover
from imagegen_kit.providers.offline.layout import arrange
from imagegen_kit.providers.offline.lexicon import colour
from imagegen_kit.providers.offline.panels import compose
from imagegen_kit.providers.offline.placing import fit, sprite, standing
from imagegen_kit.providers.offline.signs import lettering

# Background, second, accent, light, dark.
SCHEMES: tuple[tuple[Colour, ...], ...] = (
    ((244, 162, 64), (230, 92, 58), (38, 84, 124), (255, 240, 206), (30, 28, 44)),
    ((58, 150, 152), (28, 92, 112), (242, 176, 60), (250, 238, 210), (22, 34, 52)),
    ((232, 84, 96), (178, 42, 74), (255, 206, 92), (255, 240, 224), (44, 20, 46)),
    ((116, 172, 92), (52, 116, 82), (244, 120, 64), (252, 244, 208), (24, 42, 40)),
    ((88, 104, 196), (52, 54, 130), (252, 196, 76), (244, 240, 255), (24, 22, 58)),
    ((242, 206, 92), (224, 140, 52), (196, 56, 62), (255, 248, 220), (48, 32, 32)),
)
COLOURS = 24
WORK_SIDE = 1024


def draw(brief: Brief) -> Image.Image:
    """Return the poster of ``brief``: always square, at most ``COLOURS`` colours."""
    side = min(brief.size) if brief.size[0] != brief.size[1] else brief.size[0]
    work = min(WORK_SIDE, side)
    picture = compose(brief, (work, work), paint)
    if "mono" in brief.scene.styles or "noir" in brief.scene.styles:
        picture = picture.convert("L").convert("RGB")
    if work != side:
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")


def _scheme(brief: Brief, rng: np.random.Generator) -> tuple[Colour, ...]:
    scheme = SCHEMES[int(rng.integers(len(SCHEMES)))]
    named = next((s.colour for s in brief.scene.subjects if s.colour), None)
    if brief.scene.light == "night" or "neon" in brief.scene.styles:
        return ((36, 40, 92), (20, 22, 58), (240, 80, 170), (250, 236, 190), (10, 10, 30))
    if "cinematic" in brief.scene.styles:  # the teal and amber of film posters
        return ((30, 74, 88), (16, 36, 50), (238, 148, 62), (248, 226, 190), (8, 14, 22))
    if brief.scene.light == "sunset":
        return ((250, 150, 82), (206, 70, 96), (255, 214, 120), (255, 240, 214), (62, 26, 66))
    if "vintage" in brief.scene.styles:
        return ((222, 192, 140), (186, 108, 70), (72, 104, 104), (246, 232, 200), (52, 40, 36))
    if named and named not in ("black", "white", "grey", "gray"):  # let the named colour stand out: its opposite behind
        tone = np.asarray(Image.new("RGB", (1, 1), colour(named)).convert("HSV"))[0, 0]
        far = Image.new("HSV", (1, 1), ((int(tone[0]) + 128) % 256, 130, 210)).convert("RGB").getpixel((0, 0))
        assert isinstance(far, tuple)
        back = (int(far[0]), int(far[1]), int(far[2]))
        return (back, mix(back, (20, 24, 40), 0.35), mix(back, (255, 255, 255), 0.5), scheme[3], scheme[4])
    return scheme


def paint(brief: Brief, width: int, height: int, panel: int) -> Image.Image:
    """Return one panel of the poster."""
    rng = brief.arranging(panel)
    colours = _scheme(brief, rng)
    c = Canvas(width, height, rng, colours[0])
    _geometry(c, colours, int(brief.detailing(panel).integers(5)), brief.scene.layout != "portrait")
    whole = next((r for r in brief.references if not r.cut), None)
    if whole is not None:
        return ImageEnhance.Color(cover(whole.picture.convert("RGB"), width, height)).enhance(1.3)
    scene, _ = with_decor(brief, brief.scene.place or "")
    groups = cast(scene, brief.library, brief.references, brief.excluded, rng, brief.turn)
    if not any(groups):
        return _typography(c, brief, colours)
    items = arrange(scene, groups, width / height, rng)
    edge = max(3, round(c.unit * 0.012)) | 1
    boxes = fit(items, scene, width, height, standing(items, width, height), False, rng)
    cut = [(sprite(item, w, h), (round(x), round(y))) for item, (x, y, w, h) in zip(items, boxes, strict=True)]
    for picture, at in cut:
        pad = edge * 2
        shape = Image.new("L", (picture.width + pad * 2, picture.height + pad * 2))
        shape.paste(picture.getchannel("A"), (pad, pad))
        halo = shape.filter(ImageFilter.GaussianBlur(edge * 0.9)).point(
            [min(255, max(0, v - 14) * 9) for v in range(256)]
        )
        c.image.paste(colours[4], (at[0] - pad + edge // 2, at[1] - pad + edge), halo)
        c.image.paste(colours[3], (at[0] - pad, at[1] - pad), halo)
    for picture, at in cut:
        flat = _flat(picture)
        c.image.paste(flat, at, flat)
    return c.image


def _flat(picture: Image.Image) -> Image.Image:
    """Return ``picture`` in eight saturated colours and without half-transparent parts except at its edge."""
    alpha = picture.getchannel("A")
    rgb = Image.new("RGB", picture.size, (255, 255, 255))
    rgb.paste(picture, mask=alpha)
    rgb = ImageEnhance.Color(ImageEnhance.Contrast(rgb).enhance(1.2)).enhance(1.45)
    flat = (
        rgb.filter(ImageFilter.MedianFilter(3))
        .quantize(8, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        .convert("RGB")
    )
    flat = flat.convert("RGBA")
    flat.putalpha(alpha.point([min(255, max(0, v - 60) * 2) for v in range(256)]))
    return flat


def _geometry(c: Canvas, colours: tuple[Colour, ...], kind: int, grounded: bool) -> None:
    """Paint one of five geometric grounds."""
    w, h, u = c.width, c.height, c.unit
    back, second, accent, light, _ = colours
    if kind == 0:  # sunburst
        x, y, far = w / 2, h * 0.56, max(w, h) * 1.2
        for k in range(0, 28, 2):
            a, b = k * np.pi / 14, (k + 1) * np.pi / 14
            c.polygon(
                [(x, y), (x + far * np.cos(a), y + far * np.sin(a)), (x + far * np.cos(b), y + far * np.sin(b))],
                mix(back, light, 0.45),
            )
        c.disc(x, y, u * 0.36, second)
    elif kind == 1:  # halves and a sun
        c.rect(0, h * 0.52, w, h, second)
        c.disc(w * 0.5, h * 0.48, u * 0.36, accent)
        c.disc(w * 0.5, h * 0.48, u * 0.29, light)
    elif kind == 2:  # rings
        for k, tone in enumerate((second, light, accent, back, second)):
            c.disc(w / 2, h * 0.52, u * (0.62 - k * 0.11), tone)
    elif kind == 3:  # slanted stripes
        for k in range(-4, 12, 2):
            x = w * k / 8
            c.polygon([(x, h), (x + w / 8, h), (x + w / 8 + w * 0.4, 0), (x + w * 0.4, 0)], mix(back, second, 0.55))
        c.disc(w * 0.5, h * 0.5, u * 0.38, light)
    else:  # quarters
        c.rect(0, 0, w / 2, h / 2, second)
        c.rect(w / 2, h / 2, w, h, accent)
        c.disc(w / 2, h / 2, u * 0.4, light)
        c.disc(w / 2, h / 2, u * 0.34, mix(back, light, 0.5))
    if grounded and kind != 4:
        c.below(c.wave(h * 0.86, 0, 1), accent if kind != 1 else mix(second, accent, 0.4))
    frame = u * 0.022
    for x0, y0, x1, y1 in ((0, 0, w, frame), (0, h - frame, w, h), (0, 0, frame, h), (w - frame, 0, w, h)):
        c.rect(x0, y0, x1, y1, light)


def _typography(c: Canvas, brief: Brief, colours: tuple[Colour, ...]) -> Image.Image:
    text = " ".join(brief.prompt.split())[:SHOWN]
    wide, high = int(c.width * 0.76), int(c.height * 0.42)
    x, y = (c.width - wide) // 2, (c.height - high) // 2
    pad = c.unit * 0.05
    c.rect(x - pad, y - pad, x + wide + pad, y + high + pad, colours[4])
    if text and c.unit >= 48:
        words = lettering(text.upper(), wide, high, colours[3], 5)
        c.image.paste(words, (x, y), words)
    return c.image

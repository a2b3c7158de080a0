"""Colours as people name them, as pictures hold them, and how far apart they look."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from PIL import Image, ImageColor

from imagegen_kit.imaging.encode import plain

SIDE = 64  # a picture is looked at so small; its colours stay
CLUSTERS = 5  # dominant colours of a picture
# Half of what people call different colours lies further apart than this in CIELAB.
APART = 25.0
_CODE = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![0-9a-zA-Z])")
_WORD = re.compile(r"[a-z]+")
# What people say and the CSS names leave out, or mean otherwise: CSS "green" is dark, and "gold" is nearly yellow.
_ALSO = {
    "cream": "#fff3d6", "ochre": "#cc7722", "mustard": "#d9a520", "burgundy": "#800020", "emerald": "#2e9e5b",
    "amber": "#ffbf00", "charcoal": "#36454f", "rust": "#b7410e", "mint": "#98e8c1", "peach": "#ffcba4",
    "rose": "#e8738e", "lilac": "#c8a2c8", "mauve": "#b784a7", "scarlet": "#e0241b", "copper": "#b87333",
}  # fmt: skip
_PAIRS = re.compile(r"\b(light|dark|pale|bright|deep)\s+([a-z]+)")
_SHADES = {"light": (0.45, 255), "pale": (0.6, 255), "bright": (0.0, 0), "dark": (0.4, 0), "deep": (0.25, 0)}


@cache
def named_colours() -> dict[str, tuple[int, int, int]]:
    """Return each colour word with its (red, green, blue), 0 to 255: the CSS names and a few more."""
    found = {name: ImageColor.getrgb(name)[:3] for name in (*ImageColor.colormap, *_ALSO.values())}
    return {**{n: c for n, c in found.items() if n.isalpha()}, **{word: found[code] for word, code in _ALSO.items()}}


def colours_in(text: str) -> np.ndarray:
    """Return (n, 3) the CIELAB colours that a text names, in words or hex codes, each once; (0, 3) where it names none.

    "light", "pale", "dark" and "deep" before a colour change it.
    """
    return lab(np.array(list(words_in(text)), dtype=np.float64).reshape(-1, 3))


def words_in(text: str) -> dict[tuple[int, ...], str]:
    """Return the colours that a text names as (red, green, blue), 0 to 255, each with the words for it."""
    known = named_colours()
    found: dict[tuple[int, ...], str] = {}
    for code in _CODE.findall(text):
        found.setdefault(ImageColor.getrgb(code)[:3], code)
    lower = _CODE.sub(" ", text.lower())
    for shade, word in _PAIRS.findall(lower):
        if word in known:
            share, towards = _SHADES[shade]
            mixed = tuple(round(c + share * (towards - c)) for c in known[word])
            found.setdefault(known.get(shade + word, mixed), f"{shade} {word}")  # CSS has its own "lightgreen"
    for word in _WORD.findall(_PAIRS.sub(lambda pair: " " if pair[2] in known else pair[0], lower)):
        if word in known:
            found.setdefault(known[word], word)
    return found


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIELAB (L*, a*, b*) of sRGB values from 0 to 255, both (n, 3), in daylight D65 (IEC 61966-2-1, CIE 15)."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root.T
    found: np.ndarray = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
    return found


def palette_of(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Return the dominant colours of a picture, (CLUSTERS, 3) in CIELAB, and the share of it that each covers.

    What is transparent does not count. The clusters are Lloyd's k-means, begun at the picture's own colours by rising
    lightness, so that the same picture always has the same palette. Colours that cover nothing have the share 0.
    """
    colours = seen_in(image)
    order = np.argsort(colours[:, 0], kind="stable")
    centres = colours[order[np.linspace(0, len(order) - 1, CLUSTERS).astype(int)]]
    for _ in range(12):
        nearest = _apart(colours, centres).argmin(axis=1)
        groups = [colours[nearest == k] for k in range(CLUSTERS)]
        moved = np.stack([g.mean(axis=0) if len(g) else old for g, old in zip(groups, centres, strict=True)])
        if np.allclose(moved, centres, atol=0.1):
            break
        centres = moved
    nearest = _apart(colours, centres).argmin(axis=1)
    return centres, np.bincount(nearest, minlength=CLUSTERS) / len(nearest)


def seen_in(image: Image.Image) -> np.ndarray:
    """Return (n, 3) CIELAB of the pixels of a picture, made small; what is transparent is left out."""
    small = plain(image).convert("RGBA")
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float64).reshape(-1, 4)
    seen = pixels[pixels[:, 3] >= 128, :3]
    if not len(seen):  # all of it is transparent: it lies on white paper
        seen = np.full((1, 3), 255.0)
    return lab(seen)


def likeness(wanted: np.ndarray, weights: np.ndarray, centres: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return (n,) from 0 to 1 how well each of n pictures shows the wanted colours.

    ``wanted`` is (m, 3) with ``weights`` (m,) that sum to 1, ``centres`` (n, k, 3), ``shares`` (n, k). Each wanted
    colour looks for its match among a picture's colours: exp(-(distance / APART)²), times how much of the picture it
    covers (from a quarter of it on it covers enough).
    """
    distance = np.linalg.norm(centres[:, :, None, :] - wanted[None, None, :, :], axis=-1)  # (n, k, m)
    match = np.exp(-((distance / APART) ** 2)) * np.minimum(1.0, np.sqrt(4 * shares))[:, :, None]
    found: np.ndarray = match.max(axis=1) @ weights
    return np.clip(found, 0.0, 1.0)


def difference(centres: np.ndarray, shares: np.ndarray) -> float:
    """Return how far, in CIELAB units, the colours of two pictures lie apart: on average from the other's nearest.

    ``centres`` is (2, k, 3), ``shares`` (2, k). A colour that only one of them has counts by what it covers there.
    """
    apart = _apart(centres[0], centres[1])
    used = np.where(shares[1] > 0, apart, np.inf).min(axis=1), np.where(shares[0] > 0, apart.T, np.inf).min(axis=1)
    return float(max(shares[0] @ used[0], shares[1] @ used[1]))


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.linalg.norm(one[:, None, :] - other[None, :, :], axis=-1)

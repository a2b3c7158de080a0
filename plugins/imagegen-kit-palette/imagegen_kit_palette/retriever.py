"""The retriever: the colours that a brief names or shows, against the dominant colours of each picture."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import ImagegenError
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.retrieval.base import Brief, ChannelHit, Found, Hit
from imagegen_kit_palette.colours import CLUSTERS, colours_in, difference, likeness, palette_of

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library import Library

CHANNEL = "palette"
SAME = 3.0  # CIELAB units by which the colours of two copies of a picture may differ, on average
BITS = 6  # and the bits of their dHashes, or of their pHashes
KEPT = 200_000  # palettes that are kept in memory, by the hash of the picture: about 200 bytes each


class PaletteRetriever:
    """Finds pictures by colour: words ("navy", "light green"), codes ("#e63946"), or the colours of query pictures.

    A picture's palette is computed when it is first looked at, from its file, and kept by the file's hash: a change of
    the library costs only what is new. A brief that names no colour finds nothing, and a note says so. ``negative``
    lowers pictures with those colours. It does not use ``diversity``, ``weights`` and ``vector``.
    """

    name = "palette"

    def __init__(self) -> None:
        self._palettes: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._stacked: tuple[str, np.ndarray, np.ndarray, np.ndarray] | None = None  # of the library seen last
        self._guard = threading.Lock()

    def retrieve(self, library: Library, brief: Brief) -> Found:
        """Return at most ``brief.top_k`` hits, best first. Raises InvalidInput for an unknown key of ``where``."""
        began = perf_counter()
        allowed = library.numbers(brief.where)
        wanted, weights = _wanted(brief)
        notes = _notes(brief, len(wanted))
        if not len(wanted) or not len(allowed) or brief.top_k < 1:
            return Found((), {CHANNEL: True}, notes=notes, kept=len(allowed))
        numbers, centres, shares, unread = self._of(library)
        looked = perf_counter()
        keep = np.isin(numbers, allowed, assume_unique=True)
        numbers, centres, shares = numbers[keep], centres[keep], shares[keep]
        scores = likeness(wanted, weights, centres, shares)
        unwanted, parts = _unwanted(brief)
        if len(unwanted):
            scores = scores * (1 - likeness(unwanted, parts, centres, shares))
        order = np.lexsort((numbers, -scores))
        least = brief.min_score.get(CHANNEL, 0.0) if isinstance(brief.min_score, Mapping) else brief.min_score or 0.0
        if isinstance(brief.min_score, Mapping) and any(v > 0 for k, v in brief.min_score.items() if k != CHANNEL):
            order = order[:0]  # a channel that is not asked here found nothing
        places = order[scores[order] >= least]
        if brief.dedup:
            places = _distinct(places, numbers, (centres, shares), library, brief.top_k)
        hits = tuple(
            Hit(int(numbers[place]), float(scores[place]), {CHANNEL: ChannelHit(rank, float(scores[place]))})
            for rank, place in enumerate(places[: brief.top_k], 1)
        )
        seconds = {"palettes": looked - began, CHANNEL: perf_counter() - looked}
        if unread:
            notes = (*notes, f"{unread} pictures could not be read, so their colours are not known.")
        return Found(hits, {CHANNEL: True}, seconds, notes, len(allowed))

    def _of(self, library: Library) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Return numbers, colours and shares of all items that can be read, and how many cannot."""
        state = f"{library.path}\n{library.state}"
        with self._guard:
            if self._stacked is None or self._stacked[0] != state:
                items = library.items(library.numbers())
                if len(self._palettes) + len(items) > KEPT:
                    self._palettes = {}
                found = [(item.number, self._palette(item)) for item in items]
                sound = [(number, *palette) for number, palette in found if palette is not None]
                self._stacked = (
                    state,
                    np.array([number for number, _, _ in sound], dtype=np.int64),
                    np.array([colours for _, colours, _ in sound]).reshape(-1, CLUSTERS, 3),
                    np.array([shares for _, _, shares in sound]).reshape(-1, CLUSTERS),
                )
            _, numbers, centres, shares = self._stacked
        return numbers, centres, shares, len(library) - len(numbers)

    def _palette(self, item: Any) -> tuple[np.ndarray, np.ndarray] | None:
        if item.sha256 not in self._palettes:
            try:
                self._palettes[item.sha256] = palette_of(Picture.open(item.path).image)
            except ImagegenError:  # moved, or damaged since: the library's own verify says which
                return None
        return self._palettes[item.sha256]


def _wanted(brief: Brief) -> tuple[np.ndarray, np.ndarray]:
    """Return the wanted colours (m, 3) and their weights: words count alike, a picture's by what they cover."""
    parts = []
    if brief.text and len(named := colours_in(brief.text)):
        parts.append((named, np.full(len(named), 1 / len(named))))
    parts += [palette_of(image) for image in brief.images]
    return _joined(parts)


def _unwanted(brief: Brief) -> tuple[np.ndarray, np.ndarray]:
    parts = []
    if brief.negative and len(named := colours_in(brief.negative)):
        parts.append((named, np.full(len(named), 1 / len(named))))
    parts += [palette_of(image) for image in brief.negative_images]
    return _joined(parts)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if not parts:
        return np.zeros((0, 3)), np.zeros(0)
    colours, weights = (np.concatenate(some) for some in zip(*parts, strict=True))
    used = weights > 0
    return colours[used], weights[used] / weights.sum()


def _notes(brief: Brief, colours: int) -> tuple[str, ...]:
    notes = []
    if not colours:
        notes.append("no colour is named: write words like navy or codes like #e63946, or give a picture.")
    if brief.diversity:
        notes.append("palette does not use diversity.")
    if brief.weights is not None:
        notes.append("palette has one channel: weights are not used.")
    if brief.vector is not None:
        notes.append("palette looks at colours: the vector is not used.")
    return tuple(notes)


def _distinct(
    places: np.ndarray, numbers: np.ndarray, palettes: tuple[np.ndarray, np.ndarray], library: Library, top_k: int
) -> list[int]:
    """Return the first ``top_k`` places; none repeats a better one in its colours and in 58 of 64 bits of a hash."""
    kept: list[int] = []
    seen: list[np.ndarray] = []
    for start in range(0, len(places), 64):
        some = places[start : start + 64]
        prints = np.stack([library.fingerprints(numbers[some], kind) for kind in ("dhash", "phash")], axis=1)
        for place, both in zip(some, prints, strict=True):
            near = (k for k, other in zip(kept, seen, strict=True) if np.bitwise_count(both ^ other).min() <= BITS)
            if all(difference(*(part[[k, place]] for part in palettes)) > SAME for k in near):
                kept.append(int(place))
                seen.append(both)
            if len(kept) == top_k:
                return kept
    return kept

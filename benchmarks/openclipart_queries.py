"""What is asked of openclipart, what is a right answer, and how well a ranking gives it.

Every query belongs to one half: a picture by the hash of its file's name, a word by its own. Queries of the train half
are asked of the train half alone, so that tuning sees nothing of the other; those of the test half of all drawings.
"""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.openclipart import Drawing, half_of
from imagegen_kit.retrieval.text import tokenize

MOST = 1_000  # queries of a kind
Ranking = np.ndarray  # places of drawings, best first


@dataclass(frozen=True, slots=True)
class Query:
    """``ask`` is a text, or the place of a drawing; ``right`` the places of the right answers."""

    ask: str | int
    right: frozenset[int]


def document(drawing: Drawing, without: str = "") -> dict[str, str | list[str]]:
    """Return what is known of a drawing by words, one field left out."""
    fields: dict[str, str | list[str]] = {
        "name": drawing.title,
        "description": drawing.description,
        "tags": drawing.keywords,
        "folder": [words_of(name) for name in drawing.folders],
    }
    return {name: value for name, value in fields.items() if name != without}


def words_of(name: str) -> str:
    """Return the words of a file's or folder's name."""
    return " ".join(re.split(r"[_\W]+", name)).strip()


def titles(drawings: Sequence[Drawing], half: str) -> list[Query]:
    """Known item: a title that no other drawing has."""
    count = Counter(d.title.lower() for d in drawings)
    mine = [i for i, d in enumerate(drawings) if d.half == half and count[d.title.lower()] == 1 and tokenize(d.title)]
    return [Query(drawings[i].title, frozenset([i])) for i in _some(mine)]


def folder_words(drawings: Sequence[Drawing], half: str, fewest: int = 2) -> list[Query]:
    """The words of a folder's name; right are the drawings in it."""
    inside = defaultdict(list)
    for place, drawing in enumerate(drawings):
        if drawing.folders:
            inside[words_of(drawing.folders[-1])].append(place)
    return _word_queries(inside, half, fewest)


def keywords(drawings: Sequence[Drawing], half: str, fewest: int = 3) -> list[Query]:
    """A keyword of three or more drawings; right are those that have it."""
    having = defaultdict(list)
    for place, drawing in enumerate(drawings):
        for word in {word.lower() for word in drawing.keywords}:
            having[word].append(place)
    return _word_queries(having, half, fewest)


def like_folder(drawings: Sequence[Drawing], half: str) -> list[Query]:
    """A picture; right are the others of its folder. At most 12 of a folder are asked."""
    inside = defaultdict(list)
    for place, drawing in enumerate(drawings):
        inside[drawing.folder].append(place)
    asked = []
    for name in sorted(inside):
        mine = [place for place in inside[name] if drawings[place].half == half]
        asked += _some(mine, 12) if len(inside[name]) > 1 else []
    return [Query(i, frozenset(inside[drawings[i].folder]) - {i}) for i in _some(asked)]


def like_keyword(drawings: Sequence[Drawing], half: str) -> list[Query]:
    """A picture; right are the others that share a keyword with it which 2 to 60 drawings have."""
    having = defaultdict(set)
    for place, drawing in enumerate(drawings):
        for word in {word.lower() for word in drawing.keywords}:
            having[word].add(place)
    found = []
    for place, drawing in enumerate(drawings):
        words = [w for w in {word.lower() for word in drawing.keywords} if 2 <= len(having[w]) <= 60]
        if drawing.half == half and words:
            found.append(Query(place, frozenset(set().union(*(having[w] for w in words)) - {place})))
    return [found[i] for i in _some(range(len(found)))]


def _word_queries(having: dict[str, list[int]], half: str, fewest: int) -> list[Query]:
    mine = [w for w, places in sorted(having.items()) if len(places) >= fewest and half_of(w) == half and tokenize(w)]
    return [Query(mine[i], frozenset(having[mine[i]])) for i in _some(range(len(mine)))]


def _some(of: Sequence[int], most: int = MOST) -> list[int]:
    """Return at most ``most`` of ``of`` by a fixed chance, in their order."""
    if len(of) <= most:
        return list(of)
    return [of[i] for i in sorted(np.random.default_rng(5).choice(len(of), most, replace=False))]


def reciprocal_rank(query: Query, ranking: Ranking) -> float:
    """1 / the place of the first right answer, 0 where there is none."""
    found = np.flatnonzero(np.isin(ranking, list(query.right)))
    return 1.0 / (found[0] + 1) if found.size else 0.0


def precision_at_10(query: Query, ranking: Ranking) -> float:
    """The share of right answers among the first ten (missing ones are wrong)."""
    return float(np.isin(ranking[:10], list(query.right)).sum()) / 10


def first_is_right(query: Query, ranking: Ranking) -> float:
    """1 where the first answer is right."""
    return float(len(ranking) > 0 and int(ranking[0]) in query.right)


def interval(differences: np.ndarray, rounds: int = 4_000) -> tuple[float, float, float]:
    """Return the mean of paired differences and its 95 % bootstrap interval, the query being what is drawn."""
    chance = np.random.default_rng(7)
    count = len(differences)
    means = [differences[chance.integers(0, count, count)].mean() for _ in range(rounds)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


# ---------------------------------------------------------------------- near-duplicates
def on_white(image: Image.Image) -> Image.Image:
    """Return ``image`` as RGB, what is transparent as white."""
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _jpeg(image: Image.Image) -> Image.Image:
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=30)
    return Image.open(kept).convert("RGB")


def _cropped(image: Image.Image) -> Image.Image:
    across, down = round(image.width * 0.08), round(image.height * 0.08)
    return image.crop((across, down, image.width - across, image.height - down))


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "resize 50 %": lambda im: im.resize((max(1, im.width // 2), max(1, im.height // 2)), Image.Resampling.LANCZOS),
    "JPEG q30": _jpeg,
    "rotate 5°": lambda im: im.rotate(5, Image.Resampling.BICUBIC, fillcolor="white"),
    "crop 8 %": _cropped,
    "greyscale": lambda im: im.convert("L").convert("RGB"),
    "mirror": lambda im: im.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}

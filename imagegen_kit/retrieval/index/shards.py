"""Shards: parts of many vectors, each with its segments, its index and a manifest of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.index.build import TOP_K, build
from imagegen_kit.retrieval.index.files import sample_of, write_whole
from imagegen_kit.retrieval.index.kinds import IVF_PQ, IVF_SQ8, UP_TO, AnnRecord, kind_for
from imagegen_kit.retrieval.index.vectors import Segment, write_segment

FORMAT: Final = 1
MANIFEST: Final = "shard.json"  # of one shard, in its folder
ALL: Final = "shards.json"  # which shards there are, beside their folders; written last
ROWS: Final = 1_250_000  # vectors of a shard: its index is built in a minute or two, and fits beside other work
MOST_SHARDS: Final = 16
SQ8_BYTES: Final = 16 * 10**9  # of all shards' codes in memory, a byte a number; above, they are product-quantized
# What reading a manifest raises that is not what was written.
_DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Shard:
    """Some segments and the index over them. ``folder`` holds the index and the manifest.

    ``first`` and ``last`` are the smallest and the largest id.
    """

    folder: Path
    dimension: int
    segments: tuple[Segment, ...]
    ann: AnnRecord
    first: int
    last: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def rows(self) -> int:
        """How many vectors it holds, removed ones included."""
        return sum(segment.count for segment in self.segments)

    def to_plain(self) -> dict[str, Any]:
        """Return its manifest; where the segments lie is told from its own folder."""
        vectors = Path(os.path.relpath(self.segments[0].path.parent, self.folder)).as_posix()
        return {
            "format": FORMAT, "name": self.name, "dimension": self.dimension, "rows": self.rows,
            "first": self.first, "last": self.last, "vectors": vectors,
            "segments": [segment.to_plain() for segment in self.segments], "index": self.ann.to_plain(),
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], above: Path) -> Shard:
        """Return the shard that ``to_plain`` described, whose folder lies in ``above``. Raises as damage does."""
        if plain["format"] > FORMAT:
            raise ValueError(f"format {plain['format']} is newer than this imagegen_kit")
        folder = above / Path(str(plain["name"])).name
        vectors = Path(os.path.normpath(folder / plain["vectors"]))
        segments = tuple(Segment.from_plain(segment, vectors) for segment in plain["segments"])
        return cls(
            folder, int(plain["dimension"]), segments, AnnRecord.from_plain(plain["index"]), int(plain["first"]),
            int(plain["last"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lost:
    """A shard that cannot be asked: its name, how many vectors it holds (0: not known), and why, for people."""

    name: str
    rows: int
    why: str


def mark(segment: Segment) -> tuple[int, int, str]:
    """Return what tells one segment from all others: its number, how many rows it has, its sha256."""
    return segment.number, segment.count, segment.sha256


def check_number(shards: Any) -> None:
    """Raise InvalidInput where ``shards`` is neither None nor a whole number from 1 on."""
    if shards is not None and (isinstance(shards, bool) or not isinstance(shards, int) or shards < 1):
        what = f"must be a whole number, at least 1; it is {shards!r:.80}."
        raise InvalidInput([Fault("shards", what, "Leave it out to have it chosen by size.")])


def shard_kind(count: int, dimension: int) -> str:
    """Return the kind of index for the shards of ``count`` vectors in all: a byte a number, or an eighth of that."""
    return IVF_SQ8 if count * dimension <= SQ8_BYTES else IVF_PQ


def share_of_ten(shards: int) -> int:
    """Return how many of the ten nearest of all may lie in one of ``shards``: twice the mean, 2 at least.

    An index that was measured by its own ten nearest would look into several times as many cells for those of them that
    nearer ones in other shards replace. Of 8 shards, one has more than 3 of the ten for one query in thirty.
    """
    return min(TOP_K, max(2, -(-2 * TOP_K // shards)))


def rows_for(count: int) -> int:
    """Return how many vectors a shard of ``count`` has: 1.25 million, doubled until there are at most 16 shards.

    Each shard costs a question its centres and its best cells, so that many small ones are slow; each doubling makes
    all of them anew, and in between those that are full stay as they are.
    """
    rows = ROWS
    while count > MOST_SHARDS * rows:
        rows *= 2
    return rows


def shards_for(count: int) -> int:
    """Return into how many shards ``count`` vectors are divided: 1 up to 5 million, above by ``rows_for``."""
    return 1 if count <= UP_TO[IVF_SQ8] else -(-count // rows_for(count))


def grouped(segments: Sequence[Segment], rows: int) -> Iterator[list[Segment]]:
    """Yield the segments in order, in groups of at most ``rows`` vectors where no single one has more."""
    group: list[Segment] = []
    for segment in segments:
        if group and sum(s.count for s in group) + segment.count > rows:
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


def build_shards(
    folder: Path, segments: Sequence[Segment], removed: np.ndarray, *, dimension: int, rows: int = ROWS,
    kind: str | None = None,
) -> list[Shard]:  # fmt: skip
    """Build an index for each group of ``segments`` and return the shards, each with a manifest in its own folder.

    A shard that was built from the same segments before is left as it is: who was killed in between goes on there.
    Memory: that of one shard, see ``build``. Raises InvalidInput for an unknown kind, and StoreError.
    """
    kind = kind or shard_kind(sum(segment.count for segment in segments), dimension)
    groups, found = list(grouped(segments, rows)), []
    for group in groups:
        told = json.dumps([mark(segment) for segment in group])
        place = folder / f"shard-{group[0].number:06d}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
        found.append(_known(place, group, kind) or _built(place, group, removed, dimension, kind, len(groups)))
    return found


def _built(
    folder: Path, segments: Sequence[Segment], removed: np.ndarray, dimension: int, kind: str, shards: int
) -> Shard:  # fmt: skip
    ann = build(folder, segments, removed, kind=kind, dimension=dimension, nearest=share_of_ten(shards))
    bounds = [(int(ids.min()), int(ids.max())) for ids in (segment.ids() for segment in segments)]
    first, last = min(low for low, _ in bounds), max(high for _, high in bounds)
    shard = Shard(folder, dimension, tuple(segments), ann, first, last)
    write_manifest(shard)
    return shard


def write_manifest(shard: Shard) -> None:
    """Write a shard's manifest into its folder. Raises StoreError."""
    text = json.dumps(shard.to_plain(), indent=1)
    write_whole(shard.folder / MANIFEST, lambda part: part.write_text(text, encoding="utf-8"))


def manifest_fault(shard: Shard) -> str:
    """Return what is wrong with the manifest in a shard's folder, in words; "" where it says what it has to."""
    try:
        if json.loads((shard.folder / MANIFEST).read_bytes()) == json.loads(json.dumps(shard.to_plain())):
            return ""
    except FileNotFoundError:
        return f"{MANIFEST} is not there."
    except _DAMAGE:
        return f"{MANIFEST} cannot be read."
    return f"{MANIFEST} says something else than the database."


def _known(folder: Path, segments: Sequence[Segment], kind: str) -> Shard | None:
    """Return the shard that was built here before from the same segments, None where it has to be built."""
    try:
        shard = Shard.from_plain(json.loads((folder / MANIFEST).read_bytes()), folder.parent)
        same = shard.segments == tuple(segments) and shard.ann.kind == kind_for(shard.rows, kind)
        if not same or (shard.ann.file and sample_of(folder / shard.ann.file) != shard.ann.sample):
            return None
    except _DAMAGE:
        return None
    return shard


def write_shard(
    folder: str | Path, blocks: Iterable[tuple[np.ndarray, np.ndarray]], *, dimension: int, shards: int = 1,
    kind: str = IVF_SQ8,
) -> Shard:  # fmt: skip
    """Write a shard that stands alone, one of ``shards``; ``blocks`` are ids and vectors, some at once.

    One that lies there whole already is returned as it is, and ``blocks`` are not asked for: who was killed goes on.
    Raises InvalidInput for vectors that are none, and StoreError.
    """
    folder = Path(folder)
    try:
        shard = Shard.from_plain(json.loads((folder / MANIFEST).read_bytes()), folder.parent)
        if _known(folder, shard.segments, kind) is not None and shard.dimension == dimension:
            return shard
    except _DAMAGE:
        pass  # there is none, or not all of it
    segments = [write_segment(folder, number, ids, vectors) for number, (ids, vectors) in enumerate(blocks)]
    if not segments:
        raise InvalidInput([Fault("blocks", "hold no vectors.", "A shard has at least one.")])
    return _built(folder, segments, np.empty(0, np.int64), dimension, kind, shards)


def name_shards(folder: str | Path, shards: Sequence[Shard]) -> None:
    """Write which shards there are, so that one that is gone is missed. Their folders lie in ``folder``."""
    told = {
        "format": FORMAT,
        "dimension": shards[0].dimension,
        "shards": [{"name": shard.name, "rows": shard.rows} for shard in shards],
    }
    write_whole(Path(folder) / ALL, lambda part: part.write_text(json.dumps(told, indent=1), encoding="utf-8"))


def read_shards(folder: Path) -> tuple[int, list[Shard], list[Lost]]:
    """Return the dimension, the shards that ``folder`` names, and those of them whose manifest cannot be read.

    Raises StoreError where the folder does not say which shards there are.
    """
    try:
        told = json.loads((folder / ALL).read_bytes())
        dimension, named = int(told["dimension"]), [(str(one["name"]), int(one["rows"])) for one in told["shards"]]
    except _DAMAGE as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise StoreError(f"{folder / ALL} {why}: it names the shards. Put it back, or name them again.") from error
    shards, lost = [], []
    for name, rows in named:
        path = folder / Path(name).name / MANIFEST
        try:
            shard = Shard.from_plain(json.loads(path.read_bytes()), folder)
        except FileNotFoundError:
            lost.append(Lost(name, rows, f"{path} is gone. Put the shard's folder back, or make it again."))
        except _DAMAGE as error:
            lost.append(Lost(name, rows, f"{path} is damaged ({error}). Put it back, or make the shard again."))
        else:
            shards.append(shard)
    return dimension, shards, lost


def drop_shards(folder: Path, kept: Sequence[Shard]) -> None:
    """Delete the folders of shards that hold no longer. Who has one open goes on reading."""
    names = {shard.name for shard in kept}
    for path in folder.glob("shard-*"):
        if path.is_dir() and path.name not in names:
            shutil.rmtree(path, ignore_errors=True)

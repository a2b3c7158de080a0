"""Which kinds of index there are, which fits how many vectors, and what is written down of one that was built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import UnknownName
from imagegen_kit.retrieval.index.scan import load_faiss
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from imagegen_kit.retrieval.index.vectors import Segment

FLAT, FP16, IVF_SQ8, IVF_PQ = "flat", "fp16", "ivf-sq8", "ivf-pq"
# The most vectors that a kind is chosen for; above, the next one. Measured at 512 numbers a vector: retrieval-eval.
UP_TO: Mapping[str, float] = {FLAT: 50_000, FP16: 300_000, IVF_SQ8: 5_000_000, IVF_PQ: float("inf")}
KINDS = tuple(UP_TO)
LEAST = 1000  # below, no kind is faster than comparing everything, and none can be trained well
PROMISED = 0.98  # recall@10; an index that was measured below says so wherever it is opened
POINTS_A_CELL = 40  # training vectors; faiss asks for 39
MANY_CELLS = 2048  # above, half as many train each of them, which is as good and takes half as long


def known_kind(kind: str | None) -> str | None:
    """Return ``kind``. Raises UnknownName where it is none of ``KINDS`` and not None."""
    if kind is not None and kind not in UP_TO:
        raise UnknownName("kind of index", kind, KINDS)
    return kind


def kind_for(count: int, kind: str | None = None) -> str:
    """Return the kind for ``count`` vectors: ``kind`` where it is given; flat below 1,000 whatever is given."""
    known_kind(kind)
    if count < LEAST:
        return FLAT
    return kind or next(name for name, most in UP_TO.items() if count <= most)


def cells_for(count: int) -> int:
    """Return into how many cells IVF divides ``count`` vectors: 4·√n, 4096 from 1 million on, 2·√n above 4 million.

    Of a million in 4,000 clusters, 12 of 4096 cells held .995 of the true ten and 4 % of all vectors, 48 of 2048 held
    .996 and 22 %: too few cells, and each holds several clusters. Building takes about twice as long for it.
    """
    return max(1, min(int(max(min(4 * sqrt(count), 4096), 2 * sqrt(count))), count // POINTS_A_CELL))


@dataclass(frozen=True, slots=True)
class AnnRecord:
    """What a manifest says of a derived index.

    ``file`` is its name in the index's folder; None for a flat one, which needs none. ``watermark`` names the segments
    that it covers, in the order of its rows: (number, rows, sha256). ``parameters``: ``cells`` and ``probes`` (IVF),
    ``over_fetch`` (how many are compared again exactly for a top 10), and ``recall``, recall@10 as measured when it
    was built; of a shard, that of the part of the ten which lies in it.
    """

    file: str | None
    kind: str
    dimension: int
    parameters: Mapping[str, float] = field(default_factory=empty)
    sha256: str = ""
    sample: str = ""
    size: int = 0
    watermark: tuple[tuple[int, int, str], ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it covers, removed ones included."""
        return sum(rows for _, rows, _ in self.watermark)

    def covers(self, segments: Sequence[Segment]) -> bool:
        """Say whether all the segments that it was built from are still there, as they were."""
        here = {(s.number, s.count, s.sha256) for s in segments}
        return all(covered in here for covered in self.watermark)

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "file": self.file, "kind": self.kind, "dimension": self.dimension, "parameters": dict(self.parameters),
            "sha256": self.sha256, "sample": self.sample, "size": self.size,
            "watermark": [list(covered) for covered in self.watermark],
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> AnnRecord:
        """Return what ``to_plain`` described."""
        watermark = tuple((int(number), int(rows), str(sha256)) for number, rows, sha256 in plain["watermark"])
        return cls(**{**plain, "watermark": watermark})


def new_index(kind: str, dimension: int, count: int) -> Any:
    """Return an empty faiss index of inner products for about ``count`` vectors."""
    faiss = load_faiss()
    metric = faiss.METRIC_INNER_PRODUCT
    if kind == FP16:
        return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, metric)
    cells = cells_for(count)
    centres = faiss.IndexFlatIP(dimension)
    if kind == IVF_SQ8:
        index = faiss.IndexIVFScalarQuantizer(centres, dimension, cells, faiss.ScalarQuantizer.QT_8bit, metric)
    else:
        pieces = next(m for m in range(max(1, dimension // 8), 0, -1) if dimension % m == 0)
        index = faiss.IndexIVFPQ(centres, dimension, cells, pieces, 8, metric)
        index.pq.cp.niter, index.pq.cp.max_points_per_centroid = 12, 128  # of 25 and 256: half a minute less
        index.pq.cp.min_points_per_centroid = 1
    index.cp.niter = 8  # of 10
    index.cp.min_points_per_centroid = 1  # what is lost is measured, so that faiss need not warn
    return index

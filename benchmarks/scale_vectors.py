"""The vectors of benchmarks/scale.py: so many in shards, each figure beside what the model of docs/scale.md says."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Figure, Outcome, fresh, peak_rss_mb, percentile
from benchmarks.retrieval_scale import CLUSTERS, drawn

DIMENSION, TOP_K, BLOCK = 128, 10, 125_000
RECALL, P50_MS, OPEN_S, OFF = 0.95, 20.0, 1.0, 1.2
ASKED = 200


def off(measured: float, model: float) -> float:
    """Return by which factor the two differ, whichever is larger; 1 is what was foretold."""
    return math.inf if not measured or not model else max(measured / model, model / measured)


def fill(folder: str, name: str, first: int, count: int, clusters: int, shards: int) -> dict[str, Any]:
    """Write one shard and build its index; return the seconds of both, and the most memory that they took."""
    import numpy as np

    from imagegen_kit.retrieval.index import write_shard

    spent = {"drawn": 0.0}

    def blocks() -> Any:
        for start in range(first, first + count, BLOCK):
            at = time.process_time()
            ids = np.arange(start, min(start + BLOCK, first + count))
            vectors = drawn(len(ids), seed=start, dimension=DIMENSION, clusters=clusters)
            spent["drawn"] += time.process_time() - at
            yield ids, vectors

    cpu, wall = time.process_time(), time.perf_counter()
    shard = write_shard(Path(folder) / name, blocks(), dimension=DIMENSION, shards=shards)
    cpu, wall = time.process_time() - cpu - spent["drawn"], time.perf_counter() - wall
    size = sum(path.stat().st_size for path in shard.folder.iterdir())
    return {
        "cpu": cpu, "wall": wall, "peak": peak_rss_mb(), "bytes": size, "index": shard.ann.size,
        "parameters": dict(shard.ann.parameters), "rows": shard.rows,
    }  # fmt: skip


def filled(folder: Path, name: str, **asked: int) -> dict[str, Any]:
    """Return what ``fill`` tells, and keep it beside the folder for who goes on in ``BENCH_SCALE_FOLDER``."""
    told = folder.parent / f"{folder.name}-{name}.json"
    if not told.exists():
        made = fresh(fill, folder=str(folder), name=name, **asked)
        told.write_text(json.dumps(made))
    found: dict[str, Any] = json.loads(told.read_text())
    return found


def named(folder: str, names: list[str]) -> dict[str, Any]:
    """Write which shards there are."""
    from imagegen_kit.retrieval.index.shards import MANIFEST, Shard, name_shards

    plains = [json.loads((Path(folder) / name / MANIFEST).read_bytes()) for name in names]
    name_shards(Path(folder), [Shard.from_plain(plain, Path(folder)) for plain in plains])
    return {}


def opening(folder: str) -> dict[str, Any]:
    """Open the shards, and ask once."""
    from imagegen_kit.retrieval.index import ShardedIndex
    from imagegen_kit.retrieval.index.scan import load_faiss

    load_faiss()
    query = drawn(1, seed=10**9, dimension=DIMENSION)
    start = time.perf_counter()
    index = ShardedIndex.open(Path(folder))
    opened = time.perf_counter() - start
    start = time.perf_counter()
    index.search(query, TOP_K)
    return {"opened": opened, "first": time.perf_counter() - start}


def alone(folder: str, clusters: int) -> dict[str, float]:
    """Ask single queries on one core, where no thread waits for another; milliseconds of CPU of the middle one."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return {"cpu": median(asking(folder, clusters, exact=False)["cpu"])}


def asking(folder: str, clusters: int, exact: bool = True) -> dict[str, Any]:
    """Ask single queries on all cores, and compare them with the exact answers."""
    import numpy as np

    from imagegen_kit.retrieval.index import ShardedIndex

    index = ShardedIndex.open(Path(folder))
    queries = drawn(ASKED, seed=10**9, dimension=DIMENSION, clusters=clusters)
    for query in queries:  # what is mapped is in memory from here on
        index.search(query, TOP_K)
    took, cpus, ids = [], [], []
    for query in queries:
        cpu, start = time.process_time(), time.perf_counter()
        found = index.search(query, TOP_K)
        took.append(1e3 * (time.perf_counter() - start))
        cpus.append(1e3 * (time.process_time() - cpu))
        ids.append(found.ids[0])
    if not exact:
        return {"ms": took, "cpu": cpus}
    wanted = index.search(queries, TOP_K, exact=True)
    hit = [len(np.intersect1d(f, w)) / TOP_K for f, w in zip(ids, wanted.ids, strict=True)]
    return {
        "ms": took, "cpu": cpus, "recall": hit, "count": len(index), "peak": peak_rss_mb(),
        "cosines": [float(wanted.scores[:, 0].mean()), float(wanted.scores[:, -1].mean())],
    }  # fmt: skip


def foretold(pieces: list[dict[str, Any]], queries: list[float], rows: int, shards: int) -> dict[str, float]:
    """Return what docs/scale.md says of ``shards`` shards of ``rows`` vectors, from two small shards as measured.

    Stored: 4d + 8 bytes a vector, and d + 8 in the index, whose centres take 4d a cell. Building: so much once, and so
    much for each comparison of a vector with a centre. A query: so much once, and so much for each centre, in each
    shard; how many codes it reads is about the same in all of them.
    """
    from imagegen_kit.retrieval.index.kinds import cells_for

    cells = cells_for(rows)
    stored = rows * (4 * DIMENSION + 8) + rows * (DIMENSION + 8) + cells * 4 * DIMENSION
    (small, t), (large, u) = ((comparisons(one["rows"]), one["cpu"]) for one in pieces)
    each = (u - t) / (large - small)
    build = t - each * small + each * comparisons(rows)
    few, many = (cells_for(one["rows"]) for one in pieces)
    query = queries[0] + (queries[1] - queries[0]) / (many - few) * (cells - few)
    return {"bytes": shards * stored, "build": shards * build, "query": shards * query}


def comparisons(rows: int) -> int:
    """Return how often building an index compares a vector with a centre: 8 rounds of training, then each vector."""
    from imagegen_kit.retrieval.index.kinds import MANY_CELLS, POINTS_A_CELL, cells_for

    cells = cells_for(rows)
    points = POINTS_A_CELL if cells <= MANY_CELLS else POINTS_A_CELL // 2
    return 8 * points * cells * cells + rows * cells


def references(out: Outcome, count: int, shards: int) -> None:
    """Build ``count`` vectors in ``shards`` shards, ask them, and compare with the model."""
    rows, clusters = count // shards, min(CLUSTERS, count // 250)
    given = os.environ.get("BENCH_SCALE_FOLDER")
    folder = Path(given or tempfile.mkdtemp(prefix="imagegen-bench-scale-")).absolute()
    try:
        pieces, queries = [], []
        for part in (16, 4):
            place = folder / f"piece-{part}"
            pieces.append(filled(place, "s0", first=10**9, count=rows // part, clusters=clusters, shards=shards))
            fresh(named, folder=str(place), names=["s0"])
            queries.append(median(fresh(alone, folder=str(place), clusters=clusters)["cpu"] for _ in range(3)))
        names, built = [f"s{number:02}" for number in range(shards)], []
        for number, name in enumerate(names):
            given_to = {"first": number * rows, "count": rows, "clusters": clusters, "shards": shards}
            built.append(filled(folder / "all", name, **given_to))
            print(f"  {name}: {built[-1]}", file=sys.stderr, flush=True)
        fresh(named, folder=str(folder / "all"), names=names)
        opened = [fresh(opening, folder=str(folder / "all")) for _ in range(5)]
        found = fresh(asking, folder=str(folder / "all"), clusters=clusters)
        query = median(fresh(alone, folder=str(folder / "all"), clusters=clusters)["cpu"] for _ in range(3))
    finally:
        if given is None:
            shutil.rmtree(folder, ignore_errors=True)
    model = foretold(pieces, queries, rows, shards)
    name = f"{count} vectors of {DIMENSION} in {shards} shards"
    stored, cpu = sum(one["bytes"] for one in built), sum(one["cpu"] for one in built)
    missed = 1 - sum(found["recall"]) / len(found["recall"])
    out.figures += [
        Figure(f"{name}: share of the true ten that is missed", "", [missed], 1 - RECALL),
        Figure("one query, p50", "ms", [percentile(found["ms"], 0.5)], P50_MS),
        Figure("one query, p95", "ms", [percentile(found["ms"], 0.95)]),
        Figure("one query, CPU, p50", "ms", [percentile(found["cpu"], 0.5)]),
        Figure("one query, CPU on one core, p50", "ms", [query]),
        Figure("opening", "s", [one["opened"] for one in opened], OPEN_S),
        Figure("first query after opening", "s", [one["first"] for one in opened]),
        Figure("stored bytes: measured / model, or its inverse", "x", [off(stored, model["bytes"])], OFF),
        Figure("CPU of building: measured / model, or its inverse", "x", [off(cpu, model["build"])], OFF),
        Figure("CPU of a query on one core: measured / model, or its inverse", "x", [off(query, model["query"])], OFF),
        Figure("building, CPU", "s", [cpu]),
        Figure("building, wall", "s", [sum(one["wall"] for one in built)]),
        Figure("most memory while building a shard (VmHWM, mapped files included)", "MB", [o["peak"] for o in built]),
        Figure("stored", "MB", [stored / 1e6]),
    ]  # fmt: skip
    out.notes += [
        f"parameters of the first shard: {built[0]['parameters']}",
        *(
            f"a piece of {p['rows']}: {p['cpu']:.1f} s of CPU, a query {q:.2f} ms, {p['parameters']}"
            for p, q in zip(pieces, queries, strict=True)
        ),
        f"model: {model}; measured: bytes {stored}, build {cpu:.1f} s, query {query:.2f} ms",
        f"cosine of the first and of the tenth of ten, mean: {found['cosines'][0]:.3f}, {found['cosines'][1]:.3f}",
        f"the worst of {len(found['recall'])} queries misses {1 - min(found['recall']):.0%}",
    ]

"""A million vectors: how much faster than comparing all an index is, what it misses, and what it costs to have open."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, peak_rss_mb, ratios

DIMENSION, TOP_K, SEGMENT = 512, 10, 50_000
MISSED, SHARE, OPENING, MEMORY_MB = 0.02, 1 / 20, 1.5, 300.0
CLUSTERS, LATENT = 4000, 48


def drawn(count: int, seed: int, dimension: int = DIMENSION, clusters: int = CLUSTERS) -> Any:
    """Return (count, dimension) vectors of length 1 as embeddings lie: in a narrow cone, clusters of very unlike sizes.

    A common direction, one of the centres (the n-th is drawn as often as 1/√n), a place within the cluster on 48
    latent axes, and a little noise in all directions. Two vectors of one cluster have a cosine of about .8, two of
    different ones about .4.
    """
    import numpy as np

    fixed, luck = np.random.default_rng(11), np.random.default_rng(seed)
    cone = fixed.standard_normal(dimension).astype(np.float32)
    centres = 1.1 * fixed.standard_normal((clusters, dimension), dtype=np.float32)
    axes = fixed.standard_normal((LATENT, dimension), dtype=np.float32) / LATENT**0.5
    often = 1 / np.sqrt(np.arange(1, clusters + 1))
    vectors = cone + centres[luck.choice(clusters, count, p=often / often.sum())]
    vectors += 0.65 * luck.standard_normal((count, LATENT), dtype=np.float32) @ axes
    vectors += 0.15 * luck.standard_normal((count, dimension), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def fill(folder: str, count: int) -> dict[str, Any]:
    """Write the segments and build the index; return how long it took and the most memory it held."""
    import pickle

    import numpy as np

    from imagegen_kit.retrieval.index import build, write_segment

    start, segments = time.perf_counter(), []
    for number, first in enumerate(range(0, count, SEGMENT)):
        ids = np.arange(first, min(first + SEGMENT, count))
        segments.append(write_segment(Path(folder) / "vectors", number, ids, drawn(len(ids), seed=number)))
    written, start = time.perf_counter() - start, time.perf_counter()
    record = build(Path(folder), segments, np.empty(0, np.int64), kind="ivf-sq8", dimension=DIMENSION)
    built = time.perf_counter() - start
    Path(folder, "manifest").write_bytes(pickle.dumps((segments, record)))
    return {"written": written, "built": built, "peak": peak_rss_mb(), "record": record.to_plain()}


def described(folder: str) -> Any:
    """Return the segments and the record that ``fill`` left."""
    import pickle

    return pickle.loads(Path(folder, "manifest").read_bytes())


def anonymous_mb() -> float:
    """Return the memory of this process that no file stands behind, in MB (10^6 bytes)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024 / 1e6


def opening(folder: str, runs: int) -> dict[str, Any]:
    """Open ours, and the index file alone, in turn."""
    import faiss

    from imagegen_kit.retrieval.index import VectorSearch

    segments, record = described(folder)

    def ours() -> dict[str, Any]:
        start = time.perf_counter()
        search = VectorSearch.open(Path(folder), segments, dimension=DIMENSION, ann=record)
        took = time.perf_counter() - start
        assert search.kind == "ivf-sq8"
        return {"ms": took * 1e3}

    def bare() -> dict[str, Any]:
        start = time.perf_counter()
        index = faiss.read_index(f"{folder}/{record.file}", faiss.IO_FLAG_MMAP_IFC)
        took = time.perf_counter() - start
        assert index.ntotal
        return {"ms": took * 1e3}

    ours(), bare()
    return dict(interleaved({"ours": ours, "bare": bare}, runs))


def searching(folder: str, count: int, runs: int) -> dict[str, Any]:
    """Search through the index and by comparing all, in turn; then with a filter that keeps one in a thousand."""
    import faiss
    import numpy as np

    from imagegen_kit.retrieval.index import VectorSearch

    before = anonymous_mb()
    segments, record = described(folder)
    search = VectorSearch.open(Path(folder), segments, dimension=DIMENSION, ann=record)
    queries = drawn(200, seed=10**6)
    threads, turn = faiss.omp_get_max_threads(), iter(range(10**9))

    def p50(asked: int, threads: int, **how: Any) -> dict[str, Any]:
        faiss.omp_set_num_threads(threads)
        took = []
        for _ in range(asked):
            start = time.perf_counter()
            found = search.search(queries[next(turn) % len(queries)], TOP_K, **how)
            took.append((time.perf_counter() - start) * 1e3)
            assert len(found.ids[0]) == TOP_K
        return {"ms": sorted(took)[len(took) // 2]}

    p50(50, threads), p50(1, threads, exact=True)  # what is mapped is in memory from here on
    narrow, wide = np.arange(5, count, 1000), np.arange(0, count, 2)
    arms = {
        "index": lambda: p50(50, threads),
        "exact": lambda: p50(3, threads, exact=True),
        "one": lambda: p50(3, 1, exact=True),
        "narrow": lambda: p50(20, threads, allowed=narrow),
        "half": lambda: p50(10, threads, allowed=wide),
    }
    found = interleaved(arms, runs)
    faiss.omp_set_num_threads(threads)
    growth = anonymous_mb() - before
    wanted = search.search(queries, TOP_K, exact=True)
    ids = np.concatenate([search.search(query, TOP_K).ids for query in queries])
    missed = [1 - len(np.intersect1d(f, w)) / TOP_K for f, w in zip(ids, wanted.ids, strict=True)]
    half = np.concatenate([search.search(query, TOP_K, allowed=wide).ids for query in queries[:50]])
    best = search.search(queries[:50], TOP_K, allowed=wide, exact=True).ids
    by_hand = search.vectors_of(narrow)
    order = np.argsort(-(queries @ by_hand.T), axis=1)[:, :TOP_K]
    filtered = search.search(queries, TOP_K, allowed=narrow)
    return {
        **found, "growth": growth, "missed": missed,
        "missed_half": [1 - len(np.intersect1d(f, w)) / TOP_K for f, w in zip(half, best, strict=True)],
        "narrow_exact": bool(filtered.exact and np.array_equal(filtered.ids, narrow[order])),
        "cosines": [float(wanted.scores[:, 0].mean()), float(wanted.scores[:, -1].mean())],
    }  # fmt: skip


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure at a million vectors (quick: a hundred thousand). Needs 2.6 GB of disk in the temporary folder."""
    out = Outcome()
    count, runs = (100_000, 5) if quick else (1_000_000, 9)
    folder = tempfile.mkdtemp(prefix="imagegen-bench-scale-")
    try:
        made = fresh(fill, folder=folder, count=count)
        opened = fresh(opening, folder=folder, runs=3 * runs)
        found = fresh(searching, folder=folder, count=count, runs=runs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    index, exact, one = (column(found[name], "ms") for name in ("index", "exact", "one"))
    missed = found["missed"]
    mean = sum(missed) / len(missed)
    name = f"{count} vectors of {DIMENSION}"
    out.figures += [
        Figure(f"{name}: share of the true ten that IVF-SQ8 misses", "", [mean], MISSED),
        Figure("IVF-SQ8 / comparing all (the faster of faiss's threads and one), p50", "x",
               [i / min(e, o) for i, e, o in zip(index, exact, one, strict=True)], SHARE),
        Figure("opening / bare mapped read_index", "x",
               ratios(column(opened["ours"], "ms"), column(opened["bare"], "ms")), OPENING),
        Figure("growth of memory without a file behind it (RssAnon)", "MB", [found["growth"]], MEMORY_MB),
        Figure("filter keeping one in a thousand is not exact", "", [float(not found["narrow_exact"])], 0.0),
        Figure("IVF-SQ8, one query, p50", "ms", index),
        Figure("comparing all, one query, p50", "ms", exact),
        Figure("comparing all, one thread, p50", "ms", one),
        Figure("filter keeping one in a thousand, p50", "ms", column(found["narrow"], "ms")),
        Figure("filter keeping half, p50", "ms", column(found["half"], "ms")),
        Figure("opening", "ms", column(opened["ours"], "ms")),
        Figure("bare mapped read_index", "ms", column(opened["bare"], "ms")),
        Figure("building the index", "s", [made["built"]]),
        Figure("most memory while building (VmHWM, mapped files included)", "MB", [made["peak"]]),
    ]  # fmt: skip
    half = found["missed_half"]
    out.notes += [
        f"parameters: {made['record']['parameters']}; the file has {made['record']['size'] / 1e6:.0f} MB",
        f"the worst of {len(missed)} queries misses {max(missed):.0%}",
        f"with a filter keeping half, {sum(half) / len(half):.2%} of the true ten are missed",
        f"cosine of the first and of the tenth of ten, mean: {found['cosines'][0]:.3f}, {found['cosines'][1]:.3f}",
        f"the segments were drawn and written in {made['written']:.0f} s",
    ]
    return out

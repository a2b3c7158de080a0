"""What a search costs above the bare index: by vector with and without a library's metadata, and by text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, ratios

DIMENSION, TOP_K = 512, 10
ABOVE_US, RATIO, TEXT_MS = 100.0, 1.25, 2.0
THINGS = ("lamp", "kettle", "harbour", "tram", "fox", "bridge", "orchard", "lighthouse", "bicycle", "violin")
LOOKS = ("red", "quiet", "striped", "old", "paper", "snowy", "round", "golden", "sketched", "tiny", "crowded", "blue")


def clustered(count: int, dimension: int, seed: int) -> Any:
    """Return (count, dimension) vectors of length 1 around 200 centres."""
    import numpy as np

    luck, centres = np.random.default_rng(seed), np.random.default_rng(7).standard_normal((200, dimension))
    vectors = centres[luck.integers(200, size=count)] + 0.7 * luck.standard_normal((count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def timed(ask: Callable[[Any], Any], queries: Any) -> dict[str, Any]:
    """Return the median of what one query takes, µs."""
    took = []
    for query in queries:
        start = time.perf_counter()
        ask(query)
        took.append((time.perf_counter() - start) * 1e6)
    return {"us": sorted(took)[len(took) // 2]}


def floor(bare: Any, queries: Any) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return two arms that ask a bare faiss index: with as many threads as faiss takes by itself, and with one.

    On a busy machine faiss's threads wait for each other, on an idle one they may pay: the faster of the two in the
    same run is what we are compared with. One thread is set for the time of the arm only: nothing else gains by it.
    """
    import faiss

    def asked(threads: int) -> dict[str, Any]:
        before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(threads)
        try:
            return timed(lambda q: bare.search(q, TOP_K), queries)
        finally:
            faiss.omp_set_num_threads(before)

    threads = faiss.omp_get_max_threads()
    return {"bare": lambda: asked(threads), "bare, one thread": lambda: asked(1)}


def fastest(found: dict[str, Any]) -> tuple[list[float], str]:
    """Return the times of the faster arm of ``floor``, µs, and a note on both."""
    own, one = column(found["bare"], "us"), column(found["bare, one thread"], "us")
    told = f"bare Flat with faiss's own threads {median(own):.0f} us, with one {median(one):.0f} us"
    faster = one if median(one) < median(own) else own
    return faster, f"{told}: compared with {'one' if faster is one else 'its own'}"


def by_vector(count: int, runs: int) -> dict[str, Any]:
    """Ask ``VectorSearch``, of the kind that fits, and a bare faiss Flat index, in turn; check that both agree."""
    import faiss
    import numpy as np

    from imagegen_kit.retrieval.index import VectorSearch, build, write_segment

    none, folder = np.empty(0, np.int64), Path("library")
    segments = []
    bare = faiss.IndexFlatIP(DIMENSION)
    for number, start in enumerate(range(0, count, 10_000)):
        vectors = clustered(min(10_000, count - start), DIMENSION, seed=number)
        segments.append(write_segment(folder, number, np.arange(start, start + len(vectors)), vectors))
        bare.add(vectors)
    record = build(folder, segments, none, dimension=DIMENSION)
    search = VectorSearch.open(folder, segments, dimension=DIMENSION, removed=none, ann=record)
    queries = clustered(30, DIMENSION, seed=10**6)[:, None]
    agree = [np.array_equal(search.search(q, TOP_K).ids, bare.search(q, TOP_K)[1]) for q in queries]
    arms = {
        **floor(bare, queries),
        "ours": lambda: timed(lambda q: search.search(q, TOP_K), queries),
    }
    return {**interleaved(arms, runs), "agree": sum(agree) / len(agree), "kind": search.kind}


def pictures(folder: Path, count: int) -> None:
    """Draw small pictures, all different, with captions, and the file that describes them."""
    import random

    from PIL import Image, ImageDraw

    luck = random.Random(5)
    folder.mkdir()
    lines = []
    for number in range(count):
        picture = Image.new("RGB", (64, 64), tuple(luck.randrange(256) for _ in range(3)))
        draw = ImageDraw.Draw(picture)
        for _ in range(3):
            left, top = luck.randrange(48), luck.randrange(48)
            box = (left, top, left + luck.randrange(8, 40), top + luck.randrange(8, 40))
            luck.choice((draw.ellipse, draw.rectangle))(box, fill=tuple(luck.randrange(256) for _ in range(3)))
        name = f"{number:05d}.png"
        picture.save(folder / name, compress_level=1)
        caption = f"{luck.choice(LOOKS)} {luck.choice(LOOKS)} {luck.choice(THINGS)} beside a {luck.choice(THINGS)}"
        lines.append(json.dumps({"id": name[:5], "path": name, "caption": caption, "tags": [luck.choice(THINGS)]}))
    (folder / "library.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def in_library(count: int, runs: int) -> dict[str, Any]:
    """Fill a library, then ask it by vector and by text, and a bare faiss Flat index of its vectors, in turn."""
    import faiss

    from imagegen_kit.retrieval.library import Library

    pictures(Path("pictures"), count)
    library = Library.open("library", embedder="offline")
    start = time.perf_counter()
    library.add("pictures")
    filled = time.perf_counter() - start
    vectors = library.vectors.vectors_of(library.numbers())
    bare = faiss.IndexFlatIP(vectors.shape[1])
    bare.add(vectors)
    queries = vectors[:: max(1, len(vectors) // 30)][:30]
    texts = [f"{look} {thing}" for look in LOOKS for thing in THINGS[:3]]
    first = time.perf_counter()
    assert len(library.search(texts[0], top_k=TOP_K)) == TOP_K
    first = time.perf_counter() - first

    def ask(vector: Any) -> None:
        hits = library.search(vector=vector, top_k=TOP_K)
        assert len([hit.origin for hit in hits]) == TOP_K  # the references of all hits are made

    arms = {
        **floor(bare, queries[:, None]),
        "ours": lambda: timed(ask, queries),
        "plain": lambda: timed(lambda q: library.search(vector=q, top_k=TOP_K, dedup=False), queries),
        "text": lambda: timed(lambda text: library.search(text, top_k=TOP_K), texts),
    }
    return {**interleaved(arms, runs), "filled": filled, "first": first}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure searches by vector at three sizes, and a library with everything around it at two."""
    out = Outcome()
    sizes, libraries, runs = ((1000, 10_000), (1000,), 5) if quick else ((1000, 10_000, 100_000), (1000, 10_000), 15)
    for count in sizes:
        found = fresh(by_vector, count=count, runs=runs)
        ours, (bare, which) = column(found["ours"], "us"), fastest(found)
        name = f"{count} vectors of {DIMENSION}, top {TOP_K}"
        if count < 100_000:
            above = [a - b for a, b in zip(ours, bare, strict=True)]
            out.figures.append(Figure(f"{name}: above bare Flat", "us", above, ABOVE_US))
        else:
            out.figures.append(Figure(f"{name}: / bare Flat", "x", ratios(ours, bare), RATIO))
        out.figures += [Figure(f"{name}: {found['kind']}", "us", ours), Figure(f"{name}: bare Flat", "us", bare)]
        out.notes.append(f"{name}: {which}")
        out.notes.append(f"{name}: the same ten as bare Flat for {found['agree']:.0%} of the queries")
    for count in libraries:
        found = fresh(in_library, count=count, runs=runs)
        ours, (bare, which) = column(found["ours"], "us"), fastest(found)
        above = [a - b for a, b in zip(ours, bare, strict=True)]
        plain = [a - b for a, b in zip(column(found["plain"], "us"), bare, strict=True)]
        text = [us / 1e3 for us in column(found["text"], "us")]
        out.figures += [
            Figure(f"library of {count}, by vector, with metadata: above bare Flat", "us", above, ABOVE_US),
            Figure(f"library of {count}, the same without looking for near-duplicates", "us", plain),
            Figure(f"library of {count}, by vector: bare Flat", "us", bare),
            Figure(f"library of {count}, by text, offline embedder", "ms", text, TEXT_MS),
        ]
        out.notes.append(f"library of {count}: {which}")
        rate = count / found["filled"]
        out.notes.append(
            f"library of {count}: filled at {rate:.0f} pictures/s; first text {found['first'] * 1e3:.0f} ms"
        )
    return out

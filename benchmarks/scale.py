"""The model of docs/scale.md against what this machine carries: vectors in shards, and cells of free models.

The model's inputs are measured on a small piece, its formulae foretell the whole, and the whole is then built and
asked: each figure is the ratio of the two. 10 million vectors of 128 numbers take 6.7 GB of disk in the temporary
folder (``TMPDIR``), 2 GB of memory, and about half an hour on two idle cores; a fill that was ended goes on where it
was, if ``BENCH_SCALE_FOLDER`` names the folder.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, peak_rss_mb, ratios
from benchmarks.pictures import Source, register_stored, stored
from benchmarks.scale_vectors import OFF, off, references

SLOWER = 1 / 0.9  # of cores × the loop on one core


# ---------------------------------------------------------------------- adding
def photos(count: int) -> Path:
    """Return a new folder with so many different pictures."""
    source, folder = Source(stored("tiny")), Path("photos")
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:07}.png").write_bytes(source.next())
    return folder


def adding(count: int) -> dict[str, Any]:
    """Add pictures in lots, in this process, and return CPU ms a picture of embedding and of merging, and bytes."""
    import imagegen_kit as ik
    from imagegen_kit.clusters.spreading import Here

    spent = {"embed": 0.0}

    class Timed(Here):
        def spread(self, make: Any, lots: Any) -> Any:
            answers = iter(super().spread(make, lots))
            while True:
                at = time.process_time()
                answer = next(answers, None)
                spent["embed"] += time.process_time() - at
                if answer is None:
                    return
                yield answer

    folder = photos(count)
    lib = ik.Library.open("refs")
    lib.embedder.embed_images([])
    cpu = time.process_time()
    report = lib.add(folder, engine=Timed(), caption="a picture of noise, drawn for a measurement")
    cpu = time.process_time() - cpu
    assert len(report.added) == count
    lib.close()
    size = sum(path.stat().st_size for path in Path("refs").glob("library.sqlite3*"))
    return {"embed": 1e3 * spent["embed"] / count, "merge": 1e3 * (cpu - spent["embed"]) / count, "row": size / count}


def additions(out: Outcome, small: int, large: int) -> None:
    """Measure what a reference costs to add, at two sizes: the model says that it is the same."""
    one, many = (fresh(adding, count=count) for count in (small, large))
    for name, unit in (("embed", "ms"), ("merge", "ms"), ("row", "bytes")):
        out.figures.append(Figure(f"adding {large} references: {name}, of each", unit, [many[name]]))
        told = f"the same: measured / that of {small}, or its inverse"
        out.figures.append(Figure(told, "x", [off(many[name], one[name])], OFF))


def spreading(count: int, actors: int) -> dict[str, Any]:
    """Add pictures in lots, by so many actors of Ray Data (0: by a loop in this process); seconds of embedding alone.

    The cluster runs before the clock does; that the actors start and load the embedder is in the seconds.
    """
    import imagegen_kit as ik
    from imagegen_kit.clusters.connect import connect
    from imagegen_kit.clusters.ray_data import RayData
    from imagegen_kit.clusters.spreading import Here

    spent = {"seconds": 0.0}
    engine = RayData(actors=actors) if actors else Here()
    if not actors and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core: pictures are decoded beside the embedder

    class Timed:
        def spread(self, make: Any, lots: Any) -> Any:
            at = time.perf_counter()
            answers = list(engine.spread(make, lots))  # all of them, so that nothing is merged meanwhile
            spent["seconds"] = time.perf_counter() - at
            return answers

    folder = photos(count)
    lib = ik.Library.open("refs")
    lib.embedder.embed_images([])
    disconnect = connect(None, actors) if actors else None
    try:
        report = lib.add(folder, engine=Timed())
    finally:
        lib.close()
        if disconnect is not None:
            disconnect()
    assert len(report.added) == count
    return spent


def clusters(out: Outcome, count: int, runs: int) -> None:
    """Measure embedding by Ray Data beside a loop on one core: two actors should take half of its seconds."""
    found = interleaved(
        {name: lambda actors=actors: fresh(spreading, count=count, actors=actors)  # type: ignore[misc]
         for name, actors in (("loop", 0), ("ray", 2))},
        runs,
    )  # fmt: skip
    told = f"embedding {count} references: seconds of 2 actors of Ray Data / half of those of a loop on one core"
    half = [seconds / 2 for seconds in column(found["loop"], "seconds")]
    out.figures.append(Figure(told, "x", ratios(column(found["ray"], "seconds"), half), SLOWER))
    out.figures.append(Figure("the same: a loop on one core", "s", column(found["loop"], "seconds")))


# ---------------------------------------------------------------------- cells
def cells(count: int, run: int) -> dict[str, Any]:
    """Run experiments of ``run`` cells of a free model until ``count`` are stored; CPU of each, and what is on disk.

    ``cpu`` is all of it, ``kernel`` what the system spent on files: the more of them, the longer it takes to find one.
    """
    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine

    source = Source(stored("tiny"))
    model = register_stored(source, 0.0, price_usd=0.0)[0]
    policy, spent, kernel, wall = ik.Policy(concurrency=32), list[float](), list[float](), list[float]()
    store = default_engine().store.path
    for start in range(0, count, run):
        prompts = [f"prompt {number}" for number in range(start, min(count, start + run))]
        experiment = ik.Experiment(vary={"prompt": prompts, "model": [model]}, policy=policy, name=f"from {start}")
        before, at = os.times(), time.perf_counter()
        experiment.run(progress=False)
        after = os.times()
        kernel.append(1e3 * (after.system - before.system) / len(prompts))
        spent.append(1e3 * (after.user - before.user) / len(prompts) + kernel[-1])
        wall.append(1e3 * (time.perf_counter() - at) / len(prompts))
        told = f"  {start + len(prompts)} cells: {spent[-1]:.2f} ms of CPU ({kernel[-1]:.2f} of the system), "
        told += f"{wall[-1]:.2f} ms of wall a cell"
        print(told, file=sys.stderr, flush=True)
    ((rows,),) = default_engine().store.journal.read("SELECT count(*) FROM results WHERE status = 'ok'")
    close_default_engine()
    peak = peak_rss_mb()  # before two million files are listed
    journal, kept = 0, 0
    for path in store.rglob("*"):
        if path.is_file():
            its_own = ".sqlite" in path.name or path.name.startswith("journal")
            journal, kept = journal + its_own * path.stat().st_size, kept + (not its_own) * path.stat().st_size
    return {
        "cpu": spent, "kernel": kernel, "wall": wall, "rows": rows, "journal": journal / rows,
        "kept": kept / rows, "peak": peak,
    }  # fmt: skip


def experiments(out: Outcome, small: int, large: int, run: int) -> None:
    """Fill a store with cells and compare the last with the first: the model says that a cell costs the same."""
    one, many = fresh(cells, count=small, run=min(run, small)), fresh(cells, count=large, run=run)
    assert many["rows"] == large
    out.figures += [
        Figure(f"{large} cells: CPU of a cell", "ms", many["cpu"]),
        Figure(f"CPU: the last {run} / the first {small}, or its inverse", "x",
               [off(many["cpu"][-1], median(one["cpu"]))], OFF),
        Figure("the same, of the system for files", "ms", many["kernel"]),
        Figure("wall of a cell", "ms", many["wall"]),
        Figure("journal, bytes of a cell", "bytes", [many["journal"]]),
        Figure(f"the same: measured / that of {small}, or its inverse", "x",
               [off(many["journal"], one["journal"])], OFF),
        Figure("pictures and their records, bytes of a cell of 6 KB", "bytes", [many["kept"]]),
        Figure("most memory", "MB", [many["peak"]]),
    ]  # fmt: skip


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Build and ask 10 million vectors, add 20,000 pictures, run 1,000,000 cells (quick: a hundredth or so of each).

    ``BENCH_SCALE_CELLS`` and ``BENCH_SCALE_VECTORS`` set other numbers; 0 leaves a part out.
    """
    out = Outcome()
    vectors = int(os.environ.get("BENCH_SCALE_VECTORS", "200_000" if quick else "10_000_000"))
    count = int(os.environ.get("BENCH_SCALE_CELLS", "4_000" if quick else "1_000_000"))
    stored("tiny")
    if vectors:
        references(out, vectors, 4 if quick else 8)
    additions(out, *((512, 1024) if quick else (2_048, 20_480)))
    clusters(out, 2_048 if quick else 10_240, 1 if quick else 3)
    if count:
        experiments(out, count // 10, count, max(count // 20, 1000))
    return out

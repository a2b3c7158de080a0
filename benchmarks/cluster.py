"""The Ray engine beside the engine of one process: the same cells of 50 ms, two workers, and how long a start takes."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, ratios

CELL_S, WORKERS = 0.05, 2
SLOWER = 1 / 0.85  # throughput of at least 0.85 × one process's
START_S = 6.0


def _register(seconds: float) -> str:
    """Register a model that waits as a service makes wait, and answers with a small picture; return its name."""
    import imagegen_kit as ik

    async def draw(request: Any) -> bytes:
        import asyncio
        import io

        from PIL import Image

        await asyncio.sleep(seconds)
        file = io.BytesIO()
        number = int(request.prompt.rpartition(" ")[2])
        Image.new("RGB", (24, 24), (number % 256, number // 256 % 256, 99)).save(file, "PNG")
        return file.getvalue()

    ik.register(draw, model="bench/waits", version="1")
    return "bench/waits"


def arm(workers: int, cells: int, concurrency: int) -> dict[str, Any]:
    """Run ``cells`` on so many workers (0: in this process) and return the seconds of the start and of the run."""
    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine

    model, begun = _register(CELL_S), time.perf_counter()
    engine = ik.RayEngine(workers=workers, store="imagegen-store") if workers else default_engine()
    try:
        while workers and len(engine.workers()) < workers:  # type: ignore[attr-defined]  # a RayEngine, then
            time.sleep(0.01)
        ik.run(ik.recipes.image, prompt="cell 0", model=model, engine=engine)
        start = time.perf_counter() - begun
        experiment = ik.Experiment(
            vary={"prompt": [f"cell {number}" for number in range(1, cells + 1)]}, fixed={"model": model},
            policy=ik.Policy(concurrency=concurrency),
        )  # fmt: skip
        wall, cpu = time.perf_counter(), time.process_time()
        run = experiment.run(progress=False, engine=engine)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert run.done == cells
        assert not run._failed_cells()
    finally:
        engine.close() if workers else close_default_engine()
    return {"wall": wall, "cpu": cpu * 1e3 / cells, "start": start}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure the seconds of both engines at two concurrencies."""
    out = Outcome()
    cells, runs = (500, 1) if quick else (5_000, 3)
    for concurrency in (16, 64):
        asked = {"cells": cells, "concurrency": concurrency}
        found = interleaved(
            {
                "alone": lambda asked=asked: fresh(arm, workers=0, **asked),  # type: ignore[misc]
                "ray": lambda asked=asked: fresh(arm, workers=WORKERS, **asked),  # type: ignore[misc]
            },
            runs,
        )
        slower = ratios(column(found["ray"], "wall"), column(found["alone"], "wall"))
        words = f"{cells} cells of 50 ms, {concurrency} at once"
        out.figures.append(Figure(f"{words}: seconds on {WORKERS} workers / in one process", "x", slower, SLOWER))
        for name, told in (("alone", "in one process"), ("ray", f"on {WORKERS} workers")):
            out.figures.append(Figure(f"{words}: {told}", "s", column(found[name], "wall")))
            out.figures.append(Figure(f"{words}: {told}, the session's CPU a cell", "ms", column(found[name], "cpu")))
    out.figures.append(
        Figure("from nothing to the first picture on a cluster", "s", column(found["ray"], "start"), START_S)
    )
    return out

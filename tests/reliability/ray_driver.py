"""A session that tests start and kill: an experiment whose calls are made by a cluster that goes on without it.

Arguments: the cluster's address, the folder of the store, and how many cells. It says its workers' process ids.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import imagegen_kit as ik


def experiment(cells: int) -> ik.Experiment:
    """The experiment that is gone on with after the kill."""
    return ik.Experiment(
        vary={"prompt": [f"picture {n}" for n in range(cells)]}, fixed={"model": "lab/one"}, name="driven",
        policy=ik.Policy(concurrency=4),
    )  # fmt: skip


def of_lab(cells: int, *, words: str = "", **more: Any) -> ik.Experiment:
    """An experiment of so many cells with the simulated service; ``words`` make each prompt longer."""
    prompts = [f"picture {n}{words}" for n in range(cells)]
    return ik.Experiment(vary={"prompt": prompts}, fixed={"model": "lab/one"}, **more)


if __name__ == "__main__":
    address, store, cells = sys.argv[1:]
    with ik.RayEngine(address, workers=2, store=store) as engine:
        while len(engine.workers()) < 2:
            time.sleep(0.05)
        print("workers", *(pid for _, pid in engine.workers()), flush=True)
        experiment(int(cells)).run(engine=engine, progress=False)

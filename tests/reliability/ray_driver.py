"""A session that tests start and kill: an experiment whose calls are made by a cluster that goes on without it.

Arguments: the cluster's address, the folder of the store, and how many cells.
"""

from __future__ import annotations

import sys

import imagegen_kit as ik


def experiment(cells: int) -> ik.Experiment:
    """The experiment that is gone on with after the kill."""
    return ik.Experiment(
        vary={"prompt": [f"picture {n}" for n in range(cells)]}, fixed={"model": "lab/one"}, name="driven",
        policy=ik.Policy(concurrency=4),
    )  # fmt: skip


if __name__ == "__main__":
    address, store, cells = sys.argv[1:]
    with ik.RayEngine(address, workers=2, store=store) as engine:
        experiment(int(cells)).run(engine=engine, progress=False)

"""``RayData``: work in pieces, done by the actors of a Ray cluster, through Ray Data."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from imagegen_kit.clusters.connect import FULL, connect, free_cpus, is_full, ray
from imagegen_kit.clusters.spreading import Maker
from imagegen_kit.errors import StoreError


class RayData:
    """Ray Data at ``address``: None is the cluster that is connected already, or one of this machine's own.

    ``actors``: how many work, (least, most) for a pool that grows; each takes ``num_cpus`` (None: 1, or 0 where other
    engines hold them) and ``num_gpus``, and loads the embedder or the scorers once. A cluster that was started here
    ends with the call.
    """

    def __init__(
        self, address: str | None = None, *, actors: int | tuple[int, int] | None = None,
        num_cpus: float | None = None, num_gpus: float = 0.0,
    ) -> None:  # fmt: skip
        self.address, self.actors, self.num_cpus, self.num_gpus = address, actors, num_cpus, num_gpus

    def spread(self, make: Maker, pieces: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield what comes of each piece as soon as it is there; one whose actor dies goes to another.

        Raises MissingDependency where Ray is not installed, ImagegenError where no cluster answers, StoreError where it
        gives up.
        """
        found = ray()
        importlib.import_module("ray.data")  # pandas and Arrow with it
        disconnect = connect(self.address, os.cpu_count() or 1)
        try:
            yield from self._answers(found, make, pieces)
        except found.exceptions.RayError as error:
            hint = "What came back is kept; do the same again, and only the rest is done."
            why = FULL if is_full(error) else f"{type(error).__name__}: {_first_line(error).rstrip('.')}"
            raise StoreError(f"the Ray cluster gave up: {why}. {hint}") from error
        finally:
            disconnect()

    def _answers(self, ray: Any, make: Maker, pieces: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
        from ray import cloudpickle

        pool, num_cpus = self._pool(ray, len(pieces))
        rows = [{"key": key, "piece": cloudpickle.dumps(piece)} for key, piece in pieces]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Ray Data sets what it says not to set
            ray.data.DataContext.get_current().enable_progress_bars = False  # how far it is, is told by whoever adds
            logging.getLogger("ray.data").setLevel(logging.ERROR)
            # A block a piece: each is a task of its own, so what is done is told at once and little is done again.
            found = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
                _Actor, fn_constructor_args=(cloudpickle.dumps(make),), batch_size=1, zero_copy_batch=True,
                compute=pool, num_cpus=num_cpus, num_gpus=self.num_gpus or None,
            )  # fmt: skip
            answers = iter(found.iter_rows())
        for row in answers:
            answer: dict[str, Any] = cloudpickle.loads(row["answer"])
            yield answer

    def _pool(self, ray: Any, pieces: int) -> tuple[Any, float]:
        """Return how many actors there are, and the CPUs of each: as many as are there, unless it was said."""
        held = ray.cluster_resources()
        name, each = ("GPU", self.num_gpus) if self.num_gpus else ("CPU", self.num_cpus or 1.0)
        count = self.actors or max(1, min(pieces, int(held.get(name, 1) / each)))
        least, most = (min(n, max(1, pieces)) for n in (count if isinstance(count, tuple) else (count, count)))
        # What holds the CPUs may be an engine of this session, which waits meanwhile: to wait for it would be for ever.
        num_cpus = self.num_cpus if self.num_cpus is not None else float(free_cpus() >= most)
        return ray.data.ActorPoolStrategy(min_size=least, max_size=most), num_cpus


class _Actor:
    """One worker in one process of the cluster."""

    def __init__(self, make: bytes) -> None:
        from ray import cloudpickle

        self._work = cloudpickle.loads(make)()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        from ray import cloudpickle

        found = [
            cloudpickle.dumps(self._work(str(key), cloudpickle.loads(piece)))
            for key, piece in zip(batch["key"], batch["piece"], strict=True)
        ]
        return {"answer": found}


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]

"""The engine whose calls are made by workers of a Ray cluster; all else is the engine of one process.

Recipes, the cache, limits, budgets and the journal stay in this process, which alone writes the ledger. What a worker
is handed is a slice of it: calls that are reserved one by one, in money and in turns of the limits, committed before
they leave. A worker that dies forfeits what it holds and no more, and no actor ever knows a sum that it could forget.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.clusters.connect import (
    GONE,
    check_room,
    cluster_cpus,
    connect,
    connected,
    dismiss,
    free_cpus,
    hire,
)
from imagegen_kit.engine.cluster.fleet import Fleet, Size
from imagegen_kit.engine.cluster.kits import Packing, refuse_left_out
from imagegen_kit.engine.cluster.orders import Order
from imagegen_kit.engine.cluster.pools import read_pools
from imagegen_kit.engine.cluster.worker import Worker
from imagegen_kit.engine.engine import Engine
from imagegen_kit.engine.keep import Delivered
from imagegen_kit.engine.policy import SystemClock
from imagegen_kit.engine.session import engine_for
from imagegen_kit.errors import Fault, ImagegenError, InvalidInput, ProviderError
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import settings
from imagegen_kit.store import Store, find_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from imagegen_kit.clusters.spreading import Maker
    from imagegen_kit.engine.calling import ProgressSink
    from imagegen_kit.engine.keep import Kept
    from imagegen_kit.engine.limits import Key
    from imagegen_kit.engine.purchase import Purchase
    from imagegen_kit.types import Reply, Request

MOST_WORKERS = 64  # where nothing is said: more of them than this one process can keep busy
HELD = (
    "all CPUs of the Ray cluster that this session is connected with are held, by another engine or other work. "
    "Use the engine that is open, or close it first: engine.close()."
)
A_CPU = 4  # workers of a cluster of this machine alone: more would only take memory from each other


class RayEngine(Engine):
    """Makes calls, and keeps pictures, on the workers of a Ray cluster: ``with ik.RayEngine() as engine: exp.run(…)``.

    ``address`` None starts a cluster of this machine that ends with the engine; "auto", "host:port" and "ray://…" name
    one that runs. ``workers`` is how many there are, of one CPU each (None: as many as the cluster has CPUs besides
    those of the pools). ``pools`` gives a provider whose models run on the workers themselves workers of its own:
    {"diffusers": {"num_gpus": 1, "least": 0, "most": 4}}; further ``num_cpus`` and ``idle_s``, the seconds after which
    one without work goes. ``store`` is the folder of pictures and journal, which all nodes have to see (None: as
    everywhere else).

    Raises InvalidInput with all faults, MissingDependency without Ray, and ImagegenError where no cluster answers.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        workers: int | None = None,
        pools: Mapping[str, Mapping[str, Any]] | None = None,
        store: str | Path | None = None,
    ) -> None:
        self._closed = True  # until there is something to close
        faults, most = list[Fault](), A_CPU * (os.cpu_count() or 1)
        if address is not None and (not isinstance(address, str) or not address.strip()):
            faults.append(Fault("address", f"{address!r} is no address.", 'Write "auto", or "ray://host:10001".'))
        if workers is not None and (type(workers) is not int or workers < 1):
            faults.append(Fault("workers", f"{workers!r} is not a whole number above 0."))
        elif workers is not None and address is None and workers > most:
            what = f"{workers:,} are more than this machine carries: each is a process, and makes many calls at once."
            faults.append(Fault("workers", what, f"Ask for {most} at most."))
        path = _folder(store, faults)
        found = read_pools(pools, get_registry(), faults)
        kept_free = math.ceil(sum(pool.most * pool.num_cpus for pool, _ in found.values()))
        if address is None and kept_free > most:
            what = f"{kept_free:,} CPUs, which all of their workers together take, are more than this machine carries."
            faults.append(Fault("pools", what, f"Ask for {most} at most: most × num_cpus of each pool."))
        if faults:
            raise InvalidInput(faults)
        joined = connected()
        self._disconnect = connect(address, (workers or os.cpu_count() or 1) + kept_free)
        try:
            for provider, (pool, _) in found.items():
                faults += check_room(f"pools.{provider}", pool.num_cpus, pool.num_gpus)
            if faults:
                raise InvalidInput(faults)
            if joined and free_cpus() < 1:
                raise ImagegenError(HELD)
            path = path or settings().store or find_store()
            super().__init__(Store(path))
        except BaseException:
            self._disconnect()
            raise
        self._closed = False
        self._token = f".seen-by-workers-{secrets.token_hex(4)}"
        (path / self._token).touch()
        self._packing = Packing(self.salt)
        count = workers or max(1, min(MOST_WORKERS, cluster_cpus() - kept_free))
        self._fleet = self._new_fleet({"num_cpus": 1}, Size(count, count))
        self._pools = {
            provider: self._new_fleet({"num_cpus": pool.num_cpus, "num_gpus": pool.num_gpus}, pool.size(at_once))
            for provider, (pool, at_once) in found.items()
        }
        atexit.register(self.close)
        try:
            self.store.connect(settings().remote)
            self.wait(self._fleet.start())
            for fleet in self._pools.values():
                self.wait(fleet.start())
        except BaseException:
            self.close()
            raise

    def _new_fleet(self, options: dict[str, Any], size: Size) -> Fleet:
        start = partial(hire, Worker, options, str(self.store.path), self._token)
        return Fleet(start, dismiss, size)

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called: nothing can be asked of it any more."""
        return self._closed

    def __enter__(self) -> Self:
        engine_for(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return "RayEngine(closed)"
        places = [place for place, _ in self.workers()]
        count = f"{len(places)} worker{'' if len(places) == 1 else 's'}"
        return f"RayEngine({count} on {', '.join(sorted(set(places)))})" if places else f"RayEngine({count})"

    def workers(self) -> list[tuple[str, int]]:
        """Return (node, process id) of each worker that is ready, those of pools last."""
        return [link.place for fleet in (self._fleet, *self._pools.values()) for link in list(fleet.links)]

    def concurrency(self, purchase: Purchase) -> int:
        """Return how many calls of a model may be open: in a pool, as many as all of its workers take."""
        fleet = self._pools.get(purchase.prepared.model.provider.name)
        if fleet is None or purchase.policy.concurrency is not None or fleet.size.slots is None:
            return super().concurrency(purchase)
        return fleet.size.most * fleet.size.slots

    async def call(self, purchase: Purchase, progress: ProgressSink, key: Key) -> Reply:
        """Have a worker make the call. Under a simulated clock, which no other process shares, it is made here."""
        policy, prepared = purchase.policy, purchase.prepared
        if not isinstance(policy.clock, SystemClock):
            return await super().call(purchase, progress, key)
        spec = prepared.model.provider
        if not connected():
            raise ProviderError(f"{prepared.model.id}: {GONE}", retryable=False, paid=False)
        kit = self._packing.kit(spec)
        refuse_left_out(kit, prepared.model.id)
        order = Order(
            attempt=progress.attempt,
            provider=spec.name,
            model=prepared.model.id,
            sent=prepared.sent.to_plain(),
            timeout_s=policy.timeout_s or prepared.model.spec.timeout_s,
            key=key.id,
            job_id=purchase.collect[1] if purchase.collect is not None else None,
            idempotency_key=progress.idempotency_key,
            measure=_plain(purchase.measured),
            free=purchase.foreseen()[0] == 0,
        )
        try:
            return await self._pools.get(spec.name, self._fleet).make(order, kit, progress)
        except Exception as error:
            if hasattr(error, "request") and error.request is None:
                error.request = prepared.asked
            raise

    async def keep(self, reply: Reply, sent: Request, measure: Any) -> Kept:
        """Return what a worker has put into the store. Raises what prevented that there."""
        if not isinstance(reply, Delivered):
            return await super().keep(reply, sent, measure)
        if reply.kept is None:
            assert reply.problem is not None
            raise reply.problem
        made = reply.kept.made
        return replace(reply.kept, made=replace(made, path=str(self.store.blobs.path(made.sha256, made.format))))

    def spread(self, make: Maker, pieces: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield what comes of each piece: so ``lib.add(…, engine=engine)`` and ``run.score(…, engine=engine)`` work.

        The workers hold the cluster's CPUs and have nothing to do meanwhile, so these processes ask for none.
        """
        from imagegen_kit.clusters.ray_data import RayData

        engine_for(self)
        return RayData(actors=min(len(pieces), cluster_cpus()) or 1, num_cpus=0).spread(make, pieces)

    def close(self, patience_s: float = 60.0) -> None:
        """Finish what was sent, for at most ``patience_s``, then end the workers, and the cluster if it is our own."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        try:
            super().close(patience_s)
        finally:
            for fleet in (self._fleet, *self._pools.values()):
                fleet.close()
            with contextlib.suppress(OSError):
                os.unlink(self.store.path / self._token)
            self._disconnect()


def _folder(store: Any, faults: list[Fault]) -> Path | None:
    """Return the folder of a store that was named; one that cannot be, is told before anything is started."""
    if store is None:
        return None
    if not isinstance(store, (str, Path)):
        faults.append(Fault("store", f"{store!r} is not a folder's path."))
        return None
    path = Path(store).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"{str(path)[:200]!r} cannot be a folder: {error.strerror or error}."
        faults.append(Fault("store", what, "Name a folder that can be written."))
    return path


def _plain(measure: Any) -> Any:
    return dict(measure) if hasattr(measure, "items") else measure if measure is None else list(measure)

"""The engine: the only place that knows about capabilities, cache, limits, budget, attempts, fallbacks and storage."""

from __future__ import annotations

import asyncio
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from imagegen_kit.engine.budget import Budgets
from imagegen_kit.engine.flight import Heartbeat
from imagegen_kit.engine.keep import failed_checks, keep_inputs, recheck
from imagegen_kit.engine.keyring import Keyring
from imagegen_kit.engine.loop import BackgroundLoop
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.prepare import Prepared, prepare
from imagegen_kit.engine.purchase import Purchase
from imagegen_kit.engine.recover import interrupted
from imagegen_kit.engine.reuse import FREE, Remembered, as_joined, find_cached
from imagegen_kit.engine.rows import (
    INSERT_ARTIFACT,
    INSERT_REQUEST,
    INSERT_RESULT,
    RESULT_COLUMNS,
    Place,
    artifact_row,
    intent_rows,
    request_row,
    result_from_row,
    result_row,
)
from imagegen_kit.engine.standin import stand_in
from imagegen_kit.engine.verbs import Verbs
from imagegen_kit.errors import BudgetExceeded, InvalidInput
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import settings
from imagegen_kit.types import Adaptation, Cost, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Recorded, Scope
    from imagegen_kit.registry import Registry
    from imagegen_kit.store import Store
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Progress, Request

T = TypeVar("T")


class Engine(Verbs):
    """Buys, finds and keeps pictures for recipes. Everything but ``wait`` runs on its own loop."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.session = uuid.uuid4().hex[:12]
        self.background = BackgroundLoop()
        cores = os.cpu_count() or 2
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="imagegen-picture")
        self.keeping = asyncio.Semaphore(2 * cores + 4)  # pictures in memory that wait for a thread
        self.remembered = Remembered()
        self._in_flight: dict[Any, tuple[Purchase, asyncio.Task[Result]]] = {}
        self._bought: dict[int, tuple[Purchase, asyncio.Task[Result]]] = {}
        self.heartbeat = Heartbeat(store.journal, self.session, lambda: self._bought)
        self.salt = bytes.fromhex(*store.journal.read("SELECT value FROM meta WHERE name = 'salt'")[0])
        self.keyring = Keyring(self.salt)

    @property
    def registry(self) -> Registry:
        """The registry of this process; cells may register into it at any time."""
        return get_registry()

    def budgets(self, run_usd: float | None) -> Budgets:
        """Return the budgets in force now."""
        current = settings()
        return Budgets(run_usd, current.budget_usd, current.budget_usd_per_day, current.budget_usd_per_account)

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Run picture work in one of as many threads as there are cores."""
        try:
            future = asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *args))
        except RuntimeError:  # Python is ending and gives threads no more work: what is paid for is kept all the same
            return function(*args)
        return await future

    async def obtain(
        self,
        asked: Request,
        *,
        scope: Scope,
        policy: Policy,
        step: int,
        measure: Any = None,
        notes: tuple[Adaptation, ...] = (),
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Result:
        """Return the result of ``asked``: from this run's journal, the cache, a purchase under way, or a new one."""
        clock = policy.clock
        try:
            prepared = prepare(asked, self.registry, clock.now().date(), notes)
        except InvalidInput as error:
            known = scope.replay.get((f"refused {step}", 0))
            return self._refused(asked, error, Place(scope.run, scope.cell, step, 0), timestamp(clock.now()), known)
        place = Place(scope.run, scope.cell, step, scope.occurrence(prepared.key))
        recorded = scope.replay.get((prepared.key, place.occurrence))
        if recorded is not None and recorded.row is not None:
            return result_from_row(recorded.row, self.store, asked, prepared.sent, prepared.notes, prepared.key, step)
        at = timestamp(clock.now())
        request_id = recorded.id if recorded is not None else self.store.journal.new_id()
        intent = [] if recorded is not None else intent_rows(request_id, place, prepared, at)
        if recorded is not None:
            earlier = await self._gone_on(scope.run, request_id, prepared, step)
            if earlier is not None:
                return earlier
        reusable = policy.cache and prepared.cacheable
        if reusable:
            found = find_cached(self.store, self.remembered, prepared, step)
            if found is not None and await self.still_passes(found, policy):
                told = found.adaptations[len(prepared.notes) :]
                row = result_row(request_id, place, found, at, told)
                self.store.journal.append([*scope.open(), *intent, (INSERT_RESULT, row)])
                return found
        if opening := scope.open():
            self.store.journal.append(opening)
        # Who joins gets what the first one gets, so both must have agreed to the same fallbacks and checks.
        equal = (prepared.key, policy.fallbacks, policy.placeholder, repr(policy.checks))
        if reusable:
            while (ahead := self._in_flight.get(equal)) is not None and not ahead[0].given_up:
                joined = await self._wait(*ahead)
                if isinstance(joined.exception, BudgetExceeded) and ahead[0].place.run != scope.run:
                    continue  # another run's budget says nothing about this one's
                # a fallback brings its own notes; they stand under its name, not under that of the request
                own = 0 if joined.status == "fallback" else len(ahead[0].prepared.notes)
                told = joined.adaptations[own:]
                mine = as_joined(joined, prepared, told, step)
                self.store.journal.append([*intent, (INSERT_RESULT, result_row(request_id, place, mine, at, told))])
                return mine
        purchase = Purchase(
            self, prepared, policy, place, request_id, intent, measure, scope.budget_usd, on_progress=on_progress,
            claims=reusable,
        )  # fmt: skip
        task = asyncio.create_task(self._buy(purchase, resumed=recorded is not None))
        self._bought[request_id] = (purchase, task)
        if reusable:
            self._in_flight[equal] = (purchase, task)
        task.add_done_callback(partial(self._forget, request_id, equal))
        return await self._wait(purchase, task)

    async def _gone_on(self, run: int, request_id: int, prepared: Prepared, step: int) -> Result | None:
        """Return the result of a recorded request that went on after a stop, or None where it did not."""
        known = self._bought.get(request_id)
        if known is not None and known[0].given_up:
            await asyncio.wait([known[1]])  # it is giving its reservation back
        elif known is not None:
            return await self._wait(*known)
        sql = f"SELECT {RESULT_COLUMNS} FROM results WHERE run = ? AND request = ? AND replaced = 0"
        rows = self.store.journal.read(sql, (run, request_id))  # it may have ended since its cell was looked up
        if not rows:
            return None
        return result_from_row(rows[0], self.store, prepared.asked, prepared.sent, prepared.notes, prepared.key, step)

    def _forget(self, request_id: int, equal: Any, task: asyncio.Task[Result]) -> None:
        for waiting, key in ((self._bought, request_id), (self._in_flight, equal)):
            if waiting.get(key, (None, None))[1] is task:
                del waiting[key]
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody waiting must not be a warning

    async def _wait(self, purchase: Purchase, task: asyncio.Task[Result]) -> Result:
        """Wait for a purchase. When everybody who waited has left, it is given up unless it was sent already."""
        purchase.waiters += 1
        try:
            return await asyncio.shield(task)
        finally:
            purchase.waiters -= 1
            if purchase.waiters == 0 and not purchase.submitted and not task.done():
                purchase.given_up = True
                task.cancel()

    async def still_passes(self, found: Result, policy: Policy) -> bool:
        """Whether a stored picture passes the checks that ``policy`` demands."""
        if policy.checks is None or not found.artifacts:
            return True
        checks = await self.in_thread(recheck, found.artifacts[0], found.sent, policy.checks)
        return failed_checks(checks, policy.checks) is None

    async def _buy(self, purchase: Purchase, *, resumed: bool) -> Result:
        """Buy, else ask the fallbacks, else draw a placeholder; write what came of it."""
        policy, place = purchase.policy, purchase.place
        if resumed and (certain := await interrupted(purchase, purchase.request_id)) is not None:
            return certain
        inputs = [r.picture for r in purchase.prepared.sent.references]
        given = (getattr(purchase.prepared.sent, name, None) for name in ("mask", "first_frame", "last_frame"))
        inputs += [picture for picture in given if picture is not None]
        if inputs:  # a run must not depend on files that its owner may move
            await self.in_thread(keep_inputs, self.store.blobs, inputs)
        result = await purchase.run()
        if result.ok:
            return result
        recorded = purchase.recorded
        if not isinstance(result.exception, BudgetExceeded):
            for name in policy.fallbacks if purchase.waiters else ():
                answer, wrote = await self._fall_back(purchase, result, name, recorded)
                recorded = recorded or wrote
                if answer.ok:
                    return answer
                spent = answer.cost.usd  # a paid failure counts
                cost = Cost(spent, result.cost.price_usd, "unknown" if spent is None else result.cost.basis)
                result = replace(result, cost=cost, attempts=answer.attempts)
            if policy.placeholder:
                result = await stand_in(self, result, policy.placeholder)
        at = timestamp(policy.clock.now())
        rows: list[Statement] = [] if recorded else list(purchase.intent)
        rows.append((INSERT_RESULT, result_row(purchase.request_id, place, result, at)))
        if result.status == "placeholder":
            rows.append((INSERT_ARTIFACT, artifact_row(result.artifacts[0], at)))
        await asyncio.wrap_future(self.store.journal.write(rows))
        return result

    async def _fall_back(self, purchase: Purchase, failed: Result, name: str, recorded: bool) -> tuple[Result, bool]:
        """Return what came of a fallback (under its own key and price) and whether the intent was recorded."""
        asked = purchase.prepared.asked
        try:
            prepared = prepare(replace(asked, model=name), self.registry, purchase.policy.clock.now().date())
        except InvalidInput:
            return failed, False  # this model cannot do it at all; the next may
        note = Adaptation("model", asked.model, prepared.model.id, "replaced")
        prepared = replace(prepared, asked=asked, notes=(*prepared.notes, note))
        found = (
            find_cached(self.store, self.remembered, prepared, purchase.place.step)
            if purchase.policy.cache and prepared.cacheable
            else None
        )
        if found is not None and not found.ok:
            return failed, False  # it was bought, and its file is lost
        if found is not None:
            cost = Cost(failed.cost.usd, found.cost.price_usd, found.cost.basis)
            result = replace(found, status="fallback", cost=cost, attempts=failed.attempts)
            at = timestamp(purchase.policy.clock.now())
            row = result_row(purchase.request_id, purchase.place, result, at, found.adaptations)
            rows = [(INSERT_RESULT, row)]
            await asyncio.wrap_future(self.store.journal.write([*(() if recorded else purchase.intent), *rows]))
            return result, True
        second = Purchase(
            self, prepared, purchase.policy, purchase.place, purchase.request_id,
            () if recorded else purchase.intent, purchase.measure, purchase.run_budget_usd, first=purchase,
            spent_before=failed.cost, attempts=list(failed.attempts),
        )  # fmt: skip
        purchase.submitted = False
        result = await second.run()
        return result, second.recorded

    def _refused(self, asked: Request, error: InvalidInput, place: Place, at: str, known: Recorded | None) -> Result:
        """Write (once) and return a request that could not be sent at all."""
        result = Result(
            request=asked, sent=None, status="failed", cost=FREE, error=error.message,
            error_type=type(error).__name__, step=place.step, exception=error,
        )  # fmt: skip
        if known is not None and known.row is not None:
            return result
        id = known.id if known is not None else self.store.journal.new_id()
        rows: list[Statement] = [(INSERT_RESULT, result_row(id, place, result, at))]
        if known is None:
            rows.append((INSERT_REQUEST, request_row(id, place, asked, None, None, (), at)))
        self.store.journal.append(rows)
        return result

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called: nothing can be asked of it any more."""
        return self.background.closed

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run ``coroutine`` on the engine's loop and block until it ends."""
        return self.background.wait(coroutine)

    def close(self, patience_s: float = 60.0) -> None:
        """Finish what was sent (it is paid for), for at most ``patience_s``, then write everything and stop."""

        async def finish() -> None:
            tasks = [task for _, task in self._bought.values()]
            if tasks:
                await asyncio.wait(tasks, timeout=patience_s)
            await self.keyring.aclose()
            await self.heartbeat.end()

        self.background.submit(finish()).result()
        self.background.close()
        self._threads.shutdown()
        self.store.close()

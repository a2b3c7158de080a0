"""Checks of providers whose service takes jobs: nothing that was accepted is ever lost or bought twice."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal, overload

import pytest

from imagegen_kit.errors import ProviderError, UnsupportedRequest
from imagegen_kit.testing.contracts.clock import Sink
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.types import Accepted, Progress

if TYPE_CHECKING:
    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.testing.contracts.trial import Trial

COMMIT_S = 0.03  # how long the journal takes here to commit a job's id
LONG_S = 1.0  # of waiting for a job, where the clock that polls should wait by is in a hurry
NAME_IT = "await on_progress(Accepted(job_id)) right after the submit"


class Jobs(Subject):
    """A job is named before it is waited for, and found again by its name."""

    def test_what_can_be_resumed_is_declared(self, trial: Trial) -> None:
        """``Capabilities.resumable`` is True for the models whose jobs ``collect`` finds, and for no others."""
        has = hasattr(trial.build(), "collect")
        declared = [m.name for m in trial.spec.models if m.can.resumable]
        assert has or not declared, (
            f"{', '.join(declared)}: resumable=True needs `async def collect(job_id, request, …)`"
        )
        assert declared or not has, "it has collect(), and no model says Capabilities(resumable=True)"

    def test_a_job_is_named_before_the_first_look(self, trial: Trial) -> None:
        """``await on_progress(Accepted(job_id))`` stands between the submit and the first poll, and is awaited."""
        service, model = trial.service(), _resumable(trial) or trial.lead()
        seen: list[tuple[int, int]] = []

        async def commit(event: Accepted | Progress) -> None:
            if isinstance(event, Accepted):
                before = len(service.ledger.requests)
                await asyncio.sleep(COMMIT_S)
                seen.append((before, len(service.ledger.requests)))

        sink = Sink(commit)
        trial.call(trial.plain(model), sink)
        named = [e for e in sink.events if isinstance(e, Accepted)]
        if not named:
            assert not model.can.resumable, f"{model.name} is resumable, and no job was named: {NAME_IT}"
            pytest.skip(f"{trial.spec.name} answers without jobs")
        assert len(named) == 1, f"one call named {len(named)} jobs"
        assert isinstance(named[0].job_id, str) and named[0].job_id, f"the job's id is {named[0].job_id!r}, not text"  # noqa: PT018
        asked, later = seen[0]
        assert asked == later, "the service was asked on while the id was being written: await on_progress(Accepted(…))"
        assert len(service.ledger.accepted) == 1, "the job was named before the service had taken it, or taken twice"
        earlier = [r for r in service.ledger.requests[:asked] if r.method == "GET"]
        assert not earlier, f"{earlier[0].path} was asked for before the job was named: first Accepted, then the poll"
        _waits_by_the_clock(trial, model)

    def test_a_job_is_collected_after_a_restart(self, trial: Trial) -> None:
        """Another object, after a restart, collects the same picture by the job's id, and buys nothing."""
        service = trial.service()
        request, sink = trial.plain(_resumable(trial, skip=True)), Sink()
        first = trial.call(request, sink)
        job_id = _job(sink)
        charged = len(service.ledger.accepted)
        service.play("unavailable")  # whoever submits again meets this

        async def collect() -> Any:
            async with trial.provider() as another:
                return await another.collect(job_id, request, Sink())

        again = trial.run(collect())
        assert trial.drain() == 1, "collect() submitted again: it only asks what became of the job"
        assert len(service.ledger.accepted) == charged, "collect() was charged: it only asks what became of the job"
        assert again.pictures or again.films, "collect() returned nothing: it returns the reply of the job"
        assert (again.pictures, again.films) == (first.pictures, first.films), (
            "collect() returned another picture than the call itself"
        )

    def test_a_job_outlives_the_object_that_asked(self, trial: Trial) -> None:
        """A call that is cancelled as soon as its job is named leaves a job that another object finishes."""
        service = trial.service()
        request = trial.plain(_resumable(trial, skip=True))
        job_id = trial.run(_cut_off(trial, request))

        async def collect() -> Any:
            async with trial.provider() as another:
                return await another.collect(job_id, request, Sink())

        reply = trial.run(collect())
        assert reply.pictures or reply.films, "collect() returned nothing: it waits for the job and returns its reply"
        assert len(service.ledger.accepted) == 1, "the job was bought again after the restart"

    def test_a_job_that_is_lost_sight_of_may_have_been_paid(self, trial: Trial) -> None:
        """Where a service vanishes after it took a job, nobody knows whether that is charged: ``paid`` is None."""
        service, model = trial.service(), _resumable(trial, skip=True)

        async def vanish(event: Accepted | Progress) -> None:
            if isinstance(event, Accepted):
                service.stop()

        try:
            trial.call(trial.plain(model), Sink(vanish))
        except ProviderError as error:
            assert error.paid is None, (  # noqa: PT017  # a picture is told apart below, in words of its own
                f"a job was taken, the service vanished, and {type(error).__name__} says paid={error.paid}: whatever "
                f"fails while a job is looked up is paid=None, or the engine buys it again"
            )
        else:
            pytest.fail("the service vanished, and a picture came all the same")
        finally:
            service.start()

    def test_a_job_is_cancelled_at_the_service(self, trial: Trial) -> None:
        """Where ``cancel`` is offered it tells the service, or raises UnsupportedRequest where none can be stopped."""
        service = trial.service()
        if not hasattr(trial.build(), "cancel"):
            pytest.skip(f"{trial.spec.name} has no cancel()")
        model = _resumable(trial, skip=True)
        if "never_ends" in service.modes:
            service.play("never_ends")
        job_id = trial.run(_cut_off(trial, trial.plain(model)))
        before = len(service.ledger.requests)

        async def cancel() -> bool:
            async with trial.provider() as another:
                try:
                    await another.cancel(job_id)
                except UnsupportedRequest:
                    return False
                return True

        if trial.run(cancel()):
            assert len(service.ledger.requests) > before, (
                "cancel() told the service nothing: call it, or raise UnsupportedRequest where it cannot stop a job"
            )


@overload
def _resumable(trial: Trial) -> ModelSpec | None: ...
@overload
def _resumable(trial: Trial, *, skip: Literal[True]) -> ModelSpec: ...
def _resumable(trial: Trial, *, skip: bool = False) -> ModelSpec | None:
    """Return the first model whose jobs are found again, None or a skip where there is none."""
    found = next((m for kind in ("image", "video") for m in trial.models(kind) if m.can.resumable), None)
    if found is None and skip:
        pytest.skip(f"{trial.spec.name} has no model that is resumable")
    return found


def _job(sink: Sink) -> str:
    named = [e.job_id for e in sink.events if isinstance(e, Accepted)]
    assert named, f"no job was named: {NAME_IT}"
    return named[0]


def _waits_by_the_clock(trial: Trial, model: ModelSpec) -> None:
    """Fail where jobs take long by every watch but the one that was given: the least of three tries counts."""
    took = []
    for _ in range(3):
        since: list[float] = []

        async def named(event: Accepted | Progress, since: list[float] = since) -> None:
            if isinstance(event, Accepted):
                since.append(time.monotonic())

        sink = Sink(named)
        trial.call(trial.plain(model), sink)
        took.append(time.monotonic() - since[0] - trial.service().latency if since else 0.0)
        if sink.clock.waits or took[-1] <= LONG_S:
            return
    pytest.fail(
        f"a job took {min(took):.1f} s and no wait went by on_progress.clock: between polls write "
        f"`await on_progress.clock.sleep(seconds)`, not asyncio.sleep, so that tests and demos need not wait"
    )


async def _cut_off(trial: Trial, request: Any) -> str:
    """Return the id of a job whose call was cancelled when it had just been named."""
    named: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def stop(event: Accepted | Progress) -> None:
        if isinstance(event, Accepted):
            named.set_result(event.job_id)
            await asyncio.Event().wait()

    async with trial.provider() as provider:
        call = asyncio.ensure_future(trial.ask(provider, request, Sink(stop)))
        either: list[asyncio.Future[Any]] = [named, call]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        assert named.done(), f"no job was named: {NAME_IT}"
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled(), "the call went on after it was cancelled: let CancelledError pass"
    return named.result()

"""A job outlives the process that asked for it: it is collected without a second submit, and can be stopped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from imagegen_kit.catalog.job_api import shipped_job_apis
from imagegen_kit.errors import OutcomeUnknown, ProviderError, UnsupportedRequest
from imagegen_kit.providers.job_api.job import Job
from imagegen_kit.testing.simulators.job_api import JobApiSimulator
from imagegen_kit.types import Accepted, Progress, Reply
from tests.providers.job_api_calls import QUEUES, Steps, ask, provider_at, request_to, spec_of

STOLEN = "abc poll=https://evil.example/v1/get_result?id=abc"


class Killed(Exception):
    """The process ends here."""


class UntilAccepted(Steps):
    """Lets the call end the moment its job id is known."""

    async def __call__(self, event: Accepted | Progress) -> None:
        await super().__call__(event)
        if isinstance(event, Accepted):
            raise Killed


def with_provider(sim: JobApiSimulator, call: Any) -> Any:
    """Run one coroutine with a provider of its own, as one process would."""

    async def run() -> Any:
        provider = provider_at(sim)
        try:
            return await call(provider)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def accepted_job(sim: JobApiSimulator) -> str:
    """Submit, and end before the first poll."""
    steps = UntilAccepted()
    with pytest.raises(Killed):
        with_provider(sim, lambda provider: provider.generate(request_to(sim), steps))
    return steps.job_id


@pytest.mark.parametrize("service", QUEUES)
def test_a_job_is_collected_after_a_restart_without_a_second_submit(service: str) -> None:
    with JobApiSimulator(service) as sim:
        whole = ask(sim)
        sim.ledger.clear()
        job_id = accepted_job(sim)
        assert [r.method for r in sim.ledger.requests] == ["POST"], "the job id is told before the first poll"
        steps = Steps()
        reply: Reply = with_provider(sim, lambda provider: provider.collect(job_id, request_to(sim), steps))
        again: Reply = with_provider(sim, lambda provider: provider.collect(job_id, request_to(sim), Steps()))
        submits = len(sim.ledger.submits)
    assert reply.pictures == again.pictures == whole.pictures
    assert submits == 1
    assert len(sim.ledger.accepted) == 1
    assert len(steps.sleeps) == 2, "a job that is looked up is asked for at once, then at the service's pace"
    assert steps.events
    assert not any(isinstance(event, Accepted) for event in steps.events)


@pytest.mark.parametrize("service", ["replicate", "fal"])
def test_a_job_can_be_stopped_after_a_restart(service: str) -> None:
    with JobApiSimulator(service) as sim:
        job_id = accepted_job(sim)
        with_provider(sim, lambda provider: provider.cancel(job_id))
        assert sim.cancelled == [sim.ledger.accepted[0].job_id]
        assert sim.ledger.requests[-1].path.endswith("/cancel")
        again = request_to(sim)
        with pytest.raises(ProviderError, match="failed"):
            with_provider(sim, lambda provider: provider.collect(job_id, again, Steps()))


def test_a_service_that_cannot_stop_a_job_says_so() -> None:
    with JobApiSimulator("banana") as sim:
        job_id = accepted_job(sim)

        with pytest.raises(UnsupportedRequest, match="no way to stop job"):
            with_provider(sim, lambda provider: provider.cancel(job_id))


def test_a_job_that_the_service_has_forgotten_may_have_been_paid() -> None:
    with JobApiSimulator("banana") as sim, pytest.raises(ProviderError, match="404") as caught:
        with_provider(sim, lambda provider: provider.collect("gone", request_to(sim), Steps()))
    assert caught.value.paid is None


def test_addresses_of_a_stored_job_are_held_to_the_service_s_hosts_too() -> None:
    with JobApiSimulator("bfl") as sim, pytest.raises(OutcomeUnknown, match=r"evil\.example"):
        with_provider(sim, lambda provider: provider.collect(STOLEN, request_to(sim), Steps()))
    assert sim.leaks == []


def test_an_id_cannot_lead_to_another_path_of_the_service() -> None:
    with JobApiSimulator("banana") as sim, pytest.raises(ProviderError, match="404"):
        with_provider(sim, lambda provider: provider.collect("x/admin?x=1", request_to(sim), Steps()))
    asked = sim.ledger.requests[0]
    assert asked.path == "/predictions/x/admin?x=1/result", "its slashes were quoted: it is one part of the path"
    assert asked.query == ""


def test_an_id_that_climbs_out_of_its_folder_is_not_asked_for_at_all() -> None:
    with JobApiSimulator("banana") as sim, pytest.raises(ProviderError, match="cannot be built") as caught:
        with_provider(sim, lambda provider: provider.collect("../../admin?x=1", request_to(sim), Steps()))
    assert caught.value.paid is None
    assert sim.ledger.requests == []


@pytest.mark.parametrize("service", QUEUES)
def test_only_services_with_jobs_are_resumable_and_say_so(service: str) -> None:
    assert all(model.can.resumable for model in spec_of(service).models)


@pytest.mark.parametrize("service", ["stability", "a1111"])
def test_services_without_jobs_offer_nothing_to_collect(service: str) -> None:
    assert not any(model.can.resumable for model in spec_of(service).models)
    with JobApiSimulator(service) as sim:
        assert with_provider(sim, lambda provider: _has(provider, "collect")) is False


async def _has(provider: Any, name: str) -> bool:
    return hasattr(provider, name)


def test_a_token_is_the_service_s_own_id_where_the_file_can_build_the_rest() -> None:
    apis = shipped_job_apis()
    job = Job("abc", poll="https://x.example/1", result="https://x.example/2", cancel="https://x.example/3")
    assert job.token(apis["replicate"]) == "abc"
    assert job.token(apis["bfl"]) == "abc poll=https://x.example/1"
    assert Job.of_token(job.token(apis["fal"])) == job


def test_parallel_calls_share_one_upload() -> None:
    from tests.providers.job_api_calls import reference

    async def call(provider: Any) -> None:
        requests = [request_to(sim, references=(reference(),), prompt=f"cup {n}") for n in range(6)]
        await asyncio.gather(*(provider.generate(request, Steps()) for request in requests))

    with JobApiSimulator("kie") as sim:
        with_provider(sim, call)
        assert len(sim.uploads) == 1
        assert len(sim.ledger.accepted) == 6


def test_many_calls_at_once_each_get_their_own_picture() -> None:
    async def call(provider: Any) -> list[Reply]:
        requests = [request_to(sim, prompt=f"cup {n}") for n in range(100)]
        return await asyncio.gather(*(provider.generate(request, Steps()) for request in requests))

    with JobApiSimulator("replicate", polls=0) as sim:
        replies = with_provider(sim, call)
    assert len({reply.pictures[0] for reply in replies}) == 100

"""Whatever goes wrong at a job service becomes the right typed error, which is honest about what was paid."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace
from typing import Any

import pytest

from imagegen_kit.catalog.job_api import shipped_job_apis
from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    InvalidInput,
    InvalidReply,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    ServiceUnavailable,
)
from imagegen_kit.providers.job_api.polling import STRANGE
from imagegen_kit.testing.simulators.job_api import JobApiSimulator
from imagegen_kit.testing.simulators.modes import MODES
from tests.providers.job_api_calls import QUEUES, SERVICES, Steps, ask, provider_at, request_to, size_of

SHAPES = ["banana", "fal", "stability", "kie"]  # by id; by given addresses; at once and multipart; codes in envelopes
COMMON: list[tuple[str, type[ProviderError], bool | None]] = [
    ("rate_limited", RateLimited, False),
    ("rate_limited_bare", RateLimited, False),
    ("quota", QuotaExhausted, False),
    ("unavailable", ServiceUnavailable, False),
    ("error_500", OutcomeUnknown, None),
    ("html_502", OutcomeUnknown, None),
    ("not_json", InvalidReply, True),
    ("no_picture", NoPictureReturned, True),
    ("truncated", InvalidReply, True),
    ("wrong_content_type", InvalidReply, True),
    ("drop", OutcomeUnknown, None),
]
BLOCKED: list[tuple[str, str, type[ProviderError], bool]] = [
    ("fal", "blocked_before", ContentBlocked, False),
    ("bfl", "blocked_before", ContentBlocked, False),
    ("nanobananaapi", "blocked_before", ContentBlocked, False),
    ("fal", "blocked_after", ContentBlocked, True),
    ("bfl", "blocked_after", ContentBlocked, True),
    ("wavespeed", "blocked_after", ContentBlocked, True),
    ("stability", "blocked_after", ContentBlocked, True),
    ("stability-upscale", "blocked_after", ContentBlocked, True),
    ("stability", "blocked_before", ContentBlocked, False),
    ("stability-upscale", "blocked_before", ContentBlocked, False),
    ("openai-compatible", "blocked_before", ContentBlocked, False),
]


def failing(sim: JobApiSimulator, steps: Steps | None = None, **parts: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        ask(sim, steps=steps, **parts)
    error = caught.value
    assert not isinstance(error, InvalidReply) or not error.retryable
    assert sim.key not in "".join(traceback.format_exception(error))
    if sim.ledger.accepted:
        assert error.paid is not False, "it was charged, and the error says that it was not"
    else:
        assert error.paid is not True, "it was not charged, and the error says that it was"
    return error


@pytest.mark.parametrize(("mode", "kind", "paid"), COMMON, ids=[mode for mode, _, _ in COMMON])
@pytest.mark.parametrize("service", SHAPES)
def test_each_fault_is_its_typed_error(service: str, mode: str, kind: type[ProviderError], paid: bool | None) -> None:
    with JobApiSimulator(service, polls=1).play(mode) as sim:
        error = failing(sim)
        submits = len(sim.ledger.submits)
    assert type(error) is kind, error
    assert error.paid is paid
    assert submits == 1, "a provider submits once and leaves it to the engine to try again"
    assert str(error).startswith(f"{service}/")


def test_every_common_mode_is_looked_at() -> None:
    told = {mode for mode, _, _ in COMMON} | {mode for _, mode, _, _ in BLOCKED}
    assert set(MODES) - told == {"ok", "slow", "unknown_finish"}


@pytest.mark.parametrize("service", SHAPES)
@pytest.mark.parametrize(("mode", "wait"), [("rate_limited", 1.0), ("rate_limited_bare", None)])
def test_the_wait_that_a_service_asks_for_is_passed_on(service: str, mode: str, wait: float | None) -> None:
    with JobApiSimulator(service).play(mode) as sim:
        assert failing(sim).retry_after == wait


@pytest.mark.parametrize(("service", "mode", "kind", "paid"), BLOCKED, ids=[f"{s}-{m}" for s, m, _, _ in BLOCKED])
def test_a_refusal_says_when_it_came_and_what_it_cost(
    service: str, mode: str, kind: type[ProviderError], paid: bool
) -> None:
    with JobApiSimulator(service, polls=1).play(mode) as sim:
        error = failing(sim)
    assert type(error) is kind, error
    assert error.paid is paid
    assert not error.retryable


@pytest.mark.parametrize("service", SHAPES)
def test_a_call_that_never_ends_leaves_nothing_behind_when_it_is_cut_off(service: str) -> None:
    async def call() -> None:
        provider = provider_at(sim)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await provider.generate(request_to(sim), Steps())
        await provider.aclose()

    with JobApiSimulator(service).play("slow") as sim:
        asyncio.run(call())


def test_a_wrong_key_is_told_and_not_repeated() -> None:
    async def call() -> None:
        provider = provider_at(sim, key="wrong-key-0123456789")
        try:
            await provider.generate(request_to(sim), Steps())
        finally:
            await provider.aclose()

    with JobApiSimulator("banana") as sim, pytest.raises(AuthenticationFailed) as caught:
        asyncio.run(call())
    assert "wrong-key-0123456789" not in "".join(traceback.format_exception(caught.value))


def test_a_key_that_the_service_repeats_is_not_in_the_message() -> None:
    from imagegen_kit.providers.job_api.calls import words_of

    said = words_of({"error": "the key sk-1234 is not valid"}, shipped_job_apis()["banana"], "sk-1234")
    assert said == "the key … is not valid"


@pytest.mark.parametrize("service", [q for q in QUEUES if q != "stability-upscale"])
def test_a_failed_job_is_an_error_that_cost_nothing_and_repeats_the_service_s_words(service: str) -> None:
    with JobApiSimulator(service, polls=1).play("job_failed") as sim:
        error = failing(sim)
    assert type(error) is ProviderError
    assert (error.paid, error.retryable) == (False, False)
    assert "the machine gave up" in str(error)


@pytest.mark.parametrize("service", QUEUES)
def test_a_job_that_never_ends_is_given_up_at_the_deadline_and_may_be_paid(service: str) -> None:
    poll = shipped_job_apis()[service].poll
    assert poll is not None
    steps = Steps()
    short = replace(shipped_job_apis()[service], poll=replace(poll, deadline=5 * poll.every))
    with JobApiSimulator(service).play("never_ends") as sim:
        error = failing(sim, steps, spec=_with(service, short))
    assert type(error) is RequestTimeout
    assert error.paid is None
    assert sum(steps.sleeps) == 5 * poll.every


@pytest.mark.parametrize("service", [q for q in QUEUES if q != "stability-upscale"])
@pytest.mark.parametrize("mode", ["unknown_status", "unknown_finish"])
def test_a_status_that_nobody_knows_ends_and_is_named(service: str, mode: str) -> None:
    steps = Steps()
    with JobApiSimulator(service, polls=1).play(mode) as sim:
        error = failing(sim, steps)
    assert type(error) is OutcomeUnknown
    assert error.paid is None
    assert "ON_HOLIDAY" in str(error)
    assert "pending, done, failed or moderated" in str(error)
    assert len(steps.sleeps) == 1 + STRANGE


@pytest.mark.parametrize("service", ["wavespeed", "replicate", "fal", "bfl"])
def test_the_key_does_not_follow_an_address_on_a_foreign_host(service: str) -> None:
    steps = Steps()
    with JobApiSimulator(service).play("foreign_poll_url") as sim:
        error = failing(sim, steps)
        foreign = [r for r in sim.ledger.requests if r.headers["host"].startswith("localhost")]
    assert type(error) is OutcomeUnknown
    assert error.paid is None
    assert "localhost" in str(error)
    assert "`hosts`" in str(error)
    assert foreign == sim.leaks == []
    assert steps.job_id, "the job's name is kept before anything else can go wrong"


@pytest.mark.parametrize("service", [q for q in QUEUES if q != "stability-upscale"])
def test_an_expired_address_is_asked_for_afresh_once(service: str) -> None:
    with JobApiSimulator(service, polls=1).play("expired_result") as sim:
        reply = ask(sim)
        pictures = [r.path.rpartition("/")[2] for r in sim.ledger.requests if r.path.startswith("/pictures/")]
    assert pictures == ["1.png", "2.png"]
    assert size_of(reply.pictures[0])[0] > 0
    assert len(sim.ledger.accepted) == 1


@pytest.mark.parametrize("service", QUEUES)
def test_the_key_is_seen_by_the_service_alone(service: str) -> None:
    with JobApiSimulator(service) as sim:
        ask(sim)
        assert sim.leaks == []


def _with(service: str, api: Any) -> Any:
    from imagegen_kit.providers.job_api.plugin import provider_of
    from tests.providers.job_api_calls import spec_of

    return provider_of(replace(api, models=spec_of(service).models))


@pytest.mark.parametrize("service", SERVICES)
def test_a_simulator_plays_only_what_its_service_can_show(service: str) -> None:
    sim = JobApiSimulator(service)
    for mode in JobApiSimulator.modes:
        if mode in sim.modes:
            sim.play(mode)
        else:
            with pytest.raises(InvalidInput, match="no mode is called"):
                sim.play(mode)
    assert ("never_ends" in sim.modes) is (service in QUEUES)

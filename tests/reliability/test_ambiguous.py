"""A call whose outcome nobody knows is its own outcome: one POST, a reservation kept, and nothing sent again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.prices import Price
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.providers import ModelSpec, Reply
from imagegen_kit.providers.faults import http_fault, transport_fault
from tests.reliability.children import ledger, rows, same_place, until
from tests.reliability.gate import Gate
from tests.reliability.services import (
    PRICE,
    Call,
    CutOff,
    Dropped,
    Gemini,
    GoOn,
    KnownJobs,
    OpenAI,
    Till,
    gateway,
    too_many,
    too_many_for_google,
    variables,
)

SERVICES: dict[str, tuple[Callable[[], Any], str]] = {
    "gemini": (Gemini, "gemini/gemini-3.1-flash-image"),
    "openai": (OpenAI, "openai/gpt-image-2.5-flare"),
    "bfl": (lambda: KnownJobs("bfl", polls=0), "bfl/flux-2-pro"),
    "wavespeed": (lambda: KnownJobs("wavespeed", polls=0), "wavespeed/flux-dev"),
}
TIMEOUT_S = 1.0


async def hang(go_on: GoOn) -> Any:
    await go_on()
    await asyncio.sleep(3600)


async def drop(go_on: GoOn) -> Any:
    await go_on()
    return Dropped()


async def cut_off(go_on: GoOn) -> Any:
    return CutOff(await go_on())


def answers(status: int) -> Callable[[GoOn], Any]:
    async def fail(go_on: GoOn) -> Any:
        await go_on()
        return gateway(status)

    return fail


FAULTS: dict[str, Callable[[GoOn], Any]] = {
    "timeout": hang,
    "dropped": drop,
    "cut off": cut_off,
    "500": answers(500),
    "502": answers(502),
    "504": answers(504),
}
# Within that second what does go well has to be answered too.
EACH_FAULT = [pytest.param(name, marks=pytest.mark.alone) if name == "timeout" else name for name in FAULTS]


@pytest.fixture(params=SERVICES, ids=list(SERVICES))
def service(request: pytest.FixtureRequest) -> Any:
    make, model = SERVICES[request.param]
    sim = make()
    with sim:
        yield sim, model


def buy(model: str, prompt: str = "a cup", **policy: Any) -> Any:
    """Ask for one picture and return its result; failures are values."""
    policy = {"attempts": 3, "assume_usd": PRICE, **policy}
    return ik.run(ik.recipes.image, prompt=prompt, model=model, policy=ik.Policy(**policy)).results[0]


@pytest.mark.parametrize("fault", EACH_FAULT)
def test_what_may_have_been_paid_is_sent_once_and_stays_unknown(
    service: tuple[Any, str], fault: str, tmp_path: Path
) -> None:
    sim, model = service

    async def door(call: Call, go_on: GoOn) -> Any:
        return await FAULTS[fault](go_on)

    sim.door = door
    with same_place(tmp_path / "store", variables(sim)):
        result = buy(model, timeout_s=TIMEOUT_S if fault == "timeout" else 30)
        costs = ik.open_run("latest").costs()
    assert len(sim.submits) == 1
    assert len(sim.ledger.accepted) == 1  # the service charges: to send it again would be to pay again
    assert (result.status, result.cost.usd) == ("unknown", None)
    assert costs["unknown_costs"].tolist() == [1]
    assert rows(tmp_path / "store", "SELECT state FROM attempts") == [("unknown",)]
    money = ledger(tmp_path / "store")
    assert set(money) == {"unknown"}
    assert money["unknown"] > 0, "what may be paid stays reserved"


@pytest.mark.parametrize("status", [429, 503])
def test_what_was_refused_before_any_work_is_sent_again(service: tuple[Any, str], status: int, tmp_path: Path) -> None:
    sim, model = service

    async def door(call: Call, go_on: GoOn) -> Any:
        if call.kind != "submit" or len(sim.submits) > 1:
            return await go_on()
        if status == 503:
            return gateway(503)
        return too_many_for_google(0.1) if isinstance(sim, Gemini) else too_many(0.1)

    sim.door = door
    with same_place(tmp_path / "store", variables(sim)):
        result = buy(model)
    assert result.status == "ok", result.error
    assert (len(sim.submits), len(sim.ledger.accepted)) == (2, 1)
    assert rows(tmp_path / "store", "SELECT state FROM attempts ORDER BY number") == [("failed",), ("stored",)]
    assert set(ledger(tmp_path / "store")) == {"released", "settled"}


def test_a_service_that_cannot_be_reached_is_asked_again(service: tuple[Any, str], tmp_path: Path) -> None:
    sim, model = service
    store = tmp_path / "store"
    with Gate(sim.origin_url) as gate:
        gate.shut()
        sim.outside = gate.url
        with same_place(store, variables(sim)):
            failed = "SELECT COUNT(*) FROM attempts WHERE state = 'failed'"

            ik.runs()  # makes the journal

            def open_after_the_first_refusal() -> None:
                until(lambda: rows(store, failed) > [(0,)], "a refused attempt")
                gate.open()

            opener = threading.Thread(target=open_after_the_first_refusal)
            opener.start()
            result = buy(model, attempts=20)
            opener.join()
    assert result.status == "ok", result.error
    assert (len(sim.submits), len(sim.ledger.accepted)) == (1, 1)
    states = [state for (state,) in rows(store, "SELECT state FROM attempts ORDER BY number")]
    assert states == ["failed"] * (len(states) - 1) + ["stored"]
    assert len(states) >= 2
    assert set(ledger(store)) == {"released", "settled"}


class Buyer:
    """A plugin's provider that sends the key under which its service charges only once."""

    def __init__(self, account: Any) -> None:
        self.url = f"{account.base_url}/pictures"

    async def generate(self, request: Any, on_progress: Any) -> Reply:
        import httpx2

        try:
            async with httpx2.AsyncClient(timeout=30) as client:
                headers = {"Idempotency-Key": on_progress.idempotency_key}
                answer = await client.post(self.url, headers=headers, json={"prompt": request.prompt})
        except httpx2.HTTPError as error:
            raise transport_fault(error, model=request.model) from error
        if answer.status_code != 200:
            raise http_fault(answer.status_code, "no picture", model=request.model, headers=answer.headers)
        return Reply(pictures=(answer.content,))


def till(sim: Till, *, idempotent: bool) -> dict[str, str]:
    """Register the model till/one and return the variables that it needs."""
    one = ModelSpec("one", price=Price(PRICE), can=Capabilities(idempotent=idempotent))
    ik.register(ProviderSpec("till", models=(one,), target=Buyer, base_url_env=("TILL_URL",), output_version="1"))
    return {"TILL_URL": sim.base_url}


@pytest.mark.parametrize("fault", EACH_FAULT)
def test_a_service_that_charges_once_a_key_is_asked_again_under_the_same_key(fault: str, tmp_path: Path) -> None:
    with Till() as sim:

        async def door(call: Call, go_on: GoOn) -> Any:
            return await (FAULTS[fault](go_on) if len(sim.submits) < 3 else go_on())

        sim.door = door
        with same_place(tmp_path / "store", {"TILL_URL": sim.base_url}):
            till(sim, idempotent=True)
            result = buy("till/one", timeout_s=TIMEOUT_S if fault == "timeout" else 30)
            other = buy("till/one", prompt="another cup")
    assert (result.status, other.status) == ("ok", "ok"), result.error
    first, second = sim.keys_seen[:3], sim.keys_seen[3:]
    assert len(set(first)) == 1
    assert all(isinstance(key, str) and len(key) >= 16 for key in sim.keys_seen)
    assert len(second) == 1
    assert second[0] not in first, "another request has a key of its own"
    assert len(sim.ledger.accepted) == 2
    assert ledger(tmp_path / "store")["settled"] == pytest.approx(2 * PRICE), "what was paid once is reckoned once"


def test_it_is_asked_no_more_often_than_the_policy_allows_and_is_unknown_then(tmp_path: Path) -> None:
    with Till() as sim:

        async def door(call: Call, go_on: GoOn) -> Any:
            return await drop(go_on)

        sim.door = door
        with same_place(tmp_path / "store", {"TILL_URL": sim.base_url}):
            till(sim, idempotent=True)
            result = buy("till/one", attempts=2)
    assert (len(sim.submits), result.status) == (2, "unknown")
    assert ledger(tmp_path / "store").get("unknown") == pytest.approx(PRICE), "one key can be charged only once"


def test_without_that_promise_of_the_service_the_same_provider_is_asked_once(tmp_path: Path) -> None:
    with Till() as sim:

        async def door(call: Call, go_on: GoOn) -> Any:
            return await drop(go_on)

        sim.door = door
        with same_place(tmp_path / "store", {"TILL_URL": sim.base_url}):
            till(sim, idempotent=False)
            result = buy("till/one")
    assert (len(sim.submits), result.status) == (1, "unknown")

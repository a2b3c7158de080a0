"""Providers that break the contract, each in one way. ``test_contracts`` runs this file and reads what failed.

The name of a class ends in the check that must fail, and no other may.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import pytest

from imagegen_kit import providers as kit
from imagegen_kit.errors import ProviderError, RateLimited
from imagegen_kit.testing.contracts import ProviderContract, StyleContract
from imagegen_kit.testing.contracts.holding import Yields
from imagegen_kit.testing.contracts.jobs import Jobs
from imagegen_kit.testing.simulators.server import Simulator
from imagegen_kit.types import Style
from tests.testing.contract_toy import CAN, SPEC, Toy, ToyService, drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL_CAN = kit.Capabilities(seed=True, max_side=128, default_side=64)
LOCAL = kit.ProviderSpec(
    "local",
    models=(kit.ModelSpec("one", can=LOCAL_CAN, card="Draws here.", price=kit.Price(0.0)),),
    target="tests.testing.contract_broken:Local",
    origin="local:local",
)


class Local:
    """A sound provider without a service."""

    def __init__(self, account: kit.Account) -> None:
        self.account = account

    async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
        width, height = request.size.pixels(64) if request.size else (64, 64)
        return kit.Reply(pictures=(drawn((request.prompt, request.seed, request.sample), width, height),))


def changed(spec: kit.ProviderSpec, **more: Any) -> kit.ProviderSpec:
    """Return ``spec`` with other fields; those of its model and of its capabilities too."""
    can = {k: more.pop(k) for k in list(more) if hasattr(CAN, k)}
    model = {k: more.pop(k) for k in list(more) if hasattr(spec.models[0], k) and k != "name"}
    first = replace(spec.models[0], can=replace(spec.models[0].can, **can), **model)
    return replace(spec, models=(first,), **more)


class ToyFixtures:
    """The toy service, with a provider and a spec of which one thing is broken."""

    broken: Any = Toy
    more: dict[str, Any] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[Simulator]:
        with ToyService() as running:
            yield running

    @pytest.fixture
    def spec(self) -> kit.ProviderSpec:
        return changed(SPEC, **{"target": type(self).broken, **self.more})


class OverHttp(ToyFixtures, ProviderContract): ...


class Offline(ProviderContract):
    """The provider without a service, of which one thing is broken."""

    broken: Any = Local
    more: dict[str, Any] = {}

    @pytest.fixture
    def spec(self) -> kit.ProviderSpec:
        return changed(LOCAL, **{"target": type(self).broken, **self.more})


class TestSound(OverHttp): ...


class TestSoundOffline(Offline): ...


# description


class Test_the_spec_is_faultless_data(Offline):
    more = {"options": {"brush": lambda: "a function"}}


class Test_importing_the_plugin_loads_nothing_heavy(Offline):
    module = "PIL.Image"


class Test_every_model_has_a_card(Offline):
    more = {"card": ""}


class Test_the_target_loads(Offline):
    broken = "tests.testing.contract_broken:Misspelt"


class Test_what_must_be_set_can_be_found(OverHttp):
    more = {"key_url": ""}


class Test_a_verb_is_there_for_each_kind_of_model(Offline):
    @pytest.fixture
    def spec(self) -> kit.ProviderSpec:
        return replace(
            LOCAL, target=Local, models=(*LOCAL.models, kit.ModelSpec("two", kind="text", card="Answers in text."))
        )

    models = ("one",)


class Test_building_it_does_no_work(OverHttp):
    class broken(Toy):
        def __init__(self, account: kit.Account) -> None:
            super().__init__(account)
            if account.key is None:
                raise ValueError("no key")


# the ordinary case


class Test_every_model_draws_a_sound_picture(Offline):
    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            width, height = request.size.pixels(64) if request.size else (64, 64)
            return kit.Reply(pictures=(drawn((request.prompt, request.seed, request.sample), width, height, "webp"),))


class Test_the_prompt_arrives_word_for_word(OverHttp):
    class broken(Toy):
        def body(self, request: kit.ImageRequest) -> dict[str, Any]:
            return {**super().body(request), "prompt": request.prompt.encode("ascii", "ignore").decode()}


class Test_the_reply_is_well_formed(Offline):
    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            return replace(await super().generate(request, on_progress), seed_used="eleven")  # type: ignore[arg-type]


class Test_the_cost_is_honest(Offline):
    more = {"price": None}

    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            return replace(await super().generate(request, on_progress), cost_usd=0.0)


class Test_progress_is_told_in_order(Offline):
    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            for percent in (10, 90):
                await on_progress(kit.Progress(percent))
            return await super().generate(request, on_progress)


class Test_the_same_request_gives_the_same_picture(Offline):
    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            width, height = request.size.pixels(64) if request.size else (64, 64)
            return kit.Reply(pictures=(drawn(request.prompt, width, height),))


# capabilities


class Forgets(Toy):
    """Declares everything and leaves one field out."""

    forgotten = ""

    def body(self, request: kit.ImageRequest) -> dict[str, Any]:
        return {**super().body(request), self.forgotten: None}


class Test_a_seed_is_sent(OverHttp):
    class broken(Forgets):
        forgotten = "seed"


class Test_a_negative_prompt_is_sent(OverHttp):
    class broken(Forgets):
        forgotten = "avoid"


class Test_a_quality_is_sent(OverHttp):
    class broken(Forgets):
        forgotten = "quality"


class Test_every_choice_of_an_option_is_sent(OverHttp):
    class broken(Forgets):
        forgotten = "brush"


class Test_a_mask_is_sent(OverHttp):
    class broken(Forgets):
        forgotten = "mask"


class Test_references_are_sent(OverHttp):
    class broken(Toy):
        def body(self, request: kit.ImageRequest) -> dict[str, Any]:
            return super().body(replace(request, references=request.references[:1]))


class Test_every_size_is_drawn(OverHttp):
    more = {"sizes": (), "max_side": 2048}

    class broken(Toy):
        def body(self, request: kit.ImageRequest) -> dict[str, Any]:
            body = super().body(request)
            return {**body, "height": max(body["height"], 352)}


class Test_every_format_is_drawn(OverHttp):
    class broken(Toy):
        def body(self, request: kit.ImageRequest) -> dict[str, Any]:
            return {**super().body(request), "format": "png"}


class Test_what_a_model_cannot_do_never_reaches_it(Offline):
    more = {"max_side": 2048}

    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            if request.size and request.size.width and request.size.width % 2:
                raise ProviderError(f"{request.model}: odd widths are not possible", model=request.model)
            return await super().generate(request, on_progress)


# faults


class Test_a_fault_is_a_typed_error(OverHttp):
    class broken(Toy):
        def data(self, answer: Any, model: str) -> dict[str, Any]:
            return dict(answer.json())


class Test_nothing_is_sent_twice(OverHttp):
    class broken(Toy):
        async def submit(self, request: kit.ImageRequest, body: dict[str, Any]) -> str:
            try:
                return await super().submit(request, body)
            except RateLimited:
                return await super().submit(request, body)


class Test_a_service_that_cannot_be_reached_is_told(OverHttp):
    class broken(Toy):
        def lost(self, error: Exception, model: str) -> Exception:
            import httpx2

            if isinstance(error, httpx2.ConnectError):
                return ProviderError(f"{model}: something went wrong with the network", model=model)
            return super().lost(error, model)


class Test_a_wrong_key_is_told(OverHttp):
    class broken(Toy):
        def refusal(self, answer: Any, model: str) -> Exception:
            if answer.status_code == 401:
                return ProviderError(f"{model}: the service said no to this call", model=model)
            return super().refusal(answer, model)


# jobs


class Test_what_can_be_resumed_is_declared(OverHttp):
    more = {"resumable": False}


class Test_a_job_is_named_before_the_first_look(OverHttp):
    class broken(Toy):
        async def name_job(self, job_id: str, on_progress: kit.OnProgress) -> None:
            await self.http("GET", f"/pictures/{job_id}", "toy/one")
            await super().name_job(job_id, on_progress)


class Test_a_job_is_collected_after_a_restart(OverHttp):
    class broken(Toy):
        async def collect(self, job_id: str, request: Any, on_progress: kit.OnProgress) -> kit.Reply:
            reply = await super().collect(job_id, request, on_progress)
            return replace(reply, pictures=(drawn("another"),))


class Test_a_job_outlives_the_object_that_asked(OverHttp):
    class broken(Toy):
        async def name_job(self, job_id: str, on_progress: kit.OnProgress) -> None:
            try:
                await super().name_job(job_id, on_progress)
            except asyncio.CancelledError:
                logging.getLogger("toy").info("cancelled")

        async def cancel(self, job_id: str) -> None:
            raise NotImplementedError

    # cancel() is left out, for its check cuts a call off as well
    @pytest.fixture
    def spec(self) -> kit.ProviderSpec:
        whole = type(self).broken
        return changed(SPEC, target=lambda account: _Without(whole(account), "cancel"))


class _Without:
    """An object without one of its methods."""

    def __init__(self, whole: Any, name: str) -> None:
        self._whole, self._name = whole, name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise AttributeError(name)
        return getattr(self._whole, name)


class Test_a_job_that_is_lost_sight_of_may_have_been_paid(OverHttp):
    class broken(Toy):
        async def look(self, path: str, model: str) -> Any:
            return await self.http("GET", path, model)


class Test_a_job_is_cancelled_at_the_service(OverHttp):
    class broken(Toy):
        async def cancel(self, job_id: str) -> None:
            await asyncio.sleep(0)


# life


class Test_eight_calls_at_once_get_each_its_own_answer(Offline):
    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            self.request = request
            await asyncio.sleep(0.001)
            return await super().generate(self.request, on_progress)


class Test_two_loops_in_two_threads_do_not_meet(Offline):
    class broken(Local):
        lock: asyncio.Barrier | None = None
        threads: set[int] = set()

        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            mine = threading.current_thread()
            if mine is not threading.main_thread() and mine.name.startswith("ThreadPoolExecutor"):
                raise RuntimeError("got Future attached to a different loop")
            return await super().generate(request, on_progress)


class Test_a_cancelled_call_leaves_nothing_running(OverHttp):
    class broken(Toy):
        async def submit(self, request: kit.ImageRequest, body: dict[str, Any]) -> str:
            self.watch = asyncio.ensure_future(asyncio.sleep(3))
            job = await super().submit(request, body)
            self.watch.cancel()
            return job


class Test_it_is_closed_twice_without_harm(OverHttp):
    class broken(Toy):
        closed = False

        async def aclose(self) -> None:
            if self.closed:
                raise RuntimeError("it is closed already")
            self.closed = True
            await super().aclose()


class TestOpenConnections(OverHttp):
    """Fails in the check of aclose()."""

    class broken:
        kept: ClassVar[list[socket.socket]] = []

        def __init__(self, account: kit.Account) -> None:
            self.account = account

        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            toy = Toy(self.account)
            try:
                reply = await toy.generate(request, on_progress)
            finally:
                await toy.aclose()
            port = urlsplit(self.account.base_url or "").port
            self.kept.append(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port)))
            return reply

    more = {"resumable": False}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def end(cls) -> Iterator[None]:
        yield
        for one in cls.broken.kept:
            one.close()


class Test_the_event_loop_is_never_held(OverHttp):
    class broken(Toy):
        async def collect(self, job_id: str, request: Any, on_progress: kit.OnProgress) -> kit.Reply:
            time.sleep(0.4)
            return await super().collect(job_id, request, on_progress)


class TestHeldByGenerate(ToyFixtures, Yields):
    class broken(Toy):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            time.sleep(0.4)
            return await super().generate(request, on_progress)


class TestSlowOnceOnly(ToyFixtures, Yields):
    """Sound: the first call may load what it needs."""

    class broken(Toy):
        loaded = False

        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            if not self.loaded:
                self.loaded = True
                time.sleep(0.4)
            return await super().generate(request, on_progress)


class TestWaitsByItself(ToyFixtures, Jobs):
    """Fails in the check of how a job is waited for."""

    class broken(Toy):
        async def finished(self, job_id: str, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            await asyncio.sleep(1.1)
            return await super().finished(job_id, request, on_progress)


class TestBrokenSimulator(OverHttp):
    """Fails where the author's own simulator breaks."""

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[Simulator]:
        class Breaks(ToyService):
            async def stop_job(self, request: Any) -> Any:
                raise KeyError("no such shelf")

        with Breaks() as running:
            yield running


# secrets


class Test_the_key_is_shown_nowhere(OverHttp):
    class broken(Toy):
        def headers(self, model: str) -> dict[str, str]:
            headers = super().headers(model)
            logging.getLogger("toy").debug("sending %s", headers)
            return headers


class Test_the_key_is_stored_nowhere(OverHttp):
    class broken(Toy):
        async def reply(self, told: dict[str, Any], job_id: str, request: kit.ImageRequest) -> kit.Reply:
            assert self.account.key is not None
            reply = await super().reply(told, job_id, request)
            return replace(reply, timings={f"wait with {self.account.key.get_secret_value()}": 0.0})


# through the engine


class Test_a_picture_is_kept_with_its_origin(Offline):
    class broken(Local):
        async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
            if type(on_progress).__name__ != "Sink":
                raise ProviderError(f"{request.model} works under test only", model=request.model)
            return await super().generate(request, on_progress)


class Test_a_passing_fault_is_overcome(OverHttp):
    faults = ()

    class broken(Toy):
        def refusal(self, answer: Any, model: str) -> Exception:
            error: Any = super().refusal(answer, model)
            if answer.status_code == 503:
                error.retryable = False
            return error


# styles


class Test_it_says_something(StyleContract):
    @pytest.fixture
    def subject(self) -> Style:
        return Style("mute", checks={"not_blank": None})


class Test_it_is_clean_text(StyleContract):
    @pytest.fixture
    def subject(self) -> Style:
        return Style("invisible", text="in oil\u200b, {mood}")


class Test_each_phrase_of_an_axis_makes_another_prompt(StyleContract):
    @pytest.fixture
    def subject(self) -> Style:
        return Style("single", text="in oil", axes={"layout": ("a portrait",)})


class Test_its_checks_exist(StyleContract):
    @pytest.fixture
    def subject(self) -> Style:
        return Style("strict", text="in oil", checks={"beauty": 0.5})

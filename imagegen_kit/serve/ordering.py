"""Orders: from what was sent to a run of a recipe, and from its events to an answer or to server-sent events."""

from __future__ import annotations

import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from imagegen_kit.engine.execute import async_events, new_run_id, prepare_call
from imagegen_kit.errors import Fault, ImagegenError, InvalidInput, unknown_name_fault
from imagegen_kit.recipes import concept_sketches, image
from imagegen_kit.recipes.sketched import Sketches
from imagegen_kit.serve.access import NAMED, Refusal
from imagegen_kit.serve.answers import answer_of, made
from imagegen_kit.serve.orders import whole
from imagegen_kit.serve.refusing import ORDERS
from imagegen_kit.serve.watching import STILL, watched
from imagegen_kit.types import Completed, Finished

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.requests import Request

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.recipe import Recipe
    from imagegen_kit.serve.access import Gate
    from imagegen_kit.serve.metrics import Metrics
    from imagegen_kit.serve.orders import Answer, Order

RECIPES = {"concept_sketches": concept_sketches, "image": image}


def named_libraries(folders: tuple[str, ...]) -> dict[str, str]:
    """Return what orders may call libraries: "shipped", and each folder's last part. Raises InvalidInput."""
    named = {"shipped": "shipped", **{Path(f).expanduser().resolve().name: f for f in folders}}
    faults = [Fault("library", f"there is no folder {f}.") for f in folders if not Path(f).expanduser().is_dir()]
    if len(named) <= len(folders) and not faults:
        faults = [
            Fault("library", "two libraries have the same name.", "Give them folders that are called differently.")
        ]
    if faults:
        raise InvalidInput(faults)
    return named


class Ordering:
    """Runs orders on the engine. ``under_way`` are the ids of runs whose recipe is not through."""

    def __init__(self, engine: Engine, gate: Gate, metrics: Metrics, libraries: Mapping[str, str]) -> None:
        self._engine, self._gate, self._metrics, self.libraries = engine, gate, metrics, libraries
        self.under_way: set[str] = set()

    async def answered(self, order: Order, who: str, request: Request) -> Answer:
        """Return the whole answer. Raises what went wrong with the order as such."""
        run_id, value = "", None
        async with AsyncExitStack() as stack:
            async for event in watched(request, await self._events(order, who, stack)):
                if isinstance(event, str):
                    run_id = event
                elif isinstance(event, Finished):
                    value = event.value
        return await run_in_threadpool(answer_of, self._engine, who, run_id, frozenset(self.under_way), _rules(value))

    async def streamed(self, order: Order, who: str, request: Request) -> tuple[AsyncIterator[bytes], AsyncExitStack]:
        """Return the events as they are sent, and what is to be closed with them. Raises what is wrong at once."""
        stack = AsyncExitStack()
        try:
            events = watched(request, await self._events(order, who, stack))
        except BaseException:
            await stack.aclose()
            raise
        return self._sent(events, who), stack

    async def _sent(self, events: AsyncIterator[Any], who: str) -> AsyncIterator[bytes]:
        run_id = ""
        try:
            async for event in events:
                if event is STILL:
                    yield b": still at it\n\n"
                elif isinstance(event, str):
                    run_id = event
                    yield sent("started", json.dumps({"run_id": run_id}))
                elif isinstance(event, Completed) and event.result.request.kind == "image":
                    yield sent("picture", made(run_id, event.result).model_dump_json())
                elif isinstance(event, Finished):
                    rules = _rules(event.value)
                    answer = await run_in_threadpool(answer_of, self._engine, who, run_id, frozenset(), rules)
                    yield sent("finished", answer.model_dump_json())
        except ImagegenError as error:  # the answer has begun: it is told where it stands
            yield sent("failed", json.dumps({"run_id": run_id, "error": error.message}))
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # a generator, which must not wait for its collector

    async def _events(self, order: Order, who: str, stack: AsyncExitStack) -> AsyncIterator[Any]:
        """Check an order, hold its place until ``stack`` closes, and return its events; the first is the run's id."""
        params = order.params()
        name = order.recipe  # type: ignore[attr-defined]  # each kind of order has its own
        engine, recipe, policy = await run_in_threadpool(self._checked, name, params)
        run_id = new_run_id(policy)
        usd = await stack.enter_async_context(self._gate.entered(who, run_id, recipe, params, policy))
        about = {"name": NAMED + who, "budget_usd": usd, "id": run_id}
        return self._counted(name, async_events(engine, recipe, params, policy, **about))

    def _checked(self, name: str, params: dict[str, Any]) -> tuple[Engine, Recipe, Policy]:
        """Return what an order runs with; ``params`` name the library's folder then. Raises all that is wrong."""
        if self._engine.closed:
            raise Refusal(503, "service", "its engine was closed.", "Have the service started anew.")
        faults = []
        if (library := params.get("library")) is not None:
            if library in self.libraries:
                params["library"] = self.libraries[library]
            else:
                faults.append(unknown_name_fault("library", library, self.libraries))
                del params["library"]
                params.pop("top_k", None)  # which needs one
        try:
            call = prepare_call(RECIPES[name], self._engine, None, params)
        except InvalidInput as error:
            if not faults:
                raise
            raise InvalidInput([*faults, *error.faults]) from None
        if faults:
            raise InvalidInput(faults)
        return call

    def also_wrong(self, body: Mapping[str, Any], told: Sequence[Fault]) -> list[Fault]:
        """Return what the recipe says of those parts of an order whose form is right, where others were ``told``."""
        name = body.get("recipe", "concept_sketches")
        known = {fault.where.split(".")[0] for fault in told}
        if "recipe" in known or name not in RECIPES:
            return []
        lax = {part: whole(value) for part, value in body.items() if value is not None}
        given = {part: value for part, value in lax.items() if part in ORDERS[name].model_fields and part not in known}
        given.pop("recipe", None)
        if "library" in known:
            given.pop("top_k", None)  # which needs one
        try:
            self._checked(name, given)
        except InvalidInput as error:
            return [fault for fault in error.faults if fault.where not in known]
        return []

    async def _counted(self, recipe: str, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        metrics, began, outcome, run_id, first = self._metrics, time.monotonic(), "left", "", True
        metrics.under_way.inc()
        try:
            async for event in events:
                if isinstance(event, str) and not run_id:
                    run_id = event
                    self.under_way.add(run_id)
                elif isinstance(event, Completed):
                    if first:
                        metrics.first.observe(time.monotonic() - began)
                    first = False
                elif isinstance(event, Finished):
                    outcome = "done"
                    self.under_way.discard(run_id)
                yield event
        except ImagegenError:
            outcome = "failed"
            raise
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # as above
            self.under_way.discard(run_id)
            metrics.under_way.dec()
            metrics.orders.labels(recipe, outcome).inc()


def sent(event: str, data: str) -> bytes:
    """Return one server-sent event; JSON holds no line ends."""
    return f"event: {event}\ndata: {data}\n\n".encode()


def _rules(value: Any) -> dict[int, list[str]]:
    """Return the rules that each sketch breaks, by the step of its request; nothing where none were measured."""
    if not isinstance(value, Sketches):
        return {}
    return {one.original.step: list(one.failed_rules) for one in value if one.rules}

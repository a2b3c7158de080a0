"""The four views of a recipe: its value, awaitable or not, and its events, asynchronous or not.

All four run the same coroutine on the engine's loop. Leaving early, Ctrl-C and kernel interrupt cancel what was not
sent yet; what was sent is paid for, so it is finished in the background and kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import secrets
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.engine.cells import Cell, RunUnderWay
from imagegen_kit.engine.policy import DEFAULT, Policy, policy_faults, timestamp
from imagegen_kit.engine.recipe import Recipe, faults_of, read_recipe, unready
from imagegen_kit.engine.replay import replay_in_force
from imagegen_kit.engine.session import engine_for
from imagegen_kit.errors import Fault, InvalidInput, UnsupportedRequest
from imagegen_kit.settings import settings
from imagegen_kit.store.values import as_recorded, dumps, encode
from imagegen_kit.types import Finished

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from imagegen_kit.engine.engine import Engine


def new_run_id(policy: Policy) -> str:
    """Return a name for a run that sorts by time and is never given twice: ``20261121-101500-3f9a2c``."""
    return f"{policy.clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def versions() -> str:
    """Return JSON: the kit's version and those of its plugins."""
    from imagegen_kit.registry import get_registry

    plugins = {r.distribution: r.version for r in get_registry().plugins() if r.distribution}
    return json.dumps({"imagegen-kit": __version__, **plugins})


def record_run(
    engine: Engine,
    *,
    name: str | None,
    recipe: str,
    definition: str,
    spec: Any,
    cells: int,
    policy: Policy,
    id: str | None = None,
) -> tuple[int, str]:
    """Write a run into the journal and return its number and id, a new one where none is given."""
    number, id = engine.store.journal.new_id(), id or new_run_id(policy)
    row = (
        number, id, name, recipe, definition, dumps(spec), cells, engine.session, versions(),
        timestamp(policy.clock.now()),
    )  # fmt: skip
    engine.store.journal.append([("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)])
    return number, id


def read_policy(plain: dict[str, Any] | None) -> Policy:
    """Read ``Policy.to_plain`` back."""
    return Policy(**plain) if plain else DEFAULT


async def execute(
    engine: Engine,
    recipe: Recipe,
    params: dict[str, Any],
    policy: Policy,
    emit: Callable[[Any], None] | None = None,
    *,
    name: str | None = None,
    budget_usd: float | None = None,
    id: str | None = None,
) -> Any:
    """Run one recipe as a run of its own, called ``name``, and return its value.

    ``budget_usd`` is the most that the run may spend. An ``id`` from ``new_run_id`` that was chosen beforehand is also
    its first event, which comes when the run is in the journal.
    """
    blobs = engine.store.blobs
    encoded = await engine.in_thread(lambda: {k: dumps(encode(as_recorded(k, v), blobs)) for k, v in params.items()})
    if (replay := replay_in_force(engine)) is not None:
        return await replay.execute(engine, recipe, params, encoded, policy, emit)
    spec: dict[str, Any] = {
        "recipe": recipe.name,
        "parameters": list(params),
        "fixed": {k: json.loads(v) for k, v in encoded.items()},
    }
    if plain := policy.to_plain():
        spec["policy"] = plain
    number, run_id = record_run(
        engine, name=name, recipe=recipe.name, definition="", spec=spec, cells=1, policy=policy, id=id
    )
    if id is not None and emit is not None:
        emit(id)
    under_way = RunUnderWay(
        engine, number, run_id, recipe, policy, budget_usd, default_model=settings().model, on_event=emit
    )
    try:
        return await under_way.one(Cell(0, 0, params, encoded))
    finally:
        await asyncio.wrap_future(engine.store.journal.flush())


def check_policy(policy: Any) -> None:
    """Raise InvalidInput for what is no policy."""
    if policy is not None and not isinstance(policy, Policy):
        raise InvalidInput([Fault("policy", f"{policy!r} is not a policy.", "Write ik.Policy(attempts=3, …).")])


def prepare_call(
    recipe: Any, engine: Engine | None, policy: Policy | None, params: dict[str, Any]
) -> tuple[Engine, Recipe, Policy]:
    """Return what a call of ``recipe`` runs with. Raises InvalidInput with everything that is wrong with it."""
    engine = engine_for(engine)
    check_policy(policy)
    read = read_recipe(recipe)
    policy = policy or read.policy
    lacking = unready(read, params, engine.registry)
    if faults := faults_of(read, params, engine.registry) + policy_faults(policy, engine.registry):
        raise InvalidInput(faults + lacking)
    if lacking:
        raise UnsupportedRequest(lacking)
    return engine, read, policy


def run(recipe: Any, /, *, policy: Policy | None = None, engine: Engine | None = None, **params: Any) -> Any:
    """Run ``recipe`` with ``params`` and return its value; works in scripts and in a running notebook."""
    engine, read, policy = prepare_call(recipe, engine, policy, params)
    return engine.wait(execute(engine, read, params, policy))


async def arun(recipe: Any, /, *, policy: Policy | None = None, engine: Engine | None = None, **params: Any) -> Any:
    """Await the value of ``recipe``, from any event loop; cancelling the await cancels what was not sent yet."""
    engine, read, policy = prepare_call(recipe, engine, policy, params)
    return await asyncio.wrap_future(engine.background.submit(execute(engine, read, params, policy)))


def stream(
    recipe: Any, /, *, policy: Policy | None = None, engine: Engine | None = None, **params: Any
) -> Iterator[Any]:
    """Yield ``Completed(step, result)`` for each request as it ends, what the recipe emits, and ``Finished(value)``.

    Arguments are checked at once, not at the first event. Leaving the loop cancels what was not sent yet.
    """
    engine, read, policy = prepare_call(recipe, engine, policy, params)
    return _events(engine, read, params, policy)


def _events(engine: Engine, recipe: Recipe, params: dict[str, Any], policy: Policy) -> Iterator[Any]:
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    future = engine.background.submit(execute(engine, recipe, params, policy, events.put))
    future.add_done_callback(lambda _: events.put(_END))
    try:
        while (event := events.get()) is not _END:
            yield event
        yield Finished(future.result())
    finally:
        future.cancel()


def astream(
    recipe: Any, /, *, policy: Policy | None = None, engine: Engine | None = None, **params: Any
) -> AsyncIterator[Any]:
    """Yield the same events as ``stream``, asynchronously."""
    engine, read, policy = prepare_call(recipe, engine, policy, params)
    return async_events(engine, read, params, policy)


async def async_events(
    engine: Engine, recipe: Recipe, params: dict[str, Any], policy: Policy, **about: Any
) -> AsyncIterator[Any]:
    """Yield the events of one call; ``about`` is what ``execute`` takes further. Closing it cancels what is unsent."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Any] = asyncio.Queue()

    def put(event: Any) -> None:
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody listens any more
            loop.call_soon_threadsafe(events.put_nowait, event)

    future = engine.background.submit(execute(engine, recipe, params, policy, put, **about))
    future.add_done_callback(lambda _: put(_END))
    try:
        while (event := await events.get()) is not _END:
            yield event
        yield Finished(future.result())
    finally:
        future.cancel()


_END = object()

"""A service on this machine, over real HTTP: what all simulators share."""

from __future__ import annotations

import asyncio
import traceback
import zlib
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.errors import Fault, InvalidInput, MissingDependency, unknown_name_fault
from imagegen_kit.testing.simulators import texts
from imagegen_kit.testing.simulators.ledger import Charge, Ledger, Recorded
from imagegen_kit.testing.simulators.modes import MODES, UNCHARGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from imagegen_kit.testing.simulators.judges import Look, Reader
    from imagegen_kit.testing.simulators.serving import Serving

KEY = "simulated-key"
LOOKS = ("plain", "drawn", "tiny")
NEVER = 3600.0  # seconds that "slow" takes


class Simulator:
    """One simulated service on a thread: ``with GeminiSimulator() as sim: … sim.base_url …``.

    ``latency`` is how many seconds it seems to work on each call, ``key`` the only key that it takes, ``look`` how its
    pictures look: "plain" (made at once) or "drawn" (worth looking at, by the offline model ``drawn_by``). ``play``
    says what the next calls do; ``broken`` holds the traceback of every exception that one of its routes let escape,
    for the client sees a bare 500. A subclass gives ``routes`` (of starlette) and asks ``next_mode`` once for each call
    that it would take.
    """

    name: ClassVar[str] = "service"
    prefix: ClassVar[str] = ""
    modes: ClassVar[Mapping[str, str]] = MODES
    drawn_by: str = "collage"
    reader: Reader | None = None  # what its models of text answer (judges.py); None: a sentence, or data by the schema

    def __init__(self, *, latency: float = 0.0, key: str = KEY, look: str = "plain") -> None:
        if look not in LOOKS:
            raise InvalidInput([unknown_name_fault("look", look, LOOKS)])
        self.latency, self.key, self.look = latency, key, look
        self.ledger = Ledger()
        self.broken: list[str] = []
        self._script: deque[str] = deque()
        self._repeats: Counter[tuple[str, str]] = Counter()
        self._serving: Serving | None = None

    def routes(self) -> list[Any]:
        """Return the starlette routes of the service."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._serving is not None

    @property
    def origin_url(self) -> str:
        """Scheme, host and port, without ``prefix``. Raises InvalidInput where the simulator is not running."""
        if self._serving is None:
            raise InvalidInput(f"the simulated {self.name} is not running: enter it with `with`, or call start()")
        return f"http://127.0.0.1:{self._serving.port}"

    @property
    def base_url(self) -> str:
        """The address to give to the provider. Raises InvalidInput where the simulator is not running."""
        return self.origin_url + self.prefix

    @property
    def connections(self) -> int:
        """How many connections clients hold open."""
        return self._serving.connections if self._serving is not None else 0

    def play(self, *modes: str) -> Self:
        """Let the next calls do this, one each; afterwards all goes well. Returns itself."""
        faults = [self._mode_fault(mode) for mode in modes if not isinstance(mode, str) or mode not in self.modes]
        if faults:
            raise InvalidInput(faults)
        self._script.extend(modes)
        return self

    def _mode_fault(self, mode: object) -> Fault:
        if isinstance(mode, (list, tuple)):
            written = ", ".join(f'"{one}"' for one in mode)
            return Fault("mode", "the modes are arguments of their own, not a list.", f"Write play({written}).")
        fault = unknown_name_fault("mode", mode, self.modes)
        if any(repr(known) in fault.hint for known in self.modes):  # near names are quoted
            return fault
        return replace(fault, hint="There are: " + ", ".join(self.modes) + ".")

    def next_mode(self) -> str:
        """Return what the call that has just come in shall do."""
        try:
            return self._script.popleft()
        except IndexError:
            return "ok"

    def charge(self, mode: str, charge: Charge) -> None:
        """Write ``charge`` into the ledger, where a call that goes like ``mode`` is charged at all."""
        if mode not in UNCHARGED:
            self.ledger.accept(charge)

    async def work(self, mode: str) -> None:
        """Seem to work: ``latency`` seconds, or for ever."""
        if mode == "slow" or self.latency:
            await asyncio.sleep(NEVER if mode == "slow" else self.latency)

    async def says(self, look: Look) -> str | None:
        """Return what a model of text answers; None where it refuses."""
        if self.reader is None:
            return texts.answer(look.prompt, len(look.pictures), look.schema)
        return await asyncio.to_thread(self.reader, look)

    def seed_for(self, model: str, prompt: str, seed: int | None) -> int:
        """Return what a picture is drawn from: models differ, and without a seed so does each time of asking."""
        if seed is None:
            self._repeats[model, prompt] += 1
            seed = self._repeats[model, prompt] - 1
        return seed + zlib.crc32(model.encode())

    def start(self) -> Callable[[], None]:
        """Start to serve on a free port of 127.0.0.1 and return what stops it."""
        if self._serving is None:
            try:
                from starlette.applications import Starlette

                from imagegen_kit.testing.simulators.serving import Serving

                app = Starlette(routes=self.routes(), exception_handlers={Exception: self._note})
            except ImportError as error:
                install = "pip install 'imagegen-kit[serve]'"
                raise MissingDependency("a simulator", error.name or "starlette", install) from error
            self._serving = Serving(_Recording(app, self.ledger), f"simulated-{self.name}")
        return self.stop

    async def _note(self, _: Any, error: Exception) -> Any:
        """Keep the traceback of a route that broke, before the client hears of it."""
        from starlette.responses import PlainTextResponse

        self.broken.append("".join(traceback.format_exception(error)))
        return PlainTextResponse("Internal Server Error", 500)

    def stop(self) -> None:
        """Stop to serve; calls under way are cut off, and modes not played yet are forgotten. Its ledger stays."""
        self._script.clear()
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'running' if self.running else 'stopped'}, {self.ledger!r})"


class _Recording:
    """The ASGI application in front of the routes: reads each request whole and writes it into the ledger."""

    def __init__(self, app: Any, ledger: Ledger) -> None:
        self._app, self._ledger = app, ledger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        chunks: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(chunks)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._ledger.record(Recorded(scope["method"], scope["path"], scope["query_string"].decode(), headers, body))
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Any:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)


class Dropped:
    """A response that never comes: the connection is closed instead."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Close the connection."""
        scope["close_connection"]()
        while (await receive())["type"] != "http.disconnect":
            pass

"""All built-in cloud providers pointed at simulators on this machine, in one line and for as long as it is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.settings import Endpoint, point_at
from imagegen_kit.testing import simulators
from imagegen_kit.testing.simulators.ledger import Ledger
from imagegen_kit.types.results import SIMULATED

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from imagegen_kit.testing.simulators.server import Simulator

JOBS_DRAWN_BY = "pencil"  # the offline model behind job services, so that they differ from Gemini and OpenAI


class SimulatedClouds:
    """Simulators by the names of the providers that they stand for; what ``simulated_clouds`` returns.

    ``clouds.gemini`` or ``clouds["openai-compatible"]`` is one simulator, ``clouds.ledger`` what all of them saw. Used
    with ``with``, or with ``start()`` and ``stop()`` where it shall stay over several cells of a notebook.
    """

    def __init__(self, found: Mapping[str, Simulator]) -> None:
        self.simulators = dict(found)
        self.ledger = Ledger()
        for simulator in self.simulators.values():
            simulator.ledger.also = self.ledger
        self._undo: Callable[[], None] | None = None

    def start(self) -> Callable[[], None]:
        """Start all simulators, point the providers at them, and return what undoes it."""
        if self._undo is None:
            try:
                for simulator in self.simulators.values():
                    simulator.start()
                self._undo = point_at({name: _endpoint(name, one) for name, one in self.simulators.items()})
            except BaseException:
                self.stop()
                raise
        return self.stop

    def stop(self) -> None:
        """Reach the providers where they were reached before, and stop the simulators. The ledgers stay."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()
        for simulator in self.simulators.values():
            simulator.stop()

    def __del__(self) -> None:
        """Stop what nobody can reach any more: a cell that makes new simulators ran again."""
        if self.__dict__.get("_undo") is not None:
            self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __getitem__(self, name: str) -> Simulator:
        if name not in self.simulators:
            raise InvalidInput([unknown_name_fault("simulated provider", name, self.simulators)])
        return self.simulators[name]

    def __getattr__(self, name: str) -> Simulator:
        found = self.__dict__.get("simulators", {})
        if name not in found:
            raise AttributeError(f"no simulated provider is called {name!r}; there are {', '.join(sorted(found))}")
        one: Simulator = found[name]
        return one

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *(name for name in self.simulators if name.isidentifier())])

    def __repr__(self) -> str:
        state = "running" if self._undo else "stopped"
        return f"SimulatedClouds({state}: {', '.join(self.simulators)}; {self.ledger!r})"


def simulated_clouds(
    *, latency: float | Mapping[str, float] = 0.0, look: str = "drawn", only: str | Iterable[str] | None = None
) -> SimulatedClouds:
    """Return simulators of the built-in cloud providers: ``with simulated_clouds(latency=1.0): ik.generate(…)``.

    ``latency`` is the seconds that each seems to work on a picture, or a mapping of provider to seconds (the others
    take none). ``look`` is "drawn" (worth looking at) or "plain" (made at once). ``only`` names the providers to
    simulate, all by default. Everything made inside is marked as simulated. Raises InvalidInput for a name that is
    none, MissingDependency without ``pip install 'imagegen-kit[serve]'``.
    """
    from imagegen_kit.testing.simulators.job_api import FACTS

    known = ("gemini", "vertex", "openai", *FACTS)
    wanted = known if only is None else (only,) if isinstance(only, str) else tuple(only)
    seconds = dict(latency) if isinstance(latency, Mapping) else dict.fromkeys(known, latency)
    faults = [
        unknown_name_fault("simulated provider", name, known, where=where)
        for where, names in (("only", wanted), ("latency", seconds))
        for name in names
        if name not in known
    ]
    faults += [
        Fault("latency", f"{value!r} is not a number of seconds, 0 or more.")
        for value in {str(v): v for v in seconds.values()}.values()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0
    ]
    if faults:
        raise InvalidInput(faults)
    return SimulatedClouds({name: _simulator(name, seconds.get(name, 0.0), look) for name in wanted})


def _simulator(name: str, latency: float, look: str) -> Simulator:
    known = {
        "gemini": simulators.GeminiSimulator,
        "vertex": simulators.VertexSimulator,
        "openai": simulators.OpenAISimulator,
    }
    if name in known:
        return known[name](latency=latency, look=look)
    made: Simulator = simulators.JobApiSimulator(name, latency=latency, polls=0, look=look)
    made.drawn_by = JOBS_DRAWN_BY
    return made


def _endpoint(name: str, simulator: Simulator) -> Endpoint:
    from pydantic import SecretStr

    return Endpoint(simulator.base_url, SecretStr(simulator.key), SIMULATED + name)

"""Running cells: each is one call of a recipe, with its own rows in the journal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.job import Job
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.rows import INSERT_CELL, INSERT_CELL_END, INSERT_PARAM
from imagegen_kit.engine.scope import Scope, recorded_requests, recorded_retrievals
from imagegen_kit.errors import ImagegenError
from imagegen_kit.settings import DEFAULT_MODEL
from imagegen_kit.store.values import CELLS_PER_RUN
from imagegen_kit.types import Completed, Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.recipe import Recipe

AT_ONCE = 256  # recipes under way: enough for every model to be busy while one of them is slow; memory stays flat
BREATHE_EVERY = 16  # cached cells never wait, so the loop gets a turn every so many


@dataclass(frozen=True, slots=True)
class Cell:
    """One grid point of a run: its parameters, and the same as JSON text for the journal."""

    position: int
    repeat: int
    params: Mapping[str, Any]
    encoded: Mapping[str, str]

    @property
    def category(self) -> str | None:
        """The category of the cell's prompt, if it has one."""
        return next((v.category for v in self.params.values() if isinstance(v, Prompt)), None)


@dataclass(slots=True)
class RunUnderWay:
    """A run while it executes: what all its cells share."""

    engine: Engine
    number: int
    id: str
    recipe: Recipe
    policy: Policy
    budget_usd: float | None = None
    default_model: str = DEFAULT_MODEL
    continued: bool = False  # an earlier execution left rows that cells may return from
    libraries: Mapping[str, str] = field(default_factory=dict)  # what each held when the run began, by its path
    on_event: Callable[[Any], None] | None = None  # Completed results, and what recipes emit
    on_cell: Callable[[Cell, str], None] | None = None

    async def all(self, cells: Iterable[Cell]) -> None:
        """Run ``cells``, many at once; a cell that fails is a row, the others go on."""
        source = iter(cells)

        async def worker() -> None:
            for number, cell in enumerate(source):
                await self.one(cell)
                if number % BREATHE_EVERY == 0:
                    await asyncio.sleep(0)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(worker())
        finally:
            await asyncio.wrap_future(self.engine.store.journal.flush())

    async def one(self, cell: Cell) -> Any:
        """Run one cell and return what its recipe returned, or None where it failed."""
        id = self.number * CELLS_PER_RUN + cell.position
        journal, clock = self.engine.store.journal, self.policy.clock
        replay = recorded_requests(journal, self.number, id) if self.continued else {}
        scope = Scope(self.number, self.id, id, cell.repeat, cell.category, self.budget_usd, self.default_model, replay)
        scope.retrieved = recorded_retrievals(journal, self.number, id) if self.continued else {}
        scope.libraries = self.libraries
        rows: list[Any] = [
            (INSERT_CELL, (id, self.number, cell.position, cell.repeat, scope.category, timestamp(clock.now())))
        ]
        rows += [(INSERT_PARAM, (id, name, value)) for name, value in cell.encoded.items()]
        scope.opening = rows
        bad: list[str] = []

        def emit(event: Any) -> None:
            if isinstance(event, Completed) and event.result.status not in ("ok", "cached", "fallback"):
                bad.append(event.result.status)
            if self.on_event is not None:
                self.on_event(event)

        error: BaseException | None = None
        value = None
        try:
            value = await self.recipe.function(Job(self.engine, scope, self.policy, emit), **cell.params)
        except asyncio.CancelledError:
            raise
        except Exception as failure:  # a failed cell is a row with its error
            error = failure
        status = "failed" if error is not None or bad else "ok"
        end = (
            id, status, type(error).__name__ if error else None, _in_words(error), timestamp(clock.now()),
        )  # fmt: skip
        journal.append([*scope.open(), (INSERT_CELL_END, end)])
        if self.on_cell is not None:
            self.on_cell(cell, status)
        if error is not None and self.on_cell is None:
            raise error
        return value


def _in_words(error: BaseException | None) -> str | None:
    """Return what a recipe's failure says; errors of others than ours are named, or ``KeyError('x')`` would say 'x'."""
    if error is None or isinstance(error, ImagegenError):
        return None if error is None else str(error)
    return f"{type(error).__name__}: {error}"

"""An experiment: a recipe × a grid of its named parameters."""

from __future__ import annotations

import hashlib
import inspect
from datetime import date
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.cells import RunUnderWay
from imagegen_kit.engine.execute import check_policy, record_run
from imagegen_kit.engine.policy import Policy, is_amount, policy_faults
from imagegen_kit.engine.recipe import read_recipe
from imagegen_kit.engine.replay import replay_in_force
from imagegen_kit.engine.session import engine_for
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.execution import Execution
from imagegen_kit.experiments.foresight import foreseen_fairness, foreseen_prices, plan_table
from imagegen_kit.experiments.grid import Grid
from imagegen_kit.experiments.replaying import replayed_run
from imagegen_kit.experiments.run import Run
from imagegen_kit.lazy import Shown
from imagegen_kit.providers.accounts import origin_of
from imagegen_kit.recipes import image
from imagegen_kit.settings import settings
from imagegen_kit.store.lock import hold
from imagegen_kit.store.slices import Tidy
from imagegen_kit.store.values import dumps, encode, libraries_in, stateless
from imagegen_kit.tables.projection import projection_table
from imagegen_kit.types import SIMULATED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.store import Blobs, Journal


class Experiment(Shown):
    """A recipe run at each point of a grid.

    ``vary`` is a dict of lists (varied against each other), or a DataFrame or list of dicts (exact points); ``fixed``
    holds for all points; each point runs ``repeats`` times with samples of its own. ``budget_usd`` is the most that the
    run may spend. Raises InvalidInput with everything wrong, before anything runs.
    """

    def __init__(
        self,
        recipe: Any = image,
        *,
        vary: Any,
        fixed: Mapping[str, Any] | None = None,
        repeats: int = 1,
        name: str | None = None,
        budget_usd: float | None = None,
        policy: Policy | None = None,
    ) -> None:
        check_policy(policy)
        self.recipe = read_recipe(recipe)
        faults: list[Fault] = []
        self.grid = Grid.read(vary, fixed, repeats, faults)
        self.name, self.budget_usd, self.policy = name, budget_usd, policy or self.recipe.policy
        self._given: dict[str, Any] = {
            "recipe": recipe, "vary": vary, "fixed": fixed, "repeats": repeats, "name": name,
            "budget_usd": budget_usd, "policy": policy,
        }  # fmt: skip
        faults += self.grid.faults(self.recipe, _registry()) + policy_faults(self.policy, _registry())
        if budget_usd is not None and not is_amount(budget_usd):
            faults.append(Fault("budget_usd", f"{budget_usd!r} is not an amount in USD.", "Write a number like 0.1."))
        if faults:
            raise InvalidInput(faults)

    def __len__(self) -> int:
        return len(self.grid)

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        return f"Experiment({name}{len(self)} cells, varies {', '.join(self.grid.varied)})"

    def with_(self, **changes: Any) -> Experiment:
        """Return a changed copy; takes the constructor's arguments."""
        given = {**self._given, **changes}
        return Experiment(given.pop("recipe"), **given)

    def plan(self, *, engine: Engine | None = None) -> pd.DataFrame:
        """Return one row a cell: parameters, what it would cost and take, and what its model cannot honour.

        ``estimated_usd`` is NA where a price is unknown and counts nothing that is in the cache; ``lower_bound`` says
        that the recipe looks at its pictures, so that more may follow. Nothing is sent.
        """
        return plan_table(self, engine_for(engine))

    def fairness(self, *, engine: Engine | None = None) -> pd.DataFrame:
        """Return, for each pair of models, what either will not be sent as it is asked. Nothing is sent.

        ``unfair`` marks what weakens a comparison of the two; ``Run.fairness`` tells the same of what was really sent.
        """
        return foreseen_fairness(self, engine_for(engine))

    def projection(
        self,
        pictures_per_item: float,
        items_per_month: int | Sequence[int],
        price_usd: float | None = None,
        *,
        engine: Engine | None = None,
    ) -> pd.DataFrame:
        """Return what pictures like these will come to: USD an item and a month, a row for each ``items_per_month``.

        The price is what the plan foresees for all answers, cached or not, over its pictures, or ``price_usd``; NA
        where one of them is unknown.
        """
        prices, pictures = foreseen_prices(self, engine_for(engine))
        return projection_table(prices, pictures, pictures_per_item, items_per_month, price_usd)

    def start(self, *, fresh: bool = False, engine: Engine | None = None) -> Run:
        """Start, or continue, and return the live run at once.

        The same definition continues the same run: only cells that have not ended are run. ``fresh=True`` starts
        another run; pictures that are in the cache are not bought again.
        """
        engine = engine_for(engine)
        journal = engine.store.journal
        plain = self.grid.encoded(engine.store.blobs)
        if (replay := replay_in_force(engine)) is not None:
            return replayed_run(self, replay, engine, self._asks(plain, engine.store.blobs), plain, fresh=fresh)
        definition = self._definition(plain, engine.store.blobs)
        found = None if fresh else self._recorded(journal, definition)
        if found is not None and (live := Execution.live(engine, found[0])) is not None:
            return Run(engine.store, found[1], experiment=self, engine=engine, execution=live)
        release = hold(engine.store.path / "locks" / f"{definition[:32]}.lock", repr(self))
        try:
            if not fresh:  # another process may have recorded the run since
                found = self._recorded(journal, definition)
            number, id = found or self._record(engine, plain, definition)
            journal.flush().result()  # whatever befalls its cells, the run is there to go on with
            return self._go_on(engine, plain, number, id, continued=found is not None, release=release)
        except BaseException:
            release()
            raise

    def _recorded(self, journal: Journal, definition: str) -> tuple[int, str] | None:
        """Return number and id of the last run of this definition, or None."""
        journal.flush().result()
        rows = journal.read(
            "SELECT number, id FROM runs WHERE definition = ? ORDER BY number DESC LIMIT 1", (definition,)
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def continue_run(self, engine: Engine, number: int, id: str) -> Run:
        """Start the cells of a stored run that have not ended, and return it live.

        Raises InvalidInput for a run of simulated services where the real ones are in force now, and the reverse: one
        run must not hold both, and going on must not cost money that it did not cost before.
        """
        if replay_in_force(engine) is not None:
            what = f"replay is on, so nothing is sent, and {id} is a run of this store."
            raise InvalidInput([Fault("resume", what, "Switch the replay off: ik.configure(replay='').")])
        sql = "SELECT definition, spec FROM runs WHERE number = ?"
        ((definition, recorded),) = engine.store.journal.read(sql, (number,))
        before, now = _loads(recorded).get("simulated", []), self._simulated()
        if before != now:
            were, are = (", ".join(names) or "none" for names in (before, now))
            what = f"its simulated providers were: {were}; now they are: {are}."
            hint = "Go on within testing.simulated_clouds()." if before else "Go on outside testing.simulated_clouds()."
            raise InvalidInput([Fault("resume", what, hint)])
        name = definition[:32] or f"run-{number}"
        release = hold(engine.store.path / "locks" / f"{name}.lock", repr(self))
        try:
            plain = self.grid.encoded(engine.store.blobs)
            return self._go_on(engine, plain, number, id, continued=True, release=release)
        except BaseException:
            release()
            raise

    def _go_on(
        self, engine: Engine, plain: Mapping[str, Any], number: int, id: str, *, continued: bool, release: Any
    ) -> Run:
        journal = engine.store.journal
        done: set[int] = set()
        failed = 0
        if continued:
            sql = (
                "SELECT c.position, e.status FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 "
                "WHERE c.run = ?"
            )
            ended = journal.read(sql, (number,))
            done = {position for position, _ in ended}
            failed = sum(status == "failed" for _, status in ended)
        under_way = RunUnderWay(
            engine, number, id, self.recipe, self.policy, self.budget_usd, settings().model, continued=continued
        )
        ((recorded,),) = journal.read("SELECT spec FROM runs WHERE number = ?", (number,))
        under_way.libraries = {lib["$library"]: lib.get("state", "") for lib in libraries_in(_loads(recorded))}
        execution = Execution(under_way, len(self), len(done), failed)
        execution.start(self.grid.cells(plain, done), release)
        return Run(engine.store, id, experiment=self, engine=engine, execution=execution)

    def run(self, *, fresh: bool = False, engine: Engine | None = None, progress: bool = True) -> Run:
        """Start (or continue) and wait; ■ and Ctrl-C stop it, and running the same again continues it."""
        from imagegen_kit.experiments.progress import follow

        run = self.start(fresh=fresh, engine=engine)
        follow(run, show=progress)
        return run

    def _record(self, engine: Engine, plain: Mapping[str, Any], definition: str) -> tuple[int, str]:
        asks = self._asks(plain, engine.store.blobs)
        spec = {"recipe": self.recipe.name, "parameters": self.grid.names, **plain, "asks": asks}
        if simulated := self._simulated():
            spec["simulated"] = simulated
        if policy := self.policy.to_plain():
            spec["policy"] = policy
        if self.budget_usd is not None:
            spec["budget_usd"] = self.budget_usd
        return record_run(
            engine, name=self.name, recipe=self.recipe.name, definition=definition, spec=spec, cells=len(self),
            policy=self.policy,
        )  # fmt: skip

    def _simulated(self) -> list[str]:
        """Return which providers of this experiment are simulated now."""
        registry = _registry()
        names = dict.fromkeys(v or settings().model for v in self.grid.values("model") or [None])
        specs = {model.provider.name: model.provider for model in (registry.model(n, today=date.min) for n in names)}
        return sorted(name for name, spec in specs.items() if origin_of(spec).startswith(SIMULATED))

    def _definition(self, plain: Mapping[str, Any], blobs: Blobs) -> str:
        """Return the hash by which the same experiment is known: what is asked, not how it is tried."""
        registry = _registry()
        versions = {}
        for name in dict.fromkeys(v or settings().model for v in self.grid.values("model") or [None]):
            model = registry.model(name, today=date.min)
            versions[name] = [model.id, origin_of(model.provider), model.provider.output_version]
        return self._hash({"models": versions}, plain, blobs)

    def _asks(self, plain: Mapping[str, Any], blobs: Blobs) -> str:
        """Return the hash of what is asked, wherever and of whichever version of a model: a replay goes by it."""
        models = [v or settings().model for v in self.grid.values("model") or [None]]
        return self._hash(
            {"asked": models}, stateless(plain), blobs, Tidy.of(blobs.root)
        )  # paths as a bundle knows them

    def _hash(self, models: Mapping[str, Any], plain: Mapping[str, Any], blobs: Blobs, tidy: Tidy | None = None) -> str:
        registry = _registry()
        styles = {name for name in self.grid.values("style") if isinstance(name, str)}
        parts = {
            "recipe": self.recipe.name,
            "name": self.name,
            **models,
            "styles": {name: encode(registry.style(name), blobs) for name in sorted(styles)},
            "parameters": self.grid.names,
            **plain,
        }
        if not self.recipe.name.startswith("imagegen_kit."):
            parts["source"] = _source(self.recipe.function)  # a recipe edited in a notebook is another experiment
        text = dumps(parts)
        return hashlib.sha256((tidy.text(text) if tidy else text).encode()).hexdigest()

    def to_yaml(self, path: str | Path) -> Path:
        """Write the experiment to a file that ``from_yaml`` and ``imagegen run`` read."""
        from imagegen_kit.experiments.files import write_experiment

        return write_experiment(self, path)

    @classmethod
    def from_yaml(cls, path: str | Path) -> Experiment:
        """Read an experiment from a file. Raises InvalidInput with every fault and its line."""
        from imagegen_kit.experiments.files import read_experiment

        return cls(**read_experiment(path))


def _registry() -> Any:
    from imagegen_kit.registry import get_registry

    return get_registry()


def _loads(text: str) -> Any:
    import json

    return json.loads(text)


def _source(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return str(function.__code__.co_code.hex())

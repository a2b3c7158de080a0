"""A run: what an experiment or a recipe has made so far, live or long ago."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.execute import read_policy
from imagegen_kit.engine.recipe import read_recipe
from imagegen_kit.engine.session import engine_for
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.contrasted import Contrasted
from imagegen_kit.experiments.elsewhere import ELSEWHERE
from imagegen_kit.experiments.judged import Judged
from imagegen_kit.experiments.reading import count_results, read_result, read_results
from imagegen_kit.experiments.reported import Reported
from imagegen_kit.experiments.retrying import failed_cells, failures_told, set_aside
from imagegen_kit.experiments.scored import Scored
from imagegen_kit.lazy import Shown, upward
from imagegen_kit.settings import settings
from imagegen_kit.store.values import decode
from imagegen_kit.tables.diff import diff_results
from imagegen_kit.tables.fairness import recorded_fairness
from imagegen_kit.tables.listing import listing
from imagegen_kit.tables.projection import prices_of, projection_table
from imagegen_kit.tables.runs import run_table
from imagegen_kit.tables.summaries import COSTS, SUMMARY, summary_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.experiments.execution import Execution
    from imagegen_kit.experiments.experiment import Experiment
    from imagegen_kit.store import Store
    from imagegen_kit.types import Result


class Run(Judged, Scored, Contrasted, Reported, Shown):
    """One execution of an experiment or recipe. Iterates its results, in the order of the grid."""

    def __init__(
        self,
        store: Store,
        id: str,
        *,
        experiment: Experiment | None = None,
        engine: Engine | None = None,
        execution: Execution | None = None,
        only: frozenset[int] | None = None,
        sealed: str | None = None,
    ) -> None:
        self._sealed = sealed  # why nothing is added to it: it was opened from a bundle
        self._store, self.id, self._engine, self._execution, self._only = store, id, engine, execution, only
        self._experiment = experiment
        self._followers: list[Callable[[], None]] = []  # panels, told when it goes on; they must not raise
        store.journal.flush().result()
        sql = "SELECT number, name, recipe, spec, cells, created_at FROM runs WHERE id = ?"
        (row,) = store.journal.read(sql, (id,))
        self._number, self.name = row[0], row[1]
        self._spec: dict[str, Any] = json.loads(row[3])
        self.cells, self.created_at = row[4], row[5]

    @property
    def path(self) -> Path:
        """The folder of the store that holds this run."""
        return self._store.path

    @property
    def experiment(self) -> Experiment:
        """The experiment that this run belongs to, rebuilt from the journal where it was not made in this session."""
        if self._experiment is None:
            self._refuse_without_experiment()
            self._experiment = _rebuild(self._spec, self.name, self._store)
        return self._experiment

    def _refuse_without_experiment(self) -> None:
        if self._spec.get("shared"):
            what = "the bundle was shared without its prompts, so its experiment is not known."
            raise InvalidInput([Fault("experiment", what, "Ask whoever made it for a bundle without share=True.")])
        if self._spec["recipe"] == ELSEWHERE:
            what = "these pictures were made elsewhere, by no experiment."
            raise InvalidInput([Fault("experiment", what, "Make one: ik.Experiment(vary=…).")])

    @property
    def running(self) -> bool:
        """Whether cells are being worked on in this process."""
        return self._execution is not None and self._execution.running

    @property
    def done(self) -> int:
        """How many cells have ended."""
        self._flush()
        sql = "SELECT COUNT(*) FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 WHERE c.run = ?"
        count: int = self._store.journal.read(sql, (self._number,))[0][0]
        return count

    def _flush(self) -> None:
        self._store.journal.flush().result()

    def __len__(self) -> int:
        self._flush()
        return count_results(self._store, self._number, self._only)

    def __getitem__(self, index: int) -> Result:
        self._flush()
        return read_result(self._store, self._number, self._only, index)

    def __iter__(self) -> Iterator[Result]:
        self._flush()
        return read_results(self._store, self._number, self._only)

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        if self._only is not None:
            return f"Run({name}{len(self)} results selected)"
        return f"Run({name}{self.done} of {self.cells} cells{failures_told(self._store.journal, self._number)})"

    def _failed_cells(self) -> list[int]:
        return failed_cells(self._store.journal, self._number)

    # ------------------------------------------------------------------ tables
    def table(self) -> pd.DataFrame:
        """Return one tidy row for each picture or failed request; see ``tables/columns.py`` for the columns."""
        self._flush()
        if self._only is None:
            return run_table(self._store, [self.id])
        frame = run_table(self._store, [self.id], keep_request=True)
        return frame[frame["request"].isin(list(self._only))].drop(columns="request").reset_index(drop=True)

    def summary(self, by: str | Sequence[str] = "model") -> pd.DataFrame:
        """Return counts, success, cost and latency for each group of ``by`` (a name or a list of names).

        Latency is of pictures really called and answered by the model asked: p50 the median, p90 linear between the two
        nearest. Cached, placeholder, fallback rows are counted, not timed. ``score_x`` is of ``score_x_n`` pictures.
        """
        self._flush()
        return listing(summary_table(self._store.journal, self.id, by, SUMMARY, self._only), "summary")

    def costs(self, by: str | Sequence[str] = "model") -> pd.DataFrame:
        """Return what was spent for each group of ``by``; unknown costs are counted and make the sum NA."""
        self._flush()
        return summary_table(self._store.journal, self.id, by, COSTS, self._only)

    def fairness(self) -> pd.DataFrame:
        """Return, for each pair of models, what either was not sent as it was asked: dropped seeds, changed sizes …

        ``unfair`` marks what weakens a comparison of the two.
        """
        self._flush()
        return recorded_fairness(self._store.journal, self._number, self._only)

    def projection(
        self, pictures_per_item: float, items_per_month: int | Sequence[int], price_usd: float | None = None
    ) -> pd.DataFrame:
        """Return what pictures like these come to: USD an item and a month, one row for each of ``items_per_month``.

        The price is what this run's answers cost when they were bought, texts too, over its pictures, or ``price_usd``;
        NA where one of them is unknown.
        """
        return projection_table(*prices_of(self.table()), pictures_per_item, items_per_month, price_usd)

    def select(self, **labels: Any) -> Run:
        """Return a smaller run: the rows where each named column has the value, or one of the values, given."""
        frame = run_table(self._store, [self.id], keep_request=True)
        faults = [unknown_name_fault("column", n, frame.columns, where=n) for n in labels if n not in frame]
        if faults:
            raise InvalidInput(faults)
        keep = frame["request"].notna()
        if self._only is not None:
            keep &= frame["request"].isin(list(self._only))
        for name, wanted in labels.items():
            values = list(wanted) if isinstance(wanted, (list, set, frozenset)) else [wanted]
            match = frame[name].isin([v for v in values if v is not None])
            if None in values:
                match |= frame[name].isna()
            keep &= match
        return Run(
            self._store, self.id, experiment=self._experiment, engine=self._engine, execution=self._execution,
            only=frozenset(int(i) for i in frame.loc[keep, "request"]), sealed=self._sealed,
        )  # fmt: skip

    def diff(self, i: int, j: int) -> pd.DataFrame:
        """Return what differs between results ``i`` and ``j``: prompt, request, what was sent, adaptations."""
        return diff_results(self[i], self[j])

    def panel(self, rows: str | None = None, columns: str | None = None) -> Any:
        """Return the panel that compares the results: a grid that fills while the run goes on, pictures opened large.

        ``rows`` and ``columns`` name parameters, or "repeat"; without them models stand in the columns where they vary.
        Raises InvalidInput for other names.
        """
        return upward("compare")(self, rows=rows, columns=columns)

    # ------------------------------------------------------------------ going on
    def wait(self) -> Run:
        """Block until all cells have ended; Ctrl-C and ■ stop the run. Returns the run."""
        if self._execution is not None:
            try:
                while not self._execution.wait(0.2):
                    pass
            except (KeyboardInterrupt, SystemExit):
                self._execution.stop()
                raise
        return self

    def stop(self) -> Run:
        """Cancel what was not sent yet and keep what was. ``resume``, or the experiment's ``run``, goes on."""
        if self._execution is not None:
            self._execution.stop()
        return self

    def resume(self) -> Run:
        """Run the cells that have not ended, wait, and return the run. A run that is complete is left as it is.

        What this run has in its journal is not asked again; what was sent and never answered is looked up, or shown
        as ``unknown``, never bought twice by itself.
        """
        return self._go_on().wait()

    def retry_failed(self, *, buy_again: bool = False) -> Run:
        """Run the cells again in which something failed, wait, and return the run.

        What became of an ``unknown`` one is looked up first where its service took a job; where nobody can tell, it is
        bought again. ``buy_again`` does so without looking. Its first cost stays at risk in ``costs`` all the same.
        """
        return self._retry(buy_again=buy_again).wait()

    def _retry(self, *, buy_again: bool = False) -> Run:
        self._flush()
        failed = self._failed_cells()
        if failed and self._sealed is not None:
            self._refuse_to_go_on(f"{len(failed)} of its cells failed")
        if failed:
            set_aside(self._store.journal, self._number, failed, buy_again=buy_again)
        return self._go_on()

    def _go_on(self) -> Run:
        if self.running:
            return self
        if self._sealed is not None or self._spec["recipe"] == ELSEWHERE:
            if self.done < self.cells:
                self._refuse_to_go_on(f"{self.done:,} of its {self.cells:,} cells have ended")
            return self
        engine = engine_for(self._engine)
        run = self.experiment.continue_run(engine, self._number, self.id)
        self._execution, self._engine = run._execution, engine
        for begun in self._followers:
            begun()
        return self

    def _refuse_to_go_on(self, state: str) -> None:
        what = f"{state}, but it was opened from {self._sealed}, and nothing is added to that."
        hint = "Run its experiment in a store of your own: run.experiment.run()"
        raise InvalidInput([Fault("run", what, hint + (" without a replay." if settings().replay else "."))])

    # ------------------------------------------------------------------ out
    def save(self, folder: str | Path, *, layout: str = "flat") -> Path:
        """Write the pictures, each with its request embedded, and return where.

        ``layout`` is "flat" (pictures and one ``metadata.json`` in a new folder), "scenes", "sketches" or "calls": see
        docs/sharing.md for what each writes. Raises InvalidInput, before anything is written, for names that cannot be
        used and for files that would be replaced.
        """
        from imagegen_kit.experiments.saving import save_run

        return save_run(self, folder, layout)

    def export(self, path: str | Path, *, share: bool = False, pictures: str = "full") -> Path:
        """Write the whole run into one ``.zip`` and return its path; ``open_run`` reads it, anywhere.

        No keys, addresses to poll, accounts or folders of this machine are in it. ``share`` also leaves out what was
        asked: texts become labels ("prompt 1"), references, masks, placeholders and messages of services are dropped,
        pictures lose their metadata. ``pictures`` is "full" or "thumbnails". Raises StoreError where a picture is gone.
        """
        from imagegen_kit.experiments.exporting import export_run

        return export_run(self, path, share=share, pictures=pictures)


def _rebuild(spec: dict[str, Any], name: str | None, store: Store) -> Experiment:
    from imagegen_kit.experiments.experiment import Experiment

    recipe = read_recipe(spec["recipe"]).function
    vary = decode(spec.get("points") or spec.get("vary") or [{}], store.blobs)
    if isinstance(vary, dict):  # JSON sorted the names; the order of the axes is the order of the cells
        vary = {name: vary[name] for name in spec["parameters"] if name in vary}
    fixed = spec.get("fixed", {})
    return Experiment(
        recipe,
        vary=vary,
        fixed=decode({name: fixed[name] for name in spec["parameters"] if name in fixed}, store.blobs),
        repeats=spec.get("repeats", 1),
        name=name,
        budget_usd=spec.get("budget_usd"),
        policy=read_policy(spec.get("policy")),
    )

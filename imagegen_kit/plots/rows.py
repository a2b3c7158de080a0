"""The rows that a plot is made of, each with its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.tables.runs import run_table

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.run import Run


def checked_run(run: object) -> None:
    """Raise InvalidInput, with what to write instead, where ``run`` is no run."""
    from imagegen_kit.experiments.run import Run

    if isinstance(run, Run):
        return
    if isinstance(run, str):
        hint = f"Open one with ik.open_run({run[:80]!r})."
    elif isinstance(run, (list, tuple)):
        hint = "A plot is of one run: call it for each of them."
    else:
        hint = 'Give what experiment.run() returned, or ik.open_run("latest").'
    what = "None is no run." if run is None else f"a {type(run).__name__} is no run."
    raise InvalidInput([Fault("run", what, hint)])


def rows_of(run: Run, by: str) -> pd.DataFrame:
    """Return the table of a run, or of what was selected of it, with ``request`` (its journal number) and ``group``.

    ``by`` is a column that ``run.summary(by)`` takes; a group is named as there, "none" where a row has no value.
    """
    run._flush()
    frame = run_table(run._store, [run.id], keep_request=True)
    if run._only is not None:
        frame = frame[frame["request"].isin(list(run._only))]
    if by in frame:
        group = frame[by].astype(object).where(frame[by].notna(), "none")
    else:  # a model that no parameter named: the default
        asked = dict(run._store.journal.read("SELECT id, model FROM requests WHERE run = ?", (run._number,)))
        group = frame["request"].map(asked).astype(object)
    return frame.assign(group=group)

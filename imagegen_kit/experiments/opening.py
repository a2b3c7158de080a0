"""Runs that are there already: in this session's store, in a bundle, or as pictures made elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.replay import replay_in_force
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.run import Run
from imagegen_kit.store.unbundle import open_bundle
from imagegen_kit.tables.listing import listing

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.store import Journal, Store

_FIND = "SELECT id FROM runs WHERE id = ? OR name = ? ORDER BY number DESC LIMIT 1"

_READERS = {  # of tables, by suffix: the call of pandas that makes a DataFrame of it
    ".csv": 'read_csv("…")', ".tsv": 'read_csv("…", sep="\\t")', ".parquet": 'read_parquet("…")',
    ".jsonl": 'read_json("…", lines=True)', ".xlsx": 'read_excel("…")',
}  # fmt: skip


def open_run(what: Any = "latest") -> Run:
    """Return a run: by its id, by its name (the last one), the last one of all by ``"latest"``, or from elsewhere.

    The path of a bundle (``.zip``) gives the run that was exported. A folder of pictures, or a DataFrame with a column
    ``picture`` or ``path``, becomes a run of this store, so that its pictures can be tabled, scored, voted on and
    reported; the same content is the same run. Columns that only a run itself fills, such as ``status``, ``repeat``,
    ``run_id`` and ``sha256``, are taken from no table, and ``error`` only where there is no picture: docs/sharing.md
    names them all. A run's id or name goes before a file of that name. Raises InvalidInput,
    with everything that cannot be read.
    """
    if hasattr(what, "to_dict") and hasattr(what, "columns"):  # a DataFrame, without importing pandas
        from imagegen_kit.experiments.elsewhere import run_of_table

        return Run(default_engine().store, run_of_table(what, default_engine()), engine=default_engine())
    if not isinstance(what, (str, Path)) or not str(what).strip():
        hint = "Give an id, a name, the path of a bundle or folder, or a DataFrame."
        kind = "an empty text" if isinstance(what, str) else f"a {type(what).__name__}"
        raise InvalidInput([Fault("open_run", f"{kind} names no run.", hint)])
    engine = default_engine()
    replay = replay_in_force(engine)
    found = replay.find(str(what)) if replay is not None else None
    if found is not None:
        return Run(found.store, found.run_id, engine=engine, sealed=found.file)
    if isinstance(what, str) and (id := _stored(engine.store.journal, what)) is not None:
        return Run(engine.store, id, engine=engine)
    path = Path(what).expanduser()
    if path.suffix.lower() == ".zip":
        bundle = open_bundle(path, engine.store.path)
        return Run(bundle.store, bundle.run_id, engine=engine, sealed=bundle.file)
    if _is_folder(path):
        from imagegen_kit.experiments.elsewhere import run_of_folder

        return Run(engine.store, run_of_folder(path, engine), engine=engine)
    raise _no_run(engine.store, what)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long for a path, or with a NUL in it
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # as above
        return False


def _stored(journal: Journal, what: str) -> str | None:
    journal.flush().result()
    if what == "latest":
        rows = journal.read("SELECT id FROM runs ORDER BY number DESC LIMIT 1")
    else:
        rows = journal.read(_FIND, (what, what))
    return rows[0][0] if rows else None


def _no_run(store: Store, what: str | Path) -> InvalidInput:
    if what == "latest":
        return InvalidInput([Fault("open_run", "there is no run in this store yet.", f"The store is {store.path}.")])
    path = Path(what).expanduser()
    if _is_file(path):
        suffix = path.suffix.lower()
        hint = "Give the folder in which the pictures lie, or a bundle (.zip), which run.export() writes."
        if reader := _READERS.get(suffix):
            call = reader.replace("…", path.name)
            hint = f"Read it first: ik.open_run(pandas.{call}). It needs a column path, or picture; prompt, model, "
            hint += "label, seconds and price_usd are understood."
        return InvalidInput([Fault("open_run", f"{path.name} is a file, and no run lies in it.", hint)])
    if isinstance(what, Path) or os.sep in what:
        return InvalidInput([Fault("open_run", f"there is no folder or bundle {what}.")])
    rows = store.journal.read("SELECT id, name FROM runs ORDER BY number DESC LIMIT 200")
    return InvalidInput([unknown_name_fault("run", what, [v for row in rows for v in row if v], where="open_run")])


def runs() -> pd.DataFrame:
    """Return all stored runs, newest first, indexed by id: cells, how many ended and failed, pictures, texts, cost.

    ``failed`` cells lack a picture, or a placeholder stands for it. ``pictures`` and ``texts`` were asked for, made or
    not, as in ``run.summary()``, also in cells that were stopped before they ended. ``cost_usd`` is what was spent,
    also on what a retry replaced; NA where a part of it is not known.

    While a replay is on, those of its bundles.
    """
    engine = default_engine()
    replay = replay_in_force(engine)
    journals = [engine.store.journal] if replay is None else [b.store.journal for b in replay.bundles]
    found = [row for journal in journals for row in _rows(journal)]
    return _table(sorted(found, key=lambda row: str(row[-1]), reverse=True) if replay is not None else found)


def _rows(journal: Journal) -> list[tuple[Any, ...]]:
    journal.flush().result()
    return journal.read(
        "SELECT u.id, u.name, u.recipe, u.cells, "
        "(SELECT COUNT(*) FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 WHERE c.run = u.number), "
        "COALESCE(SUM(s.replaced = 0 AND r.kind != 'text'), 0), COALESCE(SUM(s.replaced = 0 AND r.kind = 'text'), 0), "
        "COALESCE(SUM(s.replaced = 0 AND s.status IN ('ok', 'fallback')), 0), "
        "COALESCE(SUM(s.replaced = 0 AND s.status = 'cached'), 0), "
        "(SELECT COUNT(*) FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 WHERE c.run = u.number "
        "AND e.status = 'failed'), "
        "CASE WHEN SUM(s.request NOT NULL AND s.cost_usd IS NULL) > 0 THEN NULL ELSE COALESCE(SUM(s.cost_usd), 0) END, "
        "u.created_at, u.session FROM runs u LEFT JOIN results s ON s.run = u.number "
        "LEFT JOIN requests r ON r.id = s.request GROUP BY u.number ORDER BY u.number DESC"
    )


def _table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    counts = ("cells", "done", "pictures", "texts", "ok", "cached", "failed")
    names = ("name", "recipe", *counts, "cost_usd", "started", "session")
    columns: dict[str, Any] = {}
    for i, name in enumerate(names, 1):
        values = [row[i] for row in rows]
        if name in ("name", "recipe", "session"):
            columns[name] = pd.array(values, dtype="str")
        elif name == "started":
            columns[name] = pd.to_datetime(pd.Series(values, dtype="str"), format="ISO8601", utc=True).array
        else:
            columns[name] = pd.array(values, dtype="Int64" if name in counts else "Float64")
    frame = pd.DataFrame(columns, index=pd.Index([row[0] for row in rows], name="id", dtype="str"))
    return listing(frame, "runs")

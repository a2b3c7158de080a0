"""A run's table as a Parquet file, and chosen columns of it back: what other tools read, and panels read fast."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput, MissingDependency, StoreError, unknown_name_fault
from imagegen_kit.tables.runs import run_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    import pandas as pd

    from imagegen_kit.store import Store

_AS_JSON = b"imagegen_kit.json"  # in the file's own notes: which columns hold JSON
ROWS_AT_ONCE = 128 * 1024  # rows in one group of the file, so that a reader needs no more than it shows


def save_parquet(store: Store, run_id: str, path: str | Path) -> Path:
    """Write the table of a run, as ``Run.table`` returns it, and return the file's path; an old file is replaced.

    Columns that hold lists or mixed values are written as JSON text. Raises InvalidInput for an unknown run,
    MissingDependency without pyarrow, StoreError where the file cannot be written.
    """
    store.journal.flush().result()
    if not store.journal.read("SELECT 1 FROM runs WHERE id = ?", (run_id,)):
        known = [id for (id,) in store.journal.read("SELECT id FROM runs ORDER BY number DESC LIMIT 200")]
        raise InvalidInput([unknown_name_fault("run", run_id, known, where="run_id")])
    return write_frame(run_table(store, [run_id]), path)


def write_frame(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a table of runs; see ``save_parquet``."""
    arrow, parquet = _pyarrow()
    target = Path(path).expanduser()
    as_json = [str(name) for name in frame.columns if frame[name].dtype == object]
    plain = frame.assign(**{name: frame[name].map(_dumped).astype("str") for name in as_json})
    table = arrow.Table.from_pandas(plain, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _AS_JSON: json.dumps(as_json)})
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, part, row_group_size=ROWS_AT_ONCE)
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise StoreError(f"{target} cannot be written: {error.strerror or error}.") from error
    return target


def load_parquet(path: str | Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return ``columns`` (None: all) of a file that ``save_parquet`` wrote, with the dtypes of ``Run.table``.

    Raises InvalidInput for a column that the file has not got, or a file that is no Parquet.
    """
    import pandas as pd

    arrow, parquet = _pyarrow()
    source = Path(path).expanduser()
    try:
        schema = parquet.read_schema(source)
    except (OSError, arrow.ArrowInvalid) as error:
        raise InvalidInput(f"{source} cannot be read as Parquet: {error}") from error
    faults = [
        unknown_name_fault("column", name, schema.names, where=name)
        for name in columns or ()
        if name not in schema.names
    ]
    if faults:
        raise InvalidInput(faults)
    frame = pd.read_parquet(source, columns=None if columns is None else list(columns))
    for name in json.loads((schema.metadata or {}).get(_AS_JSON, b"[]")):
        if name in frame:
            frame[name] = pd.Series([_loaded(v) for v in frame[name]], index=frame.index, dtype=object)
    return frame


def _dumped(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _loaded(text: Any) -> Any:
    """Read a value back; lists are tuples in tables, so that pandas can group by them."""
    return _frozen(json.loads(text)) if isinstance(text, str) else None


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(v) for v in value)
    return {k: _frozen(v) for k, v in value.items()} if isinstance(value, dict) else value


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow  # type: ignore[import-untyped]  # it brings no types
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependency("Parquet", "pyarrow", "pip install 'imagegen-kit[parquet]'") from error
    return pyarrow, pyarrow.parquet

"""A table as a file that other tools read: CSV, Parquet or JSON lines, by the suffix of its name."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.files import target_of, write_whole
from imagegen_kit.tables.parquet import write_frame

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet", ".jsonl")
MOST_LINE = 16 << 20  # characters of a row that is looked at to know a table again


def write_table(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write ``frame`` and return the file's path; an old file of this table is replaced, missing folders are made.

    Lists and mixed values are JSON. Unknown is an empty field in CSV, ``null`` in JSON lines; times are UTC.
    Raises InvalidInput for another suffix, and for a file that is there and begins with other columns,
    MissingDependency where Parquet needs pyarrow, StoreError where the file cannot be written.
    """
    target = target_of(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput([Fault("path", f"{target.name!r} names no kind of table.", f"End it in {_or(SUFFIXES)}.")])
    if target.is_file() and not _ours(target, list(map(str, frame.columns[:2]))):
        what = f"{target.name!r:.80} is there and no such table."
        raise InvalidInput([Fault("path", what, "Name another file, or remove it.")])
    if suffix == ".parquet":
        return write_frame(frame, target)
    text = _csv(frame) if suffix == ".csv" else _lines(frame)
    return write_whole(target, text.encode(errors="replace"), "table")


def _ours(path: Path, columns: list[str]) -> bool:
    """Return whether the file at ``path`` begins with these columns, as an earlier table does."""
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it brings no types

            return list(pq.read_schema(path).names[: len(columns)]) == columns
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".csv":
                return next(csv.reader(file), [])[: len(columns)] == columns
            first = json.loads(file.readline(MOST_LINE))
            return isinstance(first, dict) and list(first)[: len(columns)] == columns
    except (OSError, ValueError, RecursionError, csv.Error):  # pyarrow's own are ValueErrors
        return False
    except ImportError:  # without pyarrow no table is written either, and that is told
        return True


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _csv(frame: pd.DataFrame) -> str:
    as_json = [name for name in frame.columns if frame[name].dtype == object]
    times = [name for name in frame.columns if str(frame[name].dtype).startswith("datetime")]
    columns: dict[str, Any] = {name: [None if v is None else _dumped(v) for v in frame[name]] for name in as_json}
    columns |= {name: list(map(_plain, frame[name])) for name in times}
    plain = frame.assign(**columns)
    text: str = plain.to_csv(index=False)
    return text


def _lines(frame: pd.DataFrame) -> str:
    columns = {str(name): [_plain(v) for v in frame[name].astype(object)] for name in frame.columns}
    rows = zip(*columns.values(), strict=True)
    return "".join(_dumped(dict(zip(columns, row, strict=True))) + "\n" for row in rows)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it: what is missing is None, numbers are Python's own, times are text."""
    if (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and math.isnan(value))
    ):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value

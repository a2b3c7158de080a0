"""Lots of a Parquet file: a row is a picture, by its path or its bytes, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from imagegen_kit.errors import Fault, MissingDependency, StoreError
from imagegen_kit.retrieval.library.candidate import Candidate
from imagegen_kit.retrieval.library.sources import PATH_KEYS, of_row
from imagegen_kit.retrieval.lots.lot import Lot


def table_lots(path: Path, common: Mapping[str, Any], size: int) -> list[Lot]:
    """Return the rows of a Parquet file in lots: its row groups, divided where they are larger than ``size``.

    Raises StoreError where it cannot be read, MissingDependency where pyarrow is not installed.
    """
    state = path.stat()
    told = [str(path), state.st_size, state.st_mtime_ns, repr(sorted(common.items()))]
    found = []
    file = _opened(path)
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        for start in range(0, rows, size):
            stop = min(rows, start + size)
            read = partial(_rows, path, dict(common), group, start, stop)
            found.append(Lot(stop - start, [*told, group, start, stop], read))
    file.close()
    return found


def _opened(path: Path) -> Any:
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]  # it brings no types
    except ImportError as error:
        raise MissingDependency("Parquet files", "pyarrow", 'pip install "imagegen-kit[parquet]"') from error
    try:
        return parquet.ParquetFile(path)
    except (OSError, ArrowException) as error:
        raise StoreError(f"{path} cannot be read as Parquet: {error}. Look at the file, or leave it out.") from error


def _rows(path: Path, common: Mapping[str, Any], group: int, start: int, stop: int) -> Iterator[Candidate]:
    """Yield the pictures of some rows of one group; rows before them are decoded and passed over."""
    from pyarrow import ArrowException

    at, file = 0, _opened(path)
    before = sum(file.metadata.row_group(number).num_rows for number in range(group))
    try:
        for batch in file.iter_batches(batch_size=min(64, stop - start), row_groups=[group]):
            if at >= stop:
                return
            for row in batch.slice(max(0, start - at), max(0, stop - max(at, start))).to_pylist():
                yield _candidate(row, path, before, common)
                before += 1
            before += max(0, min(start, at + batch.num_rows) - at)
            at += batch.num_rows
    except (OSError, ArrowException) as error:
        raise StoreError(f"{path} cannot be read: {error}. Mend the file and add it again.") from error
    finally:
        file.close()


def _candidate(row: dict[str, Any], path: Path, number: int, common: Mapping[str, Any]) -> Candidate:
    where = f"{path.name} row {number}"
    for key, value in row.items():
        if isinstance(value, dict) and set(value) >= {"bytes", "path"}:  # a picture as Hugging Face's data sets hold it
            row[key] = value["bytes"] if value["bytes"] is not None else value["path"]
    faults: list[Fault] = []
    found = list(of_row(row, where, common, faults, path.parent))
    if faults or not found:
        return Candidate(where, None, common, refused=_reason(row, where, faults))
    return found[0]


def _reason(row: Mapping[str, Any], where: str, faults: Sequence[Fault]) -> str:
    """Return what is wrong with a row, in one line, each column by its name."""
    if no_picture := next((fault for fault in faults if fault.where == where), None):
        told = f"the row {no_picture.what} {no_picture.hint}".strip()
        held = ", ".join(map(repr, list(row)[:8])) + (", …" if len(row) > 8 else "")
        return told if any(key in row for key in PATH_KEYS) else f"{told} Its columns are {held}."
    named = [(fault, fault.where.removeprefix(f"{where}.")) for fault in faults]
    return " ".join(f"{name}: {fault.what} {fault.hint}".strip() for fault, name in named)

"""Prompt suites: shipped ones by name, and the user's own from YAML, JSON Lines, CSV or plain text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog import Document, find_data, load_yaml, validate
from imagegen_kit.catalog.files import read_text
from imagegen_kit.errors import Fault, InvalidInput, UnknownName, unknown_name_fault
from imagegen_kit.types import Prompt

if TYPE_CHECKING:
    from pydantic import BaseModel

MAX_BYTES = 20_000_000
COLUMNS = ("prompt", "id", "category", "tags")


def prompt_suite(name_or_path: str | Path) -> list[Prompt]:
    """Return the prompts of a suite, each with id, category and tags.

    A bare name (``"first"``) is a shipped suite, whatever lies in the working directory. A path (a Path, or text with a
    separator or a suffix) is read as ``.yaml``, ``.jsonl``, ``.csv`` (columns prompt, id, category, tags; tags parted
    by ``;``) or ``.txt`` (a prompt a line; lines that begin with ``#`` are left out). Prompts without an id get
    ``<file>-<number>``. Raises UnknownName for an unknown name, and InvalidInput with file and line for every fault.
    """
    if isinstance(name_or_path, str) and not ({"/", "\\", "."} & set(name_or_path)):
        folder = find_data("prompts")
        if name_or_path not in (known := [path.stem for path in folder.glob("*.yaml")]):
            raise UnknownName("prompt suite", name_or_path, known)
        path = folder / f"{name_or_path}.yaml"
        return _prompts(load_yaml(path, where=path.name), path.stem)
    if not isinstance(name_or_path, (str, Path)):
        raise InvalidInput([Fault("prompt_suite", f"{name_or_path!r} is neither a name nor a path.")])
    path = Path(name_or_path).expanduser()
    if path.suffix in (".yaml", ".yml"):
        return _prompts(load_yaml(path), path.stem)
    if path.suffix not in _READERS:
        hint = f"Suites are .yaml, {', '.join(_READERS)}, or the bare name of a shipped one."
        raise InvalidInput([Fault("prompt_suite", f"{str(path)!r} has no suffix of a suite.", hint)])
    text = read_text(path, where=str(path), max_bytes=MAX_BYTES)
    return _prompts(_READERS[path.suffix](text, str(path)), path.stem)


def _document(name: str, rows: list[tuple[int, Any]]) -> Document:
    """Return rows with their line numbers as the document that a YAML suite would be."""
    lines: dict[tuple[str | int, ...], int] = {("prompts",): 1}
    lines |= {("prompts", i): line for i, (line, _) in enumerate(rows)}
    return Document({"prompts": [row for _, row in rows]}, name, lines)


def _from_lines(text: str, name: str) -> Document:
    lines = enumerate((line.strip() for line in text.split("\n")), start=1)
    return _document(name, [(n, line) for n, line in lines if line and not line.startswith("#")])


def _from_jsonl(text: str, name: str) -> Document:
    rows, faults = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except (ValueError, RecursionError) as error:
                faults.append(Fault(f"{name}:{number}", f"is not JSON: {error}."))
    if faults:
        raise InvalidInput(faults)
    return _document(name, rows)


def _from_csv(text: str, name: str) -> Document:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, faults = list[tuple[int, Any]](), list[Fault]()
    try:
        header = [column.strip() for column in next(reader, [])]
        faults += [unknown_name_fault("column", c, COLUMNS, where=f"{name}:1") for c in header if c not in COLUMNS]
        faults += [
            Fault(f"{name}:1", f"the column {c!r} stands here twice.") for c in set(header) if header.count(c) > 1
        ]
        if "prompt" not in header:
            faults.append(Fault(f"{name}:1", "has no column 'prompt'.", f"The columns are {', '.join(COLUMNS)}."))
        start = reader.line_num + 1
        for row in reader:
            if len(row) > len(header):
                faults.append(Fault(f"{name}:{start}", "has more cells than the header.", "Quote cells with commas."))
            entry: dict[str, Any] = {c: cell.strip() for c, cell in zip(header, row, strict=False) if cell.strip()}
            if "tags" in entry:
                entry["tags"] = [tag.strip() for tag in entry["tags"].split(";") if tag.strip()]
            if entry:
                rows.append((start, entry))
            start = reader.line_num + 1
    except csv.Error as error:
        faults.append(Fault(f"{name}:{reader.line_num}", f"is not CSV: {error}."))
    if faults:
        raise InvalidInput(faults)
    return _document(name, rows)


_READERS: dict[str, Callable[[str, str], Document]] = {".jsonl": _from_jsonl, ".csv": _from_csv, ".txt": _from_lines}


def _prompts(document: Document, stem: str) -> list[Prompt]:
    suite: Any = validate(document, _schema())
    prompts, faults, seen = [], list[Fault](), dict[str, int]()
    if not suite.prompts:
        faults.append(document.fault(("prompts",), "holds no prompts."))
    for i, entry in enumerate(suite.prompts):
        text, given = (entry, None) if isinstance(entry, str) else (entry.prompt, entry)
        id_ = (given and given.id) or f"{stem}-{i + 1}"
        if not text.strip():
            faults.append(document.fault(("prompts", i), "the prompt is empty."))
        if seen.setdefault(id_, i) != i:
            first = document.line("prompts", seen[id_])
            faults.append(document.fault(("prompts", i), f"the id {id_!r} was given before, in line {first}."))
        extra = {"category": given.category, "tags": given.tags} if given else {}
        prompts.append(Prompt(text, id=id_, **extra))
    if faults:
        raise InvalidInput(faults)
    return prompts


@cache
def _schema() -> type[BaseModel]:
    from pydantic import ConfigDict, create_model

    config = ConfigDict(extra="forbid", strict=True)
    entry = create_model(
        "Entry",
        __config__=config,
        prompt=(str, ...),
        id=(str | None, None),
        category=(str | None, None),
        tags=(tuple[str, ...], ()),
    )
    return create_model(
        "Suite",
        __config__=config,
        title=(str, ""),
        licence=(str, ""),
        prompts=(list[str | entry], ...),  # type: ignore[valid-type]  # the entry is made above
    )

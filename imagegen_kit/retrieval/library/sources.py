"""Whatever people give to ``Library.add``, as one list of candidates, with every fault of the call told at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.library.about import missing, read_about
from imagegen_kit.retrieval.library.candidate import Candidate, bytes_of, in_memory, pixels
from imagegen_kit.retrieval.library.configured import is_configuration, read_configured
from imagegen_kit.retrieval.library.exchange import read_exchange
from imagegen_kit.retrieval.library.folders import picture_files
from imagegen_kit.retrieval.library.local import local
from imagegen_kit.retrieval.library.places import EXCHANGE
from imagegen_kit.retrieval.library.records import Records
from imagegen_kit.retrieval.library.schema import FILE
from imagegen_kit.retrieval.library.variations import told_apart, with_variations
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Item

_GET = "Download it first and give the file."
PATH_KEYS = ("path", "picture", "image", "file")


def candidates(source: Any, given: Mapping[str, Any], *, folder: Path) -> list[Candidate]:
    """Return the pictures that ``source`` stands for. ``given`` holds for each, unless the source says otherwise.

    ``folder`` is the library's: relative paths of its own ``library.jsonl`` start there. Raises InvalidInput with every
    fault of the call.
    """
    faults: list[Fault] = []
    plain, shown = told_apart(given)
    common = read_about(plain, "", faults)
    found = list(_expanded(source, "source", common, faults, folder))
    if len(found) > 1 and "id" in common:
        faults.append(Fault("id", f"{common['id']!r} cannot be the id of {len(found)} pictures.", "Leave it out."))
    if shown:
        found = with_variations(found, shown, faults)
    _check_ids(found, faults)
    if faults:
        raise InvalidInput(faults)
    return found


def _check_ids(found: list[Candidate], faults: list[Fault]) -> None:
    seen: dict[str, str] = {}
    for candidate in found:
        id = candidate.about.get("id")
        if id is None:
            continue
        if id in seen and seen[id] != candidate.source:
            faults.append(Fault(candidate.source, f"the id {id!r} is that of {seen[id]} too.", "Ids are unique."))
        seen.setdefault(id, candidate.source)


def _expanded(
    source: Any, where: str, common: Mapping[str, Any], faults: list[Fault], folder: Path
) -> Iterable[Candidate]:
    if isinstance(source, (str, Path)):
        yield from _of_path(source, where, common, faults, folder)
    elif isinstance(source, Reference):
        own = {"role": source.role, "name": source.name, "description": source.description, "id": source.origin}
        about = {**{k: v for k, v in own.items() if v is not None and not (k == "role" and v == "content")}, **common}
        yield Candidate(source.name or source.origin or where, bytes_of(source.picture), about)
    elif is_configuration(source):
        yield from _configured(source, common, faults)
    elif isinstance(source, Mapping):
        yield from of_row(source, where, common, faults, folder)
    elif hasattr(source, "to_dict") and hasattr(source, "columns"):  # a DataFrame, without importing pandas
        for position, row in enumerate(source.to_dict("records")):
            yield from of_row(row, f"row {position}", common, faults, folder)
    elif hasattr(source, "items") and hasattr(source, "embedder"):  # another library
        yield from _of_items(source.items(source.numbers()), common)
    elif isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray, memoryview)) and not pixels(source):
        for position, one in enumerate(source):
            yield from _expanded(one, f"{where}[{position}]", common, faults, folder)
    else:
        yield in_memory(source, where, common)


_TEXTS = ("role", "name", "caption", "description", "licence")


def _of_path(
    source: str | Path, where: str, common: Mapping[str, Any], faults: list[Fault], own: Path
) -> Iterable[Candidate]:
    text = local(source)
    if not text.strip() or "\0" in text:
        faults.append(Fault(where, f"{text[:80]!r} is no path."))
        return
    try:
        path = Path(text).expanduser().absolute()
        kind = "folder" if path.is_dir() else "file" if path.exists() else ""
    except (OSError, RuntimeError) as error:
        faults.append(Fault(where, f"{text[:200]!r} is no path that can be used: {error}."))
        return
    if "://" in text:  # told in the words of whoever opens pictures
        yield Candidate(text, None, common, refused=_address(text))
    elif kind == "folder":
        if (path / FILE).is_file() and path.resolve() != own.resolve():
            yield from _of_library(path, common)
        else:
            yield from _of_folder(path, common, faults)
    elif path.suffix.lower() in (".yaml", ".yml"):
        yield from _configured(path, common, faults)
    elif path.name == EXCHANGE or path.suffix == ".jsonl":
        yield from _of_exchange(path, common, faults)
    else:  # what is no picture, or not there, is told in the words of whoever opens it
        yield Candidate(text, path, common)


def _of_items(items: Iterable[Item], common: Mapping[str, Any]) -> Iterable[Candidate]:
    for item in items:
        own = {name: getattr(item, name) for name in ("id", *_TEXTS, "tags", "variations") if getattr(item, name)}
        yield Candidate(item.id, Path(item.path), {**common, **own, "meta": dict(item.meta)}, item.sha256)


def _of_library(folder: Path, common: Mapping[str, Any]) -> Iterable[Candidate]:
    """The folder of another library: what its database holds, whatever else lies there."""
    records = Records(folder / FILE, writable=os.access(folder, os.W_OK))
    try:
        yield from _of_items([row.item(folder) for row in records.rows()], common)
    finally:
        records.close()


def _of_folder(folder: Path, common: Mapping[str, Any], faults: list[Fault]) -> Iterable[Candidate]:
    named: set[Path] = set()
    found = False
    if (folder / EXCHANGE).is_file():
        for candidate in _of_exchange(folder / EXCHANGE, common, faults):
            if isinstance(candidate.picture, Path):
                named.add(candidate.picture)
            found = True
            yield candidate
    for path, refused in picture_files(folder):
        if path not in named:
            found = True
            yield Candidate(str(path.relative_to(folder)), path, common, refused=refused)
    if not found and not faults:
        yield Candidate(str(folder), None, common, refused="the folder holds no picture.")


def _of_exchange(path: Path, common: Mapping[str, Any], faults: list[Fault]) -> Iterable[Candidate]:
    for line in read_exchange(path, faults):
        yield Candidate(line.source, line.path, {**common, **line.about}, line.sha256, line.refused)


def _configured(source: Any, common: Mapping[str, Any], faults: list[Fault]) -> Iterable[Candidate]:
    for entry in read_configured(source, faults):
        yield Candidate(entry.where, entry.path, {**common, **entry.about})


def of_row(
    row: Mapping[Any, Any], where: str, common: Mapping[str, Any], faults: list[Fault], folder: Path
) -> Iterable[Candidate]:
    """Yield the picture of a row of a table, or of a mapping, under one of a few names, with the fields beside it."""
    key = next((k for k in PATH_KEYS if not missing(row.get(k))), None)
    about = read_about(
        {k: v for k, v in row.items() if k not in (key, "sha256")}, where, faults, computed=True
    )  # fmt: skip
    if key is None:
        faults.append(_no_picture(row, where))
        return
    value = row[key]
    both = {**common, **about}
    if isinstance(value, (str, Path)):
        text = local(value)
        path, refused = Path(os.path.expanduser(text)), _address(text) if "://" in text else ""
        if not path.is_absolute() and not path.exists() and (folder / path).exists():
            path = folder / path  # as the library's own table has it
        refused = refused if text.strip() else "no path"
        yield Candidate(f"{where} {text[:200]}", path.absolute(), both, refused=refused)
    elif isinstance(value, Reference):
        yield Candidate(where, bytes_of(value.picture), {**both})
    else:
        yield in_memory(value, where, both)


def _address(text: str) -> str:
    return f"{text[:80]!r} is an address, not a file on this machine. {_GET}"


def _no_picture(row: Mapping[Any, Any], where: str) -> Fault:
    """Return what is wrong with a row that brings no picture: nothing stands in the column, or there is no such one."""
    if empty := [repr(key) for key in PATH_KEYS if key in row]:
        what = f"has no picture: its {' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} empty."
        return Fault(where, what, "Fill it in, or leave the row out.")
    *others, last = map(repr, PATH_KEYS)
    return Fault(where, "names no picture.", f"Give its path or bytes in a column {', '.join(others)} or {last}.")

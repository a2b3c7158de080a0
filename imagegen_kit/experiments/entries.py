"""What is known of pictures from elsewhere: read from a folder and the metadata in it, or from the rows of a table."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.recipe import RESERVED
from imagegen_kit.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic"))
FACTS = ("cost_usd", "price_usd", "seconds", "category", "variant", "error")
NUMBERS = frozenset(("cost_usd", "price_usd", "seconds"))
PICTURE_COLUMNS = ("picture", "path", "file")
MOST_JSON = 64 << 20


@dataclass(slots=True)
class Entry:
    """One picture: where it stands (for messages), what opens it, parameters for the table, and facts of its making."""

    where: str
    source: Any
    params: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def folder_entries(folder: Path) -> list[Entry]:
    """Return the pictures in ``folder`` and below, by name. Raises InvalidInput where there is none.

    The parameter ``file`` is the name below the folder, ``label`` that of the sub-folder. A ``metadata.json`` as
    ``run.save`` writes it, or a ``.json`` beside a picture, tells more.
    """
    if (folder / "journal.sqlite").exists():
        hint = f"Use it: ik.configure(store={str(folder)!r})."
        raise InvalidInput([Fault("open_run", "this folder is a store, not a folder of pictures.", hint)])
    inside = [p.relative_to(folder) for p in sorted(folder.rglob("*"))]
    files = [p for p in inside if p.suffix.lower() in SUFFIXES and not any(n.startswith(".") for n in p.parts)]
    files = [p for p in files if (folder / p).is_file()]
    if not files:
        what = f"there is no picture in {folder}."
        raise InvalidInput([Fault("open_run", what, "Pictures end in .png, .jpg, .jpeg or .webp.")])
    listed = {parent: _listed(folder / parent) for parent in {file.parent for file in files}}
    entries = []
    for file in files:
        beside = _object((folder / file).with_suffix(".json"))
        params, facts = split({**listed[file.parent].get(file.name, {}), **beside})
        label = {} if file.parent == Path() else {"label": file.parent.as_posix()}
        params = {"file": file.as_posix(), **label, **{k: v for k, v in params.items() if k not in ("file", "label")}}
        entries.append(Entry(file.as_posix(), folder / file, params, facts))
    return entries


def table_entries(frame: pd.DataFrame) -> list[Entry]:
    """Return the pictures that the rows of ``frame`` name. Raises InvalidInput for a table without pictures."""
    column = next((name for name in PICTURE_COLUMNS if name in frame.columns), None)
    if column is None or frame.empty:
        what = "the table has no rows." if column else "the table has no column of pictures."
        raise InvalidInput([Fault("open_run", what, f"Call one of its columns {' or '.join(PICTURE_COLUMNS[:2])}.")])
    if twice := sorted({str(name) for name in frame.columns[frame.columns.duplicated()]}):
        raise InvalidInput([Fault(name, f"two columns are called {name!r}.", "Rename one of them.") for name in twice])
    entries, faults = [], []
    for number, values in enumerate(frame.to_dict("records")):
        row = {str(name): _plain(value) for name, value in values.items()}
        source = row.pop(column)
        params, facts = split(row)
        named = row.get("file") or (source if isinstance(source, (str, os.PathLike)) else None)
        if "prompt" not in params and isinstance(named, (str, os.PathLike)):
            params = {"file": Path(named).name, **params}  # all that says what it shows, and no folder of this machine
        if source is None and not facts.get("error"):
            hint = "Give it, or say in a column `error` why there is none."
            faults.append(Fault(f"row {number}", f"its {column} is missing.", hint))
        faults += [
            Fault(
                f"row {number}",
                f"its {name} is {row[name]!r}, not a number of 0 or more.",
                "Leave out what is unknown.",
            )
            for name in sorted(NUMBERS)
            if row.get(name) is not None and not _fits(name, row[name])
        ]
        entries.append(Entry(f"row {number}", source, params, facts))
    if faults:
        raise InvalidInput(faults)
    return entries


def split(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of ``row`` are parameters and what are facts; columns that only a run of ours has are left out."""
    facts = {name: row[name] for name in FACTS if _fits(name, row.get(name))}
    left_out = RESERVED | set(FACTS) | set(PICTURE_COLUMNS)
    return {k: v for k, v in row.items() if v is not None and k not in left_out}, facts


def _fits(name: str, value: Any) -> bool:
    if name not in NUMBERS:
        return isinstance(value, str) and bool(value)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _plain(value: Any) -> Any:
    """Return a table's value as Python's own: NA and NaN are None, dates are text."""
    import pandas as pd

    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _listed(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what a ``metadata.json`` in ``folder`` says of its pictures, by file name."""
    content = _object(folder / "metadata.json")
    rows = content.get("pictures")
    if isinstance(rows, list):
        return {row["file"]: row for row in rows if isinstance(row, dict) and isinstance(row.get("file"), str)}
    return dict(_sketches(content))


def _sketches(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    images, spec, config = (content.get(name) for name in ("images", "prompt_spec", "config"))
    if not isinstance(images, list) or not isinstance(spec, dict) or not isinstance(config, dict):
        return
    prompts = spec.get("prompts")
    for number, name in enumerate(images):
        own = prompts[number] if isinstance(prompts, list) and number < len(prompts) else spec.get("brief")
        known = {"prompt": own, "model": config.get("model_name"), "style": content.get("style_id")}
        yield str(name), {k: v for k, v in known.items() if isinstance(v, str)}


def _object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, empty where there is none that can be read."""
    try:
        if path.stat().st_size > MOST_JSON:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}

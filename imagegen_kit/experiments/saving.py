"""A run as a folder of pictures that people and other programs read, in one of four layouts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.files import writing
from imagegen_kit.experiments.layouts import save_calls, save_scenes
from imagegen_kit.experiments.sketches import save_sketches

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run

LAYOUTS: dict[str, Callable[[Run, Path], Path]]


def save_run(run: Run, folder: str | Path, layout: str) -> Path:
    """Write the pictures of ``run`` below ``folder`` in the layout named; see docs/sharing.md. Return where."""
    if layout not in LAYOUTS:
        raise InvalidInput([unknown_name_fault("layout", layout, LAYOUTS)])
    if not isinstance(folder, (str, Path)) or not str(folder).strip():
        raise InvalidInput([Fault("folder", f"{folder!r} is not a path.", "Name a folder.")])
    folder = Path(folder).expanduser()
    with writing("folder", folder):
        return LAYOUTS[layout](run, folder)


def save_flat(run: Run, folder: Path) -> Path:
    """Write all pictures and one ``metadata.json`` into ``folder``, which must be new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput([Fault("folder", f"{folder} is there already and is not empty.", "Name a new one.")])
    folder.mkdir(parents=True, exist_ok=True)
    table = run.table()
    names: list[str | None] = []
    for number, result in enumerate(run):
        if not result.artifacts:
            names.append(None)
            continue
        words = re.sub(r"[^a-z0-9]+", "-", result.request.prompt.lower()).strip("-")[:40].rstrip("-")
        model = re.sub(r"[^a-z0-9]+", "-", result.request.model.lower())[:80]
        name = f"{number:04d}-{model}-{words}.{result.artifacts[0].format}"
        result.artifacts[0].save(folder / name)  # type: ignore[attr-defined]  # results of pictures hold Pictures
        names.append(name)
    rows = json.loads(table.drop(columns="path").to_json(orient="records", date_format="iso"))
    files = iter(names)
    for row in rows:  # a cell whose recipe failed has a row without a step, and no result
        row["file"] = next(files) if row["step"] is not None else None
    content: dict[str, Any] = {"run_id": run.id, "name": run.name, "created_at": run.created_at, "pictures": rows}
    (folder / "metadata.json").write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


LAYOUTS = {"flat": save_flat, "scenes": save_scenes, "sketches": save_sketches, "calls": save_calls}

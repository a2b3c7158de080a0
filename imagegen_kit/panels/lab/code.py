"""A draft as text to take along: the code cell, and the YAML file that ``imagegen run`` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.panels.lab.draft import Draft

WIDTH = 88


def code(draft: Draft) -> str:
    """Return the cell that makes the same experiment: ``exp = ik.Experiment(…)``. Raises InvalidInput as that would."""
    draft.experiment(name=None)
    arguments = "".join(f"    {name}={_written(value, 1)},\n" for name, value in draft.given().items())
    return f"exp = ik.Experiment(\n{arguments})\n"


def yaml(draft: Draft) -> str:
    """Return the text of the file. Raises InvalidInput for what a file cannot hold."""
    from imagegen_kit.experiments.files import experiment_text

    return experiment_text(draft.experiment(name=None))


def _written(value: Any, depth: int) -> str:
    """Return a value as Python writes it, over several lines where one would be too long."""
    if isinstance(value, dict):
        parts, brackets = [f"{_written(k, depth)}: {_written(v, depth + 1)}" for k, v in value.items()], "{}"
    elif isinstance(value, (list, tuple)):
        parts, brackets = [_written(v, depth + 1) for v in value], "[]"
    elif isinstance(value, Reference):
        return _reference(value)
    else:
        return json.dumps(str(value), ensure_ascii=False) if isinstance(value, str) else repr(value)
    line = brackets[0] + ", ".join(parts) + brackets[1]
    if len(line) + 4 * depth <= WIDTH and "\n" not in line:
        return line
    inside = "".join(f"{'    ' * (depth + 1)}{part},\n" for part in parts)
    return f"{brackets[0]}\n{inside}{'    ' * depth}{brackets[1]}"


def _reference(reference: Reference) -> str:
    about = {name: getattr(reference, name) for name in ("role", "name", "description")}
    if about["role"] == "content":
        del about["role"]
    named = "".join(f", {name}={_written(value, 0)}" for name, value in about.items() if value is not None)
    return f"ik.Reference({_written(near(reference.picture.path or ''), 0)}{named})"


def near(path: str) -> str:
    """Return ``path`` from here where it lies below this folder, so that it is still right when the folder moves."""
    try:
        return Path(path).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path

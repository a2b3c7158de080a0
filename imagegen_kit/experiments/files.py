"""Experiments as YAML files."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from imagegen_kit.catalog import load_yaml, validate
from imagegen_kit.engine.execute import read_policy
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.shelves import library_to_plain, placed_libraries, query_from_plain
from imagegen_kit.retrieval.library.query import LibraryQuery
from imagegen_kit.retrieval.place import LibraryPlace, is_library
from imagegen_kit.store.values import style_to_plain
from imagegen_kit.types import Artifact, Prompt, Reference, Size, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.experiments.experiment import Experiment


def _schema() -> Any:
    from pydantic import BaseModel, ConfigDict, Field

    class PolicyFile(BaseModel):
        model_config = ConfigDict(extra="forbid")
        attempts: int = 3
        timeout_s: float | None = None
        concurrency: int | None = None
        fallback: str | list[str] | None = None
        placeholder: bool | str = False
        cache: bool = True
        assume_usd: float | dict[str, float] | None = None
        checks: list[str] | dict[str, Any] | None = None
        clock: str | None = None

    class ExperimentFile(BaseModel):
        model_config = ConfigDict(extra="forbid")
        name: str | None = None
        recipe: str = "image"
        vary: dict[str, list[Any] | dict[str, str]] | list[dict[str, Any]]
        fixed: dict[str, Any] = {}
        repeats: int = 1
        budget_usd: Annotated[float, Field(strict=True)] | None = None
        policy: PolicyFile | None = None
        check: dict[str, Any] | None = None  # read by requirements.py; nothing of it changes what is made

    return ExperimentFile


def read_experiment(path: str | Path) -> dict[str, Any]:
    """Return the arguments of ``Experiment`` from a YAML file.

    An axis is a list, or ``{suite: first}`` (prompts of a suite) or ``{matrix: "a {red|blue} car"}``. Raises
    InvalidInput with every fault and its line.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InvalidInput([Fault("experiment", f"there is no file {path.name!r} in {path.parent}.")])
    content = validate(load_yaml(path), _schema())
    vary: Any = content.vary
    faults: list[Fault] = []
    if isinstance(vary, dict):
        vary = {name: _axis(name, values, path.parent, faults) for name, values in vary.items()}
    vary, fixed = _marked(vary, faults), _marked(content.fixed, faults)
    for values in (fixed, *([vary] if isinstance(vary, dict) else vary)):
        placed_libraries(values, path.parent)
    if faults:
        raise InvalidInput(faults)
    policy = content.policy.model_dump(exclude_unset=True) if content.policy is not None else None
    return {
        "recipe": content.recipe, "vary": vary, "fixed": fixed, "repeats": content.repeats,
        "name": content.name, "budget_usd": content.budget_usd,
        "policy": None if policy is None else read_policy(policy),
    }  # fmt: skip


def _marked(value: Any, faults: list[Fault]) -> Any:
    """Read prompts, styles and references, which stand in files as mappings: ``{$prompt: text, category: …}``."""
    if isinstance(value, list):
        return [_marked(v, faults) for v in value]
    if not isinstance(value, dict):
        return value
    kinds: dict[str, Any] = {"$prompt": Prompt, "$style": Style, "$reference": Reference, "$query": query_from_plain}
    mark = next((m for m in kinds if m in value), None)
    if mark is None:
        return {k: _marked(v, faults) for k, v in value.items()}
    try:
        return kinds[mark](value[mark], **{k: v for k, v in value.items() if k != mark})
    except InvalidInput as error:
        faults += error.faults
    except TypeError:
        faults.append(Fault(mark, f"{value!r} cannot be read.", "Compare it with a file that to_yaml wrote."))
    return None


def _axis(name: str, values: Any, folder: Path, faults: list[Fault]) -> Any:
    from imagegen_kit.prompts.matrix import prompt_matrix
    from imagegen_kit.prompts.suites import prompt_suite

    if isinstance(values, list):
        return values
    try:
        if set(values) == {"suite"}:
            suite = values["suite"]
            return prompt_suite(folder / suite if (folder / suite).is_file() else suite)
        if set(values) == {"matrix"}:
            return prompt_matrix(values["matrix"])
    except InvalidInput as error:
        faults += error.faults
        return ["?"]
    faults.append(Fault(f"vary.{name}", f"{values!r} is no axis.", "Write a list, {suite: name} or {matrix: text}."))
    return ["?"]


def write_experiment(experiment: Experiment, path: str | Path) -> Path:
    """Write ``experiment`` to a YAML file. Raises InvalidInput for values that a text file cannot hold."""
    path, text = Path(path).expanduser(), experiment_text(experiment)
    with writing("path", path):
        path.write_text(text, encoding="utf-8")
    return path


def experiment_text(experiment: Experiment) -> str:
    """Return the YAML that ``read_experiment`` reads. Raises InvalidInput for values that a text file cannot hold."""
    import yaml

    grid, faults = experiment.grid, []
    recipe = experiment.recipe.name
    if recipe.startswith("__main__:"):
        faults.append(Fault("recipe", f"{recipe} lives in a notebook.", "Put it into a module that can be imported."))
    content: dict[str, Any] = {"name": experiment.name, "recipe": recipe.removeprefix("imagegen_kit.recipes.picture:")}
    if grid.points is not None:
        content["vary"] = [{k: _plain(k, v, faults) for k, v in p.items()} for p in grid.points]
    else:
        content["vary"] = {k: [_plain(k, v, faults) for v in values] for k, values in grid.axes.items()}
    content["fixed"] = {k: _plain(k, v, faults) for k, v in grid.fixed.items()}
    policy = experiment.policy.to_plain()
    if not policy and experiment.policy != experiment.recipe.policy:  # without any the recipe's own would be in force
        policy = {"attempts": experiment.policy.attempts}
    content |= {"repeats": grid.repeats, "budget_usd": experiment.budget_usd, "policy": policy}
    if faults:
        raise InvalidInput(faults)
    kept = {k: v for k, v in content.items() if v not in (None, {}, [])}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)


@contextmanager
def writing(where: str, path: Path) -> Iterator[None]:
    """Say which path cannot be written instead of raising an OSError."""
    if "\0" in str(path):
        raise InvalidInput([Fault(where, f"{str(path)[:300]!r} is not a path.")])
    try:
        yield
    except OSError as error:
        what = f"{str(path)[:300]} cannot be written: {error.strerror or error}."
        raise InvalidInput([Fault(where, what, "Name a place that exists, has room and may be written to.")]) from error


def _plain(name: str, value: Any, faults: list[Fault]) -> Any:
    if isinstance(value, Prompt):
        known = {"id": value.id, "category": value.category, "tags": list(value.tags)}
        known = {k: v for k, v in known.items() if v}
        return {"$prompt": str(value), **known} if known else str(value)
    if isinstance(value, str):
        return str(value)
    if value is None or type(value) in (int, float, bool):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(name, v, faults) for v in value]
    if isinstance(value, dict):
        return {k: _plain(name, v, faults) for k, v in value.items()}
    if isinstance(value, Style):
        return style_to_plain(value)
    if isinstance(value, (Size, Path)):
        return str(value)
    if isinstance(value, (LibraryPlace, LibraryQuery)) or is_library(value):
        return library_to_plain(value, lambda part: _plain(name, part, faults))
    if hasattr(value, "as_parameter"):  # a Scene, a Persona: what says itself how it is written down
        return _plain(name, value.as_parameter(), faults)
    if hasattr(value, "columns") and hasattr(value, "to_dict"):  # a DataFrame, as the rows that it holds
        return _plain(name, value.astype(object).where(value.notna(), None).to_dict("records"), faults)
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a numpy number, as DataFrames hold them
        return value.item()
    picture = value.picture if isinstance(value, Reference) else value
    if isinstance(picture, Artifact) and picture.path:
        if isinstance(value, Reference):
            known = {k: v for k, v in value.to_plain().items() if k in ("role", "name", "description")}
            return {"$reference": picture.path, **known}
        return picture.path
    faults.append(Fault(name, f"a {type(value).__name__} cannot stand in a text file.", "Save it and give its path."))
    return None

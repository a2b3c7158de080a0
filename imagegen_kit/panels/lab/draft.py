"""What the prompt lab's form holds, as plain values: from there to an experiment, and from a stored run back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.references import read_references
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.experiment import Experiment
from imagegen_kit.experiments.shelves import library_to_plain
from imagegen_kit.retrieval.place import place_of
from imagegen_kit.store.values import as_cell_value, decode
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.store import Blobs

NAME = "prompt-lab"  # the name of all runs that are made here
RECIPE = "imagegen_kit.recipes.picture:image"
MODEL = "offline/collage"  # chosen where nothing is said: free, whatever else is configured
TOP_K = 3

# The field of the form at which a fault is told, by how its place begins.
PLACES = {
    "prompt": "prompt", "negative": "negative_prompt", "style": "styles", "model": "models", "size": "size",
    "aspect_ratio": "aspect_ratio", "seed": "seed", "sample": "sample", "repeats": "repeats", "reference": "references",
    "library": "library", "top_k": "top_k", "query_by": "library", "retriever": "library", "budget_usd": "budget_usd",
}  # fmt: skip
_TYPED = ("prompt", "negative_prompt")


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of the form. Each line of ``prompt`` is a prompt; a style of None leaves it as it is.

    ``size``, ``aspect_ratio``, ``seed`` and ``budget_usd`` (USD) are None where nothing is asked, and the text as it
    was typed where it cannot be read: the experiment says what is wrong with it. ``library`` is a path, "shipped" or
    ``{"path": …, "embedder": …}``.
    """

    prompt: str = ""
    negative_prompt: str = ""
    styles: tuple[str | None, ...] = (None,)
    models: tuple[str, ...] = (MODEL,)
    size: str | None = None
    aspect_ratio: str | None = None
    seed: int | str | None = None
    sample: int | str = 0
    repeats: int | str = 1
    references: tuple[Reference, ...] = ()
    library: Any = None
    top_k: int | str = TOP_K
    budget_usd: float | str | None = None

    @property
    def prompts(self) -> list[str]:
        """The prompts, one a line; empty lines and repetitions are left out."""
        return list(dict.fromkeys(line.strip() for line in self.prompt.splitlines() if line.strip()))

    def given(self) -> dict[str, Any]:
        """Return the arguments of ``Experiment``, without its name; only what is set."""
        vary: dict[str, Any] = {"prompt": self.prompts, "model": list(self.models)}
        if self.styles != (None,):
            vary["style"] = list(self.styles)
        asked = {
            "negative_prompt": self.negative_prompt.strip() or None,
            "size": self.size,
            "aspect_ratio": self.aspect_ratio,
            "seed": self.seed,
            "sample": self.sample or None,
            "references": list(self.references) or None,
            "library": self.library,
            "top_k": self.top_k if self.library is not None else None,
        }
        fixed = {name: value for name, value in asked.items() if value is not None}
        given: dict[str, Any] = {"vary": vary, **({"fixed": fixed} if fixed else {})}
        if self.repeats != 1:
            given["repeats"] = self.repeats
        if self.budget_usd is not None:
            given["budget_usd"] = self.budget_usd
        return given

    def experiment(self, name: str | None = NAME) -> Experiment:
        """Return the experiment as it stands. Raises InvalidInput with everything wrong."""
        if broken := self.broken():
            whole = {name: getattr(self, name).encode("utf-8", "replace").decode() for name in _TYPED if name in broken}
            raise InvalidInput([*broken.values(), *replace(self, **whole)._faults()])
        if not self.prompts:  # the grid would only say that an axis is empty
            raise InvalidInput([Fault("prompt", "it is empty.", "Say what the picture should show."), *self._others()])
        return Experiment(name=name, **self.given())

    def broken(self) -> dict[str, Fault]:
        """Return a fault for each text with half of a character in it, which can neither be sent nor kept."""
        found = {}
        for name in _TYPED:
            try:
                str(getattr(self, name)).encode()
            except UnicodeEncodeError as error:
                what = f"character {error.start + 1} is half of a character."
                found[name] = Fault(name, what, "Type the text again.")
        return found

    def _others(self) -> list[Fault]:
        return replace(self, prompt="anything")._faults()

    def _faults(self) -> list[Fault]:
        try:
            self.experiment()
        except InvalidInput as error:
            return list(error.faults)
        return []

    def with_(self, **changes: Any) -> Draft:
        """Return a changed copy; values are read like those of ``prompt_lab``. Raises InvalidInput."""
        names = [f.name for f in fields(self)]
        if unknown := [unknown_name_fault("field", name, names) for name in changes if name not in names]:
            raise InvalidInput(unknown)
        return replace(self, **{name: _READ.get(name, _as_it_is)(value) for name, value in changes.items()})


def field_of(fault: Fault) -> str | None:
    """Return the field at which ``fault`` is to be told, None where it belongs to none."""
    where = re.sub(r"^(vary|fixed)\[['\"](\w+)['\"]\]", r"\2", fault.where)
    return next((field for begin, field in PLACES.items() if where.startswith(begin)), None)


def number(text: Any) -> Any:
    """Return what was typed as a number, None where nothing was, and else the text itself."""
    if not isinstance(text, str):
        return text
    typed = text.strip().removeprefix("$").strip()
    for kind in (int, float):
        try:
            return kind(typed)
        except ValueError:
            continue
    return text.strip() or None


def draft_of_run(spec: Mapping[str, Any], blobs: Blobs) -> Draft | None:
    """Return the fields that made a stored run, None for a run whose grid the form cannot hold."""
    vary, fixed = spec.get("vary"), spec.get("fixed") or {}
    if spec.get("recipe") != RECIPE or not isinstance(vary, Mapping) or "prompt" not in vary:
        return None
    plural = {"prompt": "prompt", "model": "models", "style": "styles"}
    names = {f.name for f in fields(Draft)} - set(plural.values())
    if not set(vary) <= set(plural) or not set(fixed) <= names:
        return None
    found: dict[str, Any] = {plural[name]: tuple(map(as_cell_value, values)) for name, values in vary.items()}
    found |= decode(dict(fixed), blobs) | {"repeats": spec.get("repeats", 1), "budget_usd": spec.get("budget_usd")}
    return Draft().with_(**found)


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _prompt(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")


def _library(value: Any) -> Any:
    """Return a library as a file would hold it; a path that leads nowhere stays as it is, and is told."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return value if isinstance(value, str) else library_to_plain(place_of(value, look=False), _as_it_is)


def _size(value: Any) -> str | None:
    if isinstance(value, (tuple, list)):
        return "x".join(map(str, value))
    return str(value).strip() or None if value is not None else None


def _references(value: Any) -> tuple[Reference, ...]:
    if value is None or (isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and not value):
        return ()
    return read_references(value)


def _as_it_is(value: Any) -> Any:
    return value


_READ = {
    "prompt": _prompt, "negative_prompt": lambda value: value or "", "styles": _several, "models": _several,
    "size": _size, "aspect_ratio": lambda value: value or None, "seed": number, "sample": lambda v: number(v) or 0,
    "repeats": lambda v: 1 if number(v) is None else number(v), "references": _references, "library": _library,
    "top_k": lambda v: TOP_K if number(v) is None else number(v), "budget_usd": number,
}  # fmt: skip

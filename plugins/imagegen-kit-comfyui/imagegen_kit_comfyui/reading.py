"""One workflow from its files: the JSON that ComfyUI exports, and the YAML that maps a request to it.

Everything that is wrong is a fault with file, line and field.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from imagegen_kit.catalog import Document, load_yaml, validate
from imagegen_kit.catalog.files import read_text
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit_comfyui.checking import graph_faults, place_faults
from imagegen_kit_comfyui.guessing import guess_places
from imagegen_kit_comfyui.workflow import Place, Places, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 5_000_000


def _place(value: object) -> object:
    Place.parse(str(value))
    return value


At = Annotated[str, BeforeValidator(_place)]
NodeId = Annotated[str | int, Field(union_mode="left_to_right")]  # 9 is as good as "9"
Side = Annotated[int, Field(ge=8, le=16384)]
Seconds = Annotated[float, Field(gt=0)]


class OptionEntry(BaseModel):
    """An input that users may set by name."""

    model_config = ConfigDict(extra="forbid", strict=True)
    at: At
    about: str = Field(min_length=1)


class MappingFile(BaseModel):
    """What may stand in ``name.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)
    prompt: At
    output: NodeId
    card: str = ""
    negative_prompt: At | None = None
    seed: At | None = None
    width: At | None = None
    height: At | None = None
    references: tuple[At, ...] = ()
    mask: At | None = None
    options: dict[str, OptionEntry] = {}
    default_side: Side | None = None
    max_side: Side | None = None
    timeout_s: Seconds = 600.0
    typical_seconds: Seconds | None = None


def read_workflow(name: str, path: Path, mapping: Path | None) -> Workflow:
    """Return the workflow in ``path``, mapped by ``mapping`` or, where that is None, guessed from its standard nodes.

    Raises InvalidInput with everything that is wrong.
    """
    document = read_json(path)
    graph = document.data
    if faults := graph_faults(document):
        raise InvalidInput(faults)
    if mapping is None:
        return Workflow(name=name, graph=graph, places=guess_places(document))
    described = load_yaml(mapping, where=mapping.name)
    entry = validate(described, MappingFile)
    places = _places(entry)
    if faults := list(_mapping_faults(described, places, graph)):
        raise InvalidInput(faults)
    return Workflow(
        name=name,
        graph=graph,
        places=places,
        card=entry.card,
        default_side=entry.default_side,
        max_side=entry.max_side,
        timeout_s=entry.timeout_s,
        typical_seconds=entry.typical_seconds,
    )


def read_json(path: Path) -> Document:
    """Return a JSON file with the line of every key, as far as they can be told."""
    text = read_text(path, where=path.name, max_bytes=MAX_BYTES)
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise InvalidInput([Fault(f"{path.name}:{line}", f"is not JSON: {getattr(error, 'msg', error)}.")]) from error
    try:
        lines = load_yaml(text, where=path.name).lines  # JSON is YAML, but for tabs and a few rare characters
    except InvalidInput:
        lines = {}
    return Document(data, path.name, lines)


def _places(entry: MappingFile) -> Places:
    def at(text: str | None) -> Place | None:
        return Place.parse(text) if text is not None else None

    return Places(
        prompt=Place.parse(entry.prompt),
        output=str(entry.output),
        negative_prompt=at(entry.negative_prompt),
        seed=at(entry.seed),
        width=at(entry.width),
        height=at(entry.height),
        references=tuple(map(Place.parse, entry.references)),
        mask=at(entry.mask),
        options={name: (Place.parse(option.at), option.about) for name, option in entry.options.items()},
    )


def _mapping_faults(document: Document, places: Places, graph: dict[str, Any]) -> Iterator[Fault]:
    if (places.width is None) != (places.height is None):
        missing = "width" if places.width is None else "height"
        yield document.fault((missing,), "is missing.", "A size needs a place for both, width and height.")
    if places.output not in graph:
        hint = f"Nodes: {', '.join(graph)}."
        yield document.fault(("output",), f"there is no node {places.output!r}.", hint)
    seen: dict[Place, str] = {}
    for path, place in _named(places):
        field = ".".join(map(str, path))
        if place in seen:
            yield document.fault(path, f"{place} is already taken by {seen[place]}.")
        seen.setdefault(place, field)
        for what, hint in place_faults(graph, place, "mask" if path == ("mask",) else field):
            yield document.fault(path, what, hint)


def _named(places: Places) -> Iterator[tuple[tuple[str | int, ...], Place]]:
    for name in ("prompt", "negative_prompt", "seed", "width", "height", "mask"):
        place = getattr(places, name)
        if place is not None:
            yield (name,), place
    for number, place in enumerate(places.references):
        yield ("references", number), place
    for name, (place, _) in places.options.items():
        yield ("options", name, "at"), place

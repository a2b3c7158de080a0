"""References as configurations of other systems write them, in three spellings, in YAML files or as mappings.

``{characters: [{path, name, description}], settings: […]}``, a flat list ``[{path, id, description}]``, and
``{characters: {id: {image, description, variations: […]}}, settings: {id: path}}``; by themselves, under
``reference_images`` or ``reference_library``, or in a whole configuration under ``keyframe_settings``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagegen_kit.catalog.yaml import Document, load_yaml
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.imaging.decode import DEFAULT, open_sound
from imagegen_kit.imaging.files import read_picture_file
from imagegen_kit.retrieval.library.about import read_about
from imagegen_kit.retrieval.library.local import local
from imagegen_kit.retrieval.library.variations import variation_about, variation_name

ROLES_OF_GROUPS = {"characters": "character", "settings": "setting", "objects": "content", "styles": "style"}
_UNDER = ("reference_images", "reference_library")
_PATH_KEYS = ("path", "image", "picture")
_At = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a configuration: where it stands there, its path (absolute) and what is said of it."""

    where: str
    path: Path
    about: Mapping[str, Any] = field(default_factory=dict)


def is_configuration(source: Any) -> bool:
    """Whether a mapping is a configuration, and not a row that describes one picture."""
    return isinstance(source, Mapping) and bool({*ROLES_OF_GROUPS, *_UNDER, "keyframe_settings"} & set(source))


def read_configured(
    source: Path | Mapping[str, Any] | list[Any] | Document, faults: list[Fault], base: Path | None = None
) -> list[Entry]:
    """Return all pictures of a configuration, main pictures before their variations.

    Fields, paths, formats and sizes are checked here; each fault is added with its place, in YAML with file and line.
    Relative paths start at ``base``: None is the YAML file's folder, for mappings the working directory.
    """
    if isinstance(source, Document):
        return _Reader(source.at, base or Path.cwd(), faults).read(source.data)
    if isinstance(source, Path):
        try:
            document = load_yaml(source)
        except InvalidInput as error:
            faults += error.faults
            return []
        return _Reader(document.at, base or source.parent, faults).read(document.data)

    def at(*path: str | int) -> str:
        return ".".join(map(str, path)) or "references"

    return _Reader(at, base or Path.cwd(), faults).read(source)


class _Reader:
    def __init__(self, at: _At, base: Path, faults: list[Fault]) -> None:
        self.at, self.base, self.faults = at, base, faults

    def read(self, content: Any) -> list[Entry]:
        path: tuple[str, ...] = ()
        if isinstance(content, Mapping) and "keyframe_settings" in content:
            content, path = content["keyframe_settings"], ("keyframe_settings",)
        if isinstance(content, Mapping) and (under := [key for key in _UNDER if content.get(key) is not None]):
            if len(under) > 1:
                self.refuse((*path, under[1]), f"stands beside {under[0]}.", "Keep one of the two.")
            content, path = content[under[0]], (*path, under[0])
        elif path:
            self.refuse(path, "names no references.", "Write reference_images or reference_library under it.")
            return []
        if isinstance(content, list):
            return [one for at, entry in enumerate(content) for one in self.entry(entry, "content", (*path, at), None)]
        if not isinstance(content, Mapping) or not content:
            self.refuse(path, "is no list or mapping of references.", "Write characters: and settings: with pictures.")
            return []
        return [one for group, entries in content.items() for one in self.group(str(group), entries, path)]

    def group(self, group: str, entries: Any, path: tuple[Any, ...]) -> Iterator[Entry]:
        place = (*path, group)
        if group not in ROLES_OF_GROUPS:
            self.faults.append(unknown_name_fault("group of references", group, ROLES_OF_GROUPS, where=self.at(*place)))
            return
        role = ROLES_OF_GROUPS[group]
        if isinstance(entries, list):
            for position, entry in enumerate(entries):
                yield from self.entry(entry, role, (*place, position), None)
        elif isinstance(entries, Mapping):
            for id, entry in entries.items():
                yield from self.entry(entry, role, (*place, id), str(id))
        elif entries is not None:
            self.refuse(place, "is no list or mapping of pictures.")

    def entry(self, entry: Any, role: str, place: tuple[Any, ...], id: str | None) -> Iterator[Entry]:
        fields = {"path": entry} if isinstance(entry, str) else entry
        if not isinstance(fields, Mapping):
            self.refuse(place, "is neither a path nor a mapping with one.", "Write {path: ann.png, description: …}.")
            return
        keys = [key for key in _PATH_KEYS if fields.get(key) is not None]
        told = {k: v for k, v in fields.items() if k not in (*_PATH_KEYS, "variations")}
        about = {"role": role, **read_about(told, self.at(*place), self.faults)}
        if len(keys) != 1:
            what = "names no picture." if not keys else f"names several pictures: {', '.join(keys)}."
            self.refuse(place, what, "Give one path, as 'path' or 'image'.")
            return
        picture = self.picture(fields[keys[0]], (*place, keys[0]) if isinstance(entry, Mapping) else place)
        name = id or about.get("id") or about.get("name") or (picture.stem if picture else "?")
        about = {**about, "id": name, "name": about.get("name") or name}
        more = list(self.variations(fields.get("variations"), about, (*place, "variations")))
        if more:
            about["variations"] = tuple(one.about["id"] for one in more)
        if picture is not None:
            yield Entry(self.at(*place), picture, about)
        yield from more

    def variations(self, value: Any, main: Mapping[str, Any], place: tuple[Any, ...]) -> Iterator[Entry]:
        if value is None:
            return
        pairs: list[tuple[Any, Any, Any]] = []
        if isinstance(value, Mapping):
            pairs = [(name, name, entry) for name, entry in value.items()]
        elif isinstance(value, list):
            pairs = [(position, None, entry) for position, entry in enumerate(value)]
        else:
            self.refuse(place, "is no list of pictures.")
        for key, given, entry in pairs:
            fields = {"path": entry} if isinstance(entry, str) else entry
            path = next((fields[k] for k in _PATH_KEYS if fields.get(k)), None) if isinstance(fields, Mapping) else None
            if not isinstance(fields, Mapping) or path is None:
                self.refuse((*place, key), "names no picture.", "Give a path, or {path: …, name: …}.")
                continue
            told = {k: v for k, v in fields.items() if k not in (*_PATH_KEYS, "name", "id")}
            own = read_about(told, self.at(*place, key), self.faults)
            picture = self.picture(path, (*place, key))
            name = given or fields.get("name") or fields.get("id") or (picture.stem if picture else "?")
            about = {**variation_about(main, variation_name(main["id"], str(name))), **own}
            if picture is not None:
                yield Entry(self.at(*place, key), picture, about)

    def picture(self, value: Any, place: tuple[Any, ...]) -> Path | None:
        """Return the absolute path of a picture that was opened and found sound; else add why not, and return None."""
        where = self.at(*place)
        if not isinstance(value, str):
            self.faults.append(Fault(where, f"{str(value)[:80]!r} is no path."))
            return None
        try:
            value = local(value)
            start = value if value.startswith(("~", "/")) or "://" in value or not value.strip() else self.base / value
            path, data = read_picture_file(start, where=where, max_bytes=DEFAULT.max_bytes)
            open_sound(data, where=where)
        except InvalidInput as error:
            self.faults += error.faults
            return None
        return path

    def refuse(self, place: tuple[Any, ...], what: str, hint: str = "") -> None:
        self.faults.append(Fault(self.at(*place), what, hint))

"""Libraries as parameters: where one lies and which embedder reads it, and those that this process has opened."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.settings import settings

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library import Library

SHIPPED = "shipped"  # the library in the wheel
EMBEDDER = "offline"  # which reads a library where nothing else is said
_FILES = ("library.sqlite3", "library.jsonl")  # one of which makes a folder a library


@dataclass(frozen=True, slots=True)
class LibraryPlace:
    """A library as the journal knows it. ``path`` is absolute, or "shipped"; ``state`` what it held (None: unknown)."""

    path: str
    embedder: str = EMBEDDER
    state: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The folder's name, as tables show it."""
        return Path(self.path).name

    def to_plain(self) -> dict[str, Any]:
        """Return a JSON-ready dict; ``state`` only where it is known."""
        plain: dict[str, Any] = {"$library": self.path, "embedder": self.embedder}
        return plain if self.state is None else {**plain, "state": self.state}


def is_library(value: object) -> bool:
    """Whether ``value`` is an opened library, or something with the same public side."""
    return all(hasattr(type(value), name) for name in ("search", "items", "numbers", "state"))


def is_hits(value: object) -> bool:
    """Whether ``value`` is what a search found: a sequence of references, which stands for a list of them."""
    return isinstance(value, Sequence) and all(hasattr(type(value), name) for name in ("references", "explain"))


def place_of(value: Any, *, look: bool = True) -> LibraryPlace:
    """Return where a library lies: a ``Library``, a path, "shipped", ``{path:, embedder:}`` or a place itself.

    Nothing is opened. Raises InvalidInput for anything else and, with ``look``, for a folder without a library; a place
    that the journal told is never looked at, because what was found there may be all that is needed.
    """
    place = _named(value)
    key = (place.path, place.embedder)
    if is_library(value):
        with _lock:
            if _opened.get(key, (None,))[0] is not value:
                _opened[key] = (value, threading.Lock())
    elif look and not isinstance(value, LibraryPlace) and place.path != SHIPPED and key not in _opened:
        folder = Path(place.path)
        if folder.is_file() and folder.suffix.lower() in (".yaml", ".yml"):
            return place
        if not any((folder / name).is_file() for name in _FILES):
            raise InvalidInput([_nothing_there(folder)])
    return place


def _nothing_there(path: Path) -> Fault:
    """Return the fault of a path without a library, with those that lie beside it."""
    beside = [p.name for p in sorted(path.parent.glob("*")) if any((p / name).is_file() for name in _FILES)]
    listed = ", ".join(map(repr, beside[:8])) + (", …" if len(beside) > 8 else "")
    known = f"Libraries beside it: {listed}. " if beside else ""
    if path.suffix.lower() in (".yaml", ".yml"):
        return Fault("library", f"there is no file {path}.", f"{known}{SHIPPED!r} comes with the kit.")
    what = f"there is no library in {path}." if path.is_dir() else f"there is no folder {path}."
    return Fault("library", what, f"{known}Make one: ik.Library.open({str(path)!r}).add(…).")


def _named(value: Any) -> LibraryPlace:
    if isinstance(value, LibraryPlace):
        return value
    if is_library(value):
        return LibraryPlace(_path_of(value), str(value.embedder.name))
    if isinstance(value, Mapping):
        if not set(value) <= {"path", "embedder"} or "path" not in value:
            hint = "Write {path: refs, embedder: clip}."
            raise InvalidInput([Fault("library", f"{dict(value)!r} names no library.", hint)])
        embedder = value.get("embedder", EMBEDDER)
        if not isinstance(embedder, str):
            raise InvalidInput([Fault("library", f"{embedder!r} is not an embedder's name.")])
        return replace(_named(value["path"]), embedder=embedder)
    if isinstance(value, (str, Path)) and str(value).strip() and "\0" not in str(value):
        return LibraryPlace(SHIPPED if value == SHIPPED else str(Path(value).expanduser().absolute()))
    what = f"{value!r:.80} is no library."
    raise InvalidInput([Fault("library", what, 'Give ik.Library.open("refs"), its path, or "shipped".')])


def _path_of(library: Any) -> str:
    return str(getattr(library, "source", library.path))  # a retriever's tests bring smaller libraries of their own


_lock = threading.RLock()
_opened: dict[tuple[str, str], tuple[Any, threading.Lock]] = {}


def opened(place: LibraryPlace) -> tuple[Library, threading.Lock]:
    """Return the library at ``place``, opened once in this process, and the lock under which it is asked.

    Raises what ``Library.open`` raises: another embedder than the one that built it is refused by name.
    """
    key = (place.path, place.embedder)
    with _lock:
        if key not in _opened:
            from imagegen_kit.retrieval.library import Library

            _opened[key] = (Library.open(place.path, embedder=place.embedder), threading.Lock())
        return _opened[key]


def state_of(place: LibraryPlace) -> LibraryPlace:
    """Return ``place`` with what the library holds now. Raises what ``Library.open`` raises."""
    library, lock = opened(place)
    with lock:
        return replace(place, state=library.state)


def recorded(value: Any) -> LibraryPlace:
    """Return a library as the journal shall hold it: where it lies and what it holds now.

    A place that the journal told stays as it is; while a replay is on a library need not be there. Raises what
    ``Library.open`` raises.
    """
    if isinstance(value, LibraryPlace) and value.state is not None:
        return value
    place = place_of(value, look=False)
    return place if settings().replay and not is_library(value) else state_of(place)


def close_libraries() -> None:
    """Forget the libraries that were opened here by their path; those that a user opened stay open."""
    with _lock:
        _opened.clear()

"""Where a library lies: in its folder, or, where that cannot or must not be written, in the cache of this machine."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.files import find_data
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.library.schema import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED = "shipped"
EXCHANGE = "library.jsonl"
MANIFEST = "manifest.json"
PICTURES = "pictures"
LOTS = "lots"  # what other processes have embedded, until it is merged
OURS = frozenset((FILE, f"{FILE}-wal", f"{FILE}-shm", MANIFEST, "write.lock", "vectors", "index", LOTS))


@dataclass(frozen=True, slots=True)
class Place:
    """Where things lie. ``folder``: what relative paths of pictures start from. ``home``: where the database lies.

    ``changeable``: whether people may add and remove. ``first``: what fills it when it is opened for the first time, a
    folder with ``library.jsonl`` or references as YAML file or mapping; None: nothing. ``cached``: what lies at home
    was derived from ``first`` and may be thrown away.
    """

    folder: Path
    home: Path
    changeable: bool = True
    cached: bool = False
    first: Any = None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / FILE


def find_place(path: str | os.PathLike[str] | Mapping[str, Any] | list[Any]) -> Place:
    """Return the place of the library at ``path``: a folder (which need not exist), "shipped", or references as YAML.

    Raises InvalidInput for what is none of them.
    """
    if isinstance(path, (dict, list)):
        place = _cached(Path.cwd(), path, json.dumps(path, sort_keys=True, default=str))
        return replace(place, folder=place.home)  # so that paths are absolute: it belongs to no folder
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path) or "\0" in str(path):
        what = f"{str(path)[:80]!r} is no path of a folder."
        raise InvalidInput([Fault("path", what, "Give a folder, a YAML file of references, or 'shipped'.")])
    if path == SHIPPED:
        folder = find_data("references").resolve()
        return _cached(folder, folder, _listing(folder))
    folder = Path(os.fspath(path)).expanduser().absolute()
    try:
        if folder.is_file():
            if folder.suffix.lower() in (".yaml", ".yml"):
                return _cached(folder.parent, folder, folder.read_text(encoding="utf-8", errors="replace"))
            hint = "A library is a folder: give the one that holds it, or a YAML file of references."
            raise InvalidInput([Fault("path", f"{folder} is a file.", hint)])
        if folder.exists() and not folder.is_dir():
            raise InvalidInput([Fault("path", f"{folder} is no folder.")])
        there = (folder / FILE).exists()
        exchange = folder / EXCHANGE if (folder / EXCHANGE).is_file() else None
    except OSError as error:
        raise InvalidInput([Fault("path", f"{str(folder)[:200]} cannot be opened: {error.strerror}.")]) from error
    if not folder.is_dir() or os.access(folder, os.W_OK):
        return Place(folder, folder, first=folder if exchange else None)
    if there:
        return Place(folder, folder, changeable=False)
    return _cached(folder, folder if exchange else None, _listing(folder))


def _cached(folder: Path, first: Any, content: str) -> Place:
    """Return a place whose database lies in the cache, in a folder named by where it lies and what it holds."""
    name = hashlib.sha256(f"{folder}\n{content}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.name)[:40] or "library"
    home = cache_folder() / "libraries" / f"{slug}-{name}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        writable = os.access(home, os.W_OK)
    except OSError:
        writable = False
    if not writable:  # it is kept for this session
        home = Path(tempfile.mkdtemp(prefix="imagegen-library-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
    return Place(folder, home, changeable=False, cached=True, first=first)


def cache_folder() -> Path:
    """Return the folder for files that can be made again: ``imagegen_kit`` in the platform's cache of this user."""
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        root = "~/Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(root)).absolute() / "imagegen_kit"


def _listing(folder: Path) -> str:
    """Return what tells one content of a folder from another without reading its pictures."""
    try:
        exchange = hashlib.sha256((folder / EXCHANGE).read_bytes()).hexdigest()
    except OSError:
        exchange = ""
    try:
        with os.scandir(folder / PICTURES) as entries:
            files = sorted((entry.name, entry.stat().st_size) for entry in entries)
    except OSError:
        files = []
    return json.dumps([exchange, files])

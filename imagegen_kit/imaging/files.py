"""Picture files: read with words a person understands when it fails, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import CorruptArtifact, Fault, InvalidInput, StoreError
from imagegen_kit.lazy import upward

if TYPE_CHECKING:
    from imagegen_kit.types import Artifact

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,118}[A-Za-z0-9_-])?")
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")  # device names of Windows, with any suffix


def name_fault(where: str, value: object) -> Fault | None:
    """Return what is wrong with a name that shall stand in a file's path, or None."""
    if isinstance(value, str) and _NAME.fullmatch(value) and not _RESERVED.fullmatch(value):
        return None
    hint = "Use letters, digits, '.', '_' and '-', at most 120, and no device's name."
    return Fault(where, f"{str(value)[:80]!r} cannot be a file's name.", hint)


def read_picture_file(path: str | Path, *, where: str, max_bytes: int) -> tuple[Path, bytes]:
    """Return the absolute path and the bytes of the file at ``path``; raises InvalidInput where there is none."""
    text = os.fspath(path)
    if text.startswith(("http://", "https://", "s3://", "gs://", "data:")):
        what = f"{text[:80]!r} is an address, not a file on this machine."
        raise _refused(where, what, "Download it first and give the file.")
    if not text.strip() or "\0" in text:
        raise _refused(where, f"{text[:80]!r} is not a path.")
    try:
        found = Path(text).expanduser().absolute()
        if found.is_dir():
            raise _refused(where, f"{text} is a folder.", "Give one of the files in it.")
        if found.is_symlink() and not found.exists():
            what = f"{str(found)[:300]} is a link to a file that is not there: {str(found.readlink())[:300]}."
            raise _refused(where, what)
        if not found.exists():
            raise _refused(where, f"there is no file {str(found)[:300]}.", _near(found))
        if not found.is_file():  # reading a pipe or device may never end
            raise _refused(where, f"{text} is no ordinary file.")
        with found.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise _refused(where, f"{text[:300]} cannot be read: {error.strerror or error}.") from error
    except RuntimeError as error:  # "~nobody" has no home folder
        raise _refused(where, f"{text[:80]!r} is not a path: {error}") from error
    return found, data


def new_folder(folder: str | Path) -> Path:
    """Return ``folder`` as a path that is new or an empty folder; raises InvalidInput where it is neither."""
    if not isinstance(folder, (str, Path)) or not str(folder).strip():
        raise _refused("folder", f"{folder!r:.80} is not a path.", "Name a folder.")
    target = Path(folder).expanduser()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise _refused("folder", f"{target} is there already and is not empty.", "Name a new one.")
    return target


def target_of(path: object) -> Path:
    """Return where a file shall be written, ~ being the user's folder. Raises InvalidInput for what is no path."""
    if isinstance(path, (str, os.PathLike)) and os.fspath(path):
        return Path(path).expanduser()
    raise InvalidInput([Fault("path", f"{path!r:.80} is no file's path.", 'Write the name of a file: "out/run.csv".')])


def write_whole(path: Path, data: bytes, what: str = "picture") -> Path:
    """Write ``data`` to ``path`` so that no reader ever sees half a file; makes the folder. Raises StoreError.

    ``what`` is what errors call it.
    """
    part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"The {what} {path} cannot be written: {error.strerror or error}.") from error
    return path


def stored_bytes(artifact: Artifact, noun: str) -> bytes:
    """Return the bytes of a stored file, held against its hash; another copy is fetched where one is known.

    ``noun`` is what errors call it. Raises StoreError where it is gone, CorruptArtifact where it has changed.
    """
    if artifact.data is not None:
        return artifact.data
    path = artifact.path
    if path is None:
        raise StoreError(f"The bytes of {noun} {artifact.sha256[:12]} are not on this machine.")
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        failure = StoreError(f"The {noun} {path} cannot be read: {error.strerror}.")
    except OSError as error:
        raise StoreError(f"The {noun} {path} cannot be read: {error.strerror or error}.") from error
    else:
        if hashlib.sha256(data).hexdigest() == artifact.sha256:
            return data
        failure = CorruptArtifact(
            f"The {noun} {path} has changed since it was stored: its bytes no longer have the hash "
            f"{artifact.sha256[:12]}. Restore it, open it again as it is, or ask anew with Policy(cache=False)."
        )
    mended: bytes | None = upward("rescue")(path, artifact.sha256, artifact.format)
    if mended is None:  # the file lies in no store
        raise failure
    return mended


def _refused(where: str, what: str, hint: str = "") -> InvalidInput:
    return InvalidInput([Fault(where, what, hint)])


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist."
    names = [entry.name for entry in islice(path.parent.iterdir(), 2000)]
    by_lower = {name.lower(): name for name in names}
    near = [by_lower[name] for name in get_close_matches(path.name.lower(), by_lower, n=3, cutoff=0.6)]
    near += [name for name in names if Path(name).stem == path.stem and name not in near][: 3 - len(near)]
    if near:
        return "In the same folder there is " + " and ".join(repr(name) for name in near) + "."
    return ""

"""Open a bundle from anywhere: everything in it is checked before anything of it is used.

A bundle is unpacked once into a small store of its own, ``bundles/<digest>/`` below the session's store, whose journal
it does not touch. Names in the archive choose nothing: a member is one of a few that are known, or it is refused.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import zipfile
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, ImagegenError, InvalidInput, StoreError
from imagegen_kit.store import Store
from imagegen_kit.store.bundle import MANIFEST, VERSION, digest_of
from imagegen_kit.store.entering import read_rows, rows_into

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_MEMBERS = 500_000
MOST_BYTES = 1 << 30  # of one member
MOST_MANIFEST = 256 << 20
MOST_PACKED = 200  # so many times smaller a member may be packed; JSON lines reach 60
_NAMES = re.compile(
    r"README\.txt|catalogue\.json|journal/[a-z_]{1,30}\.jsonl"
    r"|pictures/[0-9a-f]{64}\.(?:png|jpeg|webp|txt|json|mp4|webm)|thumbnails/[0-9a-f]{64}\.webp"
)
_SHOWN = 8  # faults in one message
_opened: dict[Path, Bundle] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: the store that it was unpacked into, its manifest, and the file that it came from."""

    store: Store
    manifest: dict[str, Any]
    file: str

    @property
    def run_id(self) -> str:
        """The run that it holds."""
        return str(self.manifest["run"]["id"])

    @property
    def shared(self) -> bool:
        """Whether it was made to be shown to anybody: without prompts and references."""
        return bool(self.manifest.get("share"))


def open_bundle(path: str | Path, root: Path) -> Bundle:
    """Return the bundle at ``path``, unpacked below ``root`` unless it has been already.

    Raises InvalidInput with what is wrong for a file that is no bundle, was changed, is hostile, or was made by a later
    version; StoreError where it cannot be unpacked.
    """
    found = Path(path).expanduser()
    if not found.is_file():
        raise InvalidInput([Fault("bundle", f"there is no file {found}.", "Name a .zip that run.export made.")])
    try:
        with found.open("rb") as file:
            place = root / "bundles" / digest_of(file)[:32]
            with _lock:
                if place not in _opened:
                    if not (place / MANIFEST).is_file():
                        with zipfile.ZipFile(file) as archive:
                            _unpack(archive, place, found.name)
                    manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
                    _opened[place] = Bundle(Store(place), manifest, found.name)
                return _opened[place]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise _refused(found.name, f"it cannot be read as a .zip ({error}).", "Copy or download it again.") from error
    except OSError as error:
        raise StoreError(f"the bundle {found} cannot be opened: {error.strerror or error}.") from error


def close_bundles() -> None:
    """Close the stores of all bundles that this process opened."""
    with _lock:
        for bundle in _opened.values():
            bundle.store.close()
        _opened.clear()


def _refused(name: str, what: str, hint: str = "") -> InvalidInput:
    return InvalidInput([Fault(f"bundle {name}", what, hint)])


def _unpack(archive: zipfile.ZipFile, place: Path, name: str) -> None:
    """Check everything and unpack it into ``place``, whole or not at all."""
    infos = archive.infolist()
    manifest = _manifest(archive, infos, name)
    _raise(name, _member_faults(infos, manifest))
    free = _free_bytes(place)
    if sum(i.file_size for i in infos) > free:
        raise StoreError(f"the bundle {name} does not fit on this disk: it needs more than {free / 2**20:,.0f} MiB.")
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        store = Store(part)
        try:
            _fill(archive, infos, manifest, store, name)
        finally:
            store.close()
        (part / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        try:
            part.rename(place)
        except OSError:
            if not (place / MANIFEST).is_file():  # else another process was faster, with the same bytes
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _free_bytes(place: Path) -> int:
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    return shutil.disk_usage(there).free


def _manifest(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], name: str) -> dict[str, Any]:
    if len(infos) > MOST_MEMBERS:
        raise _refused(name, f"it holds {len(infos):,} files, more than the {MOST_MEMBERS:,} that are opened.")
    found = [i for i in infos if i.filename == MANIFEST]
    if len(found) != 1 or found[0].file_size > MOST_MANIFEST:
        raise _refused(name, "it has no manifest, so it is no bundle, or was cut.", "Make it with run.export(path).")
    try:
        manifest = json.loads(_bytes(archive, found[0]))
        version, members, run = manifest["bundle"], manifest["members"], manifest["run"]
        sound = all(isinstance(m, dict) and isinstance(m["bytes"], int) and m["sha256"] for m in members.values())
        if type(version) is not int or not isinstance(run["id"], str) or not sound:
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused(name, "its manifest cannot be read.", "Export it again.") from error
    if version != VERSION:
        what = f"it was made by a later version ({manifest.get('made_by', version)!s:.60})."
        raise _refused(name, what, "Update imagegen_kit, or have it exported by this one.")
    return dict(manifest)


def _member_faults(infos: list[zipfile.ZipInfo], manifest: dict[str, Any]) -> list[str]:
    members = manifest["members"]
    faults, seen = [], {MANIFEST}
    for info in infos:
        name, size = info.filename, info.file_size
        if name == MANIFEST:
            continue
        if not _NAMES.fullmatch(name):
            faults.append(f"{name!r:.120} is no name that a bundle has")
        elif name in seen:
            faults.append(f"{name} is there twice")
        elif name not in members:
            faults.append(f"{name} is not in the manifest")
        elif (info.external_attr >> 28) not in (0, 8) or info.flag_bits & 0x1:
            faults.append(f"{name} is no plain file (a link, or encrypted)")
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            faults.append(f"{name} is packed in a way that bundles are not")
        elif size != members[name]["bytes"]:
            faults.append(f"{name} has {size:,} bytes, not the {members[name]['bytes']:,} of the manifest")
        elif size > MOST_BYTES or size > MOST_PACKED * info.compress_size + 2**20:
            faults.append(f"{name} would unpack to {size / 2**20:,.0f} MiB")
        seen.add(name)
    return faults + [f"{name!r:.120} is missing" for name in members if name not in seen]


def _raise(name: str, faults: Iterable[str]) -> None:
    found = list(faults)
    if found:
        more = [Fault(f"bundle {name}", f"and {len(found) - _SHOWN:,} more.")] if len(found) > _SHOWN else []
        raise InvalidInput([*(Fault(f"bundle {name}", f"{what}.") for what in found[:_SHOWN]), *more])


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes, never more than its entry says."""
    with archive.open(info) as member:
        data = member.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise zipfile.BadZipFile(f"{info.filename} is not as long as it says")
    return data


def _fill(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], manifest: dict[str, Any], store: Store, name: str
) -> None:
    rows: dict[str, bytes] = {}
    faults = []
    for info in infos:
        if info.filename == MANIFEST:
            continue
        data = _bytes(archive, info)
        digest = sha256(data).hexdigest()
        folder, _, rest = info.filename.partition("/")
        if digest != manifest["members"][info.filename]["sha256"]:
            faults.append(f"{info.filename} is not what was exported: its bytes have changed")
        elif folder == "journal":
            rows[rest.removesuffix(".jsonl")] = data
        elif folder == "pictures":
            hash, _, format = rest.partition(".")
            if digest != hash:
                faults.append(f"{info.filename} does not have the hash that it is named by")
            _put(store.blobs.path(hash, format), data)
        elif folder == "thumbnails":
            _put(store.blobs.thumbnail_path(rest.partition(".")[0]), data)
        else:
            _put(store.path / info.filename, data)
    _raise(name, faults)
    try:
        rows_into(store.journal, read_rows(rows), str(manifest["run"]["id"]))
    except InvalidInput as error:
        _raise(name, [f"{f.where}: {f.what.rstrip('.')}" for f in error.faults])
    except ImagegenError as error:
        raise _refused(name, f"its rows cannot be read ({error}).") from error


def _put(path: Path, data: bytes) -> None:
    """Write a file that can be unpacked again; the whole folder takes its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

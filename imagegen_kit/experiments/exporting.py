"""A run as a bundle: its rows, its pictures, and what its models, prices and plugins were."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.catalog.prices import picture_price
from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.film import FORMATS as FILMS
from imagegen_kit.film.poster import poster
from imagegen_kit.film.stringing import without_metadata
from imagegen_kit.imaging import provenance
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.registry import get_registry
from imagegen_kit.store.bundle import bundle_path, write_bundle
from imagegen_kit.store.shared import shared
from imagegen_kit.store.slices import Tidy, needed_files, read_slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.store import Blobs
    from imagegen_kit.store.slices import Row, Slice

PICTURES = ("full", "thumbnails")
_WITH_PIXELS = frozenset(("png", "jpeg", "webp"))


def export_run(run: Run, path: str | Path, *, share: bool, pictures: str) -> Path:
    """Write ``run`` as one bundle; see ``Run.export``."""
    target = bundle_path(path)
    if pictures not in PICTURES:
        raise InvalidInput([Fault("pictures", f"{pictures!r} is not a choice.", "Write 'full' or 'thumbnails'.")])
    if run._only is not None:
        raise InvalidInput([Fault("run", "this is a selection.", "Export the whole run; who opens it can select.")])
    run._flush()
    blobs, tidy = run._store.blobs, Tidy.of(run._store.path)
    rows = read_slice(run._store.journal.reader(), run._number, tidy)
    was_shared = bool(json.loads(rows["runs"][0]["spec"]).get("shared"))
    needed, records, copies = needed_files(rows), {}, {}
    if share and not was_shared:
        records = _records(rows)
        needed = {hash: format for hash, format in needed.items() if hash in records}
    if pictures == "thumbnails":
        needed = {
            hash: format
            for hash, format in needed.items()
            if format in _WITH_PIXELS or _has_poster(blobs, hash, format)
        }
    _raise_gone(blobs, needed, whole=pictures == "full" or bool(records))
    if records:
        copies = {hash: sha256(_copy(blobs, hash, needed[hash], records)).hexdigest() for hash in needed}
    about = {**_about(rows), "share": share or was_shared, "pictures": pictures}
    files = _files(blobs, needed, records, copies, whole=pictures == "full")
    kept = shared(rows, copies) if share and not was_shared else rows
    catalogue = json.dumps(_catalogue(rows, tidy), ensure_ascii=False, sort_keys=True, indent=1).encode()
    return write_bundle(target, kept, _after(("catalogue.json", catalogue), files), about)


def _after(first: tuple[str, bytes], rest: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    yield first
    yield from rest


def _about(rows: Slice) -> dict[str, Any]:
    (run,) = rows["runs"]
    ended = {row["cell"] for row in rows["cell_ends"] if not row["replaced"]}
    return {
        "made_by": f"imagegen_kit {__version__}",
        "versions": json.loads(run["versions"]),
        "run": {
            "id": run["id"], "name": run["name"], "recipe": run["recipe"], "created_at": run["created_at"],
            "cells": run["cells"], "ended": len(ended), "results": sum(not r["replaced"] for r in rows["results"]),
        },
    }  # fmt: skip


def _records(rows: Slice) -> dict[str, dict[str, Any]]:
    """Return, by hash, what a shared copy of each resulting picture says of itself.

    Placeholders are left out: the prompt is drawn on them.
    """
    asked = {row["id"]: row for row in rows["requests"]}
    found: dict[str, dict[str, Any]] = {}
    for row in rows["results"]:
        if row["sha256"] is None or row["text"] is not None or row["status"] == "placeholder":
            continue
        request: Row = asked.get(row["request"], {})
        found[row["sha256"]] = {
            "tool": f"imagegen_kit {__version__}",
            "model_used": row["model_used"],
            "origin": row["origin"],
            "sent": json.loads(request.get("sent") or request.get("asked") or "{}"),
            "parents": [row["sha256"]],
        }
    return found


def _has_poster(blobs: Blobs, hash: str, format: str) -> bool:
    """Whether a film's poster is there: without PyAV none was made, and none can be made now."""
    return format in FILMS and blobs.thumbnail_path(hash).is_file()


def _copy(blobs: Blobs, hash: str, format: str, records: Mapping[str, Any]) -> bytes:
    if format in FILMS:  # nothing of ours is embedded in them; what the service wrote into them is left out
        return without_metadata(blobs.read(hash, format))
    return provenance.embed(blobs.read(hash, format), records[hash], share=True)


def _files(
    blobs: Blobs, needed: Mapping[str, str], records: Mapping[str, Any], copies: Mapping[str, str], *, whole: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield the members that hold pictures, one at a time: memory stays flat however many there are."""
    named = sorted((copies.get(hash, hash), hash) for hash in needed)
    for name, hash in named:
        format = needed[hash]
        if not whole:
            yield f"thumbnails/{name}.webp", _thumbnail(blobs, hash, format)
        else:
            data = _copy(blobs, hash, format, records) if hash in copies else blobs.read(hash, format)
            yield f"pictures/{name}.{format}", data


def _thumbnail(blobs: Blobs, hash: str, format: str) -> bytes:
    path = blobs.thumbnail_path(hash)
    if path.is_file():
        return path.read_bytes()
    data = blobs.read(hash, format)
    return poster(data) if format in FILMS else thumbnail(open_sound(data))


def _raise_gone(blobs: Blobs, needed: Mapping[str, str], *, whole: bool) -> None:
    gone = [
        hash
        for hash, format in needed.items()
        if not blobs.path(hash, format).is_file() and (whole or not blobs.thumbnail_path(hash).is_file())
    ]
    if gone:
        names = ", ".join(hash[:12] for hash in gone[:5]) + (", …" if len(gone) > 5 else "")
        raise StoreError(
            f"{len(gone)} of {len(needed)} files of this run are not in its store any more ({names}). "
            'Export it with pictures="thumbnails", or bring them back.'
        )


def _catalogue(rows: Slice, tidy: Tidy) -> dict[str, Any]:
    """Return the models of a run as the catalogue describes them now, and which price lists its costs went by."""
    registry = get_registry()
    names = {row["model"] for row in rows["requests"]} | {row["model_used"] for row in rows["results"]} - {None}
    models: dict[str, Any] = {}
    for name in sorted(names):
        try:
            model = registry.model(name, today=date.min)
        except InvalidInput:
            models[name] = None  # not known here any more: an opened bundle, or a plugin that is gone
            continue
        price = model.spec.price
        models[name] = {
            "id": model.id,
            "retires_on": None if model.spec.retires_on is None else str(model.spec.retires_on),
            "picture_usd": picture_price(price, model.spec.can, model.spec.kind),
            "as_of": model.spec.as_of or (price.as_of if price else ""),
            "source": tidy.error(model.spec.source or (price.source if price else "")),
        }
    lists = sorted({row["prices"] for row in rows["results"]} - {None})
    return {"catalogue": f"imagegen_kit {__version__}", "prices": lists, "models": models}

"""``job.upload``: pictures into the object storage, in order, with retries; every step is in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import timestamp
from imagegen_kit.errors import Fault, InvalidInput, ObjectStoreError, StoreError
from imagegen_kit.film import Film
from imagegen_kit.imaging.encode import SUFFIXES, encode
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.store.addresses import check_names, name_faults
from imagegen_kit.store.upload_rows import ask
from imagegen_kit.store.values import dumps
from imagegen_kit.store.waiting import backoff

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.store import Store
    from imagegen_kit.store.upload_rows import Upload
    from imagegen_kit.store.uploads import Uploads
    from imagegen_kit.types import Artifact

AT_ONCE = 8
_SINGLE = ("pictures", "read", "__array_interface__")  # an answer, an open file, an image: one thing each


def storage_of(store: Store) -> Uploads:
    """Return what sends to the object storage in force. Raises InvalidInput where none is set."""
    if store.uploads is None:
        hint = 'Set one: configure(remote="s3://bucket/prefix"), or the variable IMAGEGEN_REMOTE.'
        raise InvalidInput([Fault("remote", "there is no object storage to upload to.", hint)])
    return store.uploads


def as_pictures(given: Any) -> list[Artifact]:
    """Return one or several pictures as a list; an answer of several gives all of them. Raises InvalidInput."""
    single = isinstance(given, (str, Path, bytes, bytearray)) or any(hasattr(given, n) for n in _SINGLE)
    one = single or not isinstance(given, Iterable)
    found: list[Artifact] = []
    for number, item in enumerate([given] if one else given, 1):
        of_answer = getattr(item, "films", None) or getattr(item, "pictures", None)
        if isinstance(item, Film):
            found.append(item)
        elif of_answer is not None:
            found += of_answer
        else:
            found.append(open_picture(item, where=f"picture {number}"))
    return found


def names_of(pictures: Sequence[Artifact], prefix: str | None, names: Sequence[str] | None) -> list[str]:
    """Return the objects' names: as given, or by position below ``prefix``. Raises InvalidInput with all faults."""
    if (prefix is None) == (names is None):
        raise InvalidInput([Fault("prefix", "give either a prefix or names.", 'Write prefix="avatars/7/img".')])
    if names is not None:
        named = [names] if isinstance(names, str) else list(names)
        if len(named) != len(pictures):
            raise InvalidInput([Fault("names", f"there are {len(named)} of them for {len(pictures)} pictures.")])
        check_names(named)
        return named
    if faults := name_faults(prefix, "prefix"):
        raise InvalidInput(faults)
    endings = ("jpg" if p.format == "jpeg" else p.format for p in pictures)
    return [f"{prefix}/{number}.{ending}" for number, ending in enumerate(endings, 1)]


async def send(
    engine: Engine,
    scope: Scope,
    policy: Policy,
    given: Any,
    prefix: str | None,
    names: Sequence[str] | None,
    expires_s: float | None,
) -> list[str]:
    """Do what ``Job.upload`` says."""
    store = engine.store
    uploads = storage_of(store)
    if expires_s is not None:
        uploads.remote.check_expiry(expires_s)
    pictures = await engine.in_thread(as_pictures, given)
    objects = names_of(pictures, prefix, names)
    as_named = [await engine.in_thread(_as_named, *pair) for pair in zip(pictures, objects, strict=True)]
    kept = [await engine.in_thread(_kept, store, picture) for picture in as_named]
    wanted = [(picture.sha256, picture.format, name) for picture, name in zip(kept, objects, strict=True)]
    if opening := scope.open():
        store.journal.append(opening)
    detail = dumps({"target": uploads.remote.target, "objects": [[name, sha] for sha, _, name in wanted]})

    def plan(connection: sqlite3.Connection) -> list[Upload]:
        place = (scope.run, scope.cell, "upload", detail)
        known = "SELECT 1 FROM events WHERE run = ? AND cell = ? AND name = ? AND detail = ?"
        if connection.execute(known, place).fetchone() is None:  # a recipe that runs again says nothing new
            sql = "INSERT INTO events (run, cell, name, detail, created_at) VALUES (?, ?, ?, ?, ?)"
            connection.execute(sql, (*place, timestamp(policy.clock.now())))
        asked = ask(connection, uploads.remote.target, wanted)
        uploads.under_way.update(row.id for row in asked)  # before the background can see them
        return asked

    rows = await asyncio.wrap_future(store.journal.transact(plan))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(row: Upload) -> None:
        async with gate:
            await _send_one(store, uploads, policy, row)

    try:
        outcomes = await asyncio.gather(*map(one, rows), return_exceptions=True)
    finally:  # what is left after a stop is sent by the background
        uploads.under_way.difference_update(row.id for row in rows)
    failed = [(row, e) for row, e in zip(rows, outcomes, strict=True) if isinstance(e, BaseException)]
    if failed:
        row, error = failed[0]
        if not isinstance(error, (ObjectStoreError, InvalidInput)):
            raise error
        raise StoreError(
            f"{len(failed)} of {len(rows)} pictures could not be uploaded, the first is {row.name}: {error} "
            "The pictures are safe in the store: upload again when that is mended, or run `imagegen uploads --retry`."
        ) from None
    return [await asyncio.to_thread(uploads.remote.url, name, expires_s) for name in objects]


def _as_named(picture: Artifact, name: str) -> Artifact:
    """Return ``picture`` in the format that its object's name ends in, itself where the name says no other one."""
    format = SUFFIXES.get(PurePosixPath(name).suffix.lower(), picture.format)
    if format == picture.format or picture.kind != "picture":
        return picture
    return Picture.from_bytes(encode(open_picture(picture).image, format))


def _kept(store: Store, picture: Artifact) -> Artifact:
    """Put a picture into the store if it is not there; an upload that is interrupted must not depend on other files."""
    data = picture.bytes if isinstance(picture, Film) else open_picture(picture).bytes
    store.blobs.put(data, picture.sha256, picture.format)
    return picture


async def _send_one(store: Store, uploads: Uploads, policy: Policy, row: Upload) -> None:
    """Send one object, trying as often as the policy says. Raises the last failure; the row holds it too."""
    clock = policy.clock
    data = await asyncio.to_thread(store.blobs.read, row.sha256, row.format)
    for attempt in range(1, policy.attempts + 1):
        await asyncio.to_thread(uploads.begin, row)
        try:
            await asyncio.to_thread(uploads.send_once, row, data)
            return
        except (ObjectStoreError, InvalidInput) as error:
            await asyncio.to_thread(uploads.fail, row, error)
            if attempt == policy.attempts or not getattr(error, "retryable", False):
                raise
        await clock.sleep(backoff(attempt, None, clock.jitter()))

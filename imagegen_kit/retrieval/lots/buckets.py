"""Lots of the pictures in an object storage: ``s3://bucket/prefix`` and what else ``Remote`` opens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final, TypeVar

from imagegen_kit.errors import ObjectStoreError
from imagegen_kit.lazy import upward
from imagegen_kit.retrieval.library.candidate import Candidate
from imagegen_kit.retrieval.library.folders import OPENED
from imagegen_kit.retrieval.library.local import local
from imagegen_kit.retrieval.lots.lot import Lot

_T = TypeVar("_T")
SCHEMES: Final = ("s3://", "gs://", "file://", "memory://")
WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # a storage that is down for half a minute is waited for


def is_address(source: object) -> bool:
    """Whether ``source`` is the address of an object storage; ``file://`` of this machine is a path."""
    return isinstance(source, str) and source.startswith(SCHEMES) and local(source) == source


def bucket_lots(url: str, common: Mapping[str, Any], size: int) -> list[Lot]:
    """Return the pictures below ``url``, by their names' endings, in lots. Raises ObjectStoreError, InvalidInput."""
    remote = upward("remote")(url)
    names = [name for name in patiently(remote.list) if PurePosixPath(name).suffix.lower() in OPENED]
    found = []
    for start in range(0, len(names), size):
        part = names[start : start + size]
        told = [url, repr(sorted(common.items())), part]
        found.append(Lot(len(part), told, partial(_read, url, dict(common), part)))
    return found


def _read(url: str, common: Mapping[str, Any], names: Sequence[str]) -> Iterator[Candidate]:
    remote = upward("remote")(url)
    for name in names:
        where = f"{url.rstrip('/')}/{name}"
        held: bytes | None = patiently(partial(remote.get, name))
        about = {"name": PurePosixPath(name).stem, **common}
        yield Candidate(where, held, about, refused="" if held is not None else "the object is gone from the storage.")


def patiently(
    ask: Callable[[], _T], waits: Sequence[float] = WAITS_S, sleep: Callable[[float], None] = time.sleep
) -> _T:
    """Return what ``ask`` returns; where the storage may answer later, ask again after each of ``waits`` seconds."""
    for wait in waits:
        try:
            return ask()
        except ObjectStoreError as error:
            if not error.retryable:
                raise
        sleep(wait)
    return ask()

"""Damage that shows only when a library is searched, in words."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.library.schema import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.retrieval.library.records import Records


@contextlib.contextmanager
def told(records: Records) -> Iterator[None]:
    """Raise CorruptArtifact where what is searched lacks a vector: nobody who searches names vectors himself."""
    try:
        yield
    except InvalidInput as error:
        for fault in error.faults:
            if fault.where == "ids" and "no vector of" in fault.what:
                raise damaged(records.path, f"{fault.what.rstrip('.')}, which the pictures should have") from error
        raise

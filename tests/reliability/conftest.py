"""No process outlives the test that started it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reliability import children


@pytest.fixture(autouse=True)
def _no_process_left(own_registry: None) -> Iterator[None]:
    yield
    children.end_all()

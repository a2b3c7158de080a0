"""What every test may use: a store of its own, and models whose behaviour the test decides."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from imagegen_kit import settings
from imagegen_kit.engine import session
from imagegen_kit.registry import reset_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test works in a folder of its own, without settings, and its engine is closed after it."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("IMAGEGEN_")]:
        monkeypatch.delenv(name)
    settings.reset()
    yield
    session.close_default_engine()
    settings.reset()


@pytest.fixture
def own_registry() -> Iterator[None]:
    """Models that a test registers are gone after it."""
    reset_registry()
    yield
    reset_registry()

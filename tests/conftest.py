"""What every test may use: a store of its own, and models whose behaviour the test decides."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hypothesis
import pytest

from imagegen_kit import settings
from imagegen_kit.engine import session
from imagegen_kit.registry import reset_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# How long an example takes is the machine's business: under load a deadline fails what is right.
hypothesis.settings.register_profile("kit", deadline=None)
hypothesis.settings.load_profile("kit")
# A check of the contract, which knows nothing of our marks: it measures for how long the event loop stands still.
HELD = "test_the_event_loop_is_never_held"
SOAK = os.environ.get("IMAGEGEN_SOAK") == "1"  # read before the fixture below clears it for the tests themselves


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long fault tests to ``make soak``, and what measures time to the run that has the machine to itself."""
    for item in items:
        if item.name == HELD:
            item.add_marker(pytest.mark.alone)
        if item.get_closest_marker("soak") and not SOAK:
            item.add_marker(pytest.mark.skip(reason="one of the long fault tests: make soak runs them"))


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

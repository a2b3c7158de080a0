"""What every test may use: a store of its own, and models whose behaviour the test decides."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from imagegen_kit import settings
from imagegen_kit.engine import session
from imagegen_kit.registry import current, get_registry, reset_registry

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from imagegen_kit.registry import Registry


RAY = os.environ.get("IMAGEGEN_RAY") == "1"
SOAK = os.environ.get("IMAGEGEN_SOAK") == "1"  # read before the fixture below clears it for the tests themselves
# How long an example takes is the machine's business: under load a deadline fails what is right.
# `make test` takes the same examples each time, so that it fails for what was changed and for nothing else; new ones,
# and more of them, are for `make soak` (where these tests count as soak).
hypothesis.settings.register_profile("kit", deadline=None, max_examples=100 if SOAK else 40, derandomize=not SOAK)
hypothesis.settings.load_profile("kit")
# A process that a shell started in the background does not hear Ctrl-C, nor do those that it starts; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A check of the contract, which knows nothing of our marks: it measures for how long the event loop stands still.
HELD = "test_the_event_loop_is_never_held"


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long fault tests to ``make soak``, and what measures time to the run that has the machine to itself."""
    for item in items:
        if item.name == HELD:
            item.add_marker(pytest.mark.alone)
        if item.get_closest_marker("alone") and not _found_by_make(item.path):
            words = f"{item.path} never says 'alone' or 'Contract': `make test` would not run {item.name}."
            raise pytest.UsageError(words)
        if SOAK and hypothesis.is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.soak)
        if item.get_closest_marker("soak") and not SOAK:
            item.add_marker(pytest.mark.skip(reason="one of the long fault tests: make soak runs them"))
        if item.get_closest_marker("ray") and not RAY:
            item.add_marker(pytest.mark.skip(reason="needs a cluster of several nodes: make ray-test runs them"))


@cache
def _found_by_make(path: Path) -> bool:
    """Whether the Makefile looks into this file for tests that are alone."""
    text = path.read_text(encoding="utf-8")
    return "alone" in text or "Contract" in text


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the collector of garbage off what stays until the end: thousands of tests, and all that they import."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


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
def open_path() -> Iterator[Path]:
    """A folder that any user may enter; those of ``tmp_path`` lie in one that is pytest's own, and is closed again."""
    with tempfile.TemporaryDirectory(prefix="imagegen-open-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class _Plain:
    """The registry that ``own_registry`` gives to one test after the other: to find all plugins anew takes long."""

    registry: Registry | None = None


@pytest.fixture
def own_registry(_own_place: None) -> Iterator[None]:
    """Models that a test registers are gone after it. One that has the plugins found anew has a registry of its own."""
    _give_plain()
    yield
    reset_registry()  # the test's own settings still hold: nothing may be looked up now


def _give_plain() -> None:
    here = current._Process
    if _Plain.registry is None:
        reset_registry()
        _Plain.registry = get_registry()
    if here.registry is not _Plain.registry:
        # what it was built with is not remembered: it asks its plugins again when it is next asked for
        here.registry, here.named, here.revision = _Plain.registry, (), -1
    _Plain.registry.put({}, drop=list(_Plain.registry.session_specs()))

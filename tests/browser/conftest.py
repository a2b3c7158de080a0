"""Real JupyterLab and Notebook 7 in a real Chromium: one server for each process of tests, a browser for each file.

Playwright's loop runs in the main thread while a browser is open, so these tests have processes of their own in
``make test``; the browser is closed after each file, so that they may also run among others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import chromium
from tests.browser.jupyter import Jupyter
from tests.browser.opening import Open, notebooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

__all__ = ["Open"]  # what the fixture ``notebook`` is


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """The server of all browser tests of this process."""
    pytest.importorskip("jupyterlab", reason="browser tests need `pip install jupyterlab notebook`")
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium; tests are skipped where there is none."""
    with chromium(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def notebook(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens notebooks: see ``Open``."""
    jupyter: Jupyter = request.getfixturevalue("jupyter")  # after the browser: without one there is nothing to start
    with notebooks(browser, jupyter, request.node.name) as opened:
        yield opened

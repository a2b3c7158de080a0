"""Real JupyterLab and Notebook 7 in a real Chromium: one server for all tests, a browser for each file of them.

Playwright's loop runs in the main thread while a browser is open, so these tests have a process of their own in
``make test``; the browser is closed after each file, so that they may also run among others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import nbformat
import pytest

from tests.browser.book import Book
from tests.browser.chromium import chromium
from tests.browser.jupyter import Jupyter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


class Open(Protocol):
    """What the fixture ``notebook`` is."""

    def __call__(
        self,
        cells: list[str],
        app: str = "lab",
        theme: str = "light",
        *,
        store: Path | None = None,
        motion: bool = False,
        width: int = 1280,
        scale: float = 1,
    ) -> Book: ...


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """The server of all browser tests."""
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
    """Open a notebook of these code cells, in a folder (and so with a store) of its own unless ``store`` names one.

    ``motion`` is whether the user likes animations; ``width`` is the window's, ``scale`` the screen's pixels per
    CSS pixel.
    """
    jupyter: Jupyter = request.getfixturevalue("jupyter")  # after the browser: without one there is nothing to start
    opened: list[Book] = []

    def open(
        cells: list[str],
        app: str = "lab",
        theme: str = "light",
        *,
        store: Path | None = None,
        motion: bool = False,
        width: int = 1280,
        scale: float = 1,
    ) -> Book:
        name = re.sub(r"\W+", "-", request.node.name)[:60]
        folder = jupyter.books / f"{name}-{len(list(jupyter.books.iterdir()))}"
        folder.mkdir()
        if store is not None:
            (folder / ".env").write_text(f"IMAGEGEN_STORE={store}\n", encoding="utf-8")
        written = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(written, folder / "book.ipynb")
        jupyter.put_setting("apputils-extension/themes", {"theme": THEMES[theme], "adaptive-theme": False})
        context = browser.new_context(
            viewport={"width": width, "height": 900}, device_scale_factor=scale, color_scheme=theme,
            reduced_motion="no-preference" if motion else "reduce",
        )  # fmt: skip
        book = Book(jupyter, context, folder / "book.ipynb", app)
        opened.append(book)
        return book.open()

    yield open
    for book in opened:
        book.close()
        jupyter.end_kernels(book.file.parent.name)

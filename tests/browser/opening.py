"""Opens notebooks: a file of code cells in a folder of its own, in a window of its own."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import nbformat

from tests.browser.book import Book

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.browser.jupyter import Jupyter

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


class Open:
    """Called with code cells it opens a notebook of them; ``close()`` closes all of them and ends their kernels."""

    def __init__(self, browser: Browser, jupyter: Jupyter, name: str) -> None:
        self._browser, self._jupyter = browser, jupyter
        self._name = re.sub(r"\W+", "-", name)[:60]
        self._opened: list[Book] = []

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
    ) -> Book:
        """Open these cells, not run yet, in ``app`` "lab" or "notebook".

        The folder, and so the store, is the notebook's own unless ``store`` names one. ``motion`` is whether the user
        likes animations; ``width`` is the window's, ``scale`` the screen's pixels per CSS pixel.
        """
        folder = self._jupyter.books / f"{self._name}-{len(list(self._jupyter.books.iterdir()))}"
        folder.mkdir()
        if store is not None:
            (folder / ".env").write_text(f"IMAGEGEN_STORE={store}\n", encoding="utf-8")
        written = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(written, folder / "book.ipynb")
        self._jupyter.put_setting("apputils-extension/themes", {"theme": THEMES[theme], "adaptive-theme": False})
        context = self._browser.new_context(
            viewport={"width": width, "height": 900}, device_scale_factor=scale, color_scheme=theme,
            reduced_motion="no-preference" if motion else "reduce",
        )  # fmt: skip
        book = Book(self._jupyter, context, folder / "book.ipynb", app)
        self._opened.append(book)
        return book.open()

    def close(self) -> None:
        for book in self._opened:
            book.close()
            self._jupyter.end_kernels(book.file.parent.name)


@contextmanager
def notebooks(browser: Browser, jupyter: Jupyter, name: str) -> Iterator[Open]:
    """Open notebooks, and close them at the end."""
    opened = Open(browser, jupyter, name)
    try:
        yield opened
    finally:
        opened.close()

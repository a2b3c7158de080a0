"""A Chromium that reaches nothing but this machine: Debian's, a named one, or Playwright's own."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMED = os.environ.get("IMAGEGEN_CHROMIUM")  # read before the fixtures of the tests clear it
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GET_IT = "`apt-get install chromium fonts-dejavu-core`, or name one with IMAGEGEN_CHROMIUM=/path/to/chromium"


def executable(of_playwright: str) -> str | None:
    """Return the program to start; None where there is none."""
    if NAMED:
        return NAMED
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (of_playwright if Path(of_playwright).is_file() else None)


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """Start a browser and end it; tests are skipped, and say how to have them, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need `pip install playwright`")
    home.mkdir(parents=True, exist_ok=True)
    with playwright.sync_playwright() as started:
        program = executable(started.chromium.executable_path)
        if program is None:
            pytest.skip(f"browser tests need a Chromium: {GET_IT}")
        browser = started.chromium.launch(
            executable_path=program,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--hide-scrollbars"],
            env={**os.environ, "HOME": str(home)},
        )
        try:
            yield browser
        finally:
            browser.close()

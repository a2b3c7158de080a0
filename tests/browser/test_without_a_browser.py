"""Where no Chromium can be had, the tests in a browser are skipped and say how to have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import chromium

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_chromium_the_reason_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "NAMED", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"), chromium.chromium(tmp_path / "home"):
        pass


def test_a_named_chromium_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "NAMED", "/opt/chromium")
    assert chromium.executable("/playwright/chromium") == "/opt/chromium"


def test_playwrights_own_chromium_is_used_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "NAMED", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    own = tmp_path / "chromium-of-playwright"
    assert chromium.executable(str(own)) is None
    own.touch()
    assert chromium.executable(str(own)) == str(own)

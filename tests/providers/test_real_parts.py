"""The providers are tested against real HTTP: nothing of an SDK is mocked anywhere in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/**/*.py")])
MOCKED = re.compile(
    r"unittest\.mock|import mock\b|MagicMock|AsyncMock|mocker\b|\brespx\b|MockTransport|ASGITransport|pytest_httpx"
    r"|setattr\(\s*[\"']?(openai|genai|google|httpx2?|httpcore2?)\b"
)


@pytest.mark.parametrize("path", [p for p in TESTS if p != Path(__file__)], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_sdk_is_mocked(path: Path) -> None:
    assert MOCKED.findall(path.read_text(encoding="utf-8")) == []


def test_the_search_would_find_a_mock() -> None:
    for line in ("from unittest.mock import Mock", "monkeypatch.setattr(openai, 'x', 1)", "httpx2.MockTransport(f)"):
        assert MOCKED.search(line)

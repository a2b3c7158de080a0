"""A program in a copy of a warm interpreter ends as ``python -W error -c`` would, and leaves nothing to the next."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.warm import Warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    begun = Warm(tmp_path_factory.mktemp("warm"), ["json"])
    yield begun
    begun.close()


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise ValueError('no kite')", 1, "ValueError: no kite"),
        ("import warnings; warnings.warn('an old kite', DeprecationWarning)", 1, "DeprecationWarning: an old kite"),
        ("1 +", 1, "SyntaxError"),
        ("raise SystemExit(3)", 3, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
    ],
)
def test_what_goes_wrong_is_told(warm: Warm, tmp_path: Path, code: str, status: int, said: str) -> None:
    ended = warm.run(code, tmp_path)
    assert ended.returncode == status
    assert said in ended.stderr


def test_each_has_a_folder_an_environment_and_a_main_of_its_own(
    warm: Warm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITE", "red")
    seen = "import os, json\nprint(os.getcwd(), os.environ.get('KITE'), 'left' in globals(), hasattr(json, 'left'))"
    first = warm.run(f"{seen}\nleft = json.left = True\nopen('made', 'w').close()", tmp_path)
    monkeypatch.delenv("KITE")
    (tmp_path / "other").mkdir()
    other = warm.run(seen, tmp_path / "other")
    assert first.stdout.split() == [str(tmp_path), "red", "False", "False"]
    assert other.stdout.split() == [str(tmp_path / "other"), "None", "False", "False"]
    assert os.listdir(tmp_path / "other") == []
    assert (tmp_path / "made").exists()


def test_threads_and_what_is_registered_for_the_end_come_to_theirs(warm: Warm, tmp_path: Path) -> None:
    code = """
import atexit, threading, time
atexit.register(print, "at the end")
threading.Thread(target=lambda: (time.sleep(0.2), print("a thread"))).start()
"""
    assert warm.run(code, tmp_path).stdout.splitlines() == ["a thread", "at the end"]

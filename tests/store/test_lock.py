"""One process at a time: the lock of an experiment."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

import pytest

from imagegen_kit.errors import StoreError
from imagegen_kit.store.lock import hold

TRY = "import sys; from pathlib import Path; from imagegen_kit.store.lock import hold; hold(Path(sys.argv[1]), 'it')"


def elsewhere(path):
    return subprocess.run([sys.executable, "-c", TRY, str(path)], capture_output=True, text=True).returncode == 0


def test_another_process_is_refused_until_the_lock_is_released_by_whatever_thread(tmp_path):
    gc.disable()  # a lock that only the collector lets go of is not released
    try:
        for _ in range(3):
            release = hold(tmp_path / "a.lock", "it")
            assert not elsewhere(tmp_path / "a.lock")
            thread = threading.Thread(target=release)
            thread.start()
            thread.join()
            assert elsewhere(tmp_path / "a.lock")
    finally:
        gc.enable()


def test_the_same_process_may_hold_it_twice(tmp_path):
    first, second = hold(tmp_path / "a.lock", "it"), hold(tmp_path / "a.lock", "it")
    first()
    assert not elsewhere(tmp_path / "a.lock")
    second()
    assert elsewhere(tmp_path / "a.lock")


def test_the_refusal_says_what_to_do(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", TRY + "; print('held', flush=True); sys.stdin.read()", str(tmp_path / "a.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(StoreError, match=r"another process is running the clouds in this store\. Wait"):
        hold(tmp_path / "a.lock", "the clouds")
    holder.communicate()
    hold(tmp_path / "a.lock", "the clouds")()

"""``imagegen uploads``: what is copied, what is not there yet, and sending it now."""

from __future__ import annotations

from pathlib import Path

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine
from tests.test_cli import imagegen


def test_without_copies_it_says_so() -> None:
    assert imagegen("uploads") == (0, "nothing is copied to object storage\n", "")


def test_copies_are_listed_and_what_is_missing_is_sent(tmp_path: Path) -> None:
    blocked = tmp_path / "objects"
    blocked.write_text("a file where the folder should be")
    ik.configure(remote=f"file://{blocked}")
    sha = ik.generate("a red kite", model="offline/collage", size=64).picture.sha256
    close_default_engine()
    status, out, _ = imagegen("uploads", "--retry")
    assert status == 1
    assert out.startswith("0 sent\n")
    assert "failed" in out
    assert "cannot be opened" in out
    close_default_engine()
    blocked.unlink()
    status, out, _ = imagegen("uploads", "--retry")
    assert status == 0
    assert f"pictures/{sha[:2]}/{sha}.png" in out
    assert "done" in out
    assert (blocked / f"pictures/{sha[:2]}/{sha}.png").is_file()

"""``imagegen doctor`` and ``imagegen clean``: what they print, change and answer with."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import imagegen_kit as ik
from imagegen_kit.cli import app
from imagegen_kit.engine.session import close_default_engine, default_engine


def imagegen(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def picture() -> Path:
    """The stored file of one picture."""
    return Path(ik.generate("a red kite", model="offline/collage", size=64).picture.path)


def test_a_sound_store_is_told_in_one_line_with_status_0(picture):
    status, out, _ = imagegen("doctor")
    assert status == 0
    assert out.splitlines() == [f"{picture.parents[2]}: 0 findings, 0 mended"]


def test_what_is_left_makes_status_1_and_what_is_mended_does_not(picture):
    picture.write_bytes(picture.read_bytes()[:-1])
    status, out, _ = imagegen("doctor", "--quick")
    assert status == 1
    assert "damaged picture" in out
    assert picture.exists()
    status, out, _ = imagegen("doctor", "--repair")
    assert status == 1
    assert "there is no other copy" in out
    assert not picture.exists()
    status, out, _ = imagegen("doctor", "--give-up")
    assert status == 0
    assert "1 finding, 1 mended" in out
    assert imagegen("doctor")[0] == 0


def test_money_at_risk_is_added_up(picture):
    sql = "UPDATE attempts SET state = 'submitted', finished_at = NULL, reserved_usd = 0.04"
    default_engine().store.journal.write([(sql, ()), ("DELETE FROM leases", ())]).result()
    status, out, _ = imagegen("doctor", "--repair")
    assert status == 1
    assert "interrupted call" in out
    assert "$0.04 may have been spent on calls whose outcome nobody knows yet" in out


def test_clean_says_first_and_removes_when_it_is_told(picture):
    ik.Experiment(vary={"prompt": ["a boat"]}, fixed={"size": "64x64"}, name="kept").run(progress=False)
    close_default_engine()  # a session at work keeps what it shows
    status, out, _ = imagegen("clean", "--older-than", "0s")
    assert status == 0
    assert picture.stem[:12] in out
    assert "1 file, 0.0 MB: would go; --apply removes them" in out
    assert "1 file, 0.0 MB, stay: run kept shows it" in out
    assert picture.exists()
    status, out, _ = imagegen("clean", "--older-than", "0s", "--apply")
    assert status == 0
    assert "1 file, 0.0 MB: removed" in out
    assert not picture.exists()


def test_clean_without_a_limit_is_bad_input(picture):
    status, _, err = imagegen("clean", "--apply")
    assert status == 2
    assert "nothing says what may go" in err
    assert picture.exists()

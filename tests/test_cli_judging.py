"""``imagegen judge``."""

from __future__ import annotations

from typer.testing import CliRunner

from imagegen_kit.cli import app
from imagegen_kit.testing.simulators.judges import Honest
from tests.experiments.judging.bench import GEMINI, judged_by, run_of


def judge(*words: str):
    return CliRunner().invoke(app, ["judge", *words])


def test_a_run_is_judged_and_the_notes_are_said(own_registry: None):
    run_of(3)
    with judged_by(Honest()):
        said = judge("textures", "--model", GEMINI, "--controls", "6", "--budget", "1")
    assert said.exit_code == 0
    assert "lab/sharp" in said.output
    assert "Controls: 6 of 6 right" in said.output
    assert "Not calibrated" in said.output
    assert f"votes of judge:{GEMINI} (simulated)" in said.output


def test_what_speaks_against_it_is_said_with_status_2(own_registry: None):
    run_of(2)
    with judged_by(Honest()):
        said = judge("textures", "--model", "lab/sharp")
    assert said.exit_code == 2
    assert "a judge answers in text" in said.output

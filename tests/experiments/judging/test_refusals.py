"""What speaks against a judgement is told at once, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import InvalidInput
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.providers import ModelSpec
from imagegen_kit.testing.simulators.judges import Honest
from tests.experiments.judging.bench import GEMINI, OPENAI, drawing, judged_by, run_of

FLASH_IMAGE, FLARE = "gemini/gemini-3.1-flash-image", "openai/gpt-image-2.5-flare"


def faults_of(run: Any, model: Any, by: str | None = None, **given: Any) -> list[str]:
    with judged_by(Honest()) as clouds:
        with pytest.raises(InvalidInput) as raised:
            run.judge(model, by, progress=False, **given)
        assert clouds.ledger.requests == []
    return [str(fault) for fault in raised.value.faults]


def test_everything_that_is_wrong_is_told_together():
    found = " ".join(faults_of(run_of(2), "lab/sharp", "style", rubric=7, pairs=0, controls=-1,
                               policy=ik.Policy(fallback="offline/poster")))  # fmt: skip
    for part in ("makes image, and a judge answers in text", "style", "is no rubric", "number of pairs",
                 "number of control pairs", "in the name of another model"):  # fmt: skip
        assert part in found


@pytest.mark.parametrize(
    ("can", "why"),
    [(Capabilities(schema=True, references=1), "cannot look at two"), (Capabilities(references=2), "JSON schema")],
    ids=["blind", "free text"],
)
def test_a_model_that_cannot_judge_is_told_which_can(can: Capabilities, why: str):
    run = run_of(2)
    spec = ModelSpec("writer", kind="text", can=can)
    ik.register(ProviderSpec("pen", models=(spec,), target=object, origin="local:pen"))
    (fault,) = faults_of(run, "pen/writer")
    assert why in fault
    assert "gemini/" in fault


def test_a_service_without_a_key_is_told_with_what_to_set(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    run = run_of(2)
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY"):
        run.judge(OPENAI, progress=False)


def test_a_run_with_nothing_to_compare_is_refused():
    (fault,) = faults_of(run_of(2, sharp={}), GEMINI)
    assert "no two can be compared" in fault


def drawn_by(*models: str) -> Any:
    return ik.Experiment(vary={"prompt": ["red kettle"], "model": list(models)}).run(progress=False)


def test_a_judge_of_a_contestants_own_vendor_is_refused_and_both_are_named():
    with judged_by(Honest(), look="plain"):
        run = drawn_by(FLASH_IMAGE, FLARE)
        with pytest.raises(InvalidInput) as raised:
            run.judge(GEMINI, progress=False)
        (fault,) = raised.value.faults
        assert GEMINI in fault.what
        assert FLASH_IMAGE in fault.what
        assert "Google" in fault.what
        assert "allow_same_vendor=True" in fault.hint
        found = run.judge(GEMINI, allow_same_vendor=True, controls=0, progress=False)
    assert any(FLASH_IMAGE in note and "Google" in note for note in found.notes)


def test_a_judge_of_a_third_vendor_is_not_refused():
    with judged_by(Honest(), look="plain"):
        run = drawn_by(FLARE, "offline/poster")
        assert run.judge(GEMINI, controls=0, progress=False).same_vendor == []


def test_pictures_from_folders_called_like_a_model_have_its_vendor(tmp_path):
    for folder, coarse in (("dall-e-3", 1), ("flux-dev", 8)):
        (tmp_path / "made" / folder).mkdir(parents=True)
        (tmp_path / "made" / folder / "kettle.png").write_bytes(drawing("red kettle", coarse=coarse))
    run = ik.open_run(tmp_path / "made")
    with judged_by(Honest()), pytest.raises(InvalidInput) as raised:
        run.judge(OPENAI, by="label", progress=False)
    assert "OpenAI" in str(raised.value)

"""What the prompt lab says before anything is sent: cost, time, what is not honoured, what a budget refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.panels.lab.draft import Draft
from imagegen_kit.panels.lab.foresight import PLANNED_CELLS, Foresight, foresee
from imagegen_kit.panels.lab.outlook import as_plain

UNPRICED = "replicate/flux-schnell"
pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture(autouse=True)
def models(own_registry: None) -> None:
    """One free model that takes seeds, one at 4 cents that takes none; of UNPRICED nobody knows the price."""
    ik.configure(keys={"REPLICATE_API_TOKEN": "a-token-that-is-never-sent"})

    @ik.register(model="me/free", seed=True, version="1", price_usd=0.0)
    def free(request: Any) -> Image.Image:
        return Image.new("RGB", (32, 32))

    @ik.register(model="me/paid", version="1", price_usd=0.04)
    def paid(request: Any) -> Image.Image:
        return Image.new("RGB", (32, 32))


def seen(**changes: Any) -> Foresight:
    given = {"prompt": "a cat", "models": ["me/free"], **changes}
    return foresee(Draft().with_(**given), default_engine())


def test_the_headline_and_the_button_say_the_sum() -> None:
    found = seen(models=["me/free", "me/paid"], repeats=2)
    assert found.headline.startswith("4 cells · est. $0.08")
    assert found.button == "Generate 4 · est. $0.08"
    assert not found.free


def test_a_free_one_has_no_sum_on_its_button() -> None:
    assert seen().button == "Generate 1"
    assert seen().free


def test_an_unknown_cost_is_said_and_never_shown_as_nothing() -> None:
    assert seen(models=[UNPRICED]).button == "Generate 1 · cost unknown"
    both = seen(models=["me/paid", UNPRICED])
    assert both.button == "Generate 2 · est. $0.04 · 1 of unknown cost"
    assert "est. $0.04, 1 unknown" in both.headline


def test_each_style_is_compiled_with_the_origin_of_its_words() -> None:
    found = as_plain(seen(prompt="a cat\na dog", styles=[None, "watercolor"]))
    assert [p["prompt"] for p in found["prompts"]] == ["a cat", "a dog"]
    plain, coloured = found["prompts"][1]["styles"]
    assert plain["parts"] == [["a dog", "brief"]]
    assert [origin for _, origin in coloured["parts"]] == ["brief", "style"]
    assert coloured["negative"]


def test_what_a_model_will_not_honour_stands_at_the_model_and_the_pair_is_marked() -> None:
    found = seen(models=["me/free", "me/paid"], seed=7)
    assert [m.notes for m in found.models] == [(), ("seed 7 ignored",)]
    assert found.unfair == ("me/free and me/paid: seed as asked | 7 ignored",)


def test_a_budget_that_would_refuse_is_told_before() -> None:
    assert seen(models=["me/paid"], repeats=3, budget_usd=0.1).budget == (
        "this run's budget of $0.10 may be used up before 1 cell",
    )
    assert "no price is known" in seen(models=[UNPRICED], budget_usd=1).budget[0]
    ik.configure(budget_usd=0.01)
    assert seen(models=["me/paid"], budget_usd=1).budget[0].startswith("this session's budget of $0.01")


def test_a_model_without_its_key_is_a_fault_that_says_what_to_set() -> None:
    found = seen(models=["openai/gpt-image-1.5", "me/free"])
    assert [str(f) for f in found.faults_of("models")] == [
        "model: openai/gpt-image-1.5 is not ready. Set OPENAI_API_KEY (get one at "
        "https://platform.openai.com/api-keys)."
    ]
    assert found.button == "Generate"


def test_an_alias_of_a_model_without_its_key_is_one_too() -> None:
    assert "not ready" in str(seen(models=["nano-banana"]).faults[0])


def test_an_empty_form_is_invited_not_blamed() -> None:
    assert seen(prompt="").headline == "write a prompt to begin"
    assert seen(prompt="", seed="x").headline == "2 things to mend"


def test_half_of_a_character_is_foreseen_as_a_fault_of_the_prompt() -> None:
    found = seen(prompt="a \ud800 cat")
    assert [str(f) for f in found.faults_of("prompt")] == [
        "prompt: character 3 is half of a character. Type the text again."
    ]
    json.dumps(as_plain(found), ensure_ascii=False).encode()


def test_a_grid_too_large_to_plan_is_reckoned_from_its_first_prompts() -> None:
    found = seen(prompt=[f"cat {i}" for i in range(PLANNED_CELLS)], models=["me/paid", "me/free"], repeats=3)
    assert found.cells == 6 * PLANNED_CELLS
    assert found.usd == pytest.approx(0.04 * 3 * PLANNED_CELLS)
    assert "est. about $36.00" in found.headline


def test_what_is_in_the_cache_costs_nothing() -> None:
    Draft(prompt="a cat", models=("me/paid",)).experiment().run(progress=False)
    found = seen(models=["me/paid"], repeats=2)
    assert found.button == "Generate 2 · est. $0.04"
    assert "1 in the cache" in found.headline

"""The fields of the prompt lab as values: read, made an experiment, written as code and as a file, and found again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import InvalidInput
from imagegen_kit.panels.lab.code import code, yaml
from imagegen_kit.panels.lab.draft import Draft, draft_of_run, field_of, number

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen_kit.experiments.experiment import Experiment


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 30), (200, 60, 60)).save(tmp_path / "red.png")
    return tmp_path / "red.png"


def full(picture: Path) -> Draft:
    reference = ik.Reference(picture, role="style", name='my "red"')
    return Draft().with_(
        prompt='a cat, "quoted"\n\n  ein Hündchen 🐕 \\ back', negative_prompt="red", styles=[None, "watercolor"],
        models=["offline/collage", "offline/poster"], size="512x512", seed="7", sample="2", repeats="2",
        references=[reference], library="shipped", top_k="1", budget_usd="$0.50",
    )  # fmt: skip


def definition(experiment: Experiment) -> str:
    """The hash by which the journal knows an experiment."""
    blobs = default_engine().store.blobs
    return experiment._definition(experiment.grid.encoded(blobs), blobs)


def test_each_line_is_a_prompt_and_empty_ones_are_none() -> None:
    assert Draft(prompt="a cat\n\n  a dog \na cat").prompts == ["a cat", "a dog"]


def test_only_what_is_set_is_asked() -> None:
    assert Draft(prompt="a cat").given() == {"vary": {"prompt": ["a cat"], "model": ["offline/collage"]}}


def test_braces_are_sent_as_they_stand() -> None:
    assert Draft(prompt="a {red|blue} car").experiment().grid.axes["prompt"] == ["a {red|blue} car"]


def test_numbers_are_read_and_what_is_none_stays_for_the_experiment_to_refuse() -> None:
    assert [number(text) for text in ("7", " $0.5 ", "", "seven", None)] == [7, 0.5, None, "seven", None]


def test_everything_wrong_is_told_at_once_and_at_its_field() -> None:
    draft = Draft().with_(seed="x", size="9x", repeats="0", library="nowhere", budget_usd="much", models=["nobody/no"])
    with pytest.raises(InvalidInput) as caught:
        draft.experiment()
    found = {field_of(fault) for fault in caught.value.faults}
    assert found == {"prompt", "seed", "size", "repeats", "library", "budget_usd", "models"}


def test_a_field_that_does_not_exist_is_refused_with_the_near_name() -> None:
    with pytest.raises(InvalidInput, match=r"no field is called 'promt'\. Did you mean 'prompt'"):
        Draft().with_(promt="x", seed=1)


def test_half_of_a_character_is_a_fault_at_its_field_beside_the_others() -> None:
    draft = Draft().with_(prompt="a \ud800 cat", negative_prompt="\udfff", seed="x")
    for ask in (draft.experiment, lambda: code(draft), lambda: yaml(draft)):
        with pytest.raises(InvalidInput) as caught:
            ask()
        assert [(f.where, f.what) for f in caught.value.faults][:2] == [
            ("prompt", "character 3 is half of a character."),
            ("negative_prompt", "character 1 is half of a character."),
        ]  # fmt: skip
        assert {field_of(fault) for fault in caught.value.faults} == {"prompt", "negative_prompt", "seed"}


def test_an_empty_draft_is_refused_as_code_as_it_is_as_a_file() -> None:
    for ask in (code, yaml):
        with pytest.raises(InvalidInput, match="Say what the picture should show"):
            ask(Draft())


def test_a_draft_without_a_model_or_style_is_refused_at_the_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        Draft(prompt="a cat", models=(), styles=()).experiment()
    assert [field_of(fault) for fault in caught.value.faults] == ["models", "styles"]


def test_the_code_makes_the_same_experiment(picture: Path) -> None:
    draft, there = full(picture), {"ik": ik}
    exec(code(draft), there)
    assert definition(there["exp"]) == definition(draft.experiment(name=None))  # type: ignore[arg-type]
    assert there["exp"].budget_usd == 0.5  # type: ignore[attr-defined]


def test_the_code_names_files_of_this_folder_from_here(picture: Path) -> None:
    assert 'ik.Reference("red.png", role="style"' in code(full(picture))


def test_the_file_makes_the_same_experiment(picture: Path, tmp_path: Path) -> None:
    draft = full(picture)
    (tmp_path / "saved.yaml").write_text(yaml(draft), encoding="utf-8")
    assert definition(ik.Experiment.from_yaml("saved.yaml")) == definition(draft.experiment(name=None))


def test_a_stored_run_gives_its_fields_back(picture: Path) -> None:
    draft, blobs = full(picture), default_engine().store.blobs
    experiment = draft.experiment()
    spec = {
        "recipe": experiment.recipe.name, **experiment.grid.encoded(blobs), "budget_usd": experiment.budget_usd,
    }  # fmt: skip
    found = draft_of_run(json.loads(json.dumps(spec)), blobs)
    assert found is not None
    assert found == draft.with_(prompt=draft.prompts)
    assert found.references[0].picture.bytes == picture.read_bytes()


@pytest.mark.parametrize(
    "vary", [{"prompt": ["a"], "seed": [1, 2]}, [{"prompt": "a"}]], ids=["another axis", "exact points"]
)
def test_a_run_that_the_form_cannot_hold_gives_none(vary: object) -> None:
    experiment = ik.Experiment(vary=vary)
    plain = experiment.grid.encoded(default_engine().store.blobs)
    assert draft_of_run({"recipe": experiment.recipe.name, **plain}, default_engine().store.blobs) is None

"""A model whose service has no key yet refuses the whole call, in one way, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import UnsupportedRequest
from tests.engine.models import model, rows
from tests.test_cli import imagegen

SCENES = [{"image_create_prompt": "a gull", "image_style": style} for style in ("CINEMATIC", "INFOGRAPHIC")]
RECIPES = {
    "image": {"prompt": "a gull", "model": "nano-banana", "n": 2},
    "call_scene": {"model": "banana/default"},
    "concept_sketches": {"brief": "a gull", "model": "nano-banana"},
    "scene_batch": {"scenes": SCENES, "tier": "production"},
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_service_without_its_key_is_told_once_and_nothing_is_recorded(recipe):
    with pytest.raises(UnsupportedRequest, match=r"^model: \S+ is not ready\. Set ") as caught:
        ik.run(recipe, **RECIPES[recipe])
    assert len(caught.value.faults) == 1
    assert rows("SELECT COUNT(*) FROM runs") == [(0,)]


def test_what_else_is_wrong_is_told_with_it():
    with pytest.raises(ik.errors.InvalidInput) as caught:
        ik.run("concept_sketches", brief="a gull", n=9, model="nano-banana")
    assert [fault.where for fault in caught.value.faults] == ["n", "model"]


def test_a_picture_of_ones_own_needs_no_key(tmp_path):
    picture = ik.generate("two people", size="64x64").picture.save(tmp_path / "own.png")
    assert not ik.run("call_scene", own_picture=picture, model="banana/default").is_default


def test_the_model_that_a_variable_names_is_looked_at_too(monkeypatch):
    monkeypatch.setenv("GEMINI_MODEL", "nano-banana")
    status, out, err = imagegen("sketches", "a fox", "-o", "out")
    assert (status, out) == (2, "")
    assert "is not ready" in err
    assert not Path("out").exists()


def test_a_model_of_an_experiment_without_its_key_leaves_the_others_alone(own_registry):
    model("lab/one")
    run = ik.Experiment(vary={"model": ["lab/one", "nano-banana"]}, fixed={"prompt": "a gull"}).run(progress=False)
    assert run.table().status.tolist() == ["ok", "failed"]

"""A recipe may bring its own policy: it is in force wherever none is named, and nowhere else."""

from __future__ import annotations

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.recipe import brings
from imagegen_kit.errors import Fault, InvalidInput, ProviderError
from tests.engine.models import model

OWN = ik.Policy(attempts=2, placeholder=True, checks={"min_bytes": 10}, clock="simulated")
BUSY = ProviderError("busy", paid=False, retryable=True)


@brings(policy=OWN)
async def patient(job, prompt):
    return await job.images(prompt, model="lab/one")


async def plain(job, prompt):
    return await job.images(prompt, model="lab/one")


def test_it_is_in_force_where_none_is_named():
    script = model("lab/one", *[BUSY] * 9)
    assert ik.run(patient, prompt="a").status == "placeholder"
    assert script.calls == 2


def test_the_one_that_is_named_takes_its_place_whole():
    script = model("lab/one", *[BUSY] * 9)
    assert ik.run(patient, prompt="a", policy=ik.Policy(attempts=1)).status == "failed"
    assert script.calls == 1


def test_other_recipes_are_tried_as_before():
    model("lab/one", *[BUSY] * 9)
    assert ik.run(plain, prompt="a", policy=ik.Policy(clock="simulated")).status == "failed"


def test_an_experiment_takes_it_over_and_a_run_goes_on_with_it():
    model("lab/one", *[BUSY] * 2)
    exp = ik.Experiment(patient, vary={"prompt": ["a"]}, name="patient")
    assert exp.policy == OWN
    run = exp.run(progress=False)
    assert run.table().status.tolist() == ["placeholder"]
    assert ik.open_run(run.id).retry_failed().table().status.tolist() == ["ok"]


@pytest.mark.parametrize(
    "policy",
    [None, OWN.with_(attempts=5, placeholder="sorry.png"), ik.Policy(), ik.Policy(attempts=1)],
    ids=["none", "a changed one", "the default", "another"],
)
def test_an_experiment_file_says_which_policy_is_in_force(tmp_path, policy):
    model("lab/one")
    ik.generate("sorry", model="offline/poster", size=64).save(tmp_path / "sorry.png")
    exp = ik.Experiment(patient, vary={"prompt": ["a"]}, policy=policy)
    exp.to_yaml(tmp_path / "exp.yaml")
    assert ik.Experiment.from_yaml(tmp_path / "exp.yaml").policy == exp.policy == (policy or OWN)


def test_a_file_without_a_policy_leaves_it_to_the_recipe(tmp_path):
    (tmp_path / "exp.yaml").write_text(f"recipe: {__name__}:patient\nvary:\n  prompt: [a]\n")
    assert ik.Experiment.from_yaml(tmp_path / "exp.yaml").policy == OWN
    (tmp_path / "exp.yaml").write_text("vary:\n  prompt: [a]\n")
    assert ik.Experiment.from_yaml(tmp_path / "exp.yaml").policy == ik.Policy()


def no_dragons(params, _registry):
    return [Fault("prompt", "dragons are not drawn here.")] if "dragon" in params.get("prompt", "") else []


@brings(faults=no_dragons)
async def tame(job, prompt, n=1):
    return await job.images([prompt] * n, model="lab/one")


def test_what_it_finds_wrong_is_told_with_all_else_before_anything_is_sent():
    script = model("lab/one")
    with pytest.raises(InvalidInput) as caught:
        ik.run(tame, prompt="a dragon", many=3)
    assert sorted(f.where for f in caught.value.faults) == ["many", "prompt"]
    assert script.calls == 0
    assert ik.run(tame, prompt="a cat").status == "ok"

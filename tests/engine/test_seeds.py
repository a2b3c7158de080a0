"""Seeds pair the models of a comparison; samples tell repeats apart."""

from __future__ import annotations

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import InvalidInput
from tests.engine.models import model, one, rows


def test_no_seed_sends_none():
    script = model()
    one()
    assert script.requests[0].seed is None


def test_the_seed_that_is_sent_is_seed_plus_sample_the_same_for_every_model():
    scripts = [model("lab/one"), model("other/one")]
    for name in ("lab/one", "other/one"):
        ik.generate("a cup", model=name, seed=100, sample=2, n=3)
    assert [[r.seed for r in s.requests] for s in scripts] == [[102, 103, 104]] * 2


def test_pictures_of_one_ask_have_samples_from_the_first_on():
    model()
    answer = ik.generate("a cup", model="lab/one", sample=5, n=3)
    assert [r.request.sample for r in answer] == [5, 6, 7]


def test_picture_i_of_repeat_r_has_sample_first_plus_r_times_n_plus_i():
    script = model()
    exp = ik.Experiment(
        vary={"prompt": ["a cup"]}, fixed={"model": "lab/one", "seed": 10, "sample": 4, "n": 3}, repeats=2
    )
    run = exp.run(progress=False)
    assert [r.request.sample for r in run] == [4, 5, 6, 7, 8, 9]
    assert sorted(r.seed for r in script.requests) == [14, 15, 16, 17, 18, 19]


def test_repeats_of_a_model_that_ignores_seeds_are_bought_one_by_one():
    script = model(can=Capabilities(), seconds=0.02)
    run = ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "lab/one", "seed": 1}, repeats=4).run(
        progress=False
    )
    assert script.calls == 4
    assert {r.status for r in run} == {"ok"}
    assert len({r.artifacts[0].sha256 for r in run}) == 4
    assert run.table().unfair.all()
    assert rows("SELECT COUNT(DISTINCT key) FROM requests") == [(4,)]


def test_a_seed_that_no_service_could_take_with_its_sample_is_refused():
    script = model()
    with pytest.raises(InvalidInput, match="seed"):
        ik.generate("a cup", model="lab/one", seed=2**31 - 1, sample=1)
    assert script.calls == 0


def test_again_makes_the_next_samples():
    script = model()
    answer = ik.generate("a cup", model="lab/one", n=2)
    assert [r.request.sample for r in answer.again()] == [2, 3]
    assert [r.status for r in answer.again(sample=0)] == ["cached", "cached"]
    assert script.calls == 4

"""A plan runs the recipe dry: what it would ask, cost and take, and nothing is sent."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.testing import on_day
from tests.engine.models import model, picture, rows


def test_a_plan_has_one_row_a_cell_and_sends_nothing():
    script = model(price=0.04, typical_seconds=3.0)
    exp = ik.Experiment(vary={"prompt": ["a", "b"], "seed": [1, 2]}, fixed={"model": "lab/one", "n": 2}, repeats=2)
    plan = exp.plan()
    assert len(plan) == len(exp) == 8
    assert plan.columns[:4].tolist() == ["prompt", "seed", "model", "n"]
    assert plan.pictures.tolist() == [2] * 8
    assert plan.estimated_usd.tolist() == pytest.approx([0.08] * 8)
    assert plan.estimated_seconds.tolist() == [6.0] * 8
    assert not plan.lower_bound.any()
    assert script.calls == 0
    assert rows("SELECT COUNT(*) FROM requests") == [(0,)]
    assert rows("SELECT COUNT(*) FROM runs") == [(0,)]


def test_what_is_cached_costs_nothing():
    model(price=0.04)
    ik.generate("a", model="lab/one")
    plan = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"}).plan()
    assert plan.cached.tolist() == [1, 0]
    assert plan.estimated_usd.tolist() == [0.0, 0.04]
    again = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one"}, policy=ik.Policy(cache=False)).plan()
    assert again.estimated_usd.tolist() == [0.04]


def test_an_unknown_price_is_not_available_unless_one_is_assumed():
    model(price=None)
    exp = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one"})
    assert exp.plan().estimated_usd.isna().all()
    assert exp.plan().estimated_seconds.isna().all()
    assert exp.with_(policy=ik.Policy(assume_usd=0.3)).plan().estimated_usd.tolist() == [0.3]
    assert isinstance(exp.plan().estimated_usd.dtype, pd.Float64Dtype)


def test_what_a_model_cannot_honour_or_do_at_all_is_foreseen():
    model("lab/one", can=Capabilities())
    model("able/two")
    exp = ik.Experiment(
        vary={"prompt": ["a"], "model": ["lab/one", "able/two"], "references": [None, picture()]}, fixed={"seed": 3}
    )
    plan = exp.plan()
    assert plan.adaptations.tolist()[0] == "seed 3 ignored"
    assert "takes no reference pictures" in plan.refused[1]
    assert plan.refused.tolist()[2:] == ["", ""]


def test_a_recipe_that_hands_pictures_on_is_planned_to_its_end():
    model(price=0.1)

    async def chain(job, prompt):
        base = await job.image(prompt, model="lab/one")
        edited = await job.edit(base.picture, "older", model="lab/one")
        return await job.images("four", references=edited.pictures, model="lab/one", n=4)

    plan = ik.Experiment(chain, vary={"prompt": ["a"]}).plan()
    assert plan.pictures.tolist() == [6]
    assert plan.estimated_usd.tolist() == pytest.approx([0.6])
    assert not plan.lower_bound.any()


@pytest.mark.parametrize("look", ["image", "bytes", "thumbnail"])
def test_a_recipe_that_looks_at_a_picture_makes_the_plan_a_lower_bound(look):
    model(price=0.1)

    async def branch(job, prompt):
        answer = await job.image(prompt, model="lab/one")
        seen = getattr(answer.picture, look)
        if look == "thumbnail":
            seen()
        return await job.image("more", model="lab/one")

    plan = ik.Experiment(branch, vary={"prompt": ["a"]}).plan()
    assert plan.lower_bound.tolist() == [True]
    assert plan.pictures.tolist() == [2]


def test_a_recipe_that_cannot_go_on_with_stand_ins_is_a_lower_bound():
    model(price=0.1)

    async def fragile(job, prompt):
        answer = await job.image(prompt, model="lab/one")
        raise ValueError(answer.cost)

    plan = ik.Experiment(fragile, vary={"prompt": ["a"]}).plan()
    assert (plan.lower_bound.tolist(), plan.pictures.tolist()) == ([True], [1])


def test_a_plan_says_which_models_will_end_within_thirty_days():
    model("sea/leaving", price=0.02, retires_on=date(2026, 12, 1), replacement="sea/staying")
    exp = ik.Experiment(vary={"prompt": ["a cup"], "model": ["sea/leaving", "offline/poster"]})
    told = exp.with_(policy=ik.Policy(clock=on_day("2026-11-21"))).plan()["notices"]
    assert told.tolist() == ["leaving ends on 2026-12-01, in 10 days; sea/staying takes its place then.", ""]
    early = exp.with_(policy=ik.Policy(clock=on_day("2026-10-01"))).plan()["notices"]
    assert early.tolist() == ["", ""]


def test_a_plan_says_what_a_budget_will_refuse():
    model("sea/priced", price=0.02)
    model("hill/free-of-a-price", price=None)
    vary = {"prompt": ["a cup", "a mug"], "model": ["sea/priced", "hill/free-of-a-price"]}
    notices = ik.Experiment(vary=vary, budget_usd=0.03).plan()["notices"].tolist()
    assert notices[0] == ""
    assert "no price is known" in notices[1]
    assert notices[2] == "the budget of $0.03 may be used up before this cell."
    assert ik.Experiment(vary=vary).plan()["notices"].tolist() == [""] * 4

"""Equal requests at once are one call."""

from __future__ import annotations

import asyncio

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import ProviderError
from imagegen_kit.types import Adaptation
from tests.engine.models import job, model, reply, rows


async def twenty(job, prompt="a cup", model="lab/one"):
    return await asyncio.gather(*(job.images(prompt, model=model) for _ in range(20)))


def test_twenty_equal_requests_at_once_are_one_call():
    script = model(price=0.5, seconds=0.05)
    results = [a.results[0] for a in ik.run(twenty)]
    assert script.calls == 1
    assert sorted(r.status for r in results) == ["cached"] * 19 + ["ok"]
    assert sum(r.cost.usd for r in results) == 0.5
    assert {r.cost.price_usd for r in results} == {0.5}
    assert rows("SELECT status, COUNT(*), SUM(cost_usd) FROM results GROUP BY 1 ORDER BY 1") == [
        ("cached", 19, 0.0),
        ("ok", 1, 0.5),
    ]


def test_who_joined_fails_with_the_one_that_bought_and_nothing_is_called_twice():
    script = model("lab/one", *[ProviderError("broken", paid=False)] * 9, seconds=0.05)
    results = [a.results[0] for a in ik.run(twenty)]
    assert script.calls == 1
    assert {(r.status, r.error) for r in results} == {("failed", "broken")}


def test_who_joined_is_told_what_a_fallback_changed_as_the_one_that_bought():
    model("lab/one", ProviderError("broken", paid=False), can=Capabilities(), seconds=0.05)
    told = (Adaptation("size", "1024x1024", "24x24", "clamped"),)
    second = model("other/two", reply(adaptations=told), price=0.1, can=Capabilities())

    async def three(job, prompt):
        return await asyncio.gather(*(job.images(prompt, model="lab/one", seed=7) for _ in range(3)))

    exp = ik.Experiment(three, vary={"prompt": ["a cup"]}, policy=ik.Policy(fallback="other/two"))
    table = exp.run(progress=False).table()
    assert second.calls == 1
    assert table.status.tolist() == ["fallback"] * 3
    assert sorted(table.cost_usd) == [0, 0, 0.1]
    (words,) = set(table.adaptations)
    assert words.split("\n")[-2:] == ["model lab/one → other/two", "size 1024x1024 → 24x24"]


def test_what_nobody_knows_is_not_bought_again_by_those_who_joined():
    script = model("lab/one", *[ProviderError("lost", paid=None)] * 9, price=0.1, seconds=0.05)
    results = [a.results[0] for a in ik.run(twenty)]
    assert script.calls == 1
    assert {r.status for r in results} == {"unknown"}
    assert sorted(r.cost.usd is None for r in results) == [False] * 19 + [True]


def test_requests_of_different_recipes_and_threads_join_too():
    script = model(seconds=0.1)
    engine = ik.engine.session.default_engine()
    from imagegen_kit.engine.execute import execute
    from imagegen_kit.engine.policy import DEFAULT
    from imagegen_kit.engine.recipe import read_recipe

    recipe = read_recipe(ik.recipes.image)
    futures = [
        engine.background.submit(execute(engine, recipe, {"prompt": "a cup", "model": "lab/one"}, DEFAULT))
        for _ in range(5)
    ]
    statuses = sorted(f.result().status for f in futures)
    assert statuses == ["cached"] * 4 + ["ok"]
    assert script.calls == 1


def test_nobody_gets_a_fallback_or_placeholder_that_another_one_asked_for():
    model("lab/one", *[ProviderError("broken", paid=False)] * 9, seconds=0.05)
    model("other/one")

    async def main():
        return await asyncio.gather(
            ik.arun(ik.recipes.image, prompt="a cup", model="lab/one", policy=ik.Policy(fallback="other/one")),
            ik.arun(ik.recipes.image, prompt="a cup", model="lab/one", policy=ik.Policy(placeholder=True)),
            ik.arun(ik.recipes.image, prompt="a cup", model="lab/one"),
        )

    assert [a.status for a in asyncio.run(main())] == ["fallback", "placeholder", "failed"]


def test_the_budget_of_one_run_does_not_refuse_another_run_that_joined():
    script = model(price=1.0)
    poor = ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "lab/one"}, budget_usd=0.5, name="poor")
    rich = ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "lab/one"}, budget_usd=5, name="rich")
    runs = [poor.start(), rich.start()]
    assert [[r.status for r in run.wait()] for run in runs] == [["failed"], ["ok"]]
    assert script.calls == 1


def test_a_job_goes_on_for_those_who_joined_when_the_first_one_leaves():
    script = model(seconds=0.1)

    async def main():
        first = asyncio.create_task(ik.arun(ik.recipes.image, prompt="a cup", model="lab/one"))
        second = asyncio.create_task(ik.arun(ik.recipes.image, prompt="a cup", model="lab/one"))
        await asyncio.sleep(0.05)
        first.cancel()
        return await second

    assert asyncio.run(main()).status in ("ok", "cached")
    assert script.calls == 1


def test_job_helper_names_are_recorded_once():
    model("lab/one", job("j-9"))
    ik.generate("a cup", model="lab/one")
    assert rows("SELECT job_id, state FROM attempts") == [("j-9", "stored")]

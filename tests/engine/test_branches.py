"""``job.branches``: parts of a recipe that run at once number their requests as it is written, not as it ran."""

from __future__ import annotations

import asyncio

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from tests.engine.models import model, rows

pytestmark = pytest.mark.usefixtures("own_registry")


async def two_parts(job, prompt="a cup", room=2):
    over = asyncio.Event()  # the second part has all its answers before the first one asks

    async def part(own, word):
        if word == "slow":
            await over.wait()
        try:
            return [await own.image(f"{prompt}, {word} {n}", model="lab/one") for n in (1, 2)]
        finally:
            over.set()

    first, second = job.branches([room, room])
    found = await asyncio.gather(part(first, "slow"), part(second, "quick"))
    return [*found, await job.image(prompt, model="lab/one")]


def test_numbers_follow_the_recipe_and_not_the_time():
    script = model()
    ik.run(two_parts)
    assert [r.prompt for r in script.requests[:2]] == ["a cup, quick 1", "a cup, quick 2"]
    told = [(result.step, result.request.prompt) for result in ik.open_run("latest")]
    assert told == [
        (0, "a cup, slow 1"), (1, "a cup, slow 2"), (2, "a cup, quick 1"), (3, "a cup, quick 2"), (4, "a cup"),
    ]  # fmt: skip


def test_numbers_that_are_not_used_stay_out():
    model()
    ik.run(two_parts, room=3)
    assert [step for (step,) in rows("SELECT step FROM requests ORDER BY step")] == [0, 1, 3, 4, 6]


def test_a_part_that_asks_for_more_is_told():
    model()
    with pytest.raises(InvalidInput, match="asks for more answers than it was given numbers for"):
        ik.run(two_parts, room=1)


def test_a_plan_counts_every_part():
    model(price=0.01)
    plan = ik.Experiment(two_parts, vary={"prompt": ["a cup", "a jug"]}).plan()
    assert plan.pictures.tolist() == [5, 5]


async def judged(job, decides=True):
    answer = await job.image("a cup", model="lab/one")
    await job.score(answer, "technical", decides=decides)
    return answer


def test_numbers_on_which_nothing_hangs_leave_a_plan_exact():
    model()
    plan = ik.Experiment(judged, vary={"decides": [True, False]}).plan()
    assert plan.lower_bound.tolist() == [True, False]

"""One recipe, four views: its value, awaitable or not, and its events, asynchronous or not."""

from __future__ import annotations

import asyncio
import inspect
import threading

import pytest

import imagegen_kit as ik
from imagegen_kit.catalog import find_data
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import InvalidInput, ProviderError
from imagegen_kit.types import Completed, Finished, Progress
from tests.engine.models import model

PICTURE = {"prompt": "a", "model": "lab/one"}


async def chatty(job, prompt, model="lab/one"):
    job.emit("before")
    answer = await job.image(prompt, model=model)
    job.emit({"done": answer.status})
    return answer.status


def test_run_returns_the_value_in_a_script():
    model()
    assert ik.run(chatty, prompt="a") == "ok"


def test_run_works_inside_a_running_event_loop():
    model()

    async def cell():
        return ik.run(chatty, prompt="a")

    assert asyncio.run(cell()) == "ok"


def test_arun_works_in_any_loop_and_in_one_after_another():
    script = model()
    assert [asyncio.run(ik.arun(chatty, prompt=p)) for p in "abc"] == ["ok"] * 3
    assert script.calls == 3


def test_stream_yields_events_in_order_and_ends_with_the_value():
    model()
    events = list(ik.stream(chatty, prompt="a"))
    assert [type(e).__name__ for e in events] == ["str", "Completed", "dict", "Finished"]
    assert events[1].result.status == "ok"
    assert events[-1] == Finished("ok")


def test_stream_works_inside_a_running_event_loop():
    model()

    async def cell():
        return [type(e).__name__ for e in ik.stream(chatty, prompt="a")]

    assert asyncio.run(cell())[-1] == "Finished"


def test_astream_yields_the_same_events():
    model()

    async def main():
        return [e async for e in ik.astream(chatty, prompt="a")]

    assert [type(e).__name__ for e in asyncio.run(main())] == ["str", "Completed", "dict", "Finished"]


def test_pictures_come_one_by_one_as_they_end():
    model(seconds=0.02)
    steps = [
        e.step
        for e in ik.stream(ik.recipes.image, **PICTURE, n=4, policy=ik.Policy(concurrency=1))
        if isinstance(e, Completed)
    ]
    assert sorted(steps) == [0, 1, 2, 3]


def test_progress_of_the_provider_is_an_event():
    async def step(script, request, on_progress):
        await on_progress(Progress(0.5, "half"))
        return await script.play(None, request, on_progress)

    model("lab/one", step)
    assert Progress(0.5, "half") in list(ik.stream(ik.recipes.image, **PICTURE))


def test_wrong_arguments_are_told_before_the_first_event():
    with pytest.raises(InvalidInput, match="'promt'"):
        ik.stream(chatty, promt="a")
    with pytest.raises(InvalidInput, match="'promt'"):
        ik.astream(chatty, promt="a")


@pytest.mark.parametrize("view", ["run", "stream"])
def test_what_a_recipe_raises_comes_out_of_every_view(view):
    async def bad(job):
        raise ZeroDivisionError("oops")

    with pytest.raises(ZeroDivisionError, match="oops"):
        ik.run(bad) if view == "run" else list(ik.stream(bad))


def test_blocking_inside_a_recipe_is_refused_instead_of_waiting_for_ever():
    async def nested(job):
        return ik.run(chatty, prompt="a")

    model()
    with pytest.raises(RuntimeError, match="await the job's verbs"):
        ik.run(nested)


def test_two_threads_may_run_recipes_at_once():
    script = model(seconds=0.05)
    found = []
    threads = [
        threading.Thread(target=lambda p=p: found.append(ik.run(chatty, prompt=p))) for p in ("a", "b", "c", "d")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["ok"] * 4
    assert script.calls == 4
    assert len({id(default_engine())}) == 1


def test_a_function_of_a_notebook_may_itself_ask_for_pictures():
    model()

    @ik.register(model="me/twice", version="1")
    def twice(request):
        return ik.generate(request.prompt, model="lab/one").image

    assert ik.generate("a", model="me/twice").status == "ok"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (lambda job: None, "not a recipe"),
        ("nothing_like_it", "cannot be loaded"),
        (42, "not a recipe"),
    ],
    ids=["function", "name", "number"],
)
def test_what_is_no_recipe_is_refused(recipe, words):
    with pytest.raises(ik.errors.ImagegenError, match=words):
        ik.run(recipe)


@pytest.mark.parametrize("name", ["policy", "engine", "status", "cost_usd", "cell", "path"])
def test_a_recipe_may_not_name_a_parameter_like_a_column(name):
    space: dict = {}
    exec(f"async def recipe(job, {name}): ...", space)
    with pytest.raises(InvalidInput, match=name):
        ik.Experiment(space["recipe"], vary={name: [1]})


def test_a_recipe_takes_a_job_first():
    async def recipe(prompt): ...

    with pytest.raises(InvalidInput, match="job"):
        ik.run(recipe, prompt="a")


def test_missing_and_unknown_parameters_are_told_together():
    with pytest.raises(InvalidInput) as caught:
        ik.run(chatty, promt="a", modle="b")
    assert [f.where for f in caught.value.faults] == ["promt", "modle", "prompt"]


def test_the_store_failing_is_one_plain_error_not_a_group(monkeypatch):
    model()
    from imagegen_kit.errors import StoreError

    async def several(job):
        job._engine.store.journal._failure = StoreError("the disk is full")
        return await job.images("a", model="lab/one", n=3)

    ik.generate("a", model="lab/one", n=3)
    with pytest.raises(StoreError, match="disk is full"):
        ik.run(several)


# judge_pair asks a text model: tests/experiments/judging holds that the same judgement asks the same
RECIPES = [n for n in ik.recipes.__all__ if inspect.iscoroutinefunction(getattr(ik.recipes, n)) and n != "judge_pair"]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_deterministic_given_its_pictures(name):
    shots = [{"name": where, "prompt": f"the dog in {where}", "references": ["dog"]} for where in ("a wood", "a house")]
    dog = {"image": str(find_data("references/pictures/wizard-dog.webp"))}
    story = {
        "keyframe_settings": {"size": "64x64", "reference_images": {"characters": {"dog": dog}}},
        "segments": shots,
    }
    examples = {
        "avatars": {"persona": {"firstname": "Mira", "lastname": "Holm", "gender": "woman"}, "size": 256, "seed": 1},
        "call_scene": {"caller_name": "Ada", "seed": 1, "call_id": "c", "reuse": "call"},
        "concept_sketches": {"brief": "a fox mascot", "size": 64, "n": 3, "auto_fix": True},
        "film": {"prompt": "a cup", "size": "64x64", "duration": 1},
        "image": {"prompt": "a cup", "model": "offline/poster", "size": 64, "n": 2},
        "keyframes": {"story": story, "film_model": "none"},
        "scene_batch": {"scenes": [{"image_create_prompt": "fog"}, {"image_create_prompt": "rain"}], "size": "64x64"},
    }
    recipe = getattr(ik.recipes, name)
    keys = []
    for _ in range(2):
        ik.run(recipe, **examples[name])
        keys.append([r.key for r in ik.open_run("latest")])
    assert keys[0] == keys[1]
    assert len(keys[0]) >= (1 if name in ("call_scene", "film") else 2)


def test_failures_of_a_batch_do_not_stop_the_stream():
    model("lab/one", ProviderError("no", paid=False))
    events = list(ik.stream(ik.recipes.image, **PICTURE, n=2))
    assert sorted(e.result.status for e in events if isinstance(e, Completed)) == ["failed", "ok"]

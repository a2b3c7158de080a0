"""``job.derive``: what a recipe makes of its pictures stays in the run, with its parents, and is made once."""

from __future__ import annotations

import json

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import ImagegenError, InvalidInput, ProviderError
from imagegen_kit.scorers.sketch.fix import auto_fix
from imagegen_kit.types import Completed
from tests.engine.models import model, picture, rows

CALLS = []


def halves(whole):
    """Return the left and the right half."""
    CALLS.append(whole.sha256)
    image, middle = whole.image, whole.width // 2
    return [image.crop((0, 0, middle, whole.height)), image.crop((middle, 0, whole.width, whole.height))]


def joined(left, right, gap=0):
    image = Image.new("RGB", (left.width + gap + right.width, left.height))
    image.paste(left.image, (0, 0))
    image.paste(right.image, (left.width + gap, 0))
    return image


def broken(_):
    raise InvalidInput("this cannot be cut")


SIDES = [{"variant": "left"}, {"variant": "right"}]


async def cut(job, prompt="a red kite", model="lab/one", function=None):
    whole = await job.image(prompt, model=model, labels={"scene": 3})
    return whole, await job.derive(whole, function or halves, n=2, labels=SIDES)


async def cut_only(job, prompt="a red kite", model="lab/one"):
    return (await cut(job, prompt, model))[1]


async def cut_broken(job, prompt="a red kite", model="lab/one"):
    return await cut(job, prompt, model, broken)


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def test_what_is_made_comes_in_order_and_lies_in_the_store():
    model()
    _, made = ik.run(cut)
    assert [(p.width, p.height) for p in made.pictures] == [(12, 24), (12, 24)]
    assert [r.status for r in made.results] == ["ok", "ok"]
    assert all(default_engine().store.blobs.size(p.sha256, "png") for p in made.pictures)


def test_it_is_free_and_stands_under_the_request_of_its_parent():
    model(price=0.04)
    whole, made = ik.run(cut)
    assert {(r.cost.usd, r.cost.basis) for r in made.results} == {(0.0, "derived")}
    assert {r.request.prompt for r in made.results} == {"a red kite"}
    assert [r.request.labels["variant"] for r in made.results] == ["left", "right"]
    assert {r.request.labels["scene"] for r in made.results} == {3}
    assert {r.model_used for r in made.results} == {whole.results[0].model_used}


def test_parents_are_recorded_in_result_journal_and_saved_file(tmp_path):
    model()
    whole, made = ik.run(cut)
    parent = whole.picture.sha256
    assert [r.artifacts[0].parents for r in made.results] == [(parent,)] * 2
    sha256 = made.pictures[0].sha256
    assert rows("SELECT parents FROM artifacts WHERE sha256 = ?", sha256) == [(json.dumps([parent]),)]
    saved = ik.Picture.open(made.pictures[0].save(tmp_path / "left.png"))
    assert saved.request["parents"] == [parent, sha256]
    assert saved.request["derived_by"] == "halves"


def test_the_table_has_one_row_a_picture():
    model(price=0.04)
    run = ik.Experiment(cut_only, vary={"prompt": ["a", "bb"]}).run(progress=False)
    table = run.table()
    assert table.step.tolist() == [0, 1, 2] * 2
    assert table.variant.fillna("").tolist() == ["", "left", "right"] * 2
    assert table.cost_usd.tolist() == [0.04, 0.0, 0.0] * 2
    assert table.attempts.tolist() == [1, 0, 0] * 2
    assert table.sha256.notna().all()


def test_a_run_reads_them_back_with_their_parents():
    model()
    run = ik.Experiment(cut_only, vary={"prompt": ["a"]}).run(progress=False)
    whole, left, right = run
    assert left.artifacts[0].parents == right.artifacts[0].parents == (whole.artifacts[0].sha256,)


def test_times_of_the_model_are_not_mixed_with_those_of_cutting():
    model(seconds=0.01)
    run = ik.Experiment(cut_only, vary={"prompt": ["a"]}).run(progress=False)
    assert run.summary(by="prompt").timed.tolist() == [1]
    assert run.table().seconds_derive.notna().tolist() == [False, True, True]


def test_a_recipe_that_is_run_again_gets_what_was_made_and_makes_nothing():
    script = model("lab/one", None, None, ProviderError("busy", paid=False, retryable=False))

    async def stumbling(job, prompt, model="lab/one"):
        _, made = await cut(job, prompt, model)
        await job.image(f"{prompt} later", model=model)
        return made

    exp = ik.Experiment(stumbling, vary={"prompt": ["a", "bb"]}, policy=ik.Policy(concurrency=1, attempts=1))
    run = exp.run(progress=False)
    before = [r.artifacts[0].sha256 for r in run if "derived" in r.request.labels]
    assert (script.calls, len(CALLS)) == (4, 2)
    run.retry_failed()
    run.wait()
    assert (script.calls, len(CALLS)) == (5, 2)
    assert [r.artifacts[0].sha256 for r in run if "derived" in r.request.labels] == before
    assert run.table().status.tolist() == ["ok"] * 8


def test_a_failure_of_the_function_is_a_value_that_keeps_the_parent():
    model()
    whole, made = ik.run(cut_broken)
    assert whole.picture.width == 24
    assert [(r.status, r.error_type) for r in made.results] == [("failed", "InvalidInput")] * 2
    assert "this cannot be cut" in made.results[0].error
    assert isinstance(made.failure(), InvalidInput)


def test_a_failure_is_in_the_table_and_made_anew_by_retry_failed():
    script = model()
    run = ik.Experiment(cut_broken, vary={"prompt": ["a"]}).run(progress=False)
    assert run.table().status.tolist() == ["ok", "failed", "failed"]
    run.retry_failed()
    run.wait()
    assert run.table().status.tolist() == ["ok", "failed", "failed"]
    assert script.calls == 1


def test_nothing_is_made_of_a_picture_that_did_not_come():
    model("lab/one", ProviderError("busy", paid=False, retryable=False))

    async def all_the_same(job):
        return await job.derive(await job.images("a", model="lab/one"), halves, n=2)

    with pytest.raises(ProviderError, match="busy"):
        ik.run(all_the_same, policy=ik.Policy(attempts=1))
    assert CALLS == []


def test_several_pictures_become_one():
    model()

    async def pair(job):
        two = await job.images(["a", "bb"], model="lab/one")
        return two, await job.derive(two, joined, gap=4)

    two, one = ik.run(pair)
    assert one.picture.width == 52
    assert one.results[0].artifacts[0].parents == tuple(p.sha256 for p in two.pictures)


def test_pictures_from_elsewhere_may_be_given():
    async def mine(job):
        return await job.derive([picture(1), picture(2)], joined)

    made = ik.run(mine)
    assert made.results[0].model_used == "joined"
    assert len(made.results[0].artifacts[0].parents) == 2


def test_a_placeholder_gives_placeholders():
    model("lab/one", ProviderError("busy", paid=False, retryable=False))
    _, made = ik.run(cut, policy=ik.Policy(attempts=1, placeholder=True))
    assert [r.status for r in made.results] == ["placeholder"] * 2


def test_the_steps_of_auto_fix_are_kept():
    async def sketch(job):
        drawn = await job.image("a red cup", model="offline/collage", size=256)
        fixed = await job.derive(drawn, auto_fix, labels={"variant": "fixed"})
        return drawn, fixed

    drawn, fixed = ik.run(sketch)
    steps = fixed.results[0].request.labels["derived"]["steps"]
    assert steps == [step.to_plain() for step in auto_fix(drawn.picture).steps]
    assert fixed.picture.request["steps"] == steps
    assert fixed.picture.request["parents"] == [drawn.picture.sha256]


def test_they_are_streamed_as_they_come():
    model()
    steps = [e.step for e in ik.stream(cut) if isinstance(e, Completed)]
    assert steps == [0, 1, 2]


def test_they_can_be_measured():
    model()

    async def measured(job):
        return await job.score((await cut(job))[1], ["technical"])

    found = ik.run(measured)
    assert len(found) == 2
    assert rows("SELECT COUNT(DISTINCT request) FROM request_scores") == [(2,)]


def test_a_plan_makes_nothing_and_foresees_what_is_asked_of_models():
    script = model(price=0.04)
    plan = ik.Experiment(cut_only, vary={"prompt": ["a"]}).plan()
    assert plan.estimated_usd.tolist() == [0.04]
    assert plan.pictures.tolist() == [1]
    assert not plan.lower_bound.any()
    assert (script.calls, CALLS) == (0, [])


def test_a_bundle_holds_them_and_replays_them(tmp_path):
    script = model()
    run = ik.Experiment(cut_only, vary={"prompt": ["a"]}, name="cuts").run(progress=False)
    before = [r.artifacts[0].bytes for r in run]
    bundle = run.export(tmp_path / "run.zip")
    ik.configure(store=tmp_path / "another-store")
    assert [r.artifacts[0].bytes for r in ik.open_run(bundle)] == before
    ik.configure(replay=str(bundle))
    again = ik.Experiment(cut_only, vary={"prompt": ["a"]}, name="cuts").run(progress=False)
    assert [r.artifacts[0].bytes for r in again] == before
    assert (script.calls, len(CALLS)) == (1, 1)


def test_a_single_call_is_replayed_without_making_anything(tmp_path):
    model()
    whole, made = ik.run(cut)
    bundle = ik.open_run("latest").export(tmp_path / "call.zip")
    ik.configure(store=tmp_path / "another-store", replay=str(bundle))
    again_whole, again = ik.run(cut)
    assert again_whole.picture.sha256 == whole.picture.sha256
    assert [p.sha256 for p in again.pictures] == [p.sha256 for p in made.pictures]
    assert len(CALLS) == 1


def test_clean_up_leaves_what_a_run_shows_and_its_parents():
    model()
    ik.Experiment(cut_only, vary={"prompt": ["a"]}).run(progress=False)
    listed = default_engine().store.clean(older_than="0s")
    assert len(listed) == 2  # the halves of an even picture are the same bytes
    assert not listed.goes.any()


def test_every_fault_is_said_at_once():
    model()

    async def wrong(job):
        return await job.derive([], halves, n=2, labels=[{}])

    with pytest.raises(InvalidInput) as caught:
        ik.run(wrong)
    assert [f.where for f in caught.value.faults] == ["pictures", "labels"]
    assert isinstance(caught.value, ImagegenError)


def test_a_function_that_makes_another_number_is_told_so():
    model()

    async def three(job):
        return await job.derive(await job.image("a", model="lab/one"), halves, n=3)

    with pytest.raises(TypeError, match="made 2 pictures, and n is 3"):
        ik.run(three)


def test_after_a_new_start_the_run_shows_the_same():
    model()
    run = ik.Experiment(cut_only, vary={"prompt": ["a"]}).run(progress=False)
    hashes, id = [r.artifacts[0].sha256 for r in run], run.id
    close_default_engine()
    assert [r.artifacts[0].sha256 for r in ik.open_run(id)] == hashes

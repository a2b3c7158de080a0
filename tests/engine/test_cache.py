"""The same request is free after its first use, and anything that changes the pixels is another request."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import ContentBlocked, CorruptArtifact, ProviderError
from imagegen_kit.types import Adaptation, Reference
from tests.engine.models import model, one, picture, reply, rows


def test_the_same_request_is_free_the_second_time_and_calls_nobody():
    script = model(price=0.04)
    first, second = one(), one()
    assert script.calls == 1
    assert (first.status, first.cost.usd) == ("ok", 0.04)
    assert (second.status, second.cost.usd, second.cost.price_usd) == ("cached", 0.0, 0.04)
    assert second.artifacts == first.artifacts
    assert second.seconds is None
    assert second.attempts == ()


@pytest.mark.parametrize(
    "change",
    [
        {"size": (64, 32)},
        {"seed": 4},
        {"sample": 1},
        {"quality": "high"},
        {"negative_prompt": "rain"},
        {"mood": "calm"},
        {"prompt": "a Cup"},
        {"style": ik.Style("noir", text="film noir")},
    ],
    ids=lambda c: next(iter(c)),
)
def test_another_request_is_bought(change):
    script = model()
    one(seed=3)
    again = one(**{"seed": 3, **change})
    assert again.status == "ok"
    assert script.calls == 2


@pytest.mark.parametrize(
    "other",
    [{"name": "lab/two"}, {"origin": "simulated:elsewhere"}, {"version": "2"}],
    ids=["model", "origin", "version"],
)
def test_the_picture_of_another_model_origin_or_version_is_another_picture(other):
    model()
    one()
    script = model(**other)
    assert one(model=other.get("name", "lab/one")).status == "ok"
    assert script.calls == 1


def test_a_model_without_a_version_is_never_cached():
    script = model(version=None)
    assert [one().status, one().status] == ["ok", "ok"]
    assert script.calls == 2


def test_cache_off_buys_again_and_what_it_bought_is_what_is_cached_from_then_on():
    script = model()
    first = one()
    second = one(policy=ik.Policy(cache=False))
    assert (second.status, script.calls) == ("ok", 2)
    assert second.artifacts != first.artifacts
    assert one().artifacts == second.artifacts


@pytest.mark.parametrize("spoil", [Path.unlink, lambda p: p.write_bytes(b""), lambda p: os.truncate(p, 20)])
def test_a_picture_that_cost_money_and_is_lost_is_not_bought_again_by_itself(spoil):
    script = model(price=0.04)
    spoil(Path(one().artifacts[0].path))
    again = one()
    assert (again.status, again.error_type, again.cost.usd, script.calls) == ("failed", "CorruptArtifact", 0.0, 1)
    assert "Policy(cache=False)" in again.error
    assert "imagegen doctor --give-up" in again.error
    assert isinstance(again.exception, CorruptArtifact)
    assert (one(policy=ik.Policy(cache=False)).status, one().status, script.calls) == ("ok", "cached", 2)


def test_a_free_picture_that_is_lost_is_made_again_once():
    script = model(price=0.0)
    Path(one().artifacts[0].path).unlink()
    assert (one().status, one().status, script.calls) == ("ok", "cached", 2)


def test_a_fallback_whose_picture_is_lost_is_not_bought_again_either():
    model("lab/one", *[ProviderError("no", paid=False)] * 2)
    script = model("rival/two", price=0.04)
    fall_back = ik.Policy(attempts=1, fallback=["rival/two"])
    Path(one(policy=fall_back).artifacts[0].path).unlink()
    assert (one(policy=fall_back).status, script.calls) == ("failed", 1)


def test_a_plan_counts_a_picture_that_clean_up_removed_as_one_to_be_bought():
    model(price=0.04)
    made = one()
    plan = ik.Experiment(vary={"prompt": ["a cup"], "model": ["lab/one"]}).plan
    assert float(plan()["estimated_usd"].sum()) == 0
    default_engine().store.journal.write([("UPDATE artifacts SET removed_at = '2026-01-01'", ())]).result()
    Path(made.artifacts[0].path).unlink()
    assert float(plan()["estimated_usd"].sum()) == pytest.approx(0.04)
    assert one().status == "ok"


def test_an_older_picture_serves_where_the_newest_file_is_gone():
    script = model()
    first = one()
    Path(one(policy=ik.Policy(cache=False)).artifacts[0].path).unlink()
    assert one().artifacts == first.artifacts
    assert script.calls == 2


@pytest.mark.parametrize(
    "failure",
    [ProviderError("no", paid=False), ContentBlocked("no"), b"no picture"],
    ids=["failed", "blocked", "unsound"],
)
def test_a_failure_is_never_cached(failure):
    script = model("lab/one", failure)
    assert not one().ok
    assert one().status == "ok"
    assert script.calls == 2


def test_a_placeholder_is_never_cached():
    script = model("lab/one", ProviderError("no", paid=False))
    assert one(policy=ik.Policy(placeholder=True)).status == "placeholder"
    assert one().status == "ok"
    assert script.calls == 2


def test_references_are_known_by_their_bytes_and_role_not_by_name_or_path(tmp_path):
    script = model()
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture(1))
    (tmp_path / "c.png").write_bytes(picture(2))
    assert one(references=tmp_path / "a.png").status == "ok"
    assert one(references=tmp_path / "b.png").status == "cached"
    assert one(references=Reference(tmp_path / "a.png", name="mug")).status == "cached"
    assert one(references=tmp_path / "c.png").status == "ok"
    assert one(references=Reference(tmp_path / "a.png", role="style")).status == "ok"
    assert one(references=tmp_path / "a.png", mask=tmp_path / "c.png").status == "ok"
    assert script.calls == 4


def test_labels_and_policy_do_not_change_the_key():
    script = model()
    one()
    assert one(policy=ik.Policy(attempts=1, timeout_s=9, concurrency=1)).status == "cached"

    async def labelled(job):
        return await job.image("a cup", model="lab/one", labels={"scene": 3})

    assert ik.run(labelled).status == "cached"
    assert script.calls == 1


def test_a_cached_picture_must_pass_the_checks_that_are_demanded_now():
    script = model()
    one()
    strict = ik.Policy(checks={"min_bytes": 10**6})
    refused = one(policy=strict)
    assert (refused.status, refused.error_type, script.calls) == ("failed", "CheckFailed", 2)
    assert one(policy=ik.Policy(checks={"min_bytes": 10})).status == "cached"


def test_what_the_service_told_of_its_answer_stays_with_the_cached_picture():
    told = Adaptation("seed", 3, 9, "changed")
    model("lab/one", reply(adaptations=(told,), model_used="newer"))
    first, cached = one(), one()
    assert [str(n) for n in first.adaptations] == ["seed 3 → 9", "model lab/one → newer"]
    assert [str(n) for n in cached.adaptations] == ["seed 3 → 9", "model lab/one → newer"]
    assert all(n.unfair for n in cached.adaptations)
    assert rows("SELECT same_model, told_unfair FROM results") == [(0, 1), (0, 1)]
    table = ik.open_run("latest").table()
    assert table.adaptations[0] == "seed 3 → 9\nmodel lab/one → newer"
    assert bool(table.unfair[0])


def test_an_answer_under_the_models_own_short_name_is_no_other_model():
    model("lab/one", reply(model_used="one"))
    assert one().adaptations == ()
    assert rows("SELECT same_model FROM results") == [(1,)]

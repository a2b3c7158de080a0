"""Fallbacks and placeholders are off unless asked, and never pass for the model that was asked."""

from __future__ import annotations

import pandas as pd
import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.engine.reuse import Remembered
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import ContentBlocked, InvalidInput, OutcomeUnknown, ProviderError
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.types import Adaptation
from tests.engine.models import job, ledger, model, one, picture, reply, rows

BROKEN = ProviderError("broken", paid=False)
TO_TWO = ik.Policy(fallback="other/two")


def test_without_being_asked_a_failure_stays_a_failure():
    model("lab/one", BROKEN)
    second = model("other/two")
    assert one().status == "failed"
    assert second.calls == 0


def test_a_fallback_is_bought_under_its_own_name_key_and_price():
    model("lab/one", BROKEN, price=0.5)
    second = model("other/two", price=0.1)
    result = one(policy=TO_TWO)
    assert (result.status, result.request.model, result.model_used) == ("fallback", "lab/one", "other/two")
    assert (result.cost.usd, result.cost.price_usd) == (0.1, 0.1)
    assert second.calls == 1
    direct = one(model="other/two")
    assert (direct.status, direct.key, direct.artifacts) == ("cached", result.key, result.artifacts)
    assert rows("SELECT model, state FROM attempts ORDER BY id") == [("lab/one", "failed"), ("other/two", "stored")]


@pytest.mark.parametrize("again", [False, True], ids=["in one process", "from the journal"])
def test_a_picture_that_once_stood_in_is_plain_for_whoever_asks_its_own_model(again):
    model("lab/one", BROKEN, BROKEN, can=Capabilities())
    told = (Adaptation("size", "1024x1024", "24x24", "clamped"),)
    model("other/two", reply(adaptations=told), price=0.1, can=Capabilities())
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one", "seed": 7}, policy=TO_TWO)
    assert run.run(progress=False).table().status.tolist() == ["fallback"]
    if again:
        default_engine().remembered = Remembered()
    later = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "other/two", "seed": 7}).run(progress=False)
    row, summary = later.table().iloc[0], later.summary().iloc[0]
    assert (row.status, row.price_usd, row.model_used) == ("cached", 0.1, "other/two")
    assert row.adaptations.split("\n") == ["seed 7 ignored", "size 1024x1024 → 24x24"]
    assert (summary.ok, summary.success, summary.price_usd) == (0, 1.0, 0.1)
    # whoever falls back to it later is told of his own model alone
    other = ik.Experiment(
        vary={"prompt": ["a"]}, fixed={"model": "lab/one", "seed": 7}, policy=TO_TWO, name="once more"
    ).run(progress=False)
    row = other.table().iloc[0]
    assert (row.status, row.adaptations.count("model lab/one → other/two")) == ("fallback", 1)


def test_the_model_that_failed_is_asked_again_next_time():
    first = model("lab/one", BROKEN)
    model("other/two")
    one(policy=TO_TWO)
    assert one(policy=TO_TWO).status == "ok"
    assert first.calls == 2


def test_a_fallback_that_is_in_the_cache_costs_nothing():
    model("lab/one", BROKEN)
    second = model("other/two", price=0.1)
    one(model="other/two")
    result = one(policy=TO_TWO)
    assert (result.status, result.cost.usd, result.cost.price_usd, second.calls) == ("fallback", 0.0, 0.1, 1)


def test_what_the_first_model_may_have_cost_is_part_of_the_rows_cost():
    model("lab/one", ProviderError("lost", paid=None), price=0.5)
    model("other/two", price=0.1)
    result = one(policy=TO_TWO)
    assert (result.status, result.cost.usd, result.cost.price_usd) == ("fallback", None, 0.1)
    assert ledger() == [("unknown", 0.5, None), ("settled", 0.1, 0.1)]


def test_when_all_fail_the_row_tells_of_the_first_and_costs_what_all_cost():
    model("lab/one", b"rubbish", price=0.5)
    model("other/two", b"rubbish", price=0.1)
    result = one(policy=TO_TWO)
    assert (result.status, result.error_type) == ("failed", "InvalidReply")
    assert "lab/one" in str(result.exception.model)
    assert result.cost.usd == pytest.approx(0.6)
    assert len(result.attempts) == 2
    assert rows("SELECT COUNT(*) FROM requests") == [(1,)]


def test_fallbacks_are_asked_in_order():
    model("lab/one", ContentBlocked("no"))
    model("other/two", BROKEN)
    third = model("more/three")
    result = one(policy=ik.Policy(fallback=("other/two", "more/three")))
    assert (result.model_used, third.calls) == ("more/three", 1)


def test_a_fallback_is_counted_but_not_in_success_latency_or_price():
    model("lab/one", BROKEN, price=0.5)
    model("other/two", price=0.1)
    run = ik.Experiment(
        vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"}, policy=TO_TWO.with_(concurrency=1)
    ).run(progress=False)
    table, summary = run.table(), run.summary()
    assert table.model.tolist() == ["lab/one", "lab/one"]
    assert sorted(table.model_used) == ["lab/one", "other/two"]
    assert summary.index.tolist() == ["lab/one"]
    row = summary.loc["lab/one"]
    assert (row.pictures, row.ok, row.fallback, row.timed, row.success, row.price_usd) == (2, 1, 1, 1, 0.5, 0.5)
    assert row.cost_usd == pytest.approx(0.6)


def test_a_fallback_that_nobody_knows_is_refused_before_anything_runs():
    script = model()
    for start in (
        lambda policy: ik.generate("a", model="lab/one", policy=policy),
        lambda policy: ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one"}, policy=policy),
    ):
        with pytest.raises(InvalidInput, match=r"fallback: no model is called 'lab/ona'. Did you mean 'lab/one'"):
            start(ik.Policy(fallback="lab/ona"))
    assert script.calls == 0


def test_a_fallbacks_job_is_never_collected_at_the_first_model():
    model("lab/one", BROKEN, resumable=True)
    model("other/two", job("j-2"), price=0.1)
    one(policy=TO_TWO)
    assert rows("SELECT model, job_id FROM attempts ORDER BY id") == [("lab/one", None), ("other/two", "j-2")]


def test_a_placeholder_is_marked_free_of_charge_and_keeps_the_error():
    model("lab/one", BROKEN, price=0.5)
    result = one(policy=ik.Policy(placeholder=True), size=(320, 160))
    assert (result.status, result.cost.usd, result.error, result.model_used) == ("placeholder", 0.0, "broken", None)
    drawn = Picture.open(result.artifacts[0].path)
    assert (drawn.width, drawn.height) == (320, 160)
    assert len(drawn.image.getcolors(10**6)) > 2  # there are words on it
    table = ik.open_run("latest").table()
    assert table.status.tolist() == ["placeholder"]
    summary = ik.open_run("latest").summary()
    assert (summary.placeholder.iloc[0], summary.success.iloc[0], summary.timed.iloc[0]) == (1, 0.0, 0)


def test_a_run_tells_placeholders_from_failures_as_its_summary_does():
    model("lab/one", BROKEN, BROKEN, price=0.5)
    model("other/two", picture(1), picture(2), price=0.5)
    vary = {"prompt": ["a kite"], "model": ["lab/one", "other/two"]}
    runs = [
        ik.Experiment(vary=vary, policy=ik.Policy(placeholder=given)).run(progress=False, fresh=True)
        for given in (True, False)
    ]
    assert [repr(run) for run in runs] == [
        "Run(2 of 2 cells, 1 with a placeholder)", "Run(2 of 2 cells, 1 failed)"
    ]  # fmt: skip
    assert [run.summary()[["placeholder", "failed"]].sum().tolist() for run in runs] == [[1, 0], [0, 1]]


def test_a_placeholder_may_be_a_picture_of_ones_own(tmp_path):
    script = model("lab/one", BROKEN, price=0.5)
    (tmp_path / "sorry.png").write_bytes(picture(7))
    policy = ik.Policy(placeholder=tmp_path / "sorry.png")
    result = one(policy=policy, size=(320, 160))
    assert (result.status, result.cost.usd, result.error) == ("placeholder", 0.0, "broken")
    assert Picture.open(result.artifacts[0].path).bytes == picture(7)
    assert policy == ik.Policy(placeholder=str(tmp_path / "sorry.png"))
    assert one(policy=policy, size=(320, 160)).status == "ok"  # it was not cached
    assert script.calls == 2


def test_a_placeholder_that_has_gone_since_is_drawn(tmp_path):
    def vanish(script, request, on_progress):
        (tmp_path / "sorry.png").unlink()
        raise BROKEN

    model("lab/one", vanish)
    (tmp_path / "sorry.png").write_bytes(picture(7))
    result = one(policy=ik.Policy(placeholder=tmp_path / "sorry.png"), size=(320, 160))
    assert (result.status, result.artifacts[0].width) == ("placeholder", 320)


def test_a_placeholder_that_is_no_picture_is_refused_before_anything_is_sent(tmp_path):
    script = model("lab/one")
    (tmp_path / "notes.png").write_text("no picture")
    for path in ("notes.png", "missing.png"):
        with pytest.raises(InvalidInput, match="placeholder"):
            one(policy=ik.Policy(placeholder=path))
    assert script.calls == 0


def test_generate_returns_a_placeholder_where_the_policy_asks_for_one():
    model("lab/one", BROKEN)
    answer = ik.generate("a", model="lab/one", policy=ik.Policy(placeholder=True))
    assert answer.status == "placeholder"
    assert answer.picture.width == 1024


def test_a_placeholder_comes_after_the_fallbacks():
    model("lab/one", BROKEN)
    model("other/two", BROKEN)
    assert one(policy=TO_TWO.with_(placeholder=True)).status == "placeholder"


def test_a_picture_that_fails_a_demanded_check_is_paid_kept_and_no_success():
    model(price=0.5)
    policy = ik.Policy(checks={"min_bytes": 10**6})
    result = one(policy=policy)
    assert (result.status, result.error_type, result.cost.usd) == ("failed", "CheckFailed", 0.5)
    assert Picture.open(result.artifacts[0].path).width == 24
    assert [(c.name, c.passed) for c in result.checks] == [("min_bytes", False)]
    assert ledger() == [("settled", 0.5, 0.5)]
    assert rows("SELECT name, passed FROM checks") == [("min_bytes", 0)]
    with pytest.raises(ik.errors.CheckFailed, match="min_bytes"):
        ik.generate("another", model="lab/one", policy=policy)
    assert one().status == "ok"  # a failed picture is not in the cache


def test_checks_that_pass_are_recorded():
    model()
    assert [c.passed for c in one(policy=ik.Policy(checks=["format"])).checks] == [True]


@pytest.mark.parametrize(
    "checks", [["nonsense"], {"min_bytes": "lots"}, ["format", "grayscale"]], ids=["unknown", "limit", "misspelt"]
)
def test_checks_that_do_not_exist_are_refused_before_anything_is_paid(checks):
    script = model(price=0.5)
    with pytest.raises(InvalidInput):
        ik.Policy(checks=checks)
    style = ik.Style("odd", checks=checks if isinstance(checks, dict) else dict.fromkeys(checks))
    with pytest.raises(InvalidInput, match="style odd"):
        one(style=style)
    assert script.calls == 0


def test_a_style_measures_its_checks_without_demanding_them():
    model()
    result = one(style=ik.Style("grey", checks={"min_bytes": 10**6}))
    assert result.status == "ok"
    assert [(c.name, c.passed) for c in result.checks] == [("min_bytes", False)]


def test_what_may_have_been_paid_before_a_retry_stays_in_the_costs():
    model("lab/one", OutcomeUnknown("lost"), price=0.04)
    run = ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "lab/one"}).run(progress=False)
    assert run.costs()["unknown_costs"].tolist() == [1]
    run.retry_failed()
    costs, summary = run.costs().iloc[0], run.summary().iloc[0]
    assert (costs["pictures"], costs["bought"], costs["unknown_costs"]) == (1, 1, 1)
    assert costs["known_cost_usd"] == pytest.approx(0.04)
    assert pd.isna(costs["cost_usd"])
    assert (summary["ok"], summary["failed"], summary["success"]) == (1, 0, 1.0)
    assert ik.usage()["unknown_costs"].tolist() == [1]


def test_a_known_price_of_a_fallback_counts_although_the_first_model_may_have_been_paid_too():
    model("lab/one", OutcomeUnknown("lost"), price=0.04)
    model("sea/two", price=0.01)
    policy = ik.Policy(fallback="sea/two")
    run = ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "lab/one"}, policy=policy).run(progress=False)
    costs, row = run.costs().iloc[0], run.table().iloc[0]
    assert costs["known_cost_usd"] == pytest.approx(0.01)
    assert costs["unknown_costs"] == 1
    assert row["unfair"]
    assert "model lab/one → sea/two" in row["adaptations"]

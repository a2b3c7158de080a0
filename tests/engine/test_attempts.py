"""Only what is known to be unpaid is tried again; what may be paid is looked up or stays unknown."""

from __future__ import annotations

import asyncio

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    InvalidReply,
    NoPictureReturned,
    ProviderError,
    RateLimited,
    RequestTimeout,
    ServiceUnavailable,
)
from imagegen_kit.types import Reply
from tests.engine.models import Watch, hang, job, ledger, model, one, picture, reply, rows

QUICK = ik.Policy(clock="simulated")


def test_what_is_unpaid_and_retryable_is_tried_again_up_to_attempts():
    script = model("lab/one", *[ServiceUnavailable("busy")] * 9, price=0.1)
    result = one(policy=QUICK.with_(attempts=4))
    assert (result.status, script.calls, result.cost.usd) == ("failed", 4, 0.0)
    assert [a.state for a in result.attempts] == ["failed"] * 4
    assert ledger() == [("released", 0.1, None)] * 4


def test_a_later_attempt_that_succeeds_is_one_picture_at_one_price():
    script = model("lab/one", ServiceUnavailable("busy"), ServiceUnavailable("busy"), price=0.1)
    result = one(policy=QUICK)
    assert (result.status, script.calls, result.cost.usd) == ("ok", 3, 0.1)
    assert [a.state for a in result.attempts] == ["failed", "failed", "stored"]
    assert rows("SELECT attempts FROM results") == [(3,)]


@pytest.mark.parametrize("attempts", [1, 2])
def test_attempts_counts_the_first_call(attempts):
    script = model("lab/one", *[ServiceUnavailable("busy")] * 9)
    one(policy=QUICK.with_(attempts=attempts))
    assert script.calls == attempts


@pytest.mark.parametrize(
    "error",
    [AuthenticationFailed("no key"), ContentBlocked("no"), ProviderError("no", paid=False)],
    ids=lambda e: type(e).__name__,
)
def test_a_failure_that_would_only_repeat_is_not_repeated(error):
    script = model("lab/one", *[error] * 3)
    result = one(policy=QUICK)
    assert script.calls == 1
    assert result.status == ("blocked" if isinstance(error, ContentBlocked) else "failed")
    assert (result.error_type, result.cost.usd) == (type(error).__name__, 0.0)


def test_waits_grow_with_full_jitter_and_retry_after_wins():
    watch = Watch()
    model("lab/one", ServiceUnavailable("busy"), RateLimited("slow", retry_after=7), ServiceUnavailable("busy"))
    one(policy=ik.Policy(attempts=4, clock=watch))
    assert watch.sleeps == [1.0, 7.0, 4.0]


def test_every_call_of_the_model_rests_as_long_as_the_service_asked():
    watch = Watch()

    async def note(script, request, on_progress):
        script.started.append(watch.seconds)
        return Reply(pictures=(picture(request.sample),))

    async def limited(script, request, on_progress):
        raise RateLimited("slow", retry_after=30)

    script = model("lab/one", limited, *[note] * 20)
    policies = [ik.Policy(clock=watch, concurrency=2), ik.Policy(clock=watch, concurrency=1)]

    async def main():
        first = asyncio.create_task(ik.arun(ik.recipes.image, prompt="a", model="lab/one", n=5, policy=policies[0]))
        while script.calls == 0:
            await asyncio.sleep(0)
        second = ik.arun(ik.recipes.image, prompt="b", model="lab/one", n=2, policy=policies[1])
        return await asyncio.gather(first, second)

    assert [a.status for a in asyncio.run(main())] == ["ok", "ok"]
    late = [s for s in script.started if s < 30]
    assert len(late) <= 1  # the one that was on its way already
    assert script.calls == 8


@pytest.mark.parametrize(
    "error", [ProviderError("lost", paid=None, retryable=True), hang], ids=["ambiguous", "timeout"]
)
def test_what_may_have_been_paid_is_unknown_called_once_and_keeps_its_reservation(error):
    script = model("lab/one", error, error, price=0.25)
    result = one(policy=ik.Policy(timeout_s=0.05))
    assert (result.status, result.cost.usd, script.calls) == ("unknown", None, 1)
    assert ledger() == [("unknown", 0.25, None)]
    table = ik.open_run("latest").table()
    assert table.cost_usd.isna().all()
    assert table.status.tolist() == ["unknown"]


@pytest.mark.parametrize(
    "error", [ProviderError("lost", paid=None, retryable=True), hang], ids=["ambiguous", "timeout"]
)
def test_the_same_on_a_free_model_is_simply_tried_again(error):
    script = model("lab/one", error, price=0.0)
    result = one(policy=ik.Policy(timeout_s=0.05, clock="simulated"))
    assert (result.status, script.calls) == ("ok", 2)


def test_an_exception_of_the_providers_code_on_a_paid_model_may_have_been_paid():
    model("lab/one", KeyError("image"), price=0.25)
    result = one()
    assert (result.status, result.error_type) == ("unknown", "OutcomeUnknown")
    assert "KeyError" in result.error


@pytest.mark.parametrize(
    ("answer", "error_type"),
    [(picture()[:-20], "InvalidReply"), (b"<html>", "InvalidReply"), (reply(pictures=()), "NoPictureReturned")],
    ids=["truncated", "web page", "nothing"],
)
def test_an_answer_without_a_sound_picture_fails_and_counts_its_price(answer, error_type):
    script = model("lab/one", answer, answer, price=0.25)
    result = one()
    assert (result.status, result.error_type, result.cost.usd, script.calls) == ("failed", error_type, 0.25, 1)
    assert ledger() == [("settled", 0.25, 0.25)]
    assert rows("SELECT state FROM attempts") == [("failed",)]


def test_a_provider_that_returns_something_else_fails_as_paid():
    async def wrong(script, request, on_progress):
        return "a picture"

    model("lab/one", wrong, price=0.25)
    result = one()
    assert (result.error_type, result.cost.usd) == ("NoPictureReturned", 0.25)


def test_a_provider_that_cannot_be_made_was_never_called_and_costs_nothing():
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.providers import ModelSpec, Price

    class Broken:
        def __init__(self, account):
            raise OSError("no socket")

        async def generate(self, request, on_progress):
            raise AssertionError

    ik.register(ProviderSpec("lab", models=(ModelSpec("one", price=Price(0.3)),), target=Broken))
    result = one()
    assert (result.status, result.cost.usd) == ("failed", 0.0)
    assert "no socket" in result.error
    assert ledger() == []


def test_a_provider_that_cancels_itself_fails_and_takes_nobody_with_it():
    async def cancels(script, request, on_progress):
        raise asyncio.CancelledError

    model("lab/one", cancels)
    run = ik.Experiment(vary={"prompt": ["a", "b", "c"]}, fixed={"model": "lab/one"}).run(progress=False)
    assert sorted(run.table().status) == ["failed", "ok", "ok"]
    assert run.done == 3


def test_failures_are_values_in_a_batch_and_exceptions_for_one_picture():
    model("lab/one", ContentBlocked("not this"), None, ValueError("bug"))
    answer = ik.run(ik.recipes.image, prompt="a", model="lab/one", n=3, policy=ik.Policy(concurrency=1))
    assert sorted(r.status for r in answer) == ["blocked", "failed", "ok"]
    assert len(answer.pictures) == 1
    model("lab/one", ContentBlocked("not this"))
    with pytest.raises(ContentBlocked, match="not this") as caught:
        ik.generate("another", model="lab/one")
    assert (caught.value.model, caught.value.provider) == ("lab/one", "lab")


def test_one_picture_of_a_recipe_raises_what_went_wrong():
    model("lab/one", InvalidReply("rubbish"))

    async def recipe(job):
        return await job.image("a", model="lab/one")

    with pytest.raises(InvalidReply):
        ik.run(recipe)


def test_a_reported_charge_wins_over_the_table():
    model("lab/one", reply(cost_usd=0.07), price=0.25)
    result = one()
    assert (result.cost.usd, result.cost.basis) == (0.07, "reported")
    assert ledger() == [("settled", 0.25, 0.07)]


def test_an_unknown_price_is_not_a_guess_and_not_zero():
    model(price=None)
    result = one()
    assert (result.status, result.cost.usd, result.cost.price_usd, result.cost.basis) == ("ok", None, None, "unknown")
    assert ik.open_run("latest").table().cost_usd.isna().all()


def test_a_timeout_names_the_model_and_the_seconds():
    model("lab/one", hang, timeout_s=0.05, price=1.0)
    with pytest.raises(RequestTimeout, match=r"lab/one .* 0\.05 s"):
        ik.generate("a", model="lab/one")


def test_no_more_calls_are_open_than_the_policy_allows():
    script = model(seconds=0.02)
    ik.run(ik.recipes.image, prompt="a", model="lab/one", n=12, policy=ik.Policy(concurrency=3))
    assert script.most_open == 3


def test_a_reply_that_says_nothing_is_the_price_of_the_table():
    model("lab/one", NoPictureReturned("empty"), price=0.1)
    assert one().cost.usd == 0.1


def test_an_accepted_job_that_answers_late_is_looked_up_not_sent_again():
    script = model("lab/one", job("j-1", hang), price=0.2, resumable=True, timeout_s=0.1)
    result = one(policy=QUICK)
    assert (result.status, result.cost.usd) == ("ok", 0.2)
    assert (script.submits, script.collects) == (1, ["j-1"])
    assert [a.state for a in result.attempts] == ["submitted", "stored"]
    assert ledger() == [("settled", 0.2, 0.2)]


def test_a_job_that_cannot_be_found_again_stays_unknown():
    lost = ProviderError("gone", paid=None)
    script = model("lab/one", job("j-1", lost), collected=[lost] * 9, price=0.2, resumable=True)
    result = one(policy=QUICK)
    assert (result.status, script.submits, len(script.collects)) == ("unknown", 1, 2)
    assert ledger() == [("unknown", 0.2, None)]


def test_a_job_that_surely_failed_unpaid_is_submitted_again_under_a_new_reservation():
    script = model("lab/one", job("j-1", ServiceUnavailable("full")), job("j-2"), price=0.2, resumable=True)
    assert one(policy=QUICK).status == "ok"
    assert script.submits == 2
    assert rows("SELECT job_id, state FROM attempts ORDER BY id") == [("j-1", "failed"), ("j-2", "stored")]
    assert ledger() == [("released", 0.2, None), ("settled", 0.2, 0.2)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Reply(pictures=b"bytes"), "must be a tuple of bytes"),
        (Reply(pictures=("text",)), "must be a tuple of bytes"),
        (Reply(pictures=(b"x",), cost_usd=-5), "cost_usd is -5"),
        (Reply(pictures=(b"x",), cost_usd="a"), "cost_usd is 'a'"),
    ],
    ids=["bytes", "text", "negative", "words"],
)
def test_a_reply_of_the_wrong_form_says_what_is_wrong_with_it(wrong, words):
    async def answer(*_):
        return wrong

    model("lab/one", answer)
    with pytest.raises(InvalidReply, match=words):
        ik.generate("a", model="lab/one")


def test_a_service_whose_limit_is_used_up_is_left_alone_for_as_long_as_it_says():
    script = model("lab/one", reply(rest_s=12.0), None)
    clock = Watch()
    policy = ik.Policy(clock=clock, concurrency=1)
    ik.Experiment(vary={"prompt": ["a cup", "a mug"]}, fixed={"model": "lab/one"}, policy=policy).run(progress=False)
    assert script.calls == 2
    assert clock.sleeps == [12.0]

"""A biased judge is found out: by the order of showing, by the controls, and by what people say of the same pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from imagegen_kit.experiments.judging.reliability import reliability_of
from imagegen_kit.experiments.judging.verdicts import Verdict
from imagegen_kit.experiments.statistics import resampled, weighted_kappa
from imagegen_kit.testing.simulators.judges import Honest, Leaning, Partial
from tests.experiments.judging.bench import GEMINI, OPENAI, judged_by, run_of, vote

if TYPE_CHECKING:
    from PIL import Image


def answers(*pairs: tuple[str, str], kind: str = "pair") -> list[Verdict]:
    return [Verdict(f"model {n} {n + 1}", kind, n, n + 1, f"order {n}", list(two)) for n, two in enumerate(pairs)]


@pytest.mark.parametrize("model", [GEMINI, OPENAI])
def test_a_judge_that_leans_to_a_position_is_found_out(model: str):
    run = run_of(12)
    with judged_by(Leaning(0.8)):
        found = run.judge(model, progress=False)
    told = found.reliability
    assert told.first_interval[0] > 0.5
    assert told.position_bias
    assert told.flips > 0.4
    assert told.trusted is False
    said = " ".join(found.notes)
    assert "it leans to a position" in said
    assert "Do not trust this judge" in said
    assert "do not trust it" in repr(found)
    assert "Do not trust this judge" in found._repr_html_()


def test_an_honest_judge_leans_to_no_position():
    told = reliability_of(answers(*[("first", "second"), ("second", "first")] * 10))
    assert (told.first, told.flips, told.position_bias) == (0.5, 0.0, False)


def test_two_answers_that_differ_are_a_tie_and_a_flip():
    same, flipped, half, tie = answers(("first", "second"), ("first", "first"), ("tie", "first"), ("tie", "tie"))
    assert [v.choice for v in (same, flipped, half, tie)] == ["left", "tie", "tie", "tie"]
    assert [v.flipped for v in (same, flipped, half, tie)] == [False, True, True, False]
    assert reliability_of([same, flipped, half, tie]).flips == 0.5


def test_controls_are_no_pairs_of_the_run_and_shares_of_nothing_begin_at_0():
    told = reliability_of([*answers(*[("first", "second")] * 7), *answers(*[("first", "second")] * 6, kind="blur")])
    assert (told.pairs, told.asked, told.flips, told.flips_interval[0]) == (7, 6, 0, 0)


def test_a_pair_with_one_answer_has_no_verdict():
    (half,) = answers(("first",))  # type: ignore[arg-type]  # the second never came
    assert (half.choice, half.flipped) == (None, None)
    told = reliability_of([half])
    assert (told.pairs, told.flips, told.first) == (0, None, None)


def test_a_copy_that_praises_itself_may_not_win_and_a_degraded_one_must_lose():
    praised = answers(("tie", "tie"), ("first", "second"), ("second", "first"), kind="text")
    worse = answers(("tie", "tie"), ("first", "second"), ("second", "first"), kind="degraded")
    told = reliability_of([*praised, *worse])
    assert told.controls == {"text": (2, 3), "degraded": (1, 3)}
    assert told.trusted is False


def test_of_too_few_controls_nobody_knows():
    told = reliability_of(answers(("first", "second"), kind="degraded"))
    assert told.trusted is None
    assert any(note.startswith("Nobody knows") for note in told.notes)


def is_of_mine(picture: Image.Image) -> bool:
    """The vendor's look: not one pixel without a yellow light."""
    return bool(np.asarray(picture, dtype=float)[..., :2].min() >= 35)


def test_a_judge_that_favours_its_vendors_look_is_shown_by_peoples_votes():
    run = run_of(16, mine={"coarse": 8, "warm": True}, other={})
    vote(run, "lab/other")
    with judged_by(Partial(is_of_mine)):
        found = run.judge(OPENAI, controls=0, progress=False)
    told = found.calibration()
    leaning = told.table().loc["lab/mine"]
    assert leaning["judge"] == 1.0
    assert leaning["people"] == 0.0
    assert leaning["low"] > 0.5
    assert "likes lab/mine more than people do" in told.note
    assert told.agreement == 0.0


def test_a_judge_that_people_have_not_voted_beside_is_not_calibrated():
    run = run_of(6)
    with judged_by(Honest()):
        found = run.judge(GEMINI, controls=0, progress=False)
    assert found.calibration().note == "Not calibrated: people have not voted on these pairs; 50 votes are needed."
    vote(run, "lab/sharp", rater="ada", pairs=4)
    told = found.calibration()
    assert (told.pairs, told.votes, told.raters, told.agreement) == (4, 4, 1, 1.0)
    assert told.note.startswith("Not calibrated: fewer than 50 votes (4).")


def test_fifty_votes_of_several_people_calibrate():
    run = run_of(17)
    with judged_by(Honest()):
        found = run.judge(GEMINI, controls=0, progress=False)
    for rater in ("ada", "ben"):
        vote(run, "lab/sharp", rater=rater)
    vote(run, "lab/blurred", rater="cy")  # outvoted
    told = found.calibration()
    assert (told.pairs, told.votes, told.raters, told.agreement, told.calibrated) == (17, 51, 3, 1.0, True)
    assert told.note.startswith("The judge agrees with people on 100% of 17 pairs (kappa 1.00 [1.00, 1.00])")
    assert told.note in found.notes


def test_kappa_is_that_of_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa, to_table

    chance = np.random.default_rng(3)
    one = chance.integers(0, 3, 80)
    other = np.where(chance.random(80) < 0.6, one, chance.integers(0, 3, 80))
    known = cohens_kappa(to_table(np.column_stack([one, other]))[0])
    expected = known.kappa
    assert weighted_kappa(one, other, np.ones((1, 80)))[0] == pytest.approx(expected)
    value, low, high = resampled(range(80), lambda w: weighted_kappa(one, other, w))
    assert value == pytest.approx(expected)
    assert low < expected < high
    assert high - low == pytest.approx(2 * 1.96 * known.std_kappa, rel=0.2)


def test_of_one_group_there_is_no_interval():
    value, low, high = resampled(["a", "a"], lambda w: w @ np.array([1.0, 0.0]) / w.sum(axis=1))
    assert value == 0.5
    assert np.isnan(low)
    assert np.isnan(high)


@pytest.mark.parametrize(
    ("right", "asked", "trusted"), [(6, 6, True), (5, 6, None), (4, 6, False), (5, 5, None), (20, 24, True)]
)
def test_a_judge_is_trusted_where_a_coin_would_not_have_done_as_well(right: int, asked: int, trusted: bool | None):
    known = answers(*[("first", "second")] * right, *[("second", "first")] * (asked - right), kind="degraded")
    assert reliability_of(known).trusted is trusted


def test_nothing_is_claimed_by_a_judge_that_cannot_be_trusted():
    run = run_of(12)
    with judged_by(Leaning(0.8)):
        assert run.judge(GEMINI, progress=False).reliability.trusted is False
    (verdict,) = run.compare(metric="score_judge")["verdict"]
    assert verdict == "no claim: the judge is not to be trusted"
    with judged_by(Honest()):
        assert run.judge(OPENAI, progress=False).reliability.trusted
    (verdict,) = run.compare(metric="score_judge")["verdict"]
    assert verdict.endswith("is better")


def test_what_a_judge_says_that_failed_its_controls_is_marked_wherever_it_counts():
    run = run_of(12)
    with judged_by(Leaning(0.8)):
        run.judge(GEMINI, progress=False)
    doubt = "the judge is not to be trusted"
    assert run.ranking(raters="judges").attrs["notes"] == [
        f"No claim by the votes of judge:{GEMINI} (simulated): {doubt}."
    ]
    assert doubt in repr(run.ranking(raters="judges"))
    assert f"No claim by score_judge: {doubt}." in run.aspects(metric="score_judge").attrs["notes"]
    vote(run, "sharp", pairs=4)
    both = run.ranking(raters="all").attrs["notes"]
    assert both[0] == "12 of these 16 votes are of machine judges, not of people; raters=None counts people alone."
    assert doubt in both[1]
    assert run.ranking().attrs["notes"] == []

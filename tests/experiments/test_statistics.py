"""The arithmetic of claims, against libraries, closed forms and published examples."""

from __future__ import annotations

import math
from collections import Counter

import choix
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from imagegen_kit.experiments.statistics import (
    Interval,
    bradley_terry,
    cohen_kappa,
    fit,
    holm,
    krippendorff_alpha,
    paired_means,
    paired_medians,
    paired_rates,
    pareto_front,
    prompts_missing,
    rate_interval,
    tiers,
    votes_needed,
)
from imagegen_kit.experiments.statistics.rates import tango

ELO = 400 / math.log(10)


def normal(n: int, effect: float = 0.2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(effect, 1, n)


# ---------------------------------------------------------------------- paired differences
def test_for_normal_differences_the_bootstrap_says_what_students_t_does():
    row = normal(100)
    (seen,) = paired_means([row])
    t = stats.ttest_1samp(row, 0)
    interval = t.confidence_interval()
    assert seen.effect == pytest.approx(row.mean())
    assert (seen.low, seen.high) == pytest.approx((interval.low, interval.high), abs=0.03)
    assert seen.p == pytest.approx(t.pvalue, abs=0.02)
    assert (seen.n, seen.how) == (100, "bootstrap-t")


def test_for_skewed_differences_it_leans_as_scipys_bca_does():
    row = np.random.default_rng(2).lognormal(0, 1, 60)
    (seen,) = paired_means([row])
    bca = stats.bootstrap((row,), np.mean, n_resamples=4000, method="BCa", rng=1).confidence_interval
    assert seen.high - seen.effect > seen.effect - seen.low
    assert bca.high - row.mean() > row.mean() - bca.low
    assert (seen.low, seen.high) == pytest.approx(tuple(bca), abs=0.35)


def test_the_median_has_the_interval_of_scipys_percentile_bootstrap():
    row = normal(61)
    (seen,) = paired_medians([row])
    percentile = stats.bootstrap((row,), np.median, n_resamples=4000, method="percentile", rng=1)
    assert seen.effect == np.median(row)
    assert (seen.low, seen.high) == pytest.approx(tuple(percentile.confidence_interval), abs=0.03)
    assert seen.error == pytest.approx(percentile.standard_error, rel=0.1)


def test_the_median_of_an_even_number_lies_between_the_two_in_the_middle():
    (seen,) = paired_medians([np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])])
    assert seen.effect == 6.0


def test_many_comparisons_at_once_are_what_each_is_alone():
    rows = [normal(40, seed=i) for i in range(3)] + [normal(25, seed=9)]
    for of in (paired_means, paired_medians):
        together = of(rows)
        assert [one.n for one in together] == [40, 40, 40, 25]
        for one, row in zip(together, rows, strict=True):
            (alone,) = of([row])
            assert (one.low, one.high, one.p) == pytest.approx((alone.low, alone.high, alone.p))


@given(st.lists(st.floats(-50, 50).map(lambda x: round(x, 3)), min_size=5, max_size=30), st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_another_unit_or_the_other_direction_changes_nothing_but_the_numbers(values, unit):
    row = np.array(values)
    one, scaled, turned = (paired_means([r], resamples=999)[0] for r in (row, row * unit, -row))
    assert (scaled.low, scaled.high) == pytest.approx((one.low * unit, one.high * unit), rel=1e-6, abs=1e-6 * unit)
    assert (turned.low, turned.high) == pytest.approx((-one.high, -one.low), rel=1e-6, abs=1e-6)
    assert scaled.p == pytest.approx(one.p, abs=0.01)
    assert one.low <= one.effect + 1e-9
    assert one.high >= one.effect - 1e-9


def test_p_and_interval_agree_whether_there_is_an_effect():
    for seed in range(20):
        (seen,) = paired_means([normal(30, 0.35, seed)])
        assert (seen.p < 0.05) == (seen.low > 0 or seen.high < 0)


def test_where_few_prompts_differ_the_bootstrap_is_not_believed():
    row = np.zeros(50)
    row[3] = 1
    (seen,) = paired_means([row])
    assert seen.how == "Student's t"
    assert seen.low < 0 < seen.high


def test_few_prompts_never_prove_much():
    same = np.full(4, 0.3)
    (seen,) = paired_means([same])
    assert (seen.low, seen.high) == pytest.approx((0.3, 0.3))
    assert seen.p == 2**-3
    (two,) = paired_means([np.array([0.1, 0.3])])
    assert (two.low, two.high) == pytest.approx(stats.t.interval(0.95, 1, 0.2, 0.1))
    (one,) = paired_means([np.array([0.1])])
    assert math.isnan(one.low)
    assert one.p == 1
    (span,) = paired_medians([np.array([1.0, 2.0, 4.0])])
    assert (span.low, span.effect, span.high, span.p) == (1, 2, 4, 0.25)


def test_a_comparison_without_prompts_is_refused():
    with pytest.raises(ValueError, match="without a single prompt"):
        paired_means([np.array([])])


# ---------------------------------------------------------------------- shares
def test_paired_shares_have_tangos_interval_and_mcnemars_p():
    """The published example of Fagerland, Lydersen and Laake (2014): 1 and 7 of 21 pairs differ."""
    row = np.array([1] * 1 + [-1] * 7 + [0] * 13, float)
    seen = paired_rates(row)
    assert seen.effect == pytest.approx(-6 / 21)
    assert (seen.low, seen.high) == pytest.approx((-0.517, -0.026), abs=0.0005)
    assert seen.p == pytest.approx(mcnemar([[0, 1], [7, 13]], exact=False, correction=False).pvalue)
    assert seen.how == "Tango"


@pytest.mark.parametrize(("a", "b", "n"), [(12, 2, 50), (0, 5, 40), (1, 1, 9)])
def test_at_its_ends_the_score_of_the_likeliest_shares_is_just_not_rejected(a, b, n):
    """By its definition: the likelihood is climbed, not solved."""
    for end in tango(a, b, n):

        def unlikely(share: float, end: float = end) -> float:  # the share of prompts on which b alone succeeds
            shares = np.array([share + end, share, 1 - 2 * share - end])
            return -float(np.array([a, b, n - a - b]) @ np.log(np.maximum(shares, 1e-300)))

        share = optimize.minimize_scalar(unlikely, bounds=(max(0, -end), (1 - end) / 2), method="bounded").x
        score = (a - b - n * end) / math.sqrt(n * (2 * share + end - end * end))
        assert abs(score) == pytest.approx(1.959964, abs=2e-3)


def test_shares_of_several_samples_have_the_interval_of_bonett_and_price():
    row = np.array([0.5] * 12 + [-1] * 2 + [0] * 36, float)
    longer = np.append(row, [1, -1])
    error = longer.std() / math.sqrt(52)
    seen = paired_rates(row)
    assert seen.effect == pytest.approx(4 / 50)
    assert (seen.low, seen.high) == pytest.approx((4 / 52 - 1.959964 * error, 4 / 52 + 1.959964 * error))
    assert seen.p == pytest.approx(2 * stats.norm.sf(4 / 52 / error))


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.05), (0.1, 0.1)])
def test_the_interval_of_success_keeps_its_promise(a, b):
    """Known shares of 50 prompts, all outcomes weighed by how likely they are: 95 %, neither far more nor less."""
    outcomes = [(i, j) for i in range(20) for j in range(20)]
    counts = np.array([(i, j, 50 - i - j) for i, j in outcomes])
    chances = stats.multinomial.pmf(counts, 50, [a, b, 1 - a - b])
    likely = [(one, chance) for one, chance in zip(outcomes, chances, strict=True) if chance > 1e-4]
    covered = 0.0
    for (i, j), chance in likely:
        seen = paired_rates(np.array([1.0] * i + [-1.0] * j + [0.0] * (50 - i - j)))
        covered += chance * (seen.low <= a - b <= seen.high)
    assert sum(chance for _, chance in likely) > 0.995
    assert 0.94 <= covered <= 0.96


def test_when_all_succeeded_a_difference_is_still_possible():
    seen = paired_rates(np.zeros(20))
    assert seen.low < 0 < seen.high
    assert seen.p == 1


def test_a_win_rate_has_wilsons_interval():
    assert rate_interval(30.5, 50) == pytest.approx(proportion_confint(30.5, 50, method="wilson"))
    for n in range(1, 40):  # exactly, without what rounding leaves
        assert rate_interval(0.0, n)[0] == 0
        assert rate_interval(n, n)[1] == 1
    assert all(math.isnan(x) for x in rate_interval(0, 0))


def test_holm_holds_for_all_at_once():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])  # by hand: 3 × .01, 2 × .03, then no less
    assert holm([]) == []


# ---------------------------------------------------------------------- how many are needed
@pytest.mark.parametrize(("rate", "votes"), [(0.55, 783), (0.6, 194), (0.65, 85), (0.7, 47), (0.75, 29), (0.4, 194)])
def test_the_votes_for_80_percent_power_are_those_of_the_textbook(rate, votes):
    assert votes_needed(rate) == votes


@pytest.mark.parametrize("rate", [0, 0.5, 1])
def test_no_number_of_votes_tells_a_half(rate):
    with pytest.raises(ValueError, match="no number of votes"):
        votes_needed(rate)


def test_missing_prompts_are_those_of_the_power_of_a_t_test():
    row = normal(40, 0.3, seed=4)
    seen = paired_means([row])[0]
    needed = TTestPower().solve_power(seen.effect / row.std(ddof=1), power=0.8, alpha=0.05)
    assert prompts_missing(seen) == pytest.approx(needed - 40, abs=4)
    assert prompts_missing(seen, tests=10) > prompts_missing(seen)


def test_no_effect_needs_no_number_of_prompts():
    assert prompts_missing(Interval(0.0, -1, 1, 1.0, 0.5, 30, "")) is None
    assert prompts_missing(Interval(0.5, 0.5, 0.5, 1.0, float("nan"), 1, "")) is None


@pytest.mark.parametrize(("n", "tests", "missing"), [(3, 1, 3), (5, 1, 1), (5, 20, 5)])
def test_where_all_prompts_say_the_same_a_coin_must_be_ruled_out(n, tests, missing):
    assert prompts_missing(Interval(0.5, 0.5, 0.5, 1.0, 0.0, n, ""), tests) == missing
    assert 2.0 ** (1 - n - missing) * tests < 0.05 <= 2.0 ** (2 - n - missing) * tests


@pytest.mark.parametrize("tests", [1, 9])
def test_no_fewer_prompts_are_missing_than_the_test_itself_needs(tests):
    rate = paired_rates(np.ones(5))  # a fair coin falls five times alike, whatever the spread is estimated to be
    mean = Interval(0.2, 0.199, 0.201, 0.0625, 0.0005, 5, "bootstrap-t")
    for seen in (rate, mean):
        n = seen.n + prompts_missing(seen, tests, p=seen.p)
        assert 2.0 ** (1 - n) * tests < 0.05 <= 2.0 ** (2 - n) * tests
    skewed = Interval(0.5, 0.0, 0.9, 0.06, 0.05, 20, "bootstrap-t")  # of a p that the spread alone does not tell
    assert prompts_missing(skewed, 9, p=skewed.p) > prompts_missing(skewed, 9)


# ---------------------------------------------------------------------- Bradley-Terry
def votes(k: int, n: int, seed: int) -> np.ndarray:
    """Return wins (k, k) of n votes with ties among k models of random strength."""
    chance = np.random.default_rng(seed)
    strength, wins = chance.normal(0, 0.7, k), np.zeros((k, k))
    for _ in range(n):
        i, j = chance.choice(k, 2, replace=False)
        won = 0.5 if chance.random() < 0.15 else float(chance.random() < 1 / (1 + np.exp(strength[j] - strength[i])))
        wins[i, j] += won
        wins[j, i] += 1 - won
    return wins


@pytest.mark.parametrize(("k", "n"), [(2, 30), (5, 300), (12, 2000)])
def test_strengths_equal_those_of_choix_within_a_tenth_of_a_point(k, n):
    wins = votes(k, n, seed=k)
    for prior in (0.0, 0.1):
        theirs = choix.ilsr_pairwise_dense(wins + prior * (1 - np.eye(k)), alpha=0)
        assert abs(fit(wins, prior) - (theirs - theirs.mean())).max() * ELO < 0.1


def test_of_two_the_strength_is_the_log_of_the_odds():
    s = fit(np.array([[0.0, 30.0], [10.0, 0.0]]), prior=0)
    assert s[0] - s[1] == pytest.approx(math.log(3))


def test_who_won_everything_is_strong_but_not_infinitely():
    wins = np.array([[0.0, 20.0], [0.0, 0.0]])
    assert fit(wins)[0] - fit(wins)[1] == pytest.approx(math.log(20.1 / 0.1))
    assert np.isnan(fit(wins, prior=0)).all()


def test_many_at_once_are_what_each_is_alone():
    many = np.stack([votes(4, 60, seed) for seed in range(8)])
    assert fit(many) == pytest.approx(np.stack([fit(one) for one in many]), abs=1e-8)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_strengths_are_where_each_wins_as_often_as_expected(seed):
    wins = votes(5, 80, seed)
    s = fit(wins, 0.1)
    counts = wins + 0.1 * (1 - np.eye(5))
    expected = ((counts + counts.T) / (1 + np.exp(s[None, :] - s[:, None]))).sum(1)
    assert expected == pytest.approx(counts.sum(1), abs=1e-6)
    assert s.sum() == pytest.approx(0, abs=1e-9)


def test_more_votes_make_narrower_intervals_around_the_same_strengths():
    few = np.stack([votes(3, 6, seed) for seed in range(20)])
    found = [bradley_terry(np.concatenate([few] * times), resamples=400) for times in (1, 9)]
    wide, narrow = (float((one.high - one.low).mean()) for one in found)
    assert wide / narrow == pytest.approx(3, rel=0.25)
    assert (found[1].low < found[1].values).all()
    assert (found[1].values < found[1].high).all()
    assert found[1].values.mean() == pytest.approx(1000)


@pytest.mark.parametrize(("won", "told"), [(2, False), (3, False), (4, False), (6, True), (10, True), (30, True)])
def test_a_few_votes_that_all_say_the_same_prove_nothing_yet(won, told):
    by_prompt = np.zeros((won, 2, 2))
    by_prompt[:, 0, 1] = 1
    found = bradley_terry(by_prompt, [(0, 1, 1.0)] * won)
    assert (len(set(tiers(list(found.low), list(found.high)))) == 2) is told


def test_votes_on_one_prompt_do_not_look_certain():
    wins = votes(3, 30, seed=1)
    single = [(i, j, 1.0) for i in range(3) for j in range(3) for _ in range(int(wins[i, j]))]
    found = bradley_terry(wins[None], single)
    assert found.unit == "vote"
    assert (found.high - found.low > 50).all()


def test_whole_prompts_are_resampled_where_their_votes_hang_together():
    by_prompt = np.zeros((20, 2, 2))
    by_prompt[:12, 0, 1] = by_prompt[12:, 1, 0] = 10  # ten people say the same of each prompt
    single = [(0, 1, 1.0)] * 120 + [(0, 1, 0.0)] * 80
    found = bradley_terry(by_prompt, single)
    assert found.unit == "prompt"
    assert found.low[0] < 1000 < found.high[0]  # 12 of 20 prompts prove nothing, 120 of 200 votes would


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [([1, 2, 5], [3, 4, 6], [2, 2, 1]), ([1, 2, 3], [2.5, 3.5, 4], [1, 1, 1]), ([5, 1, 3], [6, 2, 4], [1, 3, 2])],
    ids=["two overlap", "a chain", "all apart"],
)
def test_a_tier_is_linked_by_overlapping_intervals(low, high, expected):
    assert tiers(low, high) == expected


# ---------------------------------------------------------------------- agreement
def test_alpha_of_krippendorffs_own_example():
    """Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, nominal, .743."""
    a, b = "123321412...", "1233224125.3"
    c, d = ".3332342251.", "12332441251."
    units = [[x for x in unit if x != "."] for unit in zip(a, b, c, d, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_two_observers_of_yes_and_no():
    """The same paper, section A: ten units, .095."""
    assert krippendorff_alpha(zip("0100000010", "1110010000", strict=True)) == pytest.approx(0.095, abs=0.0005)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=12))
@settings(max_examples=60, deadline=None)
def test_alpha_is_one_minus_observed_over_expected_disagreement(units):
    """By its definition, pair by pair."""
    paired = [unit for unit in units if len(unit) > 1]
    everything = [choice for unit in paired for choice in unit]
    n = len(everything)
    found = krippendorff_alpha(units)
    expected = sum(x != y for i, x in enumerate(everything) for j, y in enumerate(everything) if i != j)
    if not expected:
        assert math.isnan(found)
        return
    observed = sum((x != y) / (len(u) - 1) for u in paired for i, x in enumerate(u) for j, y in enumerate(u) if i != j)
    assert found == pytest.approx(1 - (observed / n) / (expected / (n * (n - 1))))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=40))
@settings(max_examples=40, deadline=None)
def test_kappa_is_that_of_statsmodels(pairs):
    one, other = zip(*pairs, strict=True)
    counts = Counter(pairs)
    table = np.array([[counts[a, b] for b in "abc"] for a in "abc"])
    found = cohen_kappa(one, other)
    if len(set(one) | set(other)) == 1:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(cohens_kappa(table, return_results=False))


def test_kappa_wants_the_same_units_and_some():
    assert math.isnan(cohen_kappa([], []))
    with pytest.raises(ValueError, match="not on the same units"):
        cohen_kappa("ab", "a")


# ---------------------------------------------------------------------- what nobody beats
def test_the_front_of_quality_cost_and_latency():
    frame = pd.DataFrame({"score": [9, 5, 5, 4, None], "usd": [4, 1, 1, 2, 0], "s": [3, 2, 1, 1, 0]}).astype("Float64")
    assert pareto_front(frame, {"score": -1, "usd": 1, "s": 1}) == [True, False, True, False, False]

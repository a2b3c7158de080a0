"""Which one is better: paired prompt by prompt, nothing dropped in silence, and no claim that is not earned."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.experiments.comparing import open_first
from imagegen_kit.experiments.run import Run
from imagegen_kit.hookspecs import Measure
from imagegen_kit.types import Prompt
from tests.experiments.contests import contest, kept, painter, scorer


def level(i: int) -> int:
    """How light a prompt is, whoever paints it: prompts differ far more than models."""
    return 40 + 17 * i % 120


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    painter("dim", lambda i, _: level(i) + i % 3)
    painter("bright", lambda i, _: level(i) + 4 + i % 2)
    scorer()
    return kept("comparing", lambda: contest().score("light"), tmp_path_factory.mktemp)


def row_of(frame: pd.DataFrame, **where: str) -> pd.Series:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return pd.DataFrame(frame).iloc[0]


def test_the_effect_is_the_mean_difference_over_prompts_with_its_interval(run):
    row = row_of(run.compare(metric="score_light"))
    differences = np.array([(level(i) + i % 3) - (level(i) + 4 + i % 2) for i in range(20)], float)
    t = stats.ttest_1samp(differences, 0).confidence_interval()
    assert (row.a, row.b, row.n, row.prompts) == ("me/dim", "me/bright", 20, 20)
    assert row.effect == pytest.approx(differences.mean())
    assert (row.low, row.high) == pytest.approx((t.low, t.high), abs=0.15)
    assert row.verdict == "b is better"
    assert (row.win_rate, row.better, row.unit, row.of) == (0, "higher", "levels", "mean")


def test_pairing_sees_what_the_two_heaps_do_not(run):
    table = run.table()
    heaps = [table[table.model == f"me/{name}"]["score_light"].astype(float) for name in ("dim", "bright")]
    assert stats.ttest_ind(*heaps).pvalue > 0.5
    assert row_of(run.compare(metric="score_light")).p_holm < 0.001


def test_all_pairs_and_metrics_are_compared_where_none_is_named(run):
    frame = run.compare()
    assert list(frame.metric) == ["success", "price_usd", "seconds", "score_light"]
    assert row_of(frame, metric="success").verdict == "no difference seen"
    assert row_of(frame, metric="price_usd").better == "lower"
    assert (frame.p_holm >= frame.p - 1e-12).all()


def test_the_same_call_gives_the_same_numbers(run):
    pd.testing.assert_frame_equal(pd.DataFrame(run.compare()), pd.DataFrame(run.compare()))


def test_the_sides_may_be_turned(run):
    there = row_of(run.compare(a="me/dim", b="me/bright", metric="score_light"))
    back = row_of(run.compare(a="me/bright", b="me/dim", metric=["score_light"]))
    assert (back.effect, back.low, back.high) == pytest.approx((-there.effect, -there.high, -there.low))
    assert (back.verdict, back.win_rate) == ("a is better", 1)
    assert list(run.compare(b="me/dim", metric="score_light").a) == ["me/bright"]


def test_where_lower_is_better_the_lower_one_wins():
    painter("dim", lambda i, _: level(i) + i % 3)
    painter("bright", lambda i, _: level(i) + 9)
    scorer("lower")
    row = row_of(contest().score("light").compare(metric="score_light"))
    assert (row.verdict, row.win_rate) == ("a is better", 1)


def test_where_neither_way_is_better_nobody_wins():
    painter("dim", lambda i, _: level(i) + i % 3)
    painter("bright", lambda i, _: level(i) + 9)
    scorer("")
    row = row_of(contest().score("light").compare(metric="score_light"))
    assert row.verdict == "b is higher"
    assert row.win_rate is pd.NA


def test_samples_of_a_prompt_are_averaged_first_and_add_no_certainty():
    painter("dim", lambda i, sample: level(i) + 3 * (i % 4))
    painter("bright", lambda i, sample: level(i) + 6)
    scorer()
    once = row_of(contest(12).score("light").compare(metric="score_light"))
    often = row_of(contest(12, repeats=4, name="more").score("light").compare(metric="score_light"))
    assert (often.n, often.effect, often.low, often.high) == (12, once.effect, once.low, once.high)


def test_other_parameters_are_equal_on_both_sides():
    painter("dim", lambda i, _: level(i))
    painter("bright", lambda i, _: level(i) + 5)
    scorer()
    run = contest(8, vary={"seed": [1, 2, 3]}).score("light")
    assert row_of(run.compare(metric="score_light")).n == 8
    seeds = run.compare(by="seed", metric="score_light")
    assert list(seeds.n) == [8, 8, 8]
    assert set(seeds.verdict) == {"no difference seen"}


def test_failures_are_a_metric_and_the_lost_are_told():
    painter("dim", lambda i, _: level(i) + i % 5)
    painter("bright", lambda i, _: None if i < 8 else level(i) + 12)
    scorer()
    run = contest().score("light")
    frame = run.compare()
    success, light = row_of(frame, metric="success"), row_of(frame, metric="score_light")
    assert (success.effect, success.verdict) == (0.4, "a is better")
    assert (light.n, light.prompts, light.b_lost, light.a_lost, light.b_failed) == (12, 20, 8, 0, 8)
    assert (light.verdict, light.win_rate) == ("b is better", 0)
    lose = row_of(run.compare(metric="score_light", failures="lose"))
    assert (lose.win_rate, lose.n) == (8 / 20, 12)


def test_a_failed_sample_counts_by_its_share_where_failures_lose():
    painter("dim", lambda i, _: level(i))
    painter("bright", lambda i, sample: None if sample == 0 else level(i) + 9)
    scorer()
    run = contest(6, repeats=2).score("light")
    assert row_of(run.compare(metric="score_light")).win_rate == 0
    assert row_of(run.compare(metric="score_light", failures="lose")).win_rate == 0.5


def test_few_prompts_make_no_claim_whatever_they_say():
    painter("dim", lambda i, _: 10)
    painter("bright", lambda i, _: 200)
    scorer()
    frame = contest(4).score("light").compare()
    assert set(frame.verdict) == {"too few prompts: at least 1 more"}
    assert "too few prompts for any claim" in repr(frame)
    one = row_of(contest(1).score("light").compare(metric="score_light"))
    assert (one.effect, one.low is pd.NA, one.p is pd.NA) == (-190, True, True)


def test_what_is_not_enough_says_how_much_is_missing():
    painter("dim", lambda i, _: level(i) + 9 * (i % 5))
    painter("bright", lambda i, _: level(i) + 10 + 7 * (i % 4))
    scorer()
    row = row_of(contest(12).score("light").compare(metric="score_light"))
    assert row.verdict == f"not enough: {row.missing:,} more prompts"
    assert row.low < 0 < row.high


def test_prompts_that_are_said_to_be_missing_are_never_too_few():
    for number, name in enumerate(("dim", "grey", "bright")):
        painter(name, lambda i, _, number=number: 40 + 9 * i + 30 * number + (i * number) % 2)
    scorer()
    run = contest(9, models=("dim", "grey", "bright")).score("light")
    rows = {}
    for n in range(5, 10):
        frame = run.select(prompt=[f"p {i}" for i in range(n)]).compare(metric="score_light")
        rows[n] = row_of(frame, a="me/dim", b="me/grey")
        assert (rows[n].n, -31 <= rows[n].effect <= -30) == (n, True), frame.to_string()
    told = min(n for n, row in rows.items() if row.verdict == "b is better")
    assert told >= 7  # below, three rows in which all prompts say the same are no claim
    assert all(n + row.missing >= told for n, row in rows.items() if n < told)


def change(run, sql: str, *values: object) -> None:
    run._store.journal.write([(sql, values)]).result()


def test_what_another_model_answered_or_a_placeholder_counts_for_no_score_price_or_latency(run):
    change(run, "UPDATE results SET status = 'fallback', same_model = 0 WHERE request = (SELECT MIN(id) FROM requests)")
    change(run, "UPDATE results SET same_model = 0 WHERE request = (SELECT MAX(id) FROM requests)")
    frame = run.compare()
    for metric in ("score_light", "price_usd", "seconds"):
        row = row_of(frame, metric=metric)
        assert (row.n, row.prompts, row.a_lost, row.b_lost) == (18, 20, 1, 1)
    assert row_of(frame, metric="success").effect == pytest.approx(-1 / 20)


def test_cached_pictures_have_scores_and_prices_but_no_latency(run):
    again = contest(name="again").score("light")
    frame = again.compare(metric=["seconds", "score_light", "price_usd"])
    assert row_of(frame, metric="seconds").verdict == "nothing to compare"
    assert row_of(frame, metric="seconds").effect is pd.NA
    assert row_of(frame, metric="score_light").n == row_of(frame, metric="price_usd").n == 20


def test_an_unknown_price_is_never_zero(run):
    change(run, "UPDATE results SET price_usd = NULL WHERE request IN (SELECT id FROM requests WHERE model = 'me/dim')")
    row = row_of(run.compare(metric="price_usd"))
    assert (row.n, row.a_lost, row.effect is pd.NA) == (0, 20, True)


def test_what_was_stopped_before_it_was_sent_is_nobodys_failure(run):
    change(run, "UPDATE results SET status = 'cancelled' WHERE request = (SELECT MIN(id) FROM requests)")
    row = row_of(run.compare(metric="success"))
    assert (row.n, row.effect, row.a_failed) == (19, 0, 0)


def test_unfair_prompts_are_counted_unless_both_were_changed_alike(run):
    sql = "UPDATE requests SET unfair = 1, adaptations = 'seed dropped' WHERE model = ?"
    change(run, sql, "me/dim")
    assert row_of(run.compare(metric="success")).unfair == 20
    change(run, sql, "me/bright")
    assert row_of(run.compare(metric="success")).unfair == 0


def test_any_parameter_can_be_compared_by_its_value():
    painter("dim", lambda i, _: level(i))
    scorer()
    run = contest(6, models=("dim",), vary={"style": [None, "film-noir"], "size": [64, 96]}).score("light")
    frame = run.compare(by="size", metric="score_light")
    assert list(zip(frame.a, frame.b, frame.n, strict=True)) == [("64", "96", 6)]
    assert list(run.compare(by="size", a=96, metric="success").b) == ["64"]
    assert list(run.compare(by="style", a="none", metric="success").b) == ["film-noir"]


def test_two_prompts_are_compared_over_their_repeats():
    painter("dim", lambda i, sample: 100 * i + sample)
    painter("bright", lambda i, sample: 100 * i + 2 * sample)
    scorer()
    row = row_of(contest(2, repeats=5).score("light").compare(by="prompt", metric="score_light"))
    assert (row.a, row.b, row.n, row.verdict) == ("p 0", "p 1", 10, "b is better")


def test_a_smaller_run_compares_what_is_in_it(run):
    assert row_of(run.select(prompt=[f"p {i}" for i in range(7)]).compare(metric="score_light")).n == 7


WRONG = {
    "a parameter that is none": (dict(by="modell"), "Did you mean 'model'"),
    "a parameter with one value": (dict(by="style"), "no parameter of this run"),
    "a list": (dict(by=["model"]), "a list names no parameter"),
    "a value that is none": (dict(a="me/brigth", b="x"), "2 things to mend"),
    "the same twice": (dict(a="me/dim", b="me/dim"), "is a too"),
    "a metric that is none": (dict(metric="score_ligth"), "Did you mean 'score_light'"),
    "no metric": (dict(metric=[]), "There are: success, price_usd, seconds, score_light"),
    "another way": (dict(failures="ignore"), '"lose"'),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_compared_is_said_with_near_names(run, what):
    given, words = WRONG[what]
    with pytest.raises(InvalidInput, match=re.escape(words)):
        run.compare(**given)


def test_one_value_alone_is_refused_with_what_varies():
    painter("dim", lambda i, _: level(i))
    run = contest(3, models=("dim",), vary={"seed": [1, 2], "size": [64, 96]})
    with pytest.raises(InvalidInput, match="Say by='seed'"):
        run.compare(by="model")
    with pytest.raises(InvalidInput, match="Name what to compare: by='seed'"):
        run.compare()


def test_a_selection_of_one_value_is_refused_too(run):
    with pytest.raises(InvalidInput, match="all of it has the model 'me/dim'"):
        run.select(model="me/dim").compare()


# ---------------------------------------------------------------------- how it shows itself
def test_it_shows_claims_by_name_and_stays_a_dataframe(run):
    frame = run.compare()
    assert "me/bright is better" in repr(frame)
    html = frame._repr_html_()
    assert "<b>me/bright is better</b>" in html
    assert "score_light (higher is better)" in html
    assert isinstance(frame, pd.DataFrame)
    assert "me/bright is better" in repr(pickle.loads(pickle.dumps(frame)))
    assert "is better" not in repr(frame[["a", "b", "effect"]])


def test_names_from_outside_are_only_text():
    painter("dim", lambda i, _: level(i))
    prompts = ["p 1 <i>one</i>", "p 2 <i>two</i>"]
    html = contest(prompt=prompts, models=("dim",)).compare(by="prompt")._repr_html_()
    assert "p 1 &lt;i&gt;one" in html
    assert "<i>" not in html


# ---------------------------------------------------------------------- beside it
def test_the_summary_has_the_mean_of_each_score_and_of_how_many(run):
    change(run, "UPDATE results SET same_model = 0 WHERE request = (SELECT MIN(id) FROM requests)")
    summary = run.summary()
    table = run.table()
    dim = table[(table.model == "me/dim") & (table.prompt != "p 0")]["score_light"]
    assert summary["score_light"]["me/dim"] == pytest.approx(dim.mean())
    assert list(summary["score_light_n"]) == [19, 20]
    assert list(run.select(prompt=["p 1", "p 2"]).summary(["model", "prompt"])["score_light_n"]) == [1, 1, 1, 1]


def test_aspects_by_scenarios_are_win_rates():
    painter("dim", lambda i, _: level(i))
    painter("bright", lambda i, _: level(i) + (9 if i < 6 else -9))
    scorer()
    prompts = [Prompt(f"p {i}", id=str(i), category="day" if i < 6 else "night") for i in range(8)]
    run = contest(prompt=prompts).score("light")
    frame = run.aspects(metric=["score_light", "success"])
    assert frame["me/bright"].to_dict() == {
        ("score_light", "day"): 1, ("score_light", "night"): 0, ("score_light", "all"): 0.75,
        ("success", "day"): 0.5, ("success", "night"): 0.5, ("success", "all"): 0.5,
    }  # fmt: skip
    assert (frame["me/dim"] + frame["me/bright"] == 1).all()
    assert list(frame["prompts"]) == [6, 2, 8] * 2


def test_head_to_head_is_a_square_of_win_rates(run):
    frame = run.head_to_head(metric="score_light")
    assert frame.loc["me/bright", "me/dim"] == 1
    assert frame.loc["me/dim", "me/bright"] == 0
    assert frame.loc["me/dim", "me/dim"] is pd.NA


# ---------------------------------------------------------------------- sets, doubts, ranges
def test_a_number_of_a_whole_set_counts_once(run, tmp_path):
    @ik.register(scorer="spread", version="1", scope="set", across=("prompt",))
    def spread(subjects):
        return [float(len({s.picture.sha256 for s in subjects}))] * len(subjects)

    run.score("spread")
    shared = ik.open_run(run.export(tmp_path / "shared.zip", share=True))
    for one in (run, shared):
        row = row_of(one.compare(metric="score_spread"))
        assert (row.n, row.prompts) == (1, 1)  # a set a model: 20 rows of one number
        assert row.verdict == "too few sets: at least 4 more"
        assert row_of(one.compare(metric="score_light")).n == 20


def test_sets_of_a_prompt_are_as_many_as_prompts():
    painter("dim", lambda i, _: 40 + 5 * i)
    painter("bright", lambda i, _: 44 + 5 * i + i % 2)

    @ik.register(scorer="level", version="1", scope="set")
    def of_prompt(subjects):
        return [float(np.asarray(subjects[0].image.convert("L")).mean())] * len(subjects)

    row = row_of(contest().score("level").compare(metric="score_level"))
    assert (row.n, row.verdict) == (20, "b is better")


def test_an_interval_ends_where_two_numbers_cannot_lie_further_apart():
    painter("dim", lambda i, _: 1)
    painter("bright", lambda i, _: 254 if i else 1)

    @ik.register(scorer="lit", version="1", low=0, high=1)
    def lit(subject):
        return float(np.asarray(subject.image.convert("L")).mean() > 128)

    row = row_of(contest(prompts=3).score("lit").compare(metric="score_lit"))
    assert row.low == -1
    assert row.effect == pytest.approx(-2 / 3)
    assert row.effect < row.high <= 1


def test_a_difference_that_is_the_same_everywhere_is_not_called_none():
    painter("dim", lambda i, _: 40 + i)
    painter("bright", lambda i, _: 50 + i)
    scorer()
    row = row_of(contest(prompts=5).score("light").compare(metric="score_light"))
    assert (row.effect, row.low, row.high) == (-10, -10, -10)
    assert row.verdict == "not enough: 1 more prompt"


def test_the_median_is_one_wherever_it_stands(run):
    """Of an even number it lies between the two in the middle: else the order of two models turns by the table."""
    run = run.select(prompt=[f"p {i}" for i in range(8)])
    for model, slow in (("me/dim", (1, 1, 1, 4, 6, 9, 9, 9)), ("me/bright", (2, 2, 2, 4.5, 5, 9, 9, 9))):
        for i, seconds in enumerate(slow):
            sql = "UPDATE results SET seconds = ? WHERE request = (SELECT r.id FROM requests r JOIN cell_params p "
            where = "ON p.cell = r.cell WHERE r.model = ? AND p.name = 'prompt' AND p.value = ?)"
            change(run, sql + where, seconds, model, f'"p {i}"')
    row, summary = row_of(run.compare(metric="seconds")), run.summary()
    assert (row.a_value, row.b_value) == (5.0, 4.75)
    assert list(summary["seconds_p50"]) == [5.0, 4.75]


# ---------------------------------------------------------------------- what is shown where nothing is named
def notes(frame: pd.DataFrame) -> str:
    return " ".join(frame.attrs["notes"])


@pytest.fixture
def three() -> Run:
    """Three models, scored by a scorer with a number of its own and two parts, and by one without."""
    for number, name in enumerate(("dim", "grey", "bright")):
        painter(name, lambda i, _, number=number: 40 + 5 * i + number * (i % 3))
    parts = [Measure(), Measure("rim"), Measure("ink")]

    @ik.register(scorer="rules", version="1", measures=parts)
    def rules(subject):
        return {"": 1.0, "rim": subject.rgb.mean(), "ink": 0.5}

    @ik.register(scorer="rules_own", version="1")
    def own(subject):
        return float(subject.rgb.mean())

    @ik.register(scorer="page", version="1", measures=[Measure("edge"), Measure("tone", better=""), Measure("text")])
    def page(subject):
        return {"edge": subject.rgb.mean(), "tone": 0.5, "text": None}

    return contest(6, models=("dim", "grey", "bright")).score(["rules", "rules_own", "page"])


def test_what_matters_most_comes_first_and_parts_of_a_score_wait_to_be_named(three):
    frame = three.compare()
    shown = ["success", "price_usd", "seconds", "score_page_edge", "score_rules", "score_rules_own"]
    assert list(frame.metric) == [name for name in shown for _ in range(3)]
    assert 'Left out unless named: 2 parts of score_rules (metric="score_rules_*")' in notes(frame)
    assert "score_page_tone, where neither way is better" in notes(frame)
    assert "No picture has a number: score_page_text (run.scores() says why)." in notes(frame)
    assert "Left out unless named" in repr(frame)
    assert "Left out unless named" in frame._repr_html_()
    assert set(three.aspects().index.get_level_values("aspect")) == set(shown)


def test_a_pattern_names_all_parts(three):
    frame = three.compare(metric=["score_rules_[ir]*", "success"], a="me/dim", b="me/grey")
    assert list(frame.metric) == ["score_rules_ink", "score_rules_rim", "success"]
    assert "Left out" not in notes(frame)
    with pytest.raises(InvalidInput, match="'score_ruls_\\*'"):
        three.compare(metric="score_ruls_*")
    with pytest.raises(InvalidInput, match="names 3 metrics"):
        three.head_to_head(metric="score_rules_*")


def test_rows_that_have_nothing_to_compare_are_one_line(run):
    again = contest(name="again").score("light")
    assert list(again.compare().metric) == ["success", "price_usd", "score_light"]
    assert "No picture has a number: seconds." in notes(again.compare())
    change(run, "UPDATE results SET price_usd = NULL WHERE request IN (SELECT id FROM requests WHERE model = 'me/dim')")
    assert "Nothing to compare, no prompt has it on both sides: price_usd." in notes(run.compare())


def test_the_effect_of_medians_says_what_it_is(run):
    assert "Of price_usd and seconds the effect (a − b) is the median of the prompts' differences" in notes(
        run.compare()
    )
    assert "median" not in notes(run.compare(metric="score_light"))


def test_a_run_that_is_half_scored_says_so_and_how_to_go_on():
    painter("dim", lambda i, _: level(i) + 3 * (i % 4))
    painter("bright", lambda i, _: level(i) + 6 * (i % 2))
    scorer()
    run = contest(12)
    run.select(prompt=[f"p {i}" for i in range(9)]).score("light")
    frame = run.compare()
    assert 'Scoring is unfinished: 6 pictures have no score_light yet. run.score("light") goes on.' in notes(frame)
    assert row_of(frame, metric="score_light").verdict == "not enough: scoring is unfinished"
    assert "unfinished" not in notes(run.score("light").compare())


def test_the_tests_that_are_corrected_for_are_said_in_one_way(run):
    assert "corrected (Holm) for 2 comparisons in which anything differs" in repr(run.compare())
    words = repr(run.compare(metric="success"))
    assert "nothing differs anywhere, so nothing was tested" in words


def test_a_failure_is_not_told_twice():
    painter("dim", lambda i, _: level(i))
    painter("bright", lambda i, _: None if i < 8 else level(i) + 12)
    scorer()
    assert "0 and 8 failed<" in contest().score("light").compare(metric="score_light")._repr_html_()


def test_what_least_is_missing_for_comes_first():
    verdicts = [("no claim: doubt", None), ("too few prompts: at least 1 more", None), ("not enough: 9 more", 9)]
    verdicts += [("not enough: 2 more", 2), ("not enough: scoring is unfinished", None)]
    assert sorted(verdicts, key=lambda one: open_first(*one)) == verdicts[::-1]


def test_pictures_from_elsewhere_are_compared_by_their_label(tmp_path):
    for label, light in (("one", 40), ("two", 90)):
        (tmp_path / "set" / label).mkdir(parents=True)
        for i in range(6):
            Image.new("L", (8, 8), light + i).save(tmp_path / "set" / label / f"cup {i}.png")
    scorer()
    run = ik.open_run(tmp_path / "set").score("light")
    frame = run.compare()
    assert frame.attrs["by"] == "label"
    row = row_of(frame, metric="score_light")
    assert (row.a, row.b, row.n, row.verdict) == ("one", "two", 6, "b is better")
    assert list(run.aspects().columns) == ["prompts", "one", "two"]


def test_rows_of_a_table_are_compared_by_their_label_whatever_else_varies():
    rows = [
        {"picture": Image.new("L", (8, 8), 40 + 9 * i + j), "label": label, "prompt": f"p {i}", "lens": lens}
        for i in range(3)
        for lens in (35, 50)
        for j, label in enumerate(("one", "two"))
    ]
    frame = ik.open_run(pd.DataFrame(rows)).compare(metric="success")
    assert (frame.attrs["by"], list(frame.n)) == ("label", [3])


def test_a_deleted_file_says_what_happened_and_what_to_do(run):
    Path(run[0].artifacts[0].path).unlink()
    scores = run.score("technical").scores()
    reasons = scores[(scores.cell == 0) & scores.measure.str.startswith("score_technical")].reason.unique()
    assert len(reasons) == 1
    assert reasons[0].startswith("the picture's file cannot be read from the store: `imagegen doctor` looks for")
    assert str(run.path) not in reasons[0]


@pytest.mark.parametrize("base", [0.67, 1e-5], ids=["of the number", "of the range"])
def test_what_is_no_more_than_rounding_is_a_tie(base):
    painter("dim", lambda i, _: 40)
    painter("bright", lambda i, _: 41)

    @ik.register(scorer="rounded", version="1", low=0, high=1)
    def rounded(subject):
        return base + 1.5e-8 * (subject.image.getpixel((0, 0)) == 41)

    run = contest(6).score("rounded")
    row = row_of(run.compare(metric="score_rounded"))
    assert (row.effect, row.win_rate, row.verdict) == (0, 0.5, "no difference seen")
    assert list(run.aspects(metric="score_rounded").loc[("score_rounded", "all")]) == [6, 0.5, 0.5]


def test_pictures_made_elsewhere_are_compared_by_the_file_in_every_word(tmp_path):
    for name, base in (("dim", 40), ("bright", 90)):
        (tmp_path / "made" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("L", (8, 8), base + i).save(tmp_path / "made" / name / f"{i}.png")
    scorer()
    frame = ik.open_run(tmp_path / "made").score("light").compare()
    assert row_of(frame, metric="score_light").verdict == "too few files: at least 2 more"
    assert "too few files for any claim" in repr(frame)
    assert "prompt" not in repr(frame) + frame._repr_html_().split("also in it")[0]


def test_a_score_without_any_number_is_not_called_equal():
    painter("dim", lambda i, _: 40)
    painter("bright", lambda i, _: 41)

    @ik.register(scorer="mute", version="1")
    def mute(subject):
        return None

    frame = contest(6).score("mute").compare(metric="score_mute")
    assert "nothing differs" not in repr(frame)
    assert "no prompt has a number on both sides, so nothing was tested" in repr(frame)
    assert "it on both sides: score_mute (run.scores() says why)." in notes(frame)


def test_where_failures_lose_the_win_rate_says_of_how_many_prompts_it_is():
    painter("dim", lambda i, _: 40)
    painter("bright", lambda i, _: None)
    scorer()
    run = contest(6).score("light")
    row = row_of(frame := run.compare(metric="score_light", failures="lose"))
    assert (row.win_rate, row.win_n, row.n) == (1, 6, 0)
    assert "of 6<" in frame._repr_html_()
    left = row_of(run.compare(metric="score_light"))
    assert (left.win_rate is pd.NA, left.win_n) == (True, 0)


@pytest.mark.parametrize("prompts", [["p 1"], ["p 1", "p 2"]], ids=["one prompt", "two prompts"])
def test_a_run_in_which_nothing_is_to_be_compared_names_no_parameter_that_nobody_named(prompts):
    painter("dim", lambda i, _: 40)
    recipe = ik.Experiment(vary={"prompt": prompts}, fixed={"size": 64}, name="bare")
    run = recipe.run(progress=False)
    for call in (run.compare, run.aspects, run.vote):
        with pytest.raises(InvalidInput, match="varies in this run, so there is nothing to compare") as raised:
            call()
        assert "called 'model'" not in str(raised.value)
        assert ('by="prompt"' in str(raised.value)) == (len(prompts) > 1)


def test_head_to_head_says_its_metric_and_of_how_many_prompts_it_is(run):
    frame = run.head_to_head()
    assert repr(frame).startswith("success (higher is better) by model · share of 20 prompts that the row wins")
    assert "success (higher is better)" in frame._repr_html_()
    one = run.head_to_head(metric=["score_light"])
    assert (one.attrs["metric"], one.attrs["prompts"]) == ("score_light", (20, 20))
    assert "0.00" in repr(one)
    with pytest.raises(InvalidInput, match="names 2 metrics"):
        run.head_to_head(metric=["success", "score_light"])


def test_aspects_show_what_they_leave_out(three):
    frame = three.aspects()
    for shown in (repr(frame), frame._repr_html_()):
        assert "Left out unless named" in shown
        assert "me/bright" in shown
    assert "score_rules_own" in repr(frame)
    assert "win rates" not in repr(frame.reset_index())  # of another form by now


def test_none_is_a_value_where_it_is_one():
    painter("dim", lambda i, _: 40 + i)
    vary = {"prompt": [f"p {i}" for i in range(3)], "style": [None, "cinematic", "watercolor"]}
    run = ik.Experiment(vary=vary, fixed={"model": "me/dim"}, name="styles").run(progress=False)
    frame = run.compare(by="style", a=None, metric="success")
    assert list(frame.b) == ["cinematic", "watercolor"]
    assert list(run.compare(by="style", a=None, b="cinematic", metric="success").b) == ["cinematic"]
    assert len(run.compare(by="style", metric="success")) == 3


@pytest.mark.parametrize("method", ["compare", "aspects", "head_to_head"])
def test_an_argument_that_there_is_not_is_told_with_the_near_one(run, method):
    with pytest.raises(InvalidInput, match="Did you mean 'metric'"):
        getattr(run, method)(metrics="success")


def test_of_long_prompts_both_are_seen():
    painter("dim", lambda i, _: 40 + i)
    prompts = [f"p {i} in a place that takes many words to be told of, {word}" for i, word in enumerate(("one", "two"))]
    words = repr(contest(prompt=prompts, models=("dim",)).compare(by="prompt", metric="success"))
    assert "p 0 in a place that… − p 1 in a place that…" in words

"""Scores of runs: measured once, kept at once, NA with a reason, and never of a placeholder."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, MissingDependency
from imagegen_kit.hookspecs import Measure, ScorerSpec
from imagegen_kit.scorers import Measurement, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imagegen_kit.experiments.run import Run

GREYS = {"night": 10, "dusk": 90, "noon": 240}


@pytest.fixture(autouse=True)
def _models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ik.configure(store=tmp_path / "store")

    @ik.register(model="me/grey", version="1", seed=True)
    def grey(request: Any) -> Image.Image:
        if request.prompt == "nothing":
            raise RuntimeError("the service is down")
        return Image.new("L", (32, 32), GREYS.get(request.prompt, 128) + (request.seed or 0))


class Calls(list[str]):
    """Which pictures a scorer has looked at."""


@pytest.fixture
def calls() -> Calls:
    seen = Calls()

    @ik.register(scorer="light", version="1", low=0, high=255, unit="levels", better="")
    def light(subject: Subject) -> float:
        """How light it is."""
        seen.append(subject.picture.sha256)
        return float(np.asarray(subject.image.convert("L")).mean())

    return seen


def run_of(*prompts: str, **more: Any) -> Run:
    fixed = {"model": "me/grey"} if "model" not in more.get("vary", {}) else {}
    vary = {"prompt": list(prompts), **more.pop("vary", {})}
    return ik.Experiment(vary=vary, fixed=fixed | more.pop("fixed", {}), **more).run(progress=False)


def test_a_score_is_a_column_of_the_table_beside_its_picture(calls: Calls) -> None:
    run = run_of(*GREYS)
    assert run.score("light") is run
    frame = run.table()
    assert dict(zip(frame["prompt"], frame["score_light"], strict=True)) == {n: float(v) for n, v in GREYS.items()}
    names = list(frame)
    assert names.index("attempts") < names.index("score_light") < names.index("sha256")


def test_what_is_known_is_not_measured_again_and_new_pictures_are(calls: Calls) -> None:
    run = run_of("night", "dusk")
    run.score("light").score(["light"])
    assert len(calls) == 2
    more = run_of("night", "dusk", "noon")  # another run: two of its pictures come from the cache
    more.score("light")
    assert len(calls) == 3
    assert more.table()["score_light"].notna().all()


def test_scores_stay_with_the_store_and_go_with_a_bundle(calls: Calls, tmp_path: Path) -> None:
    run = run_of(*GREYS).score("light")
    for share in (False, True):
        opened = ik.open_run(run.export(tmp_path / f"{share}.zip", share=share))
        assert list(opened.table()["score_light"]) == list(run.table()["score_light"])
        long = opened.scores()
        assert set(long["unit"]) == {"levels"}
        assert set(long["high"]) == {255.0}
    opened.score("light", progress=False)
    assert list(opened.table()["score_light"]) == list(run.table()["score_light"])


def test_another_version_measures_anew_and_the_last_one_counts(calls: Calls) -> None:
    run = run_of("night").score("light")

    @ik.register(scorer="light", version="2")
    def light(subject: Subject) -> float:
        return 7.0

    assert list(run.score("light").table()["score_light"]) == [7.0]
    assert list(run.scores()["version"]) == ["2"]


def test_a_scorer_without_a_version_is_asked_each_time() -> None:
    run, asked = run_of("night"), []

    @ik.register(scorer="luck")
    def luck(subject: Subject) -> float:
        asked.append(1)
        return float(len(asked))

    run.score("luck").score("luck")
    assert list(run.table()["score_luck"]) == [2.0]


def test_options_are_part_of_what_a_score_is_known_by() -> None:
    class Above:
        spec = ScorerSpec("above", target="", version="1")

        def __init__(self, limit: float = 100) -> None:
            self.limit = limit

        def score(self, subjects: Sequence[Subject]) -> list[float]:
            return [float(np.asarray(s.image).mean() > self.limit) for s in subjects]

    ik.register(Above)
    run = run_of(*GREYS)
    assert list(run.score("above").table()["score_above"]) == [0.0, 0.0, 1.0]
    assert list(run.score({"above": {"limit": 50}}).table()["score_above"]) == [0.0, 1.0, 1.0]
    assert list(run.score({"above": {}}).table()["score_above"]) == [0.0, 0.0, 1.0]


def test_a_placeholder_and_a_failure_are_not_scored_and_say_so(calls: Calls) -> None:
    run = run_of("night", "nothing", policy=ik.Policy(attempts=1, placeholder=True))
    run.score("light")
    frame = run.table()
    assert list(frame["status"]) == ["ok", "placeholder"]
    assert frame["score_light"].isna().tolist() == [False, True]
    assert len(calls) == 1
    reasons = run.scores()["reason"]
    assert reasons.isna().tolist() == [True, False]
    assert reasons[1] == "a placeholder is never scored"


def test_a_scorer_that_fails_costs_its_own_number_only_and_is_asked_again(calls: Calls) -> None:
    mood = {"bad": True}

    @ik.register(scorer="moody", version="1")
    def moody(subject: Subject) -> float:
        if mood["bad"] and subject.labels["prompt"] == "dusk":
            raise ZeroDivisionError("no light")
        return 1.0

    run = run_of(*GREYS).score(["moody", "light"])
    frame = run.table()
    assert frame["score_moody"].isna().tolist() == [False, True, False]
    assert frame["score_light"].notna().all()
    (reason,) = run.scores().query("measure == 'score_moody'")["reason"].dropna()
    assert reason == "the scorer failed: ZeroDivisionError: no light"
    mood["bad"] = False
    assert run.score("moody").table()["score_moody"].notna().all()


def test_no_number_has_a_reason_and_not_a_number_is_none() -> None:
    @ik.register(scorer="shy", version="1", measures=(Measure(""), Measure("how")))
    def shy(subject: Subject) -> Any:
        if subject.labels["prompt"] == "night":
            return Measurement(None, "too dark")
        return {"": float("nan"), "how": Measurement(2.0, feature="eyes", details={"seen": [1, 2]})}

    run = run_of("night", "noon").score("shy")
    frame = run.table()
    assert frame["score_shy"].isna().all()
    assert frame["score_shy_how"].isna().tolist() == [True, False]
    long = run.scores().set_index(["cell", "measure"])
    assert long.loc[(0, "score_shy"), "reason"] == long.loc[(0, "score_shy_how"), "reason"] == "too dark"
    assert long.loc[(1, "score_shy"), "reason"] == "its number is nan"
    assert long.loc[(1, "score_shy_how"), "feature"] == "eyes"
    assert long.loc[(1, "score_shy_how"), "details"] == {"seen": [1, 2]}


@pytest.mark.parametrize(
    ("answer", "said"),
    [("much", "a str is no number"), ({"other": 1.0}, "it gives 'other', which its spec does not name")],
)
def test_an_answer_that_the_spec_does_not_allow_is_told(answer: Any, said: str) -> None:
    ik.register(lambda subject: answer, scorer="odd", version="1")
    run = run_of("night").score("odd")
    assert run.scores()["reason"][0] == f"the scorer failed: ValueError: {said}"


def test_what_the_spec_does_not_name_is_not_shown() -> None:
    ik.register(lambda subject: float(len(subject.prompt)), scorer="sly", version="1")
    assert (
        "reads the prompt of a request, but its spec does not say so"
        in run_of("night").score("sly").scores()["reason"][0]
    )


def test_what_a_scorer_reads_is_part_of_what_its_scores_are_known_by() -> None:
    asked = []

    @ik.register(scorer="words", version="1", reads=("prompt",))
    def words(subject: Subject) -> float:
        asked.append(subject.prompt)
        return float(len(subject.prompt))

    same = Image.new("L", (8, 8), 3)
    ik.register(lambda request: same, model="me/same", version="1")
    run = run_of("a", "bb", fixed={"model": "me/same"}).score("words")
    assert run.table()["sha256"].nunique() == 1
    assert list(run.table()["score_words"]) == [1.0, 2.0]
    run.score("words")
    assert sorted(asked) == ["a", "bb"]


def spread(name: str, sets: list[list[str]], **more: Any) -> None:
    @ik.register(scorer=name, version="1", scope="set", **more)
    def spread(subjects: Sequence[Subject]) -> list[float]:
        sets.append([str(s.labels["prompt"]) for s in subjects])
        light = [float(np.asarray(s.image).mean()) for s in subjects]
        return [max(light) - min(light)] * len(light)


def test_sets_are_what_the_varied_parameters_hold_together() -> None:
    sets: list[list[str]] = []
    spread("spread", sets)
    run = run_of("night", "noon", vary={"seed": [0, 5]}, repeats=2).score("spread")
    assert sorted(map(tuple, sets)) == [("night",) * 4, ("noon",) * 4]
    assert set(run.table()["score_spread"]) == {6.0}  # seeds 0, 1, 5 and 6


def test_a_scorer_may_span_a_parameter_and_the_user_may_say_which_sets() -> None:
    sets: list[list[str]] = []
    spread("across", sets, across=("prompt",))
    run = run_of("night", "noon", vary={"seed": [0, 5]}).score("across")
    assert sorted(sets[0]) == ["night", "night", "noon", "noon"]
    run.score({"across": {"by": ["prompt", "seed"]}})
    assert sorted(map(len, sets[1:])) == [1, 1, 1, 1]
    assert set(run.table()["score_across"]) == {0.0}


def test_a_set_that_has_grown_is_measured_again() -> None:
    sets: list[list[str]] = []
    spread("across", sets, across=("prompt",))
    run_of("night", "noon").score("across").score("across")
    run_of("night", "noon", "dusk").score("across")
    assert [len(s) for s in sets] == [2, 3]


def test_all_faults_come_at_once_before_anything_is_measured(calls: Calls) -> None:
    run = run_of("night")
    with pytest.raises(InvalidInput) as caught:
        run.score(["light", "lihgt", {"light": {"by": "prompt"}}])
    said = str(caught.value)
    assert "Did you mean 'light'" in said
    assert "takes no `by`" in said
    assert calls == []
    with pytest.raises(InvalidInput, match=r"unexpected keyword argument 'deep'"):
        run.score({"light": {"deep": True}})
    with pytest.raises(InvalidInput, match="no scorer is named"):
        run.score([])
    with pytest.raises(InvalidInput, match="a int names no scorer"):
        run.score(3)  # type: ignore[arg-type]


def test_scorers_may_be_named_one_after_another(calls: Calls) -> None:
    run = run_of("night").score("light", "duplicates")
    assert {"score_light", "score_duplicates"} <= set(run.table())


def test_an_unknown_option_of_a_scorer_of_sets_is_answered_with_by_too() -> None:
    with pytest.raises(InvalidInput, match=r"It takes embedder, by\."):
        run_of("night").score({"diversity": {"bye": "prompt"}})


@pytest.mark.parametrize("number", [-1.0, 256.0])
def test_a_number_outside_the_range_that_was_declared_is_none(number: float) -> None:
    ik.register(lambda subject: number, scorer="levels", low=0, high=255)
    (row,) = run_of("night").score("levels").scores().to_dict("records")
    assert "that its spec declares" in row["reason"]


def test_a_number_beyond_its_range_by_rounding_is_the_end_of_it() -> None:
    ik.register(lambda subject: 1.0000001, scorer="share", low=0, high=1)
    assert run_of("night").score("share").table()["score_share"].item() == 1.0


@pytest.mark.parametrize("answer", [True, np.bool_(False), Measurement(True)], ids=["bool", "numpy", "measurement"])
def test_yes_and_no_are_no_numbers(answer: Any) -> None:
    ik.register(lambda subject: answer, scorer="good")
    (row,) = run_of("night").score("good").scores().to_dict("records")
    assert "give 1.0 or 0.0" in row["reason"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"low": 2, "high": 1}, "low is 2 and high 1"), ({"low": True}, "numbers or None"), ({"name": "judge"}, "judge")],
)
def test_a_scorer_that_cannot_be_is_refused_when_it_is_registered(facts: dict[str, Any], said: str) -> None:
    name = facts.pop("name", "mine")
    with pytest.raises(InvalidInput, match=said):
        ik.register(lambda subject: 1.0, scorer=name, **facts)


def test_a_scorer_never_writes_another_ones_column() -> None:
    with pytest.raises(InvalidInput, match="score_technical_sharpness is a column of the scorer 'technical'"):
        ik.register(lambda subject: 1.0, scorer="technical_sharpness")
    ik.register(lambda subject: 1.0, scorer="mine_best")
    mine = ScorerSpec("mine", target=lambda: None, measures=(Measure("best"), Measure("worst")))
    with pytest.raises(InvalidInput, match="score_mine_best is a column of the scorer 'mine_best'"):
        ik.register(mine)
    with pytest.raises(InvalidInput, match="score_technical_jpeg is a column of the scorer 'technical'"):
        run_of("night").score(ScorerSpec("technical_jpeg", target=lambda: None))
    ik.register(lambda subject: 2.0, scorer="mine_best")  # the same name again replaces it, as ever
    assert run_of("night").score("mine_best").table()["score_mine_best"].tolist() == [2.0]


def test_a_scorer_that_gave_no_number_at_all_is_told_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    def broken(subject: Subject) -> float:
        raise RuntimeError("no such filter")

    ik.register(broken, scorer="broken")
    run_of("night", "noon").score("broken")
    (line,) = caplog.messages
    assert "'broken' gave no number for any of 2 picture(s): the scorer failed: RuntimeError: no such filter" in line


@pytest.mark.parametrize(
    ("number", "said"),
    [(float("nan"), "its number is nan"), (float("inf"), "its number is inf"), (7.0, "its number 7 is above 1")],
)
def test_a_scorer_whose_numbers_are_all_refused_is_told_as_one_that_failed(
    number: float, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    ik.register(lambda subject: number, scorer="odd", low=0, high=1)
    run_of("night", "noon").score("odd")
    (line,) = caplog.messages
    assert f"'odd' gave no number for any of 2 picture(s): {said}" in line


def test_a_scorer_that_fits_no_picture_stays_silent(caplog: pytest.LogCaptureFixture) -> None:
    ik.register(lambda subject: Measurement(None, "no text was asked for"), scorer="letters")
    run_of("night", "noon").score("letters")
    assert caplog.messages == []


def test_an_unknown_parameter_to_set_apart_by_is_refused() -> None:
    sets: list[list[str]] = []
    spread("spread", sets)
    with pytest.raises(InvalidInput, match="Did you mean 'prompt'"):
        run_of("night").score({"spread": {"by": ["promt"]}})
    assert sets == []


def test_a_missing_package_is_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "farscorer.py").write_text("import no_such_package_here")
    monkeypatch.syspath_prepend(str(tmp_path))
    ik.register(ScorerSpec("far", target="farscorer:Far", install="pip install far-away"))
    with pytest.raises(MissingDependency, match="pip install far-away"):
        run_of("night").score("far")


def test_pictures_of_a_batch_are_scored_side_by_side() -> None:
    together = threading.Barrier(2, timeout=20)

    @ik.register(scorer="both", version="1")
    def both(subject: Subject) -> float:
        if subject.labels["prompt"] in ("picture 0", "picture 8"):  # the first of two tasks
            together.wait()
        return 1.0

    run = run_of(*(f"picture {i}" for i in range(16)))
    assert run.score("both").table()["score_both"].sum() == 16


def test_a_removed_picture_is_not_scored_and_a_selection_only_itself(calls: Calls) -> None:
    run = run_of(*GREYS)
    run.select(prompt="noon").score("light")
    assert run.table()["score_light"].isna().tolist() == [True, True, False]
    assert list(run.select(prompt="noon").scores()["value"]) == [240.0]


def test_a_recipe_has_its_pictures_scored_and_goes_on_by_the_numbers(calls: Calls) -> None:
    async def brighter(job: Any, prompts: list[str], model: str = "me/grey") -> Any:
        for prompt in prompts:
            made = await job.image(prompt, model=model)
            (found,) = await job.score(made, "light")
            if found["light"].value > 200:
                return made
        return None

    exp = ik.Experiment(brighter, vary={"prompts": [["night", "noon", "dusk"]]})
    assert exp.plan()["lower_bound"].all()
    run = exp.run(progress=False)
    assert list(run.table()["score_light"]) == [10.0, 240.0]
    assert len(calls) == 2
    run.score("light")
    assert len(calls) == 2


def test_pictures_made_elsewhere_are_scored_too(calls: Calls, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, value in GREYS.items():
        Image.new("L", (16, 16), value).save(folder / f"{name}.png")
    run = ik.open_run(folder).score("light")
    assert sorted(run.table()["score_light"]) == sorted(map(float, GREYS.values()))


def test_a_function_scorer_is_checked_when_it_is_registered_and_goes_away_again() -> None:
    with pytest.raises(InvalidInput) as caught:
        ik.register(lambda: 1, scorer="Bad Name", beter="higher")
    assert "Did you mean 'better'" in str(caught.value)
    assert "does not take (subject)" in str(caught.value)
    with pytest.raises(InvalidInput, match="is not 'higher'"):
        ik.register(lambda s: 1, scorer="fine", better="bigger")
    undo = ik.register(lambda s: 1, scorer="fine", version="1")
    run = run_of("night").score("fine")
    undo()
    with pytest.raises(InvalidInput, match="fine"):
        run.score("fine")
    assert list(run.table()["score_fine"]) == [1.0]


def test_a_number_that_was_refused_is_measured_anew_when_its_range_was_mended() -> None:
    seen: list[int] = []

    def levels(subject: Subject) -> float:
        seen.append(1)
        return 12.0

    ik.register(levels, scorer="levels", version="1", low=0, high=1)
    run = run_of("night").score("levels")
    assert run.table()["score_levels"].isna().all()
    ik.register(levels, scorer="levels", version="1", low=0, high=255)
    assert run.score("levels").table()["score_levels"].tolist() == [12.0]
    run.score("levels")
    assert len(seen) == 2  # what is sound is not measured again

"""What is wrong with an experiment is told before anything runs, all of it together."""

from __future__ import annotations

import pandas as pd
import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from tests.engine.models import model, picture


def faults(**given):
    with pytest.raises(InvalidInput) as caught:
        ik.Experiment(**given)
    return [str(f) for f in caught.value.faults]


FORMS = {
    "bare text": ({"prompt": "a cup"}, "a bare text is not an axis"),
    "empty axis": ({"prompt": []}, "the axis is empty"),
    "number": ({"prompt": ["a"], "seed": 3}, "3 is not a list"),
    "text": ("prompt", "str is no grid"),
    "nothing": (None, "NoneType is no grid"),
    "no points": ([], "it holds no points"),
    "points of numbers": ([{"prompt": "a"}, 3], "1 of its points are no dicts"),
}


@pytest.mark.parametrize(("vary", "words"), FORMS.values(), ids=FORMS)
def test_a_grid_that_is_none_is_refused(vary, words):
    assert any(words in f for f in faults(vary=vary))


def test_everything_wrong_with_the_values_is_told_together(tmp_path):
    (tmp_path / "cut.png").write_bytes(picture()[:-20])
    found = faults(
        vary={
            "prompt": ["a", "", "x" * 40_000],
            "model": ["offline/collage", "offline/colage"],
            "style": [None, "vintage-mascott"],
            "size": [(512, 512), 0, -3, (100_000, 5), "big"],
            "references": [None, "gone.png", "cut.png"],
            "modle": ["x"],
            "seed": [1, -1],
        },
        repeats=2,
        budget_usd=-1,
    )
    text = "\n".join(found)
    for words in (
        "prompt: it is empty", "40,000 characters", "Did you mean 'offline/collage'", "Did you mean 'vintage-mascot'",
        "width 0", "width -3", "width 100000", "'big' is not a size", "gone.png", "cut.png", "Did you mean 'model'",
        "seed: -1", "budget_usd: -1",
    ):  # fmt: skip
        assert words in text
    assert len(found) == len(set(found))


def test_sizes_and_ratios_that_meet_in_a_cell_must_agree():
    found = faults(vary={"prompt": ["a"], "size": [(512, 512)], "aspect_ratio": ["1:1", "16:9"]})
    assert found == ["size: 512x512 and aspect_ratio 16:9 are in conflict. Give one of the two."]
    points = [{"prompt": "a", "size": (512, 512)}, {"prompt": "a", "aspect_ratio": "16:9"}]
    assert len(ik.Experiment(vary=points)) == 2


def test_the_same_name_is_not_varied_and_fixed():
    assert faults(vary={"prompt": ["a"]}, fixed={"prompt": "b"}) == [
        "fixed: prompt is both varied and fixed. Keep one of the two."
    ]


def test_a_missing_parameter_is_named():
    assert "prompt: it is missing" in faults(vary={"seed": [1]})[0]
    assert "prompt: it is missing" in faults(vary=[{"prompt": "a"}, {"seed": 1}])[0]


@pytest.mark.parametrize("repeats", [0, -1, 1.5, "3", True])
def test_repeats_are_a_whole_number(repeats):
    assert faults(vary={"prompt": ["a"]}, repeats=repeats)[0].startswith("repeats")


@pytest.mark.parametrize("budget_usd", ["0.10", True, -1, float("nan")], ids=repr)
def test_a_budget_is_a_number_of_usd(budget_usd):
    text = f"budget_usd: {budget_usd!r} is not an amount in USD. Write a number like 0.1."
    assert faults(vary={"prompt": ["a"]}, budget_usd=budget_usd) == [text]


def test_a_budget_in_a_file_is_a_number_too(tmp_path):
    path = tmp_path / "e.yaml"
    path.write_text("vary: {prompt: [a]}\nbudget_usd: true\n")
    with pytest.raises(InvalidInput, match=r"e\.yaml:2 budget_usd"):
        ik.Experiment.from_yaml(path)
    path.write_text("vary: {prompt: [a]}\nbudget_usd: 2\n")
    assert ik.Experiment.from_yaml(path).budget_usd == 2


def test_an_unknown_option_is_told_with_the_near_one():
    model()
    assert "Did you mean 'mood'" in faults(vary={"prompt": ["a"], "modd": ["calm"]}, fixed={"model": "lab/one"})[0]
    ik.Experiment(vary={"prompt": ["a"], "mood": ["calm"]}, fixed={"model": "lab/one"})


def test_points_come_from_a_dataframe_where_nan_is_nothing():
    frame = pd.DataFrame({"prompt": ["a", "b"], "seed": [1, 2], "style": [None, "vintage-mascot"]})
    exp = ik.Experiment(vary=frame, fixed={"model": "offline/poster"})
    assert len(exp) == 2
    assert exp.grid.points[0]["style"] is None


YAML = {
    "unknown key": ("name: a\nvary:\n  prompt: [a]\nfixd: {}\n", ":4 fixd", "Did you mean 'fixed'"),
    "unknown policy": ("vary: {prompt: [a]}\npolicy:\n  attempt: 3\n", ":3 policy.attempt", "Did you mean 'attempts'"),
    "duplicate": ("vary:\n  prompt: [a]\n  prompt: [b]\n", ":3", "stands here twice"),
    "alias bomb": ("a: &a [x]\nb: &b [*a, *a]\nvary: {prompt: *b}\n", ":1", "anchor or alias"),
    "tag": ("vary: !!python/object:os.system\n  prompt: [a]\n", ":1", "tag"),
    "no grid": ("name: x\n", "vary", "is missing"),
    "text": ("just words", ":1", "holds a str"),
    "empty": ("", ":1", "holds nothing"),
    "wrong type": ("vary: {prompt: [a]}\nrepeats: many\n", ":2 repeats", "integer"),
    "no such suite": ("vary:\n  prompt: {suite: nowhere}\n", "suite", "nowhere"),
    "no axis": ("vary:\n  prompt: {sweet: first}\n", "vary.prompt", "is no axis"),
    "odd prompt": ("vary:\n  prompt: [{$prompt: a, colour: red}]\n", "$prompt", "cannot be read"),
}


@pytest.mark.parametrize(("text", "where", "words"), YAML.values(), ids=YAML)
def test_a_file_with_a_fault_names_its_line(tmp_path, text, where, words):
    path = tmp_path / "exp.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        ik.Experiment.from_yaml(path)
    assert where in str(caught.value)
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"no file 'exp\.yaml'"):
        ik.Experiment.from_yaml(tmp_path / "exp.yaml")

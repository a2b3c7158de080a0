"""Which pictures made elsewhere are set beside each other, and what is said of columns that do not pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.experiments.run import Run
from imagegen_kit.experiments.voting import Ballot

MODELS = ("a", "b")


def opened(**columns: Any) -> Run:
    """Open a table of six prompts by two models; a column is made of number, prompt and model."""
    rows = []
    for number in range(12):
        prompt, model = number // 2, MODELS[number % 2]
        told = {name: value(number, prompt, model) for name, value in columns.items()}
        rows.append({"picture": Image.new("L", (8, 8), 9 * number), "prompt": f"p {prompt}", "model": model, **told})
    return ik.open_run(pd.DataFrame(rows))


COLUMNS = {
    "a rating": lambda number, prompt, model: number % 5,
    "a seed of each picture's own": lambda number, prompt, model: 1000 + number,
    "what differs with the model": lambda number, prompt, model: f"made by {model}",
    "a note on some": lambda number, prompt, model: "blurred" if number == 3 else None,
}


@pytest.mark.parametrize("what", COLUMNS)
def test_a_column_that_takes_counterparts_away_does_not_pair_and_is_named(what):
    run = opened(extra=COLUMNS[what])
    frame = run.compare(metric="success", by="model")
    assert list(frame.n) == [6]
    note = "Not paired by extra: pictures would lose their counterparts. Paired by prompt."
    assert note in frame.attrs["notes"]
    assert Ballot(run, "model", repeats=0).possible == 6
    assert run.aspects("model", metric="success").prompts.tolist() == [6]


def test_a_column_that_all_have_on_both_sides_pairs():
    run = opened(extra=COLUMNS["a rating"], lens=lambda number, prompt, model: 35 if prompt < 3 else 50)
    assert run.compare(metric="success", by="model").attrs["notes"] == [
        "Not paired by extra: pictures would lose their counterparts. Paired by prompt and lens."
    ]


def test_crossed_columns_are_set_like_beside_like():
    rows = [
        {"picture": Image.new("L", (8, 8), 9 * i + 90 * j + k), "prompt": f"p {i}", "model": model, "lens": lens}
        for i in range(3)
        for j, model in enumerate(MODELS)
        for k, lens in enumerate((35, 50) if j else (50, 35))  # the two tools list them in another order
    ]
    ballot = Ballot(ik.open_run(pd.DataFrame(rows)), "model", repeats=0)
    lenses = {row.sha256: row.lens for row in ballot.run.table().itertuples()}
    assert ballot.possible == 6
    assert all(lenses[pair.left.sha256] == lenses[pair.right.sha256] for pair in ballot.plan)
    assert not ballot.run.compare(by="model", metric="success").attrs["notes"]


def test_a_score_that_a_table_brings_is_a_metric_and_never_pairs():
    run = opened(score_mine=lambda number, prompt, model: number / 2)
    assert run.compare().attrs["by"] == "model"
    row = run.compare(metric="score_mine").iloc[0]
    assert (row.a_value, row.b_value, row.n, row.verdict) == (2.5, 3.0, 6, "b is higher")
    assert not any("Not paired" in note for note in run.compare().attrs["notes"])


def folder_of(*files: str) -> Run:
    for number, file in enumerate(files):
        path = Path("set") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 20 * number).save(path)
    return ik.open_run("set")


def test_files_of_other_names_do_not_pair_and_that_is_said():
    run = folder_of("sd/sd_0.png", "sd/sd_1.png", "flux/flux_0.png", "flux/flux_1.png")
    said = r"No two pictures that differ in label belong together: they pair by equal file names \(one/cup.png"
    with pytest.raises(InvalidInput, match=said):
        Ballot(run)
    assert any(note.startswith("No two pictures that differ in label") for note in run.compare().attrs["notes"])


def test_files_of_equal_names_pair():
    assert Ballot(folder_of("sd/0.png", "sd/1.png", "flux/0.png", "flux/1.png"), repeats=0).possible == 2


ICONS = ("cup", "hat", "kite", "boat")


def table_of(names: dict[str, list[str]], **columns: list[Any]) -> Run:
    """Open a table of pictures without prompts, each in a folder of its model."""
    rows = []
    for model, files in names.items():
        for number, file in enumerate(files):
            path = Path(model) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 9 * number + 90 * (model == "two")).save(path)
            rows.append({"path": str(path), "model": model})
    return ik.open_run(pd.DataFrame(rows).assign(**columns))


def files_paired(run: Run) -> list[tuple[str, str]]:
    names = dict(zip(run.table()["sha256"], run.table()["file"], strict=True))
    return [(names[pair.left.sha256], names[pair.right.sha256]) for pair in Ballot(run, "model", repeats=0).plan]


def test_a_table_without_prompts_pairs_by_equal_file_names_in_whatever_order_they_come():
    files = [f"{name}.png" for name in ICONS]
    run = table_of({"one": files, "two": sorted(files)})
    assert sorted(files_paired(run)) == [(name, name) for name in sorted(files)]
    frame = run.compare("model", metric="success")
    assert (frame.attrs["unit"], frame.n.tolist()) == ("file", [4])


def test_a_column_file_says_which_pictures_of_a_table_belong_together():
    run = table_of({"one": ["1.png", "2.png"], "two": ["3.png", "4.png"]}, file=["cup", "hat", "hat", "cup"])
    assert sorted(files_paired(run)) == [("cup", "cup"), ("hat", "hat")]


def test_a_table_of_other_file_names_pairs_by_the_texts_that_say_what_is_to_be_seen():
    run = table_of({"one": ["1.png", "2.png"], "two": ["3.png", "4.png"]}, scene=["cup", "hat", "hat", "cup"])
    assert sorted(map(sorted, files_paired(run))) == [["1.png", "4.png"], ["2.png", "3.png"]]


def test_pictures_of_which_nothing_says_what_they_show_are_never_paired_by_their_order():
    rows = [{"picture": Image.new("L", (8, 8), 9 * n), "model": MODELS[n % 2]} for n in range(6)]
    run = ik.open_run(pd.DataFrame(rows))
    with pytest.raises(InvalidInput, match=r"there are no pairs\. Nothing says which pictures belong together"):
        Ballot(run)


def test_a_scorer_never_takes_the_place_of_a_score_that_the_table_brought():
    run = opened(score_technical_sharpness=lambda number, prompt, model: 40 + number)
    with pytest.raises(InvalidInput, match="brought its own score_technical_sharpness"):
        run.score("technical")
    assert run.table()["score_technical_sharpness"].tolist() == [40 + number for number in range(12)]


def test_where_nobody_told_of_failures_nobody_wins_by_success_and_files_are_called_files():
    run = table_of({"one": ["a.png", "b.png"], "two": ["a.png", "b.png"]})
    frame = run.head_to_head("model")
    assert frame.isna().all().all()
    assert any("nobody told how many did not" in note for note in frame.attrs["notes"])
    assert any("nobody told how many did not" in note for note in run.compare("model").attrs["notes"])
    shown = repr(run.aspects("model", metric="success"))
    assert "the share of files won" in shown
    assert "prompts" not in shown


@pytest.mark.parametrize(("value", "kind"), [("good", "text"), (True, "true or false")], ids=["text", "boolean"])
def test_a_score_column_of_no_numbers_is_told_as_what_it_is(value: Any, kind: str):
    run = opened(score_mine=lambda number, prompt, model: value)
    with pytest.raises(InvalidInput, match=f"score_mine is {kind}, not numbers"):
        run.compare(metric="score_mine")

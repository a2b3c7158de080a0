"""Pictures that were made elsewhere open as a run: a folder, or a table."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import imagegen_kit as ik
from imagegen_kit.engine.recipe import RESERVED
from imagegen_kit.errors import InvalidInput
from tests.engine.models import model, picture, rows


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "shots"
    for name, number in (("one.png", 1), ("midjourney/two.png", 2), ("midjourney/three.png", 3)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(picture(number))
    (place / "notes.txt").write_text("not a picture")
    return place


def test_a_folder_is_a_run_with_a_row_a_picture(folder):
    run = ik.open_run(folder)
    table = run.table()
    assert table["file"].tolist() == ["midjourney/three.png", "midjourney/two.png", "one.png"]
    assert table["label"].tolist()[:2] == ["midjourney"] * 2
    assert pd.isna(table["label"][2])
    assert table["status"].tolist() == ["ok"] * 3
    assert (table["width"].tolist(), table["origin"].tolist()) == ([24] * 3, ["elsewhere"] * 3)
    assert run.name == "shots"
    assert run[2].artifacts[0].bytes == picture(1)


def test_what_nobody_said_is_not_available(folder):
    table = ik.open_run(folder).table()
    assert table[["cost_usd", "price_usd", "seconds"]].isna().all().all()
    assert table["cost_basis"].tolist() == ["unknown"] * 3
    costs = ik.open_run(folder).costs()
    assert costs["unknown_costs"].tolist() == [3]
    assert ik.open_run(folder).summary()["timed"].tolist() == [0]
    assert ik.usage().empty


def test_the_same_folder_is_the_same_run_and_a_changed_one_is_another(folder):
    first = ik.open_run(folder)
    assert ik.open_run(str(folder)).id == first.id
    (folder / "one.png").write_bytes(picture(9))
    second = ik.open_run(folder)
    assert second.id != first.id
    assert rows("SELECT COUNT(*) FROM runs") == [(2,)]
    assert ik.open_run("shots").id == second.id


def test_pictures_from_elsewhere_are_never_served_from_the_cache(folder, own_registry):
    script = model()
    ik.open_run(folder)
    ik.generate("a cup", model="lab/one")
    assert script.calls == 1
    assert rows("SELECT COUNT(*) FROM results WHERE key IS NULL AND origin = 'elsewhere'") == [(3,)]


def test_such_a_run_shows_selects_saves_and_leaves_as_a_bundle(folder, tmp_path):
    run = ik.open_run(folder)
    assert run._repr_html_().count("<img") == 3
    assert len(run.select(label="midjourney")) == 2
    assert len(list(run.save(tmp_path / "out").glob("*.png"))) == 3
    opened = ik.open_run(run.export(tmp_path / "run.zip"))
    assert opened.table().drop(columns="path").to_csv() == run.table().drop(columns="path").to_csv()
    with pytest.raises(InvalidInput, match="made elsewhere, by no experiment"):
        _ = run.experiment
    assert run.resume() is run


def test_what_our_own_pictures_say_is_read(tmp_path):
    made = ik.generate("a red kite", model="offline/collage", seed=7, size=64)
    (tmp_path / "kept").mkdir()
    for suffix in ("png", "jpg", "webp"):
        made.save(tmp_path / "kept" / f"a.{suffix}")
    table = ik.open_run(tmp_path / "kept").table()
    assert table["prompt"].tolist() == ["a red kite"] * 3
    assert table["model"].tolist() == ["offline/collage"] * 3
    assert table["seed"].tolist() == [7] * 3
    assert table["price_usd"].tolist() == [0.0] * 3


def test_a_saved_run_opens_with_what_its_metadata_says(tmp_path):
    exp = ik.Experiment(
        vary={"prompt": ["a red kite", "two boats"], "model": ["offline/collage", "offline/pencil"]},
        fixed={"size": "64", "seed": 1}, policy=ik.Policy(clock="simulated"),
    )  # fmt: skip
    run = exp.run(progress=False)
    opened = ik.open_run(run.save(tmp_path / "out"))
    same = ["prompt", "model", "cost_usd", "price_usd", "seconds", "sha256"]
    assert opened.table()[same[:-1]].to_csv() == run.table()[same[:-1]].to_csv()
    assert opened.summary()["seconds_p50"].tolist() == run.summary()["seconds_p50"].tolist()


def test_the_text_of_other_tools_is_read(tmp_path):
    facts = 'Steps: 20, Sampler: "Euler, a", Seed: 41, Size: 8x8, Model: sdxl'
    text = f"a castle, oil\non canvas\nNegative prompt: blur, rain\n{facts}"
    info = PngInfo()
    info.add_text("parameters", text)
    (tmp_path / "a1111").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "a1111" / "x.png", pnginfo=info)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    Image.new("RGB", (8, 8)).save(tmp_path / "a1111" / "y.jpg", exif=exif)
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-le")
    Image.new("RGB", (8, 8)).save(tmp_path / "a1111" / "z.webp", exif=exif)
    table = ik.open_run(tmp_path / "a1111").table()
    assert table["prompt"].tolist() == ["a castle, oil\non canvas"] * 3
    assert table["negative_prompt"].tolist() == ["blur, rain"] * 3
    assert (table["model"].tolist(), table["seed"].tolist()) == (["sdxl"] * 3, [41] * 3)


def test_a_table_is_a_run_with_its_own_columns(tmp_path):
    (tmp_path / "p.png").write_bytes(picture(1))
    frame = pd.DataFrame(
        {
            "path": [str(tmp_path / "p.png"), tmp_path / "p.png", None],
            "prompt": ["a", "b", "c"],
            "model": ["dall-e", "dall-e", "sora"],
            "cost_usd": [0.04, float("nan"), 0.0],
            "seconds": [1.5, 2.5, None],
            "lens": [35, 50, 85],
            "error": [None, None, "refused"],
        }
    )
    run = ik.open_run(frame)
    table = run.table()
    assert table["lens"].tolist() == [35, 50, 85]
    assert table["status"].tolist() == ["ok", "ok", "failed"]
    assert table["error"][2] == "refused"
    assert table["cost_usd"].astype(object).where(table["cost_usd"].notna(), None).tolist() == [0.04, None, 0.0]
    summary = run.summary()
    assert summary.loc["dall-e", ["pictures", "timed", "seconds_p50"]].tolist() == [2, 2, 2.0]
    assert summary.loc["sora", "failed"] == 1
    assert ik.open_run(frame.copy()).id == run.id


def test_pil_images_and_bytes_are_pictures_of_a_table_too():
    frame = pd.DataFrame({"picture": [Image.new("RGB", (9, 9), "red"), picture(2)], "model": ["x", "y"]})
    assert ik.open_run(frame).table()["width"].tolist() == [9, 24]


def test_the_table_of_another_run_opens_as_a_run():
    run = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "offline/poster", "size": "64"}).run(
        progress=False
    )
    opened = ik.open_run(run.table())
    assert opened.table()[["prompt", "model", "sha256"]].to_csv() == run.table()[["prompt", "model", "sha256"]].to_csv()


def test_columns_that_only_a_run_fills_are_taken_from_no_table_and_the_page_names_them_all():
    given = {"status": "failed", "repeat": 3, "run_id": "mine", "sha256": "0" * 64, "error": "blurred"}
    table = ik.open_run(pd.DataFrame([{"picture": picture(1), "model": "x", **given}])).table()
    row = table.iloc[0]
    assert (row["status"], row["repeat"], pd.isna(row["error"])) == ("ok", 0, True)
    assert (row.run_id, row.sha256) != (given["run_id"], given["sha256"])
    page = (Path(ik.__file__).parents[1] / "docs" / "sharing.md").read_text(encoding="utf-8")
    unsaid = [name for name in RESERVED if f"`{name}`" not in page]
    assert not unsaid


def test_unreadable_pictures_are_all_named_at_once_and_nothing_is_recorded(folder):
    (folder / "torn.png").write_bytes(picture(4)[:60])
    (folder / "page.jpg").write_text("<html>")
    (folder / "moving.gif").write_bytes(b"GIF89a....")
    with pytest.raises(InvalidInput) as error:
        ik.open_run(folder)
    assert len(error.value.faults) == 3
    for name in ("torn.png", "page.jpg", "moving.gif"):
        assert name in str(error.value)
    assert ik.runs().empty


def test_metadata_that_lies_or_is_broken_harms_nothing(folder):
    (folder / "metadata.json").write_text(
        json.dumps({"pictures": [{"file": "one.png", "cost_usd": "free", "seconds": -1, "price_usd": True}, 7]})
    )
    (folder / "midjourney" / "two.json").write_text("[" * 100_000)
    table = ik.open_run(folder).table()
    assert table[["cost_usd", "price_usd", "seconds"]].isna().all().all()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda p: p, "no picture in"),
        (lambda p: pd.DataFrame({"prompt": ["a"]}), "no column of pictures"),
        (lambda p: pd.DataFrame({"path": []}), "no rows"),
        (lambda p: pd.DataFrame([["a", 1, 2]], columns=["path", "model", "model"]), "two columns are called 'model'"),
        (lambda p: pd.DataFrame({"path": [None]}), "its path is missing"),
        (lambda p: pd.DataFrame({"path": [p / "gone.png"]}), "row 0.*there is no file"),
        (lambda p: p / "gone", "no folder or bundle"),
        (lambda p: 7, "a int names no run"),
        (lambda p: str(p / "gone.zip"), "there is no file"),
        (lambda p: "gone", "no run is called 'gone'"),
    ],
    ids=["an empty folder", "a table without pictures", "no rows", "a name twice", "no path", "a gone file",
         "a gone folder", "a number", "a gone bundle", "an unknown name"],
)  # fmt: skip
def test_what_cannot_be_opened_is_said(tmp_path, what, said):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match=said):
        ik.open_run(what(tmp_path / "empty"))


def test_a_store_is_not_taken_for_a_folder_of_pictures(tmp_path):
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"size": "64"}).run(progress=False)
    with pytest.raises(InvalidInput, match=r"this folder is a store.*configure\(store="):
        ik.open_run(run.path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tab.csv", r'Read it first: ik\.open_run\(pandas\.read_csv\("tab\.csv"\)\)\. It needs a column path'),
        ("tab.tsv", r'read_csv\("tab\.tsv", sep="\\t"\)'),
        ("cup.png", r"Give the folder in which the pictures lie"),
    ],
)
def test_a_file_that_is_no_run_says_what_to_do(tmp_path, name, said):
    (tmp_path / name).write_text("path,label\n")
    for what in (name, tmp_path / name):
        with pytest.raises(InvalidInput, match=rf"{name} is a file, and no run lies in it.*{said}"):
            ik.open_run(what)

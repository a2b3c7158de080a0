"""``imagegen call`` and ``imagegen scenes``: a line a picture, files and URLs; what failed is said."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import imagegen_kit as ik
from imagegen_kit.cli.frame import app
from imagegen_kit.errors import ContentBlocked
from tests.engine.models import model
from tests.recipes_steps import gradient

pytestmark = pytest.mark.usefixtures("own_registry")


def imagegen(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture(autouse=True)
def lab(own_registry):
    return model("lab/one", *[gradient] * 9, price=0.02)


@pytest.fixture
def script(tmp_path):
    rows = [{"scene_number": n, "image_create_prompt": text} for n, text in ((1, "a hen"), (7, "a fox"))]
    pd.DataFrame(rows).to_csv(tmp_path / "script.csv", index=False)
    (tmp_path / "script.json").write_text(json.dumps({"scenes": rows}))
    return tmp_path / "script.csv"


def test_a_call_is_one_line_with_its_file(tmp_path, lab):
    done = imagegen("call", "--model", "lab/one", "--callee-name", "Ben", "--look", "casual", "-o", tmp_path / "c.jpg")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{tmp_path / 'c.jpg'}  lab/one  ")
    assert "$0.02" in done.stdout
    assert "On the right: Ben." in lab.requests[0].prompt
    with Image.open(tmp_path / "c.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (512, 512))


def test_a_call_is_named_like_its_object_and_its_url_is_printed(tmp_path):
    ik.configure(remote=f"file://{tmp_path}/objects")
    done = imagegen("call", "--model", "lab/one", "--reuse", "call", "--call-id", "c-17")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "images/c-17.jpg").is_file()
    assert (tmp_path / "objects/images/c-17.jpg").is_file()
    assert done.stdout.rstrip().endswith("objects/images/c-17.jpg")


def test_a_default_picture_is_told_and_is_a_failure(tmp_path):
    model("lab/one", ContentBlocked("no calls", paid=False))
    Image.linear_gradient("L").save(tmp_path / "sorry.png")
    words = ["--default-picture", tmp_path / "sorry.png", "-o", tmp_path / "c.png"]
    done = imagegen("call", "--model", "lab/one", *words)
    assert done.exit_code == 1
    assert "this is the default picture: no calls" in done.stderr
    with Image.open(tmp_path / "c.png") as image:
        assert image.size == (256, 256)


def test_everything_wrong_with_a_call_is_said_at_once(lab):
    done = imagegen("call", "--reuse", "ever", "--call-id", "../up", "--caller-picture", "none.png", "--size", "huge")
    assert done.exit_code == 2
    for words in ("reuse", "call_id", "caller_picture", "size"):
        assert words in done.stderr
    assert lab.calls == 0


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_scenes_are_a_line_each(script, suffix):
    done = imagegen("scenes", script.with_suffix(suffix), "--model", "lab/one", "--size", "320x180")
    assert done.exit_code == 0, done.output
    lines = sorted(line.split("  ")[:2] for line in done.stdout.splitlines()[:2])
    assert lines == [["scene 1", "lab/one"], ["scene 7", "lab/one"]]
    assert done.stdout.splitlines()[2] == "2 of 2 scenes have a picture of their own, cost $0.04"


def test_scenes_are_saved_and_one_that_failed_has_a_placeholder(script, tmp_path):
    model("lab/one", gradient, ContentBlocked("no foxes", paid=False))
    done = imagegen("scenes", script, "--model", "lab/one", "--size", "320x180", "--save", tmp_path / "out")
    assert done.exit_code == 1
    assert "no picture: no foxes" in done.stderr
    names = [path.name for path in (tmp_path / "out").glob("*/*.png")]
    assert len(names) == 2
    assert sum("placeholder" in name for name in names) == 1


def test_a_tier_chooses_the_models_and_an_unknown_one_is_refused(script):
    done = imagegen("scenes", script, "--tier", "trial", "--size", "huge")
    assert done.exit_code == 2
    assert "no tier is called 'trial'" in done.stderr
    assert "size" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["call", "-o", "x.txt"], "--out: '.txt' is no format that is written here. Use .png"),
        (["call", "-o", "afile/x.png"], "--out: afile is a file"),
        (["scenes", "script.csv", "--save", "afile"], "--save: afile is a file, and a folder is to be it."),
        (["sketches", "a fox", "-o", "afile"], "--out: afile is a file"),
        (["generate", "a fox", "-o", "x.txt"], "--out: '.txt' is no format"),
    ],
    ids=["no format", "a file above", "scenes", "sketches", "generate"],
)
def test_where_it_is_to_be_written_is_looked_at_before_anything_is_paid(
    script, lab, tmp_path, monkeypatch, words, told
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "afile").touch()
    done = imagegen(*words, "--model", "lab/one")
    assert done.exit_code == 2
    assert told in done.stderr
    assert lab.calls == 0


def test_what_cannot_be_written_after_all_is_safe_in_the_store(script, lab, tmp_path):
    async def gone(script, request, on_progress):
        (tmp_path / "afile").touch()  # while the pictures are made
        return await gradient(script, request, on_progress)

    lab = model("lab/one", gone, gone)
    done = imagegen("scenes", script, "--model", "lab/one", "--size", "64x64", "--save", tmp_path / "afile")
    assert done.exit_code != 0
    assert "the pictures are in the store" in done.stderr
    assert imagegen("scenes", script, "--model", "lab/one", "--size", "64x64", "--save", tmp_path / "o").exit_code == 0
    assert lab.calls == 2

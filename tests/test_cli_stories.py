"""``imagegen keyframes``: a story's file is enough; a line for each keyframe, a folder at the end, failures said."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from imagegen_kit.cli.frame import app
from imagegen_kit.errors import ContentBlocked
from tests.engine.models import model
from tests.recipes.stories import story, true_to_reference, write, write_figure

pytestmark = pytest.mark.usefixtures("own_registry")


def imagegen(*words):
    return CliRunner().invoke(app, ["keyframes", *map(str, words)])


@pytest.fixture(autouse=True)
def path(own_registry, tmp_path):
    model("lab/one", *[true_to_reference] * 9)
    write_figure(tmp_path)
    return write(tmp_path / "walk.yaml", story(2, default_backend="offline/zoom", seconds=0.5, film_size="96x64"))


def test_a_file_is_enough(path, tmp_path):
    done = imagegen(path)
    assert done.exit_code == 0, done.output
    assert done.stdout.index("scene 1  lab/one") < done.stdout.index("clip from scene 1  offline/zoom")
    assert "presence" in done.stdout
    assert json.loads((tmp_path / "walk" / "metadata.json").read_text())["film"] == "story.mp4"


def test_options_take_precedence_over_the_file(path, tmp_path):
    words = ["--film-model", "offline/fade", "--chained", "--size", "64x48", "--seed", 3, "-o", tmp_path / "out"]
    assert imagegen(path, *words).exit_code == 0
    told = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert [k["chain"] for k in told["keyframes"]] == ["story", "story"]
    assert told["clips"] == ["clip_01.mp4"]


def test_a_folder_that_is_full_is_refused_before_anything_is_made(path, tmp_path):
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "mine.txt").write_text("mine")
    done = imagegen(path)
    assert done.exit_code == 2 or "is not empty" in str(done.exception)
    assert not (tmp_path / "imagegen-store").exists()


def test_what_failed_is_said_and_the_rest_is_kept(path, tmp_path):
    model("lab/one", true_to_reference, ContentBlocked("no robots", paid=False))
    done = imagegen(path, "--not-chained")
    assert done.exit_code == 1
    assert "no robots" in done.output
    assert len(list((tmp_path / "walk").glob("keyframe_*"))) == 1


def test_every_fault_is_said_with_its_line(tmp_path):
    write(tmp_path / "bad.yaml", {"colour": "red", **story(1), "seconds": -1})
    done = imagegen(tmp_path / "bad.yaml", "--tries", 9)
    assert done.exit_code != 0
    for words in ("bad.yaml:1 colour", "seconds: should be greater than 0", "tries: 9"):
        assert words in f"{done.output}{done.exception}"

"""``imagegen avatars``: a persona from a file or from options; files and URLs come out, what failed is said."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import imagegen_kit as ik
from imagegen_kit.cli.frame import app
from tests.engine.models import model
from tests.recipes_steps import as_asked

pytestmark = pytest.mark.usefixtures("own_registry")
MIRA = {"firstname": "Mira", "lastname": "Holm", "gender": "woman", "id": "mira"}


def imagegen(*words):
    return CliRunner().invoke(app, ["avatars", *map(str, words)])


@pytest.fixture(autouse=True)
def lab(own_registry):
    return model("lab/one", *[as_asked] * 9)


@pytest.mark.parametrize("name", ["mira.yaml", "mira.json"])
def test_a_file_is_enough(tmp_path, name):
    (tmp_path / name).write_text(json.dumps(MIRA))
    done = imagegen(tmp_path / name, "--model", "lab/one", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    names = ["1.png", "2.png", "3.png", "4.png", "metadata.json"]
    assert sorted(p.name for p in (tmp_path / "out" / "mira").iterdir()) == names
    assert done.stdout.splitlines() == [str(tmp_path / "out" / "mira" / name) for name in names[:4]]


def test_options_are_enough_and_go_before_the_file(tmp_path, lab):
    (tmp_path / "mira.yaml").write_text(json.dumps(MIRA))
    words = ["--gender", "man", "--facebook", "Sails.", "--n", 8, "--model", "lab/one", "-o", tmp_path]
    assert imagegen(tmp_path / "mira.yaml", *words).exit_code == 0
    assert lab.requests[0].prompt.startswith("Selfie of a man")
    assert "Sails." in lab.requests[0].prompt
    assert len(list((tmp_path / "mira").glob("*.png"))) == 8


def test_avatars_that_are_there_are_not_mixed_with_others(tmp_path, lab):
    (tmp_path / "mira.yaml").write_text(json.dumps(MIRA))
    words = [tmp_path / "mira.yaml", "--model", "lab/one", "-o", tmp_path / "out"]
    assert imagegen(*words, "--n", 8).exit_code == 0
    paid = lab.calls
    done = imagegen(*words, "--seed", 77)
    assert done.exit_code == 2
    assert "out/mira is there already and is not empty. Name a new folder." in done.output
    assert lab.calls == paid


def test_a_file_in_the_place_of_the_folder_is_told_before_anything_is_paid(tmp_path, lab):
    (tmp_path / "mira.yaml").write_text(json.dumps(MIRA))
    (tmp_path / "afile").touch()
    done = imagegen(tmp_path / "mira.yaml", "--model", "lab/one", "-o", tmp_path / "afile")
    assert done.exit_code == 2
    assert "afile is a file" in done.output
    assert lab.calls == 0


def test_urls_are_printed_beside_the_files(tmp_path):
    ik.configure(remote=f"file://{tmp_path}/objects")
    words = ["--firstname", "Mira", "--lastname", "Holm", "--gender", "woman", "--id", "mira", "--model", "lab/one"]
    done = imagegen(*words, "-o", tmp_path)
    assert done.stdout.count("avatars/mira/img/") == 4
    assert "avatars/mira/img/" not in imagegen(*words, "--no-upload", "-o", tmp_path / "other").stdout


def test_a_grid_that_is_none_is_kept_as_a_file(tmp_path):
    async def plain(script, request, on_progress):
        return await as_asked(script, request, on_progress, grid=False)

    model("lab/one", plain, plain)
    (tmp_path / "mira.yaml").write_text(json.dumps(MIRA))
    done = imagegen(tmp_path / "mira.yaml", "--model", "lab/one", "-o", tmp_path)
    assert done.exit_code == 1
    assert "no grid of 2 × 2 pictures" in done.output
    assert ik.Picture.open(tmp_path / "mira" / "grid-1.png").width == 64


@pytest.mark.parametrize("text", ["- a list", "firstname: [", "just words"])
def test_a_file_that_says_no_persona_is_refused(tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    done = imagegen(tmp_path / "bad.yaml", "--model", "lab/one")
    assert done.exit_code != 0


def test_every_fault_is_said_at_once():
    done = imagegen("--n", 5, "--firstname", "Mira", "--model", "lab/one")
    assert done.exit_code != 0
    for words in ("n: 5 is not 4 or 8", "persona.lastname", "persona.gender"):
        assert words in f"{done.output}{done.exception}"

"""``imagegen sketches`` and ``imagegen serve`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagegen_kit.errors import ContentBlocked
from tests.engine.models import model
from tests.test_cli import imagegen


def test_a_line_comes_for_each_sketch_and_the_directory_last():
    status, out, err = imagegen("sketches", "a golf mascot", "--n", "3", "--size", "512x512")
    *lines, folder = out.splitlines()
    assert (status, err) == (0, "") or "breaks" in err
    assert sorted(line.split("  ")[0] for line in lines) == ["0", "1", "2"]
    assert all(" × " in line and "offline/pencil" in line for line in lines)
    assert Path(folder).parent == Path("sketches")
    assert len(json.loads((Path(folder) / "metadata.json").read_text())["images"]) == 3


def test_a_sketch_that_fails_is_said_and_the_others_are_kept(own_registry):
    model("lab/one", ContentBlocked("not this one"))
    status, out, err = imagegen("sketches", "a fox", "--model", "lab/one", "-o", "out")
    assert status == 1
    assert "no sketch: not this one" in err
    assert len(list(Path("out").glob("*/sketch_*.png"))) == 3
    assert len(out.splitlines()) == 4


@pytest.mark.parametrize("n", ["2", "7"])
def test_two_or_seven_sketches_are_bad_input(n):
    status, out, err = imagegen("sketches", "a fox", "--n", n)
    assert (status, out) == (2, "")
    assert "Ask for 3 to 6" in err


def test_the_service_is_not_opened_to_others_without_a_token():
    status, _out, err = imagegen("serve", "--host", "0.0.0.0")
    assert status == 2
    assert "IMAGEGEN_SERVE_TOKEN" in err

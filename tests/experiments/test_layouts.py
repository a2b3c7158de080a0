"""Runs as folders that people and other programs read: flat, scenes, sketches, calls."""

from __future__ import annotations

import json
import os
import re

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, ProviderError
from tests.engine.models import model, picture


async def script(job, scenes, model="lab/one"):
    return [await job.images(f"scene {n}", model=model, labels={"scene": n}) for n in scenes]


def run_of(recipe, **params):
    ik.run(recipe, **params)
    return ik.open_run("latest")


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_scenes_have_a_file_and_its_metadata_each_in_the_folder_of_the_run(tmp_path):
    model("lab/one", None, None, ProviderError("no", paid=False), price=0.02)
    run = run_of(script, scenes=[3, 1, 2])
    place = run.save(tmp_path / "films", layout="scenes")
    assert place == tmp_path / "films" / run.id
    names = files(place)
    pictures = [n for n in names if n.endswith(".png")]
    assert [re.fullmatch(r"scene_(\d+)_[0-9a-f]{8}\.png", n)[1] for n in pictures] == ["1", "3"]
    assert names == sorted([*pictures, *(n.replace(".png", ".json") for n in pictures), "metadata.json"])
    told = json.loads((place / pictures[0].replace(".png", ".json")).read_text())
    assert (told["prompt"], told["model"], told["cost_usd"], told["scene_number"]) == ("scene 1", "lab/one", 0.02, 1)
    rows = json.loads((place / "metadata.json").read_text())["pictures"]
    assert [(r["scene_number"], r["status"], r["file"] is None) for r in rows] == [
        (3, "ok", False), (1, "ok", False), (2, "failed", True),
    ]  # fmt: skip
    assert ik.Picture.open(place / pictures[0]).request["request"]["prompt"] == "scene 1"


def test_a_placeholder_says_so_in_its_name(tmp_path):
    model("lab/one", ProviderError("no", paid=False))
    ik.run(script, scenes=[1], policy=ik.Policy(placeholder=True, attempts=1))
    place = ik.open_run("latest").save(tmp_path, layout="scenes")
    (saved,) = place.glob("*.png")
    assert re.fullmatch(r"scene_1_[0-9a-f]{8}_placeholder\.png", saved.name)


def test_the_same_picture_twice_has_two_names(tmp_path):
    model("lab/one", picture(1), picture(1))
    place = run_of(script, scenes=[1, 1]).save(tmp_path, layout="scenes")
    assert len(list(place.glob("scene_1_*.png"))) == 2


def test_scenes_are_png_whatever_the_service_sends(tmp_path):
    from io import BytesIO

    file = BytesIO()
    Image.new("RGB", (24, 24), "red").save(file, "JPEG")
    model("lab/one", file.getvalue())
    (saved,) = run_of(script, scenes=[1]).save(tmp_path, layout="scenes").glob("*.png")
    assert ik.Picture.open(saved).format == "png"


def test_scenes_are_not_written_over(tmp_path):
    model()
    run = run_of(script, scenes=[1, 2])
    run.save(tmp_path, layout="scenes")
    before = files(tmp_path)
    with pytest.raises(InvalidInput, match=r"and 4 more are there already"):
        run.save(tmp_path, layout="scenes")
    assert files(tmp_path) == before


async def sketches(job, brief, model="lab/one", n=2, style=None, seed=None, references=None):
    return await job.images(brief, model=model, n=n, style=style, seed=seed, references=references)


FIELDS = {"timestamp", "prompt_spec", "reference_images", "retrieval_scores", "style_id", "config", "images"}


def test_sketches_lie_in_a_directory_of_their_own_with_exactly_the_agreed_fields(tmp_path):
    model("lab/one", None, ProviderError("no", paid=False), price=0)
    references = [ik.Reference(picture(5), name="mug"), ik.Reference(picture(6), origin="item-7", score=0.5)]
    run = run_of(sketches, brief="a golf mascot", seed=3, n=3, references=references)
    place = run.save(tmp_path, layout="sketches")
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", place.name)
    assert files(place) == ["metadata.json", "sketch_0.png", "sketch_1.png"]
    told = json.loads((place / "metadata.json").read_text())
    assert set(told) == FIELDS
    assert told["timestamp"] == run.created_at
    assert told["config"] == {"num_images": 3, "resolution": [24, 24], "model_name": "lab/one", "seed": 3}
    assert (told["reference_images"], told["retrieval_scores"]) == (["mug", "item-7"], [None, 0.5])
    assert told["images"] == ["sketch_0.png", "sketch_1.png"]
    assert told["prompt_spec"]["brief"] == "a golf mascot"
    assert told["style_id"] is None


def test_saving_twice_in_one_second_makes_two_directories(tmp_path):
    model()
    run = run_of(sketches, brief="a")
    first, second, third = (run.save(tmp_path, layout="sketches") for _ in range(3))
    assert (second.name, third.name) == (f"{first.name}-2", f"{first.name}-3")
    assert files(first) == files(second) == files(third)


def test_each_cell_of_an_experiment_is_a_directory(tmp_path):
    model()
    exp = ik.Experiment(sketches, vary={"brief": ["a", "b"]}, fixed={"style": "vintage-mascot"})
    run = exp.run(progress=False)
    assert run.save(tmp_path, layout="sketches") == tmp_path
    places = sorted(tmp_path.glob("2*"))
    assert [p.name for p in places] == [f"{run.id}-0000", f"{run.id}-0001"]
    assert json.loads((places[1] / "metadata.json").read_text())["style_id"] == "vintage-mascot"
    assert ik.open_run(places[0]).table()["model"].tolist() == ["lab/one"] * 2


async def calls(job, labels):
    return [await job.images(f"a call {n}", model="lab/one", labels=given) for n, given in enumerate(labels)]


def test_calls_lie_by_call_by_template_and_by_what_was_asked(tmp_path):
    model()
    run = run_of(calls, labels=[{"call_id": "c-17"}, {"variant": "casual"}, {}])
    assert run.save(tmp_path / "s3", layout="calls") == tmp_path / "s3"
    key = run[2].key
    assert files(tmp_path / "s3") == [
        "images/c-17.jpg", f"images/cache/{key[:16]}.jpg", "images/templates/split-screen-casual.jpg",
    ]  # fmt: skip
    assert ik.Picture.open(tmp_path / "s3/images/c-17.jpg").format == "jpeg"


def test_the_same_request_is_the_same_file_and_another_call_joins_the_folder(tmp_path):
    model()
    run_of(calls, labels=[{}]).save(tmp_path / "out", layout="calls")
    cached = next((tmp_path / "out/images/cache").iterdir())
    before = cached.stat().st_mtime_ns
    run_of(calls, labels=[{}, {"call_id": "2"}]).save(tmp_path / "out", layout="calls")
    assert cached.stat().st_mtime_ns == before
    assert files(tmp_path / "out") == ["images/2.jpg", f"images/cache/{cached.name}"]


def test_a_placeholder_never_becomes_the_file_of_its_request(tmp_path):
    model("lab/one", ProviderError("no", paid=False))
    ik.run(calls, labels=[{}], policy=ik.Policy(placeholder=True, attempts=1))
    assert files(ik.open_run("latest").save(tmp_path / "out", layout="calls")) == []


HOSTILE_NAMES = [
    "../x", "..", ".", "", "a/b", "/etc/x", "a\\b", "a\0b", "C:x", ".hidden", "-x", "nul", "COM1.txt", "x.", "x ", "é",
    "x" * 300, "a\nb", "~x", "<b>", 7,
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda n: str(n)[:12].encode("unicode_escape").decode() or "empty")
@pytest.mark.parametrize("label", ["call_id", "variant"])
def test_a_name_that_could_lead_anywhere_is_refused_before_anything_is_written(tmp_path, label, name):
    model()
    run = run_of(calls, labels=[{}, {label: name}])
    with pytest.raises(InvalidInput, match=f"{label}: .*cannot be a file's name"):
        run.save(tmp_path / "out", layout="calls")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scene", ["../1", -1, 10**9, 1.5, True, "1"])
def test_a_scene_is_a_whole_number(tmp_path, scene):
    model()
    run = run_of(script, scenes=[scene])
    with pytest.raises(InvalidInput, match="not a whole number"):
        run.save(tmp_path / "out", layout="scenes")
    assert not (tmp_path / "out").exists()


def test_two_calls_that_differ_only_in_case_are_refused(tmp_path):
    model()
    run = run_of(calls, labels=[{"call_id": "Anna"}, {"call_id": "anna"}])
    with pytest.raises(InvalidInput, match="two pictures would be"):
        run.save(tmp_path / "out", layout="calls")


def test_a_link_in_the_folder_leads_nowhere(tmp_path):
    model()
    run = run_of(calls, labels=[{"variant": "casual"}])
    (tmp_path / "out/images").mkdir(parents=True)
    os.symlink(tmp_path, tmp_path / "out/images/templates")
    with pytest.raises(InvalidInput, match="leads out of"):
        run.save(tmp_path / "out", layout="calls")


def test_an_unknown_layout_names_those_there_are(tmp_path):
    model()
    with pytest.raises(InvalidInput, match="Did you mean 'scenes'"):
        run_of(script, scenes=[1]).save(tmp_path, layout="scene")

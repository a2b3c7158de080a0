"""The shipped styles, as data and through the hook."""

from __future__ import annotations

import pytest
from PIL import Image

from imagegen_kit.catalog import load_yaml
from imagegen_kit.checks import run_checks
from imagegen_kit.errors import InvalidInput, UnknownName
from imagegen_kit.prompts import compile_prompt
from imagegen_kit.prompts.styles import FOLDER, imagegen_styles, read_style
from imagegen_kit.registry import get_registry

STYLES = {style.name: style for style in imagegen_styles()}
SCENES = ("cinematic", "single-character", "infographic", "comic-panel", "close-up-reaction", "high-quality")


def test_all_styles_are_offered_under_the_name_of_their_file():
    assert [style.name for style in imagegen_styles()] == sorted(path.stem for path in FOLDER.glob("*.yaml"))
    assert {*SCENES, "split-screen-call", "split-screen-call-casual", "vintage-mascot", "concept-sketch"} <= set(STYLES)
    assert {"consistent-keyframe", "watercolor", "film-noir"} <= set(STYLES)


@pytest.mark.parametrize("name", STYLES)
def test_the_registry_hands_out_each_style_by_name(name):
    assert get_registry().style(name) == STYLES[name]


def test_an_unknown_style_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'cinematic'"):
        compile_prompt("a cat", style="cinematc")


@pytest.mark.parametrize("name", SCENES)
def test_scene_styles_name_the_shape_and_the_quality(name):
    spec = compile_prompt("A detective enters the room.", style=STYLES[name], size=(1920, 1080))
    assert spec.text.startswith("A detective enters the room. ")
    assert "16:9 widescreen" in spec.text
    assert "4k" in spec.text or "high quality" in spec.text
    assert "low quality" in (spec.negative or "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cinematic", ("cinematic lighting", "film grain", "bokeh", "4k", "professional photography")),
        ("single-character", ("character", "detailed face", "portrait")),
        ("infographic", ("clean", "informational", "vector")),
        ("comic-panel", ("comic book", "bold", "lines", "vibrant")),
        ("split-screen-call", ("split-screen", "left", "right", "facing the camera", "professional", "well lit")),
        ("vintage-mascot", ("greyscale", "pencil", "Thick", "outlines", "little interior detail", "Clean white")),
        ("vintage-mascot", ("No colour, gradients, textures, photorealism or lettering",)),
        ("concept-sketch", ("greyscale", "pencil", "Thick outlines", "Clean white background", "lettering")),
        ("consistent-character", ("same individual", "face, hair, build, clothes and colours", "pose")),
        ("consistent-keyframe", ("distinctive features", "Same light", "palette", "movement, speed and direction")),
    ],
)
def test_a_style_says_what_its_rules_demand(name, words):
    text = compile_prompt("x", style=STYLES[name], size="16:9").text
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("name", ["split-screen-call", "split-screen-call-casual"])
def test_call_styles_avoid_what_the_call_system_avoids(name):
    assert STYLES[name].negative == "blurry, low quality, distorted"


@pytest.mark.parametrize("name", ["vintage-mascot", "concept-sketch"])
def test_sketch_styles_have_two_axes_and_measurable_rules(name):
    style = STYLES[name]
    assert list(style.axes or {}) == ["layout", "exaggeration"]
    assert all(4 <= len(phrases) <= 6 for phrases in (style.axes or {}).values())
    checks = run_checks(Image.new("RGB", (64, 64), "red"), style.checks or {})
    outcome = {check.name: check.passed for check in checks}
    assert {"greyscale", "outline", "not_blank", "clean_background"} <= set(outcome)
    assert outcome["greyscale"] is False
    assert outcome["not_blank"] is False


def test_a_style_file_with_faults_names_file_line_and_key(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ntxt: oil\naxes:\n  layout: []\n  mood: [1]\nname_aspect: 'yes'\n")
    with pytest.raises(InvalidInput) as caught:
        read_style(path)
    found = {f.where.removeprefix(str(path)): str(f) for f in caught.value.faults}
    assert set(found) == {":2 txt", ":4 axes.layout", ":5 axes.mood.0", ":6 name_aspect"}
    assert "Did you mean 'text' or 'title'?" in found[":2 txt"]


def test_style_files_hold_only_plain_text_and_no_unused_key():
    for path in FOLDER.glob("*.yaml"):
        data = load_yaml(path).data
        assert data["title"], path.name
        assert all(value not in ("", {}, [], None) for value in data.values()), path.name

"""Sizes, prompts, references, styles and requests: read strictly, written down and read back."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.errors import InvalidInput
from imagegen_kit.types import (
    Adaptation,
    Artifact,
    ImageRequest,
    Prompt,
    Reference,
    Result,
    Size,
    Style,
    TextRequest,
    VideoRequest,
    request_from_plain,
)
from tests.corpus import encoded


@pytest.mark.parametrize(
    ("given_", "read"),
    [((640, 480), "640x480"), ([640, 480], "640x480"), (512, "512x512"), ("640x480", "640x480"),
     ("640 × 480", "640x480"),
     ("16:9", "16:9"), ("32:18", "16:9"), ("21:9", "21:9"), ("2k", "2K"), (Size(3, 4), "3x4"), (None, "None")],
    ids=str,
)  # fmt: skip
def test_a_size_is_read_in_every_spelling(given_, read):
    assert str(Size.parse(given_)) == read


@pytest.mark.parametrize(
    "wrong",
    [0, -5, (0, 5), (5, -1), 100_000, (16_385, 5), "big", "5x", "0:3", "", (1, 2, 3), (1.5, 2), True, b"5", {"w": 1}],
    ids=str,
)
def test_what_is_no_size_is_refused(wrong):
    with pytest.raises(InvalidInput, match="size"):
        Size.parse(wrong)


def test_both_sides_are_told_at_once():
    with pytest.raises(InvalidInput) as caught:
        Size.parse((0, 99_999))
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("size", "ratio", "read"),
    [(None, "16:9", "16:9"), ("2K", "16:9", "16:9 2K"), ((1920, 1080), "16:9", "1920x1080"), ("16:9", "16:9", "16:9")],
    ids=str,
)
def test_a_ratio_may_stand_beside_a_size_that_agrees(size, ratio, read):
    assert str(Size.parse(size, ratio)) == read


@pytest.mark.parametrize(("size", "ratio"), [((512, 512), "16:9"), ("1:1", "16:9"), (None, "wide")], ids=str)
def test_a_ratio_that_disagrees_is_refused(size, ratio):
    with pytest.raises(InvalidInput):
        Size.parse(size, ratio)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([512, 1024, 2048]))
def test_pixels_of_a_ratio_keep_the_area(a, b, side):
    width, height = Size(ratio=f"{a}:{b}").pixels(side)
    assert width % 8 == height % 8 == 0
    assert abs(width * height / side**2 - 1) < 0.1


def test_a_prompt_is_text_that_keeps_what_is_known_of_it():
    prompt = Prompt("a cup", id="1", category="still life", tags=("x",))
    for again in (pickle.loads(pickle.dumps(prompt)), copy.deepcopy(prompt), copy.copy(prompt)):
        assert (again, again.id, again.category, again.tags) == ("a cup", "1", "still life", ("x",))


def test_a_reference_reads_its_picture_at_once(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("png"))
    reference = Reference(tmp_path / "a.png", role="style")
    assert (reference.picture.width, reference.role) == (160, "style")
    assert repr(Reference(encoded("png"), name="mug")) == "Reference(mug, role='content')"
    with pytest.raises(InvalidInput) as caught:
        Reference(tmp_path / "gone.png", role="hero")
    assert len(caught.value.faults) == 2


def test_a_style_tells_all_its_faults():
    with pytest.raises(InvalidInput) as caught:
        Style("no name", text=3, axes={"light": "hard", "none": []})
    assert len(caught.value.faults) == 4
    style = Style("noir", axes={"light": ["hard", "soft"]})
    assert style.axes == {"light": ("hard", "soft")}
    with pytest.raises(TypeError):
        style.axes["light"] = ()


ARTIFACT = Artifact("a" * 64, format="png", width=3, height=4)
REQUESTS = [
    ImageRequest(prompt="a", model="m"),
    ImageRequest(
        prompt=Prompt("a", id="x"),
        model="m",
        negative_prompt="b",
        references=(Reference(ARTIFACT, role="style", score=0.5),),
        mask=ARTIFACT,
        size=Size(ratio="16:9", resolution="2K"),
        seed=0,
        sample=3,
        quality="high",
        options={"o": [1]},
        labels={"scene": 1},
    ),
    TextRequest(prompt="a", model="m", system="s", schema={"type": "object"}),
    VideoRequest(prompt="a", model="m", first_frame=ARTIFACT, seconds=5.0, size=Size(64, 32)),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=["short", "full", "text", "film"])
def test_a_request_comes_back_from_its_json(request_):
    again = request_from_plain(json.loads(request_.to_json()))
    assert again == request_
    assert dict(again.labels) == dict(request_.labels)


@pytest.mark.parametrize(
    "plain", [{}, {"kind": "sound"}, {"kind": "image", "prompt": "a", "model": "m", "x": 1}], ids=str
)
def test_what_is_no_stored_request_is_refused(plain):
    with pytest.raises(InvalidInput, match="not a stored request"):
        request_from_plain(plain)


def test_labels_are_outside_equality():
    assert ImageRequest(prompt="a", model="m", labels={"x": 1}) == ImageRequest(prompt="a", model="m")


@pytest.mark.parametrize(
    ("adaptation", "words"),
    [
        (Adaptation("seed", 3, None, "dropped"), "seed 3 ignored"),
        (Adaptation("negative_prompt", "x", None, "folded"), "negative_prompt put into the prompt"),
        (Adaptation("size", "1x1", "8x8", "changed"), "size 1x1 → 8x8"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_an_adaptation_is_one_line(adaptation, words):
    assert str(adaptation) == words


@pytest.mark.parametrize(
    ("status", "ok"), [("ok", True), ("cached", True), ("fallback", True), ("placeholder", False), ("unknown", False)]
)
def test_a_picture_of_a_real_model_is_a_success(status, ok):
    assert Result(REQUESTS[0], None, status).ok is ok

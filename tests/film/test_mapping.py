"""Keyframes into clips: how many there are, what each leads from and to, and which models are refused."""

from __future__ import annotations

from typing import Any

import pytest

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import InvalidInput, UnsupportedRequest
from imagegen_kit.film import Clip, clips, keyframes_kind

SINGLE = Capabilities(first_frame=True, keyframes="single")
PAIRED = Capabilities(first_frame=True, last_frame=True, keyframes="paired")
BOTH = Capabilities(first_frame=True, last_frame=True)
NEITHER = Capabilities()
FRAMES = ["one.png", "two.png", "three.png"]


def ends(found: tuple[Clip, ...]) -> list[tuple[Any, Any]]:
    return [(clip.first_frame, clip.last_frame) for clip in found]


def test_single_makes_a_clip_of_each_keyframe() -> None:
    found = clips(FRAMES, "the camera moves", SINGLE, model="m/single")
    assert ends(found) == [("one.png", None), ("two.png", None), ("three.png", None)]


def test_paired_leads_from_each_keyframe_to_the_next() -> None:
    found = clips(FRAMES, ["dawn", "noon"], PAIRED, model="m/paired", seconds=[4, None])
    assert ends(found) == [("one.png", "two.png"), ("two.png", "three.png")]
    assert [(c.prompt, c.seconds, c.labels) for c in found] == [
        ("dawn", 4, {"segment": 1}),
        ("noon", None, {"segment": 2}),
    ]


@pytest.mark.parametrize(
    ("can", "wanted", "kind"),
    [(SINGLE, None, "single"), (PAIRED, None, "paired"), (BOTH, None, "paired"), (PAIRED, "single", "single")],
    ids=["declared single", "declared paired", "what it can do", "as wanted"],
)
def test_a_model_says_how_keyframes_are_used_unless_somebody_wants_it_otherwise(
    can: Capabilities, wanted: str | None, kind: str
) -> None:
    assert keyframes_kind(can, "m/x", wanted) == kind


def test_a_model_that_starts_from_no_picture_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedRequest, match=r"m/words starts from no picture"):
        clips(FRAMES, "x", NEITHER, model="m/words")


def test_pairing_needs_a_model_that_takes_a_last_frame() -> None:
    with pytest.raises(UnsupportedRequest, match="m/single takes no last frame"):
        clips(FRAMES, "x", SINGLE, model="m/single", kind="paired")


def test_one_keyframe_cannot_be_paired() -> None:
    with pytest.raises(InvalidInput, match="m/paired makes a clip from one keyframe to the next"):
        clips(FRAMES[:1], "x", PAIRED, model="m/paired")


def test_all_that_does_not_fit_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        clips(FRAMES, ["a"], PAIRED, model="m/paired", seconds=[1, 2, 3])
    assert [f.where for f in caught.value.faults] == ["prompts", "seconds"]
    assert "1 for 2 clips (3 keyframes, paired)" in str(caught.value)


def test_no_keyframes_and_an_unknown_way_are_refused() -> None:
    with pytest.raises(InvalidInput, match="there are none"):
        clips([], "x", SINGLE, model="m/single")
    with pytest.raises(InvalidInput, match="'triple' is no way"):
        clips(FRAMES, "x", SINGLE, model="m/single", kind="triple")

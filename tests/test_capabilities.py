"""What is sent is what was asked, or every difference is told; what would be another picture is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.capabilities import Capabilities, fit, fit_size
from imagegen_kit.types import Artifact, ImageRequest, Reference, Size, TextRequest, VideoRequest, ratio_value

ARTIFACT = Artifact("a" * 64)


def ask(**parts):
    return ImageRequest(**{"prompt": "a cup", "model": "lab/one", **parts})


def words(request, **can):
    fitted = fit(request, Capabilities(**can))
    return [str(n) for n in (fitted if isinstance(fitted, tuple) else fitted.adaptations)]


def test_what_a_model_can_do_is_sent_as_asked():
    request = ask(size=Size(64, 64), negative_prompt="rain", quality="high", options={"mood": "calm"})
    fitted = fit(request, Capabilities(negative_prompt=True, qualities=("high",), options={"mood": ""}))
    assert fitted.sent is request
    assert fitted.adaptations == ()


@pytest.mark.parametrize(
    ("parts", "can", "told", "unfair"),
    [
        ({"seed": 3, "sample": 2}, {}, "seed 5 ignored", True),
        ({"quality": "high"}, {"qualities": ("low",)}, "quality high ignored", True),
        ({"negative_prompt": "rain"}, {}, "negative_prompt put into the prompt", False),
        ({"references": (Reference(ARTIFACT),) * 3}, {"references": 2}, "references 3 → 2", True),
        ({"size": Size(640, 480)}, {"sizes": ((512, 512), (800, 600))}, "size 640x480 → 800x600", True),
        ({"size": Size(ratio="16:9")}, {"ratios": ("1:1", "3:2")}, "size 16:9 → 3:2", True),
        ({"size": Size(resolution="4K")}, {"resolutions": ("1K", "2K")}, "size 4K → 2K", True),
        ({"size": Size(4000, 1000)}, {"max_side": 2000}, "size 4000x1000 → 2000x500", True),
        ({"size": Size(100, 70)}, {"multiple_of": 16}, "size 100x70 → 96x64", True),
    ],
    ids=lambda v: str(v) if isinstance(v, str) else "",
)
def test_what_a_model_cannot_do_quite_is_told(parts, can, told, unfair):
    fitted = fit(ask(**parts), Capabilities(**can))
    assert [(str(n), n.unfair) for n in fitted.adaptations] == [(told, unfair)]


@pytest.mark.parametrize(
    ("parts", "can", "told"),
    [
        ({"mask": ARTIFACT}, {}, "mask given: this model takes no mask"),
        ({"references": (Reference(ARTIFACT),)}, {}, "references (1 given): this model takes no reference pictures"),
        (
            {"options": {"mod": 1}},
            {"options": {"mood": ""}},
            "mod is not an option of this model: Did you mean 'mood'?",
        ),
        ({"prompt": "x" * 11}, {"max_prompt_chars": 10}, "prompt of 11 characters: at most 10 characters"),
    ],
    ids=["mask", "references", "option", "prompt"],
)
def test_what_would_be_another_picture_is_refused(parts, can, told):
    assert words(ask(**parts), **can) == [told]


def test_everything_that_cannot_be_done_is_told_at_once():
    request = ask(mask=ARTIFACT, references=(Reference(ARTIFACT),), options={"x": 1}, prompt="long enough")
    assert len(words(request, max_prompt_chars=3)) == 4


def test_seeds_are_sent_with_the_sample_added():
    assert fit(ask(seed=40, sample=2), Capabilities(seed=True)).sent.seed == 42
    assert fit(ask(sample=2), Capabilities(seed=True)).sent.seed is None


def test_what_to_avoid_is_put_into_the_prompt_where_there_is_no_field_for_it():
    sent = fit(ask(negative_prompt="rain"), Capabilities()).sent
    assert (sent.prompt, sent.negative_prompt) == ("a cup\nAvoid: rain", None)


def test_text_and_film_have_their_own_limits():
    assert words(TextRequest(prompt="a", model="m", schema={})) == [
        "schema given: this model answers in free text only"
    ]
    film = VideoRequest(prompt="a", model="m", first_frame=ARTIFACT, last_frame=ARTIFACT, seconds=20)
    assert len(words(film)) == 2
    fitted = fit(film, Capabilities(first_frame=True, last_frame=True, max_seconds=8))
    assert (fitted.sent.seconds, [str(n) for n in fitted.adaptations]) == (8, ["seconds 20 → 8"])


SIDES = st.integers(1, 4096)
SIZES = st.builds(Size, SIDES, SIDES)


@given(SIZES, st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=6))
def test_of_fixed_sizes_one_of_them_is_sent(size, sizes):
    sent = fit_size(size, Capabilities(sizes=tuple(sizes)))
    assert (sent.width, sent.height) in sizes


@given(SIZES, st.integers(64, 4096), st.sampled_from([1, 8, 16, 64]))
def test_sides_stay_within_the_limit_and_on_the_grid(size, side, step):
    sent = fit_size(size, Capabilities(max_side=side // step * step, multiple_of=step))
    assert max(sent.width, sent.height) <= max(step, side // step * step)
    assert sent.width % step == sent.height % step == 0


@given(SIZES)
def test_what_fits_is_not_changed_twice(size):
    can = Capabilities(max_side=1024, multiple_of=16)
    once = fit_size(size, can)
    assert fit_size(once, can) == once


@given(st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_of_fixed_ratios_the_nearest_is_sent(pair):
    asked = Size(ratio=f"{pair[0]}:{pair[1]}")
    ratios = ("1:1", "16:9", "9:16", "4:3", "3:4")
    sent = fit_size(asked, Capabilities(ratios=ratios))

    def far(ratio):
        return max(ratio_value(ratio) / asked.aspect, asked.aspect / ratio_value(ratio))

    assert far(sent.ratio) <= min(map(far, ratios)) * 1.0001

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
        ({"size": Size(resolution="4K")}, {"ratios": ("1:1", "16:9")}, "size 4K ignored", True),
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
            "mod is not an option of this model: it has 'mood', which is near",
        ),
        (
            {"options": {"background": 1}},
            {"options": {"temperature": "", "safety": ""}},
            "background is not an option of this model: it has safety, temperature",
        ),
        ({"options": {"background": 1}}, {}, "background is not an option of this model: it takes no options"),
        ({"prompt": "x" * 11}, {"max_prompt_chars": 10}, "prompt of 11 characters: at most 10 characters"),
    ],
    ids=["mask", "references", "near option", "option", "no options", "prompt"],
)
def test_what_would_be_another_picture_is_refused(parts, can, told):
    assert words(ask(**parts), **can) == [told]


def test_a_size_that_a_model_takes_no_part_of_is_not_sent():
    fitted = fit(ask(size=Size(resolution="4K")), Capabilities(ratios=("1:1",)))
    assert fitted.sent.size is None
    assert [(n.asked, n.sent, n.how) for n in fitted.adaptations] == [("4K", None, "dropped")]


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


CLOUD = Capabilities(ratios=("1:1", "16:9", "21:9"), resolutions=("1K", "2K", "4K"))
AREA = Capabilities(multiple_of=16, min_pixels=655_360, max_pixels=8_294_400, max_aspect=3, max_side=3840)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (Size(1024, 1024), "1:1 1K"),
        (Size(1920, 1080), "16:9 1K"),
        (Size(2048, 1152), "16:9 2K"),
        (Size(ratio="16:9"), "16:9"),
        (Size(ratio="2:1"), "16:9"),
        (Size(resolution="512"), "1K"),
        (Size(8000, 3400), "21:9 4K"),
    ],
    ids=str,
)
def test_a_model_that_takes_words_gets_the_nearest_ratio_and_resolution(asked, sent):
    assert str(fit_size(asked, CLOUD)) == sent


def test_a_model_with_ratios_alone_gets_a_ratio():
    assert str(fit_size(Size(1920, 1080), Capabilities(ratios=("1:1", "16:9")))) == "16:9"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (Size(1024, 1024), "1024x1024"),
        (Size(512, 512), "816x816"),
        (Size(1920, 1080), "1920x1088"),
        (Size(3840, 2160), "3840x2160"),
        (Size(8000, 2000), "3840x1280"),
        (Size(ratio="16:9"), "1376x768"),
        (Size(resolution="4K"), "2880x2880"),
    ],
    ids=str,
)
def test_a_model_with_limits_of_area_gets_the_nearest_exact_size(asked, sent):
    assert str(fit_size(asked, AREA)) == sent


@given(st.integers(1, 16384), st.integers(1, 16384))
def test_an_exact_size_within_limits_of_area_always_keeps_them(width, height):
    width, height = fit_size(Size(width, height), AREA).pixels()
    assert width % 16 == height % 16 == 0
    assert 655_360 <= width * height <= 8_294_400
    assert max(width, height) <= min(3840, 3 * min(width, height))


@pytest.mark.parametrize(
    ("asked", "can", "unfair"),
    [
        (Size(1920, 1080), AREA, False),
        (Size(ratio="16:9"), AREA, False),
        (Size(512, 512), AREA, True),
        (Size(1024, 1024), CLOUD, False),
        (Size(1920, 1080), CLOUD, True),
        (Size(ratio="4:1"), CLOUD, True),
    ],
)
def test_a_changed_size_is_unfair_only_where_the_pictures_cannot_be_compared(asked, can, unfair):
    fitted = fit(ImageRequest(prompt="x", model="m", size=asked), can)
    assert [(n.field, n.unfair) for n in fitted.adaptations] == [("size", unfair)]


def with_option(name, value, **can):
    return fit(ImageRequest(prompt="x", model="m", options={name: value}), Capabilities(**can))


def test_an_option_takes_only_its_choices():
    can = {"options": {"tone": "how warm"}, "choices": {"tone": ("warm", "cold")}}
    assert with_option("tone", "warm", **can).sent.options == {"tone": "warm"}
    assert [str(u) for u in with_option("tone", "hot", **can)] == ["tone 'hot' is not known: choose warm, cold"]


def test_a_file_format_is_sent_only_to_a_model_that_lets_one_choose():
    assert with_option("output_format", "webp", formats=("png", "webp")).sent.options == {"output_format": "webp"}
    assert with_option("output_format", "png").sent.options == {}
    told = with_option("output_format", "webp")
    assert told.sent.options == {}
    assert [(str(n), n.unfair) for n in told.adaptations] == [("output_format webp → png (comparable)", False)]
    assert "choose png" in str(with_option("output_format", "bmp")[0])


def test_a_model_that_edits_is_not_asked_without_a_picture():
    told = fit(ImageRequest(prompt="x", model="m"), Capabilities(references=2, min_references=1))
    assert [str(u) for u in told] == ["references (0 given): this model needs a reference picture"]
    given = ImageRequest(prompt="x", model="m", references=(Reference(ARTIFACT),))
    assert fit(given, Capabilities(references=2, min_references=1)).adaptations == ()

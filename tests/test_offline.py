"""The offline models draw what the prompt says, the same for the same request, in any size."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput, UnknownName
from imagegen_kit.providers.base import Account
from imagegen_kit.providers.offline.library import shipped
from imagegen_kit.providers.offline.panels import half_scene
from imagegen_kit.providers.offline.plugin import imagegen_providers
from imagegen_kit.providers.offline.provider import FILMS, OfflineProvider, draw_png, seconds
from imagegen_kit.providers.offline.reading import read
from imagegen_kit.types import Accepted, Artifact, ImageRequest, Progress, Reference, Reply, Size

MODELS = ("collage", "pencil", "poster")


def artifact(picture: Image.Image) -> Artifact:
    out = io.BytesIO()
    picture.save(out, "PNG")
    data = out.getvalue()
    return Artifact(hashlib.sha256(data).hexdigest(), width=picture.width, height=picture.height, data=data)


def ask(prompt: str, model: str = "collage", size: tuple[int, int] = (256, 256), **more: object) -> ImageRequest:
    return ImageRequest(prompt=prompt, model=f"offline/{model}", size=Size(*size), **more)  # type: ignore[arg-type]


def drawn(request: ImageRequest) -> Image.Image:
    data, _ = draw_png(request.model.rpartition("/")[2], request)
    return Image.open(io.BytesIO(data)).convert("RGB")


def pixels(request: ImageRequest) -> np.ndarray:
    return np.asarray(drawn(request)).astype(int)


class Clock:
    def __init__(self) -> None:
        self.paced: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.paced.append(seconds)

    async def pace(self, seconds: float) -> None:
        self.paced.append(seconds)


class Listener:
    def __init__(self) -> None:
        self.clock = Clock()

    async def __call__(self, event: Accepted | Progress) -> None:
        raise AssertionError(f"an offline model has no job: {event}")


def generate(request: ImageRequest) -> tuple[Reply, Listener]:
    listener = Listener()
    return asyncio.run(OfflineProvider(Account()).generate(request, listener)), listener


@pytest.mark.parametrize("model", MODELS)
def test_a_model_returns_one_png_that_pillow_verifies_and_tells_the_clock_its_seconds(model: str) -> None:
    request = ask("a happy cat drinking coffee", model)
    reply, listener = generate(request)
    with Image.open(io.BytesIO(reply.pictures[0])) as picture:
        assert picture.format == "PNG"
        assert picture.size == (256, 256)
        picture.verify()
    assert len(reply.pictures) == 1
    assert reply.model_used == f"offline/{model}"
    assert listener.clock.paced == [seconds(model, request, (256, 256))]
    assert 0.18 <= listener.clock.paced[0] <= 0.9


def test_the_plugin_offers_exactly_the_models_that_the_provider_draws() -> None:
    (spec,) = imagegen_providers()
    assert sorted(model.name for model in spec.models) == sorted([*MODELS, *FILMS])
    assert spec.target == "imagegen_kit.providers.offline.provider:OfflineProvider"
    assert spec.output_version


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="colage"):
        generate(ask("a cat", "colage"))


@pytest.mark.parametrize("model", MODELS)
def test_the_same_request_gives_the_same_bytes(model: str) -> None:
    request = ask("a knight and a dragon in front of a castle, film grain", model)
    assert draw_png(model, request) == draw_png(model, request)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("prompt", ["a happy cat drinking coffee", "a beach at sunset", "zorblax quux"])
def test_another_sample_is_visibly_another_picture(model: str, prompt: str) -> None:
    first, second = pixels(ask(prompt, model)), pixels(ask(prompt, model, sample=1))
    assert (np.abs(first - second).max(axis=2) > 40).mean() > 0.015


def test_another_seed_is_another_picture_and_no_seed_is_seed_zero() -> None:
    assert (pixels(ask("two dogs", seed=0)) == pixels(ask("two dogs"))).all()
    assert (pixels(ask("two dogs", seed=5)) != pixels(ask("two dogs"))).any()


@pytest.mark.parametrize("size", [(2048, 512), (64, 64), (8, 8), (100, 333)], ids=str)
@pytest.mark.parametrize("model", ["collage", "pencil"])
def test_the_size_is_honoured(model: str, size: tuple[int, int]) -> None:
    for prompt in ("three red apples and a blue car", "split screen call", "2x2 grid of cats", "xyzzy"):
        assert drawn(ask(prompt, model, size)).size == size


@pytest.mark.parametrize("size", [(512, 256), (300, 300), (1200, 1200)], ids=str)
def test_a_poster_is_square_with_few_flat_colours(size: tuple[int, int]) -> None:
    picture = drawn(ask("a red rocket in space", "poster", size))
    assert picture.size == (min(size), min(size))
    colours = sorted((count for count, _ in picture.getcolors(64) or []), reverse=True)
    assert 3 <= len(colours) <= 24
    assert sum(colours[:10]) > 0.9 * sum(colours)


@pytest.mark.parametrize("prompt", ["golf mascot", "a castle", "split-screen video call", "unknowable zzyzx"])
def test_a_pencil_sketch_is_grey_with_strong_lines_on_a_bright_background(prompt: str) -> None:
    sketch = pixels(ask(prompt, "pencil", (384, 384)))
    assert (sketch.max(axis=2) == sketch.min(axis=2)).all()
    assert np.median(sketch) > 240
    assert 0.01 < (sketch < 100).mean() < 0.4


def red_disc() -> Image.Image:
    y, x = np.mgrid[:200, :200]
    inside = (x - 100) ** 2 + (y - 100) ** 2 < 90**2
    rgba = np.where(inside[..., None], [222, 12, 222, 255], [0, 0, 0, 0]).astype(np.uint8)
    return Image.fromarray(rgba)


def share_of_magenta(picture: np.ndarray) -> float:
    return float(((picture[..., 0] > 180) & (picture[..., 1] < 70) & (picture[..., 2] > 180)).mean())


@pytest.mark.parametrize("model", ["collage", "poster"])
def test_a_free_standing_reference_plays_the_subject(model: str) -> None:
    request = ask("a cat in a park", model)
    with_reference = replace(request, references=(Reference(artifact(red_disc()), role="character"),))
    assert share_of_magenta(pixels(request)) < 0.005
    assert share_of_magenta(pixels(with_reference)) > 0.05


def test_a_reference_on_plain_paper_is_cut_out_of_it() -> None:
    paper = Image.new("RGB", (220, 220), (250, 250, 250))
    paper.paste(red_disc(), (10, 10), red_disc())
    shown = pixels(ask("a dog in a forest at night", references=(Reference(artifact(paper)),)))
    assert share_of_magenta(shown) > 0.05
    assert (shown.min(axis=2) > 240).mean() < 0.05


def test_a_setting_becomes_the_background_and_a_style_the_palette() -> None:
    setting = artifact(
        Image.effect_noise((300, 300), 30).convert("RGB").point([0] * 256 + list(range(256)) + [90] * 256)
    )
    shown = pixels(ask("a small cat", references=(Reference(setting, role="setting"),)))
    corner = shown[:40, :40].reshape(-1, 3).mean(axis=0)
    assert corner[0] < 25
    blue = artifact(
        Image.linear_gradient("L").convert("RGB").point([v // 8 for v in range(256)] * 2 + list(range(256)))
    )
    plain = pixels(ask("a red car"))
    styled = pixels(ask("a red car", references=(Reference(blue, role="style"),)))
    assert (styled[..., 2] - styled[..., 0]).mean() > (plain[..., 2] - plain[..., 0]).mean() + 20


def test_a_whole_picture_is_kept_in_image_to_image() -> None:
    photo = Image.merge(
        "RGB", [Image.effect_noise((256, 256), 60), Image.new("L", (256, 256), 10), Image.new("L", (256, 256), 10)]
    )
    shown = pixels(ask("make it brighter", references=(Reference(artifact(photo)),)))
    assert (shown[..., 1] < 40).all()


def test_a_reference_that_cannot_be_read_is_named() -> None:
    lost = Reference(Artifact("ab" * 32, path="gone/lost.png"))
    with pytest.raises(InvalidInput, match=r"gone/lost\.png"):
        drawn(ask("a cat", references=(lost,)))


@pytest.mark.parametrize(
    "prompt", ["a red balloon", "a cat on a beach at night, film noir", "zorblax", "2x2 grid of dogs"]
)
def test_a_mask_keeps_every_pixel_outside_and_paints_inside(prompt: str) -> None:
    base = Image.merge(
        "RGB", [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.effect_noise((256, 256), 50)]
    )
    mask = Image.new("RGBA", (256, 256), (0, 0, 0, 255))
    mask.paste((255, 255, 255, 255), (60, 80, 200, 240))
    request = ask(prompt, references=(Reference(artifact(base)),), mask=artifact(mask))
    result, original = pixels(request), np.asarray(base).astype(int)
    white = np.asarray(mask.convert("L")) > 128
    assert (result[~white] == original[~white]).all()
    assert (result[white] != original[white]).any(axis=1).mean() > 0.5


def test_transparent_white_is_not_part_of_a_mask() -> None:
    base = Image.radial_gradient("L").convert("RGB")
    mask = Image.new("RGBA", (256, 256), (255, 255, 255, 0))
    shown = pixels(ask("a cat", references=(Reference(artifact(base)),), mask=artifact(mask)))
    assert (shown == np.asarray(base)).all()


def test_a_mask_without_a_size_keeps_the_size_of_the_picture() -> None:
    base = Image.radial_gradient("L").convert("RGB").resize((300, 180))
    request = replace(
        ask("a cat", references=(Reference(artifact(base)),), mask=artifact(Image.new("L", (300, 180), 255))), size=None
    )
    assert drawn(request).size == (300, 180)


def test_without_a_size_the_picture_is_768_pixels_square() -> None:
    assert drawn(replace(ask("a tree"), size=None)).size == (768, 768)


def test_two_named_colours_are_both_seen() -> None:
    shown = pixels(ask("a red car and a blue bus on a white background", size=(384, 384)))
    red = (shown[..., 0] > 150) & (shown[..., 1] < 90) & (shown[..., 2] < 90)
    blue = (shown[..., 2] > 120) & (shown[..., 0] < 110) & (shown[..., 2] > shown[..., 0] + 50)
    assert red.mean() > 0.01
    assert blue.mean() > 0.01


def test_a_split_screen_has_two_halves_with_a_bar_between_them() -> None:
    shown = pixels(ask("split-screen video call, a man on the left, a woman on the right", size=(512, 512)))
    bar = shown[20:300, 254:258]
    assert (bar > 245).all(axis=(0, 2)).any()
    left, right = shown[:, :250], shown[:, -250:]
    assert (np.abs(left - right).max(axis=2) > 40).mean() > 0.2


CALL = "split-screen video call, phone screens visible. "


def tags(prompt: str, side: int) -> list[str]:
    """What stands on the left (0) or right (1) of a call, first of all who calls."""
    return [s.head for s in half_scene(read(prompt, shipped().known), side).subjects]


@pytest.mark.parametrize(
    ("prompt", "left", "right"),
    [
        ("On the left: a doctor, in an office. On the right: an old man.", ["doctor", "phone"], ["man", "phone"]),
        ("On the right: the person called, works as a doctor.", ["man", "phone"], ["doctor", "phone"]),
        ("On the left: Dr. Mia, a chef. On the right: Mr. Holm, a farmer.", ["chef", "phone"], ["farmer", "phone"]),
        ("Soft lamps. On the right: a boy.", ["man", "phone", "lamps"], ["boy", "phone", "lamps"]),
    ],
    ids=["both", "said further on", "titles", "things behind both"],
)
def test_a_split_screen_shows_on_each_side_whom_the_prompt_puts_there(
    prompt: str, left: list[str], right: list[str]
) -> None:
    assert (tags(CALL + prompt, 0), tags(CALL + prompt, 1)) == (left, right)


def test_each_side_of_a_split_screen_stands_in_its_own_place() -> None:
    scene = read(f"{CALL} On the left: a doctor, in an office. On the right: a boy, at the beach.", shipped().known)
    assert [half_scene(scene, side).place for side in (0, 1)] == ["office", "beach"]


def test_a_grid_has_white_gutters_around_every_cell() -> None:
    shown = pixels(ask("2x2 grid of portraits of a woman", size=(512, 512)))
    assert (shown[2:5] == 255).all()
    assert (shown[:, 2:5] == 255).all()
    assert (shown[254:258] == 255).all(axis=(1, 2)).any()
    assert (shown[:, 254:258] == 255).all(axis=(0, 2)).any()


def test_a_pattern_repeats_its_tile() -> None:
    shown = pixels(ask("a seamless pattern of red apples", size=(256, 256)))
    assert (shown[:128, :64] == shown[128:, :64]).all()
    assert (shown[:, :64] == shown[:, 128:192]).all()
    assert (shown.min(axis=2) < 100).mean() > 0.05


@pytest.mark.parametrize(
    "style",
    ["cinematic lighting, film grain, bokeh", "film noir", "watercolor painting", "vintage", "neon", "pixel art",
     "comic book", "oil painting",
     "pastel colours", "pencil sketch", "high quality, detailed", "vibrant", "warm light", "cool tones"],
)  # fmt: skip
def test_a_style_changes_the_look_and_not_the_picture_under_it(style: str) -> None:
    plain, styled = pixels(ask("a brown horse on a meadow")), pixels(ask(f"a brown horse on a meadow, {style}"))
    assert np.abs(plain - styled).mean() > 1.5
    small = [
        np.asarray(Image.fromarray(p.astype(np.uint8)).convert("L").resize((24, 24))).ravel() for p in (plain, styled)
    ]
    assert np.corrcoef(*small)[0, 1] > 0.4


@pytest.mark.parametrize("words", ["film noir", "black and white"])
def test_black_and_white_styles_are_grey(words: str) -> None:
    shown = pixels(ask(f"a red car, {words}"))
    assert (shown.max(axis=2) - shown.min(axis=2)).max() <= 2


def test_night_is_darker_than_day() -> None:
    assert pixels(ask("a house at night")).mean() < pixels(ask("a house")).mean() - 40


@pytest.mark.parametrize(
    "prompt",
    ["", " ", "\x00\u202e\ud83d", "🐱☕️ 猫がコーヒーを飲む", "ZALGO h̷̡e̴l̶l̵o̷", "'''", '"',
     "a " * 5000, "cat, " * 2000, "@left #beach_x of of of",
     "99999999999 cats", "9x9 grid of 12 dogs", "no cat", "\n\n\t"],
    ids=lambda p: ascii(p[:12]),
)  # fmt: skip
@pytest.mark.parametrize("model", MODELS)
def test_any_prompt_gives_a_picture(model: str, prompt: str) -> None:
    assert drawn(ask(prompt, model, (96, 96))).size == (96, 96)


def test_simulated_seconds_differ_by_model_and_by_sample_and_stay_the_same_for_the_same_request() -> None:
    def mean(model: str) -> float:
        return float(np.mean([seconds(model, ask("x", model, sample=k), (768, 768)) for k in range(40)]))

    assert mean("poster") < mean("collage") < mean("pencil")
    assert seconds("pencil", ask("x"), (768, 768)) == seconds("pencil", ask("x"), (768, 768))
    assert len({seconds("pencil", ask("x", sample=k), (768, 768)) for k in range(5)}) > 1

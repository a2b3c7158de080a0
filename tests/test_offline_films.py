"""The offline models of films: real films of real pictures, the same for the same request, and quick."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.film import Film
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.providers.offline.films import movement, render
from imagegen_kit.types import Size, VideoRequest


def dots(shift: int = 0) -> Picture:
    """A picture in which movement can be measured: a bright square on a gradient."""
    image = Image.linear_gradient("L").resize((240, 180)).point(lambda v: v // 3 + shift).convert("RGB")
    image.paste((250, 240, 200), (90, 60, 150, 120))
    return Picture.from_image(image)


def film(model: str = "zoom", prompt: str = "x", **asked: Any) -> Film:
    parts = {"seconds": 0.75, "size": Size(160, 120), **asked}
    request = VideoRequest(prompt=prompt, model=f"offline/{model}", **parts)
    return Film.from_bytes(render(model, request)[0])


def bright(picture: Image.Image) -> tuple[float, float, float]:
    """The share that the bright square takes of a frame, and its middle (0 to 1)."""
    found = np.asarray(picture.convert("L")) > 170
    rows, columns = np.nonzero(found)
    return float(found.mean()), float(columns.mean() / found.shape[1]), float(rows.mean() / found.shape[0])


def alike(a: Image.Image, b: Image.Image) -> float:
    """The mean difference of two pictures in levels of 255."""
    small = [np.asarray(p.convert("RGB").resize((80, 60), Image.Resampling.BOX), dtype=float) for p in (a, b)]
    return float(np.abs(small[0] - small[1]).mean())


def test_a_film_has_the_length_size_and_rate_that_are_asked() -> None:
    facts = film(first_frame=dots()).facts
    assert (facts.width, facts.height, facts.frames, facts.fps, facts.codec) == (160, 120, 18, 24.0, "h264")


def test_unasked_it_has_the_shape_of_its_first_picture() -> None:
    made = film(first_frame=dots(), size=None, seconds=None)
    assert (made.width, made.height, made.seconds) == (512, 384, pytest.approx(2.0))


def test_zooming_in_enlarges_and_zooming_out_shrinks() -> None:
    closer, wider = film(prompt="zoom in", first_frame=dots()), film(prompt="zoom out", first_frame=dots())
    assert bright(closer.last_frame)[0] > 1.4 * bright(closer.first_frame)[0]
    assert bright(wider.last_frame)[0] < bright(wider.first_frame)[0] / 1.4


@pytest.mark.parametrize(
    ("prompt", "axis", "grows"),
    [("pan left", 1, True), ("pans to the right", 1, False), ("tilt up", 2, True), ("tilts down", 2, False)],
)
def test_panning_and_tilting_move_the_other_way(prompt: str, axis: int, grows: bool) -> None:
    made = film(prompt=f"the camera {prompt}", first_frame=dots())
    before, after = bright(made.first_frame)[axis], bright(made.last_frame)[axis]
    assert after - before > 0.1 if grows else before - after > 0.1


def test_a_fade_begins_with_the_first_picture_and_ends_with_the_last() -> None:
    first, last = dots(), Picture.from_image(dots(90).image.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    made = film("fade", first_frame=first, last_frame=last)
    assert alike(made.first_frame, first.image) < 5
    assert alike(made.last_frame, last.image) < 5
    assert min(alike(made.frame(0.375), p.image) for p in (first, last)) > 10


def test_without_a_picture_it_draws_the_prompt() -> None:
    made = film(prompt="a red lighthouse by the sea", size=Size(160, 160))
    assert len(set(np.asarray(made.first_frame.convert("L")).ravel())) > 30


def test_the_same_request_gives_the_same_bytes_and_another_sample_another_film() -> None:
    asked: dict[str, Any] = {"first_frame": dots()}
    assert film(**asked) == film(**asked)
    moves = {movement(VideoRequest(prompt="x", model="m", sample=n, **asked))[0] for n in range(40)}
    assert moves == {"in", "out", "left", "right"}


def test_speed_is_read_from_the_prompt() -> None:
    slow, fast = (movement(VideoRequest(prompt=f"zoom in {w}", model="m"))[1] for w in ("slowly", "fast"))
    assert slow < fast

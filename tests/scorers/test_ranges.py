"""Whatever a picture is, each number is within the range that its column promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.imaging.encode import encode
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.types import Reference
from tests.scorers import pictures as p

SIDES = st.one_of(st.integers(1, 40), st.sampled_from([176, 200, 257]))
FILLS = {
    "noise": lambda rng, shape: rng.integers(0, 256, shape),
    "two levels": lambda rng, shape: rng.choice([0, 255], shape),
    "nearly even": lambda rng, shape: rng.integers(120, 124, shape),
    "blocks": lambda rng, shape: (
        np.kron(rng.integers(0, 256, (33, 33)), np.ones((8, 8)))[: shape[0], : shape[1], None] + np.zeros(shape)
    ),
}


@st.composite
def images(draw: st.DrawFn) -> Image.Image:
    shape = (draw(SIDES), draw(SIDES), draw(st.sampled_from([1, 3, 4])))
    pixels = FILLS[draw(st.sampled_from(sorted(FILLS)))](np.random.default_rng(draw(st.integers(0, 99))), shape)
    return Image.fromarray(pixels.astype(np.uint8).squeeze(axis=2) if shape[2] == 1 else pixels.astype(np.uint8))


@given(st.lists(images(), min_size=1, max_size=2))
@settings(max_examples=12)
@pytest.mark.parametrize("name", ["technical", "similarity", "duplicates", "diversity"])
def test_every_number_is_in_its_range_or_has_a_reason(name: str, shown: list[Image.Image]) -> None:
    reference = Reference(Picture.from_bytes(encode(p.landscape(1, 256))))
    for found in p.measured(name, *(p.subject(image, references=(reference,)) for image in shown)):
        p.check_honest(p.spec(name), found)

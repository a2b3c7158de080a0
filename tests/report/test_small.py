"""Small copies: as large as there is room for, never larger than they were, and words where a picture is gone."""

from __future__ import annotations

import io

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.report.small import as_source, small_copies

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def pictures():
    @ik.register(model="noisy/one", version="1", price_usd=0.0, seed=True)
    def noisy(request):
        return Image.effect_noise((400, 300), 40 + request.seed).convert("RGB")

    run = ik.Experiment(vary={"seed": [1, 2, 3]}, fixed={"prompt": "noise", "model": "noisy/one"}).run(progress=False)
    return [result.artifacts[0] for result in run]


def widths(copies) -> set[int]:
    return {Image.open(io.BytesIO(copy)).width for copy in copies.values()}


def test_few_pictures_are_shown_large(pictures) -> None:
    assert widths(small_copies(pictures, default_engine().store.blobs)) == {384}


def test_they_shrink_until_all_of_them_fit(pictures) -> None:
    copies = small_copies(pictures, default_engine().store.blobs, room=30_000)
    assert sum(map(len, copies.values())) <= 30_000
    assert widths(copies) < {192, 160, 128, 96, 64}
    assert all(as_source(copy).startswith("data:image/webp;base64,UklGR") for copy in copies.values())


def test_a_picture_that_is_gone_is_said_in_words(pictures) -> None:
    blobs = default_engine().store.blobs
    blobs.path(pictures[0].sha256, pictures[0].format).unlink()
    copies = small_copies(pictures, blobs)
    assert copies[pictures[0].sha256].startswith("the picture cannot be shown: ")
    assert isinstance(copies[pictures[1].sha256], bytes)

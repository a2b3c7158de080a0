"""The key holds everything that changes the pixels, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.fingerprint import request_key
from imagegen_kit.types import Artifact, ImageRequest, Reference, Size, TextRequest, VideoRequest

A, B = (Artifact(c * 64) for c in "ab")
BASE = ImageRequest(
    prompt="a cup", model="lab/one", negative_prompt="rain", references=(Reference(A),), size=Size(64, 64), seed=3,
    quality="high", options={"mood": "calm"},
)  # fmt: skip


def key(request=BASE, *, model="lab/one", origin="https://lab.example/v1", version="1"):
    return request_key(request, model=model, origin=origin, output_version=version)


def changed(**parts):
    from dataclasses import replace

    return replace(BASE, **parts)


CHANGES = {
    "prompt": changed(prompt="a cup."),
    "negative prompt": changed(negative_prompt=None),
    "reference": changed(references=(Reference(B),)),
    "order of references": changed(references=(Reference(A), Reference(B))),
    "role": changed(references=(Reference(A, role="style"),)),
    "description": changed(references=(Reference(A, description="a mug"),)),
    "size": changed(size=Size(64, 65)),
    "ratio": changed(size=Size(ratio="1:1")),
    "no size": changed(size=None),
    "seed": changed(seed=4),
    "no seed": changed(seed=None),
    "sample": changed(sample=1),
    "quality": changed(quality="low"),
    "option": changed(options={"mood": "wild"}),
    "options": changed(options={}),
    "mask": changed(mask=A),
}


def test_every_part_that_changes_the_pixels_changes_the_key():
    keys = [key(), *(key(request) for request in CHANGES.values())]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("where", [{"model": "lab/two"}, {"origin": "simulated:lab"}, {"version": "2"}], ids=str)
def test_model_origin_and_version_are_part_of_the_key(where):
    assert key(**where) != key()


@pytest.mark.parametrize(
    "request_",
    [
        changed(labels={"scene": 3}),
        changed(references=(Reference(A, name="mug", origin="lib/7", score=0.4),)),
        changed(references=(Reference(Artifact("a" * 64, path="/elsewhere.png", width=9)),)),
        changed(model="an alias of it"),
    ],
    ids=["labels", "name, origin and score", "path", "name that was asked"],
)
def test_what_changes_no_pixel_is_out(request_):
    assert key(request_) == key()


def test_kinds_never_share_a_key():
    requests = [cls(prompt="a cup", model="lab/one") for cls in (ImageRequest, TextRequest, VideoRequest)]
    assert len({key(r) for r in requests}) == 3


def test_the_fields_of_text_and_film_are_in_the_key():
    texts = [{}, {"system": "be brief"}, {"schema": {"type": "object"}}]
    films = [{}, {"seconds": 5.0}, {"first_frame": A}, {"last_frame": A}]
    keys = [key(TextRequest(prompt="x", model="m", **t)) for t in texts]
    keys += [key(VideoRequest(prompt="x", model="m", **f)) for f in films]
    assert len(set(keys)) == 7


@given(st.text(), st.text(), st.integers(0, 99), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_equal_requests_have_equal_keys_in_any_order_of_their_options(prompt, negative, sample, options):
    turned = dict(reversed(options.items()))
    one, two = (
        key(ImageRequest(prompt=prompt, negative_prompt=negative, model="m", sample=sample, options=o))
        for o in (options, turned)
    )
    assert one == two
    assert len(one) == 64


@given(st.text(max_size=20), st.text(max_size=20))
def test_text_never_moves_from_one_field_to_another(a, b):
    first = key(ImageRequest(prompt=a, negative_prompt=b, model="m"))
    second = key(ImageRequest(prompt=a + b, negative_prompt="", model="m"))
    assert (first == second) == (b == "")


def test_the_key_of_a_request_stays_the_same_between_versions():
    """Another key would make every stored picture be bought again: raise KEY_VERSION on purpose, not by accident."""
    request = ImageRequest(prompt="a cup", model="lab/one", seed=3, size=Size(64, 64))
    assert key(request) == "da3c90298289158ee06e64fbc7baa7acfa536b9f70cc74a340b03f570c5f7685"

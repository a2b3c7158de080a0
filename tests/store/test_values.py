"""Recipe parameters as JSON and back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.store.values import as_cell_value, decode, dumps, encode
from imagegen_kit.types import Prompt, Reference, Size, Style
from tests.corpus import encoded

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text().filter(lambda k: not k.startswith("$")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_plain_values_come_back_as_they_were(value):
    assert decode(json.loads(dumps(encode(value, Blobs(Path("unused"))))), Blobs(Path("unused"))) == value


def test_prompts_keep_their_category(tmp_path):
    prompt = Prompt("a cup", id="c1", category="still life", tags=("x",))
    again = decode(encode(prompt, Blobs(tmp_path)), Blobs(tmp_path))
    assert (again, again.id, again.category, again.tags) == ("a cup", "c1", "still life", ("x",))
    assert encode(Prompt("a cup"), Blobs(tmp_path)) == "a cup"


def test_styles_are_written_out(tmp_path):
    style = Style(
        "noir", text="film noir", negative="colour", axes={"light": ("hard", "soft")}, checks={"greyscale": 5}
    )
    assert decode(encode(style, Blobs(tmp_path)), Blobs(tmp_path)) == style


@pytest.mark.parametrize("kind", ["bytes", "pil", "picture"])
def test_pictures_go_into_the_store_and_come_back_from_it(tmp_path, kind):
    data = encoded("png")
    value = {"bytes": data, "pil": Image.new("RGB", (8, 8)), "picture": Picture.from_bytes(data)}[kind]
    plain = json.loads(dumps(encode(value, Blobs(tmp_path))))
    again = decode(plain, Blobs(tmp_path))
    assert isinstance(again, Picture)
    assert again.image.size == ((8, 8) if kind == "pil" else (160, 120))
    assert Blobs(tmp_path).thumbnail_path(again.sha256).exists()
    assert as_cell_value(plain) == again.sha256[:12]


def test_references_keep_role_and_name(tmp_path):
    reference = Reference(encoded("png"), role="style", name="mug", description="a mug")
    plain = encode([reference], Blobs(tmp_path))
    assert decode(plain, Blobs(tmp_path)) == [reference]
    assert as_cell_value(plain) == ("mug",)


def test_sizes_paths_and_numbers_of_numpy_are_plain(tmp_path):
    values = [Size(4, 3), Path("a/b.png"), np.int64(3), np.float64(0.5), np.bool_(True)]
    assert encode(values, Blobs(tmp_path)) == ["4x3", "a/b.png", 3, 0.5, True]


def test_a_table_is_the_rows_that_it_holds(tmp_path):
    frame = pd.DataFrame({"n": [1, 2], "at": [0.5, None], "text": ["a", None]})
    plain = encode(frame, Blobs(tmp_path))
    assert plain == [{"n": 1, "at": 0.5, "text": "a"}, {"n": 2, "at": None, "text": None}]
    assert json.loads(dumps(plain)) == plain


def test_what_cannot_be_written_down_is_refused_by_kind(tmp_path):
    with pytest.raises(InvalidInput, match="a object cannot be written"):
        encode(object(), Blobs(tmp_path))
    with pytest.raises(InvalidInput, match="a set cannot"):
        encode({1}, Blobs(tmp_path))


def test_equal_values_are_equal_texts():
    assert dumps({"b": 1, "a": [1, None]}) == '{"a":[1,null],"b":1}'
    assert math.isclose(json.loads(dumps(0.1 + 0.2)), 0.1 + 0.2)


@pytest.mark.parametrize(
    ("plain", "shown"),
    [({"$prompt": "a", "id": "x"}, "a"), ({"$style": "noir"}, "noir"), ({"k": [1]}, {"k": (1,)}), (None, None)],
    ids=["prompt", "style", "dict", "none"],
)
def test_a_cell_shows_what_a_person_would_call_the_value(plain, shown):
    assert as_cell_value(plain) == shown

"""The path language: what it finds, and that no data and no text can make it fail in an unforeseen way."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.catalog.job_api_paths import as_text, find, first, parse
from imagegen_kit.errors import InvalidInput

DATA = {
    "id": 7,
    "data": {
        "outputs": ["a", "b"],
        "urls": {"get": "u"},
        "text": '{"urls": ["x", "y"]}',
        "nothing": None,
        "off": False,
    },
    "outputs": {"9": {"images": [{"name": "p"}, {"name": "q"}]}, "10": {"images": [{"name": "r"}]}},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
STEPS = st.lists(st.sampled_from(["a", "b", "c", "[0]", "[-1]", "[*]", ".*", "|json"]), min_size=1, max_size=5)


def joined(steps: list[str]) -> str:
    text = ""
    for step in steps:
        text += ("." if text and step[0] in "abc" else "") + (step if text or step != ".*" else "*")
    return text


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("id", [7]),
        ("data.outputs[0]", ["a"]),
        ("data.outputs[-1]", ["b"]),
        ("data.outputs[5]", []),
        ("data.outputs[*]", ["a", "b"]),
        ("data.outputs", [["a", "b"]]),
        ("outputs.*.images[*].name", ["p", "q", "r"]),
        ("data.text|json.urls[*]", ["x", "y"]),
        ("data.outputs|json", []),
        ("missing.deep[0] || data.urls.get", ["u"]),
        ("data.nothing || id", [7]),
        ("data.nothing", []),
        ("data.off", [False]),
        ("id.x", []),
        ("", []),
    ],
)
def test_a_path_leads_to_its_values(path: str, found: list[Any]) -> None:
    assert find(path, DATA) == found
    assert first(path, DATA) == (found[0] if found else None)


@pytest.mark.parametrize(
    "path", ["a..b", ".a", "a.", "a[", "a[x]", "a]b", "a b", "a|yaml", "|| b", "a ||", "a[1:2]", "a|"]
)
def test_a_path_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        parse(path)


@given(JSON, STEPS)
def test_any_readable_path_over_any_data_finds_a_list_and_never_fails(data: Any, steps: list[str]) -> None:
    assert isinstance(find(joined(steps), data), list)


@given(st.text(max_size=20))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert parse(text)


@given(JSON, STEPS, STEPS)
def test_an_alternative_counts_only_where_the_first_finds_nothing(data: Any, one: list[str], other: list[str]) -> None:
    a, b = joined(one), joined(other)
    assert find(f"{a} || {b}", data) == (find(a, data) or find(b, data))


@given(JSON)
def test_json_inside_text_is_followed_as_if_it_stood_there(data: Any) -> None:
    assert find("t|json.a", {"t": json.dumps(data)}) == find("t.a", {"t": data})


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (0, "0"), ("Ready", "Ready"), (1.5, "1.5")]
)
def test_a_status_is_compared_as_text(value: Any, text: str) -> None:
    assert as_text(value) == text

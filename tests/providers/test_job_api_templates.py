"""Templates: values arrive as they are whatever they contain, and what has no value leaves no trace."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.providers.job_api.templates import File, filled, filled_url, multipart

TEXT = st.text(max_size=30)
BODY = {"prompt": "{prompt}", "seed": "{seed}", "size": "{width}*{height}", "input": {"image": "{reference.b64}"}}


@given(TEXT, st.integers())
def test_any_prompt_arrives_whole_and_changes_nothing_else(prompt: str, seed: int) -> None:
    body = filled({**BODY, "said": "so: {prompt}"}, {"prompt": prompt, "seed": seed})
    assert json.loads(json.dumps(body)) == {"prompt": prompt, "seed": seed, "said": f"so: {prompt}"}


@pytest.mark.parametrize("prompt", ['"}, "seed": 1, {"', "{seed} {key} {{id}}", "a\\n\\u0000", "\r\nX-Header: 1"])
def test_a_prompt_that_looks_like_a_template_is_only_text(prompt: str) -> None:
    values = {"prompt": prompt, "seed": 7, "key": "secret"}
    assert filled({"prompt": "{prompt}"}, values) == {"prompt": prompt}
    assert multipart({"prompt": prompt}) == [("prompt", (None, prompt.encode(), None))]


@given(TEXT)
def test_a_value_in_an_address_is_one_part_of_its_path(id: str) -> None:
    url, missing = filled_url("{base}/jobs/{id}/result", {"base": "https://x.example/v1", "id": id})
    middle = url.removeprefix("https://x.example/v1/jobs/").removesuffix("/result")
    assert not missing
    assert not set("/?#") & set(middle)
    assert unquote(middle, errors="surrogatepass") == id or "\ufffd" in unquote(middle)


@pytest.mark.parametrize(
    ("template", "values", "made"),
    [
        ("{seed}", {"seed": 7}, 7),
        ("{seed}", {"seed": None}, None),
        ("{seed}", {}, None),
        ("{a || b}", {"b": 2}, 2),
        ("{a || b}", {"a": 0, "b": 2}, 0),
        ("{width}x{height}", {"width": 4, "height": 3}, "4x3"),
        ("{width}x{height}", {"width": 4}, None),
        ("{references.b64}", {"references.b64": []}, None),
        (["{reference.b64}"], {}, None),
        ({"inner": {"seed": "{seed}"}}, {}, None),
        ({"inner": {}}, {}, {"inner": {}}),
        ({"n": 1, "on": True, "none": None}, {}, {"n": 1, "on": True}),
        ({"cfg": 7, "*": "{options}"}, {"options": {"cfg": 3, "steps": 20}}, {"cfg": 3, "steps": 20}),
        ({"s": "{options.steps}", "*": "{options}"}, {"options": {"steps": 9}, "options.steps": 9}, {"s": 9}),
    ],
)
def test_a_template_becomes(template: Any, values: dict[str, Any], made: Any) -> None:
    assert filled(template, values) == made


def test_a_multipart_body_keeps_the_order_and_repeats_lists() -> None:
    files = [File("a.png", "image/png", b"a"), File("b.png", "image/png", b"b")]
    assert multipart({"prompt": "x", "strength": 0.5, "on": True, "image[]": files}) == [
        ("prompt", (None, b"x", None)),
        ("strength", (None, b"0.5", None)),
        ("on", (None, b"true", None)),
        ("image[]", ("a.png", b"a", "image/png")),
        ("image[]", ("b.png", b"b", "image/png")),
    ]


def test_an_address_without_a_value_names_what_is_missing() -> None:
    assert filled_url("{base}/{settings.MODEL || model}", {"base": "b"})[1] == ["settings.MODEL || model"]


@pytest.mark.parametrize(("seed", "sent"), [(None, -1), (0, 0), (7, 7)])
def test_a_number_at_the_end_is_sent_where_nothing_before_it_has_a_value(seed: int | None, sent: int) -> None:
    assert filled({"seed": "{seed || -1}"}, {"seed": seed}) == {"seed": sent}
    assert filled_url("{base}/{seed || -1}", {"base": "https://x.example", "seed": seed})[0].endswith(f"/{sent}")

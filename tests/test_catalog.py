"""Shipped data: where it lies, how YAML is read and checked, and the model catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog import files as files_module
from imagegen_kit.catalog import find_data, load_models, load_yaml, validate
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.errors import InvalidInput


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    sizes: tuple[int, ...] = ()
    seed: bool = False


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    models: dict[str, Inner]
    names: list[str | Inner] = []


# find_data


def test_a_checkout_finds_its_data_beside_the_package():
    assert find_data("prompts/first.yaml").read_text().startswith("title:")


def test_an_installed_wheel_finds_its_data_inside_the_package_first(tmp_path, monkeypatch):
    for place in ("pkg/_data", "data"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.txt").write_text(place)
    monkeypatch.setattr(files_module, "PACKAGE", tmp_path / "pkg")
    assert find_data("a.txt").read_text() == "pkg/_data"


def test_a_missing_file_names_both_places():
    with pytest.raises(FileNotFoundError, match=r"_data.*nope\.yaml nor .*data.*nope\.yaml"):
        find_data("nope.yaml")


# reading YAML

words = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")))  # YAML text may not hold the others unescaped


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("no", "no", id="no stays text"),
        pytest.param("on", "on", id="on stays text"),
        pytest.param("12:30", "12:30", id="a time is not a base-60 number"),
        pytest.param("2026-11-21", "2026-11-21", id="a date stays text"),
        pytest.param("007", "007", id="leading zeros stay"),
        pytest.param("0x1F", "0x1F", id="hexadecimal stays text"),
        pytest.param("1_000", "1_000", id="underscores stay text"),
        pytest.param(".nan", ".nan", id="nan stays text"),
        pytest.param("True", "True", id="only lower-case true is true"),
        pytest.param("true", True, id="true"),
        pytest.param("null", None, id="null"),
        pytest.param("", None, id="nothing"),
        pytest.param("-12", -12, id="integer"),
        pytest.param("1e3", 1000.0, id="1e3 is a number"),
        pytest.param("0.25", 0.25, id="decimal"),
        pytest.param("'1'", "1", id="quoted is text"),
        pytest.param("|\n  1\n", "1\n", id="block is text"),
        pytest.param("[a, [1, {b: no}]]", ["a", [1, {"b": "no"}]], id="nested"),
    ],
)
def test_plain_values_mean_what_they_say(written, value):
    assert load_yaml(f"key: {written}").data == {"key": value}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**15), 10**15) | words,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
        max_leaves=20,
    )
)
def test_whatever_json_can_write_reads_back_the_same(value):
    assert load_yaml(json.dumps({"key": value}, ensure_ascii=False)).data == {"key": value}


def test_every_key_path_knows_its_line():
    document = load_yaml("a: 1\nb:\n  - x\n  - c: 2\n    d:\n      e: 3\n", where="f.yaml")
    assert document.line("b", 1, "d", "e") == 6
    assert document.at("b", 1, "c") == "f.yaml:4 b.1.c"
    assert document.line("b", 1, "missing") == 4


def test_keys_are_text():
    assert load_yaml("1: a\ntrue: b\nno: c").data == {"1": "a", "true": "b", "no": "c"}


BOMB = 'a: &a ["lol","lol"]\n' + "".join(
    f"{n}: &{n} [*{p},*{p},*{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(BOMB, "bad:1 uses an anchor or alias", id="alias bomb"),
        pytest.param("a: 1\nb: *a", "bad:2 uses an anchor or alias", id="alias"),
        pytest.param("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3", "bad:5 b: the key 'c' stands here twice", id="duplicate key"),
        pytest.param("a: !!python/object/apply:os.system [ls]", "bad:1 uses the tag", id="python tag"),
        pytest.param("a: !include x", "bad:1 uses the tag '!include'", id="own tag"),
        pytest.param("[" * 60 + "]" * 60, "nested deeper than 50", id="too deep"),
        pytest.param("a: 1\n---\nb: 2", "bad:2 holds more than one document", id="two documents"),
        pytest.param("? [a, b]\n: c", "bad:1 uses a list or mapping as a key", id="complex key"),
        pytest.param("a: [1, 2\nb: 3", "bad:2 is not YAML", id="syntax"),
        pytest.param("a: \x07", "is not YAML", id="control character"),
        pytest.param("a: 1e999", "bad:1 1e999 is too large", id="infinite number"),
        pytest.param("x" * 1_000_001, "longer than 1,000,000", id="too long"),
    ],
)
def test_what_could_surprise_or_attack_is_refused_with_its_line(text, message):
    with pytest.raises(InvalidInput) as caught:
        load_yaml(text, where="bad")
    assert message in str(caught.value).replace("bad:1: ", "bad:1 ").replace("bad:2: ", "bad:2 ")


def test_a_megabyte_of_open_brackets_is_refused_at_once():
    start = time.thread_time()  # what else the machine does is no fault of ours
    with pytest.raises(InvalidInput, match="nested deeper"):
        load_yaml("[" * 999_999)
    assert time.thread_time() - start < 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "does not exist", id="missing"),
        pytest.param(b"a: " + b"x" * 1_000_001, "larger than 1,000,000 bytes", id="large"),
        pytest.param(b"a: 1\nb: \xff", ":2: is not UTF-8 text", id="latin-1"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, message):
    path = tmp_path / "f.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        load_yaml(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_text_that_names_a_yaml_file_is_that_file(tmp_path):
    (tmp_path / "f.yaml").write_text("a: 1", encoding="utf-8-sig")
    assert load_yaml(str(tmp_path / "f.yaml")).data == {"a": 1}
    assert load_yaml("a: b.yaml").data == {"a": "b.yaml"}


# validating


def test_a_valid_document_becomes_the_model_with_lists_as_tuples():
    assert validate(load_yaml("models: {a: {sizes: [1, 2]}}"), Outer).models["a"].sizes == (1, 2)


def test_every_fault_comes_with_file_line_and_key():
    text = "models:\n  collage:\n    sizess: [1]\n    seed: maybe\n  poster:\n    sizes: [1, x]\n"
    with pytest.raises(InvalidInput) as caught:
        validate(load_yaml(text, where="file.yaml"), Outer)
    faults = sorted(map(str, caught.value.faults))
    assert len(faults) == 3
    assert faults[0].startswith("file.yaml:3 models.collage.sizess: 'sizess' is not a key here. Did you mean 'sizes'?")
    assert faults[1].startswith("file.yaml:4 models.collage.seed: should be a valid boolean, not 'maybe'.")
    assert faults[2].startswith("file.yaml:6 models.poster.sizes.1: should be a valid integer, not 'x'.")


def test_a_fault_inside_a_union_is_found_too():
    with pytest.raises(InvalidInput, match=r"f:4 names\.1\..*Did you mean 'seed'"):
        validate(load_yaml("models: {}\nnames:\n  - a\n  - sead: true\n", where="f"), Outer)


def test_a_missing_key_stands_at_the_line_of_its_parent():
    with pytest.raises(InvalidInput, match=r"f:1 models: is missing"):
        validate(load_yaml("names: []", where="f"), Outer)


@pytest.mark.parametrize(("text", "given_"), [("", "nothing"), ("- a", "a list"), ("hello", "a str")], ids=str)
def test_a_document_that_is_no_mapping_says_which_keys_it_may_have(text, given_):
    with pytest.raises(InvalidInput, match=f"holds {given_}.*models, names"):
        validate(load_yaml(text), Outer)


# the model catalogue


def test_the_offline_models_are_declared_free_and_honest():
    models = {m.name: m for m in load_models("offline") if m.kind == "image"}
    assert list(models) == ["collage", "pencil", "poster"]
    for model in models.values():
        assert "not a generative model" in model.card
        assert model.price is not None
        assert model.price.per_picture == 0
        assert (model.as_of, model.source) == ("2026-11-21", "imagegen_kit itself")
        assert model.price.as_of == "2026-11-21"
        assert model.price.source == "drawn on this machine"


def test_the_offline_models_differ_in_what_they_can_do():
    collage, pencil, poster = (m.can for m in load_models("offline") if m.kind == "image")
    assert (collage.references, collage.mask, collage.negative_prompt, collage.seed) == (4, True, True, True)
    assert (pencil.references, pencil.mask, pencil.negative_prompt, pencil.seed) == (4, False, False, True)
    assert (poster.references, poster.ratios, poster.negative_prompt, poster.seed) == (0, ("1:1",), False, False)
    assert {c.max_side for c in (collage, pencil, poster)} == {2048}


def test_an_unknown_provider_has_no_models():
    assert load_models("nobody") == ()


def test_the_users_file_changes_only_what_it_gives_and_adds_models(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "models:\n"
        "  offline/collage: {price: {per_picture: 0.5}, can: {references: 1}, as_of: '2026-12-01', source: my tariff}\n"
        "  offline/mine: {card: My own., retires_on: 2030-01-31, as_of: '2026-12-01', source: me}\n"
    )
    before = {m.name: m for m in load_models("offline")}
    after = {m.name: m for m in load_models("offline", path)}
    assert after["collage"].can.references == 1
    assert after["collage"].can.mask is True
    assert after["collage"].card == before["collage"].card
    assert after["collage"].price is not None
    assert (after["collage"].price.per_picture, after["collage"].price.source) == (0.5, "my tariff")
    assert after["pencil"] == before["pencil"]
    assert after["mine"].price is None
    assert str(after["mine"].retires_on) == "2030-01-31"
    assert load_models("offline")[0] == before["collage"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param("{can: {refrences: 1}}", r"m\.yaml:2 models\.offline/x\.can\.refrences.*'references'", id="key"),
        pytest.param("{can: {sizes: [[1]]}}", r"can\.sizes\.0\.1: is missing", id="half a size"),
        pytest.param("{price: {per_picture: -1}}", r"price\.per_picture: should be greater", id="negative price"),
        pytest.param("{kind: music}", r"kind: should be 'image', 'text' or 'video', not 'music'", id="kind"),
        pytest.param("{retires_on: soon}", r"retires_on: should be a valid date.*'soon'", id="date"),
        pytest.param("{concurrency: 0}", r"concurrency: should be greater than or equal to 1", id="concurrency"),
        pytest.param("{aliases: [offline/x, y/z]}", r"aliases: 'y/z' already names y/z", id="alias of another"),
    ],
)
def test_a_faulty_entry_is_refused_by_file_line_and_key(tmp_path, entry, message):
    path = tmp_path / "m.yaml"
    body = entry[:-1] + ", as_of: '2026-12-01', source: me}"
    path.write_text(f"models:\n  offline/x: {body}\n  y/z: {{card: c, as_of: '2026-12-01', source: me}}\n")
    with pytest.raises(InvalidInput, match=message):
        load_models("offline", path)


def test_an_entry_without_day_and_source_is_refused(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("models:\n  offline/x: {card: c}\n")
    with pytest.raises(InvalidInput) as caught:
        load_models("offline", path)
    assert {f.where.split(".")[-1] for f in caught.value.faults} == {"as_of", "source"}


@pytest.mark.parametrize("cls", [ModelSpec, Capabilities, Price], ids=lambda c: c.__name__)
def test_the_schema_knows_every_field_of_the_dataclass(cls, tmp_path):
    path = tmp_path / "m.yaml"
    names = [f.name for f in fields(cls) if f.name not in ("name", "book")]
    inner = ", ".join(f"{name}: {{wrong: {{}}}}" for name in names)
    where = {ModelSpec: "{inner}", Capabilities: "can: {{{inner}}}", Price: "price: {{{inner}}}"}[cls].format(
        inner=inner
    )
    entry = f"{{{where}}}" if cls is ModelSpec else f"{{{where}, as_of: '2026-12-01', source: me}}"
    path.write_text(f"models:\n  offline/x: {entry}\n")
    with pytest.raises(InvalidInput) as caught:
        load_models("offline", path)
    complained = " ".join(f.where for f in caught.value.faults)
    assert [n for n in names if n not in complained] == []
    assert not [f for f in caught.value.faults if "not a key" in f.what and f.where.split(".")[-1] in names]


def test_importing_the_catalogue_loads_nothing_heavy():
    code = (
        "import sys, imagegen_kit.catalog, imagegen_kit.prompts, imagegen_kit.prompts.styles\n"
        "print([m for m in ('yaml', 'pydantic', 'jinja2', 'pandas', 'numpy', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.home())
    assert done.stdout.strip() == "[]"

"""Prompt suites, shipped and the user's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from imagegen_kit.catalog import find_data
from imagegen_kit.errors import InvalidInput, UnknownName
from imagegen_kit.prompts import prompt_suite

CATEGORIES = ["counting", "colour binding", "spatial relation", "text rendering", "style", "people", "negation"]


def test_the_first_suite_is_small_and_varied():
    suite = prompt_suite("first")
    assert suite[0] == "a happy cat drinking coffee"
    assert len(suite) == len({p.id for p in suite}) == len({p.category for p in suite}) == 6
    assert all(p.tags for p in suite)


def test_the_probe_suite_covers_every_category():
    suite = prompt_suite("probe")
    counts = Counter(p.category for p in suite)
    assert list(counts) == [*CATEGORIES, "long prompts"]
    assert min(counts.values()) >= 8
    assert len(suite) >= 64
    assert len({p.id for p in suite}) == len(set(suite)) == len(suite)
    assert all(p.id and p.tags for p in suite)
    assert min(len(p) for p in suite if p.category == "long prompts") > 250


def test_the_readme_counts_the_prompts_right():
    table = find_data("prompts/README.md").read_text(encoding="utf-8")
    for path in find_data("prompts").glob("*.yaml"):
        assert f"| `{path.stem}` | {len(prompt_suite(path.stem))} |" in table


def test_a_bare_name_is_the_shipped_suite_whatever_lies_in_the_folder(tmp_path, monkeypatch):
    (tmp_path / "first").write_text("a trap")
    (tmp_path / "first.txt").write_text("my own")
    monkeypatch.chdir(tmp_path)
    assert len(prompt_suite("first")) == 6
    assert prompt_suite("first.txt") == prompt_suite(Path("first.txt")) == prompt_suite("./first.txt") == ["my own"]


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'probe'"):
        prompt_suite("prob")


FORMS = {
    "s.yaml": ("prompts:\n  - a cat\n  - {prompt: 'a dog, running', id: dog, category: animals, tags: [run, dog]}\n"),
    "s.jsonl": (
        '{"prompt": "a cat"}\n\n'
        '{"prompt": "a dog, running", "id": "dog", "category": "animals", "tags": ["run", "dog"]}'
    ),
    "s.csv": 'prompt,id,category,tags\na cat,,,\n"a dog, running",dog,animals,run; dog\n',
}


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_read_the_same(tmp_path, name):
    path = tmp_path / name
    path.write_text(FORMS[name], encoding="utf-8")
    cat, dog = prompt_suite(path)
    assert (cat, cat.id, cat.category, cat.tags) == ("a cat", "s-1", None, ())
    assert (dog, dog.id, dog.category, dog.tags) == ("a dog, running", "dog", "animals", ("run", "dog"))


def test_plain_text_is_a_prompt_a_line(tmp_path):
    path = tmp_path / "my suite.txt"
    path.write_text("# mine\n\na cat\r\n  a dog  \n", encoding="utf-8-sig")
    assert [(p, p.id) for p in prompt_suite(path)] == [("a cat", "my suite-1"), ("a dog", "my suite-2")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.yaml", "prompts:\n  - a\n  - {promt: b}\n", r"s\.yaml:3 prompts\.1.*Did you mean 'prompt'"),
        ("s.yaml", "prompts:\n  - {prompt: a, id: x}\n  - {prompt: b, id: x}\n", r"s\.yaml:3.*'x' was given .* line 2"),
        ("s.yaml", "prompts: []\n", r"s\.yaml:1 prompts: holds no prompts"),
        ("s.yaml", "prompts: ['  ']\n", "the prompt is empty"),
        ("s.yaml", "prompts:\n  - 7\n", r"s\.yaml:2 prompts\.0"),
        ("s.jsonl", '{"prompt": "a"}\n{"prompt": \n', r"s\.jsonl:2: is not JSON"),
        ("s.jsonl", '{"prompt": "a"}\n\n{"prompt": "b", "tag": []}\n', r"s\.jsonl:3 prompts\.1.*Did you mean 'tags'"),
        ("s.jsonl", "[" * 100_000, r"s\.jsonl:1: is not JSON"),
        ("s.csv", "promt,id\na,b\n", r"s\.csv:1: no column is called 'promt'"),
        ("s.csv", "id,tags\na,b\n", r"s\.csv:1: has no column 'prompt'"),
        ("s.csv", "prompt,id,id\na,b,c\n", r"s\.csv:1: the column 'id' stands here twice"),
        ("s.csv", "prompt\na, b\n", r"s\.csv:2: has more cells than the header"),
        ("s.csv", 'prompt,id\n"a\nb",x\nc,x\n', r"s\.csv:4 prompts\.1: the id 'x' was given before, in line 2"),
        ("s.csv", 'prompt\n"a"b\n', r"s\.csv:2: is not CSV"),
        ("s.csv", "", r"s\.csv:1: has no column 'prompt'"),
        ("s.txt", "# only this\n", "holds no prompts"),
        ("s.xlsx", "x", "no suffix of a suite"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_faulty_file_is_refused_by_file_and_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        prompt_suite(path)


def test_a_file_that_does_not_exist_says_so(tmp_path):
    with pytest.raises(InvalidInput, match="does not exist"):
        prompt_suite(tmp_path / "none.csv")


def test_something_else_than_a_name_or_path_is_refused():
    with pytest.raises(InvalidInput, match="neither a name nor a path"):
        prompt_suite(["a cat"])  # type: ignore[arg-type]

"""The three spellings of references in configurations load, by themselves or inside a whole one; all faults at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from tests.corpus import encoded
from tests.payloads import HOSTILE_YAML
from tests.retrieval.colours import Colours, drawn

FIRST = {
    "characters": [
        {"path": "ann.png", "name": "Ann", "description": "a girl in red"},
        {"path": "bob.png", "name": "Bob"},
    ],
    "settings": [{"path": "hall.png", "name": "hall"}],
}
SECOND = [{"path": "ann.png", "id": "ann", "description": "a girl in red"}, {"path": "hall.png", "id": "hall"}]
THIRD = {
    "characters": {
        "ann": {"image": "ann.png", "description": "a girl in red", "variations": ["ann_smiling.png", "ann_sad.png"]}
    },
    "settings": {"hall": "hall.png"},
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    for number, name in enumerate(("ann", "bob", "hall", "ann_smiling", "ann_sad")):
        drawn(number).save(folder / f"{name}.png")
    return folder


def written(folder: Path, content: Any, name: str = "references.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def roles(library: ik.Library) -> dict[str, str]:
    return {item.id: item.role for item in library.items(library.numbers())}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FIRST, {"Ann": "character", "Bob": "character", "hall": "setting"}),
        (SECOND, {"ann": "content", "hall": "content"}),
        (THIRD, {"ann": "character", "ann/smiling": "character", "ann/sad": "character", "hall": "setting"}),
    ],
    ids=["groups of lists", "flat list", "groups by id"],
)
def test_each_spelling_opens_and_is_added(content: Any, expected: dict[str, str], files: Path, tmp_path: Path) -> None:
    assert roles(ik.Library.open(written(files, content), embedder=Colours())) == expected
    mine = ik.Library.open(tmp_path / "mine", embedder=Colours())
    report = mine.add(files / "references.yaml")
    assert set(report.added) == set(expected)
    assert mine.add(files / "references.yaml").duplicates == report.added


@pytest.mark.parametrize("key", ["reference_images", "reference_library"])
def test_a_whole_configuration_opens(key: str, files: Path) -> None:
    whole = {
        "pipeline_mode": "keyframe", "default_backend": "gemini", "gemini_api_key": "${GEMINI_API_KEY}",
        "keyframe_settings": {"mode": "sequential", "maintain_consistency": True, key: THIRD},
    }  # fmt: skip
    assert len(ik.Library.open(written(files, whole), embedder=Colours())) == 4
    assert len(ik.Library.open(written(files, {key: FIRST}, "b.yaml"), embedder=Colours())) == 3


def test_mappings_open_as_files_do_from_the_working_directory(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    library = ik.Library.open(THIRD, embedder=Colours())
    assert roles(library)["ann/sad"] == "character"
    assert repr(library) == "Library(references: 4 pictures, colours)"
    monkeypatch.chdir("/")
    assert library.get("ann/sad").picture.image.size == (48, 36)
    monkeypatch.chdir(files)
    assert roles(ik.Library.open(SECOND, embedder=Colours())) == {"ann": "content", "hall": "content"}


def test_characters_are_found_by_name_with_their_variations(files: Path) -> None:
    library = ik.Library.open(written(files, THIRD), embedder=Colours())
    ann = library.items(library.numbers({"id": "ann"}))[0]
    assert ann.variations == ("ann/smiling", "ann/sad")
    assert library.get("ann", variation="sad").picture.path == str(files / "ann_sad.png")
    assert library.get("ann/sad").description == "a girl in red"
    named = {"characters": {"ann": {"image": "ann.png", "variations": {"happy": "ann_smiling.png"}}}}
    assert ik.Library.open(written(files, named, "n.yaml"), embedder=Colours()).get("ann/happy").name == "ann happy"
    told = {"characters": {"ann": {"image": "ann.png", "variations": [{"path": "ann_sad.png", "name": "blue"}]}}}
    assert ik.Library.open(written(files, told, "t.yaml"), embedder=Colours()).get("ann", "blue").role == "character"


def test_all_faults_are_told_at_once_with_file_and_line(files: Path, tmp_path: Path) -> None:
    (files / "old.png").write_bytes(encoded("gif"))
    (files / "bad.yaml").write_text(
        """keyframe_settings:
  reference_images:
    characters:
      - {path: anne.png, name: Ann}
      - {name: Bob}
      - {path: old.png, captoin: x}
      - 7
    setting: []
    settings:
      hall: {image: hall.png, role: hero, variations: 3}
      yard: https://example.org/yard.png
      loft: ../../../etc/passwd
"""
    )
    library = ik.Library.open(tmp_path / "mine", embedder=Colours())
    with pytest.raises(InvalidInput) as caught:
        library.add(files / "bad.yaml")
    told = [str(fault) for fault in caught.value.faults]
    lines = [int(fault.where.split(":")[1].split()[0]) for fault in caught.value.faults]
    assert lines == [4, 5, 6, 6, 7, 8, 10, 10, 11, 12]
    for words in (
        "In the same folder there is 'ann.png'", "names no picture", "Did you mean 'caption'", "this is a GIF",
        "neither a path nor a mapping", "Did you mean 'settings'", "'hero' is not a role", "is no list of pictures",
        "is an address, not a file",
    ):  # fmt: skip
        assert any(words in fault for fault in told), words
    assert len(library) == 0
    with pytest.raises(InvalidInput):
        ik.Library.open(files / "bad.yaml", embedder=Colours())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"keyframe_settings": {"mode": "x"}}, "names no references"),
        ({"reference_images": FIRST, "reference_library": THIRD}, "stands beside reference_images"),
        ("words", "no list or mapping of references"),
        ({}, "no list or mapping of references"),
        ({"characters": "ann.png"}, "no list or mapping of pictures"),
        ({"characters": [{"path": "ann.png", "image": "bob.png"}]}, "names several pictures"),
    ],
)
def test_what_is_no_spelling_is_told(content: Any, words: str, files: Path) -> None:
    with pytest.raises(InvalidInput, match=words):
        ik.Library.open(written(files, content), embedder=Colours())


@pytest.mark.parametrize("name", HOSTILE_YAML)
def test_hostile_yaml_is_refused(name: str, files: Path) -> None:
    text, words = HOSTILE_YAML[name]
    (files / "hostile.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        ik.Library.open(files / "hostile.yaml", embedder=Colours())
    assert words in str(caught.value)


def test_the_same_picture_under_two_ids_is_refused_when_it_is_opened(files: Path) -> None:
    twice = {"characters": {"ann": "ann.png", "anna": "ann.png"}}
    with pytest.raises(InvalidInput, match="the same picture is there already, as 'ann'"):
        ik.Library.open(written(files, twice), embedder=Colours())


def test_a_library_of_a_file_follows_the_file_and_cannot_be_changed_itself(files: Path) -> None:
    path = written(files, SECOND)
    assert len(ik.Library.open(path, embedder=Colours())) == 2
    written(files, SECOND[:1])
    library = ik.Library.open(path, embedder=Colours())
    assert len(library) == 1
    with pytest.raises(ik.errors.StoreError, match="cannot be changed"):
        library.add(drawn(9))
    assert sorted(p.suffix for p in files.iterdir() if p.suffix != ".png") == [".yaml"]

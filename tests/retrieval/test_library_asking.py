"""What a library answers: names, filters, items, tables, its state and its look in a cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, UnknownName
from imagegen_kit.retrieval.library.derived import documents, folder_words, kept_on_disk
from imagegen_kit.retrieval.library.rows import EMPTY_STATE
from tests.retrieval.colours import Colours, drawn


@pytest.fixture
def lib(tmp_path: Path) -> ik.Library:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    library.add(
        [
            {
                "picture": drawn(1),
                "id": "tom",
                "name": "Tom",
                "role": "character",
                "tags": ["cat", "grey"],
                "year": 1940,
            },
            {"picture": drawn(2), "id": "bill", "name": "Bill", "role": "character", "tags": ["cat"], "style": "ink"},
            {"picture": drawn(3, (900, 600)), "id": "hall", "name": "hall", "role": "setting", "licence": "CC0"},
            {"picture": drawn(4), "id": "hall-2", "name": "hall", "style": ["ink", "wash"], "caption": "a hall"},
        ]
    )
    return library


def test_an_empty_library_answers_with_nothing(tmp_path: Path) -> None:
    empty = ik.Library.open(tmp_path / "none", embedder=Colours())
    assert (len(empty), list(empty), empty.items([]), empty.state) == (0, [], [], EMPTY_STATE)
    assert empty.numbers().dtype == np.int64
    assert empty.numbers({"role": "style"}).tolist() == []
    assert empty.table().empty
    assert list(empty.table().columns[:3]) == ["id", "name", "role"]
    assert len(empty.vectors) == 0
    assert empty.verify().ok
    assert bool(empty)
    assert repr(empty) == "Library(none: 0 pictures, colours)"
    assert "0 pictures" in (empty._repr_html_() or "")
    with pytest.raises(UnknownName, match="No picture of this library is registered"):
        empty.get("x")
    assert not (tmp_path / "none").exists()


def test_get_finds_by_id_and_by_name_and_says_what_is_near(lib: ik.Library) -> None:
    assert lib.get("tom").origin == lib.get("Tom").origin == "tom"
    tom = lib.get("tom")
    assert (tom.role, tom.name, tom.score) == ("character", "Tom", None)
    assert tom.picture.image.size == (48, 36)
    assert lib.get("hall").origin == "hall"  # an id goes before a name
    with pytest.raises(UnknownName, match="Did you mean 'bill'"):
        lib.get("bil")
    lib.update("hall", id="great-hall")
    with pytest.raises(InvalidInput, match=r"2 pictures are called 'hall'. Use an id: 'great-hall', 'hall-2'"):
        lib.get("hall")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (None, ["tom", "bill", "hall", "hall-2"]),
        ({}, ["tom", "bill", "hall", "hall-2"]),
        ({"role": "character"}, ["tom", "bill"]),
        ({"role": ["setting", "content"]}, ["hall", "hall-2"]),
        ({"tags": "cat"}, ["tom", "bill"]),
        ({"tags": ["cat", "grey"]}, ["tom"]),
        ({"id": ["bill", "nobody"]}, ["bill"]),
        ({"name": "hall"}, ["hall", "hall-2"]),
        ({"width": (512, None)}, ["hall"]),
        ({"width": (None, 100), "role": "content"}, ["hall-2"]),
        ({"height": 36}, ["tom", "bill", "hall-2"]),
        ({"licence": None}, ["tom", "bill", "hall-2"]),
        ({"year": 1940}, ["tom"]),
        ({"year": None, "role": "character"}, ["bill"]),
        ({"style": "ink"}, ["bill", "hall-2"]),
        ({"style": ["wash", "oil"]}, ["hall-2"]),
        ({"number": [2, 4, 77]}, ["bill", "hall-2"]),
    ],
)
def test_where_filters_by_whatever_is_known(lib: ik.Library, where: dict | None, found: list[str]) -> None:
    assert [item.id for item in lib.items(lib.numbers(where))] == found


def test_an_unknown_field_is_a_fault_with_near_names(lib: ik.Library) -> None:
    with pytest.raises(InvalidInput) as caught:
        lib.numbers({"rol": "x", "styl": "ink", "width": "wide"})
    told = str(caught.value)
    assert "Did you mean 'role'" in told
    assert "Did you mean 'style'" in told
    assert "'wide' is no range of pixels" in told
    with pytest.raises(InvalidInput, match="is no mapping"):
        lib.numbers("role")  # type: ignore[arg-type]


def test_any_key_that_was_kept_can_be_asked_for(lib: ik.Library) -> None:
    lib.update("tom", **{'a"b.$[0]': True, "画": [1, 2], "where": {"deep": 1}})
    for key, value in (('a"b.$[0]', True), ("画", 2), ("画", [9, 1])):
        assert lib.numbers({key: value}).tolist() == [1], key
    assert lib.numbers({"画": None}).tolist() == [2, 3, 4]
    assert lib.numbers({"where": "deep"}).size == 0


def test_items_come_in_the_order_asked(lib: ik.Library) -> None:
    assert [item.number for item in lib.items([3, 1, 3])] == [3, 1, 3]
    assert [item.number for item in lib.items(np.array([4, 2]))] == [4, 2]
    with pytest.raises(InvalidInput, match="no item 9"):
        lib.items([1, 9])
    assert [reference.origin for reference in lib] == ["tom", "bill", "hall", "hall-2"]


def test_the_table_has_a_row_for_each_picture_and_a_column_for_what_else_was_said(lib: ik.Library) -> None:
    table = lib.table()
    assert table["id"].tolist() == ["tom", "bill", "hall", "hall-2"]
    assert table["width"].tolist() == [48, 48, 900, 48]
    assert table.loc[0, "year"] == 1940
    assert table["licence"].isna().tolist() == [True, True, False, True]
    assert all(Path(path).is_file() for path in table["path"])


def test_the_state_changes_with_what_is_held_and_comes_back_with_it(lib: ik.Library, tmp_path: Path) -> None:
    before = lib.state
    assert len(before) == 64
    assert lib.state == before
    lib.update("tom", caption="a cat")
    changed = lib.state
    lib.update("tom", caption=None)
    assert changed != before == lib.state
    lib.compact()
    assert lib.state == before
    lib.remove("bill")
    assert lib.state not in (before, changed)


def test_equal_folders_have_equal_states(tmp_path: Path) -> None:
    states = set()
    for name in ("a", "b"):
        library = ik.Library.open(tmp_path / name, embedder=Colours())
        library.add([drawn(1), drawn(2)], caption="x")
        states.add(library.state)
    assert len(states) == 1


def test_update_changes_clears_and_refuses(lib: ik.Library) -> None:
    lib.update("tom", name=None, tags=["dog"], year=None, place="here")
    tom = lib.items([1])[0]
    assert (tom.name, tom.tags, dict(tom.meta), tom.role) == (None, ("dog",), {"place": "here"}, "character")
    assert lib.numbers({"tags": "grey"}).size == 0
    with pytest.raises(InvalidInput) as caught:
        lib.update("tom", id="bill", role="hero", captoin="x")
    assert len(caught.value.faults) == 3
    with pytest.raises(UnknownName):
        lib.update("nobody", caption="x")


def test_remove_takes_names_or_a_filter_and_never_everything_by_mistake(lib: ik.Library) -> None:
    with pytest.raises(InvalidInput, match="say nothing"):
        lib.remove()
    with pytest.raises(InvalidInput, match="2 things to mend"):
        lib.remove("tom", "nobody", "no one")
    assert len(lib) == 4
    path = Path(lib.get("tom").picture.path or "")
    assert lib.remove("Tom", where={"role": "setting"}) == 2
    assert [item.id for item in lib.items(lib.numbers())] == ["bill", "hall-2"]
    assert path.is_file()
    assert sorted(lib.vectors.search(lib.vectors.vectors_of(lib.numbers()), 4).ids[0].tolist()) == [-1, -1, 2, 4]
    assert [item.id for item in lib.items([1])] == ["tom"]  # who still holds its number is answered


def test_a_query_is_a_value_that_is_asked_later(lib: ik.Library) -> None:
    query = lib.query(top_k=2, where={"role": "character"})
    assert (query.library, query.top_k, query.text, query.brief) == (lib, 2, None, {"where": {"role": "character"}})
    assert query == lib.query(top_k=2, where={"role": "character"})
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(InvalidInput, match="top_k"):
            lib.query(top_k=wrong)  # type: ignore[arg-type]


def test_a_library_shows_its_count_roles_embedder_and_first_pictures(lib: ik.Library) -> None:
    page = lib._repr_html_() or ""
    assert "4 pictures · 1 content · 2 character · 1 setting · embedder colours" in page
    assert page.count("<img") == 4
    assert repr(lib) == "Library(refs: 4 pictures, colours)"
    lib.add([drawn(n) for n in range(10, 25)])
    page = lib._repr_html_() or ""
    assert page.count("<img") == 12
    assert "and 7 more" in page


def test_a_picture_whose_file_is_gone_shows_a_notice_instead(lib: ik.Library) -> None:
    Path(lib.get("tom").picture.path or "").unlink()
    page = lib._repr_html_() or ""
    assert page.count("<img") == 3
    assert "cannot be shown" in page


def test_documents_hold_the_words_of_names_captions_and_folders(lib: ik.Library) -> None:
    rows = lib._records.rows()
    assert documents(rows)[0] == {
        "name": "Tom", "caption": "", "description": "", "tags": ["cat", "grey"], "folder": "pictures",
    }  # fmt: skip
    assert folder_words("animals/cats/tom.png") == "animals cats"
    assert folder_words("/somewhere/else/photos/cats/tom.png") == "photos cats"


def test_words_find_items_and_are_read_from_disk_until_something_changes(lib: ik.Library) -> None:
    numbers, scores = lib.words.search("great hall", 3)
    assert set(numbers[:2].tolist()) == {3, 4}
    assert 0 < scores.min() <= scores.max() <= 1
    kept = {path.name: path.stat().st_mtime_ns for path in (lib.path / "index").glob("words-*")}
    assert len(kept) == 2
    again = ik.Library.open(lib.path, embedder=Colours())
    assert again.words.search("tom", 3)[0].tolist() == [1]
    assert {path.name: path.stat().st_mtime_ns for path in (lib.path / "index").glob("words-*")} == kept
    lib.update("bill", caption="a dragon")
    assert again.words.search("dragon", 3)[0].tolist() == [2]  # the other one sees it at its next call
    assert len(list((lib.path / "index").glob("words-*"))) == 2


def test_searching_a_library_gives_references_with_scores(lib: ik.Library) -> None:
    hits = lib.search("hall", top_k=2)
    assert {reference.origin for reference in hits} == {"hall", "hall-2"}
    assert all(reference.score is not None and reference.score > 0 for reference in hits)
    assert [hit.origin for hit in lib.query(top_k=1, where={"role": "setting"}).search("hall")] == ["hall"]


class Kept:
    """Something that can be saved and loaded."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, path: Path) -> None:
        path.write_text(self.text)

    @classmethod
    def load(cls, path: Path) -> Kept:
        return cls(path.read_text())


def test_what_is_derived_is_made_once_for_each_state_and_anew_where_it_was_damaged(tmp_path: Path) -> None:
    made: list[str] = []

    def ask(key: str, writable: bool = True) -> str:
        def make() -> tuple[Kept, bool]:
            made.append(key)
            return Kept(f"of {key}"), key != "changed"

        found: Kept = kept_on_disk(tmp_path / "index", "words", key, Kept.load, make, writable=writable)
        return found.text

    assert [ask("a"), ask("a")] == ["of a", "of a"]
    assert made == ["a"]
    (tmp_path / "index/words-a").write_text("flipped")
    assert ask("a") == "of a"
    assert made == ["a", "a"]
    assert ask("b") == "of b"
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == ["words-b", "words-b.sha256"]
    assert ask("c", writable=False) == "of c"
    assert ask("changed") == "of changed"
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == ["words-b", "words-b.sha256"]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({1: 2}, "no field of this library is called '1'"),
        ({"role": "charcter"}, "Did you mean 'character'"),
        ({"role": {"a": 1}}, "a dict is nothing to compare with"),
        ({"name": lambda: 1}, "a function is nothing to compare with"),
    ],
)
def test_a_filter_that_can_fit_nothing_is_a_fault(where: dict, words: str, lib: ik.Library) -> None:
    with pytest.raises(ik.errors.InvalidInput, match=words):
        lib.numbers(where)


def test_removing_an_unknown_name_says_so_as_getting_does(lib: ik.Library) -> None:
    with pytest.raises(ik.errors.UnknownName, match="nowhere"):
        lib.remove("nowhere")


def test_an_unknown_kind_of_hash_is_a_fault(lib: ik.Library) -> None:
    with pytest.raises(ik.errors.InvalidInput, match="Did you mean 'phash'"):
        lib.fingerprints(lib.numbers(), "phsh")

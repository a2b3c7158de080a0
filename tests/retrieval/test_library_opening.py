"""Where a library lies, what it is filled with at first, and what cannot be opened, in words."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.catalog import find_data
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.library import derived, locking, schema
from imagegen_kit.retrieval.library.places import cache_folder
from tests.retrieval.colours import Colours, drawn, pictures_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def a_set(folder: Path, count: int = 3) -> Path:
    """A folder with pictures and a library.jsonl, as libraries are shipped."""
    paths = pictures_in(folder / "pictures", count)
    lines = [
        {"id": path.stem, "path": f"pictures/{path.name}", "caption": f"number {n}"} for n, path in enumerate(paths)
    ]
    (folder / "library.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_folder_need_not_exist_and_nothing_is_written_before_something_is_added(tmp_path: Path) -> None:
    library = ik.Library.open(tmp_path / "new/refs", embedder=Colours())
    assert len(library) == 0
    assert not (tmp_path / "new").exists()
    library.add(drawn(1))
    names = {path.name for path in (tmp_path / "new/refs").iterdir()}
    assert names >= {"library.sqlite3", "manifest.json", "vectors", "pictures"}


def test_a_folder_with_a_jsonl_is_read_when_it_is_opened_first(tmp_path: Path) -> None:
    folder = a_set(tmp_path / "set")
    embedder = Colours()
    library = ik.Library.open(folder, embedder=embedder)
    assert [item.caption for item in library.items(library.numbers())] == ["number 0", "number 1", "number 2"]
    library.remove("p001")
    again = ik.Library.open(folder, embedder=embedder)
    assert len(again) == 2
    assert embedder.seen == 3


def test_a_first_reading_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    folder = a_set(tmp_path / "set", 2)
    with pytest.raises(InvalidInput):
        ik.Library.open(folder, embedder=Failing())
    assert len(ik.Library.open(folder, embedder=Colours())) == 2


class Failing(Colours):
    def embed_images(self, images):
        return super().embed_images(images) * 0


def test_a_picture_of_the_jsonl_that_is_missing_is_warned_about(tmp_path: Path) -> None:
    folder = a_set(tmp_path / "set")
    (folder / "pictures/p001.png").unlink()
    with pytest.warns(UserWarning, match="1 of 3 pictures of set were not taken: library.jsonl:2 .*there is no file"):
        library = ik.Library.open(folder, embedder=Colours())
    assert len(library) == 2


def test_a_moved_folder_is_the_same_library(tmp_path: Path) -> None:
    before = ik.Library.open(a_set(tmp_path / "set"), embedder=Colours())
    state = before.state
    before.close()
    (tmp_path / "set").rename(tmp_path / "moved")
    library = ik.Library.open(tmp_path / "moved", embedder=Colours())
    assert library.state == state
    assert library.get("p000").picture.image.size == (48, 36)
    assert library.verify().ok


def test_the_shipped_library_opens_from_the_cache_and_leaves_its_folder_alone(cache: Path) -> None:
    folder = find_data("references")
    before = sorted(path.name for path in folder.iterdir())
    embedder = Colours()
    library = ik.Library.open("shipped", embedder=embedder)
    assert (len(library), library.get("fox").role, repr(library)) == (
        260,
        "character",
        "Library(shipped: 260 pictures, colours)",
    )
    assert sorted(path.name for path in folder.iterdir()) == before
    assert len(ik.Library.open("shipped", embedder=embedder)) == 260
    assert embedder.seen == 260
    for change in (
        lambda: library.add(drawn(1)),
        lambda: library.remove("fox"),
        lambda: library.update("fox", name="x"),
    ):
        with pytest.raises(StoreError, match="cannot be changed: it ships with the toolkit"):
            change()


def test_what_lies_in_the_cache_follows_the_embedder(tmp_path: Path) -> None:
    """Nobody's vectors are lost there, so there is nothing to refuse."""
    references = {"settings": {"hall": str(pictures_in(tmp_path, 1)[0])}}
    ik.Library.open(references, embedder=Colours("one"))
    other = ik.Library.open(references, embedder=Colours("another"))
    assert len(other.vectors) == 1
    assert other.verify().ok


def test_the_cache_lies_where_the_platform_has_it(cache: Path) -> None:
    assert cache_folder() == cache / "imagegen_kit"


def test_a_file_or_nonsense_is_no_library(tmp_path: Path) -> None:
    (path,) = pictures_in(tmp_path, 1)
    with pytest.raises(InvalidInput, match=r"p000.png is a file. A library is a folder"):
        ik.Library.open(path)
    for wrong in ("", "a\0b", 7, None):
        with pytest.raises(InvalidInput, match="is no path of a folder"):
            ik.Library.open(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="no embedder is called 'offlin'"):
        ik.Library.open(tmp_path / "x", embedder="offlin")


def test_another_embedder_is_refused_by_name_and_embeds_anew_where_asked(tmp_path: Path) -> None:
    first = ik.Library.open(tmp_path / "refs", embedder=Colours("first"))
    first.add(pictures_in(tmp_path / "a", 3))
    with pytest.raises(InvalidInput) as caught:
        ik.Library.open(tmp_path / "refs", embedder=Colours("second"))
    told = str(caught.value)
    assert "made by 'first'" in told
    assert "not by 'second'" in told
    assert "embedder='first'" in told
    assert "reembed=True" in told
    second = ik.Library.open(tmp_path / "refs", embedder=Colours("second"), reembed=True)
    assert len(second.vectors) == 3
    assert len(ik.Library.open(tmp_path / "refs", embedder=Colours("first")).vectors) == 3
    assert len(list((tmp_path / "refs/vectors").iterdir())) == 2
    second.add(drawn(9))
    with pytest.warns(UserWarning, match="1 of 4 pictures of refs have no vectors of the embedder 'first'"):
        ik.Library.open(tmp_path / "refs", embedder=Colours("first"))
    assert len(ik.Library.open(tmp_path / "refs", embedder=Colours("first"), reembed=True).vectors) == 4


def test_an_embedder_that_has_changed_since_is_refused_too(tmp_path: Path) -> None:
    ik.Library.open(tmp_path / "refs", embedder=Colours(version=1)).add(drawn(1))
    with pytest.raises(InvalidInput, match="The embedder has changed since"):
        ik.Library.open(tmp_path / "refs", embedder=Colours(version=2))


def test_an_emptied_library_takes_any_embedder(tmp_path: Path) -> None:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours("first"))
    library.add(drawn(1), id="one")
    library.remove("one")
    other = ik.Library.open(tmp_path / "refs", embedder=Colours("second"))
    assert other.add(drawn(2)).added
    assert other.verify().ok


def test_a_newer_format_and_a_foreign_database_are_refused(tmp_path: Path) -> None:
    ik.Library.open(tmp_path / "refs", embedder=Colours()).add(drawn(1))
    with closing(sqlite3.connect(tmp_path / "refs/library.sqlite3")) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="has format 99; this imagegen_kit reads up to 1"):
        ik.Library.open(tmp_path / "refs", embedder=Colours())
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other/library.sqlite3")) as connection:
        connection.execute("CREATE TABLE books (title TEXT)")
        connection.commit()
    with pytest.raises(StoreError, match="is a database of something else"):
        ik.Library.open(tmp_path / "other", embedder=Colours())


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "it was cut"), (b"no database at all, but long enough", "is damaged"), (None, "is damaged")],
    ids=["empty", "not a database", "half"],
)
def test_a_database_that_was_cut_or_replaced_is_told_with_what_to_do(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    library.add([drawn(n) for n in range(5)], caption="x" * 3000)
    library.close()
    path = tmp_path / "refs/library.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(StoreError, match=words) as caught:
        ik.Library.open(tmp_path / "refs", embedder=Colours()).table()
    assert "library.jsonl" in str(caught.value)


def test_a_library_without_its_manifest_or_index_opens(tmp_path: Path) -> None:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    library.add(drawn(1))
    library.close()
    (tmp_path / "refs/manifest.json").unlink()
    again = ik.Library.open(tmp_path / "refs", embedder=Colours())
    assert len(again) == 1
    assert [f.kind for f in again.verify().findings] == ["manifest"]
    assert again.verify(repair=True).ok
    assert again.verify().findings == ()


def test_a_second_writer_waits_and_then_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "PATIENCE_S", 0.2)
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    other = ik.Library.open(tmp_path / "refs", embedder=Colours())
    errors: list[str] = []

    def meanwhile(done: int, of: int) -> None:
        thread = threading.Thread(target=add_too)
        thread.start()
        thread.join()

    def add_too() -> None:
        try:
            other.add(drawn(2))
        except StoreError as error:
            errors.append(str(error))

    library.add(drawn(1), progress=meanwhile)
    assert len(errors) == 1
    assert "another program is changing the library" in errors[0]
    assert other.add(drawn(2)).added
    assert len(library) == 2


def test_a_locked_database_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "READ_PATIENCE_S", 0.2)
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    library.add(drawn(1))
    library.close()
    with closing(sqlite3.connect(tmp_path / "refs/library.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program keeps it locked"):
            ik.Library.open(tmp_path / "refs", embedder=Colours())
        connection.execute("ROLLBACK")
    assert len(ik.Library.open(tmp_path / "refs", embedder=Colours())) == 1


NOBODY = """
import os, sys
sys.path.insert(0, sys.argv[2])
import imagegen_kit as ik
from tests.retrieval.colours import Colours, drawn
first = ik.Library.open(sys.argv[3], embedder=Colours())  # all modules are loaded while they can be read
first.add(drawn(1)), first.verify(), first.vectors.search(first.vectors.vectors_of([1]), 1)
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
library = ik.Library.open(sys.argv[1], embedder=Colours())
print(len(library), library.get("p001").origin, library.verify().ok, len(library.vectors))
for change in (lambda: library.add(drawn(1)), lambda: library.to_jsonl(), lambda: library.verify(repair=True)):
    try:
        change()
        print("changed")
    except ik.errors.StoreError as error:
        print(error)
"""


@pytest.mark.parametrize("how", ["with its database", "with its database in use", "with a jsonl alone"])
def test_a_folder_that_cannot_be_written_opens(how: str, tmp_path: Path) -> None:
    """Another user's folder: root may write anywhere, so a process of nobody's looks at it."""
    folder = a_set(tmp_path / "set")
    holder = None
    if how != "with a jsonl alone":
        holder = ik.Library.open(folder, embedder=Colours())
        if how == "with its database":
            holder.close()
    for path in [tmp_path, *tmp_path.parents]:
        if path.owner() == tmp_path.owner() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody").chmod(0o777)
    try:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", NOBODY, str(folder), str(ROOT), str(tmp_path / "own")],
            capture_output=True, text=True, cwd="/", env={"XDG_CACHE_HOME": str(tmp_path / "nobody"), "PATH": ""},
        )  # fmt: skip
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.returncode == 0, done.stderr
    first, *others = done.stdout.splitlines()
    assert first == "3 p001 True 3"
    assert len([line for line in others if "cannot be changed" in line]) >= 2
    assert holder is None or len(holder) == 3


def test_where_nothing_at_all_can_be_written_the_session_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked").write_text("a file where the cache should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "blocked"))
    library = ik.Library.open({"settings": {"hall": str(pictures_in(tmp_path, 1)[0])}}, embedder=Colours())
    assert len(library) == 1
    assert library.get("hall").role == "setting"


def test_copying_a_librarys_folder_copies_the_library(tmp_path: Path) -> None:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    library.add([drawn(n) for n in range(3)])
    library.close()
    shutil.copytree(tmp_path / "refs", tmp_path / "copy")
    shutil.rmtree(tmp_path / "refs")
    copy = ik.Library.open(tmp_path / "copy", embedder=Colours())
    assert copy.verify().findings == ()
    assert len(copy) == 3


def test_a_first_reading_that_took_nothing_is_done_again_at_the_next_opening(tmp_path: Path) -> None:
    folder = a_set(tmp_path / "set")
    (folder / "pictures").rename(tmp_path / "later")
    with pytest.warns(UserWarning, match="3 of 3 pictures .* looked for again when it is opened the next time"):
        assert len(ik.Library.open(folder, embedder=Colours())) == 0
    (tmp_path / "later").rename(folder / "pictures")
    library = ik.Library.open(folder, embedder=Colours())
    assert [item.caption for item in library.items(library.numbers())] == ["number 0", "number 1", "number 2"]
    library.remove("p000", "p001", "p002")
    assert len(ik.Library.open(folder, embedder=Colours())) == 0


def test_a_cache_that_was_cleared_halfway_is_filled_again(tmp_path: Path) -> None:
    pictures_in(tmp_path / "set", 2)
    (tmp_path / "refs.yaml").write_text("- set/p000.png\n- set/p001.png\n")
    library = ik.Library.open(tmp_path / "refs.yaml", embedder=Colours())
    library.close()
    library._place.database.unlink()
    assert len(ik.Library.open(tmp_path / "refs.yaml", embedder=Colours())) == 2


def test_an_index_of_words_that_earlier_code_made_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept() -> list[str]:
        with closing(ik.Library.open(tmp_path / "refs", embedder=Colours())) as library:
            library.add(drawn(1), caption="a red kite")
            assert library.search("kite").ids
        return sorted(path.name for path in (tmp_path / "refs/index").glob("words-*"))

    first = kept()
    assert kept() == first
    monkeypatch.setattr(derived, "VERSION", -1)
    derived.made_how.cache_clear()
    try:
        second = kept()
    finally:
        derived.made_how.cache_clear()
    assert len(second) == len(first) == 2  # the index and its hash
    assert not set(first) & set(second)

"""What is broken is found, byte by byte; what is derived is made anew; what is gone is told."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import CorruptArtifact, StoreError
from tests.retrieval.colours import Colours, drawn, pictures_in


@pytest.fixture
def lib(tmp_path: Path) -> ik.Library:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    library.add(pictures_in(tmp_path / "refs/photos", 6), caption="x")
    assert library.verify().findings == ()
    return library


def kinds(library: ik.Library, *, repair: bool = False) -> list[str]:
    return [finding.kind for finding in library.verify(repair=repair).findings]


def flip(path: Path, at: float = 0.9) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


def one_file(library: ik.Library, pattern: str) -> Path:
    (path,) = library.path.rglob(pattern)
    return path


def test_missing_and_changed_files_are_told_and_never_touched(lib: ik.Library) -> None:
    (lib.path / "photos/p000.png").unlink()
    flip(lib.path / "photos/p001.png")
    drawn(99).save(lib.path / "photos/p002.png")
    report = lib.verify(repair=True)
    assert [(f.kind, f.where, f.repaired) for f in report.findings] == [
        ("missing file", "photos/p000.png", False),
        ("changed file", "photos/p001.png", False),
        ("changed file", "photos/p002.png", False),
    ]
    assert not report.ok
    assert "0 repaired" in repr(report)
    assert report.table()["kind"].tolist() == ["missing file", "changed file", "changed file"]
    assert len(lib) == 6


def test_a_moved_file_is_found_by_its_hash(lib: ik.Library) -> None:
    (lib.path / "elsewhere").mkdir()
    (lib.path / "photos/p003.png").rename(lib.path / "elsewhere/new name.png")
    assert kinds(lib) == ["moved file"]
    assert lib.verify(repair=True).ok
    assert lib.get("p003").picture.path == str(lib.path / "elsewhere/new name.png")
    assert kinds(lib) == []


@pytest.mark.parametrize("file", ["0.npy", "0.ids.npy"])
@pytest.mark.parametrize("how", ["flipped", "cut", "gone", "empty"])
def test_damaged_vectors_are_never_searched_and_are_made_anew(lib: ik.Library, file: str, how: str) -> None:
    path = one_file(lib, file)
    if how == "flipped":
        flip(path)
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if how == "empty" else -7])
    fresh = ik.Library.open(lib.path, embedder=Colours())
    with pytest.raises(ik.errors.StoreError, match=r"verify\(repair=True\)"):
        _ = fresh.vectors
    assert "vectors" in kinds(fresh)
    assert fresh.verify(repair=True).ok
    assert kinds(fresh) == []
    assert len(fresh.vectors) == 6


def test_vectors_that_cannot_be_made_anew_are_told(lib: ik.Library) -> None:
    one_file(lib, "0.npy").unlink()
    (lib.path / "photos/p005.png").unlink()
    report = lib.verify(repair=True)
    assert [f.kind for f in report.findings] == ["missing file", "vectors", "no vector"]
    assert len(lib.vectors) == 5


def test_a_damaged_index_is_never_used_and_is_built_anew(tmp_path: Path) -> None:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    (tmp_path / "many").mkdir()
    for number in range(1100):
        drawn(number, (12, 9)).save(tmp_path / f"many/{number}.png")
    library.add(tmp_path / "many")
    library.compact(kind="fp16")
    assert library.vectors.kind == "fp16"
    query = library.vectors.vectors_of(library.numbers()[:1])
    before = library.vectors.search(query, 5).ids.tolist()
    flip(one_file(library, "*.faiss"))
    fresh = ik.Library.open(tmp_path / "refs", embedder=Colours())
    with pytest.raises(CorruptArtifact, match="The index"):
        _ = fresh.vectors
    assert kinds(fresh) == ["index"]
    assert fresh.verify(repair=True).ok
    assert kinds(fresh) == []
    assert fresh.vectors.search(query, 5).ids.tolist() == before
    assert fresh.vectors.kind == "fp16"


def test_a_byte_that_changed_in_a_row_is_found(lib: ik.Library) -> None:
    lib.update("p000", caption="a needle in the haystack")
    lib.close()
    path = lib.path / "library.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = path.read_bytes()
    assert data.count(b"a needle in the haystack") >= 1
    path.write_bytes(data.replace(b"a needle in the haystack", b"a noodle in the haystack"))
    found = ik.Library.open(lib.path, embedder=Colours()).verify(repair=True)
    assert [(f.kind, f.repaired) for f in found.findings] == [("database", False)]
    assert "Put a copy back" in found.findings[0].what


def test_rows_without_vectors_and_vectors_without_rows_are_found_and_mended(lib: ik.Library) -> None:
    with closing(sqlite3.connect(lib.path / "library.sqlite3")) as connection:
        connection.execute("DELETE FROM segments")
        connection.commit()
    assert kinds(lib) == ["no vector", "left-over", "left-over", "manifest"]
    assert lib.verify(repair=True).ok
    assert kinds(lib) == []
    assert len(lib.vectors) == 6


def test_left_overs_of_a_killed_writer_are_swept(lib: ik.Library) -> None:
    folder = one_file(lib, "0.npy").parent
    (folder / "7.npy").write_bytes(b"x")
    (folder / ".writing-abc.npy").write_bytes(b"x")
    assert kinds(lib) == ["left-over", "left-over"]
    assert lib.verify(repair=True).ok
    assert sorted(path.name for path in folder.iterdir()) == ["0.ids.npy", "0.npy"]


def test_a_manifest_that_says_something_else_is_written_anew(lib: ik.Library) -> None:
    (lib.path / "manifest.json").write_text("{}")
    assert kinds(lib) == ["manifest"]
    assert lib.verify(repair=True).ok
    assert kinds(lib) == []


def test_removing_a_fifth_rewrites_the_vectors_by_itself(lib: ik.Library) -> None:
    lib.remove("p000")
    assert one_file(lib, "*[0-9].npy").name == "0.npy"
    lib.remove("p001")
    assert one_file(lib, "*[0-9].npy").name == "1.npy"
    assert len(lib.vectors) == 4
    assert kinds(lib) == []
    with closing(sqlite3.connect(lib.path / "library.sqlite3")) as connection:
        held = connection.execute("SELECT caption FROM items WHERE removed = 2").fetchall()
    assert held == [(None,), (None,)]  # what was said of a removed picture is gone, too


def test_a_library_whose_database_is_gone_is_refused_and_starts_anew_where_that_is_asked(lib: ik.Library) -> None:
    lib.close()
    for path in lib.path.glob("library.sqlite3*"):
        path.unlink()
    for ask in (len, list, ik.Library.verify, lambda library: library.add(drawn(9))):
        with pytest.raises(StoreError, match=r"names 6 pictures\. Put library\.sqlite3 back from a backup"):
            ask(ik.Library.open(lib.path, embedder=Colours()))
    assert not (lib.path / "library.sqlite3").exists()
    (lib.path / "manifest.json").unlink()
    shutil.rmtree(lib.path / "vectors")
    again = ik.Library.open(lib.path, embedder=Colours())
    assert len(again.add(lib.path).added) == 6
    assert again.verify().ok


@pytest.mark.parametrize("file", ["0.npy", "0.ids.npy"])
def test_a_byte_flipped_anywhere_in_a_header_is_told_as_damage(file: str, lib: ik.Library) -> None:
    lib.update("p000", caption="a needle")
    path = one_file(lib, file)
    whole = path.read_bytes()
    for at in range(128):
        for bit in (0, 5):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
            with pytest.raises(CorruptArtifact, match=r"verify\(repair=True\)"):
                _ = ik.Library.open(lib.path, embedder=Colours()).vectors


def damaged(lib: ik.Library, sql: str) -> ik.Library:
    """The library after a change that no SQLite sees as damage."""
    lib.close()
    with closing(sqlite3.connect(lib.path / "library.sqlite3")) as connection:
        connection.execute(sql)
        connection.commit()
    return ik.Library.open(lib.path, embedder=Colours())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE items SET tags = '[\"x' WHERE number = 2",
        "UPDATE items SET meta = '7' WHERE number = 2",
        "UPDATE items SET role = 'conTent' WHERE number = 2",
        "UPDATE items SET caption = CAST(x'ff' AS TEXT) WHERE number = 2",
        "UPDATE items SET path = x'00ff' WHERE number = 2",
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_the_file_and_what_to_do(sql: str, lib: ik.Library) -> None:
    library = damaged(lib, sql)
    with pytest.raises(StoreError, match=r"library.sqlite3 .*damaged.* Put a copy"):
        library.search("x")
    report = library.verify()
    assert [finding.kind for finding in report.findings] == ["database"]
    assert not report.ok


@pytest.mark.parametrize("name", ["count", "ids_sha256", "number", "file"])
def test_a_record_of_a_segment_that_cannot_be_read_is_told_and_made_anew(name: str, lib: ik.Library) -> None:
    change = f"UPDATE segments SET record = replace(record, '\"{name}\"', '\"{name[:-1]}~\"')"
    with pytest.raises(CorruptArtifact, match=r"files in vectors cannot be read.*verify\(repair=True\)"):
        damaged(lib, change).search("x")
    library = ik.Library.open(lib.path, embedder=Colours())
    assert "database" in kinds(library)
    assert library.verify(repair=True).ok
    assert kinds(library) == []
    assert len(library.vectors) == 6


def test_an_embedder_that_the_manifest_knows_and_the_database_has_lost_is_damage(lib: ik.Library) -> None:
    with pytest.raises(CorruptArtifact, match="another embedder than manifest"):
        damaged(lib, "UPDATE embedders SET name = 'olours', fingerprint = 'c' || substr(fingerprint, 2)")

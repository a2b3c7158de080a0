"""Pictures come in lots: from folders, Parquet, tars and buckets; a lot that was embedded is never embedded again."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

import imagegen_kit as ik
from imagegen_kit.clusters.spreading import Here
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.lots.lookalikes import Lookalikes
from imagegen_kit.retrieval.lots.lot import Lot
from imagegen_kit.retrieval.lots.sources import lots_of
from imagegen_kit.store.remote import Remote
from tests.retrieval.colours import Colours, drawn, pictures_in

COUNT = 12


class Few(Here):
    """Embeds here, and stops with an error after some lots, as a process does that is ended."""

    def __init__(self, most: int | None = None) -> None:
        self.most, self.done = most, list[dict[str, Any]]()

    def spread(
        self, make: Callable[[], Callable[[str, Lot], dict[str, Any]]], lots: Sequence[tuple[str, Lot]]
    ) -> Iterable[dict[str, Any]]:
        for number, answer in enumerate(super().spread(make, lots)):
            self.done.append(answer)
            if number == self.most:
                raise StoreError("ended")
            yield answer


@pytest.fixture
def embedder() -> Colours:
    return Colours()


@pytest.fixture
def lib(tmp_path: Path, embedder: Colours) -> ik.Library:
    return ik.Library.open(tmp_path / "refs", embedder=embedder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures_in(tmp_path / "photos", COUNT)
    return tmp_path / "photos"


def png(number: int) -> bytes:
    into = io.BytesIO()
    drawn(number).save(into, "PNG")
    return into.getvalue()


def table(folder: Path, columns: dict[str, Any], *, rows: int = 5, name: str = "refs.parquet") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), folder / name, row_group_size=rows)
    return folder / name


# ---------------------------------------------------------------------- where they come from
def test_a_folder_in_lots_holds_what_it_would_have_held_without(lib: ik.Library, folder: Path, tmp_path: Path) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    plain = ik.Library.open(tmp_path / "plain", embedder=Colours())
    expected = plain.add(folder, tags=["pet"])
    told: list[tuple[int, int]] = []
    report = lib.add(folder, engine=Here(), tags=["pet"], progress=lambda done, of: told.append((done, of)))
    assert sorted(report.added) == sorted(expected.added)
    assert report.rejected == expected.rejected
    assert told == [(COUNT + 1, COUNT + 1)]
    assert lib.state == plain.state
    query = lib.vectors.vectors_of(lib.numbers()[:1])
    assert np.array_equal(lib.vectors.search(query, 5).ids, plain.vectors.search(query, 5).ids)
    assert lib.verify().ok
    assert not (lib.path / "lots").exists()


def test_rows_of_parquet_bring_paths_or_bytes_and_what_is_said(lib: ik.Library, folder: Path, tmp_path: Path) -> None:
    paths = table(folder, {"path": [f"p{n:03d}.png" for n in range(6)], "caption": [f"number {n}" for n in range(6)]})
    report = lib.add(paths, role="setting")
    assert len(report.added) == 6
    assert lib.get("p004").description is None
    rows = lib.table()
    assert rows["caption"].tolist() == [f"number {n}" for n in range(6)]
    assert set(rows["role"]) == {"setting"}
    assert rows["path"].tolist() == [str(folder / f"p{n:03d}.png") for n in range(6)]
    pictures = [{"bytes": png(n), "path": f"{n}.png"} for n in range(4, 9)]
    held = table(tmp_path / "more", {"image": pictures, "name": [f"n{n}" for n in range(4, 9)], "year": [1999] * 5})
    more = lib.add(held)
    assert (len(more.added), len(more.updated)) == (3, 2)  # two were there, and are called something now
    assert len(list((lib.path / "pictures").glob("*.png"))) == 3
    assert lib.search("n8", top_k=1, where={"year": 1999}).table()["id"].tolist() == ["n8"]
    assert lib.verify().ok


def test_what_is_wrong_with_a_row_is_told_with_its_number(lib: ik.Library, folder: Path) -> None:
    columns = {"path": ["p000.png", "gone.png", None], "role": ["content", "content", "content"]}
    report = lib.add(table(folder, columns))
    assert report.added == ("p000",)
    assert [(one.source[:18], one.reason[:23]) for one in report.rejected] == [
        ("refs.parquet row 1", report.rejected[0].reason[:23]),
        ("refs.parquet row 2", "the row has no picture:"),
    ]
    assert "gone.png" in report.rejected[0].reason


@pytest.mark.parametrize("size", [2, 3, 100])
def test_every_row_is_in_one_lot_however_large_lots_are(tmp_path: Path, size: int) -> None:
    path = table(tmp_path, {"picture": [png(n) for n in range(11)], "name": [f"n{n}" for n in range(11)]}, rows=7)
    found = [one for lot in lots_of(path, {}, folder=tmp_path, size=size) for one in lot.read()]
    assert [one.about["name"] for one in found] == [f"n{n}" for n in range(11)]
    assert [one.source for one in found] == [f"refs.parquet row {n}" for n in range(11)]
    assert [one.picture for one in found] == [png(n) for n in range(11)]


def tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as into:
        for name, held in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(held)
            into.addfile(info, io.BytesIO(held))
    return path


def test_a_tar_brings_pictures_with_their_captions_and_fields(lib: ik.Library, tmp_path: Path) -> None:
    said = json.dumps({"tags": ["sea", "boat"], "licence": "CC0", "width": 3}).encode()
    tar(
        tmp_path / "tars/0.tar",
        {"a/1.png": png(1), "a/1.txt": b"a red boat", "a/1.json": said, "2.txt": b"alone", "3.png": png(3)},
    )
    tar(tmp_path / "tars/1.tar", {"4.png": png(4), "4.json": b"{", "5.png": b"none"})
    report = lib.add(tmp_path / "tars")
    assert report.added == ("1", "3")
    assert [one.source for one in report.rejected] == ["1.tar 4.png", "1.tar 5.png"]
    assert report.rejected[0].reason.startswith("4.json beside it cannot be read: Expecting property name")
    (item,) = lib.items(lib.numbers({"tags": ["boat"]}))
    assert (item.name, item.caption, item.licence, item.width) == ("1", "a red boat", "CC0", 48)
    (tmp_path / "cut.tar").write_bytes(b"none")
    with pytest.raises(StoreError, match="cannot be read as a tar"):
        lib.add(tmp_path / "cut.tar")


def test_a_damaged_tar_of_several_is_told_and_the_others_are_added(lib: ik.Library, tmp_path: Path) -> None:
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        tar(tmp_path / f"tars/{name}.tar", {f"{number}.png": png(number), f"{number}0.png": png(10 * number)})
    cut = tmp_path / "tars/b.tar"
    cut.write_bytes(cut.read_bytes()[:600])
    (tmp_path / "tars/d.parquet").write_bytes(b"none")
    told: list[tuple[int, int]] = []
    report = lib.add(tmp_path / "tars", progress=lambda done, of: told.append((done, of)))
    assert sorted(report.added) == ["1", "10", "3", "30"]
    assert [one.source for one in report.rejected] == ["b.tar", "d.parquet"]
    assert "cannot be read as a tar: unexpected end" in report.rejected[0].reason
    assert "cannot be read as Parquet" in report.rejected[1].reason
    assert told[-1] == (6, 6)
    with pytest.raises(StoreError, match="cannot be read as a tar"):
        lib.add(cut)


def test_a_list_may_hold_folders_and_pictures_beside_parquet_and_tars(
    lib: ik.Library, folder: Path, tmp_path: Path
) -> None:  # fmt: skip
    held = table(tmp_path / "more", {"picture": [png(50)], "name": ["fifty"]})
    packed = tar(tmp_path / "a.tar", {"60.png": png(60)})
    report = lib.add([folder, str(held), packed, tmp_path / "gone.png"], tags=["all"])
    assert len(report.added) == COUNT + 2
    assert [Path(one.source).name for one in report.rejected] == ["gone.png"]
    assert len(lib.numbers({"tags": "all"})) == COUNT + 2


def test_a_table_whose_pictures_have_another_name_says_which_columns_it_has(lib: ik.Library, tmp_path: Path) -> None:
    report = lib.add(table(tmp_path, {"img": [png(1)], "name": ["one"]}))
    wanted = (
        "the row names no picture. Give its path or bytes in a column 'path', 'picture', 'image' or 'file'. "
        "Its columns are 'img', 'name'."
    )
    assert [one.reason for one in report.rejected] == [wanted]
    beside = table(tmp_path / "beside", {"picture": [png(1)], "mask": [b"1"], "role": ["contents"]})
    (one,) = lib.add(beside).rejected
    assert one.reason.startswith("mask: a value of the type 'bytes' cannot be kept. Texts, ")
    assert "role: 'contents' is not a role. Did you mean 'content'?" in one.reason


def test_a_null_in_a_column_of_pictures_is_told_as_that(lib: ik.Library, tmp_path: Path) -> None:
    report = lib.add(table(tmp_path, {"image": [png(1), None], "caption": ["one", "two"]}))
    assert len(report.added) == 1
    wanted = "the row has no picture: its 'image' is empty. Fill it in, or leave the row out."
    assert [(one.source, one.reason) for one in report.rejected] == [("refs.parquet row 1", wanted)]
    (one,) = lib.add(
        table(tmp_path / "two", {"path": pa.nulls(1, pa.string()), "file": pa.nulls(1, pa.string())})
    ).rejected
    assert one.reason.startswith("the row has no picture: its 'path' and 'file' are empty.")
    with pytest.raises(InvalidInput, match=r"row 0: has no picture: its 'image' is empty\."):
        lib.add(pd.DataFrame({"image": [None], "caption": ["none"]}))
    with pytest.raises(InvalidInput, match="in a column 'path', 'picture', 'image' or 'file'"):
        lib.add({"img": png(1)})


@pytest.mark.parametrize("column", ["path", "picture", "image", "file"])
def test_every_column_that_is_named_is_read_as_path_and_as_bytes(
    lib: ik.Library, folder: Path, tmp_path: Path, column: str
) -> None:  # fmt: skip
    assert len(lib.add(table(tmp_path / "bytes", {column: [png(50)]})).added) == 1
    assert len(lib.add(table(folder, {column: ["p003.png"]})).added) == 1


class Never:
    """An engine whose cluster must not be started."""

    def spread(self, make: Any, pieces: Any) -> Any:
        raise AssertionError("a cluster was started")


def test_no_cluster_is_started_for_what_is_not_there(lib: ik.Library, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    nothing = table(tmp_path, {"picture": pa.array([], pa.binary())}, name="nothing.parquet")
    for source in (tmp_path / "nowhere", tmp_path / "empty", nothing, [], [tmp_path / "nowhere"]):
        report = lib.add(source, engine=Never())
        assert (report.added, len(report.rejected)) == ((), 1), source
    with pytest.raises(AssertionError, match="was started"):
        lib.add(png(1), engine=Never())


def test_what_holds_nothing_is_told(lib: ik.Library, tmp_path: Path) -> None:
    nothing = table(tmp_path, {"picture": pa.array([], pa.binary())}, name="nothing.parquet")
    for source, name in (([], "source"), (nothing, "nothing.parquet"), (tar(tmp_path / "no.tar", {}), "no.tar")):
        assert [(one.source, one.reason) for one in lib.add(source).rejected] == [(name, "it holds no picture.")]


def test_a_folder_with_pictures_beside_a_tar_is_a_folder_of_pictures(lib: ik.Library, folder: Path) -> None:
    tar(folder / "other.tar", {"1.png": png(1)})
    assert len(lib.add(folder).added) == COUNT


def test_objects_of_a_storage_are_pictures_by_their_names(lib: ik.Library, folder: Path) -> None:
    remote = Remote("memory://test-of-lots/photos")
    remote.put("notes.md", b"none")
    for path in sorted(folder.iterdir()):
        remote.put(path.name, path.read_bytes())
    report = lib.add("memory://test-of-lots/photos", tags=["bucket"])
    assert sorted(report.added) == [f"p{n:03d}" for n in range(COUNT)]
    assert {Path(item.path).parent for item in lib.items(lib.numbers())} == {lib.path / "pictures"}


def test_an_unknown_engine_and_one_id_for_many_are_refused(lib: ik.Library, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no engine that takes work in pieces"):
        lib.add(folder, engine="dask")
    with pytest.raises(InvalidInput, match="cannot be the id of many"):
        lib.add(tar(tmp_path / "a.tar", {"1.png": png(1)}), id="one")


# ---------------------------------------------------------------------- nothing twice
def small(lib: ik.Library, source: Any, size: int, engine: Any) -> Any:
    """Add in lots of ``size`` pictures."""
    from imagegen_kit.retrieval.lots.merge import Merging

    with lib._writing() as writing:
        merging = Merging(writing, copy=False, told=lambda done, of: None)
        return merging.run(lots_of(source, {}, folder=lib.path, size=size), engine)


def test_what_was_embedded_before_the_end_is_not_embedded_again(
    lib: ik.Library, folder: Path, embedder: Colours
) -> None:
    with pytest.raises(StoreError, match="ended"):
        small(lib, folder, 4, Few(1))  # one lot is merged, one is whole but not merged
    assert (len(lib), embedder.seen) == (4, 8)
    assert [finding.kind for finding in lib.verify().findings] == ["left-over"]
    again = Few()
    report = small(lib, folder, 4, again)
    assert embedder.seen == COUNT
    assert [answer["embedded"] for answer in again.done] == [0, 4]
    assert (len(report.added), len(report.duplicates), len(lib)) == (8, 4, COUNT)
    assert lib.verify().ok


def test_a_picture_that_is_there_twice_is_embedded_once(
    lib: ik.Library, folder: Path, embedder: Colours, tmp_path: Path
) -> None:
    (folder / "same.png").write_bytes((folder / "p000.png").read_bytes())
    report = lib.add(folder, engine=Here())
    assert (len(report.added), report.duplicates, embedder.seen) == (COUNT, ("p000",), COUNT)
    assert len(lib.add(folder, engine=Here()).duplicates) == COUNT + 1
    assert embedder.seen == COUNT
    lib.remove("p003")
    assert lib.add(folder, engine=Here()).added == ("p003",)
    assert len(lib.vectors) == COUNT


def test_a_lot_whose_bytes_changed_is_made_again(lib: ik.Library, folder: Path, embedder: Colours) -> None:
    with pytest.raises(StoreError, match="ended"):
        small(lib, folder, COUNT, Few(0))
    (vectors,) = (lib.path / "lots").glob("*/*/vectors.npy")
    held = bytearray(vectors.read_bytes())
    held[-3] ^= 1
    vectors.write_bytes(held)
    assert len(small(lib, folder, COUNT, Few()).added) == COUNT
    assert embedder.seen == 2 * COUNT
    assert lib.verify().ok


def test_a_source_that_fails_takes_its_own_lot_with_it_and_no_other(
    lib: ik.Library, tmp_path: Path
) -> None:  # fmt: skip
    path = table(tmp_path, {"picture": [png(n) for n in range(COUNT)]}, rows=4)
    lots = lots_of(path, {}, folder=tmp_path)
    broken = Lot(4, ["broken"], partial(_fails, tmp_path))
    from imagegen_kit.retrieval.lots.merge import Merging

    with lib._writing() as writing:
        report = Merging(writing, copy=False, told=lambda done, of: None).run([lots[0], broken, lots[2]], Here())
    assert (len(report.added), len(lib)) == (8, 8)
    assert report.rejected[0].reason.startswith("4 pictures were not read: the disk is gone. Add them again")


def _fails(folder: Path) -> Any:
    raise StoreError("the disk is gone.")


def test_an_embedder_that_answers_nonsense_stops_everything_and_what_was_merged_stays(
    lib: ik.Library, folder: Path, embedder: Colours
) -> None:
    small(lib, folder, 100, Here())
    embedder.embed_images = lambda images: np.full((len(images), 13), np.nan, np.float32)  # type: ignore[method-assign]
    pictures_in(folder, 4, first=COUNT)
    with pytest.raises(InvalidInput, match="NaN or infinity for 4 of 4"):
        small(lib, folder, 100, Here())
    assert (len(lib), len(lib.vectors)) == (COUNT, COUNT)


# ---------------------------------------------------------------------- near-duplicates
def test_near_duplicates_are_marked_with_the_first_that_they_are_like(lib: ik.Library, tmp_path: Path) -> None:
    folder = tmp_path / "alike"
    pictures_in(folder, 6)
    lib.add(folder, engine=Here())
    large = drawn(2).resize((96, 72), Image.Resampling.LANCZOS)
    large.save(folder / "z-larger.png")
    large.save(folder / "z-larger.jpg", quality=90)
    lib.add(folder, engine=Here())
    marks = {item.id: item.meta.get("near_duplicate_of") for item in lib.items(lib.numbers())}
    assert {id: mark for id, mark in marks.items() if mark} == {"z-larger": "p002", marks_id(marks): "p002"}
    assert len(lib.numbers({"near_duplicate_of": None})) == 6


def test_the_filter_for_near_duplicates_lets_everything_through_where_none_is_marked(
    lib: ik.Library, folder: Path
) -> None:  # fmt: skip
    lib.add(folder)
    assert len(lib.numbers({"near_duplicate_of": None})) == COUNT
    assert len(lib.search("p003", where={"near_duplicate_of": None}, top_k=COUNT)) >= 1
    with pytest.raises(InvalidInput, match="no field of this library is called 'near_duplicate_off'"):
        lib.numbers({"near_duplicate_off": None})


def alike(folder: Path) -> None:
    """A picture and two larger copies of it, by name and in this order: a, b, c."""
    folder.mkdir(exist_ok=True)
    for name, size in (("a", (48, 36)), ("b", (96, 72)), ("c", (144, 108))):
        drawn(2).resize(size, Image.Resampling.LANCZOS).save(folder / f"{name}.png")


def marks(lib: ik.Library) -> dict[str, Any]:
    return {item.id: item.meta.get("near_duplicate_of") for item in lib.items(lib.numbers())}


def test_when_the_first_goes_the_oldest_that_points_at_it_becomes_the_first(lib: ik.Library, tmp_path: Path) -> None:
    alike(tmp_path / "alike")
    lib.add(tmp_path / "alike", engine=Here())
    assert marks(lib) == {"a": None, "b": "a", "c": "a"}
    lib.update("a", id="first")
    assert marks(lib) == {"first": None, "b": "first", "c": "first"}
    lib.remove("first")
    assert marks(lib) == {"b": None, "c": "b"}
    lib.remove("b", "c")
    assert marks(lib) == {}
    assert lib.verify().ok


def test_a_first_whose_file_now_holds_another_picture_is_followed_by_the_next(lib: ik.Library, tmp_path: Path) -> None:
    alike(tmp_path / "alike")
    lib.add(tmp_path / "alike", engine=Here())
    drawn(7).save(tmp_path / "alike" / "a.png")
    lib.add(tmp_path / "alike", engine=Here())
    assert marks(lib) == {"b": None, "c": "b", "a": None}
    drawn(7).resize((96, 72), Image.Resampling.LANCZOS).save(tmp_path / "alike" / "a.png")
    lib.add(tmp_path / "alike", engine=Here())  # nearly the same as what it replaces, which is gone
    assert marks(lib) == {"b": None, "c": "b", "a": None}
    assert lib.verify().ok


def marks_id(marks: dict[str, Any]) -> str:
    """The id of the second file of that name."""
    return next(id for id in marks if id.startswith("z-larger-"))


def test_hashes_that_differ_in_few_bits_are_found_as_by_comparing_all() -> None:
    luck = np.random.default_rng(6)
    hashes = luck.integers(0, 2**64, (2, 400), dtype=np.uint64)
    for row in range(200, 400):  # copies with some bits flipped, in one of the two
        flips = sum(1 << int(bit) for bit in luck.choice(64, row % 10, replace=False))
        hashes[row % 2, row] = hashes[row % 2, row - 200] ^ np.uint64(flips)
    found = Lookalikes()
    numbers = np.arange(1000, 1400)
    found.add(numbers[:250], hashes[:, :250])
    found.add(numbers[250:], hashes[:, 250:])
    bits = np.bitwise_count(hashes[:, :, None] ^ hashes[:, None]).min(axis=0)
    for row, alike in enumerate(found.alike(hashes)):
        assert alike.tolist() == numbers[np.flatnonzero(bits[row] <= 6)].tolist()
    assert Lookalikes().alike(hashes)[0].tolist() == []

"""``file://`` addresses of this machine are paths, wherever sources are given; what they hold is told as for paths."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import imagegen_kit as ik
from imagegen_kit.clusters.spreading import Here
from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.library.local import local
from tests.retrieval.colours import Colours, drawn, pictures_in


@pytest.fixture
def lib(tmp_path: Path) -> ik.Library:
    return ik.Library.open(tmp_path / "refs", embedder=Colours())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "my photos, 100%"
    pictures_in(folder, 3)
    return folder


def paths(lib: ik.Library) -> list[str]:
    return sorted(item.path for item in lib.items(lib.numbers()))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("file:///a/b.png", "/a/b.png"),
        ("file://localhost/a%20b", "/a b"),
        ("FILE://LOCALHOST/a", "/a"),
        ("file:///caf%C3%A9", "/café"),
        ("file:///%FF.png", "/\udcff.png"),
        ("file:///a b#1?", "/a b#1?"),
        ("file://host/a", "file://host/a"),
        ("file://", "file://"),
        ("file:a", "file:a"),
        ("s3://bucket/a%20b", "s3://bucket/a%20b"),
        ("a%20b", "a%20b"),
        (Path("a%20b"), "a%20b"),
    ],
)
def test_an_address_of_this_machine_is_a_path_and_nothing_else_is(given: str | Path, path: str) -> None:
    assert local(given) == path


@pytest.mark.parametrize("engine", [None, Here()], ids=["plain", "lots"])
@pytest.mark.parametrize("listed", [False, True], ids=["alone", "in a list"])
def test_the_address_of_a_folder_is_the_folder(
    lib: ik.Library, photos: Path, tmp_path: Path, engine: Any, listed: bool
) -> None:
    pictures_in(tmp_path / "private", 1, first=9)
    (photos / "link.png").symlink_to(tmp_path / "private/p009.png")
    drawn(7).save(photos / "old.bmp")
    os.mkfifo(photos / "pipe.png")
    plain = ik.Library.open(tmp_path / "plain", embedder=Colours())
    expected = plain.add([photos] if listed else photos, engine=engine)
    assert [one.source for one in expected.rejected] == ["link.png", "old.bmp", "pipe.png"]
    assert "a link that leads out of the folder" in expected.rejected[0].reason
    for address in (photos.as_uri(), f"file://localhost{photos.as_uri().removeprefix('file://')}"):
        report = lib.add([address] if listed else address, engine=engine)
        assert report.rejected == expected.rejected
        assert (sorted(report.added) or sorted(report.duplicates)) == sorted(expected.added)
        assert paths(lib) == paths(plain)
    assert not (lib.path / "pictures").exists()


def test_addresses_of_parquet_tars_and_pictures_are_those_files(lib: ik.Library, photos: Path, tmp_path: Path) -> None:
    first, second, _ = sorted(photos.glob("*.png"))
    table, packed = tmp_path / "a table.parquet", tmp_path / "tars" / "0.tar"
    parquet.write_table(pa.table({"path": [second.as_uri()], "caption": ["by its address"]}), table)
    packed.parent.mkdir()
    with tarfile.open(packed, "w") as into:
        into.add(photos / "p002.png", "in a tar.png")
    report = lib.add([first.as_uri(), table.as_uri(), packed.parent.as_uri()])
    assert (len(report.added), report.rejected) == (3, ())
    assert {str(first), str(second)} < set(paths(lib))
    assert lib.add(packed.as_uri()).duplicates == ("in a tar",)
    assert lib.add(table.as_uri(), engine=Here()).duplicates == ("p001",)


def test_rows_configurations_lines_and_variations_may_name_addresses(
    lib: ik.Library, photos: Path, tmp_path: Path
) -> None:
    first, second, third = (path.as_uri() for path in sorted(photos.glob("*.png")))
    assert lib.add({"path": first}, variations=[second]).added == ("p000", "p000/p001")
    assert lib.add({"picture": third}, variations={"again": second}).added == ("p002",)
    assert lib.add(pd.DataFrame({"path": [third]})).duplicates == ("p002",)
    assert {"p000", "p001", "p002"} == {Path(path).stem for path in paths(lib)}
    references = tmp_path / "references.yaml"
    references.write_text(json.dumps({"settings": {"hall": third}}))
    assert lib.add(references.as_uri()).updated == ("hall",)
    (photos / "library.jsonl").write_text(json.dumps({"path": first, "caption": "a line"}))
    assert lib.add((photos / "library.jsonl").as_uri()).updated == ("p000",)


def test_a_line_from_anywhere_opens_nothing_outside_its_folder_by_an_address(lib: ik.Library, tmp_path: Path) -> None:
    (secret,) = pictures_in(tmp_path / "private", 1)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/library.jsonl").write_text(json.dumps({"path": secret.as_uri()}))
    assert "leads out of the folder" in lib.add(tmp_path / "set").rejected[0].reason


def test_what_is_not_there_is_told_and_nothing_is_made(lib: ik.Library, tmp_path: Path) -> None:
    (one,) = lib.add((tmp_path / "nowhere").as_uri()).rejected
    assert "there is no file" in one.reason
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(InvalidInput, match="three slashes"):
        lib.add("file://another-machine/photos")
    with pytest.raises(InvalidInput, match="is no path"):
        lib.add("file:///a%00b")


def test_an_address_in_a_row_is_told_as_an_address(lib: ik.Library) -> None:
    report = lib.add(pd.DataFrame({"path": ["https://example.org/a.png", "s3://photos/b.png"]}))
    assert [one.reason.partition(". ")[0] for one in report.rejected] == [
        "'https://example.org/a.png' is an address, not a file on this machine",
        "'s3://photos/b.png' is an address, not a file on this machine",
    ]

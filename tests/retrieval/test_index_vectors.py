"""Segments on disk: whole, checked, and refused where they would make a search wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.index import Segment, write_segment
from imagegen_kit.retrieval.index.vectors import faults_of, leftovers
from tests.retrieval.vectors import DIMENSION, clustered

IDS = np.arange(20)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    vectors = clustered(20)
    segment = write_segment(tmp_path / "v", 7, IDS + 100, vectors)
    assert (segment.number, segment.count) == (7, 20)
    assert sorted(p.name for p in (tmp_path / "v").iterdir()) == ["7.ids.npy", "7.npy"]
    assert np.array_equal(segment.vectors(DIMENSION), vectors)
    assert np.array_equal(segment.ids(), IDS + 100)
    assert faults_of(segment, DIMENSION) == []


def test_a_large_segment_is_mapped_and_not_read(tmp_path: Path) -> None:
    vectors = write_segment(tmp_path, 1, np.arange(20_000), clustered(20_000)).vectors(DIMENSION)
    assert not vectors.flags.owndata
    assert not vectors.flags.writeable


def test_a_manifest_keeps_names_so_that_a_folder_can_move(tmp_path: Path) -> None:
    segment = write_segment(tmp_path / "here", 1, IDS, clustered(20))
    plain = json.loads(json.dumps(segment.to_plain()))
    assert str(tmp_path) not in json.dumps(plain)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = Segment.from_plain(plain, tmp_path / "there")
    assert faults_of(moved, DIMENSION) == []
    assert Segment.from_plain(plain, tmp_path / "here") == segment


def test_a_manifest_cannot_point_out_of_its_folder(tmp_path: Path) -> None:
    plain = write_segment(tmp_path, 1, IDS, clustered(20)).to_plain() | {"file": "../../secret.npy"}
    assert Segment.from_plain(plain, tmp_path).path == tmp_path / "secret.npy"


def bent(change: str) -> tuple[np.ndarray, np.ndarray]:
    vectors, ids = clustered(20), IDS.copy()
    if change == "nan":
        vectors[3, 5] = np.nan
    elif change == "inf":
        vectors[3, 5] = np.inf
    elif change == "length":
        vectors[4] *= 1.01
    elif change == "zero":
        vectors[4] = 0
    elif change == "whole":
        vectors = vectors.astype(np.int64)
    elif change == "flat":
        vectors = vectors[0]
    elif change == "none":
        vectors, ids = vectors[:0], ids[:0]
    elif change == "twice":
        ids[4] = ids[5]
    elif change == "negative":
        ids[0] = -1
    elif change == "fewer":
        ids = ids[:-1]
    elif change == "words":
        return ids.astype(str), vectors
    return ids, vectors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("nan", r"1 are not finite \(NaN or inf\), the first in row 3"),
        ("inf", "not finite"),
        ("length", r"not of length 1, the first in row 4 \(1\.01\)"),
        ("zero", "not of length 1"),
        ("whole", "must be float32; they are int64"),
        ("flat", r"must be \(n, dimension\)"),
        ("none", "n at least 1"),
        ("twice", "all be different"),
        ("negative", "not be negative"),
        ("fewer", "one whole number for each vector"),
        ("words", "one whole number for each vector"),
    ],
)
def test_what_would_make_a_search_wrong_is_refused(tmp_path: Path, change: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        write_segment(tmp_path / "v", 1, *bent(change))
    assert not (tmp_path / "v").exists()


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    vectors = clustered(20)
    vectors[0] *= 2
    with pytest.raises(InvalidInput) as told:
        write_segment(tmp_path, 1, np.zeros(20, np.int64), vectors)
    assert [fault.where for fault in told.value.faults] == ["vectors", "ids"]


@pytest.mark.parametrize("name", ["1.npy", "1.ids.npy"])
@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_flipped_byte_is_found_by_the_whole_check(tmp_path: Path, name: str, place: int) -> None:
    segment = write_segment(tmp_path, 1, np.arange(2000), clustered(2000))
    data = bytearray((tmp_path / name).read_bytes())
    data[place] ^= 0x10
    (tmp_path / name).write_bytes(data)
    (fault,) = faults_of(segment, DIMENSION)
    assert name in fault
    assert "damaged" in fault


def test_a_missing_file_is_a_fault_in_words(tmp_path: Path) -> None:
    segment = write_segment(tmp_path, 1, IDS, clustered(20))
    segment.ids_path.unlink()
    assert faults_of(segment, DIMENSION) == [f"{segment.ids_path} cannot be read: No such file or directory."]
    with pytest.raises(StoreError, match="cannot be read"):
        segment.ids()


def test_leftovers_are_those_that_no_manifest_names(tmp_path: Path) -> None:
    kept = write_segment(tmp_path, 1, IDS, clustered(20))
    lost = write_segment(tmp_path, 2, IDS, clustered(20))
    (tmp_path / ".writing-00ff.npy").write_bytes(b"half")
    (tmp_path / "mine.npy").write_bytes(b"of somebody else")
    assert [p.name for p in leftovers(tmp_path, [kept])] == [".writing-00ff.npy", "2.ids.npy", "2.npy"]
    assert leftovers(tmp_path, [kept, lost]) == [tmp_path / ".writing-00ff.npy"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("a file")
    with pytest.raises(StoreError, match="could not be written"):
        write_segment(tmp_path / "v", 1, IDS, clustered(20))

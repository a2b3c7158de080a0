"""Many indexes answer as one; where one is missing or damaged, the answer says that it is a part."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.index import Shard, ShardedIndex, build_shards, name_shards, write_segment, write_shard
from imagegen_kit.retrieval.index.shards import rows_for, shard_kind, shards_for, share_of_ten
from tests.retrieval.vectors import DIMENSION, NONE, brute, clustered, recall, segments_of

COUNT, SHARDS = 8_000, 4
VECTORS = clustered(COUNT)
QUERIES = clustered(20, seed=5)
WANTED, SCORES = brute(VECTORS, np.arange(COUNT), QUERIES, 10)
PARTS = np.array_split(np.arange(COUNT), SHARDS)


def blocks(part: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(half, VECTORS[half]) for half in np.array_split(part, 2)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    shards = [
        write_shard(folder / f"s{n}", blocks(part), dimension=DIMENSION, shards=4) for n, part in enumerate(PARTS)
    ]
    name_shards(folder, shards)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return shutil.copytree(written, tmp_path / "shards")


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 0xFF
    path.write_bytes(held)


def test_shards_answer_as_one_index_would(written: Path) -> None:
    index = ShardedIndex.open(written)
    found = index.search(QUERIES, 10)
    assert (len(index), index.kind, index.note, found.partial) == (COUNT, "ivf-sq8", "", ())
    assert recall(found.ids, WANTED) >= 0.98
    one_by_one = np.concatenate([index.search(query, 10).ids for query in QUERIES])
    assert recall(one_by_one, WANTED) >= 0.98
    exact = index.search(QUERIES, 10, exact=True)
    assert exact.exact
    assert np.array_equal(exact.ids, WANTED)
    assert np.allclose(exact.scores, SCORES, atol=1e-5)


def test_product_quantized_shards_are_compared_again_exactly(tmp_path: Path) -> None:
    shards = [
        write_shard(tmp_path / f"s{n}", blocks(part), dimension=DIMENSION, shards=2, kind="ivf-pq")
        for n, part in enumerate(PARTS[:2])
    ]
    name_shards(tmp_path, shards)
    index = ShardedIndex.open(tmp_path)
    ids, scores = brute(VECTORS[: COUNT // 2], np.arange(COUNT // 2), QUERIES, 10)
    found = index.search(QUERIES, 10)
    assert index.kind == "ivf-pq"
    assert recall(found.ids, ids) >= 0.95
    assert np.allclose(found.scores[:, 0], scores[:, 0], atol=1e-5)


def test_folders_of_shards_are_named_by_texts_too(tmp_path: Path) -> None:
    folder = str(tmp_path / "s")
    shard = write_shard(folder + "/s0", [(np.arange(50), VECTORS[:50])], dimension=DIMENSION, kind="flat")
    assert shard == write_shard(folder + "/s0", [], dimension=DIMENSION, kind="flat")
    name_shards(folder, [shard])
    assert len(ShardedIndex.open(folder)) == 50


def test_only_allowed_ids_are_found_in_whichever_shards_they_lie(written: Path) -> None:
    index = ShardedIndex.open(written)
    allowed = np.array([5, 1_999, 2_000, 7_999])
    found = index.search(QUERIES[0], 10, allowed=allowed)
    assert sorted(found.ids[0, :4]) == allowed.tolist()
    assert (found.ids[0, 4:] == -1).all()
    nothing = index.search(QUERIES[0], 3, allowed=NONE)
    assert (nothing.ids == -1).all()
    with pytest.raises(InvalidInput, match="ascending"):
        index.search(QUERIES[0], 3, allowed=np.array([2, 1]))
    with pytest.raises(InvalidInput, match=r"2 things to mend:"):
        index.search(QUERIES[:, :3], 0)


def test_vectors_are_fetched_from_all_shards_in_the_order_asked(written: Path) -> None:
    index = ShardedIndex.open(written)
    ids = np.array([7_000, 3, 3, 5_000])
    assert np.array_equal(index.vectors_of(ids), VECTORS[ids])
    with pytest.raises(InvalidInput, match="no vector of 99999"):
        index.vectors_of(np.array([3, 99_999]))


# ---------------------------------------------------------------------- shards that are lost
@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda shard: shutil.rmtree(shard), "is gone"),
        (lambda shard: flip(shard / "0.npy"), "is damaged: its bytes are not those that were written"),
        (lambda shard: (shard / "0.ids.npy").unlink(), "cannot be read"),
        (lambda shard: (shard / "shard.json").write_text("{"), "is damaged"),
    ],
    ids=["missing", "corrupt", "half-missing", "manifest-cut"],
)
def test_an_answer_without_a_shard_is_marked_partial_and_says_which(folder: Path, harm: object, why: str) -> None:
    assert callable(harm)
    harm(folder / "s1")
    index = ShardedIndex.open(folder)
    found = index.search(QUERIES, 10, exact=True)
    assert not found.exact
    (told,) = found.partial
    assert told.startswith("partial: the shard s1 (2,000 of 8,000 vectors) was not asked.")
    assert why in told
    assert str(folder / "s1") in told
    rest = np.concatenate([PARTS[0], PARTS[2], PARTS[3]])
    assert np.array_equal(found.ids, brute(VECTORS[rest], rest, QUERIES, 10)[0])
    assert index.partial == found.partial
    known = index.vectors_of(np.array([PARTS[1][0], PARTS[2][0]]))
    assert np.array_equal(known, [np.zeros(DIMENSION), VECTORS[PARTS[2][0]]])


def test_a_shard_that_breaks_while_it_is_open_is_told_by_the_next_answer(written: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(written, tmp_path / "open")
    index = ShardedIndex.open(folder)
    (folder / "s3" / "1.npy").write_bytes(b"")  # its rows are mapped at the first question
    assert [told[:24] for told in index.search(QUERIES[0], 10).partial] == ["partial: the shard s3 (2"]
    assert index.lost == ()


def test_a_damaged_index_is_done_without_because_the_vectors_are_there(folder: Path) -> None:
    flip(next((folder / "s2").glob("*.faiss")))
    index = ShardedIndex.open(folder)
    found = index.search(QUERIES, 10)
    assert found.partial == ()
    assert recall(found.ids, WANTED) >= 0.98
    assert index.note.startswith("s2: everything is compared. The index")


def test_where_no_shard_can_be_read_there_is_no_answer(folder: Path) -> None:
    for shard in folder.glob("s?"):
        shutil.rmtree(shard)
    with pytest.raises(StoreError, match="none of the 4 shards can be read"):
        ShardedIndex.open(folder)
    (folder / "shards.json").unlink()
    with pytest.raises(StoreError, match=r"shards\.json is not there: it names the shards"):
        ShardedIndex.open(folder)


# ---------------------------------------------------------------------- making them
@pytest.mark.parametrize(
    ("millions", "shards", "rows"),
    [(1, 1, 1.25), (6, 5, 1.25), (10, 8, 1.25), (20, 16, 1.25), (21, 9, 2.5), (100, 10, 10), (1000, 13, 80)],
)
def test_many_vectors_are_in_few_shards(millions: int, shards: int, rows: float) -> None:
    assert (shards_for(millions * 10**6), rows_for(millions * 10**6)) == (shards, rows * 10**6)
    assert [share_of_ten(shards) for shards in (1, 2, 8, 100)] == [10, 10, 3, 2]
    assert [shard_kind(n, 128) for n in (10**8, 2 * 10**8)] == ["ivf-sq8", "ivf-pq"]


def test_a_shard_that_is_whole_is_not_made_again(written: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(written, tmp_path / "again")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    kept = write_shard(folder / "s0", iter(()), dimension=DIMENSION)
    assert kept.rows == len(PARTS[0])
    (folder / "s1" / "shard.json").unlink()  # as a killed writer leaves it
    with pytest.raises(InvalidInput, match="hold no vectors"):
        write_shard(folder / "s1", iter(()), dimension=DIMENSION)
    made = write_shard(folder / "s1", blocks(PARTS[1]), dimension=DIMENSION)
    assert made.rows == len(PARTS[1])
    assert all(path.stat().st_mtime_ns == at for path, at in before.items() if path.parent.name != "s1")


def test_segments_of_a_library_are_divided_and_what_was_built_stays(tmp_path: Path) -> None:
    segments = segments_of(tmp_path / "vectors", VECTORS, pieces=8)
    first = build_shards(tmp_path / "index", segments[:4], NONE, dimension=DIMENSION, rows=2_000)
    assert [shard.rows for shard in first] == [2_000, 2_000]
    built = {shard.name: (shard.folder / str(shard.ann.file)).stat().st_ino for shard in first}
    grown = build_shards(tmp_path / "index", segments, NONE, dimension=DIMENSION, rows=2_000)
    assert {s.name: (s.folder / str(s.ann.file)).stat().st_ino for s in grown[:2]} == built
    index = ShardedIndex.of(grown, dimension=DIMENSION)
    assert recall(index.search(QUERIES, 10).ids, WANTED) >= 0.98
    again = [Shard.from_plain(shard.to_plain(), tmp_path / "index") for shard in grown]
    assert again == grown


def test_what_came_later_and_what_was_removed_hold_over_shards(tmp_path: Path) -> None:
    segments = segments_of(tmp_path / "vectors", VECTORS, pieces=4)
    shards = build_shards(tmp_path / "index", segments, NONE, dimension=DIMENSION, rows=2_000)
    ids = np.array([2_500, 20_000])  # one that the second shard holds, with another vector, and a new one
    fresh = write_segment(tmp_path / "vectors", 9, ids, clustered(2, seed=8))
    removed = WANTED[0, :2]
    index = ShardedIndex.of(
        shards, dimension=DIMENSION, fresh=(tmp_path / "index", [fresh]), removed=np.sort(removed)
    )  # fmt: skip
    assert len(index) == COUNT - 2 + 1
    everything = index.search(QUERIES[0], COUNT, exact=True)
    assert not np.isin(removed, everything.ids).any()
    found = everything.ids[0][everything.ids[0] >= 0]
    assert len(found) == len(set(found)) == COUNT - 1
    assert np.array_equal(index.vectors_of(np.array([2_500])), clustered(2, seed=8)[:1])

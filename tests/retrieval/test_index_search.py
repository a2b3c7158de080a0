"""The vector search answers as comparing everything does, or says that it did not."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen_kit.errors import CorruptArtifact, InvalidInput, UnknownName
from imagegen_kit.retrieval.index import AnnRecord, Segment, VectorSearch, build, write_segment
from imagegen_kit.retrieval.index.half import Halved, half_error, worth_halving
from imagegen_kit.retrieval.index.scan import load_faiss, nearest
from imagegen_kit.retrieval.index.vectors import faults_of
from tests.retrieval.vectors import DIMENSION, NONE, brute, clustered, recall, segments_of, unit

MANY = 20_000
VECTORS = clustered(MANY)
QUERIES = clustered(40, seed=5)
APPROXIMATE = ["fp16", "ivf-sq8", "ivf-pq"]
HALF_EXACT = {"fp16"}


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> list[Segment]:
    return segments_of(tmp_path_factory.mktemp("vectors"), VECTORS)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, segments: list[Segment]) -> dict[str, tuple[Path, AnnRecord]]:
    """Each kind, built from the first three of the four segments: the rows of the fourth came later."""
    found = {}
    for kind in APPROXIMATE:
        folder = tmp_path_factory.mktemp(kind)
        found[kind] = (folder, build(folder, segments[:3], NONE, kind=kind, dimension=DIMENSION))
    return found


def opened(segments: list[Segment], folder: Path, record: AnnRecord | None, removed: np.ndarray = NONE) -> VectorSearch:
    return VectorSearch.open(folder, segments, dimension=DIMENSION, removed=removed, ann=record)


# ---------------------------------------------------------------------- exact
@settings(max_examples=25)
@given(data=st.data())
def test_any_sequence_of_adds_and_removes_answers_as_comparing_everything(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder, luck = tmp_path_factory.mktemp("any"), np.random.default_rng(data.draw(st.integers(0, 2**32)))
    segments, held, removed = [], {}, set()
    for step in range(data.draw(st.integers(1, 5))):
        fresh = np.arange(len(held) * 2, len(held) * 2 + data.draw(st.integers(1, 40)))
        if data.draw(st.booleans()):
            luck.shuffle(fresh)  # ids need not ascend
        vectors = unit(luck.standard_normal((len(fresh), 8)))
        segments.append(write_segment(folder, step, fresh, vectors))
        held |= dict(zip(fresh.tolist(), vectors, strict=True))
        removed |= set(data.draw(st.lists(st.sampled_from(sorted(held)), max_size=10)))
        live = np.array(sorted(set(held) - removed), np.int64)
        search = VectorSearch.open(folder, segments, dimension=8, removed=np.array(sorted(removed), np.int64))
        assert len(search) == len(live)
        top_k = data.draw(st.integers(1, 12))
        allowed = np.array(sorted(data.draw(st.sets(st.sampled_from(sorted(held))))), np.int64)
        for only in (None, allowed):
            ids = live if only is None else np.intersect1d(live, only)
            queries = unit(luck.standard_normal((data.draw(st.integers(1, 3)), 8)))
            found = search.search(queries, top_k, allowed=only)
            assert found.exact
            assert found.ids.shape == found.scores.shape == (len(queries), top_k)
            k = min(top_k, len(ids))
            assert np.all(found.ids[:, k:] == -1)
            assert np.all(np.isneginf(found.scores[:, k:]))
            if k:
                wanted = brute(np.array([held[i] for i in ids.tolist()]), ids, queries, k)
                assert np.allclose(found.scores[:, :k], wanted[1], atol=1e-5)
                assert np.array_equal(found.ids[:, :k], wanted[0])


@pytest.mark.parametrize("count", [1, 19, 20, 40])
def test_one_or_many_queries_at_once_are_answered_alike(segments: list[Segment], tmp_path: Path, count: int) -> None:
    found = opened(segments, tmp_path, None).search(QUERIES[:count], 10)
    ids, scores = brute(VECTORS, np.arange(MANY), QUERIES[:count], 10)
    assert found.exact
    assert found.seconds > 0
    assert np.array_equal(found.ids, ids)
    assert np.allclose(found.scores, scores, atol=1e-5)


def test_an_id_that_is_written_again_is_found_by_its_later_vector(tmp_path: Path) -> None:
    vectors = clustered(100)
    segments = [
        write_segment(tmp_path, 1, np.arange(60), vectors[:60]),
        write_segment(tmp_path, 2, np.array([5, 70, 7]), vectors[60:63]),
    ]
    search = opened(segments, tmp_path, None)
    assert len(search) == 61
    assert search.search(vectors[60], 1).ids.tolist() == [[5]]
    assert 5 not in search.search(vectors[5], 60).ids[0, :1]
    assert np.array_equal(search.vectors_of(np.array([7, 5, 7])), vectors[[62, 60, 62]])


def test_the_copy_in_half_precision_never_changes_an_answer() -> None:
    """Also where all rows are nearly alike, so that half precision cannot tell them apart."""
    alike = unit(VECTORS[:1] + 1e-4 * clustered(12_000, seed=3))
    for vectors in (VECTORS, alike):
        halved = Halved(vectors)
        for query in QUERIES[:10]:
            exactly, half = nearest(query[None], vectors, 10), halved.nearest(query[None], vectors, 10)
            assert np.allclose(exactly[0], half[0], atol=5e-7)  # faiss adds in another order for few rows
            if vectors is VECTORS:
                assert np.array_equal(exactly[1], half[1])


def test_half_precision_is_never_off_by_more_than_is_reckoned_with() -> None:
    vectors, halves = VECTORS[:5000].astype(np.float64), VECTORS[:5000].astype(np.float16).astype(np.float64)
    against = unit(vectors - halves).astype(np.float64)  # for each vector the query that it is worst for
    worst = np.abs(np.einsum("nd,nd->n", against, vectors - halves)).max()
    assert half_error(DIMENSION) / 10 < worst < half_error(DIMENSION)


def test_half_precision_is_used_where_it_is_faster(segments: list[Segment], tmp_path: Path) -> None:
    assert worth_halving(VECTORS, 1, 10)
    assert not worth_halving(VECTORS, 40, 10)
    assert not worth_halving(VECTORS[:2000], 1, 10)
    search = opened(segments, tmp_path, None)
    search.search(QUERIES[0], 10)
    (block,) = search._blocks[1]
    assert "halved" in vars(block)


def test_the_threads_of_faiss_stay_as_they_were(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]]
) -> None:
    faiss = load_faiss()
    search, before = opened(segments, *built["fp16"]), faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    seen = []
    watching = threading.Event()

    def watch() -> None:
        while not watching.is_set():
            seen.append(faiss.omp_get_max_threads())

    thread = threading.Thread(target=watch)
    thread.start()
    for query in QUERIES:
        search.search(query, 10)
    watching.set()
    thread.join()
    mine = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(before)
    assert mine == 3
    assert set(seen) == {before}  # another thread never saw what this one did with its own setting


# ---------------------------------------------------------------------- approximate
@pytest.mark.parametrize("kind", APPROXIMATE)
def test_recall_at_ten_is_at_least_98_percent_with_rows_that_came_later(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], kind: str
) -> None:
    search = opened(segments, *built[kind])
    assert (search.kind, len(search), search.note) == (kind, MANY, "")
    found = search.search(QUERIES, 10)
    ids, scores = brute(VECTORS, np.arange(MANY), QUERIES, 10)
    assert recall(found.ids, ids) >= 0.98
    assert np.all(np.diff(found.scores, axis=1) <= 0)
    assert np.allclose(found.scores[:, 0], scores[:, 0], atol=1e-5)  # exact scores, whatever the index keeps
    assert any(found.ids[0] >= 15_000) or any(found.ids.ravel() >= 15_000)


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_removed_ids_never_come_back(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], kind: str
) -> None:
    ids, _ = brute(VECTORS, np.arange(MANY), QUERIES, 10)
    removed = np.unique(ids)
    search = opened(segments, *built[kind], removed=removed)
    found = search.search(QUERIES, 10)
    kept = np.setdiff1d(np.arange(MANY), removed)
    assert len(search) == len(kept)
    assert not np.isin(found.ids, removed).any()
    assert recall(found.ids, brute(VECTORS[kept], kept, QUERIES, 10)[0]) >= 0.98


@pytest.mark.parametrize("kind", APPROXIMATE)
@pytest.mark.parametrize("every", [2, 5])
def test_wide_filters_keep_their_recall(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], kind: str, every: int
) -> None:
    allowed = np.arange(0, MANY, every)
    found = opened(segments, *built[kind]).search(QUERIES, 10, allowed=allowed)
    assert np.all(found.ids % every == 0)
    assert recall(found.ids, brute(VECTORS[allowed], allowed, QUERIES, 10)[0]) >= 0.98


@pytest.mark.parametrize("kind", [None, *APPROXIMATE])
def test_a_narrow_filter_is_exact_and_says_so(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], tmp_path: Path, kind: str | None
) -> None:
    folder, record = built[kind] if kind else (tmp_path, None)
    allowed = np.arange(3, MANY, 1000)
    found = opened(segments, folder, record).search(QUERIES, 10, allowed=allowed)
    assert found.exact
    assert np.array_equal(found.ids, brute(VECTORS[allowed], allowed, QUERIES, 10)[0])


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_exact_is_told_truly(segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], kind: str) -> None:
    """An IVF index never compared all; fp16 says so only where the rest is proven to be worse."""
    search = opened(segments, *built[kind])
    ids, _ = brute(VECTORS, np.arange(MANY), QUERIES, 10)
    asked = [search.search(query, 10) for query in QUERIES]
    for found, wanted in zip(asked, ids, strict=True):
        assert not found.exact or np.array_equal(found.ids[0], wanted)
    assert any(found.exact for found in asked) is (kind in HALF_EXACT)
    told = search.search(QUERIES, 10, exact=True)
    assert told.exact
    assert np.array_equal(told.ids, ids)


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_a_query_in_a_dense_heap_is_not_called_exact_unless_it_is(tmp_path: Path, kind: str) -> None:
    alike = unit(VECTORS[:1] + 1e-4 * clustered(3000, seed=3))
    segments = segments_of(tmp_path, alike, 1)
    record = build(tmp_path, segments, NONE, kind=kind, dimension=DIMENSION)
    found = opened(segments, tmp_path, record).search(VECTORS[0], 10)
    assert not found.exact


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_more_than_an_index_is_good_for_is_compared(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], kind: str
) -> None:
    search = opened(segments, *built[kind])
    found = search.search(QUERIES[:2], 5000)
    assert found.exact
    assert np.array_equal(found.ids[:, :10], brute(VECTORS, np.arange(MANY), QUERIES[:2], 10)[0])


# ---------------------------------------------------------------------- what is refused, and what is empty
@pytest.mark.parametrize(
    ("query", "words"),
    [
        (np.zeros(31, np.float32), r"vector: must be \(n, 32\), n at least 1; it is \(31,\)"),
        (np.zeros((0, 32), np.float32), "n at least 1"),
        (np.zeros((1, 1, 32), np.float32), r"it is \(1, 1, 32\)"),
        (np.full(32, np.nan, np.float32), "not finite"),
        (np.full(32, np.inf, np.float32), "not finite"),
    ],
    ids=["dimension", "none", "shape", "nan", "inf"],
)
@pytest.mark.parametrize("kind", [None, "fp16", "ivf-sq8"])
def test_a_query_that_cannot_be_compared_is_refused(
    segments: list[Segment],
    built: dict[str, tuple[Path, AnnRecord]],
    tmp_path: Path,
    kind: str | None,
    query: np.ndarray,
    words: str,
) -> None:
    folder, record = built[kind] if kind else (tmp_path, None)
    with pytest.raises(InvalidInput, match=words):
        opened(segments, folder, record).search(query, 10)


@pytest.mark.parametrize("top_k", [0, -1, 2.5, True, 10**9])
def test_an_impossible_top_k_is_refused(segments: list[Segment], tmp_path: Path, top_k: int) -> None:
    with pytest.raises(InvalidInput, match="top_k"):
        opened(segments, tmp_path, None).search(QUERIES[0], top_k)


@pytest.mark.parametrize("allowed", [[3, 2], [2, 2], [0.5], [[1, 2]]], ids=["down", "twice", "float", "square"])
def test_allowed_ids_that_are_none_are_refused(segments: list[Segment], tmp_path: Path, allowed: list[int]) -> None:
    with pytest.raises(InvalidInput, match="allowed"):
        opened(segments, tmp_path, None).search(QUERIES[0], 10, allowed=np.array(allowed))


@pytest.mark.parametrize("kind", [None, "ivf-sq8"])
def test_a_top_k_above_the_library_ends_in_minus_one(tmp_path: Path, kind: str | None) -> None:
    segments = segments_of(tmp_path, VECTORS[:1500], 2)
    record = build(tmp_path / "i", segments, NONE, kind=kind, dimension=DIMENSION)
    found = opened(segments, tmp_path / "i", record).search(QUERIES[:2], 1600)
    assert sorted(found.ids[0, :1500]) == list(range(1500))
    assert np.all(found.ids[:, 1500:] == -1)


def test_an_empty_library_answers_with_nothing(tmp_path: Path) -> None:
    search = opened([], tmp_path, build(tmp_path, [], NONE, dimension=DIMENSION))
    assert len(search) == 0
    assert search.search(QUERIES[0], 3).ids.tolist() == [[-1, -1, -1]]
    assert search.search(QUERIES[0], 3, allowed=np.arange(4)).exact
    assert search.vectors_of(NONE).shape == (0, DIMENSION)


def test_a_library_of_which_all_is_removed_answers_with_nothing(segments: list[Segment], tmp_path: Path) -> None:
    search = opened(segments, tmp_path, None, removed=np.arange(MANY))
    assert len(search) == 0
    assert search.search(QUERIES[0], 2).ids.tolist() == [[-1, -1]]


def test_vectors_of_removed_and_unknown_ids_are_refused(segments: list[Segment], tmp_path: Path) -> None:
    search = opened(segments, tmp_path, None, removed=np.array([4]))
    assert np.array_equal(search.vectors_of(np.array([19_999, 3])), VECTORS[[19_999, 3]])
    with pytest.raises(InvalidInput, match="there is no vector of 4, 20000"):
        search.vectors_of(np.array([3, 4, 20_000]))


# ---------------------------------------------------------------------- opening
def test_an_unknown_kind_is_refused_and_a_near_one_named(segments: list[Segment], tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'ivf-sq8'"):
        VectorSearch.open(tmp_path, segments, dimension=DIMENSION, kind="ivf-sq")


def test_another_dimension_than_that_of_the_files_is_told(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]]
) -> None:
    with pytest.raises(InvalidInput, match="is 64, and the index has 32"):
        VectorSearch.open(built["fp16"][0], segments, dimension=64, ann=built["fp16"][1])
    with pytest.raises(InvalidInput, match=r"dimension: is 64, and the vectors in .* have 32 numbers"):
        VectorSearch.open(built["fp16"][0], segments, dimension=64)


def test_a_kind_can_be_asked_for(segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]]) -> None:
    folder, record = built["ivf-sq8"]
    flat = VectorSearch.open(folder, segments, dimension=DIMENSION, ann=record, kind="flat")
    assert (flat.kind, flat.search(QUERIES[0], 3).exact) == ("flat", True)
    other = VectorSearch.open(folder, segments, dimension=DIMENSION, ann=record, kind="fp16")
    assert (other.kind, other.note) == ("flat", "the index is of the kind ivf-sq8, not fp16: everything is compared")


def test_an_index_of_other_segments_is_never_searched(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], tmp_path: Path
) -> None:
    """Row numbers that mean other vectors give unrelated pictures, and nothing would notice."""
    other = segments_of(tmp_path, VECTORS[::-1].copy())
    search = opened(other, *built["ivf-sq8"])
    assert search.kind == "flat"
    assert "other segments" in search.note
    assert np.array_equal(
        search.vectors_of(search.search(QUERIES[0], 1).ids[0])[0],
        VECTORS[brute(VECTORS, np.arange(MANY), QUERIES[:1], 1)[0][0, 0]],
    )


def test_the_order_in_which_segments_are_named_does_not_matter(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]]
) -> None:
    found = opened(segments[::-1], *built["ivf-sq8"]).search(QUERIES, 10)
    assert recall(found.ids, brute(VECTORS, np.arange(MANY), QUERIES, 10)[0]) >= 0.98


@pytest.mark.parametrize("kind", ["segment", *APPROXIMATE])
def test_a_flipped_byte_is_found_before_anything_is_searched(tmp_path: Path, kind: str) -> None:
    segments = segments_of(tmp_path, VECTORS[:2000], 2)
    record = None if kind == "segment" else build(tmp_path, segments, NONE, kind=kind, dimension=DIMENSION)
    damaged = segments[1].path if record is None else tmp_path / str(record.file)
    opened(segments, tmp_path, record)  # sound so far, and this process knows it
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2 + 1] ^= 0x40
    damaged.write_bytes(data)
    with pytest.raises(CorruptArtifact, match=r"verify\(repair=True\)") as told:
        opened(segments, tmp_path, record)
    assert str(damaged) in told.value.message


@pytest.mark.parametrize("kind", ["segment", *APPROXIMATE])
def test_a_cut_file_is_found(tmp_path: Path, kind: str) -> None:
    segments = segments_of(tmp_path, VECTORS[:2000], 2)
    record = None if kind == "segment" else build(tmp_path, segments, NONE, kind=kind, dimension=DIMENSION)
    damaged = segments[1].path if record is None else tmp_path / str(record.file)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(CorruptArtifact, match=damaged.name):
        opened(segments, tmp_path, record)


def test_an_index_that_finds_too_little_says_so(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]]
) -> None:
    folder, record = built["ivf-pq"]
    poor = replace(record, parameters={**record.parameters, "recall": 0.91})
    assert opened(segments, folder, poor).note == "the index finds 91% of the true ten nearest"


def test_an_index_whose_file_is_gone_is_done_without(
    segments: list[Segment], built: dict[str, tuple[Path, AnnRecord]], tmp_path: Path
) -> None:
    search = opened(segments, tmp_path, built["ivf-sq8"][1])
    assert "is gone" in search.note
    assert search.search(QUERIES[0], 3).exact


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[Segment]:
    """More than 64 MB, which are not hashed whole whenever they are opened."""
    luck = np.random.default_rng(4)
    vectors = unit(luck.standard_normal((9000, 2048), dtype=np.float32))
    return [write_segment(tmp_path_factory.mktemp("large"), 1, np.arange(9000), vectors)]


def test_what_is_large_is_looked_at_in_samples_and_wholly_by_verify(large: list[Segment], tmp_path: Path) -> None:
    """Each change but the last is seen on opening; the last only by reading everything, as the documentation says."""
    (segment,) = large
    whole = segment.path.read_bytes()
    (tmp_path / "1.ids.npy").write_bytes(segment.ids_path.read_bytes())
    copy = Segment.from_plain(segment.to_plain(), tmp_path)
    half = len(whole) // 2
    for seen, damaged in (
        (True, whole[:-1]),
        (True, whole[:half] + bytes(len(whole) - half)),
        (True, whole[: len(whole) - 1] + bytes([whole[-1] ^ 1])),
        (False, whole[: half + 5] + bytes([whole[half + 5] ^ 1]) + whole[half + 6 :]),
    ):
        copy.path.write_bytes(damaged)
        if seen:
            with pytest.raises(CorruptArtifact, match=r"1\.npy"):
                VectorSearch.open(tmp_path, [copy], dimension=2048)
        else:
            VectorSearch.open(tmp_path, [copy], dimension=2048)
            assert len(faults_of(copy, 2048)) == 1


def test_what_is_large_stays_on_disk_and_is_searched_without_a_copy(large: list[Segment], tmp_path: Path) -> None:
    removed = np.array([17, 4000])
    search = VectorSearch.open(tmp_path, large, dimension=2048, removed=removed)
    vectors = large[0].vectors(2048)
    assert search.search(vectors[16], 1).ids.tolist() == [[16]]
    assert search.search(vectors[17], 1).ids.tolist() != [[17]]
    assert len(search) == 8998

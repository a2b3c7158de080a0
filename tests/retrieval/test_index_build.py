"""Building an index: the kind by size, one at a time, swapped under those who read."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from imagegen_kit.errors import StoreError, UnknownName
from imagegen_kit.retrieval.index import KINDS, AnnRecord, VectorSearch, build, kind_for
from imagegen_kit.retrieval.index.kinds import cells_for
from tests.retrieval.vectors import DIMENSION, NONE, brute, clustered, recall, segments_of

VECTORS = clustered(3000)
QUERIES = clustered(20, seed=5)


@pytest.mark.parametrize(
    ("count", "kind"),
    [
        (0, "flat"),
        (50_000, "flat"),
        (50_001, "fp16"),
        (300_001, "ivf-sq8"),
        (1_000_000, "ivf-sq8"),
        (5_000_001, "ivf-pq"),
    ],
)
def test_the_kind_follows_the_size(count: int, kind: str) -> None:
    assert kind_for(count) == kind


def test_a_kind_that_is_given_holds_from_a_thousand_vectors_on() -> None:
    assert [kind_for(1000, kind) for kind in KINDS] == list(KINDS)
    assert kind_for(999, "ivf-pq") == "flat"
    with pytest.raises(UnknownName, match="hnsw"):
        kind_for(10, "hnsw")


@pytest.mark.parametrize(
    ("count", "cells"), [(1000, 25), (20_000, 500), (90_000, 1200), (1_000_000, 4000), (4_000_000, 4096)]
)
def test_the_number_of_cells_follows_the_size(count: int, cells: int) -> None:
    assert cells_for(count) == min(cells, count // 40)


def test_a_small_library_needs_no_file(tmp_path: Path) -> None:
    segments = segments_of(tmp_path / "v", VECTORS)
    record = build(tmp_path / "i", segments, NONE, dimension=DIMENSION)
    assert (record.file, record.kind) == (None, "flat")
    assert [p.suffix for p in (tmp_path / "i").iterdir()] in ([], [".lock"])
    assert VectorSearch.open(tmp_path / "i", segments, dimension=DIMENSION, ann=record).search(QUERIES, 3).exact


@pytest.mark.parametrize("kind", ["fp16", "ivf-sq8", "ivf-pq"])
def test_a_record_survives_its_manifest(tmp_path: Path, kind: str) -> None:
    segments = segments_of(tmp_path, VECTORS)
    record = build(tmp_path, segments, np.arange(0, 3000, 7), kind=kind, dimension=DIMENSION)
    assert AnnRecord.from_plain(json.loads(json.dumps(record.to_plain()))) == record
    assert (record.kind, record.rows, record.dimension) == (kind, 3000, DIMENSION)
    assert record.size == (tmp_path / str(record.file)).stat().st_size


@pytest.mark.parametrize("kind", ["fp16", "ivf-sq8", "ivf-pq"])
def test_an_index_built_after_removals_finds_the_rest(tmp_path: Path, kind: str) -> None:
    removed = np.arange(0, 3000, 3)
    segments = segments_of(tmp_path, VECTORS)
    record = build(tmp_path, segments, removed, kind=kind, dimension=DIMENSION)
    kept = np.setdiff1d(np.arange(3000), removed)
    found = VectorSearch.open(tmp_path, segments, dimension=DIMENSION, removed=removed, ann=record).search(QUERIES, 10)
    assert recall(found.ids, brute(VECTORS[kept], kept, QUERIES, 10)[0]) >= 0.98


def test_an_ivf_index_tells_the_recall_that_was_measured(tmp_path: Path) -> None:
    record = build(tmp_path, segments_of(tmp_path, VECTORS), NONE, kind="ivf-sq8", dimension=DIMENSION)
    assert record.parameters["recall"] >= 0.98
    assert record.parameters["cells"] == 75


def test_the_same_vectors_make_the_same_index(tmp_path: Path) -> None:
    segments = segments_of(tmp_path, VECTORS)
    first, second = (build(tmp_path / name, segments, NONE, kind="ivf-sq8", dimension=DIMENSION) for name in "ab")
    assert first.sha256 == second.sha256


def test_one_process_at_a_time_builds(tmp_path: Path) -> None:
    segments = segments_of(tmp_path, VECTORS)
    with FileLock(tmp_path / "index.lock"), pytest.raises(StoreError, match="another process is building"):
        build(tmp_path, segments, NONE, kind="fp16", dimension=DIMENSION)


def test_the_last_index_but_one_stays_and_older_ones_go(tmp_path: Path) -> None:
    """A reader may just be opening what the manifest named a moment ago."""
    segments = segments_of(tmp_path / "v", VECTORS)
    records = [build(tmp_path, segments, NONE, kind="fp16", dimension=DIMENSION) for _ in range(4)]
    assert [r.file for r in records[-2:]] == ["index-000003.faiss", "index-000004.faiss"]
    assert sorted(p.name for p in tmp_path.glob("*.faiss")) == ["index-000003.faiss", "index-000004.faiss"]


def test_a_library_that_became_small_keeps_no_index(tmp_path: Path) -> None:
    segments = segments_of(tmp_path / "v", VECTORS)
    before = build(tmp_path, segments, NONE, kind="fp16", dimension=DIMENSION)
    assert build(tmp_path, segments[:1], NONE, kind="fp16", dimension=DIMENSION).kind == "flat"
    assert list(tmp_path.glob("*.faiss")) == []
    late = VectorSearch.open(tmp_path, segments, dimension=DIMENSION, ann=before)  # it still read the old manifest
    assert "is gone" in late.note
    assert late.search(QUERIES, 3).exact


def test_what_a_killed_builder_left_is_cleaned_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".writing-0123456789abcdef.faiss").write_bytes(b"half an index")
    build(tmp_path, segments_of(tmp_path / "v", VECTORS), NONE, kind="fp16", dimension=DIMENSION)
    assert [p.name for p in tmp_path.glob("*.faiss")] == ["index-000001.faiss"]
    assert not list(tmp_path.glob(".writing-*"))


@pytest.mark.parametrize("kind", ["fp16", "ivf-sq8"])
def test_readers_go_on_while_the_index_is_swapped_and_grows(tmp_path: Path, kind: str) -> None:
    segments = segments_of(tmp_path / "v", VECTORS, 6)
    wanted = brute(VECTORS[:2000], np.arange(2000), QUERIES, 10)[0]
    record = build(tmp_path, segments[:4], NONE, kind=kind, dimension=DIMENSION)
    old = VectorSearch.open(tmp_path, segments[:4], dimension=DIMENSION, ann=record)
    done, worst = threading.Event(), [1.0]

    def read() -> None:
        while not done.is_set():
            worst.append(recall(old.search(QUERIES, 10).ids, wanted))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        record = build(tmp_path, segments, NONE, kind=kind, dimension=DIMENSION)
        fresh = VectorSearch.open(tmp_path, segments, dimension=DIMENSION, ann=record)
        assert recall(fresh.search(QUERIES, 10).ids, brute(VECTORS, np.arange(3000), QUERIES, 10)[0]) >= 0.98
    done.set()
    for reader in readers:
        reader.join()
    assert not (tmp_path / "index-000001.faiss").exists()
    assert len(worst) > 2
    assert min(worst) >= 0.98

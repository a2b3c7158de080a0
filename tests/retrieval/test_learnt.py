"""What a library's own captions teach about pictures without one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.embedders.offline import OfflineEmbedder
from imagegen_kit.retrieval.learnt import LearntMap

ROOT = Path(__file__).parents[2] / "data/references"
LINES = [json.loads(line) for line in (ROOT / "library.jsonl").read_text(encoding="utf-8").splitlines()]
HIDDEN = np.arange(0, len(LINES), 4)  # their captions are not told


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return OfflineEmbedder().embed_images([Image.open(ROOT / line["path"]) for line in LINES])


@pytest.fixture(scope="module")
def learnt(vectors: np.ndarray) -> LearntMap:
    told = [
        {} if i % 4 == 0 else {"name": line["name"], "caption": line["caption"], "tags": line["tags"]}
        for i, line in enumerate(LINES)
    ]
    found = LearntMap.fit(told, vectors, np.arange(len(LINES)) + 100)
    assert found is not None
    return found


def test_pictures_without_a_caption_are_found_better_than_by_chance(learnt: LearntMap) -> None:
    words = ["tree", "house", "car", "man", "woman", "night", "sky", "dog", "flower", "beach", "person", "food"]
    hits, share = 0.0, 0.0
    for word in words:
        right = {100 + i for i in HIDDEN if word in LINES[i]["tags"]}
        found, _ = learnt.search(word, 5, allowed=HIDDEN + 100)
        hits += len(right & set(found.tolist())) / 5
        share += len(right) / len(HIDDEN)
    assert hits > 2 * share


def test_scores_are_between_0_and_1_and_best_first(learnt: LearntMap) -> None:
    numbers, scores = learnt.search("a red car", 20)
    assert set(numbers.tolist()) <= set(range(100, 100 + len(LINES)))
    assert (np.diff(scores) <= 0).all()
    assert 0 < scores.min() <= scores.max() <= 1 + 1e-6


def test_texts_become_vectors_of_the_pictures_space(learnt: LearntMap, vectors: np.ndarray) -> None:
    made = learnt.embed_texts(["a red car", "", "xqzj"])
    assert made.shape == (3, vectors.shape[1])
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)


def test_unknown_words_find_nothing(learnt: LearntMap) -> None:
    assert learnt.knows("cars")
    assert not learnt.knows("xqzj")
    assert learnt.search("xqzj", 5)[0].size == 0


def test_it_says_what_it_is(learnt: LearntMap) -> None:
    assert f"from {len(LINES) - len(HIDDEN)} captions of this library" in learnt.label


def test_too_few_captions_teach_nothing(vectors: np.ndarray) -> None:
    named = [{"name": line["name"], "folder": "pictures"} for line in LINES]
    assert LearntMap.fit(named, vectors) is None
    assert LearntMap.fit([{"caption": line["caption"]} for line in LINES[:39]], vectors[:39]) is None
    assert LearntMap.fit([], np.zeros((0, 5), dtype=np.float32)) is None
    assert LearntMap.fit([{"caption": "the"}] * 60, vectors[:60]) is None


def test_it_is_the_same_after_a_round_trip_to_disk(learnt: LearntMap, tmp_path: Path) -> None:
    learnt.save(tmp_path / "learnt")
    again = LearntMap.load(tmp_path / "learnt")
    assert again.label == learnt.label
    assert np.array_equal(again.embed_texts(["a cat"]), learnt.embed_texts(["a cat"]))
    assert again.search("cat", 5)[0].tolist() == learnt.search("cat", 5)[0].tolist()


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "learnt").write_bytes(b"not a zip")
    with pytest.raises(StoreError, match="Delete the file"):
        LearntMap.load(tmp_path / "learnt")


def test_lengths_that_differ_are_refused(vectors: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="one of each"):
        LearntMap.fit([{"caption": "a cat"}], vectors[:2])

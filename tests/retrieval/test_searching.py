"""Searching a real library of the shipped references, from the folder to the hit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.library import Library
from imagegen_kit.testing.contracts import RetrieverContract

REFERENCES = Path(__file__).parents[2] / "data" / "references"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = Library.open(tmp_path_factory.mktemp("shipped"))
    lines = (REFERENCES / "library.jsonl").read_text(encoding="utf-8").splitlines()
    some = [json.loads(line) for line in lines]
    some = [one for place, one in enumerate(some) if place < 70 or one["id"] in ("owl", "moon-crescent")]
    keys = ("id", "role", "name", "caption", "tags")
    library.add([{"path": REFERENCES / one["path"], **{k: one[k] for k in keys}} for one in some])
    yield library
    library.close()


def test_words_find_a_reference(shipped: Library) -> None:
    hits = shipped.search("a siamese cat")
    assert hits.ids[0] == "cat-siamese"
    assert hits[0].role == "character"
    assert "text" in hits.explain().channels


def test_a_reference_finds_itself_and_its_mirror_image_finds_it(shipped: Library) -> None:
    for id in ("cat-siamese", "owl", "moon-crescent"):
        reference = shipped.get(id)
        hits = shipped.search(image=reference)
        assert (hits.ids[0], hits.scores[0]) == (id, pytest.approx(1.0, abs=1e-4))
        mirrored = shipped.search(image=ImageOps.mirror(Image.open(str(reference.picture.path)).convert("RGBA")))
        assert mirrored.ids[0] == id


def test_more_like_this_is_the_rest_of_the_hits(shipped: Library) -> None:
    hits = shipped.search("cat", image=shipped.get("cat-siamese"), top_k=4)
    assert hits.ids[0] == "cat-siamese"
    assert any("cat" in id for id in hits[1:].ids)


def test_words_filter_and_negative_go_together(shipped: Library) -> None:
    every = shipped.search("cat", top_k=10, where={"role": "character"})
    assert set(every.table()["role"]) == {"character"}
    without = shipped.search("cat", top_k=10, where={"role": "character"}, negative="siamese")
    assert "cat-siamese" in every.ids
    assert "cat-siamese" not in without.ids


def test_what_was_learnt_from_captions_is_said_to_be(shipped: Library) -> None:
    why = shipped.search("a cat").explain()
    assert "text_to_image" in why.channels
    assert "learnt from" in " ".join(why.notes)


def test_a_copy_of_a_reference_is_left_out(shipped: Library, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "copies")
    original = Image.open(str(shipped.get("cat-siamese").picture.path)).convert("RGBA")
    library.add(original, id="original", name="siamese cat")
    library.add(original.resize((original.width // 2, original.height // 2)), id="half", name="siamese cat, small")
    library.add(str(shipped.get("owl").picture.path), id="owl", name="owl")
    assert library.search(image=original, top_k=3).ids == ["original", "owl"]
    assert set(library.search(image=original, top_k=3, dedup=False).ids) == {"original", "half", "owl"}
    library.close()


def test_the_names_of_references_are_found_again(shipped: Library) -> None:
    queries = [{"text": item.name, "relevant": item.id} for item in shipped.items(shipped.numbers()[::2])]
    result = shipped.evaluate(queries, top_k=10)
    summary = result.summary().set_index("measure")
    assert summary.loc["mrr@10", "mean"] > 0.9
    words_alone = shipped.evaluate(queries, top_k=10, weights={"text": 1})
    difference = result.compare(words_alone).set_index("measure").loc["mrr@10"]
    assert difference["high"] >= 0  # what was learnt does not spoil what the words say
    assert result.index_recall == 1.0


def test_an_empty_library_and_an_unknown_filter_are_told(tmp_path: Path, shipped: Library) -> None:
    with closing(Library.open(tmp_path / "none")) as empty, pytest.raises(InvalidInput, match="holds no pictures"):
        empty.search("cat")
    with pytest.raises(InvalidInput, match="where"):
        shipped.search("cat", where={"rolle": "character"})


class TestHybrid(RetrieverContract):
    retriever = "hybrid"

"""What a search answers: references with scores, a table, the reasons, and a strip of pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imagegen_kit.retrieval.retrievers import Hits, search
from imagegen_kit.types import Reference
from tests.retrieval.small_library import SmallLibrary, shape


def test_hits_are_references_with_scores(small: SmallLibrary) -> None:
    hits = search(small, "red ball")
    first = hits[0]
    assert isinstance(first, Reference)
    assert (first.origin, first.name, first.role) == ("ball-red", "red ball", "content")
    assert first.score == hits.scores[0]
    assert 0 < first.score <= 1
    assert (first.picture.width, first.picture.height, first.picture.format) == (64, 64, "png")
    assert [r.origin for r in hits] == hits.ids == [item.id for item in hits.items]


def test_a_reference_is_made_without_reading_its_file(small: SmallLibrary) -> None:
    (small.path / "ball-red.png").unlink()
    assert search(small, "red ball")[0].origin == "ball-red"


def test_a_slice_keeps_its_ranks(small: SmallLibrary) -> None:
    hits = search(small, image=shape("red"), top_k=5)
    rest = hits[1:3]
    assert isinstance(rest, Hits)
    assert rest.ids == hits.ids[1:3]
    assert rest.table()["rank"].tolist() == [2, 3]
    assert rest.explain().channels == hits.explain().channels
    assert hits[-1].origin == hits.ids[-1]
    with pytest.raises(IndexError):
        hits[5]


def test_the_table_has_a_column_for_each_channels_score_and_rank(small: SmallLibrary) -> None:
    table = search(small, "ball", image=shape("red"), top_k=6, dedup=False).table()
    assert list(table) == [
        *("rank", "id", "name", "role", "caption", "score"),
        *("text_score", "text_rank", "image_score", "image_rank", "path"),
    ]
    boxes = table[table["id"].str.startswith("box")]
    assert boxes["text_rank"].isna().all()  # no word of theirs was asked for
    assert boxes["image_rank"].notna().all()
    both = table[table["text_score"].notna()]
    assert both["score"].tolist() == pytest.approx(((both["text_score"] + 0.25 * both["image_score"]) / 1.25).tolist())
    assert Path(table.loc[0, "path"]).is_file()


def test_an_empty_table_has_the_same_kinds_of_columns(small: SmallLibrary) -> None:
    full, empty = search(small, "ball").table(), search(small, "zebra").table()
    assert len(empty) == 0
    assert dict(full.dtypes) == dict(empty.dtypes)


def test_the_explanation_says_who_how_and_how_fast(small: SmallLibrary) -> None:
    why = search(small, "ball", image=shape("red"), where={"role": "content"}).explain()
    assert (why.retriever, why.embedder, why.fingerprint) == ("hybrid", "colours", small.embedder.fingerprint)
    assert (why.items, why.kept, why.share) == (10, 8, 0.8)
    assert why.channels == {"text": "exact", "image": "exact"}
    assert set(why.ms) == {"where", "embed", "text", "image", "neighbours", "fuse", "rows", "total"}
    assert all(ms >= 0 for ms in why.ms.values())
    assert why.ms["total"] >= sum(ms for stage, ms in why.ms.items() if stage != "total")
    assert "8 of 10 items (80.0%)" in str(why)
    assert repr(why) == "Explanation(hybrid: text exact, image exact; 3 hits)"


def test_one_line_of_text_is_the_same_every_time(small: SmallLibrary) -> None:
    assert repr(search(small, "red ball")) == "3 hits: red ball 0.66, green ball 0.51, blue ball 0.51"
    assert repr(search(small, "ball")[:1]) == "1 hit: green ball 0.51"
    assert repr(search(small, "zebra")) == "0 hits"
    assert repr(search(small, image=shape("red"), top_k=4)).endswith(", …")


def test_hits_show_themselves_as_a_strip(small: SmallLibrary) -> None:
    html = search(small, image=shape("red"), top_k=3)._repr_html_()
    assert html is not None
    assert html.count("<img ") == 3
    assert "red ball" in html
    assert "score 1.00" in html


def test_foreign_words_are_escaped(small: SmallLibrary) -> None:
    small.add(shape("pink", "black"), "evil", name="<script>alert(1)</script>", caption='pink "><img onerror=x>')
    hits = search(small, "pink")
    for html in (hits._repr_html_(), hits.explain()._repr_html_()):
        assert html is not None
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_a_picture_that_is_gone_leaves_a_notice(small: SmallLibrary) -> None:
    (small.path / "ball-red.png").unlink()
    html = search(small, "red ball", top_k=1)._repr_html_()
    assert html is not None
    assert "cannot be shown" in html


def test_no_hits_say_why(small: SmallLibrary) -> None:
    html = search(small, "ball", where={"role": "mask"})._repr_html_()
    assert html is not None
    assert re.search("0 hits.*lets no item through", html, re.S)


def test_the_explanation_shows_itself(small: SmallLibrary) -> None:
    html = search(small, "ball", image=shape("red"))._repr_html_()
    why = search(small, "ball", image=shape("red"), top_k=8, dedup=False).explain()._repr_html_()
    assert html
    assert why is not None
    assert "text exact, image exact" in why
    assert "–" in why  # a channel that did not find an item

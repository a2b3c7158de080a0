"""What is asked of a library is checked at once, all faults together, and words are never opened."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.retrieval.retrievers import search
from imagegen_kit.retrieval.retrievers.briefs import brief_of
from imagegen_kit.types import Reference
from tests.retrieval.small_library import SmallLibrary, shape


def faults(small: SmallLibrary, *words: Any, **arguments: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        search(small, *words, **arguments)
    return str(caught.value)


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("nothing", [{}, {"text": ""}, {"text": "  \n"}, {"image": []}, {"negative": "photo"}], ids=str)
def test_asking_nothing_is_refused(small: SmallLibrary, nothing: dict[str, Any]) -> None:
    assert "nothing is asked" in faults(small, **nothing)


def test_everything_wrong_is_said_at_once(small: SmallLibrary) -> None:
    said = faults(
        small,
        3,
        image="missing.png",
        vector=[1.0, 2.0],
        weights={"words": 1, "text": -1},
        where={"colour": "red"},
        top_k=-1,
        diversity=2,
        dedup="no",
        min_score={"text": 5},
        retriever="hibrid",
    )
    for part in ("text:", "image:", "vector:", "'words'", "weights['text']", "'colour'", "top_k", "diversity", "dedup"):
        assert part in said
    assert "min_score['text']" in said
    assert "'hybrid'" in said  # the near name


@pytest.mark.parametrize("wrong", [-1, 1.5, "3", None, True, float("nan")], ids=str)
def test_top_k_is_a_whole_number(small: SmallLibrary, wrong: Any) -> None:
    assert "top_k" in faults(small, "ball", top_k=wrong)


def test_more_than_there_are_gives_all_there_are(small: SmallLibrary) -> None:
    assert len(search(small, image=shape("red"), top_k=10_000, dedup=False)) == len(small)


def test_none_is_none(small: SmallLibrary) -> None:
    assert list(search(small, "ball", top_k=0)) == []


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        (np.zeros(80), "all zeros"),
        (np.full(80, np.nan), "NaN"),
        (np.r_[np.inf, np.zeros(79)], "infinite"),
        (np.ones(79), "(79,)"),
        (np.ones((2, 80)), "(2, 80)"),
        (["a", "b"], "no numbers"),
        (object(), "no numbers"),
    ],
    ids=["zeros", "nan", "inf", "short", "two", "words", "object"],
)
def test_a_vector_that_cannot_be_one_is_refused(small: SmallLibrary, vector: Any, said: str) -> None:
    assert said in faults(small, vector=vector)


def test_a_vector_of_any_length_points_the_same_way(small: SmallLibrary) -> None:
    (vector,) = small.embedder.embed_images([shape("red")])
    plain, long = search(small, vector=vector), search(small, vector=[float(v) * 7 for v in vector])
    assert plain.ids == long.ids
    assert plain.scores == pytest.approx(long.scores, abs=1e-6)
    assert search(small, vector=vector[None, :]).ids == plain.ids


def test_a_vector_takes_the_place_of_pictures(small: SmallLibrary) -> None:
    assert "place of `image`" in faults(small, vector=np.ones(80), image=shape("red"))


def test_pictures_come_as_whatever_holds_one(small: SmallLibrary, tmp_path: Path) -> None:
    data = png(shape("red"))
    path = tmp_path / "mine.png"
    path.write_bytes(data)
    picture = Picture.from_bytes(data)
    given = [
        path,
        str(path),
        data,
        shape("red"),
        np.asarray(shape("red")),
        picture,
        Reference(picture),
        [path],
        (data,),
    ]
    assert {tuple(search(small, image=one).ids) for one in given} == {("ball-red", "box-red", "box-blue")}


def test_hits_can_be_asked_with_again(small: SmallLibrary) -> None:
    hits = search(small, "blue ball")
    assert search(small, image=hits[0]).ids[0] == "ball-blue"
    assert len(search(small, image=hits)) == 3


def test_each_picture_that_cannot_be_read_is_named(small: SmallLibrary, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(png(shape("red"))[:60])
    film = io.BytesIO()
    shape("red").save(film, "WEBP", save_all=True, append_images=[shape("blue")])
    given = [shape("red"), tmp_path / "cut.png", "gone.png", 7, film.getvalue(), {"path": "x"}]
    said = faults(small, image=given)
    assert all(f"image[{place}]" in said for place in range(1, 6))
    assert "image[0]" not in said
    assert "animated" in said


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_pictures_of_any_mode_are_looked_at(small: SmallLibrary, mode: str) -> None:
    image = Image.new("I;16", (40, 30), 30_000) if mode == "I;16" else shape("red").convert(mode)
    assert len(search(small, image=image)) == 3


def test_a_huge_picture_is_refused_in_plain_words(small: SmallLibrary) -> None:
    assert "megapixels" in faults(small, image=Image.new("1", (20_000, 20_000)))


@pytest.mark.parametrize("scheme", ["", "file://", "http://127.0.0.1:9/", "https://"])
def test_words_that_look_like_a_path_or_an_address_are_words(small: SmallLibrary, scheme: str, tmp_path: Path) -> None:
    inside = tmp_path / "ball-red.png"
    inside.write_bytes(png(shape("black")))
    hits = search(small, f"{scheme}{inside}")
    assert hits.ids[0] == "ball-red"  # by its words
    assert "image" not in hits.explain().channels
    assert search(small, "ball", negative=f"{scheme}/photo.png").ids  # the negative too


def test_words_of_any_kind_are_searched(small: SmallLibrary) -> None:
    for text in ("'; drop table items; --", "\x00", "\ud800 ball", "ball " * 5000, "🙂", '"ball" AND (red', "%_*?"):
        assert isinstance(search(small, text).ids, list)
    assert "letters" in faults(small, "x" * 200_000)


def test_a_brief_says_what_was_asked(small: SmallLibrary) -> None:
    brief = brief_of(small, " red ", negative=["photo", shape("blue"), "night"], where={})  # type: ignore[arg-type]
    assert (brief.text, brief.negative, brief.where, brief.top_k) == ("red", "photo, night", None, 3)
    assert [image.size for image in brief.negative_images] == [(64, 64)]


def test_an_empty_library_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no pictures"):
        search(SmallLibrary(tmp_path), "ball")  # type: ignore[arg-type]

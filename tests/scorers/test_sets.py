"""Duplicates and diversity: what only a set of pictures can have."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen_kit.retrieval.embedders.offline import OfflineEmbedder, unit
from imagegen_kit.scorers.diversity import vendi_score
from tests.scorers import pictures as p

if TYPE_CHECKING:
    from PIL import Image

DIFFERENT = [p.landscape(seed) for seed in (1, 2, 5, 6)]


def of_set(name: str, measure: str, *images: Image.Image | bytes) -> list[float]:
    return [p.value(found[measure]) for found in p.measured(name, *(p.subject(image) for image in images))]


@pytest.mark.parametrize(
    "copy",
    [p.landscape(1), p.jpeg_bytes(p.landscape(1), 70), p.landscape(1).resize((300, 300)), p.noisy(p.landscape(1), 4)],
    ids=["same", "jpeg", "smaller", "grain"],
)
def test_the_same_picture_again_is_a_duplicate_whatever_its_format_and_size(copy: Image.Image | bytes) -> None:
    assert of_set("duplicates", "", *DIFFERENT, copy) == [1, 0, 0, 0, 1]


def test_pictures_that_differ_are_none() -> None:
    assert of_set("duplicates", "", *DIFFERENT, p.sketch()) == [0] * 5
    assert min(of_set("duplicates", "distance", *DIFFERENT, p.sketch())) > 6


def test_each_copy_counts_and_the_nearest_is_named() -> None:
    subjects = [
        p.subject(image) for image in (p.landscape(1), p.landscape(1).resize((256, 256)), p.noisy(p.landscape(1), 6))
    ]
    found = p.measured("duplicates", *subjects, p.subject(p.landscape(2)))
    assert [f[""].value for f in found] == [2, 2, 2, 0]
    others = {s.picture.sha256[:12] for s in subjects[1:]}
    assert set(found[0][""].details["copies"]) == others
    assert found[0]["distance"].details["nearest"] in others


def test_the_farther_a_copy_is_changed_the_farther_it_is() -> None:
    changed = [p.blurred(p.landscape(1), 1), p.noisy(p.landscape(1), 90), p.landscape(1).rotate(9), p.sketch()]
    values = [of_set("duplicates", "distance", p.landscape(1), image)[0] for image in changed]
    assert values == sorted(values)
    assert values[0] < values[-1]


@pytest.mark.parametrize("measure", ["", "vendi"])
def test_a_set_of_equal_pictures_is_less_diverse_than_one_of_different_ones(measure: str) -> None:
    alike = [p.noisy(p.landscape(1), spread) for spread in (0, 2, 4, 6)]
    mixed = [*alike[:2], *DIFFERENT[1:3]]
    means = [float(np.mean(of_set("diversity", measure, *images))) for images in (alike, mixed, DIFFERENT)]
    assert means[0] < means[1] < means[2], means


def test_the_mean_over_a_set_is_that_of_all_its_pairs() -> None:
    rows = OfflineEmbedder().embed_images(DIFFERENT)
    pairs = [1 - float(rows[i] @ rows[j]) for i in range(4) for j in range(i)]
    assert np.mean(of_set("diversity", "", *DIFFERENT)) == pytest.approx(np.mean(pairs), abs=1e-5)


@pytest.mark.parametrize("name", ["diversity", "duplicates"])
def test_a_picture_alone_has_neither(name: str) -> None:
    (found,) = p.measured(name, p.subject(p.landscape(1)))
    assert {m.reason for m in found.values()} == {"is the only picture of its set"}


def test_the_order_of_a_set_changes_nothing_but_the_order() -> None:
    forth = of_set("diversity", "", *DIFFERENT)
    assert of_set("diversity", "", *DIFFERENT[::-1]) == pytest.approx(forth[::-1])


@pytest.mark.parametrize("groups", [1, 2, 5])
def test_the_vendi_score_of_groups_of_equal_things_is_how_many_groups_there_are(groups: int) -> None:
    likeness = np.kron(np.eye(groups), np.ones((3, 3)))
    assert vendi_score(likeness) == pytest.approx(groups)


@given(st.integers(2, 12), st.integers(1, 20), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_the_vendi_score_is_between_one_and_how_many_there_are(count: int, dimension: int, seed: int) -> None:
    rows = unit(np.random.default_rng(seed).normal(size=(count, dimension))).astype(np.float64)
    score = vendi_score(rows @ rows.T)
    assert 1 <= score <= count
    assert score <= dimension + 1e-5


@pytest.mark.parametrize("name", ["diversity", "duplicates"])
def test_every_number_is_in_its_range_or_has_a_reason(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = p.measured(name, *(p.subject(image) for image in p.EDGE_CASES.values()))
    for one in found:
        p.check_honest(p.spec(name), one)

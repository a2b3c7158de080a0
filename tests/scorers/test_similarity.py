"""A picture beside its reference; without one, beside those that others of its set were given."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.encode import encode
from imagegen_kit.scorers import Measurement, Subject
from imagegen_kit.types import Reference
from tests.scorers import pictures as p


def reference(image: Image.Image, name: str = "", role: str = "content") -> Reference:
    return Reference(ik.Picture.from_bytes(encode(image)), role=role, name=name or None)


HILLS = reference(p.landscape(1), "hills")
LAKE = reference(p.landscape(2), "lake")
DRAWN = reference(p.sketch(), "drawn", role="style")


def given(image: Image.Image, *references: Reference) -> Subject:
    return p.subject(image, references=references)


def compared_with(*subjects: Subject, **options: Any) -> list[Any]:
    return [found[""].details.get("reference") for found in p.measured("similarity", *subjects, **options)]


@pytest.mark.parametrize("measure", ["", "ssim", "ms_ssim", "psnr"])
def test_a_copy_is_the_likest_then_what_is_spoilt_then_another_picture(measure: str) -> None:
    same = p.landscape(1)
    ranked = [p.sketch(), p.noisy(p.blurred(same, 3), 12), p.noisy(same, 12), same]
    values = [p.value(f[measure]) for f in p.measured("similarity", *(given(image, HILLS) for image in ranked))]
    assert all(low < high for low, high in pairwise(values)), values


@pytest.mark.parametrize("change", [p.blurred, p.noisy], ids=["blur", "noise"])
@pytest.mark.parametrize("measure", ["ssim", "ms_ssim", "psnr"])
def test_the_more_a_picture_is_spoilt_the_less_it_is_like(change: Any, measure: str) -> None:
    spoilt = [given(change(p.landscape(1), amount), HILLS) for amount in (0, 2, 5, 12, 30)]
    values = [p.value(found[measure]) for found in p.measured("similarity", *spoilt)]
    assert all(high > low for high, low in pairwise(values)), values


def test_equal_pictures_have_the_highest_values_whatever_their_format() -> None:
    (found,) = p.measured("similarity", given(p.landscape(1).convert("RGBA"), HILLS))
    assert [p.value(found[name]) for name in ("", "ssim", "ms_ssim", "psnr")] == pytest.approx([1, 1, 1, 100])


@pytest.mark.parametrize("side", [200, 400, 1024])
def test_size_changes_little(side: int) -> None:
    scaled = p.landscape(1).resize((side, side), Image.Resampling.LANCZOS)
    (found,) = p.measured("similarity", given(scaled, HILLS))
    assert p.value(found["ssim"]) > 0.95
    assert p.value(found[""]) > 0.98


def test_a_reference_of_another_shape_is_cut_around_its_middle_and_that_is_told() -> None:
    wide = reference(p.landscape(1, 512).crop((0, 100, 512, 356)))
    middle = p.landscape(1, 512).crop((128, 100, 384, 356))
    (found,) = p.measured("similarity", given(middle, wide))
    assert found["ssim"].value == pytest.approx(1, abs=0.01)
    assert found["ssim"].details["aligned"] == "scaled, 50% of the reference cut off at its sides"
    (same,) = p.measured("similarity", given(p.landscape(1), HILLS))
    assert same["ssim"].details == {"size": "256×256", "aligned": "scaled"}


def test_the_first_reference_for_the_content_counts() -> None:
    assert compared_with(given(p.landscape(1), DRAWN, HILLS, LAKE)) == ["hills"]
    assert compared_with(given(p.landscape(1), DRAWN)) == ["drawn"]
    assert compared_with(given(p.landscape(1), DRAWN, HILLS), role="style") == ["drawn"]
    assert compared_with(given(p.landscape(1), HILLS, LAKE), index=1) == ["lake"]


def test_of_several_references_the_likest_is_taken_where_that_is_asked_for() -> None:
    (found,) = p.measured("similarity", given(p.noisy(p.landscape(2), 5), HILLS, LAKE), index="best")
    assert found[""].details["reference"] == "lake"
    hills, lake = found[""].details["cosines"]
    assert hills < lake == pytest.approx(found[""].value, abs=1e-4)


def test_a_picture_without_references_is_compared_with_those_of_its_set() -> None:
    without, with_one, with_two = (given(p.landscape(s), *r) for s, r in [(5, ()), (6, (HILLS,)), (7, (HILLS, LAKE))])
    found = p.measured("similarity", without, with_one, with_two)
    assert [f[""].details["reference"] for f in found] == ["hills"] * 3
    assert [f[""].details["own"] for f in found] == [False, True, True]
    assert compared_with(without, given(p.landscape(6), DRAWN), with_two) == ["hills"] * 3


def test_all_are_compared_with_the_references_of_the_set_where_that_is_asked_for() -> None:
    subjects = [given(p.landscape(5), HILLS), given(p.landscape(6), LAKE)]
    assert compared_with(*subjects) == ["hills", "lake"]
    assert compared_with(*subjects, to="set") == ["hills", "hills"]
    found = p.measured("similarity", *subjects, to="set", index="best")
    assert [len(f[""].details["cosines"]) for f in found] == [2, 2]


def test_pictures_of_the_set_are_lent_to_nobody() -> None:
    """A keyframe is given to the next one as its reference; the first was not made after it."""
    first, second = p.landscape(5), p.landscape(6)
    found = p.measured("similarity", given(first), given(second, reference(first, "keyframe 1")))
    assert found[0][""].reason == "has no reference, nor has any picture of its set"
    assert found[1][""].details["reference"] == "keyframe 1"


def test_masks_are_no_references_to_be_like() -> None:
    mask = reference(p.sketch(), role="mask")
    (found,) = p.measured("similarity", given(p.landscape(1), mask))
    assert {measurement.reason for measurement in found.values()} == {
        "has no reference, nor has any picture of its set"
    }


def test_a_missing_reference_is_told() -> None:
    (found,) = p.measured("similarity", given(p.landscape(1), HILLS), index=2)
    assert found[""].reason == "has only 1 reference(s)"


@pytest.mark.parametrize("kind", ["path", "picture", "reference"])
def test_a_picture_may_be_named_that_all_are_compared_with(kind: str, tmp_path: Any) -> None:
    p.landscape(1).save(tmp_path / "hills.png")
    picture = ik.Picture.open(tmp_path / "hills.png")
    to = {"path": str(tmp_path / "hills.png"), "picture": picture, "reference": Reference(picture)}[kind]
    (found,) = p.measured("similarity", given(p.landscape(1), LAKE), to=to)
    assert found[""].value == pytest.approx(1)
    assert found[""].details["own"] is False
    assert picture.sha256[:12] in p.scorer("similarity", to=to).feature


def test_everything_wrong_with_the_options_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as error:
        p.scorer("similarity", to="refrences", role="hero", index=-1)
    assert [fault.where for fault in error.value.faults] == ["role", "index", "to"]


@pytest.mark.parametrize("case", p.EDGE_CASES)
def test_every_number_is_in_its_range_or_has_a_reason(case: str) -> None:
    image = p.EDGE_CASES[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in p.measured("similarity", given(image, HILLS), given(p.landscape(1), reference(image))):
            p.check_honest(p.spec("similarity"), found)


def test_a_picture_too_narrow_for_windows_says_so() -> None:
    (found,) = p.measured("similarity", given(p.EDGE_CASES["one pixel"], HILLS))
    assert found["ssim"] == Measurement(
        None, "is too narrow: 1×1 pixels, and the shorter side must have 11", details=found["ssim"].details
    )


def test_whether_retrieval_helps_is_one_cell(tmp_path: Any, own_registry: None) -> None:
    """The model paints what it is shown; with top_k=0 it is shown nothing, and is compared with what it would have."""
    ik.configure(store=tmp_path / "store")
    (tmp_path / "refs").mkdir()
    for seed, name in [(1, "green hills"), (2, "red valley"), (3, "blue lake")]:
        p.landscape(seed, 128).save(tmp_path / "refs" / f"{name}.png")
    library = ik.Library.open(tmp_path / "library")
    library.add(tmp_path / "refs")

    @ik.register(model="me/copyist", references=8, version="1")
    def copyist(request: Any) -> Image.Image:
        shown = request.references
        return p.noisy(shown[0].picture.image, 20) if shown else p.landscape(40 + len(request.prompt), 128)

    vary = {"prompt": ["green hills", "red valley", "blue lake"], "top_k": [0, 1, 2]}
    run = ik.Experiment(vary=vary, fixed={"library": library, "model": "me/copyist"}).run(progress=False)
    frame = run.score(["similarity"]).table()
    assert frame["score_similarity"].notna().all()
    means = frame.groupby("top_k")["score_similarity"].mean()
    assert means[0] + 0.2 < means[1] == pytest.approx(means[2])

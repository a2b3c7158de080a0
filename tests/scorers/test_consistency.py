"""Consistency: one figure under changes is known again, a sequence that drifts is seen, and nothing is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps

import imagegen_kit as ik
from imagegen_kit.catalog import find_data
from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.consistency import against, matrix
from imagegen_kit.scorers.consistency.backdrop import unlike_backdrop
from imagegen_kit.scorers.consistency.scorer import ConsistencyScorer
from imagegen_kit.scorers.consistency.sequence import drift, worst_pair
from imagegen_kit.types import ImageRequest, Reference

if TYPE_CHECKING:
    from pathlib import Path


def shipped(name: str) -> Image.Image:
    """A shipped figure on white, with room around it."""
    figure = Image.open(find_data("references") / "pictures" / f"{name}.webp").convert("RGBA")
    figure.thumbnail((300, 300))
    page = Image.new("RGBA", (400, 400), "white")
    page.alpha_composite(figure, (50, 50))
    return flatten(page)


def cut(name: str) -> Image.Image:
    """The figure itself, with everything white around it made transparent."""
    page = np.asarray(shipped(name))
    seen = unlike_backdrop(page)
    return Image.fromarray(np.dstack([page, seen * np.uint8(255)]))


def on(figure: Image.Image, colour: Any) -> Image.Image:
    page = colour if isinstance(colour, Image.Image) else Image.new("RGB", figure.size, colour)
    page = page.convert("RGBA").resize(figure.size)
    page.alpha_composite(figure)
    return flatten(page)


def sunset(size: tuple[int, int] = (400, 400)) -> Image.Image:
    return ImageOps.colorize(Image.linear_gradient("L").resize(size), (250, 180, 90), (80, 90, 200))


def warmer(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(image) * [1.0, 0.9, 0.8], 0, 255).astype(np.uint8))


def scored(*images: Image.Image, feature: Any = "auto", labels: Any = None) -> list[dict[str, Measurement]]:
    subjects = [
        Subject(ik.Picture.from_image(image), labels=labels[place] if labels else None)
        for place, image in enumerate(images)
    ]
    return ConsistencyScorer(feature).score(subjects)  # type: ignore[return-value]


def measure(answers: list[dict[str, Measurement]], name: str = "") -> list[float | None]:
    return [answer[name].value for answer in answers]


# ---------------------------------------------------------------------- what is alike
def test_the_same_figure_comes_before_a_recoloured_one_and_that_before_another_of_its_kind() -> None:
    cat = shipped("cat-siamese")
    table = matrix({"cat": cat, "again": on(cut("cat-siamese"), "#cfe8ff"), "warm": warmer(cat),
                    "other": shipped("cat-grey-lying")})  # fmt: skip
    again, warm, other = table.loc["cat", ["again", "warm", "other"]]
    assert 1 >= again > warm > 0.5 > other


def test_a_mirror_image_is_as_alike_as_the_picture_itself() -> None:
    bear, cat = shipped("bear-brown"), shipped("cat-siamese")
    table = matrix([bear, ImageOps.mirror(bear), cat])
    assert table.loc[1, 2] > 0.99
    assert table.loc[1, 3] == pytest.approx(table.loc[2, 3], abs=1e-3)


def test_a_lean_and_a_lost_side_hardly_matter() -> None:
    bear = shipped("bear-brown")
    leaning = bear.rotate(9, Image.Resampling.BICUBIC, fillcolor="white")
    table = matrix([bear, leaning, bear.crop((90, 0, 400, 400)), shipped("cat-siamese")])
    assert table.loc[1, [2, 3]].min() > 0.7 > 0.1 > table.loc[1, 4]


def test_an_even_or_sloped_background_hardly_matters() -> None:
    bear = cut("bear-brown")
    table = matrix([on(bear, "white"), on(bear, "#223a5e"), on(bear, sunset()), bear])
    assert table.to_numpy().min() > 0.9


def test_a_sloped_background_is_found_and_a_busy_one_is_left_in() -> None:
    page = on(cut("bear-brown"), sunset())
    assert not unlike_backdrop(np.asarray(page))[:40].any()
    noise = np.random.default_rng(1).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    assert unlike_backdrop(noise).all()


def test_the_table_is_symmetric_with_ones_and_says_by_what() -> None:
    table = matrix({"a": shipped("bear-brown"), "b": shipped("cat-siamese"), "blank": Image.new("RGB", (50, 50))})
    assert table.loc["a", "b"] == table.loc["b", "a"]
    assert table.loc["a", "a"] == table.loc["b", "b"] == 1
    assert table.loc["blank"].isna().all()
    assert "drawn" in table.attrs["feature"]


# ---------------------------------------------------------------------- numbers of a set
def test_the_order_of_a_set_changes_no_number_that_is_not_about_order() -> None:
    images = [shipped("bear-brown"), shipped("cat-siamese"), warmer(shipped("bear-brown")), shipped("bee")]
    turned = [2, 0, 3, 1]
    there, back = scored(*images), scored(*(images[place] for place in turned))
    for name in ("", "similarity", "worst"):
        assert measure(back, name) == [measure(there, name)[place] for place in turned]


def test_the_figure_that_is_another_has_the_lowest_percentile_and_is_in_the_worst_pair() -> None:
    bear = shipped("bear-brown")
    labels = [{"prompt": name, "model": "m"} for name in ("walks", "sits", "sleeps")]
    found = scored(bear, warmer(bear), shipped("cat-siamese"), labels=labels)
    percentiles = measure(found)
    assert percentiles[2] < min(percentiles[:2])  # type: ignore[operator,type-var]
    assert "prompt=sleeps" in found[0]["worst"].details["pair"]
    assert np.min(found[0]["worst"].details["matrix"]) == found[0]["worst"].value
    assert "matrix" not in found[1]["worst"].details
    assert "turns in space" in found[0][""].details["beyond"]
    assert "drawn" in found[0][""].feature


@pytest.mark.parametrize("falls", [[0.9, 0.8, 0.7, 0.6], [0.2, 0.5, 0.9, 0.4], [0.5, 0.5, 0.5, 0.5]])
def test_drift_is_the_slope_that_scipy_finds(falls: list[float]) -> None:
    from scipy.stats import linregress

    likenesses = np.eye(5)
    likenesses[0, 1:] = likenesses[1:, 0] = falls
    assert drift(likenesses) == pytest.approx(linregress(range(1, 5), falls).slope, abs=1e-12)


def test_a_figure_that_changes_step_by_step_drifts_downward() -> None:
    bear, cat = shipped("bear-brown"), shipped("cat-siamese")
    found = scored(*(Image.blend(bear, cat, part) for part in (0, 0.25, 0.5, 0.75, 1)))
    firsts = measure(found, "first")
    assert firsts[0] is None
    assert measure(found, "drift") == [pytest.approx(np.polyfit(range(1, 5), firsts[1:], 1)[0], abs=1e-5)] * 5
    assert found[0]["drift"].value < 0  # type: ignore[operator]


def test_the_worst_pair_is_the_lowest_off_the_diagonal() -> None:
    likenesses = np.array([[1, 0.5, 0.4], [0.5, 1, 0.3], [0.4, 0.3, 1]])
    assert worst_pair(likenesses) == (1, 2)


# ---------------------------------------------------------------------- where there is no number
def test_a_picture_alone_has_no_number_and_a_reason() -> None:
    (only,) = scored(shipped("bear-brown"))
    assert only[""].value is None
    assert "only picture of its set" in only[""].reason


def test_two_pictures_have_no_slope() -> None:
    found = scored(shipped("bear-brown"), shipped("cat-siamese"))
    assert measure(found, "drift") == [None, None]
    assert "three" in found[0]["drift"].reason


def test_a_blank_picture_has_a_reason_and_spoils_no_other_number() -> None:
    bear = shipped("bear-brown")
    found = scored(Image.new("RGB", (200, 200), "teal"), bear, warmer(bear))
    assert {measured.reason for measured in found[0].values()} == {"is blank"}
    assert found[1:] == scored(bear, warmer(bear))


def test_a_picture_whose_file_is_gone_has_a_reason(tmp_path: Path) -> None:
    bear = shipped("bear-brown")
    bear.save(tmp_path / "gone.png")
    gone = Subject(ik.Picture.open(tmp_path / "gone.png"))
    (tmp_path / "gone.png").unlink()
    lost, *kept = ConsistencyScorer().score([gone, *(Subject(ik.Picture.from_image(i)) for i in (bear, warmer(bear)))])
    assert "cannot be read" in lost[""].reason  # type: ignore[index,union-attr]
    assert kept == scored(bear, warmer(bear))


# ---------------------------------------------------------------------- references and features
def test_a_character_that_was_sent_is_what_a_picture_is_compared_with() -> None:
    bear, cat = shipped("bear-brown"), shipped("cat-siamese")
    references = (Reference(bear, role="character"), Reference(cat, role="style"))
    request = ImageRequest(model="offline/collage", prompt="a bear", references=references)
    like, unlike = ConsistencyScorer().score([Subject(ik.Picture.from_image(i), request) for i in (warmer(bear), cat)])
    assert like[""].value > 95 > unlike[""].value  # type: ignore[index,union-attr,operator]
    assert like["similarity"].details == {"to": "its character references"}  # type: ignore[index,union-attr]


def test_one_picture_against_others_is_one_number() -> None:
    bear = shipped("bear-brown")
    good, bad = against(warmer(bear), [bear]), against(shipped("cat-siamese"), [bear])
    assert good.value > 95 > bad.value  # type: ignore[operator]
    assert against(Image.new("RGB", (64, 64)), [bear]).reason == "is blank"


def test_an_embedder_that_is_named_takes_the_place_of_the_drawn_feature() -> None:
    bear = shipped("bear-brown")
    found = scored(bear, warmer(bear), shipped("cat-siamese"), feature="offline")
    assert found[0][""].feature == "cosine of offline over the whole picture"
    assert "shipped characters" in found[0][""].details["gallery"]
    percentiles = measure(found)
    assert percentiles[2] < min(percentiles[:2])  # type: ignore[operator,type-var]


@pytest.mark.parametrize("feature", [None, 3, "", "no-such-embedder"])
def test_what_names_no_feature_is_refused(feature: Any) -> None:
    with pytest.raises(InvalidInput, match=r"feature|no-such-embedder"):
        ConsistencyScorer(feature)


def test_what_is_no_list_of_pictures_is_refused() -> None:
    for given in ("bear.png", 3, [], [object()]):
        with pytest.raises(InvalidInput):
            matrix(given)  # type: ignore[arg-type]


def test_a_run_is_scored_over_its_prompts() -> None:
    run = ik.Experiment(
        vary={"prompt": ["a bear", "a bear in the rain"], "model": ["offline/collage", "offline/pencil"]}
    ).run(progress=False)
    run.score("consistency")
    table = run.table()
    assert table["score_consistency"].between(0, 100).all()
    assert table.groupby("model")["score_consistency_worst"].nunique().tolist() == [1, 1]
    assert run.scores()["feature"].str.contains("(drawn)", regex=False).all()
    alike = matrix(run.select(model="offline/pencil"))
    rows = table[table["model"] == "offline/pencil"]
    assert alike.loc[1, 2] == pytest.approx(rows["score_consistency_similarity"].iloc[0])


# ---------------------------------------------------------------------- plots
def test_the_plots_say_in_words_what_they_show_and_keep_their_data() -> None:
    bear = shipped("bear-brown")
    named = {"one": bear, "two": warmer(bear), "cat": shipped("cat-siamese"), "blank": Image.new("RGB", (50, 50))}
    heat, line = ik.plots.consistency(named), ik.plots.drift(named)
    assert heat.table().equals(matrix(named))
    assert "cat" in heat.notes[0]
    assert "least alike" in heat.alt
    table = line.table()
    slope = np.polyfit([1, 2], table["likeness"].iloc[1:3], 1)[0]
    assert table["line"].diff().iloc[2] == pytest.approx(slope)
    assert f"{slope:+.3f} a step" in line.alt
    assert "turns in space" in line.notes[1]
    assert ik.plots.drift([named["blank"]]).alt == "all pictures are blank"
    assert [len(plot.figure.axes) for plot in (heat, line)] == [2, 1]


def test_where_nothing_could_be_cut_out_the_details_say_so() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    patches = Image.fromarray(colours).resize((400, 400), Image.Resampling.NEAREST)
    figure, scene = scored(shipped("cat-siamese"), patches)
    assert "foreground" not in figure[""].details
    assert "nothing could be cut out" in scene[""].details["foreground"]

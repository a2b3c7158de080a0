"""The rules of a sketch: each fails on the picture that was drawn to break it, and no other rule does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import imagegen_kit as ik
from imagegen_kit.checks import numeric
from imagegen_kit.errors import InvalidInput, UnknownName
from imagegen_kit.hookspecs import ScorerSpec
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.registry.current import get_registry
from imagegen_kit.scorers.base import Subject
from imagegen_kit.scorers.sketch import RULES, Page, Rule, SketchScorer, sketch_report
from imagegen_kit.types import Style
from tests import corpus
from tests.scorers import sketches

GOOD = corpus.drawing()
LARGE = corpus.drawing(side=2048)


def value(image: Image.Image, rule: str) -> float:
    found = sketch_report(image)[rule].value
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("width", [9, 12, 18, 26])
def test_a_drawing_in_thick_outlines_keeps_every_rule(width: int) -> None:
    report = sketch_report(corpus.drawing(width=width))
    assert (report.failed, report.passed, report.share) == ((), True, 1.0)


@pytest.mark.parametrize("rule", sketches.BREAKS)
def test_a_rule_fails_on_the_picture_that_breaks_it_and_no_other_does(rule: str) -> None:
    assert sketch_report(sketches.BREAKS[rule]()).failed == (rule,)


def test_every_rule_has_a_picture_that_breaks_it() -> None:
    """A photo breaks others too, so it has a test of its own."""
    assert [*sketches.BREAKS, "photo"] == list(RULES)


@pytest.mark.parametrize("photo", [corpus.photo_like(), corpus.photo_like().convert("L")], ids=["colour", "grey"])
def test_a_photo_is_told_from_a_drawing_by_its_shades(photo: Image.Image) -> None:
    assert value(photo, "photo") > 2.5
    assert value(GOOD, "photo") < 0.2


def inked(level: int) -> Image.Image:
    return corpus.drawing(ink=(level, 20, 20))


ORDERS = {
    "greyscale": [inked(20), inked(60), inked(160)],
    "paper": [sketches.on_paper(level) for level in (120, 180, 250)],
    "background": [sketches.smudged(size) for size in (0, 60, 120, 200)],
    "shading": [sketches.filled(level) for level in (250, 205)],
    "texture": [sketches.grained(strength) for strength in (0, 2, 5, 12)],
    "outline_width": [corpus.drawing(width=width) for width in (3, 9, 18, 30)],
    "thin_lines": [corpus.drawing(hatching=count) for count in (0, 30, 120, 400)],
    "detail": [corpus.drawing(hatching=count) for count in (0, 30, 120, 400)],
    "pieces": [sketches.dotted(count) for count in (0, 20, 60, 130)],
    "ink": [Image.new("L", (512, 512), 255), corpus.drawing(width=9), corpus.drawing(width=30)],
    "photo": [GOOD, sketches.filled(205), corpus.photo_like()],
}


@pytest.mark.parametrize("rule", ORDERS)
def test_more_of_a_thing_measures_as_more_of_it(rule: str) -> None:
    values = [value(image, rule) for image in ORDERS[rule]]
    assert values == sorted(values)
    assert values[0] < values[-1]


@pytest.mark.parametrize("side", [256, 400, 777, 1024])
def test_the_report_does_not_depend_on_the_number_of_pixels(side: int) -> None:
    usual = sketch_report(LARGE)
    report = sketch_report(LARGE.resize((side, side), Image.Resampling.LANCZOS))
    assert report.passed
    for rule in ("outline_width", "detail", "ink"):
        assert report[rule].value == pytest.approx(usual[rule].value, rel=0.15)


def test_a_clear_background_is_white_paper() -> None:
    clear = Image.new("RGBA", GOOD.size, (40, 40, 40, 0))
    clear.putalpha(ImageOps.invert(GOOD.convert("L")).point(lambda v: 255 if v > 100 else 0))
    assert sketch_report(clear).passed


def test_chalk_on_black_is_no_sketch() -> None:
    assert {"ink", "paper"} <= set(sketch_report(ImageOps.invert(GOOD)).failed)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_an_empty_page_has_no_ink_and_no_lines_to_measure(mode: str) -> None:
    report = sketch_report(Image.new(mode, (300, 200), 65535 if mode == "I;16" else 1 if mode == "1" else "white"))
    unknown = [rule.name for rule in report.rules if rule.passed is None]
    assert (report["ink"].value, unknown) == (0.0, ["outline_width", "thin_lines", "detail"])
    assert not report.passed


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (900, 2), (3, 3)], ids=str)
def test_pictures_of_a_few_pixels_are_measured(size: tuple[int, int]) -> None:
    assert len(sketch_report(corpus.textured(*size)).rules) == len(RULES)


@pytest.mark.parametrize("seed", range(6))
def test_lines_pieces_and_means_are_those_of_scipy(seed: int) -> None:
    """The page counts them its own way, which is faster."""
    from scipy.ndimage import distance_transform_cdt, label, uniform_filter

    soft = uniform_filter(np.random.default_rng(seed).random((512, 400)), 3 + 2 * seed)
    page = Page(Image.fromarray(np.where(soft < 0.5, 10, 250).astype(np.uint8)))
    assert page.pieces == label(page.ink, np.ones((3, 3)))[1]
    assert page.smooth == pytest.approx(uniform_filter(page.grey.astype(np.float32), 5), abs=1e-4)
    assert (page.off_ink == ~uniform_filter(page.ink.astype(float), 7, mode="constant").astype(bool)).all()
    steps = [distance_transform_cdt(page.drawn, how)[page.middle_lines] for how in ("chessboard", "taxicab")]
    assert page.widths == pytest.approx(2 * np.sqrt(steps[0] * steps[1].astype(float)) - 0.5, rel=1e-5)


def test_the_middle_of_lines_is_that_of_scikit_image_where_nothing_is_filled() -> None:
    from skimage.morphology import skeletonize

    page = Page(GOOD)
    assert not page.filled.any()
    assert (page.middle_lines == skeletonize(page.drawn)).all()


def test_a_filled_area_has_a_rim_and_no_middle_line() -> None:
    page = Page(sketches.BREAKS["solid_ink"]())
    down, across = np.nonzero(page.filled)
    row, column = int(np.median(down)), int(np.median(across))
    assert page.filled[row, column]
    near = page.ink[row - 12 : row + 13, column - 12 : column + 13]
    assert near.all()
    assert page.widths.max() < 2 * 24
    assert not (page.middle_lines & np.pad(page.filled[page._part], 1)).any()


def test_a_cropped_figure_may_cross_the_rim() -> None:
    assert sketch_report(GOOD.crop((300, 150, 1024, 1024))).passed


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_saving_with_losses_does_not_break_a_rule(format: str) -> None:
    assert sketch_report(corpus.encoded(format, GOOD, quality=80)).passed


# ---------------------------------------------------------------------- limits
def test_limits_are_written_as_those_of_checks() -> None:
    report = sketch_report(GOOD, limits={"outline_width": [10, None], "detail": 2, "pieces": False, "photo": None})
    assert report.failed == ("outline_width", "detail")
    assert report["outline_width"].limit == "≥ 10"
    assert report["photo"].limit == "≤ 1.5"
    assert "pieces" not in report.to_plain()
    assert report.beyond("outline_width") == pytest.approx(10 - float(report["outline_width"].value or 0))


def test_a_style_holds_limits_of_the_scorer_beside_its_checks() -> None:
    style = Style("loud", text="x", checks={"greyscale": {"max": 200}, "outline": 0.2, "sketch": {"thin_lines": 0.9}})
    report = sketch_report(inked(160), style=style)
    assert (report.passed, report["greyscale"].limit, report["thin_lines"].limit) == (True, "≤ 200", "≤ 0.9")
    assert sketch_report(GOOD, style=style, limits={"greyscale": 16})["greyscale"].limit == "≤ 16"


@pytest.mark.parametrize("name", ["concept-sketch", "vintage-mascot"])
def test_the_sketch_styles_of_the_kit_ask_for_what_the_rules_ask(name: str) -> None:
    assert sketch_report(GOOD, style=name).passed
    assert "greyscale" in sketch_report(inked(160), style=name).failed


def test_all_faults_of_limits_are_told_together() -> None:
    style = Style("s", text="x", checks={"sketch": {"outline": 3}})
    with pytest.raises(InvalidInput) as caught:
        sketch_report(GOOD, style=style, limits={"detail": "little", "colour": 3})
    assert [fault.where for fault in caught.value.faults] == ["checks.sketch", "limits.detail", "limits"]
    with pytest.raises(UnknownName, match="Did you mean 'vintage-mascot'"):
        sketch_report(GOOD, style="vintage-mascott")


def test_rules_of_ones_own_join_the_report() -> None:
    def widest(page: Page) -> float:
        return float(page.widths.max())

    rule: Rule = numeric("widest", "pixels", "The thickest place.", widest, high=5)
    report = sketch_report(GOOD, more=[rule])
    assert report.failed == ("widest",)
    assert report.table().iloc[-1][["unit", "limit", "about"]].tolist() == ["pixels", "≤ 5", "The thickest place."]


# ---------------------------------------------------------------------- report and scorer
def test_the_report_is_a_table_and_a_cell() -> None:
    report = sketch_report(sketches.BREAKS["paper"]())
    table = report.table()
    assert table["rule"].tolist() == list(RULES)
    assert table.loc[~table["passed"], ["rule", "value", "limit"]].to_numpy().tolist() == [["paper", 220.0, "≥ 235"]]
    assert repr(report) == "SketchReport(12 of 13 rules, fails paper)"
    html = report._repr_html_()
    assert html is not None
    assert "12 of 13 rules" in html
    assert html.count("✗ fails") == 1


def score(image: Image.Image, **options: Any) -> dict[str, Any]:
    (answer,) = SketchScorer(**options).score([Subject(Picture.from_image(image))])
    assert isinstance(answer, dict)
    return answer


def spec() -> ScorerSpec:
    return get_registry().scorer("sketch")


def test_the_scorer_gives_the_measures_that_its_spec_names() -> None:
    answer = score(GOOD)
    assert [f"sketch_{name}" if name else "sketch" for name in answer] == list(spec().columns)
    assert (answer[""].value, answer["passed"].value) == (1.0, 1.0)
    for name, measure in spec().columns.items():
        found = answer[name.removeprefix("sketch").lstrip("_")]
        number = found if isinstance(found, float) else found.value
        assert measure.low is None or measure.low <= number
        assert measure.high is None or number <= measure.high


def test_each_rule_counts_in_the_direction_of_its_limit() -> None:
    ways = {rule.name: ("" if None not in (rule.low, rule.high) else "lower" if rule.low is None else "higher")
            for rule in RULES.values()}  # fmt: skip
    assert {m.name: m.better for m in spec().measures if m.name in RULES} == ways


def test_details_hold_value_limit_and_pass_of_each_rule_as_json() -> None:
    details = json.loads(json.dumps(score(sketches.BREAKS["paper"]())[""].details))
    assert details["rules"]["paper"] == {"value": 220.0, "unit": "levels", "limit": "≥ 235", "pass": False}
    assert score(sketches.BREAKS["paper"]())[""].value == pytest.approx(12 / 13)


def test_a_number_that_cannot_be_had_says_why() -> None:
    answer = score(Image.new("L", (64, 64), 255), limits={"pieces": False})
    assert (answer["detail"].value, answer["detail"].reason) == (None, "nothing is drawn")
    assert (answer["pieces"].value, answer["pieces"].reason) == (None, "the rule was left out")


def test_scores_are_known_by_the_limits_that_hold() -> None:
    assert SketchScorer().feature == SketchScorer(style="concept-sketch").feature == ""
    assert SketchScorer({"detail": 30, "pieces": False}).feature == "detail …30, no pieces"
    assert score(GOOD, limits={"detail": 30})[""].feature == "detail …30"


def test_without_the_extra_the_command_that_installs_it_is_told() -> None:
    program = (
        "import sys; sys.modules['skimage.filters'] = None\n"
        "from imagegen_kit.scorers.sketch import SketchScorer\n"
        "try: SketchScorer()\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "'scikit-image'" in done.stdout
    assert 'pip install "imagegen-kit[metrics]"' in done.stdout


def test_the_spec_is_told_without_numpy() -> None:
    program = (
        "import sys; from imagegen_kit.registry.current import get_registry\n"
        "get_registry().scorer('sketch'); print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("turn", [0, 20, 45, 70])
def test_thickness_is_measured_alike_in_every_direction(turn: int) -> None:
    page = Image.new("L", (512, 512), 255)
    ImageDraw.Draw(page).rectangle((100, 250, 412, 261), fill=20)
    turned = page.rotate(turn, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.7))
    assert float(np.median(Page(turned).widths)) == pytest.approx(12, rel=0.15)


def test_a_run_gets_a_column_a_rule(tmp_path: Path) -> None:
    ik.configure(store=tmp_path / "store")

    @ik.register(model="me/pen", version="1")
    def pen(request: Any) -> Image.Image:
        return corpus.drawing(ink=(200, 20, 20) if request.prompt == "in red" else (40, 40, 40))

    experiment = ik.Experiment(vary={"prompt": ["in black", "in red"]}, fixed={"model": "me/pen"})
    run = experiment.run(progress=False).score({"sketch": {"style": "concept-sketch"}})
    table = run.table().set_index("prompt")
    assert table["score_sketch_passed"].to_dict() == {"in black": 1.0, "in red": 0.0}
    assert table.loc["in red", "score_sketch"] == pytest.approx(12 / 13)
    assert table.loc["in red", "score_sketch_greyscale"] > 16


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (dict.fromkeys(RULES, False), "every rule is left out"),
        ({"detail": float("nan")}, "nan is no limit of this rule"),
        ({"detail": {"min": float("nan")}}, "is no limit of this rule"),
        ({"ink": [0.9, 0.1]}, "is no limit of this rule"),
    ],
    ids=["all rules left out", "nan", "nan in words", "lowest above highest"],
)
def test_limits_that_ask_for_nothing_or_contradict_themselves_are_refused(limits: dict, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        sketch_report(GOOD, limits=limits)

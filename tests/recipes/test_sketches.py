"""Concept sketches: variants on named axes, rules measured and mended, one by one, and nothing bought twice."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import imagegen_kit as ik
from imagegen_kit.errors import ContentBlocked, InvalidInput
from imagegen_kit.recipes import concept_sketches, sketches
from imagegen_kit.recipes.variants import plan_variants
from imagegen_kit.types import Completed, Finished
from tests.engine.models import model
from tests.reliability.children import ROOT, until
from tests.reliability.services import Lab, variables

BRIEF = "playful golf mascot"
pytestmark = pytest.mark.usefixtures("own_registry")


def drawn(brief: str = BRIEF, **given: object) -> object:
    return ik.run(concept_sketches, brief=brief, **{"size": "256x256", **given})


def grey_page(_script: object, request: object, _progress: object) -> object:
    """A drawing on grey paper with specks: what can be mended."""
    from io import BytesIO

    from imagegen_kit.types import Reply

    image = Image.new("RGB", (512, 512), (222, 214, 200))
    pen = ImageDraw.Draw(image)
    pen.ellipse((120, 90, 390, 420), outline=(30, 30, 30), width=9)
    file = BytesIO()
    image.save(file, "PNG")

    async def reply() -> Reply:
        return Reply(pictures=(file.getvalue(),))

    return reply()


class TestVariation:
    def test_each_sketch_says_which_phrase_it_took_on_each_axis(self):
        made = drawn()
        axes = ik.styles().loc["vintage-mascot"]
        assert axes is not None
        assert [list(one.variation) for one in made] == [["layout", "exaggeration"]] * 4
        assert all(phrase in one.original.request.prompt for one in made for phrase in one.variation.values())
        assert len({one.original.request.labels["variant"] for one in made}) == 4

    @pytest.mark.parametrize("n", [3, 4, 5, 6])
    def test_no_phrase_is_used_twice_while_another_is_unused(self, n):
        plan = plan_variants("vintage-mascot", n)
        for axis in ("layout", "exaggeration"):
            assert len({one[axis] for one in plan.variations}) == min(n, 5)

    def test_the_table_has_a_row_a_sketch_with_its_variant(self):
        made = drawn()
        table = ik.open_run(made.run_id).table()
        assert table["variant"].tolist() == [" × ".join(one.variation.values()) for one in made]
        assert "score_sketch_outline_width" in table

    def test_one_axis_alone_can_be_varied_or_given(self):
        plan = plan_variants("vintage-mascot", 3, {"layout": ["from afar"], "hat": ["no hat", "a cap", "a crown"]})
        assert {one["layout"] for one in plan.variations} == {"from afar"}
        assert {one["hat"] for one in plan.variations} == {"no hat", "a cap", "a crown"}
        assert {tuple(one) for one in plan_variants("vintage-mascot", 3, ["layout"]).variations} == {("layout",)}

    def test_a_style_without_axes_takes_those_of_concept_sketches(self):
        assert list(plan_variants("watercolor", 3).variations[0]) == ["layout", "exaggeration"]

    @pytest.mark.parametrize(
        ("given", "wrong"),
        [
            ({"n": 2}, ["n"]),
            ({"n": 7}, ["n"]),
            ({"n": "4"}, ["n", "n"]),
            ({"n": 2, "model": "no/such", "axes": ["depth"], "size": "huge"}, ["axes", "model", "n", "size"]),
            ({"axes": {"layout": "in profile"}}, ["axes.layout"]),
            ({"axes": {"layout": ["one", "one", "two"]}}, ["axes"]),
            ({"axes": []}, ["axes"]),
            ({"axes": {}}, ["axes"]),
            ({"style": "no-such"}, ["style"]),
            ({"brief": "  "}, ["brief"]),
            ({"top_k": 2}, ["top_k"]),
        ],
        ids=lambda v: None if isinstance(v, list) else ", ".join(f"{k}={x!r:.20}" for k, x in v.items()),
    )
    def test_what_is_wrong_is_told_at_once_and_nothing_is_sent(self, given, wrong):
        script = model()
        with pytest.raises(InvalidInput) as told:
            ik.run(concept_sketches, **{"brief": "a", "model": "lab/one", **given})
        assert sorted(fault.where for fault in told.value.faults) == wrong
        assert script.calls == 0


class TestRules:
    def test_the_offline_sketches_keep_the_rules_and_differ(self):
        made = drawn(size="1024x1024")
        assert [one.failed_rules for one in made] == [()] * 4
        assert len({picture.sha256 for picture in made.pictures}) == 4
        assert all((picture.width, picture.height) == (1024, 1024) for picture in made.pictures)

    def test_each_rule_is_told_with_its_number_and_limit(self):
        rule = drawn()[0].rules["greyscale"]
        assert (rule["value"], rule["pass"]) == (0.0, True)
        assert rule["limit"]

    def test_what_breaks_a_rule_is_mended_as_a_step_of_its_own(self):
        model("lab/one", *[grey_page] * 3)
        made = drawn(model="lab/one", n=3, auto_fix=True)
        assert all("greyscale" not in one.failed_rules or one.mended for one in made)
        table = ik.open_run(made.run_id).table()
        assert len(table) == 6
        assert table["variant"].tolist()[3].endswith(" (mended)")
        assert made[0].picture.sha256 != made[0].original.artifacts[0].sha256

    @pytest.mark.parametrize(
        ("given", "wrong"),
        [
            ({"rules": "x", "auto_fix": 1}, ["rules", "auto_fix"]),
            ({"rules": False, "auto_fix": True}, ["auto_fix"]),
        ],
        ids=["no truth values", "nothing to mend by"],
    )
    def test_measuring_and_mending_are_yes_or_no_and_mending_needs_measures(self, given, wrong):
        with pytest.raises(InvalidInput) as caught:
            drawn(**given)
        assert [fault.where for fault in caught.value.faults] == wrong

    def test_what_keeps_the_rules_is_not_touched(self):
        assert [one.mended for one in drawn(auto_fix=True, size="1024x1024", n=3)] == [None] * 3


class TestStreaming:
    def test_index_path_and_error_come_as_each_sketch_is_done(self):
        model("lab/one", None, ContentBlocked("not this one"))
        events = list(ik.stream(concept_sketches, brief="a fox", model="lab/one", n=3))
        told = [(e.step, e.path, e.error) for e in events if isinstance(e, Completed)]
        assert sorted(index for index, _, _ in told) == [0, 1, 2]
        assert all((path is None) == (error is not None) for _, path, error in told)
        assert [error for _, _, error in told if error] == ["not this one"]
        assert all(Path(path).is_file() for _, path, _ in told if path)
        assert isinstance(events[-1], Finished)

    def test_it_can_be_awaited(self):
        assert len(asyncio.run(ik.arun(concept_sketches, brief=BRIEF, size="128x128")).pictures) == 4

    def test_one_that_is_refused_is_a_value_among_the_others(self):
        model("lab/one", ContentBlocked("not this one"))
        made = drawn("a fox", model="lab/one")
        assert sorted(one.error or "" for one in made) == ["", "", "", "not this one"]
        assert repr(made).startswith("Sketches('a fox', 3 of 4")


class TestWhereItIsUsed:
    def test_it_is_an_axis_of_experiments(self):
        fixed = {"library": "shipped", "n": 3, "size": "128x128", "brief": BRIEF}
        experiment = ik.Experiment(concept_sketches, vary={"top_k": [0, 2]}, fixed=fixed)
        assert experiment.plan()["pictures"].tolist() == [3, 3]
        table = experiment.run(progress=False).table()
        assert table.groupby("top_k")["reference_ids"].apply(lambda ids: {len(i) for i in ids}).tolist() == [{0}, {2}]

    def test_retrieved_references_reach_the_model_with_their_scores(self):
        made = drawn("a cat with a cup", library="shipped", top_k=2, n=3)
        assert [len(one.original.sent.references) for one in made] == [2, 2, 2]
        assert all(reference.score is not None for reference in made.references)

    def test_its_directory_is_new_each_time_and_tells_all(self, tmp_path):
        made = drawn(library="shipped", top_k=2, seed=7)
        first, second = made.save(tmp_path / "out"), made.save(tmp_path / "out")
        assert first != second
        told = json.loads((first / "metadata.json").read_text())
        assert told["images"] == [f"sketch_{i}.png" for i in range(4)]
        assert len(told["reference_images"]) == len(told["retrieval_scores"]) == 2
        assert told["config"] == {"num_images": 4, "resolution": [256, 256], "model_name": "offline/pencil", "seed": 7}
        assert (told["style_id"], told["prompt_spec"]["brief"]) == ("vintage-mascot", BRIEF)
        reports = json.loads((first / "reports.json").read_text())["reports"]
        assert [set(report) >= {"greyscale", "outline_width"} for report in reports] == [True] * 4

    def test_the_original_of_a_mended_sketch_lies_beside_it(self, tmp_path):
        model("lab/one", *[grey_page] * 3)
        folder = drawn(model="lab/one", n=3, auto_fix=True).save(tmp_path)
        assert sorted(p.name for p in folder.glob("*_as_drawn.png")) == [f"sketch_{i}_as_drawn.png" for i in range(3)]
        told = json.loads((folder / "metadata.json").read_text())
        assert told["config"]["num_images"] == 3
        mended = json.loads((folder / "reports.json").read_text())["mended"]
        assert [one["by"] for one in mended] == ["auto_fix"] * 3

    def test_the_variable_of_old_names_the_model(self, monkeypatch):
        model("lab/one")
        monkeypatch.setenv("GEMINI_MODEL", "lab/one")
        assert {one.result.model_used for one in drawn(n=3)} == {"lab/one"}

    def test_it_shows_itself_with_variants_and_rules(self):
        shown = drawn(n=3)._repr_html_()
        assert shown.count("<img") == 3
        assert "exaggeration: " in shown
        assert " rules" in shown

    def test_the_same_call_asks_for_the_same(self):
        assert [p.sha256 for p in drawn().pictures] == [p.sha256 for p in drawn().pictures]

    def test_the_recipe_is_short_and_knows_no_provider(self):
        source = inspect.getsource(sketches)
        assert len(inspect.getsource(concept_sketches).splitlines()) < 60
        assert not [word for word in ("try:", "sleep", "Path(", "openai", "tempfile", "genai") if word in source]


KILLED = """
import sys, imagegen_kit as ik
made = ik.run(ik.recipes.concept_sketches, brief="a fox", model="lab/one", n=4, seed=1, rules=False, size="64x64")
print(*[one.result.status for one in made])
"""


@pytest.mark.soak
def test_killed_half_way_and_called_again_nothing_is_bought_twice(tmp_path):
    with Lab(latency=2.0, look="tiny") as sim:
        env = {**os.environ, **variables(sim), "IMAGEGEN_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
        first = subprocess.Popen([sys.executable, "-c", KILLED], env=env, cwd=tmp_path)
        until(lambda: len({call.path for call in sim.calls if call.kind == "poll"}) == 4, "four orders under way")
        first.send_signal(signal.SIGKILL)
        first.wait()
        again = subprocess.run([sys.executable, "-c", KILLED], env=env, cwd=tmp_path, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert set(again.stdout.split()) <= {"ok", "cached"}
        assert len(sim.ledger.accepted) == 4

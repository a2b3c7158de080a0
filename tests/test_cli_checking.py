"""``imagegen check``: an experiment is held to its limits and to a baseline, and the exit status tells."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from statsmodels.stats.power import TTestPower
from typer.testing import CliRunner

import imagegen_kit as ik
from imagegen_kit.cli import app
from imagegen_kit.experiments.statistics import rate_interval
from imagegen_kit.scorers import Subject
from tests.engine.models import model

LEVEL = {"light": 0.0}  # what the model adds: a change of the model between two runs


@pytest.fixture(autouse=True)
def _models(own_registry: None) -> None:
    LEVEL["light"] = 0.0

    @ik.register(model="me/lamp", price_usd=0.04)
    def lamp(request: Any) -> Image.Image:
        number = int(request.prompt.split()[-1])
        if request.prompt.startswith("broken"):
            raise RuntimeError("no light")
        return Image.new("L", (16, 16), round(100 + number + LEVEL["light"]))

    @ik.register(scorer="light", version="1", unit="levels", low=0, high=255)
    def light(subject: Subject) -> float:
        return float(np.asarray(subject.image).mean())


def imagegen(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout + done.stderr


def experiment(check: str, prompts: int = 20, broken: int = 0, **more: Any) -> str:
    lines = [f"  - {'broken' if i < broken else 'lamp'} {i}" for i in range(prompts)]
    rest = "".join(f"{name}: {value}\n" for name, value in more.items())
    text = "vary:\n prompt:\n" + "\n".join(lines) + "\nfixed: {model: me/lamp}\npolicy: {attempts: 1}\n"
    Path("lamps.yaml").write_text(f"name: lamps\n{text}{rest}check:\n{check}", encoding="utf-8")
    return "lamps.yaml"


def test_what_holds_passes_with_its_interval() -> None:
    file = experiment(
        "  scorers: [light]\n  require:\n    success: '>= 0.8'\n    price_usd: ['<= 0.05', '>= 0.01']\n"
        "    score_light: '>= 100'\n    total_usd: '<= 1'\n"
    )
    status, out = imagegen("check", file)
    assert status == 0, out
    assert "ok      success >= 0.8: 1 [0.8389, 1], 20 prompts: holds" in out
    assert "ok      score_light >= 100: 109.5 [" in out
    assert "levels, 20 prompts: holds" in out
    assert "ok      total_usd <= 1: $0.8: holds" in out, out
    assert "5 checked: 5 ok\n" in out


def test_what_is_surely_wrong_fails_and_what_a_few_pictures_cannot_prove_is_unclear() -> None:
    file = experiment("  require:\n    success: '>= 0.99'\n    price_usd: '<= 0.01'\n", broken=1)
    status, out = imagegen("check", file)
    assert status == 1
    assert "unclear success >= 0.99: 0.95 [0.7639, 0.9911], 20 prompts: unclear, about 4 more prompts would tell" in out
    assert "2 checked: 1 failed, 1 unclear\n" in out
    assert "FAILS   price_usd <= 0.01: median 0.04" in out
    file = experiment("  require:\n    success: '>= 0.99'\n", broken=1)
    assert imagegen("check", file)[0] == 0
    assert imagegen("check", file, "--strict")[0] == 1


def test_what_is_unclear_says_how_many_prompts_are_missing() -> None:
    check = "  scorers: [light]\n  require:\n    success: '>= 0.9'\n    score_light: ['>= 109', '<= 109.5']\n"
    _, out = imagegen("check", experiment(check))
    assert "success >= 0.9: 1 [0.8389, 1], 20 prompts: unclear, about 15 more prompts would tell" in out
    assert rate_interval(35, 35)[0] > 0.9 > rate_interval(34, 34)[0]
    needed = TTestPower().solve_power(0.5 / np.arange(20).std(ddof=1), power=0.8, alpha=0.05)
    (said,) = re.findall(r"score_light >= 109: .* unclear, about ([\d,]+) more prompts would tell", out)
    assert int(said.replace(",", "")) == pytest.approx(needed - 20, rel=0.03)
    assert re.search(r"score_light <= 109\.5: 109\.5 .* levels, 20 prompts: unclear, it lies on the limit itself", out)
    _, out = imagegen("check", experiment("  scorers: [light]\n  require:\n    score_light: '>= 90'\n", prompts=1))
    assert "1 prompt: unclear, about 4 more prompts would tell" in out


def test_a_price_that_nobody_knows_is_no_pass() -> None:
    model("lab/one", price=None)
    file = Path(experiment("  require:\n    price_usd: '<= 1'\n    total_usd: '<= 1'\n", prompts=3))
    file.write_text(file.read_text(encoding="utf-8").replace("me/lamp", "lab/one"), encoding="utf-8")
    status, out = imagegen("check", str(file))
    assert status == 1
    assert "UNKNOWN price_usd <= 1: the price of 3 of 3 pictures is not known" in out
    assert "UNKNOWN total_usd <= 1" in out


def test_nothing_that_was_called_has_no_latency() -> None:
    file = experiment("  require:\n    seconds: '<= 60'\n", prompts=6)
    assert imagegen("check", file)[0] == 0
    ik.open_run("latest").export("before.zip")
    file = experiment("  require:\n    seconds: '<= 60'\n", prompts=6, broken=6)
    status, out = imagegen("check", file)
    assert status == 1
    assert "nothing was called" in out


class TestBaseline:
    CHECK = "  scorers: light\n  no_worse:\n    score_light: 2\n    price_usd: 10%\n    success: 0.2\n"

    def baseline(self) -> str:
        assert imagegen("run", experiment(self.CHECK))[0] == 0
        ik.open_run("latest").export("before.zip")
        return "before.zip"

    @pytest.mark.parametrize(
        ("light", "outcome", "said"),
        [
            (-1, 0, "108.5 after 109.5, -1 [-1, -1], 20 prompts: holds"),
            (-5, 1, "104.5 after 109.5, -5 [-5, -5], 20 prompts: fails"),
        ],
    )
    def test_a_model_that_changed_is_held_to_what_it_was(self, light: float, outcome: int, said: str) -> None:
        before = self.baseline()
        LEVEL["light"] = light
        status, out = imagegen("check", experiment(self.CHECK), "--baseline", before, "--fresh", "--junit", "out/c.xml")
        assert status == outcome, out
        assert f"score_light no worse by more than 2: {said}" in out
        assert (
            "price_usd no worse by more than 10%: 0.04 after 0.04, median of differences 0 [0, 0], 20 prompts: holds"
            in out
        )
        suite = ET.parse("out/c.xml").getroot()[0]  # written just now
        assert (suite.get("tests"), suite.get("failures")) == ("3", str(outcome))
        assert [len(case.findall("failure")) for case in suite] == [outcome, 0, 0]

    @pytest.mark.parametrize("named", ["id", "name", "latest"])
    def test_a_run_of_the_same_store_is_a_baseline_too(self, named: str) -> None:
        assert imagegen("run", experiment(self.CHECK, prompts=6))[0] == 0
        before = ik.open_run("latest")
        LEVEL["light"] = -5
        status, out = imagegen(
            "check",
            experiment(self.CHECK, prompts=6),
            "--baseline",
            {"id": before.id, "name": "lamps"}.get(named, named),
            "--fresh",
        )
        assert status == 1, out
        assert "score_light no worse by more than 2: 97.5 after 102.5, -5" in out

    def test_pictures_of_the_baseline_itself_are_counted_and_alone_prove_nothing(self) -> None:
        @ik.register(model="me/kept", version="1", price_usd=0.04)
        def kept(request: Any) -> Image.Image:
            return Image.new("L", (16, 16), 90 + int(request.prompt.split()[-1]))

        def lamps(prompts: int) -> str:
            file = Path(experiment("  no_worse: {success: 0.9}\n", prompts=prompts))
            file.write_text(file.read_text(encoding="utf-8").replace("me/lamp", "me/kept"), encoding="utf-8")
            return str(file)

        assert imagegen("run", lamps(6))[0] == 0
        for more in ((), ("--fresh",)):
            status, out = imagegen("check", lamps(6), "--baseline", "latest", *more)
            assert status == 1
            assert "UNKNOWN success no worse by more than 0.9: 6 of 6 pictures are those of the baseline" in out
        status, out = imagegen("check", lamps(8), "--baseline", "latest")
        assert status == 0, out
        assert "6 prompts, 6 of 8 pictures are those of the baseline: holds" in out

    def test_groups_are_held_apart(self) -> None:
        @ik.register(model="me/candle", price_usd=0.01)
        def candle(request: Any) -> Image.Image:
            return Image.new("L", (16, 16), 20)

        check = "  by: model\n  scorers: light\n  require:\n    score_light: '>= 90'\n"
        file = experiment(check, prompts=6)
        text = Path(file).read_text(encoding="utf-8").replace("fixed: {model: me/lamp}", "")
        Path(file).write_text(text.replace("vary:\n", "vary:\n model: [me/lamp, me/candle]\n"), encoding="utf-8")
        status, out = imagegen("check", file)
        assert status == 1
        assert "ok      score_light >= 90 [model=me/lamp]" in out
        assert "FAILS   score_light >= 90 [model=me/candle]: 20 [20, 20] levels" in out

    def test_a_baseline_without_the_prompts_is_unknown(self) -> None:
        before = self.baseline()
        text = Path(experiment(self.CHECK)).read_text(encoding="utf-8").replace("- lamp ", "- other lamp ")
        Path("lamps.yaml").write_text(text, encoding="utf-8")
        status, out = imagegen("check", "lamps.yaml", "--baseline", before)
        assert status == 1
        assert "no prompt has this number in both runs" in out


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("  requires:\n    success: '>= 1'\n", "Did you mean 'require'"),
        ("  require:\n    sucess: '>= 1'\n", "Did you mean 'success'"),
        ("  require:\n    success: 1\n", "1 is no limit"),
        ("  require:\n    success: '>= much'\n", "is no limit"),
        ("  no_worse:\n    success: a bit\n", "'a bit' is no margin"),
        ("  no_worse:\n    total_usd: 5%\n", "compare price_usd"),
        ("  require: success\n", "is no mapping of metrics"),
        ("  by: [model]\n  require:\n    success: '>= 1'\n", "is no parameter's name"),
        ("  by: model\n", "asks for nothing"),
        ("  scorers: [lihgt]\n  require:\n    success: '>= 1'\n", "Did you mean 'light'"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_line_before_anything_is_made(check: str, said: str) -> None:
    status, out = imagegen("check", experiment(check, prompts=2))
    assert status == 2
    assert said in out
    assert "lamps.yaml:" in out or "scorers" in said or "lihgt" in check
    assert len(ik.runs()) == 0


def test_faults_come_all_at_once_and_a_file_without_the_section_is_told() -> None:
    _, out = imagegen("check", experiment("  require:\n    sucess: '>= 1'\n    seconds: fast\n", prompts=2))
    assert "sucess" in out
    assert "'fast' is no limit" in out
    Path("plain.yaml").write_text("vary: {prompt: [a 1]}\nfixed: {model: me/lamp}\n", encoding="utf-8")
    status, out = imagegen("check", "plain.yaml")
    assert status == 2
    assert "has no section `check`" in out


def test_no_worse_without_a_baseline_and_a_score_that_nothing_measures_are_told() -> None:
    faulty = experiment("  by: modl\n  scorers: [lihgt]\n  no_worse:\n    success: 0.1\n", prompts=2)
    status, out = imagegen("check", faulty)
    assert status == 2
    assert all(said in out for said in ("Give --baseline", "Did you mean 'model'", "Did you mean 'light'"))
    assert len(ik.runs()) == 0
    status, out = imagegen("check", experiment("  require:\n    score_light: '>= 1'\n", prompts=2))
    assert (status, "score_light: is measured by no scorer of this check. Add light to scorers:" in out) == (2, True)
    assert len(ik.runs()) == 0


def test_what_is_wrong_anywhere_in_the_file_is_told_in_one_round_with_lines_before_anything_is_made() -> None:
    Path("all.yaml").write_text(
        "vary:\n"
        "  prompt: [lamp 1, lamp 2]\n"
        "  model:\n"
        "    - me/lamp\n"
        "    - me/lampp\n"  # 5
        "fixed: {size: huge}\n"
        "policy:\n"
        "  fallback: me/lmap\n"
        "check:\n"
        "  scorers:\n"  # 10
        "    - light\n"
        "    - tecnical\n"
        "    - consistency: {by: promtp}\n"
        "  by: modle\n"
        "  require:\n"  # 15
        "    score_lihgt: '>= 0.2'\n"
        "    sucess: '>= 0.5'\n"
        "  no_worse:\n"
        "    price_usd: lots\n"
        "    score_lamp: lots\n",  # 20
        encoding="utf-8",
    )
    status, out = imagegen("check", "all.yaml")
    assert status == 2
    for said in (
        "all.yaml:5 vary.model.1: no model is called 'me/lampp'. Did you mean 'me/lamp'",
        "all.yaml:6 fixed.size: 'huge'",
        "all.yaml:8 policy.fallback: no model is called 'me/lmap'",
        "all.yaml:12 check.scorers.1: no scorer is called 'tecnical'. Did you mean 'technical'",
        "all.yaml:13 check.scorers.2.consistency.by: no parameter of this experiment is called 'promtp'",
        "all.yaml:14 check.by: no parameter of this experiment is called 'modle'. Did you mean 'model'",
        "all.yaml:16 check.require.score_lihgt: no metric of this check is called 'score_lihgt'",
        "all.yaml:17 check.require.sucess: no metric is called 'sucess'",
        "all.yaml:18 check.no_worse: needs something to compare with",
        "all.yaml:19 check.no_worse.price_usd: 'lots' is no margin",
        "all.yaml:20 check.no_worse.score_lamp: no metric of this check is called 'score_lamp'",
    ):
        assert said in out, (said, out)
    assert len(ik.runs()) == 0


def test_columns_and_sets_that_a_sound_scorer_does_not_have_are_told_before_anything_is_made() -> None:
    check = (
        "  scorers: [light, technical, {consistency: {by: promtp}}]\n"
        "  require:\n    score_technical_sharpnes: '>= 0.2'\n"
        "  no_worse:\n    score_technical_contrast: 0.1\n"
    )
    status, out = imagegen("check", experiment(check, prompts=2))
    assert status == 2
    assert re.search(r"lamps.yaml:\d+ check.require.score_technical_sharpnes: no metric of this check", out), out
    assert "Did you mean 'score_technical_sharpness'" in out
    assert re.search(
        r"lamps.yaml:\d+ check.scorers.2.consistency.by: no parameter of this experiment is called 'promtp'", out
    ), out
    assert "check.no_worse.score_technical_contrast: neither way is better" in out
    assert len(ik.runs()) == 0


def test_what_the_run_has_measured_already_may_be_asked_for_without_its_scorer() -> None:
    file = experiment("  require:\n    score_light: '>= 1'\n", prompts=2)
    assert imagegen("run", file)[0] == 0
    ik.open_run("latest").score("light")
    status, out = imagegen("check", file)
    assert status == 0, out
    assert "score_light >= 1" in out
    status, out = imagegen("check", file, "--fresh")
    assert (status, "Add light to scorers" in out) == (2, True)


def test_a_file_that_is_no_junit_file_is_refused_before_anything_is_made_and_stays() -> None:
    file = experiment("  require:\n    success: '>= 0.1'\n", prompts=2)
    written = Path(file).read_text(encoding="utf-8")
    status, out = imagegen("check", file, "--junit", file)
    assert (status, "is there and no JUnit file" in out) == (2, True), out
    assert Path(file).read_text(encoding="utf-8") == written
    assert len(ik.runs()) == 0
    assert [imagegen("check", file, "--junit", "j.xml")[0] for _ in range(2)] == [0, 0]  # an earlier one is replaced


def test_why_pictures_did_not_come_or_have_no_number_is_told_there_and_in_the_junit_file() -> None:
    @ik.register(scorer="dim", version="1", unit="levels")
    def dim(subject: Subject) -> float:
        raise RuntimeError("no eyes")

    check = "  scorers: [dim]\n  require:\n    success: '>= 0.99'\n    score_dim: '>= 1'\n"
    status, out = imagegen("check", experiment(check, prompts=6, broken=5), "--junit", "why.xml")
    assert status == 1
    for said in ("success >= 0.99: 0.1667", "5 of 5 failed: ", "no light", "1 of 1 without a number: ", "no eyes"):
        assert said in out, (said, out)
    assert "run.scores()" not in out
    words = [case.findtext("system-out") or "" for case in ET.parse("why.xml").getroot()[0]]  # written just now
    assert ("no light" in words[0], "no eyes" in words[1]) == (True, True)

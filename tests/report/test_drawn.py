"""Plots of a page: in its colours, without what it says already, and with words where they cannot be drawn."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import imagegen_kit as ik
from imagegen_kit.plots.plot import Plot
from imagegen_kit.report.drawn import svg_of
from tests.engine.models import model
from tests.report.reading import Page

WITHOUT = """
import sys
missing = sys.argv[1:]
class Refuses:
    def find_spec(self, name, path=None, target=None):
        if (package := name.partition(".")[0]) in missing:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
sys.meta_path.insert(0, Refuses())
import imagegen_kit as ik
from imagegen_kit.experiments.voting import Ballot
vary = {"prompt": ["a", "b"], "model": ["offline/collage", "offline/pencil"]}
run = ik.Experiment(vary=vary, fixed={"size": 64}).run(progress=False)
ballot = Ballot(run)
ballot.choose(ballot.open()[0], "left")
run.report("page.html")
"""


@pytest.fixture(scope="module")
def svg() -> str:
    """A plot with a line of every kind of colour that it has."""

    def draw(axes, frame) -> None:
        axes.plot([1, 2], [1, 2], color="#0072b2", label="a line")
        axes.legend()

    return svg_of(Plot("what it shows", pd.DataFrame({"a": [1]}), draw, alt="a line", notes=[]), "p0")


def test_a_plot_has_no_ground_and_no_ink_of_its_own(svg: str) -> None:
    assert "var(--quiet)" in svg
    assert "var(--line)" in svg
    assert not re.search(r"#(222222|5a5a5a|d0d0d0|000000)", svg)
    ground = re.search(r'id="p0-patch_1">\s*<path[^>]*style="([^"]*)"', svg)
    assert ground is not None
    assert "fill: none" in ground[1] or "opacity: 0" in ground[1]


def test_a_title_stands_once_on_the_page(own_registry: None) -> None:
    model("gratis/one", price=0.0)
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "gratis/one"}).run(progress=False)
    plots = Page(run.report("page.html")).part("plots")
    assert plots.count("<b>latency by model</b>") == 1
    assert "<!-- latency by model -->" not in plots


def test_without_the_extras_the_page_comes_and_says_what_to_install() -> None:
    command = [sys.executable, "-c", WITHOUT, "matplotlib", "scipy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-800:]
    page = Page(Path("page.html"))
    assert "pip install 'imagegen-kit[plots]'" in page.said_in("plots")
    for section in ("answer", "votes"):
        assert "'scipy', which is not installed. Run: pip install 'imagegen-kit[metrics]'" in page.said_in(section)
    assert "statsmodels" not in page.words  # which is there
    assert len(page.pictures) == 4

"""Cost and latency as plots: the data are those of the tables, nothing unknown becomes zero, every plot has words."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.experiments.statistics import pareto_front
from imagegen_kit.plots.plot import plain
from imagegen_kit.plots.tradeoff import _steps

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen_kit.experiments.run import Run

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def run() -> Run:
    """A dear quick model, a cheap slow one, a worse one, and one whose price nobody knows."""
    for name, price, seconds in (("quick", 0.04, 0.01), ("slow", 0.01, 0.2), ("worse", 0.05, 0.4)):

        @ik.register(model=f"plots/{name}", price_usd=price, version="1")
        def draw(request: ik.types.ImageRequest, seconds: float = seconds) -> Image.Image:
            time.sleep(seconds)
            return Image.new("RGB", (32, 32), (len(request.prompt), 9, 9))

    models = ["plots/quick", "plots/slow", "plots/worse"]
    experiment = ik.Experiment(vary={"prompt": ["a", "bb"], "model": models}, name="four", budget_usd=1)
    return experiment.run(progress=False)


def test_the_front_holds_what_nobody_beats(run: Run) -> None:
    table = ik.plots.cost_latency(run).table()
    assert table["front"].to_dict() == {"plots/quick": True, "plots/slow": True, "plots/worse": False}
    assert table["price_usd"].tolist() == pytest.approx([0.04, 0.01, 0.05])
    assert table["timed"].tolist() == [2, 2, 2]


def test_a_front_leaves_unknown_ones_out_and_keeps_equals() -> None:
    frame = pd.DataFrame({"price": [1.0, 1.0, None, 2.0], "score": [5.0, 5.0, 9.0, 4.0]})
    assert pareto_front(frame, {"price": 1, "score": -1}) == [True, True, False, False]


def test_quality_stands_on_the_upright_axis_where_it_is_named(run: Run) -> None:
    plot = ik.plots.cost_latency(run, quality="width")
    assert plot.table()["width"].tolist() == [32.0, 32.0, 32.0]
    assert plot.table()["scored"].tolist() == [2, 2, 2]
    assert plot.figure.axes[0].get_ylabel() == "width"


def test_an_unknown_quality_is_refused_by_name(run: Run) -> None:
    with pytest.raises(ik.errors.InvalidInput, match="score_beauty"):
        ik.plots.cost_latency(run, quality="score_beauty")
    with pytest.raises(ik.errors.InvalidInput, match="holds no numbers"):
        ik.plots.cost_latency(run, quality="status")


def test_cached_pictures_are_counted_and_not_timed(run: Run) -> None:
    again = run.experiment.run(fresh=True, progress=False)
    table = ik.plots.latency(again).table()
    assert table["timed"].tolist() == [False] * 6
    assert set(table["status"]) == {"cached"}
    assert "nothing was timed; 2 cached, not timed" in ik.plots.latency(again).alt
    assert ik.plots.latency(run).table()["timed"].all()


def test_what_has_nothing_to_draw_says_so_and_draws_no_empty_axes(run: Run) -> None:
    told = ik.open_run(pd.DataFrame({"picture": [Image.new("RGB", (32, 32), (9, i, 9)) for i in range(2)]}))
    for plot, why in (
        (ik.plots.latency(told), "nothing was timed"),
        (ik.plots.cost_latency(told), "nothing has both a price and a time"),
        (ik.plots.spending(told), "no cost is known"),
        (ik.plots.projection(told, 1, [100]), "no price is known"),
        (ik.plots.cost_latency(told, quality="width"), "nothing has both a price and width"),
    ):
        assert plot.nothing == why
        (axes,) = plot.figure.axes
        assert not axes.axison
        assert [words.get_text() for words in axes.texts] == [why]
        assert not axes.lines
        assert not axes.collections
    assert [ik.plots.latency(run).nothing, ik.plots.spending(run).nothing] == ["", ""]


def test_spending_adds_up_and_stands_against_the_budget(run: Run) -> None:
    plot = ik.plots.spending(run)
    assert plot.table()["spent_usd"].iloc[-1] == pytest.approx(0.2)
    assert plot.table()["spent_usd"].is_monotonic_increasing
    assert "budget of the run: $1.00" in plot.notes
    assert float(ik.plots.spending().table()["spent_usd"].iloc[-1]) == pytest.approx(float(run.table().cost_usd.sum()))


def test_an_unknown_cost_is_counted_and_never_drawn_as_zero() -> None:
    @ik.register(model="plots/lost", price_usd=0.1, version="1")
    def draw(request: ik.types.ImageRequest) -> Image.Image:
        raise RuntimeError("the line broke")

    run = ik.Experiment(vary={"prompt": ["a"], "model": ["plots/lost"]}, policy=ik.Policy(attempts=1)).run(
        progress=False
    )
    front = ik.plots.cost_latency(run)
    assert front.table()["price_usd"].isna().all()
    assert front.notes == ["not drawn, price unknown and nothing was timed: plots/lost"]
    unknown = int(run.table()["cost_usd"].isna().sum())
    assert int(ik.plots.spending(run).table()["unknown_costs"].iloc[-1]) == unknown


def test_a_projection_has_one_line_a_model(run: Run) -> None:
    table = ik.plots.projection(run, 2, [100, 1000]).table()
    assert table.loc[("plots/slow", 1000), "usd_per_month"] == pytest.approx(20)
    assert len(table) == 6


@pytest.mark.parametrize("plot", ["cost_latency", "latency", "spending", "projection"])
def test_what_is_no_run_is_refused_in_words(plot: str, run: Run) -> None:
    more = (2, 10) if plot == "projection" else ()
    draw = getattr(ik.plots, plot)
    with pytest.raises(ik.errors.InvalidInput, match=r"run: a str is no run. Open one with ik.open_run\('latest'\)"):
        draw("latest", *more)
    with pytest.raises(ik.errors.InvalidInput, match="call it for each"):
        draw([run, run], *more)
    with pytest.raises(ik.errors.InvalidInput, match="a DataFrame is no run"):
        draw(run.table(), *more)
    if plot != "spending":  # of all runs, for None
        with pytest.raises(ik.errors.InvalidInput, match="None is no run"):
            draw(None, *more)


def test_numbers_that_are_none_are_refused_in_a_projection(run: Run) -> None:
    with pytest.raises(ik.errors.InvalidInput) as refused:
        ik.plots.projection(run, "a", None)  # type: ignore[arg-type]
    assert [fault.where for fault in refused.value.faults] == ["pictures_per_item", "items_per_month"]


def test_the_times_of_a_latency_plot_stand_in_it_and_not_again_below(run: Run) -> None:
    plot = ik.plots.latency(run)
    assert plot.notes == []
    assert plot.alt.count("p50") == 3
    assert "p50" in plot.figure.axes[0].get_yticklabels()[0].get_text()


def test_a_plot_is_a_picture_with_words_in_a_cell_and_a_file(run: Run, tmp_path: Path) -> None:
    plots = [
        ik.plots.cost_latency(run), ik.plots.latency(run), ik.plots.spending(run), ik.plots.projection(run, 1, [10]),
    ]  # fmt: skip
    for plot in plots:
        html = plot._repr_html_()
        assert re.search(r'<img src="data:image/png;base64,[\w+/=]+" alt="[^"]{30,}"', html)
        assert len(html) < 150_000
    with Image.open(plots[0].save(tmp_path / "deep" / "front.png")) as saved:
        assert saved.width == 1152
    with pytest.raises(ik.errors.StoreError, match="cannot be written"):
        plots[0].save(tmp_path / "front.xyz")
    assert repr(plots[1]) == "Plot(latency by model)"


@pytest.mark.filterwarnings("error")
def test_names_that_look_like_mathematics_or_markup_stay_text() -> None:
    hostile = ["$\\frac{", "<img src=x onerror=alert(1)>", "a $5 and a $6 car"]
    run = ik.Experiment(vary={"prompt": hostile}, fixed={"size": 64}).run(progress=False)
    for plot in (
        ik.plots.cost_latency(run, by="prompt"),
        ik.plots.latency(run, by="prompt"),
        ik.plots.projection(run, 1, [9], by="prompt"),
    ):
        assert "<img src=x" not in plot._repr_html_()


def test_a_run_without_results_says_that_there_is_nothing_to_draw() -> None:
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"size": 64}).run(progress=False).select(status="failed")
    for plot in (ik.plots.cost_latency(run), ik.plots.latency(run), ik.plots.projection(run, 1, [10])):
        assert not len(plot.table())
        assert "data:image/png" in plot._repr_html_()


def test_free_models_get_no_scale_of_dollars(run: Run) -> None:
    @ik.register(model="plots/free", price_usd=0.0, version="1")
    def draw(request: ik.types.ImageRequest) -> Image.Image:
        return Image.new("RGB", (8, 8), (len(request.prompt), 1, 1))

    free = ik.Experiment(vary={"prompt": ["a", "bb"], "model": ["plots/free"]}).run(progress=False)
    prices, spent = ik.plots.cost_latency(free).figure.axes[0], ik.plots.spending(free).figure.axes[0]
    assert list(prices.get_xticks()) == [0]
    assert prices.get_xlabel().endswith("nothing")
    assert list(spent.get_yticks()) == [0]


def test_the_time_axis_of_a_short_run_is_in_seconds_and_says_from_when(run: Run) -> None:
    label = ik.plots.spending(run).figure.axes[0].get_xlabel()
    assert re.fullmatch(r"seconds after the first answer, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", label)


def test_a_few_milliseconds_are_no_place_on_the_front() -> None:
    assert _steps(pd.Series([0.013, 0.010, 0.2, None, 0.21])).tolist()[:3] == [0.010, 0.010, 0.2]
    assert _steps(pd.Series([0.2, 0.21, 9.0, 9.8, 10.2])).tolist() == [0.2, 0.2, 9.0, 9.0, 10.2]


def test_letters_that_no_font_has_are_boxes_and_no_warning() -> None:
    assert plain("a \U0010fffd\U000e0100") == "a \N{WHITE SQUARE}"  # nobody's letter, and a selector without a shape
    prompts = ["a lamp \N{DIYA LAMP}", "\u706f\u53f0", "\U0001f468\u200d\U0001f469\u200d\U0001f467"]
    run = ik.Experiment(vary={"prompt": prompts}, fixed={"size": 64}, name="\N{DIYA LAMP}").run(progress=False)
    for plot in (ik.plots.latency(run, by="prompt"), ik.plots.spending(run)):
        assert "data:image/png" in plot.html()  # a warning of a missing glyph would be an error here

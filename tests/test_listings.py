"""``models()``, ``plugins()``, ``styles()``, ``runs()``: DataFrames that show themselves in words, and stay such."""

from __future__ import annotations

import copy
import pickle
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.tables import names
from imagegen_kit.tables.listing import listing
from imagegen_kit.views.listings import MOST_ROWS
from tests.engine.models import model
from tests.engine.test_text import writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVIL = "<script>alert('x')</script>"
PLUGIN = {"distribution": "d", "version": "1", "status": "ok", "reason": "", "fix": "", "offers": "a/b", "seconds": 0.1}


def words(markup: str | None) -> str:
    """What is left where a page strips all tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup or "")).strip()


def html(frame: Any) -> str:
    shown = frame._repr_html_()
    assert isinstance(shown, str)
    return shown


def model_frame(day: date = date(2026, 11, 27), **changes: Any) -> pd.DataFrame:
    """One model, as ``models()`` would tell it."""
    full = names.models(today=day)
    row = full.loc[["offline/collage"]].copy()
    for name, value in changes.items():
        row[name] = pd.Series([value], index=row.index, dtype=full[name].dtype)
    return listing(pd.DataFrame(row), "models", day)


def plugin_frame(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame([{"name": f"p{i}", **PLUGIN, **row} for i, row in enumerate(rows)]).set_index("name")
    return listing(frame, "plugins")


LISTINGS: dict[str, Callable[[], pd.DataFrame]] = {
    "models": ik.models, "plugins": ik.plugins, "styles": ik.styles, "runs": ik.runs,
}  # fmt: skip


@pytest.mark.parametrize("table", LISTINGS.values(), ids=LISTINGS)
class TestEveryListing:
    def test_it_shows_itself_without_scripts_classes_or_addresses(self, table: Callable[[], Any]) -> None:
        shown = html(table())
        assert shown.startswith("<div")
        assert "<script" not in shown
        assert " class=" not in shown
        assert not re.search(r"(https?:)?//[a-z]", shown)
        assert not re.search(r"(?<![-\w])color:\s*(#|rgb|black|white)", shown)
        assert shown.count("<td") == shown.count("</td>")

    def test_it_is_a_dataframe_and_its_copies_show_themselves_alike(self, table: Callable[[], Any]) -> None:
        frame = table()
        assert isinstance(frame, pd.DataFrame)
        for again in (pickle.loads(pickle.dumps(frame)), copy.deepcopy(frame), frame.copy(), frame[:]):
            assert type(again) is type(frame)
            assert again._repr_html_() == frame._repr_html_()
            assert repr(again) == repr(frame)
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(pickle.loads(pickle.dumps(frame))))

    def test_pandas_own_view_is_one_call_away(self, table: Callable[[], Any]) -> None:
        plain = pd.DataFrame(table())
        assert plain._repr_html_() != table()._repr_html_()  # type: ignore[operator]
        assert type(plain) is pd.DataFrame


class TestFallingBack:
    def test_a_frame_of_fewer_columns_is_shown_as_pandas_does(self) -> None:
        few = ik.models()[["ready", "price_usd"]]
        assert html(few) == pd.DataFrame(few)._repr_html_()  # type: ignore[operator]
        assert repr(few) == repr(pd.DataFrame(few))

    def test_a_column_of_ones_own_is_never_hidden(self) -> None:
        mine = ik.models().assign(my_score=1.5)
        assert "my_score" in html(mine)

    def test_columns_that_the_view_does_not_need_may_go(self) -> None:
        assert words(html(ik.models().drop(columns=["card", "api"]))).startswith(f"{len(ik.models())} models")

    def test_filtered_and_sorted_rows_keep_the_view_and_the_order(self) -> None:
        free = ik.models().query("price_usd == 0 and provider == 'offline'").sort_index(ascending=False)
        assert re.findall(r'scope="row"[^>]*>(offline/\w+)', html(free)) == list(free.index)
        assert words(html(free)).startswith(f"{len(free)} models")

    def test_what_is_put_together_is_shown_as_pandas_does_with_every_row(self) -> None:
        both = pd.concat([ik.styles(), ik.styles()])
        assert len(both) == 2 * len(ik.styles())
        assert html(both) == pd.DataFrame(both)._repr_html_()  # type: ignore[operator]

    def test_other_values_in_a_column_are_left_to_pandas(self) -> None:
        odd = ik.models()
        odd["references"] = "many"
        assert html(odd) == pd.DataFrame(odd)._repr_html_()  # type: ignore[operator]

    def test_transposed_grouped_and_written_it_is_any_dataframe(self, tmp_path: Path) -> None:
        frame = ik.models()
        assert frame.T.shape == frame.shape[::-1]
        assert "offline/collage" in html(frame.T)
        assert type(frame.groupby("kind")["ready"].sum()) is pd.Series
        frame.to_csv(tmp_path / "models.csv")
        again = pd.read_csv(tmp_path / "models.csv", index_col="name")
        assert list(again.columns) == list(frame.columns)
        assert list(again.index) == list(frame.index)


class TestModels:
    def test_ready_ones_come_first(self) -> None:
        ready = ik.models()["ready"].tolist()
        assert ready == sorted(ready, reverse=True)
        assert True in ready
        assert False in ready

    def test_what_nobody_has_tried_is_not_called_ready(self) -> None:
        shown = words(html(model_frame(untried="needs a server at http://127.0.0.1:7860; not tried")))
        assert "needs a server at 127.0.0.1:7860; not tried" in shown
        assert "✓ ready" not in shown
        assert "1 model · 0 ready · 1 not tried" in shown

    def test_what_is_missing_stands_where_ready_would(self) -> None:
        shown = words(html(model_frame(ready=False, fix="set A_KEY (get one at https://a.example/keys)")))
        assert "– set A_KEY (get one at a.example/keys)" in shown
        assert "1 model · 0 ready" in shown

    @pytest.mark.parametrize(
        ("price", "unit", "kind", "told"),
        [
            (0.0, "", "image", "free"),
            (None, "", "image", "unknown"),
            (0.039, "per picture", "image", "$0.039 / picture"),
            (0.4, "per second", "video", "$0.40 / second"),
            (0.0421, "tokens", "image", "≈ $0.042 / picture (by tokens)"),
        ],
    )
    def test_prices_are_told_in_words(self, price: float | None, unit: str, kind: str, told: str) -> None:
        shown = html(model_frame(price_usd=price, price_unit=unit, kind=kind))
        assert f">{told}<" in shown

    @pytest.mark.parametrize(
        ("on", "told", "marked"),
        [
            (None, "–", False),
            ("2027-11-01", "2027-11-01, then b/new", False),
            ("2026-12-24", "soon: 2026-12-24, then b/new", True),
            ("2026-11-27", "retired 2026-11-27, then b/new", False),
        ],
    )
    def test_the_day_of_retirement_is_told_and_soon_is_a_word_beside_a_colour(
        self, on: str | None, told: str, marked: bool
    ) -> None:
        replacement = "" if on is None else "b/new"
        frame = model_frame(retires_on=pd.Timestamp(on) if on else pd.NaT, replacement=replacement)
        assert f">{told}<" in html(frame)
        assert ("#c77700" in html(frame)) is marked

    def test_capabilities_are_signs_with_words_for_screen_readers(self) -> None:
        shown = html(model_frame(mask=True, seed=False, references=3))
        assert '<span role="img" aria-label="yes">✓</span>' in shown
        assert '<span role="img" aria-label="no">–</span>' in shown
        assert ">up to 3<" in shown

    def test_more_than_sixty_rows_are_counted(self) -> None:
        left = len(ik.models()) - MOST_ROWS
        assert left > 0
        assert f"… and {left} more rows" in words(html(ik.models()))
        assert repr(ik.models()).endswith(f"… and {left} more rows")

    def test_the_columns_that_are_not_shown_are_named(self) -> None:
        assert "also in it: provider, api, status, card" in words(html(ik.models()))


class TestPlugins:
    def test_a_quarantined_plugin_says_why_and_how_to_mend_it(self) -> None:
        frame = plugin_frame({"status": "failed", "reason": f"it raised {EVIL}", "fix": "pip install -U d"}, {})
        shown = html(frame)
        assert "2 plugins · 1 quarantined" in shown
        assert re.search(r"border-left:3px solid #d84343[^>]*><b>quarantined: it failed</b>", shown)
        assert "it raised &lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in shown
        assert "pip install -U d" in shown

    def test_broken_ones_come_first(self, own_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMAGEGEN_BLOCK_PLUGINS", "imagegen-kit-echo")
        from imagegen_kit.registry import reset_registry

        ik.configure()
        reset_registry()
        assert ik.plugins()["status"].iloc[0] == "blocked"
        assert "blocked by a setting" in words(html(ik.plugins()))

    def test_control_characters_of_a_foreign_reason_are_written_out(self) -> None:
        frame = plugin_frame({"status": "failed", "reason": "a\x1b[31mred\x1b[0m\u202e", "fix": "b"})
        assert "\x1b" not in repr(frame)
        assert "\x1b" not in html(frame)
        assert "\u202e" not in html(frame)

    def test_a_column_that_says_nothing_of_any_plugin_is_left_out(self) -> None:
        assert "to mend it" not in words(html(plugin_frame({}, {})))
        assert "to mend it" in words(html(plugin_frame({}, {"status": "slow", "reason": "a", "fix": "b"})))


class TestRuns:
    @pytest.fixture(autouse=True)
    def _some_runs(self, own_registry: None) -> None:
        @ik.register(model="me/calm", version="1", price_usd=0.0)
        def calm(request: Any) -> Image.Image:
            if "storm" in request.prompt:
                raise ValueError("no")
            return Image.new("RGB", (8, 8))

        ik.Experiment(vary={"prompt": ["a sea", "a storm"], "model": ["me/calm"]}, name=EVIL).run(progress=False)

    def test_a_run_is_told_with_its_cells_failures_cost_and_day(self) -> None:
        frame = ik.runs()
        shown = html(frame)
        assert "1 run" in words(shown)
        assert "2 of 2, 1 failed" in shown
        assert f"{frame['started'].iloc[0]:%Y-%m-%d %H:%M} UTC" in shown
        assert "&lt;script&gt;" in shown
        assert frame.index[0] in shown

    def test_an_unknown_cost_is_never_shown_as_zero(self) -> None:
        frame = ik.runs()
        frame["cost_usd"] = pd.array([None], dtype="Float64")
        assert ">unknown<" in html(frame)
        assert "$0.00" not in html(frame)

    def test_a_run_without_a_name_is_told_by_its_id(self) -> None:
        run = ik.open_run(pd.DataFrame({"picture": [Image.new("RGB", (8, 8))]}))
        assert repr(ik.runs()).splitlines()[2].startswith(f"{run.id} ")
        shown = html(ik.runs())
        assert shown.count("<br>") == 1, "the run with a name has a line for it, the other begins with its id"
        assert run.id in words(shown)

    def test_a_run_is_still_opened_by_its_row(self) -> None:
        assert ik.open_run(ik.runs().index[0]).name == EVIL

    def test_texts_are_no_pictures(self) -> None:
        writer("a poem")

        async def illustrated(job: Any) -> Any:
            poem = await job.ask("a poem", model="lab/writer")
            return await job.image(poem.text, model="me/calm")

        ik.run(illustrated)
        frame = ik.runs()
        assert frame[["pictures", "texts"]].iloc[0].tolist() == [1, 1]
        assert "1, 1 text" in words(html(frame))


def test_a_run_costs_what_was_spent_also_on_what_a_retry_replaced() -> None:
    script = model("lab/one", ik.errors.InvalidReply("half a picture", paid=True), None, price=0.1)
    run = ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "lab/one"}).run(progress=False)
    run.retry_failed()
    assert script.calls == 2
    (cost,) = ik.runs()["cost_usd"]
    assert cost == pytest.approx(0.2) == run.costs()["cost_usd"].sum()


class TestSummary:
    def test_a_terminal_shows_the_columns_that_matter_and_says_how_many_there_are(self) -> None:
        vary = {"prompt": ["a kite", "a drum"], "model": ["offline/collage", "offline/pencil"]}
        run = ik.Experiment(vary=vary, fixed={"size": "96x96"}).run(progress=False).score("technical", progress=False)
        frame = run.summary()
        head, names, *rows = repr(frame).splitlines()
        assert head == f"by model · 6 scores · a DataFrame of {len(frame.columns)} columns"
        assert names.split()[:5] == ["model", "pictures", "success", "cost", "each"]
        assert names.count("score_") == 3
        assert [row.split()[:3] for row in rows] == [[model, "2", "100%"] for model in vary["model"]]
        assert max(map(len, (names, *rows))) <= 140
        assert "score_technical_sharpness" in words(html(frame))
        assert {"timed", "seconds_max"} <= set(frame.columns)

    def test_what_is_taken_from_it_shows_itself_as_pandas_does(self) -> None:
        frame = ik.generate("a kite", model="offline/collage", size=96) and ik.open_run("latest").summary()
        few = frame[["pictures", "success", "unfair", "cost_usd", "seconds_p50"]]
        assert repr(few) == repr(pd.DataFrame(few))

    def test_several_names_are_columns_of_their_own(self) -> None:
        ik.generate("a kite", model="offline/collage", size=96)
        shown = repr(ik.open_run("latest").summary(["model", "prompt"])).splitlines()
        assert shown[0].startswith("by model, prompt · ")
        assert shown[2].startswith("offline/collage  a kite  1")


def test_an_empty_list_says_so() -> None:
    assert words(html(ik.runs())).startswith("0 runs")
    assert repr(ik.runs()) == "0 runs"

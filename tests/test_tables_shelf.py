"""The listing behind the gallery: all pictures of a store, chosen and ordered without a table being made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import InvalidInput
from imagegen_kit.scorers import Subject
from imagegen_kit.tables.shelf import Part, Shelf, Wanted

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("shelves")


@pytest.fixture
def shelves(own_registry: None, tmp_path: Path) -> None:
    """Two runs: a grid of two models, one of which fails on storms, and two pictures of a single call."""
    ik.configure(store=tmp_path / "imagegen-store")
    ik.register(ik.Style("noir", text="film noir"))

    @ik.register(model="me/calm", seed=True, version="1", price_usd=0.0)
    def calm(request: Any) -> Image.Image:
        return Image.new("RGB", (8 + len(request.prompt), 8), (len(request.prompt), request.sample, 9))

    @ik.register(model="me/dear", version="1", price_usd=0.25)
    def dear(request: Any) -> Image.Image:
        if "storm" in request.prompt.lower():
            raise ValueError("the sky fell")
        return Image.new("RGB", (8 + len(request.prompt), 8), (9, len(request.prompt), request.sample))

    grid = {"prompt": ["a calm sea", "a Storm", "an ÄPFEL tree"], "model": ["me/calm", "me/dear"]}
    ik.Experiment(vary={**grid, "style": [None, "noir"]}, name="weather").run(progress=False)
    ik.generate("a fox", model="me/calm", seed=7, n=2)


def shelf() -> Shelf:
    return Shelf([Part(default_engine().store)])


def prompts(found: Shelf, **wanted: Any) -> list[str]:
    return [found.items[place].prompt for place in found.arranged(Wanted(**wanted)).places]


def test_pictures_are_shown_newest_first_and_failed_requests_only_where_their_status_is_chosen() -> None:
    found = shelf()
    assert len(found.items) == 14
    assert found.pictures == 12
    assert prompts(found)[:2] == ["a fox", "a fox"]
    assert len(prompts(found)) == 12
    assert prompts(found, facets={"status": frozenset({"failed"})}) == ["a Storm", "a Storm"]


def test_all_words_must_stand_in_prompt_style_model_or_run_whatever_their_capitals() -> None:
    found = shelf()
    assert set(prompts(found, words="STORM")) == {"a Storm"}
    assert set(prompts(found, words="äpfel calm")) == {"an ÄPFEL tree"}
    assert len(prompts(found, words="weather noir")) == 5  # and a failed one
    assert prompts(found, words="storm fox") == []


def test_words_are_no_pattern() -> None:
    assert prompts(shelf(), words=".*") == []
    assert prompts(shelf(), words="%") == []


def test_each_facet_counts_what_it_would_leave_under_the_other_choices() -> None:
    found = shelf()
    counts = found.arranged(Wanted(facets={"model": frozenset({"me/dear"})})).counts
    assert counts["model"] == {"me/calm": 8, "me/dear": 4}
    assert counts["style"] == {"none": 2, "noir": 2}
    assert counts["status"] == {"ok": 4, "failed": 2}
    assert sum(counts["day"].values()) == 4


def test_a_run_is_called_by_its_name_and_one_without_by_its_recipe() -> None:
    counts = shelf().arranged(Wanted()).counts["run"]
    assert counts["weather"] == 10
    (other,) = set(counts) - {"weather"}
    assert other == "image"


def test_runs_of_one_name_are_told_apart_by_their_ids() -> None:
    first, second = (ik.generate(f"a cat {i}", model="me/calm").run_id for i in range(2))
    counts = shelf().arranged(Wanted()).counts["run"]
    assert {f"image · {first}", f"image · {second}"} <= set(counts)


@pytest.mark.parametrize("descending", [True, False])
def test_what_is_unknown_comes_last_in_either_direction(descending: bool) -> None:
    found = shelf()
    order = found.arranged(Wanted(sort="seed", descending=descending)).places
    values = [found.column("seed")[place] for place in order]
    assert values == [7, 7, *[None] * 10]


def test_pictures_are_sorted_by_any_column_of_the_table() -> None:
    found = shelf()
    for name in ("width", "cost_usd", "prompt", "model", "style", "seconds"):
        order = found.arranged(Wanted(sort=name, descending=False)).places
        values = [found.column(name)[place] for place in order]
        known = [value for value in values if value is not None]
        assert known == sorted(known, key=lambda v: v.casefold() if isinstance(v, str) else v), name
    with pytest.raises(InvalidInput, match="Did you mean 'seconds'"):
        found.arranged(Wanted(sort="secnds"))


def test_every_column_that_can_be_sorted_by_is_a_column_of_the_table() -> None:
    found = shelf()
    assert set(found.columns()) <= set(found.table(found.arranged(Wanted()).places).columns)


def test_a_score_of_a_run_is_a_column_and_the_last_one_counts() -> None:
    run = ik.open_run("weather")
    for factor in (1, -1):

        @ik.register(scorer="width", version=str(factor))
        def width(subject: Subject, factor: int = factor) -> float:
            return factor * (subject.image.width + len(str(subject.labels["prompt"])))

        run.score("width", progress=False)
    again = shelf()
    assert "score_width" in again.columns()
    frame = run.table()
    values = again.column("score_width")
    first = again.arranged(Wanted(sort="score_width")).places[0]
    assert values[first] == frame["score_width"].max() < 0
    assert sorted(v for v in values if v is not None) == sorted(frame["score_width"].dropna())


def test_the_table_has_the_rows_of_all_runs_in_the_order_shown_with_the_columns_of_a_run() -> None:
    found = shelf()
    order = found.arranged(Wanted(sort="prompt", descending=False)).places
    frame = found.table(order)
    assert list(frame["prompt"]) == [found.items[place].prompt for place in order]
    assert list(frame["sha256"]) == [found.items[place].sha256 for place in order]
    own = list(ik.open_run("weather").table().columns)
    assert [name for name in frame.columns if name in own] == own
    assert frame["run_id"].nunique() == 2


def test_no_rows_are_a_table_with_columns() -> None:
    frame = shelf().table([])
    assert len(frame) == 0
    assert "cost_usd" in frame


def test_a_picture_that_came_from_the_cache_can_be_shown_once() -> None:
    ik.generate("a fox", model="me/calm", seed=7, n=2)
    found = shelf()
    assert prompts(found, words="fox") == ["a fox"] * 4
    assert prompts(found, words="fox", once=True) == ["a fox"] * 2


def test_a_cell_whose_recipe_raised_is_among_the_failed_and_in_the_table() -> None:
    async def broken(job: Any, subject: str = "a cat") -> Any:
        raise RuntimeError("no such recipe step")

    ik.Experiment(broken, vary={"subject": ["a", "b"]}, name="broken").run(progress=False)
    found = shelf()
    order = found.arranged(Wanted(words="broken", facets={"status": frozenset({"failed"})})).places
    assert len(order) == 2
    frame = found.table(order)
    assert frame["error"].str.contains("no such recipe step").all()
    assert sorted(frame["subject"]) == ["a", "b"]


def test_what_comes_later_is_counted_and_listed_after_a_reload() -> None:
    found = shelf()
    assert found.news() == 0
    ik.generate("a late cat", model="me/calm")
    default_engine().store.journal.flush().result()
    assert found.news() == 1
    found.reload()
    assert found.news() == 0
    assert prompts(found)[0] == "a late cat"


def test_a_selection_of_a_run_lists_no_other_rows_and_never_has_news() -> None:
    run = ik.open_run("weather").select(model="me/dear")
    found = Shelf([Part(run._store, (run._number,), run._only)])
    assert {item.model for item in found.items} == {"me/dear"}
    assert len(found.items) == 6

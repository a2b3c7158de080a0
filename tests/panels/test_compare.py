"""The compare panel without a browser: what the page is told, what it may ask, and what comes of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.panels.assets import VIEWER, script
from imagegen_kit.panels.compare.panel import Compare
from imagegen_kit.panels.view import view_class
from imagegen_kit.panels.worker import worker
from tests.engine.test_text import writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imagegen_kit.experiments.run import Run

pytestmark = pytest.mark.usefixtures("own_registry", "models")
EVIL = "<script>alert('x')</script> & a cat"
SWEEP: dict[str, Any] = {"vary": {"prompt": ["a calm sea", "a storm"], "model": ["me/calm", "me/moody"]}, "name": "w"}


class Told(view_class(*VIEWER, "compare")):  # type: ignore[misc]  # a class made at run time
    """The panel's own view, which also keeps what the page is told."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.told: list[dict[str, Any]] = []
        self.torn = False  # whether the page cannot be told how the run stands

    def tell(self, kind: str, buffers: Any = (), **what: Any) -> None:
        if self.torn and kind == "standing":
            raise ConnectionError("the page is gone")
        self.told.append({"kind": kind, **what, "buffers": list(buffers)})
        super().tell(kind, buffers, **what)

    def last(self, kind: str) -> dict[str, Any]:
        return next(m for m in reversed(self.told) if m["kind"] == kind)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opens what held/one waits for; it is open after the test in any case."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
def models(own_registry: None, tmp_path: Path, gate: threading.Event) -> None:
    """A model that takes seeds, one that does not and fails on storms, one that waits for the gate."""
    ik.configure(store=tmp_path / "imagegen-store")

    @ik.register(model="me/calm", seed=True, version="1", price_usd=0.0)
    def calm(request: Any) -> Image.Image:
        return Image.new("RGB", (64, 48), (len(request.prompt) % 255, request.sample * 40, (request.seed or 0) % 255))

    @ik.register(model="me/moody", version="1", price_usd=0.04)
    def moody(request: Any) -> Image.Image:
        if "storm" in request.prompt:
            raise ValueError("the <b>sky</b> fell")
        return Image.new("RGB", (64, 64), (90, request.sample * 40, len(request.prompt) % 255))

    @ik.register(model="held/one", version="1", price_usd=0.0)
    def held(request: Any) -> Image.Image:
        gate.wait(120)
        return Image.new("RGB", (8, 8), (1, 2, len(request.prompt) % 255))


def opened(run: Run, **asked: Any) -> tuple[Compare, Told]:
    panel = run.panel(**asked)
    panel._made = Told(receive=panel.receive, panel=panel.id)
    panel.handle({"kind": "ready"})
    return panel, panel._made


def swept(**changes: Any) -> tuple[Compare, Told]:
    return opened(ik.Experiment(**{**SWEEP, **changes}).run(progress=False))


def items(told: Told) -> list[list[list[dict[str, Any]]]]:
    """The items of the whole grid, by row and column."""
    return [[cell["items"] for cell in line["cells"]] for line in told.last("grid")["lines"]]


def heads(told: Told) -> list[str]:
    return [head["main"] for head in told.last("grid")["heads"]]


def until(seen: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if seen():
            return True
        time.sleep(0.01)
    return False


class TestTheGrid:
    def test_models_stand_in_the_columns_and_prompts_in_the_rows(self) -> None:
        _, told = swept()
        grid = told.last("grid")
        assert heads(told) == ["me/calm", "me/moody"]
        assert [line["head"]["main"] for line in grid["lines"]] == ["a calm sea", "a storm"]

    def test_a_cell_tells_its_picture_by_its_hash_with_alternative_text_and_badges(self) -> None:
        _, told = swept(fixed={"seed": 7})
        first = items(told)[0][0][0]
        assert len(first["sha"]) == 64
        assert first["alt"] == "me/calm, a calm sea, seed 7"
        assert first["facts"][1:] == ["$0.00", "seed 7"]
        assert items(told)[0][1][0]["notes"] == ["adapted: seed 7 ignored"]

    def test_a_failure_stands_in_its_cell_with_the_reason(self) -> None:
        failed = items(swept()[1])[1][1][0]
        assert failed["words"] == "failed: moody raised ValueError: the <b>sky</b> fell"
        assert "sha" not in failed

    def test_placeholders_and_fallbacks_are_told_in_words(self) -> None:
        drawn = items(swept(policy=ik.Policy(placeholder=True), name="p")[1])[1][1][0]
        assert (drawn["status"], "placeholder, no picture came" in drawn["notes"][0]) == ("placeholder", True)
        other = items(swept(policy=ik.Policy(fallback="me/calm"), name="f")[1])[1][1][0]
        assert other["notes"] == ["fallback: me/calm answered for me/moody"]

    def test_the_other_parameters_stand_below_the_row_s_head_and_repeats_side_by_side(self) -> None:
        _, told = swept(vary={**SWEEP["vary"], "seed": [1, 2]}, repeats=3)
        lines = told.last("grid")["lines"]
        assert [line["head"]["subs"] for line in lines] == [["seed: 1"], ["seed: 2"]] * 2
        assert [len(cell["items"]) for cell in lines[0]["cells"]] == [3, 3]

    def test_a_model_that_composes_clip_art_is_called_a_stand_in_wherever_it_stands(self) -> None:
        run = ik.Experiment(vary={"prompt": ["a"], "model": ["offline/pencil", "me/calm"]}).run(progress=False)
        panel, told = opened(run)
        words = "offline stand-in, not a generative model"
        assert [head["note"] for head in told.last("grid")["heads"]] == [words, ""]
        panel.handle({"kind": "lay out", "rows": "model", "columns": ""})
        assert [words in cell["label"] for cell in told.last("grid")["lines"][0]["cells"]] == [True, False]

    def test_any_two_parameters_may_be_chosen_and_the_static_copy_follows(self) -> None:
        panel, told = swept()
        panel.handle({"kind": "lay out", "rows": "model", "columns": "prompt"})
        grid = told.last("grid")
        assert heads(told) == ["prompt: a calm sea", "prompt: a storm"]
        assert [line["head"]["main"] for line in grid["lines"]] == ["me/calm", "me/moody"]
        assert panel.static().index("prompt: a calm sea") < panel.static().index('scope="row"')

    def test_repeats_may_stand_in_the_columns(self) -> None:
        run = ik.Experiment(**{**SWEEP, "repeats": 2}).run(progress=False)
        _, told = opened(run, columns="repeat")
        grid = told.last("grid")
        assert heads(told) == ["repeat: 1", "repeat: 2"]
        assert len(grid["lines"]) == 4

    def test_without_columns_the_cells_form_a_sheet_with_their_words_above_them(self) -> None:
        _, told = swept(vary={"prompt": [f"prompt {i}" for i in range(7)]}, fixed={"model": "me/calm"})
        lines = told.last("grid")["lines"]
        assert [len(line["cells"]) for line in lines] == [5, 2]
        assert lines[1]["cells"][1]["label"] == "prompt 6"

    def test_a_name_that_is_no_parameter_is_refused_with_the_names_there_are(self) -> None:
        run = ik.Experiment(**SWEEP).run(progress=False)
        with pytest.raises(InvalidInput, match=r"(?s)modle.*model"):
            run.panel(columns="modle")
        with pytest.raises(InvalidInput, match="stands in the rows already"):
            run.panel(rows="model", columns="model")

    def test_only_the_first_rows_of_a_long_run_are_told_until_more_are_asked_for(self) -> None:
        run = ik.Experiment(
            vary={"prompt": [f"prompt {i}" for i in range(100)], "seed": [1, 2, 3]}, fixed={"model": "me/calm"}
        ).run(progress=False)
        panel, told = opened(run)
        assert (len(told.last("grid")["lines"]), told.last("grid")["more_lines"]) == (80, 20)
        assert told.last("standing")["line"].startswith("300 cells")
        panel.handle({"kind": "more"})
        assert (len(told.last("grid")["lines"]), told.last("grid")["more_lines"]) == (100, 0)

    def test_answers_in_text_stand_where_pictures_would(self) -> None:
        async def answer(job: Any, prompt: str) -> Any:
            return await job.ask(prompt, model="lab/writer")

        writer(f"an answer to {EVIL}")

        run = ik.Experiment(answer, vary={"prompt": [EVIL]}).run(progress=False)
        shown = items(opened(run)[1])[0][0][0]
        assert (shown["words"], shown["answer"]) == (f"an answer to {EVIL}", True)

    def test_what_a_recipe_returns_itself_is_no_picture_that_was_asked_for(self) -> None:
        async def texts(job: Any, prompt: str) -> str:
            return "answer to " + prompt

        panel, told = opened(ik.Experiment(texts, vary={"prompt": ["a", "b"]}).run(progress=False))
        assert items(told)[0][0] == [{"pending": "no picture was asked for"}]
        assert "no picture was asked for" in panel.static()
        assert "job.ask" in panel.static()
        assert (repr(ik.gallery(panel.run)), "no pictures in 1 run" in ik.gallery(panel.run).static()) == (
            "Gallery(no pictures in 1 run)",
            True,
        )

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            ({"rows": ["prompt"]}, "rows: a list names no parameter. Give one name, such as 'prompt'"),
            ({"columns": 3}, "columns: a int names no parameter"),
            ({"rows": "repeat"}, "rows: there is one repeat"),
            ({"rows": "promt"}, "Did you mean 'prompt'"),
        ],
        ids=str,
    )
    def test_what_is_no_parameter_is_refused_in_words(self, asked: dict[str, Any], words: str) -> None:
        run = ik.Experiment(**SWEEP).run(progress=False)
        with pytest.raises(InvalidInput, match=words):
            run.panel(**asked)

    def test_none_is_no_columns_and_leaves_the_rows_to_the_run(self) -> None:
        run = ik.Experiment(**SWEEP).run(progress=False)
        _, told = opened(run, rows="none", columns="none")
        grid = told.last("grid")
        assert (grid["rows"], grid["columns"], len(grid["lines"][0]["cells"])) == ("prompt", "", 4)

    def test_the_pictures_of_a_sequence_stand_in_one_cell(self) -> None:
        async def two(job: Any, prompt: str, model: str) -> Any:
            return [await job.image(f"{prompt} {n}", model=model) for n in (1, 2)]

        run = ik.Experiment(two, vary={"prompt": ["a", "b"], "model": ["me/calm"]}).run(progress=False)
        assert [[len(cell) for cell in line] for line in items(opened(run)[1])] == [[2], [2]]

    def test_a_recipe_that_raises_is_a_failed_cell_that_cannot_be_marked(self) -> None:
        async def broken(job: Any, prompt: str) -> None:
            raise RuntimeError("no <idea>")

        shown = items(opened(ik.Experiment(broken, vary={"prompt": ["a"]}).run(progress=False))[1])[0][0][0]
        assert "no <idea>" in shown["words"]
        assert shown["id"] is None

    def test_a_selected_run_shows_only_what_was_selected(self) -> None:
        run = ik.Experiment(**SWEEP).run(progress=False).select(status="failed")
        panel, told = opened(run)
        assert [[len(cell) for cell in line] for line in items(told)] == [[0, 1]]
        assert told.last("standing")["line"].startswith("1 result selected")
        assert repr(panel) == "Compare('w', 1 result selected)"


class TestAsking:
    def test_pictures_come_as_bytes_and_only_those_of_the_run(self) -> None:
        panel, told = swept()
        sha = items(told)[0][0][0]["sha"]
        panel.handle({"kind": "thumbnails", "shas": [sha, "0" * 64]})
        came = told.last("thumbnails")
        assert (came["shas"], came["buffers"][0][8:12]) == ([sha], b"WEBP")
        assert "does not belong to this panel" in came["missing"]["0" * 64]

    def test_an_opened_picture_comes_large_and_the_file_itself_when_asked_for(self) -> None:
        panel, told = swept()
        sha = items(told)[0][0][0]["sha"]
        panel.handle({"kind": "open", "sha": sha, "original": True})
        assert told.last("picture")["buffers"] == [panel.run[0].artifacts[0].bytes]

    def test_marked_results_are_the_value(self) -> None:
        panel, told = swept()
        assert panel.value.empty
        panel.handle({"kind": "mark", "ids": [items(told)[0][0][0]["id"], items(told)[1][1][0]["id"]]})
        assert panel.value[["prompt", "model"]].to_numpy().tolist() == [
            ["a calm sea", "me/calm"],
            ["a storm", "me/moody"],
        ]
        assert len(panel.table()) == 4

    def test_details_tell_the_prompt_as_it_was_sent_and_what_was_not_honoured(self) -> None:
        panel, told = swept(fixed={"seed": 7, "style": ik.Style("noir", text="film noir")})
        panel.handle({"kind": "about", "id": items(told)[0][1][0]["id"]})
        about = told.last("about")
        assert about["prompt"] == "a calm sea, film noir"
        assert dict(about["details"])["unfair"] == "seed 7 ignored"

    def test_differences_of_two_results_leave_the_prompts_to_the_words_above(self) -> None:
        panel, told = swept()
        first, second = (items(told)[0][k][0]["id"] for k in (0, 1))
        panel.handle({"kind": "differences", "a": first, "b": second})
        rows = {row[0]: row[1:] for row in told.last("differences")["rows"]}
        assert rows["model"] == ("me/calm", "me/moody")
        assert "prompt" not in rows

    def test_an_adaptation_is_told_once(self) -> None:
        panel, told = swept(fixed={"seed": 7})
        first, second = (items(told)[0][k][0]["id"] for k in (0, 1))
        panel.handle({"kind": "differences", "a": first, "b": second})
        panel.handle({"kind": "about", "id": second})
        rows = [*told.last("differences")["rows"], *told.last("about")["details"]]
        assert [row[0] for row in rows if "seed 7 ignored" in row] == ["unfair"]

    def test_what_the_page_may_not_ask_is_an_error_in_the_panel(self) -> None:
        panel, told = swept()
        panel.handle({"kind": "buy everything"})
        assert "knows no such action" in told.last("error")["text"]

    def test_the_repr_names_the_run_and_its_cells_and_nothing_that_changes(self) -> None:
        run = ik.Experiment(**{**SWEEP, "vary": {"prompt": ["a"], "model": ["held/one"]}}).start()
        assert repr(run.panel()) == "Compare('w', 1 cell)"
        run.stop()


class TestLive:
    HELD: dict[str, Any] = {"vary": {"prompt": ["a", "bb", "ccc"], "model": ["me/calm", "held/one"]}, "name": "live"}

    def live(self, **changes: Any) -> tuple[Compare, Told]:
        one_at_once = ik.Policy(concurrency=1)
        run = ik.Experiment(**{**self.HELD, "policy": one_at_once, **changes}).start()
        panel = run.panel()
        panel._made = Told(receive=panel.receive, panel=panel.id)
        panel._displayed()
        assert until(lambda: len(panel._news.ended) >= 3)
        assert worker().wait_idle()
        return panel, panel._made

    def state(self, panel: Compare) -> list[str]:
        return [
            cell["items"][0].get("pending", "there")
            for line in panel._showing.whole()["lines"]
            for cell in line["cells"]
        ]

    def test_cells_fill_while_others_are_under_way_or_wait(self, gate: threading.Event) -> None:
        panel, told = self.live()
        assert self.state(panel) == ["there", "under way", "there", "waiting", "there", "waiting"]
        assert told.last("standing")["line"].startswith("3 of 6 cells, $0.00")
        gate.set()
        assert until(lambda: not panel._following)
        assert (told.last("standing")["line"], self.state(panel)) == ("6 cells, $0.00", ["there"] * 6)

    def test_each_result_is_told_once_however_often_the_run_is_looked_at(self, gate: threading.Event) -> None:
        panel, told = self.live()
        before = len([m for m in told.told if m["kind"] == "cells"])
        time.sleep(0.7)
        assert len([m for m in told.told if m["kind"] == "cells"]) == before
        gate.set()
        assert until(lambda: not panel._following)

    @pytest.mark.alone
    def test_stop_acts_within_half_a_second_and_resume_goes_on(self, gate: threading.Event) -> None:
        panel, told = self.live()
        started = time.monotonic()
        panel.receive({"kind": "stop"})
        assert not panel.run.running
        assert until(lambda: told.last("standing")["resume"])
        assert time.monotonic() - started < 0.5
        assert until(lambda: not panel._following)
        assert self.state(panel).count("stopped") == 3
        assert told.last("standing")["line"].endswith("stopped")
        gate.set()
        panel.handle({"kind": "resume"})
        assert until(lambda: panel.run.done == 6)
        assert until(lambda: not panel._following)
        assert told.last("standing")["line"].startswith("6 cells")

    def test_what_failed_is_run_again_and_its_cell_filled_anew(self) -> None:
        panel, told = swept()
        assert told.last("standing")["retry"]

        @ik.register(model="me/moody", version="1", price_usd=0.04)
        def moody(request: Any) -> Image.Image:
            return Image.new("RGB", (64, 64), (9, 9, 9))

        panel.handle({"kind": "retry"})
        assert until(lambda: panel._news.failed == 0 and not panel._following)
        assert not told.last("standing")["retry"]
        assert items(told)[1][1][0].get("sha") or told.last("cells")["cells"][0]["items"][0]["sha"]

    def test_a_run_that_another_cell_resumes_is_followed_again(self, gate: threading.Event) -> None:
        panel, told = self.live()
        panel.run.stop()
        assert until(lambda: not panel._following)
        gate.set()
        panel.run.resume()
        assert until(lambda: not panel._following and len(panel._news.ended) == 6)
        assert told.last("standing")["line"].startswith("6 cells")

    def test_a_bundle_says_why_it_cannot_go_on(self, tmp_path: Path) -> None:
        run = ik.Experiment(**SWEEP).run(progress=False)
        _, told = opened(ik.open_run(run.export(tmp_path / "w.zip")))
        standing = told.last("standing")
        assert (standing["resume"], standing["retry"]) == (False, False)
        assert "w.zip: nothing is added to it" in standing["why"]

    def test_a_run_of_an_earlier_session_can_be_resumed(self, gate: threading.Event) -> None:
        ik.Experiment(**self.HELD).start().stop()
        panel, told = opened(ik.open_run("latest"))
        gate.set()
        panel.handle({"kind": "resume"})
        assert until(lambda: panel.run.done == 6)
        assert until(lambda: not panel._following)
        assert panel.errors == []
        assert told.last("standing")["line"].startswith("6 cells")


class Handle:
    """What a displayed output shows: the last that was drawn into it."""

    def __init__(self) -> None:
        self.shows = ""

    def update(self, drawn: Any) -> None:
        self.shows = drawn.data


def displayed(panel: Compare) -> Handle:
    """Put the static copy up as a cell does, without a notebook around it."""
    handle = Handle()
    with panel._lock:
        handle.shows = panel._framed()
        panel._shown.append((handle, None))
    panel._displayed()
    return handle


class TestStaticCopies:
    """However a display and the end of the run meet, what a saved notebook keeps says how the run ended."""

    def held(self, gate: threading.Event) -> Run:
        vary = {"prompt": [f"p{i}" for i in range(4)], "model": ["held/one"]}
        return ik.Experiment(vary=vary, name="held").start()

    def ended(self, *handles: Handle) -> None:
        assert until(lambda: all("4 cells" in h.shows and "running" not in h.shows for h in handles))

    def test_all_displays_of_a_panel_are_renewed_after_the_end(self, gate: threading.Event) -> None:
        run = self.held(gate)
        panel, _ = opened(run)
        first, second = displayed(panel), displayed(panel)
        assert "running" in first.shows
        assert "running" in second.shows
        gate.set()
        third = displayed(panel)
        self.ended(first, second, third)

    def test_a_run_that_ends_while_its_panel_is_drawn_is_drawn_again(self, gate: threading.Event) -> None:
        run = self.held(gate)
        panel = run.panel()
        handle = Handle()
        handle.shows = panel._framed()
        panel._shown.append((handle, None))
        gate.set()
        run.wait()
        panel._displayed()
        self.ended(handle)

    def test_a_display_that_is_drawn_while_the_run_ends_is_not_left_behind(self, gate: threading.Event) -> None:
        run = self.held(gate)
        panel, _ = opened(run)
        first, late = displayed(panel), Handle()
        with panel._lock:  # as a cell that is drawing
            late.shows = panel._framed()
            gate.set()
            run.wait()
            time.sleep(0.5)  # the last look at the run is due, and has to wait for the display
            panel._shown.append((late, None))
        panel._displayed()
        self.ended(first, late)

    def test_a_page_that_cannot_be_told_does_not_keep_the_copy_from_its_end(self, gate: threading.Event) -> None:
        run = self.held(gate)
        panel, told = opened(run)
        handle = displayed(panel)
        told.torn = True
        assert until(lambda: bool(panel.errors))
        gate.set()
        self.ended(handle)
        assert len(panel.errors) == 1


class TestScripts:
    def test_nothing_in_the_scripts_makes_markup_of_text(self) -> None:
        source = script(*VIEWER, "compare")
        assert [
            word
            for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
            if word in source
        ] == []

    def test_the_scripts_ask_no_address(self) -> None:
        source = script(*VIEWER, "compare")
        assert [word for word in ("http://", "https://", "import(", "fetch(") if word in source] == []

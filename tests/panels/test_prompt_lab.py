"""The prompt lab without a browser: what its form and its page are told, what may be asked, and what comes of it."""

from __future__ import annotations

import io
import re
import threading
import time
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine
from imagegen_kit.errors import InvalidInput
from imagegen_kit.panels.lab.form import _model_words
from imagegen_kit.panels.lab.panel import PromptLab
from imagegen_kit.panels.worker import worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("own_registry", "models")
EVIL = "<img src=x onerror=alert(1)> a 'cat' & more"
LABS: list[PromptLab] = []  # of this test, with their widgets


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opens what me/held waits for; it is open after the test in any case."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
def models(own_registry: None, tmp_path: Path, gate: threading.Event) -> Iterator[None]:
    """A free model, one at 4 cents, and one that waits for the gate; what the lab has begun ends with the test."""
    ik.configure(store=tmp_path / "imagegen-store")

    @ik.register(model="me/free", seed=True, references=4, version="1", price_usd=0.0)
    def free(request: Any) -> Image.Image:
        return Image.new("RGB", (48, 32), (len(request.prompt) % 255, 90, request.sample))

    @ik.register(model="me/paid", version="1", price_usd=0.04)
    def paid(request: Any) -> Image.Image:
        return Image.new("RGB", (48, 32), (len(request.prompt) % 255, 0, request.sample))

    @ik.register(model="me/held", version="1", price_usd=0.0)
    def held(request: Any) -> Image.Image:
        gate.wait(120)
        return Image.new("RGB", (8, 8))

    yield
    gate.set()
    try:
        assert settled()
    finally:  # what hangs must not hang again in all tests that follow
        LABS.clear()


class Page:
    """A lab with its widgets, and what its three views are told."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self.lab: PromptLab = ik.prompt_lab(*given, **{"model": "me/free", **more})
        LABS.append(self.lab)
        whole = self.lab.widget
        self.page = whole.lab_page
        self.form, self.fields = self.page.form, self.page.form.fields
        self.told: list[dict[str, Any]] = []
        for view in (self.page.outlook, self.page.references, self.page.saved):
            view.send = lambda content, buffers=None: self.told.append(content)  # the wire's end: no page is there
        self.lab.handle({"kind": "ready"})

    def last(self, kind: str) -> dict[str, Any]:
        return next(m for m in reversed(self.told) if m["kind"] == kind)

    def foreseen(self, headline: str) -> bool:
        return until(lambda: self.last("foresight")["headline"].startswith(headline))

    def said_at(self, name: str) -> str:
        return unescape(re.sub("<[^>]*>", "", self.form.told[name].value))


def until(seen: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if seen():
            return True
        time.sleep(0.02)
    return False


def settled() -> bool:
    """Wait until the labs of this test have nothing left to do: the engine may be closed after that."""
    return until(lambda: not any(lab.busy for lab in LABS)) and worker().wait_idle()


def ended(lab: PromptLab) -> bool:
    return until(lambda: not lab.running) and worker().wait_idle()


def png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, "PNG")
    return out.getvalue()


class TestBeforeGenerate:
    def test_typing_changes_what_is_foreseen_without_anything_being_sent(self) -> None:
        page = Page()
        assert page.last("foresight")["headline"] == "write a prompt to begin"
        page.fields["prompt"].value = "a cat\na dog"
        assert page.foreseen("2 cells")
        assert [p["prompt"] for p in page.last("foresight")["prompts"]] == ["a cat", "a dog"]
        assert page.page._generate.description == "Generate 2"
        assert ik.runs().empty

    def test_quick_typing_is_answered_once(self) -> None:
        page = Page()
        page.told.clear()
        for end in range(1, 30):
            page.fields["prompt"].value = "a cat in a very long garden"[:end]
        assert until(lambda: any(m["kind"] == "foresight" for m in page.told))
        assert len([m for m in page.told if m["kind"] == "foresight"]) == 1

    def test_the_button_says_what_it_will_cost(self) -> None:
        page = Page("a cat", model=["me/free", "me/paid"])
        assert page.page._generate.description == "Generate 2 · est. $0.04"

    def test_faults_stand_at_their_fields_and_nothing_can_be_generated(self) -> None:
        page = Page("a cat")
        page.fields["seed"].value, page.fields["size"].value = "seven", "9x"
        assert page.foreseen("2 things to mend")
        assert "'seven' is not a whole number" in page.said_at("seed")
        assert "'9x' is not a size" in page.said_at("size")
        assert page.page._generate.disabled
        page.lab.handle({"kind": "generate"})
        assert "not a whole number" in page.lab.errors[-1].words
        assert page.lab.runs == []

    def test_models_without_a_key_are_listed_last_with_what_is_missing(self) -> None:
        page = Page("a cat")
        labels = [label for label, _ in page.fields["models"].options]
        assert labels[0] == "me/free · free"
        assert "openai/gpt-image-1.5 (set OPENAI_API_KEY)" in labels[-40:]
        page.fields["models"].value = ("openai/gpt-image-1.5",)
        assert page.foreseen("1 thing to mend")
        assert "Set OPENAI_API_KEY" in page.said_at("models")

    def test_a_paid_model_is_never_chosen_by_itself(self) -> None:
        ik.configure(model="me/paid")
        assert ik.prompt_lab("a cat").draft.models == ("offline/collage",)

    def test_nothing_is_offered_until_the_cost_is_on_the_page(self) -> None:
        lab = ik.prompt_lab("a cat", model="me/paid")
        LABS.append(lab)
        page = lab.widget.lab_page
        page.show(lab.foresight)
        assert (page._generate.description, page._generate.disabled) == ("Generate …", True)
        lab.handle({"kind": "ready"})
        assert (page._generate.description, page._generate.disabled) == ("Generate 1 · est. $0.04", False)

    def test_what_cannot_be_made_cannot_be_saved(self) -> None:
        page = Page()
        assert page.page._save.disabled
        page.lab.draft = page.lab.draft.with_(prompt="a cat")
        assert page.foreseen("1 cell")
        assert not page.page._save.disabled

    @pytest.mark.parametrize("no_draft", [None, "abc", {}])
    def test_what_is_no_draft_is_refused_and_the_fields_stay(self, no_draft: Any) -> None:
        lab = ik.prompt_lab("a cat")
        with pytest.raises(InvalidInput, match="is no draft"):
            lab.draft = no_draft
        assert lab.draft.prompt == "a cat"

    def test_a_fresh_lab_has_a_table_without_rows(self) -> None:
        lab = ik.prompt_lab()
        assert len(lab.table()) == len(lab.value) == 0
        assert {"cell", "status", "cost_usd"} <= set(lab.table().columns)

    def test_half_of_a_character_is_told_at_the_prompt(self) -> None:
        page = Page("a cat")
        page.lab.draft = page.lab.draft.with_(prompt="a \ud800 cat")
        assert page.foreseen("1 thing to mend")
        assert "half of a character" in page.said_at("prompt")

    def test_every_control_has_a_name(self) -> None:
        page = Page("a cat")
        assert all(field.description for field in page.fields.values())
        assert [b.description for b in (page.page._stop, page.page._save, page.page._restore)] == [
            "Stop", "Save as experiment", "Restore",
        ]  # fmt: skip


class TestGenerate:
    def test_the_run_appears_above_the_one_before(self) -> None:
        page = Page("a cat")
        page.lab.handle({"kind": "generate"})
        assert ended(page.lab)
        page.lab.draft = page.lab.draft.with_(prompt="a dog")
        page.lab.generate().wait()
        assert ended(page.lab)
        newest, older = page.page._results.children
        assert newest is page.page._panels[0][0].widget
        assert older.titles == ("1 · a cat",)
        assert page.lab.table()["prompt"].tolist() == ["a cat", "a dog"]
        assert page.lab.value["prompt"].tolist() == ["a dog"]
        assert repr(page.lab) == "PromptLab(2 runs)"

    def test_marked_results_are_the_value(self) -> None:
        page = Page("a cat\na dog")
        page.lab.generate().wait()
        compare = page.page._panels[0][0]
        ids = page.lab.runs[-1].table().index
        assert len(page.lab.value) == len(ids) == 2
        compare.handle({"kind": "mark", "ids": [request_ids(page.lab)[1]]})
        assert page.lab.value["prompt"].tolist() == ["a dog"]

    def test_ctrl_enter_takes_the_text_that_it_follows(self) -> None:
        page = Page("a ca")
        page.lab.handle({"kind": "generate", "prompt": "a cat"})
        assert ended(page.lab)
        assert page.lab.table()["prompt"].tolist() == ["a cat"]

    def test_nothing_is_bought_for_more_than_the_button_said(self) -> None:
        page = Page("a cat")
        page.lab.draft = page.lab.draft.with_(models=["me/paid"])
        page.lab.handle({"kind": "generate"})
        assert page.lab.runs == []
        assert "est. $0.04" in page.page._progress.value
        page.lab.handle({"kind": "generate"})
        assert ended(page.lab)
        assert page.lab.table()["cost_usd"].tolist() == [0.04]

    def test_stop_acts_at_once(self, gate: threading.Event) -> None:
        page = Page("\n".join(f"cat {i}" for i in range(40)), model="me/held")
        run = page.lab.generate()
        assert until(lambda: not page.page._stop.disabled)
        page.lab.handle({"kind": "generate"})
        assert "a run is under way" in page.lab.errors[-1].words
        page.lab.receive({"kind": "stop"})
        gate.set()
        assert ended(page.lab)
        assert run.done < 40
        assert until(lambda: page.page._stop.disabled)

    def test_the_same_again_costs_nothing_and_says_so(self) -> None:
        page = Page("a cat", model="me/paid")
        page.lab.generate().wait()
        assert page.foreseen("1 cell · est. $0.00 · 1 in the cache")
        assert page.last("foresight")["all_cached"]
        page.lab.handle({"kind": "generate"})
        assert ended(page.lab)
        assert page.lab.table()["cost_usd"].tolist() == [0.04, 0.0]


class TestReferences:
    def test_dropped_pictures_are_kept_in_the_store_and_bad_ones_are_told(self) -> None:
        page = Page("a cat")
        page.lab.handle({"kind": "add_pictures", "names": ["red.png", "no.txt"]}, [png("red"), b"no picture"])
        (reference,) = page.last("references")["references"]
        assert (reference["name"], reference["role"], reference["size"]) == ("red.png", "content", "20×10")
        assert "no.txt" in page.lab.errors[-1].words
        page.lab.handle({"kind": "thumbnails", "shas": [reference["sha"], "f" * 64]})
        assert page.last("thumbnails")["shas"] == [reference["sha"]]
        page.lab.generate().wait()
        assert page.lab.table()["reference_ids"].astype(bool).all()

    def test_a_path_that_is_no_picture_is_told_at_the_field_and_stays_there(self, tmp_path: Path) -> None:
        page = Page("a cat")
        (tmp_path / "no.png").write_bytes(b"no picture")
        page.lab.handle({"kind": "add_path", "path": f" {tmp_path / 'no.png'} "})
        refused = page.last("refused")
        assert refused["path"] == str(tmp_path / "no.png")
        assert "no.png: " in refused["faults"][0]
        assert not any(m["kind"] == "error" for m in page.told)
        assert "no.png" in page.lab.errors[-1].words

    def test_the_same_picture_is_one_reference_with_a_role_until_it_is_removed(self, tmp_path: Path) -> None:
        page = Page("a cat")
        (tmp_path / "blue.png").write_bytes(png("blue"))
        for _ in range(2):
            page.lab.handle({"kind": "add_path", "path": str(tmp_path / "blue.png")})
        (reference,) = page.last("references")["references"]
        page.lab.handle({"kind": "set_role", "sha": reference["sha"], "role": "style"})
        assert page.lab.draft.references[0].role == "style"
        page.lab.handle({"kind": "remove", "sha": reference["sha"]})
        assert page.lab.draft.references == ()

    def test_a_library_feeds_the_prompt_and_the_budget_is_the_runs(self) -> None:
        page = Page("a cat")
        page.fields["library"].value, page.fields["top_k"].value = "shipped", "2"
        page.fields["budget_usd"].value = "0.5"
        experiment = page.lab.experiment
        assert experiment.grid.fixed == {"library": "shipped", "top_k": 2}
        assert experiment.budget_usd == 0.5


class TestHistory:
    def test_a_restart_loses_nothing_and_restore_brings_all_fields_back(self) -> None:
        page = Page("a cat", style=[None, "watercolor"], seed=3, negative_prompt="red", size="64x64", repeats=2)
        page.lab.handle({"kind": "add_pictures", "names": ["red.png"]}, [png("red")])
        before = page.lab.draft
        page.lab.generate().wait()
        assert ended(page.lab)
        assert settled()
        close_default_engine()  # as when the kernel is restarted
        page = Page("something else")
        assert page.page._history.options == (("1 · a cat · me/free · $0.00", 1),)
        page.lab.handle({"kind": "restore", "number": 1})
        assert page.lab.draft == before
        assert page.fields["seed"].value == "3"
        assert page.fields["styles"].value == (None, "watercolor")
        assert repr(page.lab) == "PromptLab(0 runs)"

    def test_only_runs_of_the_lab_are_its_history(self) -> None:
        ik.Experiment(vary={"prompt": ["a cat"]}, fixed={"model": "me/free"}).run(progress=False)
        assert ik.prompt_lab().history == []

    def test_a_number_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="no run 4"):
            ik.prompt_lab().restore(4)


class TestSave:
    def test_code_and_file_are_shown_and_a_file_is_never_replaced_silently(self, tmp_path: Path) -> None:
        page = Page("a cat", seed=7)
        page.lab.handle({"kind": "save"})
        assert page.last("saved")["code"].startswith("exp = ik.Experiment(")
        assert "seed: 7" in page.last("saved")["yaml"]
        path = str(tmp_path / "mine.yaml")
        page.lab.handle({"kind": "write", "path": path})
        assert page.last("written")["path"] == path
        page.lab.draft = page.lab.draft.with_(seed=8)
        page.lab.handle({"kind": "write", "path": path})
        assert page.last("exists")["path"] == path
        assert ik.Experiment.from_yaml(path).grid.fixed["seed"] == 7
        page.lab.handle({"kind": "write", "path": path, "replace": path})
        assert ik.Experiment.from_yaml(path).grid.fixed["seed"] == 8


class TestTheStaticCopy:
    def test_it_shows_prompt_plan_and_pictures_and_foreign_text_stays_text(self) -> None:
        lab = ik.prompt_lab(EVIL, model=["me/free", "me/paid"], seed=3)
        lab.generate().wait()
        markup = lab.static()
        tags: list[tuple[str, dict[str, str | None]]] = []

        class Read(HTMLParser):
            def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
                tags.append((tag, dict(attributes)))

        Read().feed(markup)
        pictures = [attributes for tag, attributes in tags if tag == "img"]
        assert len(pictures) == 2
        assert all(p["alt"] and (p["src"] or "").startswith("data:image/webp") for p in pictures)
        assert "script" not in {tag for tag, _ in tags}
        assert "unfair pair: me/free and me/paid: seed as asked | 3 ignored" in markup

    def test_an_empty_lab_invites(self) -> None:
        assert "write a prompt to begin" in ik.prompt_lab().static()


def request_ids(lab: PromptLab) -> list[int]:
    """The journal's numbers of the last run's requests, in the order of its cells."""
    run = lab.runs[-1]
    rows = run._store.journal.read("SELECT id FROM requests WHERE run = ? ORDER BY cell", (run._number,))
    return [number for (number,) in rows]


def test_a_model_that_needs_a_server_is_not_offered_as_free() -> None:
    labels = [label for label, _ in Page("a cat").fields["models"].options]
    (server,) = (label for label in labels if label.startswith("a1111/default"))
    assert server == "a1111/default (needs a server at http://127.0.0.1:7860; not tried)"
    assert labels.index("me/paid · $0.04") < labels.index(server)


@pytest.mark.parametrize(
    ("price", "words"),
    [(None, "price unknown"), (float("nan"), "price unknown"), (pd.NA, "price unknown"), (0, "free"), (0.04, "$0.04")],
)
def test_a_ready_model_is_offered_with_its_price_or_that_nobody_knows_it(price: Any, words: str) -> None:
    assert _model_words("a/model", True, price, "") == f"a/model · {words}"

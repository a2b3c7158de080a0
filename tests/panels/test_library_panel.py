"""The library panel without a browser: what it is asked, what its page is told, what stays in the notebook."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sqlite3
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.panels.aside import Aside
from imagegen_kit.panels.library.about import warning
from imagegen_kit.panels.library.answer import PAGE
from imagegen_kit.panels.library.ask import MOST_HITS, Ask, asked
from imagegen_kit.panels.library.panel import LibraryPanel
from imagegen_kit.panels.view import View
from imagegen_kit.panels.worker import worker
from imagegen_kit.retrieval.embedders.model_folder import RANDOM_WEIGHTS
from tests.retrieval.conftest import DRAWINGS
from tests.retrieval.small_library import shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVIL = "<img src=x onerror=alert(1)>"


class Recorder(View):
    """A view that keeps what its page is told."""

    _esm = "export default { render() {} }"

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.told: list[tuple[dict[str, Any], list[bytes]]] = []

    def tell(self, kind: str, buffers: Sequence[bytes] = (), **what: Any) -> None:
        self.told.append(({"kind": kind, **what}, list(buffers)))

    def last(self, kind: str) -> dict[str, Any]:
        return next(message for message, _ in reversed(self.told) if message["kind"] == kind)


class Watched(LibraryPanel):
    """A library panel whose page is a Recorder."""

    def _make(self) -> Any:
        return Recorder(receive=self.receive, panel=self.id)

    def said(self, kind: str, **what: Any) -> Recorder:
        """Do what a message asks, and wait for all that comes of it."""
        view: Recorder = self.widget
        self.handle({"kind": kind, **what}, what.pop("buffers", ()))
        assert self.wait_idle(30)
        return view


@pytest.fixture
def shelf(tmp_path: Path) -> ik.Library:
    """Ten drawings with names, captions, tags and roles, in a library of their own."""
    library = ik.Library.open(tmp_path / "shelf")
    pictures = tmp_path / "drawings"
    pictures.mkdir()
    for place, (id, (ink, paper, form, name, caption, tags)) in enumerate(DRAWINGS.items()):
        shape(ink, paper, form, (64 + 8 * place, 64)).save(pictures / f"{id}.png")
        role = "setting" if form == "corner" else "content"
        library.add(pictures / f"{id}.png", id=id, name=name, caption=caption, tags=list(tags), role=role)
    return library


@pytest.fixture
def panel(shelf: ik.Library) -> Watched:
    made = Watched(shelf)
    made.said("ready")
    return made


def ids(view: Recorder) -> list[str]:
    return [card["id"] for card in view.last("found")["cards"]]


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


class TestBrowsing:
    def test_without_a_question_the_library_itself_is_shown(self, panel: Watched) -> None:
        found = panel.widget.last("found")
        assert [card["id"] for card in found["cards"]] == list(DRAWINGS)
        assert (found["title"], found["browsing"], found["left"]) == ("10 pictures", True, 0)

    def test_the_page_is_told_where_the_library_is_and_by_what_it_is_searched(self, panel: Watched) -> None:
        about = panel.widget.last("found")["about"]
        assert (about["name"], about["count"], about["embedder"], about["dimension"]) == ("shelf", 10, "offline", 524)
        assert about["path"] == str(panel.library.path.relative_to(Path.cwd()))
        assert about["fingerprint"] == panel.library.embedder.fingerprint[:12]

    def test_facets_count_what_each_would_leave(self, panel: Watched) -> None:
        facets = panel.widget.last("found")["facets"]
        assert facets["roles"] == [{"name": "content", "count": 8}, {"name": "setting", "count": 2}]
        assert {"name": "ball", "count": 3} in facets["tags"]
        view = panel.said("search", tags=["toy"])
        assert view.last("found")["facets"]["roles"] == [{"name": "content", "count": 2}]
        assert ids(view) == ["ball-red", "ball-blue"]

    def test_a_long_library_comes_page_by_page(self, tmp_path: Path) -> None:
        library = ik.Library.open(tmp_path / "long")
        library.add([Image.new("RGB", (8, 8), (i, 255 - i, 40)) for i in range(PAGE + 5)])
        panel = Watched(library)
        view = panel.said("ready")
        assert (len(ids(view)), view.last("found")["left"]) == (PAGE, 5)
        view = panel.said("more", shown=PAGE)
        assert (len(ids(view)), view.last("found")["first"], view.last("found")["left"]) == (5, PAGE, 0)
        told = len(view.told)
        panel.said("more", shown=PAGE)  # asked twice by two views
        assert len(view.told) == told

    def test_an_empty_library_says_how_to_fill_it(self, tmp_path: Path) -> None:
        panel = Watched(ik.Library.open(tmp_path / "none"))
        view = panel.said("ready")
        assert "lib.add(" in view.last("found")["problem"]
        assert "is empty" in panel.static()
        assert "lib.add(" in panel.said("search", text="a cat").last("found")["problem"]
        assert panel.errors == []
        assert repr(panel) == "LibraryPanel(none, 0 references)"

    def test_what_another_process_adds_is_told(self, panel: Watched, tmp_path: Path) -> None:
        shape("pink", form="bar").save(tmp_path / "pink.png")
        code = f"import imagegen_kit as ik; ik.Library.open({str(panel.library.path)!r}).add('pink.png', id='pink')"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=os.environ)
        assert panel._watch() is True
        assert panel.widget.last("changed")["count"] == 11
        assert "pink" in ids(panel.said("again"))


class TestSearching:
    def test_hits_have_rank_score_and_the_reasons(self, panel: Watched) -> None:
        view = panel.said("search", text="a red ball", top_k=3)
        first = view.last("found")["cards"][0]
        assert (first["id"], first["rank"]) == ("ball-red", 1)
        assert 0 < first["score"] <= 1
        assert re.fullmatch(r"words \d\.\d\d \(no\. 1\): red, ball", first["why"][0])
        assert re.match(r"3 hits · exact · ", view.last("found")["title"])
        assert list(panel.table()["id"]) == ids(view)

    def test_a_dropped_picture_is_searched_by(self, panel: Watched) -> None:
        view = panel.said("query_picture", name="drop.png", buffers=[png(shape("blue", form="box", size=(96, 64)))])
        assert view.last("asked_picture")["name"] == "drop.png"
        assert ids(view)[0] == "box-blue"
        assert "looks alike" in view.last("found")["cards"][0]["why"][0]
        view = panel.said("query_picture")  # taken away again
        assert view.last("found")["browsing"] is True

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"GIF89a" + b"\0" * 40, "this is a GIF"),
            (b"no picture", "not a PNG, JPEG or WebP picture"),
            (png(Image.new("1", (20_000, 20_000))), "400 megapixels"),
        ],
        ids=["gif", "text", "huge"],
    )
    def test_a_file_that_is_no_sound_picture_is_refused_in_words(self, panel: Watched, data: bytes, words: str) -> None:
        view = panel.said("query_picture", name=EVIL, buffers=[data])
        assert words in view.last("asked_picture")["refused"]
        assert panel.ask.picture is None
        assert panel.errors == []

    def test_words_and_picture_are_weighed_when_there_are_both(self, panel: Watched) -> None:
        panel.said("query_picture", name="blue.png", buffers=[png(shape("blue", form="box", size=(96, 64)))])
        assert ids(panel.said("search", text="red ball", balance=0.0))[0] == "box-blue"
        assert ids(panel.said("search", text="red ball", balance=1.0))[0] == "ball-red"

    def test_similar_searches_by_a_picture_of_the_library(self, panel: Watched) -> None:
        view = panel.said("similar", id="flag-blue")
        assert (ids(view)[0], view.last("asked_picture")["name"]) == ("flag-blue", "blue flag")

    def test_only_the_newest_question_is_answered(self, panel: Watched) -> None:
        view: Recorder = panel.widget
        before = len([1 for message, _ in view.told if message["kind"] == "found"])
        with panel.library._current._guard:  # no search gets through until all have been asked
            for text in ("red", "blue", "green ball"):
                panel.handle({"kind": "search", "text": text, "top_k": 1})
        assert panel.wait_idle(30)
        found = [message for message, _ in view.told if message["kind"] == "found"][before:]
        assert [message["cards"][0]["id"] for message in found] == ["ball-green"]

    def test_the_worker_is_free_while_a_search_takes_its_time(self, panel: Watched) -> None:
        with panel.library._current._guard:
            panel.handle({"kind": "search", "text": "red"})
            assert worker().wait_idle(5)
        assert panel.wait_idle(30)
        assert ids(panel.widget)[0].endswith("red")

    def test_what_is_wrong_with_a_question_is_told_in_its_place(self, panel: Watched) -> None:
        view = panel.said("search", text="x" * 200_000)
        assert "letters are more than" in view.last("found")["problem"]
        assert "letters are more than" in panel.static()
        assert view.last("found")["cards"] == []

    def test_an_unknown_filter_is_refused_when_the_panel_is_made(self, shelf: ik.Library) -> None:
        with pytest.raises(InvalidInput, match="rol"):
            shelf.panel(where={"rol": "setting"})

    def test_a_filter_of_the_panel_holds_beside_those_of_the_page(self, shelf: ik.Library) -> None:
        panel = Watched(shelf, where={"tags": ["toy"]})
        assert ids(panel.said("search", text="a red ball or a flag", top_k=9)) == ["ball-red", "ball-blue"]
        assert ids(panel.said("search", tags=["ball"])) == ["ball-red", "ball-blue"]
        assert ids(panel.said("search", tags=["flag"])) == []

    def test_python_may_ask_too(self, panel: Watched) -> None:
        hits = panel.search("flag", top_k=2, roles=["content"])
        assert [r.origin for r in hits] == ids(panel.widget) == ["flag-red", "flag-blue"]
        assert panel.widget.last("asked")["ask"]["text"] == "flag"
        with pytest.raises(InvalidInput, match="top_k"):
            panel.search("flag", topk=2)

    def test_python_is_told_all_that_is_wrong_at_once_and_nothing_is_asked(self, panel: Watched) -> None:
        wrong = {"roles": "contnt", "tags": [3], "balance": "x", "dedup": "maybe", "diversity": 4, "top_k": 10_000}
        with pytest.raises(InvalidInput) as refused:
            panel.search(["a"], negative=3, image=b"no picture", topk=2, **wrong)  # type: ignore[arg-type]
        places = {fault.where for fault in refused.value.faults}
        assert places == {"text", "negative", "image", "topk", *wrong}
        assert "Did you mean 'content'?" in str(refused.value)
        assert panel.ask == Ask()

    @pytest.mark.parametrize("top_k", [0, -1, 61, "5", True, 2.5, None])
    def test_python_asks_for_as_many_hits_as_a_page_can(self, panel: Watched, top_k: Any) -> None:
        with pytest.raises(InvalidInput, match="from 1 to 60"):
            panel.search("flag", top_k=top_k)
        with pytest.raises(InvalidInput, match="from 1 to 60"):
            panel.library.panel(top_k=top_k)

    def test_no_words_are_no_words(self, panel: Watched) -> None:
        panel.search("flag")
        assert panel.search(None) is None
        assert ids(panel.widget) == list(DRAWINGS)
        hits = panel.search(None, image=panel.library.get("flag-blue"), top_k=1)
        assert [r.origin for r in hits] == ["flag-blue"]

    def test_what_one_call_names_does_not_stay_for_the_next(self, shelf: ik.Library) -> None:
        panel = Watched(shelf, top_k=2)
        panel.search("flag", image=shelf.get("box-blue"), diversity=0.9, dedup=False, tags="toy", top_k=5)
        assert (panel.ask.tags, panel.ask.diversity, panel.ask.top_k) == (("toy",), 0.9, 5)
        assert len(panel.search("flag")) == 2
        assert panel.ask == Ask(text="flag", top_k=2)
        assert panel.ask.picture is None

    def test_what_a_panel_is_made_with_is_refused_in_words(self, shelf: ik.Library) -> None:
        with pytest.raises(InvalidInput) as refused:
            shelf.panel(where="setting", topk=3, top_k=0)
        assert {fault.where for fault in refused.value.faults} == {"where", "topk", "top_k"}
        assert "Did you mean 'top_k'?" in str(refused.value)
        assert "a str is no filter" in str(refused.value)


class TestMarks:
    def test_chosen_pictures_are_references_with_their_roles(self, panel: Watched) -> None:
        panel.said("search", text="red ball", top_k=2)
        panel.said("use", id="ball-red", on=True)
        panel.use("roof-grey", role="style")
        view = panel.said("role", id="ball-red", role="character")
        assert [(r.origin, r.role) for r in panel.references] == [("ball-red", "character"), ("roof-grey", "style")]
        assert list(panel.value["id"]) == ["ball-red", "roof-grey"]
        assert panel.value["score"].isna().tolist() == [False, True]
        assert [one["role"] for one in view.last("marks")["chosen"]] == ["character", "style"]
        result = ik.generate("a ball under a roof", model="offline/collage", references=panel.references, size=128)
        assert result.request.references == tuple(panel.references)

    def test_the_code_that_is_shown_gives_the_same_references(self, panel: Watched) -> None:
        panel.use("ball-red")
        panel.use("roof-grey", role="style")
        given: list[Any] = []

        class Kit:
            Library, Reference = ik.Library, ik.Reference

            @staticmethod
            def generate(_prompt: str, *, references: list[Any]) -> None:
                given.extend(references)

        exec(panel.widget.last("marks")["code"], {"ik": Kit})
        assert given == panel.references

    def test_what_is_excluded_is_neither_found_nor_shown(self, panel: Watched) -> None:
        panel.said("search", text="red", top_k=3)
        view = panel.said("exclude", id="ball-red", on=True)
        assert "ball-red" not in ids(view)
        assert len(ids(view)) == 3
        assert "among 9 pictures" in view.last("found")["title"]
        assert "ball-red" not in ids(panel.said("search", text=""))
        assert "ball-red" in ids(panel.said("exclude", id="ball-red", on=False))

    def test_pinned_pictures_come_first_in_the_static_copy_and_are_told_whole(self, panel: Watched) -> None:
        panel.said("search", text="red", top_k=3)
        last = ids(panel.widget)[-1]
        view = panel.said("pin", id=last, on=True)
        assert view.last("marks")["pinned"][0]["sha"]
        assert re.findall(r'scope="row"[^>]*>([^<]*)<', panel.static())[0] == "3, pinned"
        with pytest.warns(UserWarning, match=f"{last} is excluded, and no longer pinned"):  # one of the two holds
            panel.exclude(last)
        assert panel.marks.pinned == {}
        panel.forget(last)
        assert panel.marks.excluded == {}

    def test_excluding_what_was_chosen_is_told_in_python_and_in_the_page(self, panel: Watched) -> None:
        panel.use("ball-red")
        panel.use("ball-blue")
        panel.pin("ball-blue")
        one, two = "is excluded, and no longer a reference", "is excluded, and no longer a reference or pinned"
        with pytest.warns(UserWarning, match=f"^ball-red {one}; ball-blue {two}.$") as warned:
            panel.exclude("ball-red", "night", "ball-blue")
        assert len(warned) == 1
        assert warned[0].filename == __file__
        assert panel.references == []
        told = {card["id"]: card["dropped"] for card in panel.widget.last("marks")["excluded"]}
        words = "no longer a reference"
        assert told == {"ball-red": words, "night": "", "ball-blue": f"{words} or pinned"}
        panel.exclude("ball-red")  # it has nothing more to lose
        view = panel.said("exclude", id="ball-red", on=False)
        assert [card["id"] for card in view.last("marks")["excluded"]] == ["night", "ball-blue"]
        assert panel.references == []

    @pytest.mark.parametrize("kind", ["pin", "exclude", "use"])
    def test_an_unknown_picture_is_told_in_the_panel(self, panel: Watched, kind: str) -> None:
        view = panel.said(kind, id="nobody", on=True)
        assert "nobody" in view.last("error")["text"]
        assert len(panel.errors) == 1

    def test_a_role_that_is_none_is_refused(self, panel: Watched) -> None:
        with pytest.raises(InvalidInput, match="role"):
            panel.use("ball-red", role="hero")


class TestPictures:
    def test_thumbnails_come_a_few_at_a_time_and_a_missing_file_is_told(self, panel: Watched) -> None:
        cards = panel.widget.last("found")["cards"]
        Path(cards[3]["path"]).unlink()
        Path(cards[4]["path"]).write_bytes(b"another file")
        view = panel.said("thumbnails", shas=[card["sha"] for card in cards])
        told = [(m, b) for m, b in view.told if m["kind"] == "thumbnails"]
        assert len(told) == 2
        assert sum(len(buffers) for _, buffers in told) == 8
        assert all(b[8:12] == b"WEBP" for _, buffers in told for b in buffers)
        missing = {sha: why for message, _ in told for sha, why in message["missing"].items()}
        assert "its file is gone" in missing[cards[3]["sha"]]
        assert "has changed" in missing[cards[4]["sha"]]

    def test_only_pictures_that_the_panel_has_shown_are_given_out(self, panel: Watched) -> None:
        other = ik.Library.open("other")
        other.add(shape("cyan"), id="cyan")
        sha = other.get("cyan").picture.sha256
        assert "does not belong" in panel.said("thumbnails", shas=[sha]).last("thumbnails")["missing"][sha]
        assert "does not belong" in panel.said("open", sha=sha).last("error")["text"]

    def test_a_picture_is_sent_large_only_when_it_is_opened(self, panel: Watched) -> None:
        sha = panel.library.get("night").picture.sha256
        assert not [m for m, _ in panel.widget.told if m["kind"] == "picture"]
        assert panel.said("open", sha=sha).last("picture")["width"] == 136

    def test_a_damaged_row_is_a_card_of_its_own_and_hides_no_other(self, shelf: ik.Library) -> None:
        shelf.close()
        with contextlib.closing(sqlite3.connect(shelf.path / "library.sqlite3")) as database, database:
            database.execute("UPDATE items SET variations = '{' WHERE id = 'box-red'")
        view = Watched(ik.Library.open(shelf.path)).said("ready")
        damaged = [card for card in view.last("found")["cards"] if "damaged" in card]
        assert len(damaged) == 1
        assert "cannot be read" in damaged[0]["damaged"]
        assert len(ids(view)) == 10


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


class TestStatic:
    def test_the_last_hits_stay_as_a_table_with_small_pictures(self, panel: Watched) -> None:
        panel.said("search", text="a red ball", top_k=3)
        panel.use("ball-red")
        page = Tags(panel.static())
        images = [attributes for tag, attributes in page.tags if tag == "img"]
        assert [image["width"] for image in images] == ["64", "80", "72"]  # small ones are not blown up
        assert all(image["alt"] and (image["src"] or "").startswith("data:image/webp;base64,") for image in images)
        assert not {tag for tag, _ in page.tags} & {"script", "style", "button", "a"}
        assert "looked for “a red ball”" in page.text
        assert "a red ball on white paper" in page.text
        assert "references=[\n        lib.get('ball-red'),\n    ]" in page.text

    def test_before_any_search_the_library_shows_itself(self, panel: Watched) -> None:
        assert "10 pictures · 8 content · 2 setting" in Tags(panel.static()).text

    def test_foreign_text_stays_text(self, tmp_path: Path) -> None:
        library = ik.Library.open(tmp_path / "evil")
        library.add(shape("red"), id=EVIL, name=EVIL, caption=f"ball {EVIL}", tags=[EVIL])
        panel = Watched(library)
        panel.said("search", text=f"ball {EVIL}")
        panel.use(EVIL)
        page = Tags(panel.static())
        assert page.text.count(EVIL) >= 4
        assert [a for tag, a in page.tags if tag == "img" and "onerror" in a] == []

    def test_a_missing_file_is_a_notice_in_the_table(self, panel: Watched) -> None:
        Path(panel.library.get("night").picture.path or "").unlink()
        panel.said("search", text="a dark night", top_k=1)
        assert "its file is gone" in Tags(panel.static()).text

    def test_the_repr_is_one_stable_line(self, shelf: ik.Library) -> None:
        assert repr(shelf.panel()) == repr(shelf.panel()) == "LibraryPanel(shelf, 10 references)"


class TestWarnings:
    def test_the_offline_embedder_says_what_it_can_and_cannot(self, panel: Watched) -> None:
        about = panel.widget.last("found")["about"]
        assert about["level"] == "offline"
        assert "cannot be found by words" in about["told"]

    def test_random_weights_are_warned_of(self, tmp_path: Path) -> None:
        class Embedder:
            name, folder = "clip:tiny", tmp_path

        assert warning(Embedder())["level"] == ""  # type: ignore[arg-type]
        (tmp_path / RANDOM_WEIGHTS).write_text("for tests")
        told = warning(Embedder())  # type: ignore[arg-type]
        assert told["level"] == "warning"
        assert "random weights" in told["told"]


@pytest.mark.parametrize(
    ("message", "changed"),
    [
        ({"top_k": 10**9}, {"top_k": MOST_HITS}),
        ({"top_k": -4}, {"top_k": 1}),
        ({"top_k": "many"}, {"top_k": 12}),
        ({"top_k": True}, {"top_k": 12}),
        ({"diversity": float("nan")}, {"diversity": 0.0}),
        ({"balance": 7}, {"balance": 1.0}),
        ({"roles": ["style", "hero", 4]}, {"roles": ("style",)}),
        ({"roles": "style"}, {"roles": ()}),
        ({"tags": ["a", "a", "b"]}, {"tags": ("a", "b")}),
        ({"dedup": 0}, {"dedup": False}),
    ],
    ids=str,
)
def test_what_a_page_sends_is_brought_into_its_range(message: dict[str, Any], changed: dict[str, Any]) -> None:
    found = asked(Ask(), message)
    assert {name: getattr(found, name) for name in changed} == changed


class TestAside:
    def test_what_waits_in_a_slot_gives_way_to_the_next(self) -> None:
        aside, gate, done = Aside("aside"), threading.Event(), list[str]()
        aside.submit(gate.wait)
        jobs: list[Callable[[], None]] = [lambda i=i: done.append(f"slot {i}") for i in range(3)]  # type: ignore[misc]
        for job in jobs:
            aside.submit(job, "slot")
        aside.submit(lambda: done.append("other"))
        gate.set()
        assert aside.wait_idle(10)
        assert done == ["slot 2", "other"]

    def test_its_thread_ends_when_nothing_is_left(self) -> None:
        aside = Aside("short-lived")
        aside.submit(lambda: None)
        assert aside.wait_idle(10)
        for thread in threading.enumerate():
            if thread.name == "short-lived":
                thread.join(5)
        assert "short-lived" not in {thread.name for thread in threading.enumerate()}

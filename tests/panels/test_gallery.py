"""The gallery without a browser: what the page is told, what it may ask, and what comes of it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine
from imagegen_kit.errors import InvalidInput
from imagegen_kit.panels.gallery.choices import all_parts
from imagegen_kit.panels.gallery.contact import LIGHT
from imagegen_kit.panels.gallery.panel import FROZEN, KEPT, PAGE, Gallery
from imagegen_kit.panels.gallery.tiles import tile
from imagegen_kit.panels.view import View
from imagegen_kit.panels.worker import worker
from imagegen_kit.tables.shelf import Shelf

pytestmark = pytest.mark.usefixtures("own_registry", "models")
EVIL = "<script>alert('x')</script> & \"a cat\" <img src=x onerror=alert(1)>"


# Root may write anywhere, so the store is looked at as nobody.
AS_SOMEBODY_ELSE = """
import json, os, sys
import imagegen_kit as ik
ik.gallery
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
ik.configure(store=sys.argv[1])
panel = ik.gallery()
panel.handle({"kind": "arrange", "sort": "cost_usd"})
read_only = panel._shelf.parts[0].store.journal.read_only
print(json.dumps({"read only": read_only, "pictures": panel.static().count("<img"), "errors": panel.errors}))
"""


class HeardView(View):
    """A View that keeps what it tells the page."""

    _esm = "export default {}"

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.told: list[dict[str, Any]] = []

    def tell(self, kind: str, buffers: Any = (), **what: Any) -> None:
        json.dumps(what)  # the page gets JSON
        self.told.append({"kind": kind, "buffers": list(buffers), **what})
        super().tell(kind, buffers, **what)

    def last(self, kind: str) -> dict[str, Any]:
        return [message for message in self.told if message["kind"] == kind][-1]


def heard(panel: Gallery) -> HeardView:
    """Give the panel a view that keeps what it is told, as a page that has just drawn itself."""
    panel._made = HeardView(receive=panel.receive, panel=panel.id)
    panel.handle({"kind": "ready"})
    assert isinstance(panel._made, HeardView)
    return panel._made


@pytest.fixture
def models(own_registry: None, tmp_path: Path) -> None:
    """A free model, and one that fails on storms."""
    ik.configure(store=tmp_path / "imagegen-store")

    @ik.register(model="me/calm", seed=True, version="1", price_usd=0.0)
    def calm(request: Any) -> Image.Image:
        return Image.new("RGB", (12, 8), (len(request.prompt) % 255, request.sample % 255, request.sample // 255))

    @ik.register(model="me/moody", version="1", price_usd=0.25)
    def moody(request: Any) -> Image.Image:
        if "storm" in request.prompt:
            raise ValueError(EVIL)
        return Image.new("RGB", (8, 12), (90, request.sample % 255, len(request.prompt) % 255))


def filled(**changes: Any) -> ik.Experiment:
    given = {"vary": {"prompt": ["a calm sea", "a storm"], "model": ["me/calm", "me/moody"]}, "name": "weather"}
    return ik.Experiment(**{**given, **changes})


def many(count: int) -> Any:
    return filled(vary={"model": ["me/calm"]}, fixed={"prompt": "a dot"}, repeats=count, name="many").run(
        progress=False
    )


class TestWhatIsShown:
    def test_all_pictures_of_the_store_are_there_and_a_repr_says_how_many(self) -> None:
        filled().run(progress=False)
        ik.generate("a fox", model="me/calm")
        panel = ik.gallery()
        assert repr(panel) == "Gallery(2 runs, 4 pictures)"
        assert list(panel.table()["status"]) == ["ok"] * 4
        assert set(panel.table()["run_id"]) == set(ik.runs().index)

    def test_an_empty_store_says_how_to_make_pictures(self) -> None:
        panel = ik.gallery()
        view = heard(panel)
        assert repr(panel) == "Gallery(0 runs, 0 pictures)"
        assert view.last("shelf")["empty"]
        assert "ik.generate" in view.last("shelf")["words"]
        assert "ik.generate" in panel.static()
        assert len(panel.table()) == len(panel.value) == 0
        assert panel.errors == []

    def test_the_first_screen_comes_with_the_widget_and_is_not_sent_again(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        first = panel.widget.state
        assert sorted(row["line"] for row in first["rows"]) == [*["a calm sea"] * 2, "a storm"]
        panel._made = HeardView(receive=panel.receive, panel=panel.id, state=first)
        panel.handle({"kind": "ready", "version": first["version"]})
        assert [message["kind"] for message in panel._made.told] == ["new"]
        assert panel._made.state == {}  # a page that comes later is told what is shown by then
        panel.handle({"kind": "ready"})
        assert panel._made.last("shelf")["rows"] == first["rows"]

    def test_it_takes_runs_ids_names_and_several_of_them(self) -> None:
        run = filled().run(progress=False)
        other = filled(name="other").run(progress=False)
        assert len(ik.gallery(run).table()) == 3
        assert len(ik.gallery("weather").table()) == 3
        assert len(ik.gallery([run, other.id]).table()) == 6
        assert len(ik.gallery([run, run]).table()) == 3
        assert len(ik.gallery(run.select(model="me/moody")).table()) == 1
        assert len(ik.gallery([]).table()) == 0

    def test_a_bundle_stands_beside_runs_of_this_store(self, tmp_path: Path) -> None:
        run = filled().run(progress=False)
        bundle = ik.open_run(run.export(tmp_path / "weather.zip"))
        panel = ik.gallery([bundle, many(2)])
        assert repr(panel) == "Gallery(2 runs, 5 pictures)"
        view = heard(panel)
        shas = [row["sha"] for row in view.last("shelf")["rows"]]
        panel.handle({"kind": "thumbnails", "shas": shas})
        sent = {sha for message in view.told if message["kind"] == "thumbnails" for sha in message["shas"]}
        assert sent == set(shas)
        assert len(panel.table()) == 5
        assert panel.errors == []

    def test_an_unknown_cost_is_said_and_never_zero(self, tmp_path: Path) -> None:
        folder = tmp_path / "made-elsewhere"
        folder.mkdir()
        Image.new("RGB", (9, 9), "teal").save(folder / "teal.png")
        panel = ik.gallery(ik.open_run(folder))
        row = heard(panel).last("shelf")["rows"][0]
        assert "cost unknown" in row["facts"]
        assert "$" not in row["facts"]
        assert "1 unknown" in panel.static()

    def test_a_placeholder_is_marked_and_a_failed_request_is_a_notice_in_words(self) -> None:
        filled(policy=ik.Policy(placeholder=True, attempts=1), name="stand-in").run(progress=False)
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        assert [row["status"] for row in view.last("shelf")["rows"]].count("placeholder") == 1
        assert "dashed" in panel.static()
        panel.handle({"kind": "arrange", "facets": {"status": ["failed"]}})
        (row,) = view.last("shelf")["rows"]
        assert row["sha"] is None
        assert row["notice"].startswith("failed: ")
        assert EVIL not in panel.static()
        assert "&lt;script&gt;" in panel.static()


class TestTheColumnSortedBy:
    def captions(self, sort: str) -> list[str]:
        filled(fixed={"seed": 7}).run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "arrange", "sort": sort})
        return [row["facts"] for row in view.last("shelf")["rows"]]

    def test_a_film_has_its_first_frame_with_a_play_sign_as_thumbnail_and_opened(self) -> None:
        made = ik.run(ik.recipes.film, prompt="a lighthouse", model="offline/zoom", size="96x64", duration=0.5)
        frame = made.film.first_frame.convert("RGB")
        panel = ik.gallery()
        view = heard(panel)
        row = next(row for row in view.last("shelf")["rows"] if row["sha"] == made.film.sha256)
        assert row["notice"] is None
        assert row["alt"].startswith("first frame of a film")
        panel.handle({"kind": "thumbnails", "shas": [row["sha"]]})
        (sent,) = view.last("thumbnails")["buffers"]
        assert Image.open(io.BytesIO(sent)).size == (96, 64)
        panel.handle({"kind": "open", "sha": row["sha"]})
        large = view.last("picture")
        shown = Image.open(io.BytesIO(large["buffers"][0])).convert("RGB").resize((96, 64))
        corner = (0, 0, 24, 16)  # the sign is in the middle
        difference = ImageChops.difference(shown.crop(corner), frame.crop(corner))
        assert max(most for _, most in difference.getextrema()) < 40
        assert shown.getpixel((48, 32)) != frame.getpixel((48, 32))
        assert "first frame of a film" in panel.static()
        assert panel.errors == []

    def test_a_text_that_is_not_there_is_a_dash(self) -> None:
        assert {c.split(" · ")[0] for c in self.captions("error")} == {"error –"}

    def test_unfair_is_said_in_words(self) -> None:
        assert sorted(c.split(" · ")[0] for c in self.captions("unfair")) == ["not unfair", "not unfair", "unfair"]

    def test_a_number_that_nobody_knows_is_unknown(self) -> None:
        filled().run(progress=False)
        assert tile(Shelf(all_parts()).items[0], "seconds_queue", None)["facts"].startswith("seconds queue unknown")


@pytest.mark.parametrize("given", [3, {"run": 1}.values, "frame"], ids=["number", "method", "table"])
def test_what_names_no_run_is_refused_in_words(given: Any) -> None:
    run = filled().run(progress=False)
    with pytest.raises(InvalidInput, match=r"names no run\. Give a run, its id, name or path, a list"):
        ik.gallery(run.table() if given == "frame" else given)  # type: ignore[arg-type]  # that is what is refused


def test_usage_by_several_is_refused_in_words() -> None:
    with pytest.raises(InvalidInput, match=r"by: a list is no group\. Give one of model, account"):
        ik.usage(by=["model"])  # type: ignore[arg-type]


class TestWhatThePageAsks:
    def test_the_first_message_has_one_screen_of_rows_and_later_ones_come_by_the_page(self) -> None:
        many(150)
        panel = ik.gallery()
        view = heard(panel)
        first = view.last("shelf")
        assert first["total"] == 150
        assert len(first["rows"]) < 100
        assert len(json.dumps(first)) < 40_000
        panel.handle({"kind": "rows", "start": PAGE, "version": first["version"]})
        assert view.last("rows")["start"] == PAGE
        assert len(view.last("rows")["rows"]) == 50

    def test_rows_of_an_earlier_arrangement_are_not_sent(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        old = view.last("shelf")["version"]
        panel.handle({"kind": "arrange", "words": "sea"})
        panel.handle({"kind": "rows", "start": 0, "version": old})
        assert not [m for m in view.told if m["kind"] == "rows"]

    def test_what_is_arranged_is_what_the_table_has(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "arrange", "words": "SEA", "sort": "cost_usd", "descending": False})
        assert list(panel.table()["cost_usd"]) == [0.0, 0.25]
        assert view.last("shelf")["words"].startswith("2 of 3 pictures")
        assert [row["key"] for row in view.last("shelf")["rows"]]

    def test_an_unknown_column_is_told_and_what_was_shown_stays(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "arrange", "sort": "beauty"})
        assert "no column is called 'beauty'" in view.last("error")["text"]
        assert len(panel.table()) == 3

    def test_a_column_that_no_caption_has_is_told_in_the_caption(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "arrange", "sort": "width"})
        assert view.last("shelf")["rows"][0]["facts"].startswith("width 12")

    def test_marked_pictures_are_the_value_in_the_order_shown(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "arrange", "sort": "model", "descending": False})
        version = view.last("shelf")["version"]
        panel.handle({"kind": "mark", "version": version, "ranges": [[2, 2]], "on": True})
        panel.handle({"kind": "mark", "version": version, "ranges": [[0, 0]], "on": True})
        assert list(panel.value["model"]) == ["me/calm", "me/moody"]
        assert view.last("marks")["count"] == 2
        panel.handle({"kind": "mark", "version": version, "ranges": [[0, 1]], "on": True, "clear": True})
        assert list(panel.value["model"]) == ["me/calm", "me/calm"]
        panel.handle({"kind": "mark", "version": version, "ranges": [[0, 0]], "on": False})
        assert len(panel.value) == 1
        assert len(panel.table()) == 3

    def test_marks_stay_when_the_filter_hides_them_and_can_be_shown_alone(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "mark", "version": view.last("shelf")["version"], "ranges": [[0, 2]], "on": True})
        panel.handle({"kind": "arrange", "words": "storm"})
        assert len(panel.value) == 3
        assert panel.value["prompt"].iloc[0] == "a storm"
        panel.handle({"kind": "arrange", "marked": True})
        assert len(panel.table()) == 3

    def test_a_view_that_is_made_later_gets_the_marks_too(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "mark", "version": view.last("shelf")["version"], "ranges": [[1, 1]], "on": True})
        again = heard(panel).last("shelf")
        assert [row["marked"] for row in again["rows"]] == [False, True, False]
        assert again["marks"] == 1

    def test_opening_one_of_several_marked_pictures_sets_it_beside_the_next(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        shelf = view.last("shelf")
        first, second, third = (row["key"] for row in shelf["rows"])
        panel.handle({"kind": "gather", "key": second, "view": "v"})
        alone = view.last("gathered")
        assert [item["key"] for item in alone["items"]] == [first, second, third]
        assert (alone["index"], alone["second"], alone["view"]) == (1, None, "v")
        panel.handle({"kind": "mark", "version": shelf["version"], "ranges": [[0, 0], [2, 2]], "on": True})
        panel.handle({"kind": "gather", "key": third, "view": "v"})
        pair = view.last("gathered")
        assert [item["key"] for item in pair["items"]] == [first, third]
        assert (pair["index"], pair["second"]) == (1, 0)

    def test_all_that_is_known_comes_when_a_picture_is_opened(self) -> None:
        long = "a very long sea " * 60
        filled(vary={"prompt": [long], "model": ["me/moody"]}, fixed={"seed": 5}).run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        (row,) = view.last("shelf")["rows"]
        assert len(row["line"]) <= 120
        panel.handle({"kind": "about", "key": row["key"]})
        told = view.last("about")
        details = dict(told["details"])
        assert told["prompt"] == long
        assert details["model"] == "me/moody"
        assert details["cost"] == "$0.25"
        assert details["run"] == "weather"
        assert "seed" in details["adaptations"]
        assert os.path.isfile(details["path"])

    def test_no_picture_is_sent_before_it_is_asked_for_and_none_that_is_not_its_own(self) -> None:
        run = filled().run(progress=False)
        other = ik.generate("a fox", model="me/calm").picture
        panel = ik.gallery(run)
        view = heard(panel)
        assert not any(message["buffers"] for message in view.told)
        panel.handle({"kind": "open", "sha": other.sha256})
        assert "does not belong to this panel" in view.last("error")["text"]
        sha = view.last("shelf")["rows"][0]["sha"]
        panel.handle({"kind": "open", "sha": sha})
        assert len(view.last("picture")["buffers"]) == 1

    def test_many_thumbnails_come_in_bites(self) -> None:
        many(60)
        panel = ik.gallery()
        view = heard(panel)
        shas = [row["sha"] for row in view.last("shelf")["rows"]]
        panel.handle({"kind": "thumbnails", "shas": shas})
        assert worker().wait_idle()
        assert worker().wait_idle()  # what the first bite left for later has left something itself
        assert worker().wait_idle()
        sent = [message["shas"] for message in view.told if message["kind"] == "thumbnails"]
        assert [len(some) for some in sent] == [24, 24, 12]

    def test_a_picture_whose_files_are_gone_is_told_in_words(self) -> None:
        run = filled().run(progress=False)
        for file in [*run.path.glob("thumbnails/*/*"), *run.path.glob("pictures/*/*")]:
            file.unlink()
        panel = ik.gallery()
        view = heard(panel)
        shas = [row["sha"] for row in view.last("shelf")["rows"]]
        panel.handle({"kind": "thumbnails", "shas": shas})
        assert set(view.last("thumbnails")["missing"]) == set(shas)
        assert panel.static().count("the picture cannot be shown") == 3


class TestWhatComesWhileOneLooks:
    def test_new_pictures_are_told_and_shown_only_when_asked(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        ik.generate("a fox", model="me/calm")
        assert panel.guard("look", panel._look)
        assert view.last("new")["count"] == 1
        assert view.last("shelf")["total"] == 3
        panel.handle({"kind": "show_new"})
        assert view.last("shelf")["total"] == 4
        assert view.last("shelf")["rows"][0]["line"] == "a fox"
        assert view.last("new")["count"] == 0
        assert repr(panel) == "Gallery(2 runs, 4 pictures)"

    def test_the_first_pictures_of_an_empty_gallery_appear_by_themselves(self) -> None:
        panel = ik.gallery()
        view = heard(panel)
        ik.generate("a fox", model="me/calm")
        panel.guard("look", panel._look)
        assert view.last("shelf")["total"] == 1

    def test_marks_stay_on_their_pictures_when_new_ones_are_shown(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        view = heard(panel)
        panel.handle({"kind": "mark", "version": view.last("shelf")["version"], "ranges": [[0, 0]], "on": True})
        (before,) = panel.value["sha256"]
        ik.generate("a fox", model="me/calm")
        panel.handle({"kind": "show_new"})
        assert list(panel.value["sha256"]) == [before]

    def test_the_journal_is_looked_at_only_while_the_panel_is_in_sight(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        heard(panel)
        assert panel._follow() is False
        panel._in_sight.add("v")
        assert panel._follow() is True
        panel.freeze()
        assert panel._follow() is False

    def test_a_view_that_is_closed_ends_the_looking_only_where_it_was_the_last(self) -> None:
        panel = ik.gallery()
        heard(panel)
        for view, on in (("first", True), ("second", True), ("first", False)):
            panel.handle({"kind": "seen", "view": view, "on": on})
        assert panel._follow() is True
        panel.handle({"kind": "seen", "view": "second", "on": False})
        assert panel._follow() is False


class TestWhatStays:
    def test_the_static_copy_needs_no_script_and_every_picture_has_words_and_a_width(self) -> None:
        filled(vary={"prompt": [EVIL], "model": ["me/calm"]}, name=EVIL).run(progress=False)
        shown = ik.gallery().static()
        assert "<script" not in shown
        assert "<style" not in shown
        assert not re.search(r"(https?:)?//[a-z]", re.sub(r"base64,[A-Za-z0-9+/=]*", "", shown))
        tags = re.findall(r"<img[^>]*>", shown)
        assert len(tags) == 1
        assert re.search(r'alt="me/calm, &lt;script', tags[0])
        assert re.search(r'width="\d+"', tags[0])
        assert shown.count("<td") == shown.count("</td>")

    def test_it_counts_by_model_and_shows_so_many_pictures_and_more_once_it_is_frozen(self) -> None:
        many(FROZEN + 4)
        panel = ik.gallery()
        shown = panel.static()
        assert shown.count("<img") == KEPT
        assert f"… and {FROZEN + 4 - KEPT} more" in shown
        assert re.search(r"me/calm</th><td[^>]*>100<", shown)
        panel.freeze()
        assert panel.static().count("<img") == FROZEN
        assert "… and 4 more" in panel.static()

    def test_light_thumbnails_are_taken_over_as_they_lie_and_heavy_ones_are_made_small(self) -> None:
        @ik.register(model="me/grainy", version="1", price_usd=0.0)
        def grainy(request: Any) -> Image.Image:
            return Image.effect_noise((256, 256), 200).convert("RGB")

        ik.generate("a dot", model="me/calm")
        ik.generate("a crowd", model="me/grainy")
        panel = ik.gallery()
        light, heavy = panel.table().sort_values("model")["sha256"]
        store = panel._shelf.parts[0].store
        assert len(store.blobs.thumbnail(heavy)) > LIGHT
        lies = b64encode(store.blobs.thumbnail(light)).decode()
        assert f'<img src="data:image/webp;base64,{lies}" alt="me/calm, a dot' in panel.static()
        assert re.findall(r'data-(sha|small)="(\w+)"', panel.static()) == [("small", heavy), ("sha", light)]
        panel.freeze()
        assert "data-sha" not in panel.static()

    def test_it_shows_what_the_filter_leaves(self) -> None:
        filled().run(progress=False)
        panel = ik.gallery()
        heard(panel)
        panel.handle({"kind": "arrange", "words": "sea"})
        assert panel.static().count("<img") == 2
        assert "2 of 3 pictures" in panel.static()

    def test_it_is_the_same_each_time(self) -> None:
        filled().run(progress=False)
        assert ik.gallery().static() == ik.gallery().static()

    def test_a_store_that_can_only_be_read_is_shown(self, tmp_path: Path) -> None:
        run = filled().run(progress=False)
        close_default_engine()
        folders = [run.path, *(p for p in run.path.rglob("*") if p.is_dir())]
        for folder in (tmp_path, *tmp_path.parents):
            if folder.owner() == tmp_path.owner() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        for folder in folders:
            folder.chmod(0o555)
        command = [sys.executable, "-c", AS_SOMEBODY_ELSE, str(run.path)]
        done = subprocess.run(command, capture_output=True, text=True)
        for folder in folders:
            folder.chmod(0o755)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"read only": True, "pictures": 3, "errors": []}

"""The voting panel: nothing that leaves the kernel tells a model before the names are revealed."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.experiments.voting import CHOICES
from imagegen_kit.imaging.provenance import embed
from imagegen_kit.panels.vote import blind
from imagegen_kit.panels.vote import page as vote_page
from imagegen_kit.panels.vote.panel import VotePanel
from tests.engine.models import model, picture
from tests.experiments.ballots import MODELS, models, run_of
from tests.payloads import PAYLOADS


@pytest.fixture(autouse=True)
def _models_of_this_test(own_registry: None) -> None:
    """Models that a test registers are gone after it."""


@pytest.fixture(autouse=True)
def _small_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is blind does not hang on the size, and small copies are quickly made."""
    monkeypatch.setattr(blind, "SIDE_PX", 48)


class Page:
    """What a page is told, and how it answers."""

    def __init__(self, panel: VotePanel) -> None:
        self.panel, self.told = panel, []  # type: ignore[var-annotated]
        base = type(panel.widget)
        panel._made.close()

        class Recording(base):  # type: ignore[misc, valid-type]
            def tell(view, kind: str, buffers: Any = (), **what: Any) -> None:
                self.told.append((kind, what, list(buffers)))
                super().tell(kind, buffers, **what)

        panel._made = Recording(receive=panel.receive, panel=panel.id)
        panel.handle({"kind": "ready"})

    @property
    def at(self) -> dict[str, Any]:
        return next(what for kind, what, _ in reversed(self.told) if kind == "at")

    def pictures(self, pair: str) -> list[bytes]:
        return next(buffers for kind, what, buffers in self.told if kind == "pair" and what["pair"] == pair)

    def vote(self, choice: str, milliseconds: int = 800) -> None:
        self.panel.handle({"kind": "choose", "pair": self.at["pair"], "choice": choice, "milliseconds": milliseconds})

    def all_that_was_told(self) -> bytes:
        words = json.dumps([(kind, what) for kind, what, _ in self.told]).encode()
        return words + b"".join(b for _, _, buffers in self.told for b in buffers)


def giveaways(run) -> list[str]:
    """Everything that tells which model made a picture."""
    table = run.table()
    names = [part for name in MODELS for part in (name, name.partition("/")[0])]
    hashes = [text for sha in table.sha256.dropna() for text in (sha, sha[:12])]
    return [*names, *hashes, *table.path.dropna(), run.id]


def test_a_page_votes_pair_by_pair_and_each_next_pair_is_there_before_it_is_due():
    models()
    panel = run_of(4).vote(repeats=0)
    page = Page(panel)
    for number in range(4):
        token = page.at["pair"]
        assert page.at["done"] == number
        assert len(page.pictures(token)) == 2
        seen = len(page.told)
        page.vote("left")
        kinds = [kind for kind, _, _ in page.told[seen:]]
        assert kinds[0] == "at"  # the pair after this one was sent before
    assert page.at["pair"] is None
    assert page.at["done"] == page.at["total"] == 4
    assert panel.table().seconds.tolist() == [0.8] * 4
    assert not panel.errors


def test_nothing_that_leaves_the_kernel_tells_a_model_until_reveal(monkeypatch):
    monkeypatch.setattr(vote_page, "SIDES_PX", (64,))
    models()
    run = run_of(6)
    panel = run.vote()
    page = Page(panel)
    still = [panel.static(), repr(panel)]
    for choice in ("left", "right", "tie", "both_bad", "skip"):
        page.vote(choice)
        still += [panel.static(), repr(panel), panel.table().to_csv(), panel.value.to_csv()]
    panel.handle({"kind": "undo"})
    still.append(panel.to_html("page.html").read_text(encoding="utf-8"))
    still.append(json.dumps(panel.widget.get_state(), default=str))
    told = page.all_that_was_told()
    for giveaway in giveaways(run):
        assert giveaway.encode() not in told
        assert not any(giveaway in text for text in still)
    panel.reveal()
    assert MODELS[0].encode() in page.all_that_was_told()
    assert MODELS[0] in panel.static()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(st.sampled_from([*CHOICES, "undo", "ready", "again"]), max_size=8), rater=st.integers(0, 10**9))
def test_whatever_is_pressed_nothing_is_told_and_every_vote_counts_once(voted_run, steps, rater):
    panel = voted_run.vote(rater=f"rater {rater}")
    page = Page(panel)
    expected: list[str] = list(panel.table().choice)
    for step in steps:
        before = page.at["pair"]
        if step in CHOICES:
            page.vote(step)
            expected += [step] if before is not None else []
        elif step == "undo":
            panel.handle({"kind": "undo"})
            expected = expected[:-1]
        elif step == "ready":
            panel.handle({"kind": "ready"})
        else:  # the same key again, faster than the answer
            page.vote("left")
            panel.handle({"kind": "choose", "pair": before, "choice": "right", "milliseconds": 1})
            expected += ["left"] if before is not None else []
        assert panel.table().choice.tolist() == expected
    told = page.all_that_was_told()
    assert not [g for g in giveaways(voted_run) if g.encode() in told]
    assert not panel.errors
    panel.freeze()


@pytest.fixture
def voted_run():
    models()
    return run_of(4)


def test_tokens_are_other_ones_in_each_panel():
    models()
    run = run_of(3)
    assert Page(run.vote()).at["pair"] != Page(run.vote()).at["pair"]


def test_copies_are_alike_whatever_the_pictures_were(monkeypatch):
    monkeypatch.setattr(blind, "SIDE_PX", 1024)
    size = {"zebra/one": (640, 480), "quokka/two": (48, 36)}
    for number, (name, size_px) in enumerate(size.items()):
        out = BytesIO()
        Image.new("RGB" if number else "RGBA", size_px, (200, 10 * number, 5)).save(out, "PNG")
        model(name, embed(out.getvalue(), {"model": name}), price=0.0)
    run = run_of(1)
    pair = Page(panel := run.vote()).pictures(panel._token(panel._current()))
    opened = [Image.open(BytesIO(data)) for data in pair]
    assert {(image.format, image.size, image.mode) for image in opened} == {("WEBP", (1024, 768), "RGB")}
    for data, image in zip(pair, opened, strict=True):
        assert data[12:16] == b"VP8 "  # the picture is the only chunk
        assert int.from_bytes(data[16:20], "little") + 20 >= len(data) - 1
        assert not {"exif", "xmp", "icc_profile"} & set(image.info)


def test_a_pair_whose_picture_is_lost_is_left_out_and_told_without_its_name():
    models()
    run = run_of(3)
    panel = run.vote(repeats=0)
    first = panel._ballot.plan[0].left
    Path(run._store.blobs.name(first.sha256, first.format)).unlink()
    page = Page(panel)
    assert page.at["total"] == 2
    assert [e.words for e in panel.errors] == ["a pair: one of its pictures cannot be read, so it is left out"]
    assert not [g for g in giveaways(run) if g.encode() in page.all_that_was_told()]


def test_the_panel_goes_on_where_another_panel_of_the_rater_stopped():
    models()
    run = run_of(4)
    one, two = Page(run.vote(repeats=0)), Page(run.vote(repeats=0))
    one.vote("left")
    two.vote("right")  # on the pair that the first has voted on
    assert one.panel.table().choice.tolist() == ["left"]
    assert two.at["done"] == 1
    two.vote("right")
    assert one.panel.table().choice.tolist() == ["left", "right"]


def test_the_calls_do_what_the_page_does():
    models()
    panel = run_of(2).vote(repeats=0)
    assert repr(panel) == "VotePanel(by model, me: 0 of 2 voted, blind)"
    panel.choose("left").choose("tie").undo()
    assert panel.table().choice.tolist() == ["left"]
    panel.choose("right")
    with pytest.raises(InvalidInput, match="all pairs have a vote"):
        panel.choose("left")
    with pytest.raises(InvalidInput, match="not a choice"):
        panel.undo().choose("much")
    assert panel.reveal().columns.tolist()[-5:] == ["left", "right", "preferred", "prompt", "blind"]
    assert panel.counts().votes.tolist() == [1]
    assert repr(panel) == "VotePanel(by model, me: 1 of 2 voted, revealed)"
    with pytest.raises(InvalidInput, match="no vote to take back"):
        run_of(2).vote(rater="anna").undo()


def test_what_was_left_out_is_said():
    models(failing={"zebra/one": [0]})
    assert run_of(3).vote().left_out == "1 failed, 1 without a counterpart"


def lose(run: Any, *, damaged: bool = False) -> None:
    path = Path(run[0].artifacts[0].path)
    path.unlink()
    if damaged:
        path.write_bytes(b"no picture")


def test_a_picture_that_somebody_deleted_is_left_out_and_counted_from_the_start():
    models()
    run = run_of(3)
    lose(run)
    panel = run.vote(repeats=0)
    assert repr(panel) == "VotePanel(by model, me: 0 of 2 voted, blind)"
    assert panel.left_out == "1 removed from the store or damaged, 1 without a counterpart"
    panel.choose("left").choose("right")
    with pytest.raises(InvalidInput, match=r"all pairs that can be shown .* 1 removed from .* `imagegen doctor`"):
        panel.choose("left")
    assert len(panel.table()) == 2


def test_what_turns_out_damaged_is_counted_when_it_is_to_be_shown_and_votes_on_it_stand():
    models()
    run = run_of(3)
    panel = run.vote(repeats=0)
    first, second, _ = panel._ballot.plan
    panel.choose("left")
    for pair in (first, second):
        Path(run._store.blobs.name(pair.left.sha256, pair.left.format)).write_bytes(b"no picture")
    panel.choose("right")
    assert repr(panel) == "VotePanel(by model, me: 2 of 2 voted, blind)"
    assert panel.left_out == "1 removed from the store or damaged"
    assert panel.table().choice.tolist() == ["left", "right"]


@pytest.mark.parametrize("damaged", [False, True])
def test_a_page_leaves_pictures_out_that_are_gone_and_counts_them(damaged):
    models()
    run = run_of(3)
    early = run.vote(repeats=0)  # made while all were there
    lose(run, damaged=damaged)
    for panel in (early, run.vote(rater="anna", repeats=0)):
        sheet = sheet_of(panel.to_html(f"{panel._ballot.rater}.html"))
        assert (len(sheet["sides"]), len(sheet["pictures"])) == (2, 4)
        assert {number for side in sheet["sides"] for number in side[1:3]} == set(range(4))
        assert "1 removed from the store or damaged" in panel.left_out
        before = panel.left_out
        panel.to_html(f"{panel._ballot.rater}.html")
        assert panel.left_out == before  # counted once


def test_a_page_of_which_no_pair_is_left_names_what_tells_why():
    models()
    run = run_of(1)
    panel = run.vote(repeats=0)
    lose(run)
    with pytest.raises(InvalidInput, match=r"no pair is left: .* `imagegen doctor` says which"):
        panel.to_html("page.html")
    assert not Path("page.html").exists()
    with pytest.raises(InvalidInput, match=r"Left out: 1 removed from the store or damaged.*`imagegen doctor`"):
        run_of(1).vote()


class Parsed(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.images, self.tags, self.words = [], set(), []  # type: ignore[var-annotated]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_static_copy_shows_the_open_pair_blindly_and_later_the_votes():
    models()
    panel = run_of(3).vote(repeats=0)
    shown = Parsed(panel.static())
    assert [image["alt"] for image in shown.images] == ["picture A", "picture B"]
    assert "me · 0 of 3 voted" in "".join(shown.words)
    for _ in range(3):
        panel.choose("left")
    assert "done" in panel.static()
    panel.reveal()
    shown = Parsed(panel.static())
    assert len(shown.images) == 6
    assert all(image["alt"].startswith(MODELS) for image in shown.images)
    assert "".join(shown.words).count("preferred") == 3
    assert len(panel.static()) < 120_000


def test_hostile_prompts_stay_text(monkeypatch):
    monkeypatch.setattr(vote_page, "SIDES_PX", (64,))  # the pictures do not matter here
    models()
    vary = {"prompt": list(PAYLOADS.values()), "model": list(MODELS)}
    panel = ik.Experiment(vary=vary, name="hostile").run(progress=False).vote(repeats=0)
    page = panel.to_html("page.html").read_text(encoding="utf-8")
    assert sorted(sheet_of(Path("page.html"))["prompts"]) == sorted(PAYLOADS.values())
    assert page.count("<script") == page.count("</script>") == 2
    allowed = Parsed(run_of(1).vote().static()).tags
    for _ in PAYLOADS:
        assert Parsed(panel.static()).tags <= allowed
        panel.choose("left")
    panel.reveal()
    assert Parsed(panel.static()).tags <= allowed | {"table", "thead", "tbody", "tr", "th", "td", "small"}


# ---------------------------------------------------------------------- the page
def sheet_of(path: Path) -> dict[str, Any]:
    return json.loads(re.search(r'id="igk-sheet">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)[1])


def test_the_page_holds_the_open_pairs_and_asks_for_a_name_only_where_there_is_none(monkeypatch):
    monkeypatch.setattr(vote_page, "SIDES_PX", (64,))
    models()
    run = run_of(4)
    named, nobody = run.vote(rater="anna", repeats=0), run.vote(repeats=0)
    named.choose("left")
    nobody.choose("left")
    hers, anybodys = (sheet_of(panel.to_html(f"{i}.html")) for i, panel in enumerate((named, nobody)))
    assert (hers["rater"], len(hers["sides"])) == ("anna", 3)
    assert (anybodys["rater"], len(anybodys["sides"])) == (None, 4)
    assert len(hers["pictures"]) == 6
    for _ in range(3):
        named.choose("left")
    with pytest.raises(InvalidInput, match="has voted on all pairs"):
        named.to_html("again.html")


def test_a_page_names_no_address_and_allows_none():
    models()
    text = run_of(2).vote().to_html("page").read_text(encoding="utf-8")
    assert Path("page.html").is_file()
    assert "default-src 'none'" in text
    assert not re.search(r"(?:https?|wss?|ftp)://", text)
    assert not re.search(r"\b(?:src|href)=", text)


def largest(path: Path) -> int:
    return max(Image.open(BytesIO(b64decode(data))).width for data in sheet_of(path)["pictures"])


def test_pictures_are_made_smaller_until_the_page_fits_and_refused_where_they_never_do(monkeypatch):
    models()
    panel = run_of(3).vote(repeats=0)
    whole = panel.to_html("a.html")
    assert largest(whole) == 1024
    monkeypatch.setattr(vote_page, "MOST_BYTES", sum(map(len, sheet_of(whole)["pictures"])) - 1)
    assert largest(panel.to_html("b.html")) == 768
    monkeypatch.setattr(vote_page, "MOST_BYTES", 10)
    with pytest.raises(InvalidInput, match="fewer pairs"):
        panel.to_html("c.html")
    assert not Path("c.html").exists()


@pytest.mark.parametrize("name", ["page.zip", "."])
def test_what_is_no_page_is_refused(name):
    models()
    with pytest.raises(InvalidInput, match="html"):
        run_of(2).vote().to_html(name)


def test_a_small_picture_is_shown_as_large_as_a_large_one(monkeypatch):
    monkeypatch.setattr(blind, "SIDE_PX", 1024)
    model("zebra/one", picture(1, side=16), price=0.0)
    model("quokka/two", picture(2, side=900), price=0.0)
    pictures = Page(panel := run_of(1).vote()).pictures(panel._token(panel._current()))
    assert {Image.open(BytesIO(data)).size for data in pictures} == {(1024, 1024)}


@pytest.mark.parametrize(("given", "near"), [("Left", "left"), ("both bad", "both_bad"), ("rigth", "right")])
def test_a_choice_that_is_none_is_told_with_the_near_one(given, near):
    models()
    with pytest.raises(InvalidInput, match=f"not a choice. Did you mean '{near}'"):
        run_of(1).vote().choose(given)


def test_a_page_replaces_only_the_page_of_the_same_vote(monkeypatch):
    monkeypatch.setattr(vote_page, "SIDES_PX", (64,))
    models()
    run = run_of(2)
    first = run.vote(rater="anna").to_html("page.html").read_bytes()
    assert run.vote(rater="anna").to_html("page.html").read_bytes() != first
    Path("notes.html").write_text("mine", encoding="utf-8")
    for panel, name in ((run.vote(), "page"), (run_of(3).vote(rater="anna"), "page"), (run.vote(), "notes")):
        with pytest.raises(InvalidInput, match="is there already and is no page of this vote"):
            panel.to_html(name)
    assert Path("notes.html").read_text(encoding="utf-8") == "mine"

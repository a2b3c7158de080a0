"""Blind voting by keyboard: in JupyterLab over a restart of the kernel, and on a page of its own."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine
from tests.browser import looking

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.browser.book import Book
    from tests.browser.conftest import Open

MODELS = ["offline/collage", "offline/pencil"]
PROMPTS = ["a red kite", "two boats", "a cup", "a cat", "a tree", "a blue hat", "a fish", "a house", "a star", "a car"]
KEYS = ["ArrowLeft", "ArrowRight", "1", "2", "ArrowDown", "t", "b", "s", "ArrowLeft", "2"]
CELLS = [
    'import imagegen_kit as ik\nvote = ik.open_run("kites").vote(rater="anna", repeats=0)\nvote',
    "print(vote.table().choice.tolist())",
]


@pytest.fixture
def run(tmp_path: Path) -> ik.Experiment:
    """Ten pairs in a store of their own."""
    ik.configure(store=tmp_path / "store")
    exp = ik.Experiment(vary={"prompt": PROMPTS, "model": MODELS}, fixed={"size": "64", "seed": 3}, name="kites")
    return exp.run(progress=False)


def giveaways(run: Any) -> list[str]:
    return ["collage", *MODELS, *run.table().sha256, *(sha[:12] for sha in run.table().sha256)]


def watched(book: Book) -> list[bytes]:
    """Return a list that gets every frame that any websocket of the page brings or takes, from now on."""
    frames: list[bytes] = []

    def keep(event: dict[str, Any]) -> None:
        payload, binary = event["response"]["payloadData"], event["response"]["opcode"] == 2
        frames.append(base64.b64decode(payload) if binary else payload.encode())

    cdp = book.context.new_cdp_session(book.page)
    cdp.on("Network.webSocketFrameReceived", keep)
    cdp.on("Network.webSocketFrameSent", keep)
    cdp.send("Network.enable")
    return frames


def vote(page: Any, keys: list[str], done: int, of: int = 10) -> None:
    """Press the keys, each when the page has counted the one before."""
    expect(page.locator(".igk-vote[aria-busy=false]")).to_be_visible()
    for number, key in enumerate(keys, done + 1):
        page.keyboard.press(key)
        expect(page.locator(".igk-vote-count")).to_have_text(f"{number} of {of}")
        expect(page.locator(".igk-vote[aria-busy=false]")).to_be_visible()  # keys count when the pair is seen


def test_ten_pairs_by_keyboard_over_a_restart_and_no_name_anywhere_until_reveal(notebook: Open, run: Any) -> None:
    hidden, store = giveaways(run), run.path
    close_default_engine()
    book = notebook(CELLS, store=store)
    frames = watched(book)
    book.run_all()
    page, panel = book.page, book.output(0)
    expect(panel.locator(".igk-vote-count")).to_have_text("0 of 10")
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    panel.locator(".igk-vote").focus()
    vote(page, KEYS[:5], 0)
    page.keyboard.press("u")  # taken at once: the vote before it is stored
    expect(panel.locator(".igk-vote-count")).to_have_text("4 of 10")
    vote(page, KEYS[4:5], 4)
    page.keyboard.press(" ")
    expect(panel.locator(".igk-vote-one")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    expect(panel.locator(".igk-vote-zoomed")).to_be_visible()
    book.assert_clean()

    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_function(looking.KERNEL_IS_IDLE, timeout=60_000)
    book.run_all()
    expect(panel.locator(".igk-vote-count")).to_have_text("5 of 10")
    panel.locator(".igk-vote").focus()
    vote(page, KEYS[5:], 5)
    expect(panel.get_by_text("Done: 10 of 10")).to_be_visible()
    book.run(1)
    choices = ["left", "right", "left", "right", "tie", "tie", "both_bad", "skip", "left", "right"]
    expect(book.output(1)).to_contain_text(str(choices))
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells  # no key was taken for a shortcut

    everything = b"".join(frames)
    assert len(everything) > 10 * 2 * 1000
    assert b"a red kite" in everything
    places = {"frames": everything, "page": page.content().encode(), "file": book.save().read_bytes()}
    assert not [(place, name) for name in hidden for place, held in places.items() if name.encode() in held]
    book.assert_clean()

    panel.get_by_role("button", name="Reveal …").click()
    expect(panel.get_by_text("ends blind voting for anna")).to_be_visible()
    panel.get_by_role("button", name="Reveal now").click()
    expect(panel.locator(".igk").get_by_text("offline/collage").first).to_be_visible()
    expect(panel.locator(".igk-vote-result")).to_contain_text("2 tied, 1 both bad, 1 skipped")
    book.assert_clean()
    again = book.reopen(trusted=False)  # as its author: test_every_panel
    expect(again.output(0).get_by_text("revealed").first).to_be_visible()
    assert again.output(0).locator("img").count() == 20
    again.assert_clean()


def test_a_page_without_jupyter_keeps_votes_and_its_file_comes_back(browser: Browser, run: Any, tmp_path: Path) -> None:
    file = run.vote(repeats=0).to_html(tmp_path / "vote.html")
    context = browser.new_context(accept_downloads=True, viewport={"width": 1100, "height": 950}, color_scheme="dark")
    page = context.new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for name in giveaways(run):
        assert name not in file.read_text(encoding="utf-8")
    page.goto(file.as_uri())
    assert not looking.unnamed(page)
    page.keyboard.type("José ☕")
    page.keyboard.press("Enter")
    vote(page, KEYS[:5], 0)
    page.reload()
    page.keyboard.type("José ☕")
    page.keyboard.press("Enter")
    expect(page.locator(".igk-vote-count")).to_have_text("5 of 10")
    expect(page.locator(".igk-vote[aria-busy=false]")).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator(".igk-vote-count")).to_have_text("4 of 10")
    vote(page, KEYS[4:], 4)
    assert not looking.unnamed(page)
    assert not page.evaluate(looking.WITHOUT_ALT)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save 10 votes").click()
    assert re.fullmatch(r"votes-José-?\.json", download.value.suggested_filename)
    download.value.save_as(saved := tmp_path / "votes.json")
    assert all(url.startswith(("file:", "blob:")) for url in asked)
    assert not wrong
    context.close()

    report = run.import_votes(saved)
    assert report[["rater", "votes", "added"]].to_numpy().tolist() == [["José ☕", 10, 10]]
    assert run.import_votes(saved).duplicates.tolist() == [10]
    his = run.vote(rater="José ☕", repeats=0)
    assert sorted(his.table().choice) == sorted(["left", "right"] * 3 + ["tie", "tie", "both_bad", "skip"])
    assert his.table().seconds.between(0, 60).all()


def test_voting_by_click_in_notebook_7_and_in_the_dark(notebook: Open, run: Any) -> None:
    store = run.path
    close_default_engine()
    book = notebook(CELLS[:1], app="notebook", theme="dark", store=store)
    book.run_all()
    panel = book.output(0)
    expect(panel.locator(".igk-vote[aria-busy=false]")).to_be_visible()
    panel.get_by_role("button", name="B is better").click()
    expect(panel.locator(".igk-vote-count")).to_have_text("1 of 10")
    expect(panel.locator(".igk-vote[aria-busy=false]")).to_be_visible()
    book.page.keyboard.press("ArrowLeft")  # a click leaves the keys to the panel
    expect(panel.locator(".igk-vote-count")).to_have_text("2 of 10")
    book.assert_clean()

"""The gallery of 300 pictures in a real notebook: found, sorted, scrolled through, marked, opened, and what stays."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.book import Book
    from tests.browser.conftest import Open

EVIL = '<img src=x onerror="window.hacked = 1"> in the fog'
MAKE = f"""
import sys
import imagegen_kit as ik
from PIL import Image, ImageDraw

ik.configure(store=sys.argv[1])
ik.register(ik.Style("noir", text="film noir"))

def painted(request, shade):
    picture = Image.effect_noise((192, 192), 5).convert("RGB")
    ImageDraw.Draw(picture).ellipse([30, 30, 160, 160], fill=(shade, request.sample * 7 % 255, len(request.prompt)))
    return picture

@ik.register(model="me/calm", seed=True, version="1", price_usd=0.0)
def calm(request):
    return painted(request, 40)

@ik.register(model="me/dear", version="1", price_usd=0.04)
def dear(request):
    if request.sample == 0 and "fox" in request.prompt:
        raise ValueError("the sky fell")
    return painted(request, 220)

prompts = ["a fox in the snow", "a red kite", {EVIL!r}]
ik.Experiment(
    vary={{"prompt": prompts, "model": ["me/calm", "me/dear"], "style": [None, "noir"]}}, repeats=25, name="sweep"
).run(progress=False)
"""
HAS_COME = re.compile("^blob:")  # the address of a picture
IS_THERE = re.compile("^(blob|data):")  # the same, or taken over from the static copy
SHOW = "import imagegen_kit as ik\ng = ik.gallery()\ng"
VALUE = "print(len(g.value), sorted(set(g.value['model'])), len(g.table()), g.errors)"
MORE = "for i in range(3):\n    ik.generate(f'late kite {i}', model='offline/collage', size=64, seed=i)"


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """A machine that does other things too may take a while to draw."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 298 pictures and two failed requests."""
    store = tmp_path_factory.mktemp("gallery") / "imagegen-store"
    subprocess.run([sys.executable, "-c", MAKE, str(store)], check=True, env=os.environ.copy(), cwd=store.parent)
    return store


def head(book: Book) -> Locator:
    return book.output(0).locator(".igk-head")


def tiles(book: Book) -> Locator:
    return book.output(0).locator('.igk-tile[role="option"]')


def test_three_hundred_pictures_are_filtered_sorted_scrolled_and_marked(notebook: Open, filled: Path) -> None:
    book = notebook([SHOW, VALUE], store=filled)
    book.run(0)
    expect(head(book)).to_contain_text("298 pictures · 1 run · cost $5.92")
    expect(tiles(book).nth(2).locator("img")).to_have_attribute("src", IS_THERE)
    book.settle()
    assert book.traffic.total < 500_000
    assert tiles(book).count() < 60

    panel = book.output(0)
    panel.get_by_label("filter by words").fill("FOX noir")
    expect(head(book)).to_contain_text("49 of 298 pictures")
    panel.get_by_text("Model", exact=True).click()
    panel.get_by_label("me/dear, 24").check()
    expect(head(book)).to_contain_text("24 of 298 pictures")
    expect(panel.get_by_role("button", name="no longer only model me/dear")).to_be_visible()
    panel.get_by_role("button", name="show all").click()
    expect(head(book)).to_contain_text("298 pictures")

    panel.get_by_text("Status", exact=True).click()
    panel.get_by_label("failed, 2").check()
    expect(tiles(book)).to_have_count(2)
    expect(tiles(book).first).to_contain_text("failed: ")
    panel.get_by_role("button", name="show all").click()

    panel.get_by_label("sort by").select_option(label="cost (USD)")
    expect(tiles(book).first).to_contain_text("$0.04")
    panel.get_by_role("button", name="order: largest first").click()
    expect(tiles(book).first).to_contain_text("$0.00")

    tiles(book).first.click()
    tiles(book).nth(3).click(modifiers=["Shift"])
    tiles(book).nth(5).click(modifiers=["Control"])
    expect(panel.get_by_text("only marked (5)")).to_be_visible()
    panel.locator(".igk-shelf").evaluate("shelf => { shelf.scrollTop = shelf.scrollHeight }")
    expect(panel.locator('.igk-tile[aria-posinset="298"] img')).to_have_attribute("src", IS_THERE)
    assert tiles(book).count() < 60
    book.run(1)
    expect(book.output(1)).to_contain_text("5 ['me/calm'] 298 []")
    panel.get_by_label("only marked").check()
    expect(tiles(book)).to_have_count(5)
    assert book.page.evaluate("window.hacked") is None
    book.assert_clean()


def test_the_gallery_is_used_by_keyboard_alone(notebook: Open, filled: Path) -> None:
    book = notebook([SHOW, VALUE], app="notebook", store=filled)
    book.run(0)
    keyboard = book.page.keyboard
    cells = book.page.locator(".jp-Notebook .jp-Cell").count()
    expect(tiles(book).first).to_be_visible()
    tiles(book).first.focus()
    keyboard.press("/")
    expect(book.output(0).get_by_label("filter by words")).to_be_focused()
    keyboard.type("kite")
    expect(head(book)).to_contain_text("100 of 298 pictures")
    tiles(book).first.focus()
    for key in ("End", "Home", "ArrowRight", "Space", "ArrowRight", "Shift+ArrowRight"):
        keyboard.press(key)
    expect(book.output(0).get_by_text("only marked (2)")).to_be_visible()
    expect(tiles(book).nth(3)).to_be_focused()
    keyboard.press("b")  # would insert a cell below
    assert tiles(book).nth(1).get_attribute("aria-selected") == "false"  # a range marks nothing else
    assert book.page.locator(".jp-Notebook .jp-Cell").count() == cells
    with book.page.expect_request(lambda request: request.method == "PUT"):
        keyboard.press("Control+s")  # the notebook's own: a panel with the focus does not keep it from being saved
    keyboard.press("Enter")
    viewer = book.page.get_by_role("dialog")
    expect(viewer.get_by_role("button", name="Side by side")).to_have_attribute("aria-pressed", "true")
    expect(viewer).to_contain_text("a red kite")
    expect(viewer.locator("img").first).to_have_attribute("src", HAS_COME)
    keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(tiles(book).nth(3)).to_be_focused()
    keyboard.press("Escape")
    expect(tiles(book).nth(3)).not_to_be_focused()
    book.run(1)
    expect(book.output(1)).to_contain_text("2 ")
    book.assert_clean()


def test_new_pictures_are_told_and_what_stays_is_what_was_shown(notebook: Open, filled: Path, tmp_path: Path) -> None:
    store = tmp_path / "imagegen-store"
    shutil.copytree(filled, store)
    book = notebook([SHOW, MORE], theme="dark", store=store)
    book.run(0)
    first = tiles(book).first
    expect(first).to_be_visible()
    before = first.inner_text()
    book.run(1)
    news = book.output(0).get_by_role("button", name="3 new: show")
    expect(news).to_be_visible(timeout=10_000)
    assert first.inner_text() == before
    news.click()
    expect(first).to_contain_text("late kite 2")
    expect(news).to_be_hidden()
    book.output(0).get_by_label("filter by words").fill("late")
    expect(head(book)).to_contain_text("3 of 301 pictures")
    book.page.wait_for_timeout(4000)  # the static copy follows when nothing has changed for a while
    book.assert_clean()
    again = book.reopen(trusted=False)  # as its author: test_every_panel
    expect(again.output(0).get_by_text("3 of 301 pictures")).to_be_visible()
    expect(again.output(0).locator("td img")).to_have_count(3)
    again.assert_clean()
    expect(book.static_html().locator("td img")).to_have_count(3)

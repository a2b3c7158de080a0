"""The library panel and the listings in real JupyterLab and Notebook 7, by mouse, by keys and by a dropped file."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.book import Book
    from tests.browser.conftest import Open

SHELF = """
from pathlib import Path
from PIL import Image, ImageDraw
import imagegen_kit as ik

lib = ik.Library.open("shelf")
for form in ("ball", "box"):
    for colour in ("red", "blue", "green", "orange"):
        drawn = Image.new("RGB", (300, 240), "white")
        draw = ImageDraw.Draw(drawn).ellipse if form == "ball" else ImageDraw.Draw(drawn).rectangle
        draw((60, 40, 240, 200), colour)
        named = f"{colour} {form}"
        lib.add(drawn, id=f"{form}-{colour}", name=named, caption=f"a {named}", tags=[form, colour])
lib.add(Image.new("RGB", (9, 9)), id="evil", name="<img src=x onerror='document.body.dataset.bad=1'>", role="style")
Path(lib.get("box-orange").picture.path).unlink()
panel = lib.panel()
"""
DROP = """(data) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  transfer.items.add(new File([bytes], "sketch.png", { type: "image/png" }));
  return transfer;
}"""
NAMES = "elements => elements.map(e => e.textContent)"


def names(panel: Locator) -> list[str]:
    found: list[str] = panel.locator(".igk-card .igk-name b").evaluate_all(NAMES)
    return found


def drop(book: Book, panel: Locator, data: bytes) -> None:
    """Drop a file onto the panel, as a browser tells of it."""
    transfer = book.page.evaluate_handle(DROP, base64.b64encode(data).decode())
    panel.locator(".igk-library").dispatch_event("drop", {"dataTransfer": transfer})


def drawn(colour: str) -> bytes:
    image, out = Image.new("RGB", (310, 250), "white"), io.BytesIO()
    ImageDraw.Draw(image).rectangle((70, 45, 245, 205), colour)
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_library_is_searched_by_words_and_a_dropped_picture_and_chosen_from_by_keys(notebook: Open, app: str) -> None:
    book = notebook([SHELF, "panel", "print(panel.references, panel.value['role'].tolist())"], app=app)
    book.run(0)
    book.run(1)
    panel = book.output(1).locator(".igk:has(.igk-library)")
    cells = book.page.locator(".jp-NotebookPanel .jp-Cell").count()
    title, whys = panel.locator(".igk-title"), panel.locator(".igk-why")
    expect(title).to_have_text("9 pictures")
    panel.locator(".igk-card[data-id=box-orange]").scroll_into_view_if_needed()
    expect(panel.get_by_text("its file is gone")).to_be_visible()  # in words, not as a broken picture
    assert book.page.evaluate("() => document.body.dataset.bad") is None

    query = panel.get_by_role("searchbox", name="Search the library by words")
    query.fill("a red ball")
    query.press("Enter")
    expect(title).to_contain_text("hits · exact")
    assert names(panel)[0] == "red ball"
    expect(whys.first).to_contain_text("words")

    panel.locator(".igk-chip[data-key=ball]").click()  # a tag, drawn anew
    expect(title).to_contain_text("among 4 pictures")
    book.page.keyboard.press("x")  # does nothing here; the notebook would cut its cell
    panel.locator(".igk-chip[data-key=ball]").click()
    expect(title).not_to_contain_text("among")

    panel.locator(".igk-card").first.focus()
    book.page.keyboard.press("u")
    expect(panel.get_by_text("Chosen references (1)")).to_be_visible()
    book.page.keyboard.press("ArrowRight")
    book.page.keyboard.press("x")
    expect(title).to_contain_text("among 8 pictures")
    book.page.keyboard.press("ArrowRight")
    book.page.keyboard.press("p")
    expect(panel.locator(".igk-pinned")).to_have_count(1)
    pinned = names(panel)[0]
    panel.get_by_role("combobox", name="Role of red ball").select_option("style")
    expect(panel.locator(".igk-code")).to_contain_text("references=panel.references")
    assert book.page.locator(".jp-NotebookPanel .jp-Cell").count() == cells  # no key has reached the notebook

    query.fill("")
    drop(book, panel, drawn("blue"))
    expect(panel.locator(".igk-drop")).to_contain_text("sketch.png")
    expect(panel.locator(".igk-card .igk-name b").nth(1)).to_have_text("blue box")
    expect(whys.filter(has_text="looks alike").first).to_be_visible()
    assert names(panel)[0] == pinned
    drop(book, panel, b"GIF89a not a picture that is opened")
    expect(panel.locator(".igk-refused")).to_contain_text("this is a GIF")

    panel.locator(".igk-card").first.focus()
    book.page.keyboard.press("Enter")
    expect(panel.get_by_role("dialog")).to_be_visible()
    book.page.keyboard.press("Escape")
    expect(panel.get_by_role("dialog")).to_have_count(0)
    book.page.keyboard.press("/")
    expect(query).to_be_focused()

    book.run(2)
    expect(book.output(2)).to_contain_text("[Reference(red ball, role='style')] ['style']")
    book.assert_clean()
    if app == "notebook":
        return
    book.screenshot("library", book.output(1))
    again = book.reopen(trusted=False)  # as its author: test_every_panel
    expect(again.output(1).get_by_text("looked for the picture sketch.png")).to_be_visible()
    expect(again.output(1).get_by_role("img", name="blue box")).to_be_visible()
    again.assert_clean()
    expect(book.static_html().get_by_text("looked for the picture sketch.png")).to_be_visible()


def test_a_large_library_is_sent_page_by_page_and_its_pictures_as_they_are_seen(notebook: Open) -> None:
    many = (
        "import imagegen_kit as ik\nfrom PIL import Image\nlib = ik.Library.open('many')\n"
        "_ = lib.add([Image.new('RGB', (64, 64), (i % 256, i // 2, 99)) for i in range(130)])"
    )
    book = notebook([many, "lib.panel()"], theme="dark")
    book.run(0)
    traffic = book.fresh_traffic()
    book.run(1)
    panel = book.output(1)
    expect(panel.locator(".igk-card")).to_have_count(48)
    book.settle()
    assert traffic.binary < 500_000
    more = panel.get_by_role("button", name="Show more (82 left)")
    more.click()
    expect(panel.locator(".igk-card")).to_have_count(96)
    panel.locator(".igk-card").nth(40).get_by_role("button", name="Use").click()
    expect(panel.locator(".igk-code")).to_contain_text("lib.get(")  # no name holds the panel
    book.assert_clean()


def test_listings_show_themselves_in_both_themes_without_a_kernel(notebook: Open) -> None:
    book = notebook(
        ["import imagegen_kit as ik\nik.models()", "ik.plugins()", "ik.models()[['ready']].head(3)"], theme="dark"
    )
    book.run_all()
    expect(book.output(0).get_by_text("✓ ready").first).to_be_visible()
    expect(book.output(1).get_by_text("none quarantined")).to_be_visible()
    expect(book.output(2).locator("table.dataframe")).to_be_visible()
    book.assert_clean()
    expect(book.reopen(trusted=False).output(0).get_by_text("more rows")).to_be_visible()

"""What holds for every panel, seen in one notebook with all of them, over prompts, names and errors that attack a page.

Nothing fails unseen or leaves this machine, everything has a name, the saved notebook still shows pictures, and foreign
text stays text: live, reopened by its author and by somebody else, and as a page of nbconvert.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.payloads import payloads

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.book import Book
    from tests.browser.conftest import Open

CANARY = "http://canary.invalid"
PAGES = list(payloads(CANARY))[: list(payloads(CANARY)).index("jinja")]  # those that attack a page
HOSTILE = [payloads(CANARY)[name].replace("document.title='hit'", "window.xss=1") for name in PAGES]
SCRIPT = "<script>window.xss=1</script>"

MAKE = """
import json, sys
import imagegen_kit as ik
from PIL import Image, ImageDraw

store, hostile = sys.argv[1], json.loads(sys.argv[2])
ik.configure(store=store)
for i, text in enumerate(hostile[:3]):
    ik.register(ik.Style(f"style-{i}", text=text))

def drawn(request, round):
    shade = sum(map(ord, request.prompt)) % 255
    picture = Image.new("RGB", (240, 180), (shade, 120, 255 - shade))
    draw = ImageDraw.Draw(picture)
    (draw.ellipse if round else draw.rectangle)([40, 30, 200, 150], fill=(255 - shade, 200, shade))
    return picture

@ik.register(model="me/calm", seed=True, version="1")
def calm(request):
    return drawn(request, True)

@ik.register(model="me/cross", version="1")
def cross(request):
    if sum(map(ord, request.prompt)) % 3 == 0:
        raise ValueError("said by the service: " + request.prompt)
    return drawn(request, False)

run = ik.Experiment(vary={"prompt": hostile, "model": ["me/calm", "me/cross"]}, name="attacks").run(progress=False)
assert {"ok", "failed"} == set(run.table()["status"]), run.table()["status"].value_counts()
lib = ik.Library.open(sys.argv[3])
for i, (text, result) in enumerate(zip(hostile, run.select(model="me/calm"))):
    lib.add(result.artifacts[0].image, id=f"item-{i}", name=text, caption=text, tags=[text[:40]])
"""
CELLS = [
    "import imagegen_kit as ik\nrun = ik.open_run('attacks')\nlib = ik.Library.open('shelf')",
    "compare = run.panel()\ncompare",
    "gallery = ik.gallery()\ngallery",
    "vote = run.vote(repeats=0)\nvote",
    "shelf = lib.panel()\nshelf",
    f"lab = ik.prompt_lab([{SCRIPT!r}], model='offline/collage', negative_prompt={HOSTILE[3]!r})\nlab",
    "frozen = run.panel()\nfrozen.freeze()\nfrozen",
    "display(ik.models(), ik.plugins(), ik.styles(), ik.runs())",
]
WITH_PICTURES = {"compare": 1, "gallery": 2, "vote": 3, "library": 4, "a frozen comparison": 6}

# What the payloads would make, were they markup.
MADE = """() => [...document.querySelectorAll(`
  .jp-OutputArea-output script:not([type]), iframe, base, meta[http-equiv=refresh], video, object, embed, noscript p,
  [onerror], [onload], [onfocus], [ontoggle], a[href^="javascript:"], button[data-commandlinker-command],
  [src*=canary], [href*=canary], [action*=canary], [style*=canary]`)].map((made) => made.outerHTML.slice(0, 300))"""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and a library (``shelf``) full of attacks."""
    folder = tmp_path_factory.mktemp("attacked")
    command = [sys.executable, "-c", MAKE, folder / "imagegen-store", json.dumps(HOSTILE), folder / "shelf"]
    subprocess.run(command, check=True, cwd=folder)
    return folder


def cells(folder: Path) -> list[str]:
    return [cell.replace("'shelf'", repr(str(folder / "shelf"))) for cell in CELLS]


def assert_text_stayed_text(page: Page) -> None:
    assert page.evaluate("window.xss") is None
    assert page.evaluate(MADE) == []


def assert_pictures_are_kept(page: Page, output: str) -> None:
    for panel, i in WITH_PICTURES.items():
        kept = page.locator(output).nth(i).locator("img")
        assert kept.count(), f"{panel} shows no picture"
        assert kept.evaluate_all("all => all.every((img) => img.complete && img.naturalWidth > 0)"), panel


def looked_at(book: Book) -> None:
    """Bring every panel into sight and open a picture."""
    for i in range(1, len(CELLS)):
        book.output(i).scroll_into_view_if_needed()
        book.settle()
    book.output(1).locator("tbody [aria-pressed]").first.focus()
    book.page.keyboard.press("Enter")
    expect(book.page.get_by_role("dialog")).to_be_visible()
    book.settle()
    assert_text_stayed_text(book.page)
    book.page.keyboard.press("Escape")


@pytest.mark.parametrize(("app", "theme"), [("lab", "light"), ("notebook", "dark")])
def test_every_panel_is_clean_and_hostile_text_stays_text(notebook: Open, attacked: Path, app: str, theme: str) -> None:
    book = notebook(cells(attacked), app=app, theme=theme, store=attacked / "imagegen-store")
    book.run_all()
    looked_at(book)
    expect(book.output(1).locator(".igk").get_by_text(SCRIPT).first).to_be_visible()
    expect(book.output(4).locator(".igk").get_by_text(SCRIPT).first).to_be_visible()
    book.page.wait_for_timeout(8500)  # so long a page waits for a word of the kernel before it says that none came
    expect(book.page.locator(".igk-kernel:not(:empty)")).to_have_count(0)
    book.assert_clean()
    assert_text_stayed_text(book.page)
    assert book.save().stat().st_size <= 3_000_000


def test_what_is_saved_shows_every_panel_without_its_kernel(notebook: Open, attacked: Path) -> None:
    book = notebook(cells(attacked), store=attacked / "imagegen-store")
    book.run_all()
    book.settle()
    for again in (book.reopen(), book.reopen(trusted=False)):
        again.assert_clean()
        assert_text_stayed_text(again.page)
        assert_pictures_are_kept(again.page, ".jp-Notebook .jp-Cell")
        expect(again.output(6)).not_to_contain_text("Loading widget")
        again.page.close()
    page = book.static_html()
    assert_text_stayed_text(page)
    assert_pictures_are_kept(page, ".jp-Cell")

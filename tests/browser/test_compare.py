"""The compare panel in a real JupyterLab: a live run is watched, stopped and gone on with, pictures are compared."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.book import Book
    from tests.browser.conftest import Open

MODELS = """
import time, imagegen_kit as ik
from PIL import Image, ImageDraw

def drawn(request, size):
    shade = sum(map(ord, request.prompt)) % 200
    picture = Image.new("RGB", size, (shade, 120, 200 - shade))
    ImageDraw.Draw(picture).ellipse((20, 20, 90, 20 + shade), fill="white")
    return picture

@ik.register(model="slow/one", version="1", seed=True, price_usd=0.02)
def slow(request):
    time.sleep(0.4)
    return drawn(request, (320, 240))

@ik.register(model="moody/one", version="1", price_usd=0.0)
def moody(request):
    if "storm" in request.prompt and not weather.get("calm"):
        raise ValueError("the <b>sky</b> fell")
    return drawn(request, (240, 300))

weather = {}
"""
EVIL = "a storm <img src=x onerror=document.title='hacked'>"
LIVE = f"""
prompts = [f"a calm sea {{i}}" for i in range(12)] + [{EVIL!r}]
exp = ik.Experiment(vary={{"prompt": prompts, "model": ["moody/one", "slow/one"]}}, name="weather", fixed={{"seed": 7}},
                    policy=ik.Policy(concurrency=1))
run = exp.start()
ended = []
def watch():
    run._execution._future.add_done_callback(lambda _: ended.append(time.time()))
watch(); run._followers.append(watch)
panel = run.panel()
panel
"""
GRID_OF_200 = """
@ik.register(model="fast/one", version="1", seed=True, price_usd=0.0)
def fast(request):
    import random
    dots = random.Random(request.seed)
    picture = Image.effect_noise((256, 256), 40).convert("RGB")
    ImageDraw.Draw(picture).ellipse((dots.randrange(99), 40, 200, 200), fill=(dots.randrange(255), 80, 90))
    return picture
run = ik.Experiment(vary={"prompt": [f"prompt {i}" for i in range(40)], "seed": [1, 2, 3, 4, 5]},
                    fixed={"model": "fast/one"}, name="two hundred").run(progress=False)
"""
# It hears what its page asks, and is slow to answer the first question.
LISTENING = """
import threading
from imagegen_kit.panels.compare.panel import Compare

asked = []

class Listening(Compare):
    def receive(self, message, buffers=()):
        asked.extend(message.get("shas", []) if message["kind"] == "thumbnails" else [])
        late = 0.4 if message["kind"] == "ready" else 0
        threading.Timer(late, super().receive, (message, buffers)).start()

panel = Listening(run, rows="prompt", columns="seed")
panel
"""
# What is in sight of a panel, frame by frame: each change of it.
WATCH_ARRIVAL = """
(output) => {
  window.sights = [];
  const tall = (selector) => output.querySelector(selector)?.getBoundingClientRect().height > 0;
  const look = () => {
    const sights = [tall("[id^=panel-] img") && "copy", tall(".igk-compare tbody img") && "panel"];
    const sight = sights.filter(Boolean).join(" and ");
    if (sight !== (window.sights.at(-1) ?? "")) window.sights.push(sight);
    requestAnimationFrame(look);
  };
  look();
}"""


def panel_of(book: Book, cell: int) -> Locator:
    return book.output(cell).locator(".igk-compare")


def transforms(page: Page) -> list[str]:
    return list(page.locator("dialog img.igk-large").evaluate_all("all => all.map((img) => img.style.transform)"))


def test_a_live_run_is_stopped_within_half_a_second_gone_on_with_and_its_failure_tried_again(notebook: Open) -> None:
    book = notebook([MODELS, LIVE, "print(ended)", "weather['calm'] = True", "panel.value.shape[0]"])
    book.run(0)
    book.run(1)
    panel = panel_of(book, 1)
    stop, resume = (panel.get_by_role("button", name=name) for name in ("Stop", "Resume"))
    clicked = []
    for _ in range(3):
        expect(panel.get_by_text("under way").first).to_be_visible()
        clicked.append(stop.evaluate("(button) => { const at = Date.now() / 1000; button.click(); return at; }"))
        expect(resume).to_be_visible()
        expect(panel.get_by_text("stopped").first).to_be_visible()
        resume.click()
        expect(stop).to_be_visible()
    expect(panel.locator(".igk-standing")).to_have_text("26 cells, 1 failed, $0.26", timeout=60_000)
    expect(panel.get_by_text("failed: moody raised ValueError: the <b>sky</b> fell")).to_have_count(1)
    assert "<img src=x" in panel.locator("tbody th").last.inner_text()
    book.run(2)
    ends = [float(at) for at in book.output(2).locator(".jp-OutputArea-output").inner_text().strip("[]\n ").split(",")]
    assert median(end - at for end, at in zip(ends, clicked, strict=False)) < 0.5
    book.run(3)
    panel.get_by_role("button", name="Retry failed").click()
    expect(panel.locator(".igk-standing")).to_have_text("26 cells, $0.26", timeout=30_000)
    assert book.page.title() != "hacked"
    book.assert_clean()
    again = book.reopen(trusted=False)  # as its author: test_every_panel
    expect(again.output(1).locator("img").first).to_be_visible()
    expect(again.output(1).get_by_text("26 cells · 26 ok")).to_be_visible()
    expect(book.static_html().get_by_text("26 cells · 26 ok")).to_be_visible()


def test_pictures_are_marked_opened_and_compared_by_keyboard_alone(notebook: Open) -> None:
    book = notebook(
        [MODELS, LIVE.replace("exp.start()", "exp.run(progress=False)").replace("watch(); ", ""), "len(panel.value)"]
    )
    book.run(0)
    book.run(1)
    page, panel = book.page, panel_of(book, 1)
    cells = book.page.locator(".jp-Cell").count()
    items = panel.get_by_role("button", name="a calm sea")
    items.first.focus()
    for key in ("Space", "ArrowDown", "ArrowRight", "Space", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    expect(items.first).to_be_focused()
    expect(panel.locator('[aria-pressed="true"]')).to_have_count(2)
    value = book.output(2).locator(".jp-OutputArea-output")
    for _ in range(10):  # the second mark leaves the page when the kernel has taken the first; a cell may come between
        book.run(2)
        if value.inner_text().strip() == "2":
            break
    expect(value).to_have_text("2")
    items.first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table", name="What differs")).to_be_visible()
    expect(dialog.locator("del")).to_have_text("0")
    expect(dialog.locator("ins")).to_have_text("1")
    expect(dialog.get_by_text("both are fitted to the same frame")).to_be_visible()
    for key, name in (("s", "Swipe"), ("o", "Onion skin"), ("d", "Difference"), ("2", "Side by side")):
        page.keyboard.press(key)
        expect(dialog.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    first, second = transforms(page)
    assert first == second == "translate(-40px, 0px) scale(1.25)"
    page.keyboard.press("0")
    assert transforms(page) == ["translate(0px, 0px) scale(1)"] * 2
    page.keyboard.press("1")
    expect(dialog.locator("output")).to_have_text("100 %")
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("b")  # would insert a cell, were it not for the panel
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(items.first).to_be_focused()
    assert page.locator(".jp-Cell").count() == cells
    book.assert_clean()


def test_two_hundred_pictures_come_as_they_are_looked_at(notebook: Open) -> None:
    book = notebook([MODELS, GRID_OF_200, LISTENING, "print(*asked)"])
    book.run(0)
    book.run(1)
    traffic = book.fresh_traffic()
    book.output(2).evaluate(WATCH_ARRIVAL)
    book.run(2)
    panel = panel_of(book, 2)
    expect(panel.locator("tbody img")).to_have_count(200)
    panel.evaluate("(panel) => panel.scrollIntoView()")
    book.settle()
    assert book.page.evaluate("window.sights") == ["copy", "panel"], "never nothing to see, never both"
    assert panel.locator("tbody img:not(.igk-waiting)").count() < 100
    assert traffic.json + traffic.binary < 2_200_000
    assert book.heap_mb() < 60
    last = panel.locator("tbody img").last
    last.scroll_into_view_if_needed()
    expect(last).not_to_have_class("igk-waiting")
    book.settle()
    book.run(3)
    asked = set(book.output(3).locator(".jp-OutputArea-output").inner_text().split())
    lent = set(book.output(2).locator("[id^=panel-] img").evaluate_all("all => all.map((img) => img.dataset.sha)"))
    assert last.get_attribute("data-sha") in asked
    assert len(lent) == 48
    assert not asked & lent, "what the static copy shows is not asked for again"
    book.assert_clean()

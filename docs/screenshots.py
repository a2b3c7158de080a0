"""``make screenshots``: run a notebook with the panels offline and keep what a real JupyterLab shows, light and dark.

Nothing is retouched. The services are the toolkit's simulators with real list prices, which the pictures' captions say.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.jupyter import Jupyter
from tests.browser.opening import THEMES, notebooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

    from tests.browser.book import Book

PICTURES = Path(__file__).parent / "pictures"
MOST_BYTES = 200_000
TALLEST = 880  # CSS pixels of a panel that are shown: the rest is more of the same
MARGIN = 12
SCALE = 2

CELLS = [
    """
import imagegen_kit as ik

clouds = ik.testing.simulated_clouds(latency={"gemini": 1.9, "openai": 2.6, "bfl": 1.2})
clouds.start()
exp = ik.Experiment(
    vary={
        "prompt": [
            "a lighthouse on a hill at night",
            "two boats on the sea at sunset",
            "a cat and a dog beside a house",
        ],
        "model": ["nano-banana", "openai/gpt-image-2.5-flare", "bfl/flux-2-pro", "offline/collage"],
    },
    fixed={"seed": 7, "aspect_ratio": "3:2", "quality": "low"},
    name="three-clouds",
    budget_usd=2.00,
)
run = exp.run(progress=False)
more = ik.Experiment(
    vary={
        "prompt": ik.prompt_suite("first"),
        "model": ["offline/collage", "offline/pencil", "offline/poster"],
        "style": [None, "cinematic"],
    },
    fixed={"seed": 7, "size": 512},
    repeats=2,
    name="styles",
).run(progress=False)
""",
    "panel = run.panel()\npanel",
    "lab = ik.prompt_lab('a lighthouse on a hill at night', model=['nano-banana', 'openai/gpt-image-2.5-flare',"
    " 'offline/poster'], style='cinematic', negative_prompt='people', seed=7, aspect_ratio='3:2')\nlab",
    "gallery = ik.gallery()\ngallery",
    "vote = run.vote(rater='me')\nfor choice in ('left', 'tie', 'right'):\n    vote.choose(choice)\nvote",
    "lib = ik.Library.open('references')\nlib.add(ik.Library.open('shipped').path)\n"
    "shelf = lib.panel()\nshelf.search('something to drink', top_k=12)\nshelf",
]


def _shown(i: int) -> Callable[[Book], Locator]:
    return lambda book: book.output(i).locator(".igk-lab, .igk:not(.igk-lab .igk)").first


def _viewer(book: Book) -> Locator:
    book.page.set_viewport_size({"width": 1280, "height": TALLEST})
    book.output(1).locator(".igk-compare tbody tr").nth(1).locator("[aria-pressed]").first.focus()
    book.page.keyboard.press("Enter")
    dialog = book.page.get_by_role("dialog")
    dialog.wait_for()
    book.page.keyboard.press("s")
    return dialog


SHOTS: dict[str, Callable[[Book], Locator]] = {
    "compare": _shown(1),
    "viewer": _viewer,
    "prompt-lab": _shown(2),
    "gallery": _shown(3),
    "vote": _shown(4),
    "library": _shown(5),
}


def main() -> None:
    """Take the named pictures, or all."""
    parser = argparse.ArgumentParser(prog="python -m docs.screenshots")
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(SHOTS)} (default: all)")
    given = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="imagegen-shots-") as place, chromium(Path(place) / "home") as browser:
        jupyter = Jupyter(Path(place) / "jupyter")
        try:
            with notebooks(browser, jupyter, "screenshots") as notebook:
                book = notebook(CELLS, scale=SCALE)
                book.run_all()
                for theme in THEMES:
                    book.wear(THEMES[theme])
                    for name in given.names or SHOTS:
                        print(take(book, SHOTS[name], PICTURES / f"{name}-{theme}.webp"))
        finally:
            jupyter.stop()


def take(book: Book, shown: Callable[[Book], Locator], path: Path) -> str:
    """Keep one panel as a WebP of at most ``MOST_BYTES``; return what was kept, in words."""
    book.page.set_viewport_size({"width": 1280, "height": 1200})
    part = shown(book)
    alone = part.get_attribute("role") == "dialog" or part.evaluate("(part) => part.tagName") == "DIALOG"
    margin = 0 if alone else MARGIN
    part.evaluate("(part) => part.scrollIntoView({block: 'center'})")
    if not alone:
        book.page.evaluate("() => document.activeElement.blur()")
    book.page.mouse.move(0, 0)
    book.settle()
    box = part.bounding_box()
    height = min(box["height"], TALLEST)
    clip = {
        "x": max(0, box["x"] - margin), "y": max(0, box["y"] - margin),
        "width": min(1280 - box["x"] + margin, box["width"] + 2 * margin), "height": height + 2 * margin,
    }  # fmt: skip
    image = Image.open(io.BytesIO(book.page.screenshot(clip=clip))).convert("RGB")
    for quality in range(86, 30, -4):
        image.save(path, "WEBP", quality=quality, method=6)
        if path.stat().st_size <= MOST_BYTES:
            break
    book.page.keyboard.press("Escape")
    return f"{path.name}: {image.width} × {image.height}, {path.stat().st_size / 1000:.0f} KB, quality {quality}"


if __name__ == "__main__":
    main()

"""The panels in a real Chromium: how soon pictures are seen, what is sent for them, and how soon Stop acts.

Needs what the browser tests need. Times are by the page's own clock, from the start of the cell to the frame that shows
what is waited for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ROOT, Figure, Outcome, column, environment

if TYPE_CHECKING:
    from tests.browser.book import Book
    from tests.browser.opening import Open

MAKE = """
import sys
import imagegen_kit as ik
from PIL import Image

ik.configure(store=sys.argv[1])
small = Image.effect_mandelbrot((96, 96), (-2, -1.2, 1, 1.2), 60)

@ik.register(model="me/photo", version="1", seed=True)
def photo(request):
    noise = Image.effect_noise((1024, 1024), 30)
    shade = small.rotate(request.seed % 360).resize((1024, 1024))
    return Image.merge("RGB", (noise, shade, Image.blend(noise, shade, 0.5))).resize((384, 384))

def run(name, prompts, seeds):
    grid = {"prompt": [f"prompt {i}" for i in range(prompts)], "seed": list(range(seeds))}
    ik.Experiment(vary=grid, fixed={"model": "me/photo"}, name=name).run(progress=False)

run("two hundred", 40, 5)
run("many", int(sys.argv[2]) // 10, 10)
"""
SLOW = """
import time
import imagegen_kit as ik
from PIL import Image

@ik.register(model="me/slow", version="1")
def slow(request):
    time.sleep(0.3)
    return Image.new("RGB", (64, 64), "grey")

exp = ik.Experiment(vary={"prompt": [f"prompt {i}" for i in range(200)]}, fixed={"model": "me/slow"}, name="slow",
                    policy=ik.Policy(concurrency=2))
run = exp.start()
panel = run.panel()
panel
"""
# Runs a cell; answers when nothing has changed for a second: seconds to its first picture, and to its last change.
TIMED = """
async (index) => {
  const panel = window.jupyterapp.shell.currentWidget, notebook = panel.content;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  const output = panel.node.querySelectorAll(".jp-Notebook .jp-Cell")[index];
  const start = performance.now();
  let first = null, live = null, last = start, loaded = 0;
  const seen = (pictures) => [...output.querySelectorAll(pictures)]
    .filter((i) => i.complete && i.naturalWidth > 0 && i.checkVisibility()).length;
  new MutationObserver(() => { last = performance.now(); })
    .observe(output, {childList: true, subtree: true, attributes: true, characterData: true});
  window.jupyterapp.commands.execute("notebook:run-cell");
  while (performance.now() - start < 60000) {
    await new Promise(requestAnimationFrame);
    const drawn = seen(".igk img[src]");
    if (first === null && seen("img[src]")) first = performance.now();
    if (live === null && drawn) live = performance.now();
    if (drawn !== loaded) { loaded = drawn; last = performance.now(); }
    if (live !== null && performance.now() - last > 1000) break;
  }
  return {first: (first - start) / 1000, live: (live - start) / 1000, still: (last - start) / 1000, drawn: loaded};
}"""
STOPPED = """
async (button) => {
  const start = performance.now(), panel = button.closest(".igk");
  button.click();
  const resume = (b) => b.textContent.trim() === "Resume" && b.offsetParent;
  const ended = () => [...panel.querySelectorAll("button")].some(resume);
  while (!ended() && performance.now() - start < 20000) await new Promise(requestAnimationFrame);
  return (performance.now() - start) / 1000;
}"""


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure in one browser, each figure three times, each time in a notebook of its own."""
    import pytest

    from tests.browser.chromium import chromium
    from tests.browser.jupyter import Jupyter
    from tests.browser.opening import notebooks

    many = 400 if quick else 2000
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-") as place:
        folder = Path(place)
        store = folder / "imagegen-store"
        subprocess.run(
            [sys.executable, "-c", MAKE, store, str(many)], cwd=folder, env=environment() | {"PYTHONPATH": str(ROOT)},
            check=True,
        )  # fmt: skip
        try:
            with chromium(folder / "home") as browser:
                jupyter = Jupyter(folder / "jupyter")
                try:
                    with notebooks(browser, jupyter, "bench") as notebook:
                        return _measured(notebook, store, 1 if quick else 3, many)
                finally:
                    jupyter.stop()
        except pytest.skip.Exception as reason:
            return Outcome([], [f"not measured: {reason}"])


def _measured(notebook: Open, store: Path, runs: int, many: int) -> Outcome:
    grids = [
        _shown(notebook, store, "ik.open_run('two hundred').panel(rows='prompt', columns='seed')") for _ in range(runs)
    ]
    galleries = [_shown(notebook, store, "ik.gallery()") for _ in range(runs)]
    stops = _stops(notebook, 3)
    return Outcome(
        [
            Figure("200 pictures: first one", "s", column(grids, "first"), 0.5),
            Figure("200 pictures: first one in the live panel", "s", column(grids, "live")),
            Figure("200 pictures: still", "s", column(grids, "still"), 1.0),
            Figure("200 pictures: to the browser", "MB", column(grids, "mb"), 2.2),
            Figure("200 pictures: heap of the page", "MB", column(grids, "heap"), 60),
            Figure("200 pictures: saved notebook", "MB", column(grids, "saved"), 3),
            Figure(f"gallery of {many + 200:,}: first screen", "s", column(galleries, "still"), 1.0),
            Figure(f"gallery of {many + 200:,}: to the browser", "MB", column(galleries, "mb"), 0.5),
            Figure("Stop, until the run has ended", "s", stops, 0.5),
        ],
        ["seconds to the first picture and to the last change count from the start of the cell, on a machine that also "
         "runs the browser, which draws without a GPU"],
    )  # fmt: skip


def _shown(notebook: Open, store: Path, code: str) -> dict[str, Any]:
    book: Book = notebook(["import imagegen_kit as ik, imagegen_kit.panels.view\nik.runs()", code], store=store)
    book.run(0)
    traffic = book.fresh_traffic()
    seen: dict[str, Any] = book.page.evaluate(TIMED, 1)
    seen |= {"mb": traffic.total / 1e6, "heap": book.heap_mb(), "saved": book.save().stat().st_size / 1e6}
    book.close()
    return seen


def _stops(notebook: Open, times: int) -> list[float]:
    book: Book = notebook([SLOW])
    book.run(0)
    panel, took = book.output(0).locator(".igk"), []
    for _ in range(times):
        panel.get_by_text("under way").first.wait_for()
        took.append(float(panel.get_by_role("button", name="Stop").first.evaluate(STOPPED)))
        panel.get_by_role("button", name="Resume").click()
    panel.get_by_role("button", name="Stop").click()
    return took

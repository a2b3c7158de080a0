"""What an import and a command line cost, in fresh interpreters beside their floors."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Figure, Outcome, column, environment, interleaved, ratios

HEAVY = (
    "pandas", "numpy", "pydantic", "jinja2", "yaml", "tqdm", "IPython", "ipywidgets", "anywidget", "faiss", "openai",
    "google.genai", "httpx", "httpx2", "torch", "obstore", "ray", "typer",
)  # fmt: skip
FLOOR = "import pluggy, PIL.Image, sqlite3, asyncio"
STATEMENTS = {
    "package": "import imagegen_kit",
    "floor": FLOOR,
    "empty": "pass",
    "names": "import imagegen_kit as ik; ik.Experiment, ik.generate, ik.Policy, ik.register",
}


def statement(code: str) -> dict[str, Any]:
    """Return what ``code`` takes inside a fresh interpreter, and what of the heavy packages it imported."""
    script = (
        "import sys, time, json; t = time.perf_counter()\n"
        f"{code}\n"
        "t = time.perf_counter() - t\n"
        f"print(json.dumps({{'wall': t, 'heavy': [m for m in {HEAVY!r} if m in sys.modules]}}))"
    )
    found: dict[str, Any] = json.loads(_run([sys.executable, "-c", script]))
    return found


def process(command: list[str]) -> dict[str, Any]:
    """Return what a whole process takes."""
    start = time.perf_counter()
    _run(command)
    return {"wall": time.perf_counter() - start}


def _run(command: list[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure imports and the command line."""
    out, runs = Outcome(), 5 if quick else 15
    for code in STATEMENTS.values():
        statement(code)  # compiled files and the page cache are the machine's, not ours
    found = interleaved({name: partial(statement, code) for name, code in STATEMENTS.items()}, runs)
    walls = {name: column(rows, "wall") for name, rows in found.items()}
    heavy = found["package"][0]["heavy"]
    out.figures += [
        Figure("import imagegen_kit / floor", "x", ratios(walls["package"], walls["floor"]), 2.5),
        Figure("import imagegen_kit", "ms", [w * 1e3 for w in walls["package"]]),
        Figure("floor: " + FLOOR, "ms", [w * 1e3 for w in walls["floor"]]),
        Figure("first names (Experiment, generate …)", "ms", [w * 1e3 for w in walls["names"]]),
        Figure("first names / floor", "x", ratios(walls["names"], walls["floor"])),
        Figure("heavy packages imported", "", [len(heavy)], 0),
    ]
    if heavy:
        out.notes.append("imported although heavy: " + ", ".join(heavy))
    if late := found["names"][0]["heavy"]:
        out.notes.append("the first names also import: " + ", ".join(late))
    if not any((ROOT / "imagegen_kit").glob("cli*")):
        out.notes.append("imagegen --help: skipped, imagegen_kit.cli does not exist.")
        return out
    script = Path(sys.executable).with_name("imagegen")
    tool = [str(script)] if script.exists() else [sys.executable, "-c", "from imagegen_kit.cli import main; main()"]
    arms = {
        "help": partial(process, [*tool, "--help"]),
        "typer": partial(process, [sys.executable, "-c", "import typer"]),
    }
    for arm in arms.values():
        arm()
    found = interleaved(arms, runs)
    walls = {name: column(rows, "wall") for name, rows in found.items()}
    out.figures += [
        Figure("imagegen --help / python -c 'import typer'", "x", ratios(walls["help"], walls["typer"]), 2.0),
        Figure("imagegen --help", "ms", [w * 1e3 for w in walls["help"]]),
        Figure("python -c 'import typer'", "ms", [w * 1e3 for w in walls["typer"]]),
    ]
    return out

"""Against promptfoo: the same large cells at the same simulated OpenAI, everything kept, whole process beside process.

promptfoo comes from npm and is not installed here: where it is missing, a note says how to get it.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.clouds import engine_arm
from benchmarks.measure import Figure, Outcome, column, environment, fresh, interleaved, ratios
from benchmarks.pictures import stored
from benchmarks.served import watched

LATENCY_S, CONCURRENCY = 0.3, 32
MODEL = "gpt-image-2"  # promptfoo asks younger ones for a form of answer that they refuse
WALL, CPU, RSS = 1 / 4, 1 / 3, 1 / 5
HOME = Path(tempfile.gettempdir()) / "imagegen-kit-benchmarks" / "promptfoo"
PACKAGE = HOME / "node_modules" / "promptfoo"
OFF = (  # what it would ask the network, and logs of every call: all documented switches
    "PROMPTFOO_DISABLE_TELEMETRY", "PROMPTFOO_DISABLE_UPDATE", "PROMPTFOO_DISABLE_SHARING",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION", "PROMPTFOO_DISABLE_DEBUG_LOG", "PROMPTFOO_DISABLE_ERROR_LOG",
)  # fmt: skip


def missing() -> str | None:
    """Return why promptfoo cannot be measured here, and what to do; None where it can."""
    if shutil.which("node") is None:
        return "skipped: there is no node (Node.js) on this machine."
    if not (PACKAGE / "package.json").exists():
        return f"skipped: promptfoo is not installed (1.4 GB): npm install --prefix {HOME} promptfoo"
    return None


def version() -> str:
    """Return the installed version."""
    return str(json.loads((PACKAGE / "package.json").read_text())["version"])


def _whole(command: list[str], variables: dict[str, str]) -> dict[str, Any]:
    """Run a process in this folder to its end: wall and CPU seconds with all that it started, MB of its largest."""
    with Path("said.txt").open("w+") as said:
        start = time.perf_counter()
        done = subprocess.run(command, env=variables, stdout=said, stderr=subprocess.STDOUT, check=False)
        wall = time.perf_counter() - start
        said.seek(0)
        words = said.read()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # the only child of this process
    return {
        "code": done.returncode, "said": words[-2000:], "wall": wall, "cpu": used.ru_utime + used.ru_stime,
        "rss": used.ru_maxrss * 1024 / 1e6,
    }  # fmt: skip


def ours(base_url: str, key: str, cells: int) -> dict[str, Any]:
    """Measure a whole process that runs the cells as an experiment; its store must hold every picture."""
    asked = {"service": "openai", "base_url": base_url, "key": key, "cells": cells, "concurrency": CONCURRENCY}
    asked["model"] = f"openai/{MODEL}"
    name = f"{engine_arm.__module__}:{engine_arm.__qualname__}"
    found = _whole([sys.executable, "-m", "benchmarks.measure", name, json.dumps(asked)], environment())
    assert found["code"] == 0, found["said"]
    kept = [path for path in Path("imagegen-store").rglob("*.png") if path.stat().st_size > 1e6]
    assert len(kept) == cells + 1, len(kept)  # one to warm up
    return found


def theirs(base_url: str, key: str, cells: int) -> dict[str, Any]:
    """Measure ``promptfoo eval`` of the cells; its folder must hold every picture, in full."""
    place = Path.cwd()
    provider = {
        "id": f"openai:image:{MODEL}",
        "config": {"apiBaseUrl": base_url, "apiKey": key, "n": 1},
    }
    tests = [{"vars": {"prompt": f"prompt {number}"}} for number in range(cells)]
    wanted = {"prompts": ["{{prompt}}"], "providers": [provider], "tests": tests}
    Path("promptfooconfig.json").write_text(json.dumps(wanted), encoding="utf-8")
    folders = {
        "HOME": place, "PROMPTFOO_CONFIG_DIR": place / "config", "PROMPTFOO_CACHE_PATH": place / "cache",
        "PROMPTFOO_LOG_DIR": place / "logs",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROMPTFOO_", "OPENAI_"))}
    variables = {**kept, **{name: str(path) for name, path in folders.items()}, **dict.fromkeys(OFF, "1")}
    command = [
        "node", str(PACKAGE / "dist" / "src" / "entrypoint.js"), "eval", "-c", "promptfooconfig.json",
        "--max-concurrency", str(CONCURRENCY), "--no-table", "--no-progress-bar", "--no-share",
    ]  # fmt: skip
    found = _whole(command, variables)
    pictures = [path for path in (place / "config" / "blobs").rglob("*") if path.is_file() and path.suffix != ".json"]
    whole = sum(path.stat().st_size > 1e6 for path in pictures)
    assert found["code"] == 0, found["said"]
    assert whole == cells, (whole, found["said"])
    return found


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure both in turn."""
    out = Outcome()
    if (why := missing()) is not None:
        out.notes.append(why)
        return out
    cells, runs = (48, 1) if quick else (500, 3)
    stored("large")
    arms = {"ours": ours, "promptfoo": theirs}

    def arm(name: str) -> dict[str, Any]:
        with watched("openai", LATENCY_S, "large") as (at, told):  # a new service for each: none has more to remember
            found = fresh(arms[name], cells=cells, **at)
            calls = told()
        assert calls["charges"] == calls["requests"] == cells + (name == "ours"), calls
        return found

    found = interleaved({name: lambda name=name: arm(name) for name in arms}, runs)  # type: ignore[misc]
    us, them = found["ours"], found["promptfoo"]
    out.figures += [
        Figure("wall / promptfoo (4 x faster)", "x", ratios(column(us, "wall"), column(them, "wall")), WALL),
        Figure("CPU / promptfoo (3 x less)", "x", ratios(column(us, "cpu"), column(them, "cpu")), CPU),
        Figure("peak RSS / promptfoo (5 x less)", "x", ratios(column(us, "rss"), column(them, "rss")), RSS),
        *(
            Figure(f"{what}, {name}", unit, [value * scale for value in column(rows, of)])
            for what, of, unit, scale in (
                ("wall", "wall", "s", 1.0), ("CPU a cell", "cpu", "ms", 1e3 / cells), ("peak RSS", "rss", "MB", 1.0),
            )
            for name, rows in (("ours", us), (f"promptfoo {version()}", them))
        ),
    ]  # fmt: skip
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    out.notes += [
        f"promptfoo {version()} from npm, node {node}; {cells} cells of 1.5 MB, {CONCURRENCY} at once, "
        f"{LATENCY_S:g} s latency.",
        "whole processes with start-up and imports; both keep what makes the same request free the second time "
        "(promptfoo's response cache is on, as it is by default); promptfoo writes no output file beside its database; "
        "the service's own work is in neither arm.",
    ]
    return out

"""What all benchmarks share: interleaved arms, fresh processes, medians with their spread, one table and one JSON form.

A figure is never one number: it carries every sample, and its verdict is that of the median. Run as a module, this file
is the child side of ``fresh``: ``python -m benchmarks.measure package.module:function '{"argument": 1}'``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
TICK_S = 0.005


@dataclass(slots=True)
class Figure:
    """One figure with its samples. ``target`` is the most that the median may be; None: it is only told."""

    name: str
    unit: str
    samples: Sequence[float]
    target: float | None = None

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.samples)

    @property
    def verdict(self) -> str:
        """Return "pass", "FAIL", or "" where there is no target."""
        if self.target is None:
            return ""
        return "pass" if self.middle <= self.target else "FAIL"

    def to_plain(self) -> dict[str, Any]:
        """Return what the JSON file says of it."""
        low, high = min(self.samples), max(self.samples)
        return {
            "name": self.name, "unit": self.unit, "min": low, "median": self.middle, "max": high,
            "samples": list(self.samples), "target": self.target, "verdict": self.verdict,
        }  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What a benchmark found: its figures, and notes on what was not measured and why."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def interleaved(arms: Mapping[str, Callable[[], dict[str, Any]]], runs: int) -> dict[str, list[dict[str, Any]]]:
    """Run the arms in turn ``runs`` times, every other round backwards, so that a busy minute hits all of them."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in arms}
    for number in range(runs):
        for name in list(arms)[:: 1 if number % 2 == 0 else -1]:
            found[name].append(arms[name]())
    return found


def column(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """Return one value of each run."""
    return [float(row[name]) for row in rows]


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return the ratio of each pair of neighbours in time, which noise disturbs less than a ratio of medians."""
    return [a / b for a, b in zip(above, below, strict=True)]


# ---------------------------------------------------------------------- processes
def environment() -> dict[str, str]:
    """Return the environment of children: this checkout first, no settings of the user, no plugins of the machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEGEN_")}
    return {**kept, "PYTHONPATH": str(ROOT), "IMAGEGEN_LOAD_PLUGINS": "", "PYTHONDONTWRITEBYTECODE": "0"}


def fresh(function: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Call a module's function in a fresh interpreter, in an empty folder that is gone after, and return its dict."""
    name = f"{function.__module__}:{function.__qualname__}"
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.measure", name, json.dumps(arguments)]
        done = subprocess.run(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(name: str, arguments: str) -> None:
    module, _, function = name.partition(":")
    print(json.dumps(getattr(import_module(module), function)(**json.loads(arguments))))


def peak_rss_mb() -> float:
    """Return the most memory that this process has held, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():  # VmHWM starts anew at exec; getrusage may carry the parent's size over
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


# ---------------------------------------------------------------------- event loops
async def tick(lags_ms: list[float]) -> None:
    """Note, until cancelled, by how many ms each 5 ms sleep comes late."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(TICK_S)
        lags_ms.append((time.perf_counter() - start - TICK_S) * 1e3)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    return sorted(values)[max(0, -(-int(len(values) * share * 1000) // 1000) - 1)]


# ---------------------------------------------------------------------- output
def load() -> float:
    """Return the load average of the last minute, NaN where the system has none."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def show(name: str, outcome: Outcome, load_before: float, load_after: float, seconds: float) -> None:
    """Print one benchmark as a table."""
    print(f"\n{name}  ({seconds:.0f} s; load average {load_before:.2f} before, {load_after:.2f} after)")
    width = max((len(f.name) for f in outcome.figures), default=10)
    print(f"  {'figure':<{width}}  {'unit':<6} {'min':>9} {'median':>9} {'max':>9} {'target':>9}  n")
    for f in outcome.figures:
        target = "" if f.target is None else f"<= {f.target:g}"
        values = " ".join(
            f"{v:>9.3f}" if abs(v) < 1000 else f"{v:>9.0f}" for v in (min(f.samples), f.middle, max(f.samples))
        )
        print(f"  {f.name:<{width}}  {f.unit:<6} {values} {target:>9}  {len(f.samples)}  {f.verdict}".rstrip())
    for note in outcome.notes:
        print(f"  note: {note}")
    sys.stdout.flush()


if __name__ == "__main__":
    _child(*sys.argv[1:])

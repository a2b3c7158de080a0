"""``python -m benchmarks [names] [--quick] [--profile] [--json FILE] [--strict]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.measure import load, show

NAMES = (
    "imports",
    "table",
    "cached",
    "own_cpu",
    "commits",
    "sweep",
    "wide",
    "clouds",
    "faults",
    "journal",
    "retrieval_clip",
    "promptfoo",
    "retrieval_overhead",
    "retrieval_scale",
    "retrieval_openclipart",
    "consistency",
    "scoring",
    "serving",
    "sketch",
    "statistics",
    "panels",
    "report",
    "cluster",
    "scale",
)


def main() -> int:
    """Run the named benchmarks, print their tables, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios against a floor in the same run.")
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer cells and runs: a look, not a measurement")
    parser.add_argument(
        "--profile", action="store_true", help="add where the time goes, by function (own_cpu, cached, table)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to FILE")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a target is missed")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load average {load():.2f}")
    report: dict[str, object] = {"machine": machine, "quick": given.quick}
    missed = []
    for name in given.names or NAMES:
        before, start = load(), time.perf_counter()
        outcome = import_module(f"benchmarks.{name}").benchmark(given.quick, given.profile)
        show(name, outcome, before, load(), time.perf_counter() - start)
        missed += [f"{name}: {f.name}" for f in outcome.figures if f.verdict == "FAIL"]
        report[name] = {
            "load": [before, load()], "figures": [f.to_plain() for f in outcome.figures], "notes": outcome.notes,
        }  # fmt: skip
    print("\nmissed: " + "; ".join(missed) if missed else "\nall targets met")
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(given.strict and bool(missed))


if __name__ == "__main__":
    sys.exit(main())

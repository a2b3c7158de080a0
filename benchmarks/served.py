"""A simulated service in a process of its own, so that its work is not counted as the client's."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def served(service: str, latency_s: float, look: str) -> Iterator[dict[str, Any]]:
    """Serve ``gemini``, ``openai`` or a job API until the block ends; yields its base URL and key."""
    command = [sys.executable, "-m", "benchmarks.served", service, str(latency_s), look]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()  # it ends with its input
        process.wait(20)


def _serve(service: str, latency_s: float, look: str) -> None:
    from imagegen_kit.testing import simulators

    if service == "gemini":
        simulator: Any = simulators.GeminiSimulator(latency=latency_s, look=look)
    elif service == "openai":
        simulator = simulators.OpenAISimulator(latency=latency_s, look=look)
    else:
        simulator = simulators.JobApiSimulator(service, latency=latency_s, look=look)
    with simulator:
        print(json.dumps({"base_url": simulator.base_url, "key": simulator.key}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1], float(sys.argv[2]), sys.argv[3])

"""A simulated service in a process of its own, so that its work is not counted as the client's."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ROOT, environment
from benchmarks.pictures import Source, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@contextlib.contextmanager
def watched(
    service: str, latency_s: float, look: str, script: Sequence[str] = ()
) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, int]]]]:
    """Serve ``gemini``, ``openai`` or a job API until the block ends; yields its base URL and key, and what tells how
    many requests it saw and how many calls it would charge. Its first calls go as ``script`` says.
    """
    command = [sys.executable, "-m", "benchmarks.served", service, str(latency_s), look, json.dumps(list(script))]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    into, out = process.stdin, process.stdout
    assert into is not None
    assert out is not None

    def told() -> dict[str, int]:
        into.write("\n")
        into.flush()
        found: dict[str, int] = json.loads(out.readline())
        return found

    try:
        yield json.loads(out.readline()), told
    finally:
        into.close()  # it ends with its input
        process.wait(20)
        out.close()


@contextlib.contextmanager
def served(service: str, latency_s: float, look: str) -> Iterator[dict[str, Any]]:
    """Serve a service until the block ends; yields its base URL and key."""
    with watched(service, latency_s, look) as (at, _):
        yield at


def _serve(service: str, latency_s: float, look: str, script: Sequence[str]) -> None:
    from imagegen_kit.testing import simulators

    if service == "openai" and look == "large":
        simulator: Any = _large_openai(latency_s)
    elif service == "gemini":
        simulator = simulators.GeminiSimulator(latency=latency_s, look=look)
    elif service == "openai":
        simulator = simulators.OpenAISimulator(latency=latency_s, look=look)
    else:
        simulator = simulators.JobApiSimulator(service, latency=latency_s, look=look)
    with simulator.play(*script):
        print(json.dumps({"base_url": simulator.base_url, "key": simulator.key}), flush=True)
        for _ in sys.stdin:
            ledger = simulator.ledger
            found = {"requests": len(ledger.requests), "submits": len(ledger.submits), "charges": len(ledger.accepted)}
            print(json.dumps({**found, "broken": len(simulator.broken)}), flush=True)
        simulator.ledger.clear()


def _large_openai(latency_s: float) -> Any:
    """Return a simulated OpenAI whose pictures are the stored large ones: 1.5 MB, all different.

    The picture is put into the finished body, for Python takes as long to write 2 MB of JSON as a client to read it.
    """
    from starlette.responses import Response

    from imagegen_kit.testing.simulators import OpenAISimulator

    source, mark = Source(stored("large")), b"the picture stands here!"
    place = base64.b64encode(mark)

    class StoredOpenAI(OpenAISimulator):
        async def _drawn(self, asked: Any) -> bytes:
            return mark

        async def _pictures(self, asked: Any) -> Any:
            answer = await super()._pictures(asked)
            if not isinstance(answer, Response) or answer.status_code != 200:
                return answer
            picture = await asyncio.to_thread(lambda: base64.b64encode(source.next()))
            return Response(bytes(answer.body).replace(place, picture), media_type="application/json")

    return StoredOpenAI(latency=latency_s)


def shuffled(shares: dict[str, float], calls: int, seed: int = 0) -> list[str]:
    """Return what ``calls`` calls do, by their shares; the rest goes well. The order hangs on ``seed`` alone."""
    import random

    counts = Counter({mode: round(share * calls) for mode, share in shares.items()})
    modes = [*counts.elements(), *["ok"] * (calls - counts.total())]
    random.Random(seed).shuffle(modes)
    return modes


if __name__ == "__main__":
    _serve(sys.argv[1], float(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4]))

"""The service as a program of its own that is told to end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

import httpx2
import pytest

from tests.reliability.children import ROOT, ledger, until
from tests.reliability.services import Lab, variables


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.soak
def test_what_was_sent_is_finished_and_kept_when_the_service_is_told_to_end(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "imagegen_kit.cli", "serve", "--port", str(port)]
    with Lab(latency=1.5, look="tiny") as sim, httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        env = {**os.environ, **variables(sim), "IMAGEGEN_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
        server = subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.DEVNULL)

        def answers() -> bool:
            with contextlib.suppress(httpx2.HTTPError):
                return client.get("/health").status_code == 200
            return False

        def order() -> None:
            with contextlib.suppress(httpx2.HTTPError):
                client.post("/generate", json={"recipe": "image", "prompt": "a cup", "model": "lab/one"})

        try:
            until(answers, "the service")
            ordering = threading.Thread(target=order)
            ordering.start()
            until(lambda: any(call.kind == "poll" for call in sim.calls), "an order under way")
            server.send_signal(signal.SIGTERM)
            server.wait(40)
            ordering.join()
        finally:
            server.kill()
        assert len(sim.ledger.accepted) == 1
    assert set(ledger(tmp_path / "store")) == {"settled"}

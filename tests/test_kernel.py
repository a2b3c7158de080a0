"""What a notebook's kernel goes through: ■ in the middle of a run, and a kill between two cells."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_event_loop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_client.blocking import BlockingKernelClient

MODEL = """
import time
import imagegen_kit as ik
from PIL import Image

@ik.register(model="me/slow", version="1")
def slow(request):
    with open("calls.txt", "a") as file:
        file.write(request.prompt + "\\n")
    time.sleep(0.15)
    return Image.new("RGB", (32, 32), (len(request.prompt) % 256, 80, 120))

exp = ik.Experiment(
    vary={"prompt": [f"prompt {i}" for i in range(24)]},
    fixed={"model": "me/slow"},
    name="kernel",
    policy=ik.Policy(concurrency=2),
)
"""


class Kernel:
    """A real kernel in a folder, with what its cells printed and raised."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder))
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def cell(self, code: str) -> tuple[str, str | None]:
        """Run a cell; return what it printed and the name of the error that it raised, or None."""
        said: list[str] = []

        def hear(message: dict[str, object]) -> None:
            content = message["content"]
            assert isinstance(content, dict)
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                said.append(content["text"])

        reply = self.client.execute_interactive(code, output_hook=hear, timeout=60)
        return "".join(said).strip(), reply["content"].get("ename")

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    made = Kernel(tmp_path)
    yield made
    made.end()
    ensure_event_loop().close()  # the client's own, which it leaves open
    asyncio.set_event_loop(None)


@pytest.mark.alone
@pytest.mark.slow
def test_the_stop_button_stops_a_run_and_the_same_cell_goes_on(kernel: Kernel, tmp_path: Path) -> None:
    assert kernel.cell(MODEL) == ("", None)
    timer = threading.Timer(0.8, os.kill, (kernel.manager.provisioner.pid, signal.SIGINT))  # what ■ sends
    timer.start()
    _, error = kernel.cell("run = exp.run()")
    timer.join()
    assert error == "KeyboardInterrupt"
    time.sleep(0.5)  # what was sent is finished behind the scenes; nothing more is sent
    done = len((tmp_path / "calls.txt").read_text().splitlines())
    assert 0 < done < 24
    printed, error = kernel.cell(
        "run = exp.run(); print(len(run), run.table()['status'].eq('ok').all(), len(ik.runs()))"
    )
    assert (printed, error) == ("24 True 1", None)
    calls = (tmp_path / "calls.txt").read_text().splitlines()
    assert len(calls) == len(set(calls)) == 24


@pytest.mark.slow
def test_a_kernel_killed_after_the_run_loses_nothing(kernel: Kernel, tmp_path: Path) -> None:
    assert kernel.cell(MODEL + "run = exp.run(); print(run.id)")[1] is None
    kernel.manager.signal_kernel(9)
    time.sleep(0.5)
    second = Kernel(tmp_path)
    try:
        printed, error = second.cell(
            "import imagegen_kit as ik\nt = ik.open_run('kernel').table(); print(len(t), set(t.status))"
        )
        assert (printed, error) == ("24 {'ok'}", None)
        printed, error = second.cell(
            MODEL + "a = exp.run(); b = exp.run(fresh=True); print(a.id != b.id, len(ik.runs()))"
        )
        assert (printed, error) == ("True 2", None)
    finally:
        second.end()
    assert len((tmp_path / "calls.txt").read_text().splitlines()) == 24

"""Stop means stop spending and keep what is paid: Ctrl-C and ■ in the middle of a batch, then go on."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_core.utils import ensure_event_loop

import imagegen_kit as ik
from tests.reliability.children import Child, Lateness, ledger, rows, same_place, until
from tests.reliability.services import PRICE, Lab, variables
from tests.test_kernel import Kernel

CELLS = [f"cell {n}" for n in range(40)]
AFTER_S = 0.5  # within which the last submit arrives


def late_submits(sim: Lab, pressed: float, late: Lateness) -> list[float]:
    """Return when submits came that should not have come, in seconds after the interrupt."""
    after = [round(call.at - pressed, 3) for call in sim.submits if call.at > pressed]
    return [seconds for seconds in after if seconds > AFTER_S + 3 * late.seconds]


def interrupt(moment: int, folder: Path) -> dict[str, int]:
    """Press Ctrl-C at one of twenty moments; every second time the process is killed soon after (a kernel restart)."""
    chance = random.Random(moment)
    restarted = moment % 2 == 1
    with Lab(latency=0.25, look="tiny") as sim, Lateness() as late:
        child = Child(
            folder, variables(sim), fresh=True, do="experiment", model="lab/one", prompts=CELLS,
            policy={"concurrency": 4},
        )  # fmt: skip
        until(lambda: len(sim.submits) >= max(1, 2 * moment) or child.process.poll() is not None, "the moment")
        time.sleep(chance.uniform(0, 0.1))
        pressed = time.monotonic()
        child.signal(signal.SIGINT)
        if restarted:
            time.sleep(AFTER_S + 0.1)
            child.kill()
        else:
            code = child.end()
            assert code not in (0, -signal.SIGKILL), f"Ctrl-C was not heard: {code}\n{child.words}"
            assert child.events("interrupted"), child.words
        assert late_submits(sim, pressed, late) == []
        sent = sim.accepted_by_prompt
        if not restarted:  # what was sent was paid, so it was waited for before the process ended
            stored = rows(folder / "store", "SELECT COUNT(*) FROM results WHERE status = 'ok'")
            assert stored == [(len(sent),)], "an accepted job was left behind"
        with same_place(folder / "store", variables(sim)):
            table = ik.open_run("killed").resume().table() if rows_of_runs(folder) else None
    if table is None:  # it was stopped before it had begun
        assert not sim.ledger.accepted
        return {"sent": 0, "stored": 0, "unknown": 0}
    status = Counter(table.status)
    assert set(status) <= {"ok", "unknown"}, table[["prompt", "status", "error"]].to_string()
    assert len(table) == len(CELLS)
    assert max(sim.accepted_by_prompt.values()) == 1
    charged = sum(sim.accepted_by_prompt.values())
    lost = set(table.prompt[table.status == "unknown"])
    assert charged == status["ok"] + sum(prompt in lost for prompt in sim.accepted_by_prompt)
    assert not lost or restarted, f"only a kill may leave a call of which nobody knows: {lost}"
    money = ledger(folder / "store")
    assert money["settled"] == pytest.approx(status["ok"] * PRICE)
    assert money.get("unknown", 0.0) == pytest.approx(status["unknown"] * PRICE)
    return {"sent": sum(sent.values()), "stored": status["ok"], "unknown": status["unknown"]}


def rows_of_runs(folder: Path) -> bool:
    journal = folder / "store" / "journal.sqlite"
    return journal.exists() and bool(rows(folder / "store", "SELECT 1 FROM runs"))


@pytest.mark.alone
@pytest.mark.parametrize("moment", [1, 6, 11, 18])
def test_ctrl_c_stops_spending_and_what_was_paid_is_collected(moment: int, tmp_path: Path) -> None:
    told = interrupt(moment, tmp_path)
    assert 0 < told["sent"] < len(CELLS)


@pytest.mark.soak
def test_ctrl_c_at_twenty_moments_of_a_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    total: Counter[str] = Counter()
    for moment in range(20):
        try:
            total.update(interrupt(moment, tmp_path / str(moment)))
        except BaseException as error:
            error.add_note(f"moment {moment}")
            raise
    with capsys.disabled():
        print(f"\n20 interrupts in batches of {len(CELLS)}: {dict(total)}")


# ---------------------------------------------------------------------- in a real kernel
@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Kernel, Lab]]:
    with Lab(latency=0.6, look="tiny") as sim:
        for name, value in {**variables(sim), "IMAGEGEN_STORE": str(tmp_path / "store")}.items():
            monkeypatch.setenv(name, value)
        made = Kernel(tmp_path)
        yield made, sim
        made.end()
        ensure_event_loop().close()  # the client's own, which it leaves open
        asyncio.set_event_loop(None)


BATCH = f"""
import imagegen_kit as ik
exp = ik.Experiment(
    vary={{"prompt": {json.dumps(CELLS[:24])}}}, fixed={{"model": "lab/one"}}, name="kernel",
    policy=ik.Policy(concurrency=3),
)
"""


@pytest.mark.alone
def test_the_stop_button_stops_spending_and_the_kernel_collects_what_was_paid(
    kernel: tuple[Kernel, Lab], tmp_path: Path
) -> None:
    notebook, sim = kernel
    assert notebook.cell(BATCH)[1] is None
    pressed: list[float] = []

    def press() -> None:
        until(lambda: len(sim.submits) >= 7, "a few submits")
        pressed.append(time.monotonic())
        os.kill(notebook.manager.provisioner.pid, signal.SIGINT)  # what ■ sends

    with Lateness() as late:
        hand = threading.Thread(target=press)
        hand.start()
        _, error = notebook.cell("run = exp.run(progress=False)")
        hand.join()
        assert error == "KeyboardInterrupt"
        stored = "SELECT COUNT(*) FROM results WHERE status = 'ok'"
        until(
            lambda: rows(tmp_path / "store", stored)[0][0] == len(sim.ledger.accepted),
            "the background has collected all accepted jobs, with no cell running",
            15,
        )
        time.sleep(AFTER_S)
        assert late_submits(sim, pressed[0], late) == []
    sent = len(sim.ledger.accepted)
    assert 0 < sent < 24
    said, error = notebook.cell("run = exp.run(progress=False); print(run.table().status.value_counts().to_dict())")
    assert (said, error) == ("{'ok': 24}", None)
    assert set(sim.accepted_by_prompt.values()) == {1}
    assert sum(sim.accepted_by_prompt.values()) == 24

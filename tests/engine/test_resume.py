"""A killed process loses nothing that is paid, and the same experiment goes on where it stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import ContentBlocked, ProviderError
from tests.engine.models import job, ledger, model, one, picture, rows, until

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """``killed.py`` in a process of its own, in this test's folder."""

    def __init__(self, folder: Path, what: str, how: str, price: float = 0.5) -> None:
        self.log = folder / "calls.log"
        self.log.touch()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.killed", what, str(self.log), how, str(price)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def lines(self, word: str) -> list[str]:
        return [line.split(" ", 1)[1] for line in self.log.read_text().splitlines() if word in line]

    def until(self, word: str, count: int) -> None:
        until(lambda: self.process.poll() is not None or len(self.lines(word)) >= count)
        assert self.process.poll() is None, self.process.stderr.read().decode()

    def kill(self, how: int = signal.SIGKILL) -> int:
        self.process.send_signal(how)
        return self.end()

    def end(self) -> int:
        _, self.errors = self.process.communicate(timeout=60)
        return self.process.returncode


def test_an_accepted_job_of_a_killed_process_is_collected_and_never_submitted_twice(tmp_path):
    first = Process(tmp_path, "run", "job")
    first.until("accepted", 3)
    first.kill()
    assert rows("SELECT state, job_id IS NOT NULL FROM attempts") == [("submitted", 1)] * 3
    ik.engine.session.close_default_engine()
    second = Process(tmp_path, "resume", "job")
    assert second.end() == 0, second.errors.decode()
    assert sorted(second.lines("submit")) == ["submit a", "submit bb", "submit ccc"]
    assert sorted(second.lines("collect")) == ["collect id of a", "collect id of bb", "collect id of ccc"]
    run = ik.open_run("killed")
    assert run.table().status.tolist() == ["ok"] * 3
    assert run.costs().cost_usd.tolist() == [1.5]
    assert ledger() == [("settled", 0.5, 0.5)] * 3
    third = Process(tmp_path, "resume", "job")
    assert third.end() == 0
    assert len(third.lines("collect")) == 3
    assert len(ik.open_run("killed")) == 3


def test_without_collect_a_sent_request_is_unknown_and_not_bought_again(tmp_path):
    first = Process(tmp_path, "run", "no-collect")
    first.until("accepted", 3)
    first.kill()
    second = Process(tmp_path, "again", "no-collect")
    assert second.end() == 0, second.errors.decode()
    assert len(second.lines("submit")) == 3
    run = ik.open_run("killed")
    table = run.table()
    assert table.status.tolist() == ["unknown"] * 3
    assert table.cost_usd.isna().all()
    assert "retry_failed" in table.error[0]
    assert ledger() == [("unknown", 0.5, None)] * 3


def test_a_free_model_that_was_interrupted_is_simply_asked_again(tmp_path):
    first = Process(tmp_path, "run", "hang", price=0.0)
    first.until("submit", 3)
    first.kill()
    second = Process(tmp_path, "again", "hang", price=0.0)
    assert second.end() == 0, second.errors.decode()
    assert len(second.lines("submit")) == 6
    assert ik.open_run("killed").table().status.tolist() == ["ok"] * 3


def test_a_run_killed_half_way_goes_on_with_the_cells_that_are_missing_even_with_the_cache_off(tmp_path):
    first = Process(tmp_path, "run", "half", price=0.0)
    first.until("submit", 7)
    time.sleep(0.1)
    first.kill()
    second = Process(tmp_path, "again", "half", price=0.0)
    assert second.end() == 0, second.errors.decode()
    prompts = second.lines("submit")
    assert len(prompts) == 11  # ten cells, and the one that was being asked
    assert len(set(prompts)) == 10
    stored = ik.runs()
    assert len(stored) == 1
    assert (stored.done.iloc[0], stored.cells.iloc[0]) == (10, 10)
    assert ik.open_run("killed").table().status.tolist() == ["ok"] * 10


@pytest.mark.alone
def test_ctrl_c_stops_sending_keeps_what_was_sent_and_running_again_goes_on(tmp_path):
    first = Process(tmp_path, "run", "slow", price=0.1)
    first.until("submit", 8)
    pressed = time.time()
    code = first.kill(signal.SIGINT)
    assert code != 0
    assert b"KeyboardInterrupt" in first.errors
    assert first.lines("interrupted") == ["interrupted"]
    late = [
        line
        for line in first.log.read_text().splitlines()
        if "submit" in line and float(line.split()[0]) > pressed + 0.5
    ]
    assert late == []
    sent = len(first.lines("submit"))
    assert sent < 40
    assert rows("SELECT COUNT(*) FROM results WHERE status = 'ok'") == [(sent,)]
    assert rows("SELECT state, COUNT(*) FROM ledger GROUP BY 1") == [("settled", sent)] or set(ledger()) == {
        ("settled", 0.1, 0.1),
        ("released", 0.1, None),
    }
    ik.engine.session.close_default_engine()
    second = Process(tmp_path, "again", "slow", price=0.1)
    assert second.end() == 0, second.errors.decode()
    assert len(second.lines("submit")) == 40
    assert set(ik.open_run("killed").table().status) <= {"ok", "cached"}
    assert len(ik.open_run("killed")) == 40


def test_the_job_id_is_committed_before_on_progress_returns():
    seen = []

    async def look(script, request, on_progress):
        from imagegen_kit.types import Accepted, Reply

        await on_progress(Accepted("j-7", "https://example.org/7"))
        store = ik.engine.session.default_engine().store
        seen.extend(store.journal.read("SELECT state, job_id, poll_url FROM attempts"))
        await on_progress(Accepted("j-7", "https://example.org/8"))  # a service may move a job
        return Reply(pictures=(picture(),))

    model("lab/one", look, price=0.1)
    assert one().status == "ok"
    assert seen == [("submitted", "j-7", "https://example.org/7")]
    assert rows("SELECT state, job_id, poll_url FROM attempts") == [("stored", "j-7", "https://example.org/8")]


def test_resume_twice_does_nothing():
    script = model()
    exp = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"})
    run = exp.run(progress=False)
    before = rows("SELECT COUNT(*) FROM requests"), rows("SELECT COUNT(*) FROM results")
    run.resume().resume()
    ik.open_run("latest").resume()
    assert (rows("SELECT COUNT(*) FROM requests"), rows("SELECT COUNT(*) FROM results")) == before
    assert script.calls == 2


def test_the_same_experiment_continues_its_run_and_fresh_starts_another():
    script = model()
    exp = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"})
    first = exp.run(progress=False)
    same = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"}).run(progress=False)
    fresh = exp.run(progress=False, fresh=True)
    assert (same.id, script.calls) == (first.id, 2)
    assert fresh.id != first.id
    assert fresh.table().status.tolist() == ["cached"] * 2


def unfinished(run):
    """Make the run's cells look as if the process had died before they ended."""
    journal = ik.engine.session.default_engine().store.journal
    journal.write([("DELETE FROM cell_ends", ())]).result()
    return run


def test_requests_come_back_from_the_journal_even_with_the_cache_off():
    script = model(version=None)

    async def twice(job, prompt):
        answers = [await job.image(prompt, model="lab/one"), await job.image(prompt, model="lab/one")]
        more = await asyncio.gather(*(job.image(prompt + t, model="lab/one") for t in ("x", "y", "")))
        return [a.picture.sha256 for a in (*answers, *more)]

    exp = ik.Experiment(twice, vary={"prompt": ["a", "b"]}, policy=ik.Policy(cache=False))
    run = exp.run(progress=False)
    assert script.calls == 10
    before = [r.artifacts[0].sha256 for r in run]
    assert len(set(before)) == 10
    unfinished(run).resume()
    assert script.calls == 10
    assert [r.artifacts[0].sha256 for r in run] == before
    assert run.done == 2


def test_a_recipe_sees_the_same_failure_again_when_it_is_replayed():
    script = model("lab/one", ContentBlocked("not this"))
    seen = []

    async def recipe(job, prompt):
        try:
            await job.image(prompt, model="lab/one")
        except ContentBlocked as error:
            seen.append(str(error))
        return await job.image(prompt + "!", model="lab/one")

    exp = ik.Experiment(recipe, vary={"prompt": ["a"]})
    run = exp.run(progress=False)
    unfinished(run).resume()
    assert seen == ["not this", "not this"]
    assert script.calls == 2
    assert len(run) == 2


def test_a_request_that_could_not_be_sent_is_one_row_however_often_it_is_resumed():
    from imagegen_kit.capabilities import Capabilities

    model(can=Capabilities())

    async def recipe(job, prompt):
        await job.images(prompt, model="lab/one", references=picture())
        await job.image(prompt, model="lab/one")

    run = ik.Experiment(recipe, vary={"prompt": ["a"]}).run(progress=False)
    assert run.table().status.tolist() == ["failed", "ok"]
    unfinished(run).resume()
    assert run.table().status.tolist() == ["failed", "ok"]
    run.retry_failed()
    assert run.table().status.tolist() == ["failed", "ok"]
    assert rows("SELECT COUNT(*) FROM requests") == [(2,)]


def test_retry_failed_asks_only_for_what_failed():
    script = model("lab/one", None, ProviderError("no", paid=False))
    run = ik.Experiment(
        vary={"prompt": ["a", "b", "c"]}, fixed={"model": "lab/one"}, policy=ik.Policy(concurrency=1, cache=False)
    ).run(progress=False)
    assert sorted(run.table().status) == ["failed", "ok", "ok"]
    run.retry_failed()
    assert run.table().status.tolist() == ["ok"] * 3
    assert script.calls == 4
    assert run.retry_failed().table().status.tolist() == ["ok"] * 3
    assert script.calls == 4


def test_retry_failed_looks_an_unknown_job_up_before_it_buys_again():
    lost = ProviderError("lost", paid=None)
    script = model("lab/one", job("j-1", lost), collected=[lost, lost], price=0.5, resumable=True)
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one"}, policy=ik.Policy(clock="simulated")).run(
        progress=False
    )
    assert run.table().status.tolist() == ["unknown"]
    run.retry_failed()
    assert run.table().status.tolist() == ["ok"]
    assert (script.submits, script.collects) == (1, ["j-1"] * 3)
    assert ledger() == [("settled", 0.5, 0.5)]


def test_retry_failed_buys_again_without_looking_where_it_is_told_to():
    lost = ProviderError("lost", paid=None)
    script = model("lab/one", job("j-1", lost), collected=[lost] * 9, price=0.5, resumable=True)
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one"}, policy=ik.Policy(clock="simulated")).run(
        progress=False
    )
    looked_up = len(script.collects)
    run.retry_failed(buy_again=True)
    assert run.table().status.tolist() == ["ok"]
    assert (script.submits, script.calls, len(script.collects)) == (1, 2, looked_up)
    assert ledger() == [("unknown", 0.5, None), ("settled", 0.5, 0.5)]
    assert run.costs().at_risk_usd.tolist() == [0.5]


def test_asking_again_for_a_picture_whose_job_is_unknown_looks_it_up():
    lost = ProviderError("lost", paid=None)
    script = model("lab/one", job("j-1", lost), collected=[lost, lost], price=0.5, resumable=True)
    policy = ik.Policy(clock="simulated")
    assert one(policy=policy).status == "unknown"
    assert one(policy=policy).status == "ok"
    assert (script.submits, script.collects) == (1, ["j-1"] * 3)
    assert ledger() == [("settled", 0.5, 0.5)]
    assert one(policy=policy).status == "cached"
    assert ik.runs().cost_usd.isna().sum() == 1


def test_what_an_unknown_call_may_have_cost_is_shown():
    model("lab/one", ProviderError("lost", paid=None), price=0.5)
    run = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"}).run(progress=False)
    costs = run.costs().iloc[0]
    assert (costs.unknown_costs, costs.known_cost_usd, costs.at_risk_usd) == (1, 0.5, 0.5)


def test_retry_failed_buys_again_what_cannot_be_looked_up():
    script = model("lab/one", ProviderError("lost", paid=None), price=0.5)
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one"}).run(progress=False)
    run.retry_failed()
    assert run.table().status.tolist() == ["ok"]
    assert (script.calls, ledger()) == (2, [("unknown", 0.5, None), ("settled", 0.5, 0.5)])


@pytest.mark.parametrize(
    ("failure", "status", "cost"),
    [(ProviderError("lost", paid=None), "unknown", None), (b"rubbish", "failed", 0.5)],
    ids=["unknown", "paid"],
)
def test_a_process_that_died_before_it_wrote_a_paid_failure_down_does_not_buy_again(failure, status, cost):
    script = model("lab/one", failure, price=0.5)
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one"}).run(progress=False)
    ik.engine.session.default_engine().store.journal.write([("DELETE FROM results", ())]).result()
    unfinished(run).resume()
    (result,) = run
    assert (result.status, result.cost.usd, script.calls) == (status, cost, 1)


def test_equal_requests_of_a_killed_cell_wait_for_the_one_job_that_is_looked_up():
    script = model("lab/one", job("j-1"), price=0.5, resumable=True)

    async def five(job, prompt):
        return await asyncio.gather(*(job.image(prompt, model="lab/one") for _ in range(5)))

    run = ik.Experiment(five, vary={"prompt": ["a"]}).run(progress=False)
    ik.engine.session.default_engine().store.journal.write(
        [
            ("DELETE FROM results", ()),
            ("DELETE FROM requests WHERE id NOT IN (SELECT request FROM attempts)", ()),
            ("UPDATE attempts SET state = 'submitted', finished_at = NULL", ()),
            ("UPDATE ledger SET state = 'reserved', spent_usd = NULL", ()),
        ]
    ).result()
    ik.engine.session.close_default_engine()  # the next engine has to load the provider first
    unfinished(ik.open_run(run.id))
    again = ik.Experiment(five, vary={"prompt": ["a"]}).run(progress=False)
    assert again.id == run.id
    assert (script.calls, script.collects) == (1, ["j-1"])
    assert sorted(again.table().status) == ["cached"] * 4 + ["ok"]
    assert ledger() == [("settled", 0.5, 0.5)]

"""The same experiment on a cluster: the same table, the same errors, the same Stop, and one ledger for all of it.

The tests that start a cluster are alone: its processes would be late, and others with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.cluster.kits import Packing, refuse_left_out, unpack
from imagegen_kit.engine.cluster.orders import Told, raised, told
from imagegen_kit.engine.cluster.pools import read_pools
from imagegen_kit.engine.cluster.worker import Worker
from imagegen_kit.engine.engine import Engine
from imagegen_kit.errors import (
    ContentBlocked,
    Fault,
    ImagegenError,
    InvalidInput,
    MissingDependency,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
)
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import reset, secrets, settings
from imagegen_kit.store import Store
from tests.engine.models import picture, until
from tests.reliability.ray_driver import of_lab
from tests.reliability.services import PRICE, lab_at_work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.engine.cluster.kits import Kit
    from imagegen_kit.engine.ray_engine import RayEngine
    from tests.reliability.services import Lab

# What two runs of the same experiment never share.
OWN = ["run_id", "created_at", "seconds", "seconds_queue", "seconds_keep", "timings", "path"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayEngine]:
    from tests.engine.nodes import Nodes

    nodes = Nodes(2)
    try:
        with ik.RayEngine(nodes.address, workers=2, store=tmp_path_factory.mktemp("shared") / "store") as engine:
            until(lambda: len(engine.workers()) == 2)
            yield engine
    finally:
        nodes.end()


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with lab_at_work(monkeypatch, latency=0.4) as sim:
        yield sim


def attempts(engine: RayEngine, run: Any) -> Counter[str]:
    sql = "SELECT a.state, COUNT(*) FROM attempts a JOIN requests r ON r.id = a.request WHERE r.run = ? GROUP BY 1"
    return Counter(dict(engine.store.journal.read(sql, (run._number,))))


# ---------------------------------------------------------------------- without a cluster
def test_everything_wrong_with_the_arguments_is_told_before_ray_is_started() -> None:
    with pytest.raises(InvalidInput) as caught:
        ik.RayEngine(" ", workers=0, pools={"offlin": {}, "offline": {"num_gpu": 1, "most": True}}, store=3)  # type: ignore[arg-type]
    assert [fault.where for fault in caught.value.faults] == [
        "address", "workers", "store", "pools.offlin", "pools.offline.num_gpu", "pools.offline.most",
    ]  # fmt: skip
    assert "ray" not in sys.modules or not sys.modules["ray"].is_initialized()


def test_what_could_never_work_is_told_before_ray_is_started(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    pools = {
        "offlin": {"num_gpu": 1}, "offline": {"least": 3, "num_gpus": float("nan")}, "openai": {"most": 0},
    }  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        ik.RayEngine(workers=10_000, store=tmp_path / "file", pools=pools)
    told = {fault.where: str(fault) for fault in caught.value.faults}
    assert list(told) == [
        "workers", "store", "pools.offlin", "pools.offlin.num_gpu", "pools.offline.num_gpus", "pools.offline.least",
        "pools.openai.most",
    ]  # fmt: skip
    assert "more than this machine carries" in told["workers"]
    assert "registered before the engine is made" in told["pools.offlin"]
    assert "ray" not in sys.modules or not sys.modules["ray"].is_initialized()


def test_pools_that_want_more_cpus_than_this_machine_can_have_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"500 CPUs.* are more than this machine carries"):
        ik.RayEngine(pools={"offline": {"num_cpus": 250, "most": 2}})
    assert "ray" not in sys.modules or not sys.modules["ray"].is_initialized()


@pytest.mark.parametrize("given", ["ray", 3, Engine], ids=["a name", "a number", "a class"])
def test_what_is_no_engine_is_refused_wherever_one_is_given(given: Any) -> None:
    exp = ik.Experiment(vary={"prompt": ["a"]})
    for ask in (
        lambda: exp.run(engine=given, progress=False), lambda: exp.plan(engine=given), lambda: exp.start(engine=given),
        lambda: ik.run("image", prompt="a", engine=given), lambda: next(ik.stream("image", prompt="a", engine=given)),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=r"^engine: .* no engine\. Write engine=ik\.RayEngine\(\)"):
            ask()


def test_a_closed_engine_is_refused_in_words(tmp_path: Path) -> None:
    engine = Engine(Store(tmp_path / "store"))
    exp = ik.Experiment(vary={"prompt": ["a", "b"]})
    exp.run(engine=engine, progress=False)
    engine.close()
    for ask in (
        lambda: exp.run(engine=engine, progress=False), lambda: ik.run("image", prompt="a", engine=engine),
        lambda: exp.plan(engine=engine),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=r"engine: it is closed\. Make another one"):
            ask()


def test_a_function_that_cannot_travel_is_named_and_takes_no_other_with_it(own_registry: None) -> None:
    pytest.importorskip("ray")
    lock = threading.Lock()

    def locked(request: Any) -> bytes:
        with lock:
            return picture(1)

    ik.register(locked, model="me/locked")
    ik.register(lambda request: picture(2), model="me/free")
    kit = Packing(b"s" * 16).kit(get_registry().model("me/free", today=date.min).provider)
    refuse_left_out(kit, "me/free")
    with pytest.raises(ProviderError, match=r"me/locked is registered .* cannot be sent .*lock.*locks, open files"):
        refuse_left_out(kit, "me/locked")
    unpack(kit)
    assert "me/free" in {model.id for model in get_registry().models()}


@pytest.mark.parametrize("scheme", ["", "ray://"], ids=["a node", "a client"])
def test_an_address_where_nobody_listens_is_told_at_once(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(ImagegenError, match=rf"no Ray cluster answers at '{address}'.*ray start --head"):
        ik.RayEngine(address)


def test_a_pool_holds_as_many_calls_as_its_models_take_at_once() -> None:
    faults: list[Fault] = []
    pool, at_once = read_pools({"offline": {"least": 1, "most": 3, "num_gpus": 0.5}}, get_registry(), faults)["offline"]
    assert faults == []
    assert pool.size(at_once).slots == at_once > 0
    assert (pool.size(at_once).least, pool.size(at_once).most) == (1, 3)


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("slower", retry_after=3.0, status=429, model="lab/one"),
        ContentBlocked("no", paid=True),
        OutcomeUnknown("who knows"),
        MissingDependency("films", "av", "pip install av"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_it_was_raised(error: ImagegenError) -> None:
    back = raised(told(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    for name in ("retryable", "paid", "retry_after", "status", "model"):
        assert getattr(back, name, None) == getattr(error, name, None)


def test_an_error_of_a_plugin_arrives_as_the_nearest_one_that_is_known() -> None:
    class Odd(RateLimited):
        def __init__(self, code: int) -> None:
            super().__init__(f"code {code}", retry_after=1.0)

    assert told(Odd(7)) == Told("RateLimited", "code 7", told(Odd(7)).more)
    assert raised(told(Odd(7))).retry_after == 1.0  # type: ignore[attr-defined]


def test_no_key_leaves_in_the_words_of_an_error() -> None:
    key = "not-a-real-key-" + os.urandom(8).hex()
    ik.configure(keys={"LAB_KEY": key})
    assert secrets("LAB_KEY")
    assert key not in told(ProviderError(f"401: {key} is not known")).message


def test_a_kit_brings_settings_keys_and_registered_code_and_shows_none_of_it(own_registry: None) -> None:
    def draw(request: Any) -> bytes:
        return picture(7)

    undo = ik.register(draw, model="me/seven")
    key = "not-a-real-key-" + os.urandom(8).hex()
    ik.configure(keys={"OPENAI_API_KEY": key}, model="me/seven")
    packing = Packing(b"s" * 16)

    def kit(model: str) -> Kit:
        return packing.kit(get_registry().model(model, today=date.min).provider)

    kits = [kit("me/seven"), kit("openai/gpt-image-2")]
    assert kit("me/seven") is kits[0], "nothing has changed"
    assert key not in repr(kits)
    undo()
    reset()
    for one in kits:
        unpack(one)
    assert "me/seven" in {model.id for model in get_registry().models()}
    assert settings().model == "me/seven"
    assert [k.get_secret_value() for k in secrets("OPENAI_API_KEY")] == [key]


def test_a_node_that_does_not_see_the_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"does not see the store's folder.*folder that all nodes share"):
        asyncio.run(Worker(str(tmp_path), ".absent").about())


# ---------------------------------------------------------------------- on a cluster
@pytest.mark.alone
def test_the_table_is_that_of_one_process_and_the_pictures_lie_in_the_shared_store(engine: RayEngine) -> None:
    exp = ik.Experiment(
        vary={"prompt": ["a fox", "a crane"], "model": ["offline/poster", "offline/collage"]},
        fixed={"size": (96, 96), "style": "film-noir"}, repeats=2, name="both ways",
    )  # fmt: skip
    there, here = exp.run(engine=engine, progress=False), exp.run(progress=False)
    tables = [run.table().drop(columns=OWN, errors="ignore") for run in (there, here)]
    assert list(tables[0].columns) == list(tables[1].columns)
    assert tables[0].equals(tables[1])
    assert all(Path(r.artifacts[0].path).is_relative_to(engine.store.path) for r in there)  # type: ignore[arg-type]
    assert all(picture.image.size == (96, 96) for r in there for picture in r.artifacts)


@pytest.mark.alone
def test_a_model_of_a_cell_and_its_failures_are_the_same_in_another_process(
    engine: RayEngine, own_registry: None
) -> None:
    here, png = os.getpid(), picture(5)

    @ik.register(model="me/picky", seed=True)
    def picky(request: Any) -> bytes:
        if request.seed == 1:
            raise ContentBlocked("the house does not draw ones")
        if request.seed == 2:
            raise KeyError("two")
        assert os.getpid() != here, "it was called in the session's own process"
        return png

    answers = [
        [ik.run(ik.recipes.image, prompt="a cup", model="me/picky", seed=seed, engine=place).results[0]
         for seed in (1, 2)]
        for place in (engine, None)
    ]  # fmt: skip
    told_of = [[(r.status, r.error_type, r.error, r.cost.usd) for r in results] for results in answers]
    assert told_of[0] == told_of[1]
    assert ik.run(ik.recipes.image, prompt="a cup", model="me/picky", seed=3, engine=engine).results[0].ok


@pytest.mark.alone
def test_the_budget_is_never_exceeded_and_the_service_is_the_judge(engine: RayEngine, lab: Lab) -> None:
    run = of_lab(12, budget_usd=5 * PRICE, policy=ik.Policy(concurrency=12)).run(engine=engine, progress=False)
    assert len(lab.ledger.accepted) == 5
    table = run.table()
    assert table["cost_usd"].sum() == pytest.approx(5 * PRICE)
    assert set(table.loc[table["status"] != "ok", "error"].str.contains("budget")) == {True}


@pytest.mark.alone
def test_a_worker_that_is_killed_loses_nothing_and_nothing_is_bought_twice(engine: RayEngine, lab: Lab) -> None:
    exp = of_lab(24, name="killed", policy=ik.Policy(concurrency=6, attempts=4))
    run = exp.start(engine=engine)
    until(lambda: len(lab.submits) >= 8)
    _, victim = engine.workers()[0]
    os.kill(victim, signal.SIGKILL)
    run.wait()
    until(lambda: len(engine.workers()) == 2)
    assert victim not in {pid for _, pid in engine.workers()}
    lost = int((run.table()["status"] != "ok").sum())
    held = sum(lab.accepted_by_prompt.values())
    assert max(lab.accepted_by_prompt.values()) == 1, "a job was submitted twice"
    assert lost <= 3, "no more than what the worker held between sending and hearing the job's name"
    assert run.table()["cost_usd"].sum() == pytest.approx((24 - lost) * PRICE)
    assert held >= 24 - lost
    assert attempts(engine, run)["stored"] == 24 - lost


@pytest.mark.alone
def test_a_second_engine_in_a_session_is_told_at_once_that_there_is_no_room(engine: RayEngine) -> None:
    begun = time.monotonic()
    with pytest.raises(ImagegenError, match=r"all CPUs .* are held, by another engine .* close it first"):
        ik.RayEngine(workers=1)
    with pytest.raises(ImagegenError, match=r"is connected with the Ray cluster at .* cannot be with '127\.0\.0\.1:1'"):
        ik.RayEngine("127.0.0.1:1", workers=1)
    assert time.monotonic() - begun < 10


@pytest.mark.alone
def test_stop_is_done_within_two_seconds_and_resume_goes_on(engine: RayEngine, lab: Lab) -> None:
    run = of_lab(30, name="stopped", policy=ik.Policy(concurrency=5)).start(engine=engine)
    until(lambda: len(lab.submits) >= 5)
    pressed = time.monotonic()
    run.stop()
    assert time.monotonic() - pressed < 2.0
    assert not run.running
    assert run.done < 30
    run.resume()
    assert run.done == 30
    assert set(lab.accepted_by_prompt.values()) == {1}
    assert len(lab.accepted_by_prompt) == 30


@pytest.mark.alone
def test_the_service_hands_out_what_workers_have_made(engine: RayEngine, lab: Lab) -> None:
    from tests.serve.served import LAB, events, service

    with service(engine=engine) as (client, _):
        with client.stream("POST", "/generate-stream", json={**LAB, "n": 3}) as response:
            told = list(events(response))
        assert [name for name, _ in told] == ["started", *["picture"] * 3, "finished"]
        made = told[-1][1]["pictures"]
        assert {ik.Picture.from_bytes(client.get(one["path"]).content).sha256 for one in made} == {
            one["sha256"] for one in made
        }
    assert dict(lab.accepted_by_prompt) == {LAB["prompt"]: 3}
    assert engine.workers(), "the engine is its owner's, and goes on"


@pytest.mark.alone
def test_a_recipe_that_cuts_and_measures_gives_what_it_gives_in_one_process(engine: RayEngine) -> None:
    persona = {"firstname": "Mira", "lastname": "Holm", "gender": "woman", "id": "mira"}
    given: dict[str, Any] = {"persona": persona, "model": "offline/collage", "size": 128, "seed": 3}
    there, here = (ik.run(ik.recipes.avatars, **given, engine=place) for place in (engine, None))
    assert [picture.sha256 for picture in there.pictures] == [picture.sha256 for picture in here.pictures]
    assert len(there.pictures) == 4
    assert all(Path(grid.artifacts[0].path).is_relative_to(engine.store.path) for grid in there.grids.results)


OWN_CLUSTER = """
import sys, time
import imagegen_kit as ik
assert "ray" not in sys.modules
with ik.RayEngine(workers=1, store=sys.argv[1]) as engine:
    answer = ik.run("image", prompt="a fox", model="offline/poster", size=(64, 64), engine=engine)
    print(answer.results[0].status, len(engine.workers()), flush=True)
print(repr(engine), flush=True)
"""


STOPPED = """
import sys, time
import imagegen_kit as ik
from PIL import Image

@ik.register(model="me/slow", version="1")
def slow(request):
    time.sleep(0.5)
    return Image.new("RGB", (8, 8), (len(request.prompt), 0, 0))

with ik.RayEngine(workers=1, store=sys.argv[1]) as engine:
    print("open", flush=True)
    prompts = ["a" * number for number in range(1, 41)]
    ik.Experiment(vary={"prompt": prompts}, fixed={"model": "me/slow"}).run(engine=engine, progress=False)
"""
GONE = """
import sys
import ray
import imagegen_kit as ik
engine = ik.RayEngine(workers=1, store=sys.argv[1])
ray.shutdown()
answer = ik.run("image", prompt="a fox", model="offline/poster", engine=engine).results[0]
print(answer.status, answer.error, flush=True)
engine.close()
print(ray.is_initialized(), flush=True)
"""


def started(code: str, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a session with a cluster of its own; return it, and the first line that it says."""
    for _ in range(3):  # a busy machine may not start Ray's processes in the time that Ray gives them
        session = subprocess.Popen(
            [sys.executable, "-c", code, str(folder / "store")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "MARK_OF_THIS_TEST": folder.name},
        )  # fmt: skip
        assert session.stdout is not None
        if line := session.stdout.readline():
            return session, line
        _, words = session.communicate()
        assert "no Ray cluster could be started" in words, words
    pytest.fail(words)


@pytest.mark.alone
def test_a_cluster_of_its_own_ends_with_the_engine_and_leaves_no_process(tmp_path: Path) -> None:
    session, line = started(OWN_CLUSTER, tmp_path)
    said, words = session.communicate()
    assert [line, *said.splitlines()] == ["ok 1\n", "RayEngine(closed)"], words
    until(lambda: not marked(tmp_path.name), 10.0)


@pytest.mark.alone
def test_sigterm_in_the_middle_ends_a_session_as_any_other_end_does(tmp_path: Path) -> None:
    session, _ = started(STOPPED, tmp_path)
    until(lambda: sent(tmp_path)[0] > 0, 30.0)
    session.send_signal(signal.SIGTERM)
    _, words = session.communicate(timeout=60)
    assert session.returncode == signal.SIGTERM, words
    assert "SIGTERM received" not in words
    until(lambda: not marked(tmp_path.name), 10.0)
    made, still_open = sent(tmp_path)
    assert (0 < made < 40, still_open) == (True, 0), "what was sent is finished, and nothing more is sent"


@pytest.mark.alone
def test_an_engine_whose_cluster_is_gone_says_so_and_starts_no_other(tmp_path: Path) -> None:
    session, line = started(GONE, tmp_path)
    said, words = session.communicate()
    assert line.startswith("failed offline/poster: the Ray cluster of this engine is gone"), words
    assert said == "False\n"
    until(lambda: not marked(tmp_path.name), 10.0)


def sent(folder: Path) -> tuple[int, int]:
    """Return how many calls the store's journal knows, and how many of them have not ended."""
    place = f"file:{folder / 'store' / 'journal.sqlite'}?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True)) as journal:
        ((calls, still_open),) = journal.execute("SELECT COUNT(*), SUM(finished_at IS NULL) FROM attempts").fetchall()
    return int(calls), int(still_open or 0)


def marked(name: str) -> list[int]:
    """Return the processes that were started with the mark ``name`` in their environment, by whomever."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK_OF_THIS_TEST={name}".encode() in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:  # it has ended, or is not ours
            continue
    return found

"""Promise 8: a copy in object storage is whole or absent, is retried, and no failure of it costs a picture.

Real servers, real kills: rclone keeps files on disk and can be killed and started again; moto knows S3's own ways.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import urllib.request
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.store import Store, resume_uploads
from imagegen_kit.store.remote import Remote
from imagegen_kit.store.uploads import Uploads
from imagegen_kit.tables.uploads import upload_table
from tests.store.object_servers import ACCESS, BUCKET, SECRET, make_bucket, moto, opened, proxy_before, rclone
from tests.store.sending import URL, plan, sender, set_keys, states, until

LARGE = 20 * 2**20


@pytest.fixture(scope="module")
def one_moto():
    server = moto().start()
    yield server
    server.kill()


@pytest.fixture(params=["rclone", "moto"])
def server(request, tmp_path):
    if request.param == "moto":
        server = request.getfixturevalue("one_moto")
        urllib.request.urlopen(f"{server.endpoint}/moto-api/reset", data=b"").close()
        make_bucket(server)
        yield server
    else:
        server = rclone(tmp_path / "server").start()
        yield server
        server.kill()


@pytest.fixture
def proxy(server, monkeypatch):
    with proxy_before(server) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        yield proxy


def held(proxy, words, after):
    """Let ``after`` requests that put ``words`` pass and hold all later ones until the returned event is set."""
    release, passed = threading.Event(), []

    def fault(method, path):
        if method == "PUT" and words in path:
            passed.append(path)
            if len(passed) > after:
                release.wait(30)

    proxy.fault = fault
    return release


def test_a_killed_sender_loses_nothing_and_what_arrived_is_not_sent_again(tmp_path, proxy):
    store = Store(tmp_path / "store")
    wanted = plan(store, 16)
    release = held(proxy, "", after=6)
    child = sender(tmp_path / "store")
    until(lambda: states(store).count("done") >= 6 and len(proxy.sent("PUT")) >= 7)
    child.send_signal(signal.SIGKILL)
    child.wait()
    arrived = {name for (name,) in store.journal.read("SELECT name FROM uploads WHERE state = 'done'")}
    before = {name: len(proxy.sent("PUT", name)) for name in arrived}
    assert states(store).count("running") >= 1
    release.set()
    proxy.fault = lambda method, path: None
    store.connect(URL)
    resume_uploads(store)
    until(lambda: states(store) == ["done"] * 16)
    remote = store.uploads.remote
    assert {name: remote.get(name) for name in remote.list()} == wanted
    assert {name: len(proxy.sent("PUT", name)) for name in arrived} == before
    assert resume_uploads(store) == 0
    store.close()


def test_a_sender_that_is_killed_between_two_parts_leaves_no_object(tmp_path, proxy):
    store = Store(tmp_path / "store")
    wanted = plan(store, 1, size=LARGE)
    release = held(proxy, "partNumber=", after=1)
    child = sender(tmp_path / "store")
    until(lambda: len(proxy.sent("PUT", "partNumber=")) == 3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    remote = Remote(URL)
    assert remote.list() == []
    release.set()
    proxy.fault = lambda method, path: None
    store.connect(URL)
    resume_uploads(store)
    until(lambda: states(store) == ["done"])
    assert {name: remote.get(name) for name in remote.list()} == wanted
    store.close()


def survives(tmp_path, monkeypatch, kills, seed):
    """Kill a server of files again and again while pictures are sent to it; return how many it had acknowledged."""
    server = rclone(tmp_path / "server").start()
    set_keys(monkeypatch, server.endpoint)
    store = Store(tmp_path / "store")
    remote, wanted, chance = Remote(URL), {}, random.Random(seed)
    uploads = Uploads(store.journal, store.blobs, remote, attempts=100, wait=lambda seconds: time.sleep(0.02))
    for kill in range(kills):
        wanted |= plan(store, 40, size=60_000, first=1000 * kill)
        wanted |= plan(store, 1, size=LARGE // 2, first=1000 * kill + 999)
        sending = threading.Thread(target=uploads.drain)
        sending.start()
        before = states(store).count("done")
        until(lambda before=before: states(store).count("done") > before)
        time.sleep(chance.uniform(0, 0.15))
        server.kill()
        told = store.journal.read("SELECT name FROM uploads WHERE state = 'done'")
        server.start()
        for (name,) in told:
            assert remote.get(name) == wanted[name], f"{name} was acknowledged, then lost"
        sending.join(60)
        assert not sending.is_alive()
    assert set(states(store)) == {"done"}
    found = remote.list()
    assert set(found) == set(wanted)  # and nothing else: no stumps
    assert all(remote.get(name) == wanted[name] for name in found)
    assert all(path.name in {n.rpartition("/")[2] for n in wanted} for path in (tmp_path / "server").rglob("*.png*"))
    store.close()
    server.kill()
    return len(found)


def test_a_server_killed_in_mid_write_loses_nothing_that_was_acknowledged(tmp_path, monkeypatch):
    assert survives(tmp_path, monkeypatch, kills=3, seed=1) == 3 * 41


@pytest.mark.soak
def test_twenty_kills_of_the_server_lose_nothing_that_was_acknowledged(tmp_path, monkeypatch):
    assert survives(tmp_path, monkeypatch, kills=20, seed=2) == 20 * 41


@pytest.mark.soak
def test_twenty_kills_of_the_sender_lose_nothing_and_end_with_every_object_whole(tmp_path, monkeypatch):
    server = rclone(tmp_path / "server").start()
    set_keys(monkeypatch, server.endpoint)
    store = Store(tmp_path / "store")
    wanted, chance = {}, random.Random(3)
    for kill in range(20):
        wanted |= plan(store, 60, size=60_000, first=1000 * kill)
        child = sender(tmp_path / "store")
        before = states(store).count("done")
        until(lambda before=before: states(store).count("done") > before)
        time.sleep(chance.uniform(0, 0.2))
        child.kill()
        child.wait()
    store.connect(URL)
    resume_uploads(store)
    until(lambda: set(states(store)) == {"done"})
    remote = store.uploads.remote
    assert {name: remote.get(name) for name in remote.list()} == wanted
    store.close()
    server.kill()


def test_what_a_model_makes_is_copied_and_references_are_not(tmp_path, proxy):
    reference = ik.generate("a grey cat", model="offline/collage", size=64, seed=1).picture.bytes
    close_default_engine()
    ik.configure(remote=URL)
    made = ik.generate("a red kite", model="offline/collage", size=64, seed=7, references=[reference]).picture
    store = default_engine().store
    until(lambda: states(store) == ["done"])
    remote = store.uploads.remote
    assert remote.list() == [f"pictures/{made.sha256[:2]}/{made.sha256}.png"]
    assert remote.get(remote.list()[0]) == made.bytes
    assert opened(remote.url(remote.list()[0])) in (400, 403)  # private


def test_a_storage_that_is_away_fails_no_picture_and_is_sent_to_later(tmp_path, monkeypatch, proxy):
    monkeypatch.setenv("S3_ENDPOINT", "http://127.0.0.1:9")
    ik.configure(remote=URL)
    result = ik.generate("a red kite", model="offline/collage", size=64, seed=7)
    assert result.status == "ok"
    close_default_engine()
    frame = upload_table()
    assert set(frame.state) <= {"failed", "planned"}
    assert result.picture.bytes
    close_default_engine()
    monkeypatch.setenv("S3_ENDPOINT", proxy.endpoint)
    store = default_engine().store  # the next start
    until(lambda: states(store) == ["done"])
    assert store.uploads.remote.get(frame.index[0]) == result.picture.bytes


async def album(job, prefix, n):
    answer = await job.images("a red kite", model="offline/collage", size=64, n=n)
    return await job.upload(answer, prefix)


def test_two_slow_downs_are_waited_out(proxy):
    refused = []
    proxy.fault = lambda m, p: (
        503 if m == "PUT" and "/img/" in p and len(refused) < 2 and not refused.append(p) else None
    )
    ik.configure(remote=URL)
    urls = ik.run(album, prefix="avatars/7/img", n=1, policy=ik.Policy(clock="simulated"))
    assert urls == [f"{proxy.endpoint}/{BUCKET}/pictures-of-tests/avatars/7/img/1.png"]
    assert len(refused) == 2
    assert upload_table().loc["avatars/7/img/1.png"].attempts == 3


def test_a_batch_comes_back_in_order_whatever_arrives_first(proxy):
    started = []

    def fault(method, path):
        if method == "PUT" and "/img/" in path:
            started.append(path)
            time.sleep(0.5 if "img/1.png" in path else 0.05 * (6 - len(started)))

    proxy.fault = fault
    ik.configure(remote=URL)
    urls = ik.run(album, prefix="avatars/7/img", n=6)
    assert [url.rsplit("/", 1)[1] for url in urls] == [f"{n}.png" for n in range(1, 7)]
    remote = Remote(URL)
    table = ik.open_run("latest").table()
    expected = [Path(path).read_bytes() for path in table.path]
    assert [remote.get(f"avatars/7/img/{n}.png") for n in range(1, 7)] == expected


def test_keys_are_written_nowhere(tmp_path, monkeypatch, proxy, caplog):
    caplog.set_level("DEBUG")
    hidden = "-".join(["wrong", SECRET, "canary"])
    settings.configure(keys={"S3_SECRET_KEY": hidden}, remote=URL)
    shown = repr(settings.configure())
    proxy.fault = lambda method, path: 403 if method == "PUT" else None
    ik.generate("a red kite", model="offline/collage", size=64, seed=7)
    with pytest.raises(ik.errors.StoreError, match="S3_SECRET_KEY") as caught:
        ik.run(album, prefix="avatars/7/img", n=1)
    close_default_engine()
    kept = [shown, caplog.text, f"{caught.value!r} {caught.value.__cause__!r} {vars(caught.value)}"]
    kept += [p.read_bytes().decode("latin-1") for p in (tmp_path / "imagegen-store").rglob("*") if p.is_file()]
    assert len(kept) > 5
    for key in (hidden, SECRET, ACCESS, hidden[: len(hidden) // 2]):
        assert [text[:200] for text in kept if key in text] == []
    assert "S3_SECRET_KEY" in shown
    assert os.environ["S3_SECRET_KEY"] == SECRET  # it was set, and would have been found

"""Copies in the background: rows that move by one table, one sender at a time, and no failure that loses a picture."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imagegen_kit.errors import StoreError
from imagegen_kit.store import Store, resume_uploads
from imagegen_kit.store.remote import Remote
from imagegen_kit.store.upload_rows import LEFT, ask
from imagegen_kit.store.uploads import Uploads
from imagegen_kit.tables.uploads import upload_table
from tests.store.object_servers import proxy_before, rclone
from tests.store.sending import ROOT, plan, set_keys, states, until


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def place(tmp_path):
    return f"file://{tmp_path}/objects"


@pytest.fixture
def proxy(tmp_path, monkeypatch):
    server = rclone(tmp_path / "server").start()
    with proxy_before(server) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        yield proxy
    server.kill()


def waiting(waits):
    """Wait no time at all, and write down how long it would have been."""
    return lambda seconds: waits.append(seconds)


def test_planned_copies_arrive_in_the_background(store, place):
    wanted = plan(store, 20, url=place)
    store.connect(place)
    until(lambda: states(store) == ["done"] * 20)
    remote = store.uploads.remote
    assert {name: remote.get(name) for name in remote.list()} == wanted


def test_without_a_storage_nothing_is_planned_and_obstore_is_not_loaded(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom imagegen_kit.store import Store, resume_uploads\n"
        f"store = Store(Path({str(tmp_path / 's')!r}))\nstore.connect(None)\n"
        "assert resume_uploads(store) == 0 and store.planned_upload(None, '') == []\n"
        "store.close()\nassert 'obstore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ROOT)})


def test_sending_twice_sends_once(store, proxy):
    plan(store, 5)
    store.connect("s3://bucket/pictures-of-tests")
    until(lambda: states(store) == ["done"] * 5)
    count = len(proxy.sent("PUT"))
    assert resume_uploads(store) == 0
    assert len(proxy.sent("PUT")) == count


def test_what_is_there_already_with_the_same_bytes_is_not_sent_again(store, proxy):
    remote = Remote("s3://bucket/pictures-of-tests")
    wanted = plan(store, 3)
    for name, data in list(wanted.items())[:2]:
        remote.put(name, data)
    remote.put(list(wanted)[1], b"something else")
    before = len(proxy.sent("PUT"))
    assert Uploads(store.journal, store.blobs, remote).drain() == 3
    assert len(proxy.sent("PUT")) - before == 2
    assert remote.get(list(wanted)[1]) == list(wanted.values())[1]


def test_a_busy_storage_is_tried_again_with_growing_waits(store, proxy):
    refused = []
    proxy.fault = lambda m, p: 503 if m == "PUT" and len(refused) < 2 and not refused.append(p) else None
    plan(store, 1)
    waits = []
    uploads = Uploads(
        store.journal, store.blobs, Remote("s3://bucket/pictures-of-tests"), wait=waiting(waits), jitter=lambda: 1.0
    )
    assert uploads.drain() == 1
    assert waits == [1.0, 2.0]
    frame = upload_table(store=store)
    assert (frame.state.tolist(), frame.attempts.tolist()) == (["done"], [3])
    assert frame.error.isna().all()


def test_a_storage_that_stays_away_fails_one_row_leaves_the_others_and_warns_once(store, monkeypatch, caplog):
    set_keys(monkeypatch, "http://127.0.0.1:9")
    wanted = plan(store, 30)
    waits = []
    uploads = Uploads(store.journal, store.blobs, Remote("s3://bucket/pictures-of-tests"), wait=waiting(waits))
    with caplog.at_level(logging.WARNING):
        assert uploads.drain() == 0
        assert uploads.drain() == 0
    assert len(caplog.records) == 1
    assert "`imagegen uploads`" in caplog.text
    assert set(states(store)) == {"planned", "failed"}
    assert states(store).count("failed") <= 8  # four at once, twice
    frame = upload_table("failed", store=store)
    assert frame.error.str.contains("could not be reached").all()
    for sha in (name.split("/")[-1].removesuffix(".png") for name in wanted):
        store.blobs.read(sha, "png")  # every picture is still here, and whole


def test_one_damaged_file_does_not_hold_the_others_up(store, place):
    wanted = plan(store, 6, url=place)
    sha = list(wanted)[2].split("/")[-1].removesuffix(".png")
    store.blobs.path(sha, "png").write_bytes(b"rotten")
    store.connect(place)
    until(lambda: sorted(states(store)) == ["done"] * 5 + ["failed"])
    assert len(store.uploads.remote.list()) == 5
    (error,) = upload_table("failed", store=store).error
    assert "no longer has the bytes" in error


def test_a_name_that_was_given_to_another_picture_keeps_the_newer_one(store, place):
    """What failed first must not replace, later, what was sent to the same name in between."""
    old, new = list(plan(store, 2, url="memory://elsewhere").values())
    shas = [sha for (sha,) in store.journal.read("SELECT sha256 FROM uploads ORDER BY id")]
    remote = Remote(place)
    uploads = Uploads(store.journal, store.blobs, remote)
    (first,) = store.journal.transact(lambda c: ask(c, remote.target, [(shas[0], "png", "img/1.png")])).result()
    uploads.begin(first)
    uploads.fail(first, StoreError("the storage was away"))
    (second,) = store.journal.transact(lambda c: ask(c, remote.target, [(shas[1], "png", "img/1.png")])).result()
    uploads.begin(second)
    uploads.send_once(second, new)
    assert uploads.drain() == 0
    assert remote.get("img/1.png") == new
    store.journal.transact(lambda c: ask(c, remote.target, [(shas[0], "png", "img/1.png")])).result()
    assert uploads.drain() == 1  # asked for anew, it is the newer wish
    assert remote.get("img/1.png") == old


def test_what_another_process_left_running_is_sent(store, place):
    plan(store, 1, url=place)
    store.journal.write([("UPDATE uploads SET state = 'running'", ())]).result()
    waits = []
    assert Uploads(store.journal, store.blobs, Remote(place), wait=waiting(waits)).drain() == 1
    assert states(store) == ["done"]
    assert "ended" in LEFT


def test_two_stores_in_one_folder_send_everything_once(tmp_path, proxy):
    first, second = Store(tmp_path / "store"), Store(tmp_path / "store")
    plan(first, 40)
    for store in (first, second):
        store.connect("s3://bucket/pictures-of-tests")
    until(lambda: states(first) == ["done"] * 40)
    first.close()
    second.close()
    reader = Store(tmp_path / "store")
    assert len(proxy.sent("PUT")) == upload_table(store=reader).attempts.sum()  # a busy server may want one twice
    reader.close()


def test_closing_does_not_wait_for_a_storage_that_hangs(store, proxy):
    hold = threading.Event()
    proxy.fault = lambda m, p: hold.wait(20) and None if m == "PUT" else None
    plan(store, 3)
    store.connect("s3://bucket/pictures-of-tests")
    until(lambda: len(proxy.sent("PUT")) == 3)
    store.uploads.close(patience_s=0.2)
    assert states(store) == ["running"] * 3  # the next start sends them
    hold.set()
    until(lambda: states(store) == ["done"] * 3)


def test_closing_finishes_what_goes_well(tmp_path, place):
    store = Store(tmp_path / "store")
    plan(store, 50, url=place)
    store.connect(place)
    store.close()
    assert len(Remote(place).list()) == 50


def test_another_storage_leaves_the_rows_of_the_first_alone(store, place, tmp_path):
    plan(store, 2, url="file:///nowhere/in/particular")
    store.connect(place)
    plan(store, 2, url=place, first=2)
    store.uploads.wake()
    until(lambda: states(store) == ["planned", "planned", "done", "done"])
    store.connect(None)
    assert store.uploads is None
    assert store.blobs.other_copy is None


def test_the_other_copy_of_a_picture_can_be_fetched_and_is_checked(store, place):
    name, data = next(iter(plan(store, 1, url=place).items()))
    sha = name.split("/")[-1].removesuffix(".png")
    store.connect(place)
    until(lambda: states(store) == ["done"])
    assert store.blobs.other_copy(sha, "png") == data
    Path(place.removeprefix("file://"), name).write_bytes(b"rotten too")
    assert store.blobs.other_copy(sha, "png") is None
    assert store.blobs.other_copy("0" * 64, "png") is None


def test_an_unreachable_other_copy_is_none(store, monkeypatch):
    set_keys(monkeypatch, "http://127.0.0.1:9")
    store.connect("s3://bucket/x")
    assert store.blobs.other_copy("0" * 64, "png") is None


def test_the_table_of_an_empty_store_has_its_columns(store):
    frame = upload_table(store=store)
    assert len(frame) == 0
    assert frame.dtypes.astype(str).to_dict() == {
        "state": "str", "target": "str", "sha256": "str", "format": "str", "attempts": "Int64", "error": "str",
        "started_at": "datetime64[ms, UTC]", "finished_at": "datetime64[ms, UTC]",
    }  # fmt: skip

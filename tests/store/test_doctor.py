"""The doctor finds whatever is wrong with a store, changes nothing unasked, and mends what costs no money."""

from __future__ import annotations

import hashlib
import json
import os
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.imaging import provenance
from imagegen_kit.store import Store
from imagegen_kit.store.doctor import examine

LONG_AGO = time.time() - 3600


def png(colour: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (32, 32), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def store():
    """A store with the pictures of a small experiment and of a call with a reference."""
    ik.Experiment(vary={"prompt": ["a kite", "a boat"]}, fixed={"size": "64x64"}, name="two").run(progress=False)
    Path("given.png").write_bytes(png("red"))
    ik.generate("a cup like this", model="offline/collage", size=64, references="given.png")
    store = default_engine().store
    store.journal.flush().result()
    for path in store.path.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return store


def pictures(store: Store) -> list[Path]:
    """The files of generated pictures, the same order every time."""
    rows = store.journal.read("SELECT sha256, format FROM artifacts ORDER BY sha256")
    return [store.blobs.path(*row) for row in rows]


def everything(store: Store) -> dict[str, bytes]:
    """All files but the journal's own, and all rows of the journal."""
    files = {str(p): p.read_bytes() for p in store.path.rglob("*") if p.is_file() and "journal" not in p.name}
    tables = [name for (name,) in store.journal.read("SELECT name FROM sqlite_master WHERE type = 'table'")]
    store.journal.flush().result()
    return {**files, **{t: repr(store.journal.read(f"SELECT * FROM {t}")).encode() for t in tables}}


def kinds(frame) -> list[tuple[str, bool]]:
    return sorted(zip(frame["kind"], frame["mended"], strict=True))


def put_orphan(store: Store, data: bytes, format: str = "png") -> Path:
    path = store.blobs.put(data, hashlib.sha256(data).hexdigest(), format)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_a_sound_store_has_no_findings_and_given_pictures_need_no_row(store):
    files = {p.stem for p in (store.path / "pictures").rglob("*.png")}
    assert len(files - {p.stem for p in pictures(store)}) == 1
    assert len(store.doctor()) == 0
    assert len(store.doctor(repair=True)) == 0


def spoil_everything(store: Store) -> None:
    damaged, gone, bare = pictures(store)
    data = bytearray(damaged.read_bytes())
    data[-20] ^= 1
    damaged.write_bytes(data)
    gone.unlink()
    store.blobs.thumbnail_path(bare.stem).unlink()
    put_orphan(store, png("blue"))
    rotten = put_orphan(store, png("green"))
    rotten.write_bytes(b"no longer")
    stray = store.path / "pictures" / "ab" / ".writing-0123"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"half")
    (store.path / "removed").mkdir()
    (store.path / "removed" / f"{'0' * 64}.png").write_bytes(b"left")
    for path in (rotten, stray, store.path / "removed"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    lease = ("INSERT INTO leases VALUES ('session dead', 'dead', 1.0)", ())
    store.journal.write([lease]).result()


FOUND = [
    "clean-up left", "damaged file", "damaged picture", "dead lease", "half-written file", "missing picture",
    "missing thumbnail", "orphan",
]  # fmt: skip


def test_whatever_is_wrong_is_found_and_nothing_is_changed_unasked(store):
    spoil_everything(store)
    before = everything(store)
    frame = store.doctor()
    assert kinds(frame) == [(kind, False) for kind in FOUND]
    assert everything(store) == before


def test_repair_mends_all_but_what_is_lost_and_the_second_time_there_is_nothing_more_to_mend(store):
    spoil_everything(store)
    frame = store.doctor(repair=True)
    lost = ["damaged picture", "missing picture"]
    assert kinds(frame) == [(kind, kind not in lost) for kind in FOUND]
    assert kinds(store.doctor(repair=True)) == [("missing picture", False)] * 2
    assert len(list((store.path / "quarantine").iterdir())) == 2
    assert not list((store.path / "pictures").rglob(".writing-*"))


def test_what_is_lost_comes_back_from_the_other_copy(store):
    copies = {p.stem: p.read_bytes() for p in pictures(store)}
    spoil_everything(store)
    store.blobs.other_copy = lambda sha256, format: copies.get(sha256)
    assert all(store.doctor(repair=True)["mended"])
    assert copies.items() <= {p.stem: p.read_bytes() for p in pictures(store)}.items()
    assert len(store.doctor()) == 0
    assert store.journal.read("SELECT DISTINCT removed_at, damaged_at FROM artifacts") == [(None, None)]


def test_giving_up_lets_equal_requests_be_bought_again(store):
    ask = {"prompt": "a jug", "model": "offline/collage", "size": 64}
    picture = ik.generate(**ask).picture
    store.journal.write([("UPDATE results SET price_usd = 0.04", ())]).result()  # as if it had cost money
    Path(picture.path).unlink()
    default_engine().remembered._rows.clear()
    assert ik.run(ik.recipes.image, **ask).status == "failed"
    assert kinds(store.doctor(give_up=True)) == [("missing picture", True)]
    assert len(store.doctor()) == 0
    assert ik.generate(**ask).status == "ok"


def test_quick_finds_another_size_and_not_another_byte(store):
    one, other, _ = pictures(store)
    one.write_bytes(one.read_bytes()[:-1])
    data = bytearray(other.read_bytes())
    data[30] ^= 1
    other.write_bytes(data)
    assert list(store.doctor(quick=True)["subject"]) == [one.stem]
    assert sorted(store.doctor()["subject"]) == sorted([one.stem, other.stem])


def test_every_changed_byte_is_found(store):
    (path, *_), data = pictures(store), pictures(store)[0].read_bytes()
    for place in range(0, len(data), max(1, len(data) // 60)):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert list(store.doctor()["kind"]) == ["damaged picture"]
    path.write_bytes(data)


def test_an_orphan_gets_a_row_with_what_it_tells_of_itself_and_no_request_is_answered_from_it(store):
    record = {"created_at": "2026-02-03T04:05:06+00:00", "key": "k" * 64, "parents": ["a" * 64], "prompt": "a boat"}
    data = provenance.embed(png("white"), record)
    path = put_orphan(store, data)
    assert list(store.doctor()["kind"]) == ["orphan"]
    assert list(store.doctor(repair=True)["fix"]) == ["it has a row now"]
    sql = "SELECT kind, format, width, height, size_bytes, parents, created_at FROM artifacts WHERE sha256 = ?"
    assert store.journal.read(sql, (path.stem,)) == [
        ("picture", "png", 32, 32, len(data), json.dumps(["a" * 64]), "2026-02-03T04:05:06.000+00:00")
    ]
    ((claims,),) = store.journal.read("SELECT detail FROM events WHERE name = 'adopted'")
    assert json.loads(claims) == {"sha256": path.stem, "claims": record}
    assert store.journal.read("SELECT COUNT(*) FROM results WHERE sha256 = ?", (path.stem,)) == [(0,)]
    assert len(store.doctor()) == 0


def test_a_file_that_is_just_being_written_is_left_alone(store):
    data = png("black")
    store.blobs.put(data, hashlib.sha256(data).hexdigest(), "png")
    (store.path / "pictures" / "ab").mkdir(exist_ok=True)
    (store.path / "pictures" / "ab" / ".writing-77").write_bytes(b"half")
    assert len(store.doctor(repair=True)) == 0
    assert (store.path / "pictures" / "ab" / ".writing-77").exists()


def test_a_file_that_is_none_of_the_stores_is_named_and_left(store):
    path = store.path / "pictures" / "holiday.png"
    path.write_bytes(png("red"))
    os.utime(path, (LONG_AGO, LONG_AGO))
    assert kinds(store.doctor(repair=True)) == [("foreign file", False)]
    assert path.exists()


CALL = (
    "INSERT INTO attempts (id, request, number, state, model, account, origin, key, job_id, started_at) "
    "SELECT 900, MIN(id), 1, ?, 'dear/one', 'a', 'o', 'k', 'job-7', 'now' FROM requests"
)
MONEY = (
    "INSERT INTO ledger (attempt, run, session, account, model, day, state, reserved_usd) "
    "VALUES (900, 1, 'gone', 'a', 'dear/one', '2026-01-01', 'reserved', 0.25)"
)
LEASE = "INSERT INTO leases VALUES ('session gone', 'gone', ?)"


@pytest.mark.parametrize("state", ["submitting", "submitted", "running", "ready"])
def test_a_call_whose_session_is_dead_is_shown_with_its_money_and_never_settled(store, state):
    store.journal.write([(CALL, (state,)), (MONEY, ()), (LEASE, (time.time() - 5,))]).result()
    for repair in (False, True):
        frame = store.doctor(repair=repair)
        assert kinds(frame) == [("interrupted call", False)]
        assert frame["at_risk_usd"].tolist() == [0.25]
        assert "the service calls it job-7" in frame["says"][0]
        assert "resume() looks it up" in frame["fix"][0]
    assert store.journal.read("SELECT state FROM attempts WHERE id = 900") == [(state,)]
    assert store.journal.read("SELECT state, reserved_usd, spent_usd FROM ledger WHERE attempt = 900") == [
        ("reserved", 0.25, None)
    ]
    assert store.journal.read("SELECT name FROM leases WHERE name = 'session gone'") == [("session gone",)]


def test_a_call_of_a_session_at_work_is_none_of_the_doctors(store):
    store.journal.write([(CALL, ("running",)), (MONEY, ()), (LEASE, (time.time() + 60,))]).result()
    assert len(store.doctor(repair=True)) == 0


def test_money_reserved_for_no_call_is_told(store):
    store.journal.write([(MONEY, ())]).result()
    frame = store.doctor(repair=True)
    assert kinds(frame) == [("reservation left", False)]
    assert frame["at_risk_usd"].tolist() == [0.25]


def test_an_upload_that_was_left_is_told(store):
    sql = "INSERT INTO uploads VALUES (1, ?, 'png', 's3://b/p', 'n', 'failed', 3, 'no route', 'now', NULL)"
    store.journal.write([(sql, (pictures(store)[0].stem,))]).result()
    frame = store.doctor()
    assert list(frame["kind"]) == ["upload left"]
    assert "its copy to s3://b/p is failed: no route" in frame["says"][0]


def test_a_text_is_written_again_from_the_journal(tmp_path):
    store = Store(tmp_path / "s")
    words = "Ein Drachen über dem Feld"
    digest = hashlib.sha256(words.encode()).hexdigest()
    path = store.blobs.put(words.encode(), digest, "txt")
    row = ("INSERT INTO artifacts VALUES (?, 'text', 'txt', NULL, NULL, ?, NULL, 'now', NULL, NULL)", (digest, 26))
    result = (
        "INSERT INTO results (request, run, status, sha256, format, text, cost_basis, same_model, attempts, created_at)"
        " VALUES (1, 1, 'ok', ?, 'txt', ?, 'table', 1, 1, 'now')",
        (digest, words),
    )
    store.journal.write([row, result]).result()
    for spoil in (lambda: path.write_text("Ein Drache"), path.unlink):
        spoil()
        assert all(store.doctor(repair=True)["mended"])
        assert path.read_text(encoding="utf-8") == words
    store.close()


def test_a_damaged_journal_is_found_and_the_rest_is_not_guessed_at(tmp_path):
    store = Store(tmp_path / "s")
    sql = "INSERT INTO runs VALUES (?, ?, 'n', 'r', 'd', '{}', 1, 's', '{}', 'now')"
    store.journal.write([(sql, (n, f"run {n}")) for n in range(2000)]).result()
    store.close()
    path = tmp_path / "s" / "journal.sqlite"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(data)
    store = Store(tmp_path / "s")
    frame = examine(store, now=datetime.now(UTC))
    assert set(frame["kind"]) == {"damaged journal"}
    store.close()

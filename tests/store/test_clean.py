"""Clean-up frees what nothing refers to, says first what would go, and never takes what anything needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.store import clean as cleaning

LATER = datetime.now(UTC) + timedelta(days=40)


@pytest.fixture
def store():
    """A store with pictures of an experiment and of three single calls, looked at forty days later."""
    ik.Experiment(vary={"prompt": ["a kite", "a boat"]}, fixed={"size": "64x64"}, name="two").run(progress=False)
    for prompt in ("a cup", "a jug", "a pan"):
        ik.generate(prompt, model="offline/collage", size=64)
    store = default_engine().store
    store.journal.flush().result()
    return store


def cleaned(store, apply=False, now=LATER, **limits):
    return cleaning.clean(store, now=now, apply=apply, grace_s=0.05, **(limits or {"older_than": "30d"}))


def of(prompt: str) -> str:
    """The hash of the picture of a prompt."""
    sql = (
        "SELECT s.sha256 FROM results s JOIN requests r ON r.id = s.request WHERE json_extract(r.asked, '$.prompt') = ?"
    )
    default_engine().store.journal.flush().result()
    return str(default_engine().store.journal.read(sql, (prompt,))[0][0])


def why(frame, prompt: str) -> tuple[bool, str]:
    row = frame[frame["sha256"] == of(prompt)].iloc[0]
    return bool(row["goes"]), str(row["why"])


def there(store, prompt: str) -> bool:
    assert store.blobs.thumbnail_path(of(prompt)).exists() == store.blobs.path(of(prompt), "png").exists()
    return store.blobs.path(of(prompt), "png").exists()


def test_a_dry_run_says_what_would_go_and_why_the_rest_stays_and_removes_nothing(store):
    frame = cleaned(store)
    assert frame["goes"].tolist() == [True] * 3 + [False] * 2
    assert why(frame, "a cup") == (True, "nothing refers to it")
    assert why(frame, "a kite") == (False, "run two shows it")
    assert "removed" not in frame
    assert all(there(store, p) for p in ("a cup", "a jug", "a pan", "a kite", "a boat"))


def test_what_goes_is_gone_with_its_thumbnail_and_its_rows_and_tables_stay(store):
    before, spent = ik.open_run("two").table(), ik.usage()
    single = ik.runs().query("cells == 1").index[0]
    table = ik.open_run(single).table()
    frame = cleaned(store, apply=True)
    assert frame["removed"].tolist() == [True] * 3 + [False] * 2
    assert [there(store, p) for p in ("a cup", "a jug", "a pan", "a kite", "a boat")] == [False] * 3 + [True] * 2
    assert not (store.path / "removed").exists()
    assert ik.open_run("two").table().equals(before)
    assert ik.open_run(single).table().equals(table)
    assert ik.usage().equals(spent)
    assert store.journal.read("SELECT COUNT(*) FROM artifacts WHERE removed_at IS NOT NULL") == [(3,)]
    assert len(store.doctor()) == 0


def test_a_removed_picture_says_so_when_it_is_read_and_is_made_again_when_it_is_asked_for(store):
    run = ik.open_run("latest")
    cleaned(store, apply=True)
    with pytest.raises(StoreError, match=r"clean-up removed it on 20.*made, and paid for, anew"):
        _ = run[0].artifacts[0].bytes
    assert ik.generate("a pan", model="offline/collage", size=64).status == "ok"
    assert there(store, "a pan")
    assert run[0].artifacts[0].image.size == (64, 64)


def test_age_counts_from_the_last_use_in_the_journal_and_not_from_the_files(store):
    for prompt in ("a cup", "a jug"):
        sql = "UPDATE results SET created_at = '2020-01-01T00:00:00.000+00:00' WHERE sha256 = ?"
        store.journal.write([(sql, (of(prompt),))]).result()
    ik.generate("a jug", model="offline/collage", size=64)  # from the cache, today
    store.journal.write([("DELETE FROM leases", ())]).result()  # as it is when the session has ended
    frame = cleaned(store, now=datetime.now(UTC))
    assert why(frame, "a cup") == (True, "nothing refers to it")
    assert why(frame, "a jug") == (False, "it was used since")


def test_a_size_lets_only_the_oldest_go(store):
    frame = cleaned(store, older_than="1s")
    total, sizes = frame["bytes"].sum(), dict(zip(frame["sha256"], frame["bytes"], strict=True))
    frame = cleaned(store, larger_than=int(total - sizes[of("a cup")] - 1))
    assert [why(frame, p)[0] for p in ("a cup", "a jug", "a pan")] == [True, True, False]
    assert why(frame, "a pan")[1] == "the store is small enough without it"
    assert not cleaned(store, larger_than="1GB")["goes"].any()
    assert cleaned(store, larger_than=0)["goes"].sum() == 3


def test_a_session_that_is_dropped_holds_nothing_any_more_and_others_keep_theirs(store):
    first = default_engine().session
    close_default_engine()
    ik.generate("a hat", model="offline/collage", size=64)
    ik.generate("a cup", model="offline/collage", size=64)  # what the first session made is shown by another too
    store = default_engine().store
    frame = cleaned(store, session=first)
    assert [why(frame, p)[0] for p in ("a kite", "a boat", "a cup", "a jug", "a pan")] == [True] * 5
    assert why(frame, "a hat") == (False, "it is of another session")
    ik.Experiment(vary={"prompt": ["a jug"]}, fixed={"size": "64x64"}, name="again").run(progress=False)
    frame = cleaned(store, session=first, apply=True)
    assert why(frame, "a jug") == (False, "run again shows it")
    assert [there(store, p) for p in ("a kite", "a boat", "a pan", "a jug", "a hat")] == [False] * 3 + [True] * 2
    assert len(ik.open_run("two").table()) == 2


def test_limits_given_together_must_all_hold(store):
    session = default_engine().session
    assert not cleaned(store, session=session, older_than="50d")["goes"].any()
    assert not cleaned(store, older_than="30d", larger_than="1GB")["goes"].any()


def insert(store, sql, *values):
    store.journal.write([(sql, values)]).result()


def test_what_a_vote_is_about_stays(store):
    sql = (
        "INSERT INTO votes SELECT 1, run, 'me', 'p', request, request, 'left', 5, 'now', NULL, 1 FROM results "
        "WHERE sha256 = ?"
    )
    insert(store, sql, of("a cup"))
    assert why(cleaned(store), "a cup") == (False, "somebody voted on it")


@pytest.mark.parametrize("state", ["planned", "running", "failed", "done"])
def test_what_is_not_uploaded_yet_stays(store, state):
    sql = "INSERT INTO uploads VALUES (1, ?, 'png', 's3://b/p', 'n', ?, 1, NULL, 'now', NULL)"
    insert(store, sql, of("a cup"), state)
    expected = (True, "nothing refers to it") if state == "done" else (False, "it is still to be copied to s3://b/p")
    assert why(cleaned(store), "a cup") == expected


@pytest.mark.parametrize("state", ["submitted", "unknown", "stored"])
def test_what_a_call_was_given_stays_until_its_outcome_is_known(store, state):
    picture = ik.open_run("latest")[0].artifacts[0]  # of "a pan"
    ik.generate("a lid for it", model="offline/collage", size=64, references=picture)
    insert(store, "UPDATE results SET created_at = '2020' WHERE sha256 = ?", of("a lid for it"))
    sql = "UPDATE attempts SET state = ?, finished_at = NULL WHERE id = (SELECT MAX(id) FROM attempts)"
    insert(store, sql, state)
    frame = cleaned(store)
    if state == "stored":
        assert why(frame, "a pan")[0]
        assert why(frame, "a lid for it")[0]
    else:
        assert why(frame, "a pan") == (False, "a call whose outcome is open was given it")
        assert why(frame, "a lid for it") == (False, "the outcome of another call for it is open")


def test_what_another_picture_was_made_from_stays_as_long_as_that_one(store):
    insert(store, "UPDATE artifacts SET parents = ? WHERE sha256 = ?", json.dumps([of("a cup")]), of("a jug"))
    insert(store, "UPDATE artifacts SET parents = ? WHERE sha256 = ?", json.dumps([of("a jug")]), of("a kite"))
    frame = cleaned(store)
    assert why(frame, "a cup") == why(frame, "a jug") == (False, "a picture that stays was made from it")
    assert why(frame, "a pan")[0]


@pytest.mark.parametrize("how", ["vary", "fixed", "mask"])
def test_what_an_experiment_was_given_stays(store, how):
    picture = ik.open_run("latest")[0].artifacts[0]  # of "a pan"
    if how == "mask":
        sql = (
            "UPDATE requests SET asked = json_set(asked, '$.mask', json(?)) WHERE run = (SELECT MIN(run) FROM requests)"
        )
        insert(store, sql, json.dumps({"sha256": picture.sha256}))
    else:
        given = {"references": [picture]} if how == "vary" else picture
        grid = {"vary": {"prompt": ["a lid"], **given}} if how == "vary" else {"vary": {"prompt": ["a lid"]}}
        fixed = {"size": "64x64", "model": "offline/collage", **({"references": picture} if how == "fixed" else {})}
        ik.Experiment(**grid, fixed=fixed, name="lids").run(progress=False)
    assert not why(cleaned(store), "a pan")[0]


def test_pictures_of_a_session_at_work_stay(store):
    soon = LATER.timestamp() + 60
    session = default_engine().session
    insert(store, "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", f"session {session}", session, soon)
    assert why(cleaned(store), "a cup") == (False, "a session that is at work shows it")
    with pytest.raises(InvalidInput, match="still at work"):
        cleaned(store, session=session)


def test_a_clean_up_that_was_stopped_is_ended_by_the_next_one(store):
    aside = store.path / "removed"
    aside.mkdir()
    for prompt in ("a cup", "a kite"):
        store.blobs.path(of(prompt), "png").rename(aside / f"{of(prompt)}.png")
    assert not cleaned(store, larger_than="1GB", apply=True)["removed"].any()
    assert not store.blobs.path(of("a cup"), "png").exists()
    assert store.blobs.path(of("a kite"), "png").exists()
    assert not aside.exists()


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"older_than": "soon"}, "'soon' is no age. Write 30d"),
        ({"larger_than": "big"}, "'big' is no size. Write 10GB"),
        ({"session": "nobody"}, "no session 'nobody' has runs here. The last ones are"),
        ({"older_than": None}, "nothing says what may go"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_what_to_write(store, limits, words):
    with pytest.raises(InvalidInput, match=words):
        cleaned(store, **limits)


@pytest.mark.parametrize(
    ("text", "age"),
    [("30d", timedelta(30)), ("2w", timedelta(14)), ("1.5 h", timedelta(minutes=90)), ("10min", timedelta(0, 600))],
)
def test_ages_are_read(text, age):
    assert cleaning.read_wanted(text, None, None).older_than == age
    assert cleaning.read_wanted(age, "1.5 GB", None) == cleaning.Wanted(age, 1_500_000_000, None)


def test_an_empty_store_is_clean(tmp_path):
    ik.configure(store=tmp_path / "new")
    assert len(default_engine().store.clean(older_than="1d")) == 0
    assert Path(tmp_path / "new").is_dir()

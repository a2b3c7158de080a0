"""A journal that was cut to nothing beside stored pictures stays refused: the pictures in it were paid for."""

from __future__ import annotations

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.store import Store


def test_an_emptied_journal_is_refused_every_time_until_it_is_mended(tmp_path):
    ik.configure(store=tmp_path / "s")
    ik.generate("a cup", size=64)
    close_default_engine()
    journal = tmp_path / "s" / "journal.sqlite"
    journal.write_bytes(b"")
    for _ in range(3):
        with pytest.raises(StoreError, match="Put a copy back"):
            Store(tmp_path / "s")
        assert journal.stat().st_size == 0
    journal.unlink()
    Store(tmp_path / "s").close()


def test_a_journal_without_tables_beside_pictures_is_refused_too(tmp_path):
    ik.configure(store=tmp_path / "s")
    ik.generate("a cup", size=64)
    close_default_engine()
    journal = tmp_path / "s" / "journal.sqlite"
    journal.unlink()
    import sqlite3

    sqlite3.connect(journal).execute("PRAGMA journal_mode=WAL").connection.close()  # a header, and nothing else
    for _ in range(2):
        with pytest.raises(StoreError, match="Put a copy back"):
            Store(tmp_path / "s")


def test_the_store_itself_is_no_other_copy(tmp_path):
    store = Store(tmp_path / "s")
    for place in (tmp_path, tmp_path / "s", tmp_path / "s" / "copies"):
        with pytest.raises(InvalidInput, match="no other copy"):
            store.connect(f"file://{place}")
    store.close()


def test_what_is_no_run_and_no_folder_of_pictures_is_refused_in_words(tmp_path):
    ik.configure(store=tmp_path / "s")
    ik.generate("a cup", size=64)
    for what, words in (("", "names no run"), ("x" * 5000, "no run is called")):
        with pytest.raises(InvalidInput, match=words):
            ik.open_run(what)
    run = ik.open_run("latest")
    for path in (5, "a\0.zip", "x" * 300 + "/y.zip"):
        with pytest.raises(InvalidInput):
            run.export(path)
    for folder in (None, 5, "a\0b"):
        with pytest.raises(InvalidInput):
            run.save(folder)


def test_numbers_of_a_foreign_table_are_checked(tmp_path):
    import pandas as pd

    ik.configure(store=tmp_path / "s")
    picture = ik.generate("a cup", size=64).picture.save(tmp_path / "cup.png")
    table = pd.DataFrame({"path": [str(picture)], "cost_usd": [-1.0], "seconds": ["slow"]})
    with pytest.raises(InvalidInput) as raised:
        ik.open_run(table)
    assert len(raised.value.faults) == 2

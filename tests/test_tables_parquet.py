"""A run as a Parquet file: the same table comes back, whole or by the columns that are wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.tables.parquet import load_parquet, save_parquet, write_frame


@pytest.fixture
def run():
    """A run with every kind of column: texts, numbers, lists, references, missing values."""
    ik.generate("a mug", model="offline/collage", size=64).save("mug.png")
    return ik.Experiment(
        vary={"prompt": ["a kite", "a boat"], "model": ["offline/collage", "offline/pencil"], "seed": [1, None]},
        fixed={"size": "64x64", "references": ["mug.png"]},
        name="eight",
    ).run(progress=False)


def test_the_table_comes_back_as_it_was(run):
    path = save_parquet(default_engine().store, run.id, "run.parquet")
    pd.testing.assert_frame_equal(load_parquet(path), run.table())
    assert run.table()["reference_ids"].map(len).tolist() == [1] * 8


def test_chosen_columns_come_back_in_the_order_asked_for(run):
    save_parquet(default_engine().store, run.id, "run.parquet")
    wanted = ["model", "status", "seconds", "reference_ids"]
    pd.testing.assert_frame_equal(load_parquet("run.parquet", wanted), run.table()[wanted])


def test_other_tools_read_it_too(run):
    save_parquet(default_engine().store, run.id, "run.parquet")
    plain = pd.read_parquet("run.parquet")
    assert plain["prompt"].tolist() == run.table()["prompt"].tolist()
    assert plain["reference_ids"][0].startswith('["')


def test_mixed_and_nested_values_survive():
    frame = pd.DataFrame({"axis": pd.Series([1, "two", None, ("a", ("b", 2)), {"k": (1,)}], dtype=object)})
    assert load_parquet(write_frame(frame, "odd.parquet"))["axis"].tolist() == frame["axis"].tolist()


def test_an_empty_table_keeps_its_columns(run):
    empty = run.table().head(0)
    again = load_parquet(write_frame(empty, "empty.parquet"))
    assert list(again.columns) == list(empty.columns)
    assert len(again) == 0


def test_what_cannot_be_read_or_written_is_said(run):
    store = default_engine().store
    path = save_parquet(store, run.id, "run.parquet")
    with pytest.raises(InvalidInput, match="Did you mean 'model'"):
        load_parquet(path, ["modle"])
    with pytest.raises(InvalidInput, match="no run is called 'nothing'"):
        save_parquet(store, "nothing", "x.parquet")
    Path("cut.parquet").write_bytes(path.read_bytes()[:-9])
    for name in ("cut.parquet", "missing.parquet"):
        with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
            load_parquet(name)
    Path("file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        save_parquet(store, run.id, "file/run.parquet")
    assert not list(Path().glob(".*.part"))


def test_without_pyarrow_it_says_what_to_install():
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from imagegen_kit.tables.parquet import load_parquet\n"
        "try: load_parquet('x')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingDependency")
    assert "pip install 'imagegen-kit[parquet]'" in done.stdout


def test_the_command_line_writes_it(run):
    command = [sys.executable, "-m", "imagegen_kit.cli", "show", run.id, "--parquet", "out/run.parquet"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "out/run.parquet" in done.stdout
    assert len(load_parquet("out/run.parquet")) == 8

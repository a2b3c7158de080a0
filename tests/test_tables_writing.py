"""A run's table as a file for other tools: CSV, Parquet or JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import imagegen_kit as ik
from imagegen_kit.cli import app
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.tables.parquet import load_parquet
from imagegen_kit.tables.writing import write_table


@pytest.fixture
def run(own_registry: None):
    @ik.register(model="files/one", version="1", price_usd=0.5, seed=True)
    def one(request):
        from PIL import Image

        return Image.new("RGB", (16, 16), "red")

    return ik.Experiment(
        vary={"prompt": ['a "red", kite', "zwei\nBoote"], "seed": [1, None]}, fixed={"model": "files/one"}, name="files"
    ).run(progress=False)


def test_csv_has_the_columns_of_the_table_and_empty_fields_for_what_is_unknown(run) -> None:
    read = pd.read_csv(run.export_table("out/run.csv"))
    assert list(read.columns) == list(run.table().columns)
    assert read["prompt"].tolist() == run.table()["prompt"].tolist()
    assert read["seed"].isna().tolist() == [False, True, False, True]
    assert read["cost_usd"].tolist() == [0.5] * 4
    assert read["reference_ids"].map(json.loads).tolist() == [[]] * 4


def test_json_lines_keep_the_types(run) -> None:
    rows = [json.loads(line) for line in run.export_table("run.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["seed"] for row in rows] == [1, None, 1, None]
    assert rows[0]["reference_ids"] == []
    assert rows[0]["unfair"] is False
    assert pd.Timestamp(rows[0]["created_at"]).tzinfo is not None
    assert [row["prompt"] for row in rows] == run.table()["prompt"].tolist()


def test_parquet_is_the_table_again(run) -> None:
    pd.testing.assert_frame_equal(load_parquet(run.export_table("run.parquet")), run.table())


def test_a_selection_is_written_alone(run) -> None:
    assert len(pd.read_csv(run.select(seed=1).export_table("some.csv"))) == 2


def test_numbers_that_json_has_not_are_null() -> None:
    write_table(pd.DataFrame({"x": [1.5, float("nan")]}), "odd.jsonl")
    assert Path("odd.jsonl").read_text(encoding="utf-8") == '{"x": 1.5}\n{"x": null}\n'


def test_another_suffix_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"\.csv, \.parquet or \.jsonl"):
        write_table(pd.DataFrame({"x": [1]}), "table.xlsx")


@pytest.mark.parametrize("path", [None, 3, ""])
def test_what_is_no_path_is_refused_in_words_by_all_that_write_a_run(run, path: Any) -> None:
    for write in (run.export_table, run.report):
        with pytest.raises(InvalidInput, match="is no file's path"):
            write(path)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        write_table(pd.DataFrame({"x": [1]}), "t.csv")


def test_the_command_writes_it_by_its_suffix(run) -> None:
    done = CliRunner().invoke(app, ["show", "files", "--table-file", "t.jsonl"])
    assert done.exit_code == 0, done.output
    assert len(Path("t.jsonl").read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_table_of_a_run_is_replaced_and_any_other_file_is_refused_and_stays(run, suffix: str) -> None:
    path = Path(f"data.{suffix}")
    run.export_table(path)
    assert run.select(seed=1).export_table(path) == path
    pd.testing.assert_frame_equal(load_parquet(run.export_table("own.parquet")), run.table())
    for foreign in (b"name,age\nAnn,3\n", b'{"name": "Ann"}\n', b"", b"\x00PAR1"):
        path.write_bytes(foreign)
        with pytest.raises(InvalidInput, match="is there and no such table"):
            run.export_table(path)
        assert path.read_bytes() == foreign

"""A library whose index is in shards: searched, grown, tidied, and told where a part of it is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imagegen_kit as ik
from imagegen_kit.clusters.spreading import Here
from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.index import Shard, ShardedIndex, VectorSearch
from imagegen_kit.retrieval.library.merging import Batch
from imagegen_kit.retrieval.library.rows import Row
from imagegen_kit.retrieval.library.segments import Vectors
from tests.retrieval.colours import Colours, pictures_in
from tests.retrieval.vectors import recall, unit

COUNT, SHARDS = 2_100, 2


def filled(folder: Path) -> ik.Library:
    """A library of rows and vectors alone, without the pictures that they would have come from."""
    lib = ik.Library.open(folder / "refs", embedder=Colours())
    lib.add(pictures_in(folder / "seen", 4))
    with lib._writing() as writing:
        first = Batch(writing.records, writing.place, set())._next
        luck = np.random.default_rng(3)
        for part in np.array_split(np.arange(first, first + COUNT), 5):
            rows = unit(luck.standard_normal((len(part), 13)))
            segment = writing.vectors.write(part, rows)
            with writing.records.writing() as change:
                writing.vectors.name_segment(change, segment)
                for number in part.tolist():
                    path = f"pictures/{number}.png"
                    change.insert(
                        Row(number, f"i{number}", f"{number:064x}", path, "png", 8, 8, dhash=number**5 % 2**64)
                    )
        writing.manifest()
    return lib


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    filled(folder).compact("fp16", shards=SHARDS)
    return folder


@pytest.fixture
def lib(made: Path, tmp_path: Path) -> ik.Library:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return ik.Library.open(tmp_path / "refs", embedder=Colours())


def exactly(lib: ik.Library, queries: np.ndarray) -> np.ndarray:
    return np.asarray(lib.vectors.search(queries, 10, exact=True).ids)


def shard_folders(lib: ik.Library) -> list[Path]:
    return sorted(path for path in (lib.path / "index").glob("*/shard-*") if path.is_dir())


def test_a_library_in_shards_is_searched_as_before_and_grows(lib: ik.Library, tmp_path: Path) -> None:
    queries = unit(np.random.default_rng(4).standard_normal((20, 13)))
    assert isinstance(lib.vectors, ShardedIndex)
    assert (lib.vectors.kind, len(lib.vectors), len(shard_folders(lib))) == ("fp16", COUNT + 4, SHARDS)
    found = lib.vectors.search(queries, 10)
    lib.compact(shards=1)
    assert isinstance(lib.vectors, VectorSearch)
    before = exactly(lib, queries)
    assert recall(found.ids, before) == 1
    lib.compact("fp16", shards=1)
    assert shard_folders(lib) == []
    lib.compact("fp16", shards=2)
    assert (lib.vectors.kind, len(shard_folders(lib))) == ("fp16", 2)
    assert np.array_equal(exactly(lib, queries), before)
    lib.remove(f"i{before[0, 0]}")
    lib.add(pictures_in(tmp_path / "more", 2, first=50))
    assert len(lib.vectors) == COUNT + 5
    assert before[0, 0] not in exactly(lib, queries)[0]
    hits = lib.search(image=tmp_path / "more" / "p051.png", top_k=1)
    assert hits.table()["id"].tolist() == ["p051"]
    assert lib.verify().table()["kind"].unique().tolist() == ["missing file"]  # of rows that never had one


def test_what_is_said_of_the_shards_survives_opening_the_library_anew(lib: ik.Library) -> None:
    manifest = json.loads((lib.path / "manifest.json").read_text())["embedders"][0]["index"]
    told = [json.loads((folder / "shard.json").read_text()) for folder in shard_folders(lib)]
    assert sorted(one["name"] for one in manifest) == sorted(one["name"] for one in told)
    assert sum(one["rows"] for one in told) == COUNT + 4
    assert Shard.from_plain(told[0], shard_folders(lib)[0].parent).segments[0].path.is_file()
    again = ik.Library.open(lib.path, embedder=Colours())
    assert isinstance(again.vectors, ShardedIndex)


def test_hits_of_a_library_that_has_lost_a_shard_say_that_they_are_partial(lib: ik.Library, tmp_path: Path) -> None:
    lost = next(iter((lib.path / "vectors").glob("*/*.ids.npy")))
    held = lost.read_bytes()
    lost.write_bytes(held[:-8])
    again = ik.Library.open(lib.path, embedder=Colours())
    hits = again.search(image=tmp_path / "seen" / "p001.png", dedup=False)
    assert "partial: the shard shard-" in str(hits.explain())
    assert "of 2,104 vectors) was not asked" in str(hits.explain())
    assert hits.explain().facts["searched"] == "1,052 of 2,104 items (50.0%)"
    assert repr(hits).startswith("3 hits (partial: see explain()): ")
    some = [*range(1, 100), *range(2_000, 2_050)]
    few = again.search(image=tmp_path / "seen" / "p001.png", where={"number": some})
    assert few.explain().kept == 149
    assert few.explain().facts["searched"] in ("50 of 2,104 items (2.4%)", "99 of 2,104 items (4.7%)")
    by_words = again.search("p001 i5", top_k=3)
    assert by_words.table()["id"].tolist()[0] in ("p001", "i5")
    assert str(by_words.explain()).count("partial: the shard shard-") == 1
    lost.write_bytes(held)
    whole = ik.Library.open(lib.path, embedder=Colours())
    found = whole.search(image=tmp_path / "seen" / "p001.png")
    assert "partial" not in str(found.explain()) + repr(found)
    assert found.explain().facts["searched"] == "2,104 of 2,104 items (100.0%)"


def test_what_is_added_in_lots_while_a_shard_is_lost_is_found_and_the_answer_stays_partial(
    lib: ik.Library, tmp_path: Path
) -> None:
    lost = max((lib.path / "vectors").glob("*/*.npy"), key=lambda path: path.stat().st_size)
    held = lost.read_bytes()
    lost.write_bytes(held[:-4] + bytes(4))
    again = ik.Library.open(lib.path, embedder=Colours())
    report = again.add(pictures_in(tmp_path / "more", 3, first=60)[0].parent, engine=Here())
    assert (len(report.added), report.rejected) == (3, ())
    hits = again.search(image=tmp_path / "more" / "p061.png", top_k=1)
    assert hits.table()["id"].tolist() == ["p061"]
    assert str(hits.explain()).count("partial: the shard shard-") == 1
    lost.write_bytes(held)
    whole = ik.Library.open(lib.path, embedder=Colours())
    assert "partial" not in str(whole.search(image=tmp_path / "more" / "p061.png", top_k=1).explain())
    assert len(whole.vectors) == COUNT + 7


def test_a_damaged_index_of_a_shard_is_built_anew_and_the_others_stay(lib: ik.Library) -> None:
    first, *others = [next(folder.glob("*.faiss")) for folder in shard_folders(lib)]
    first.write_bytes(b"none")
    stay = [path.stat().st_ino for path in others]
    assert "index" in lib.verify().table()["kind"].tolist()
    lib.verify(repair=True)
    assert "index" not in lib.verify().table()["kind"].tolist()
    assert [path.stat().st_ino for path in others] == stay
    assert lib.vectors.note == ""


@pytest.mark.parametrize("kind", ["fp16", "flat"])
@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_shard_whose_manifest_or_folder_is_lost_is_told_and_mended(lib: ik.Library, kind: str, harm: str) -> None:
    lib.compact(kind, shards=SHARDS)
    folder = shard_folders(lib)[0]
    if harm == "cut":
        (folder / "shard.json").write_text("{")
    else:
        shutil.rmtree(folder)
    found = [(one.kind, one.where) for one in lib.verify().findings if one.kind == "index"]
    assert set(found) == {("index", folder.name)}
    assert {one.repaired for one in lib.verify(repair=True).findings if one.kind == "index"} == {True}
    assert "index" not in lib.verify().table()["kind"].tolist()
    assert json.loads((folder / "shard.json").read_bytes())["name"] == folder.name
    assert lib.vectors.note == ""


def test_a_shard_is_not_lost_because_small_segments_elsewhere_were_put_together(
    lib: ik.Library, tmp_path: Path
) -> None:
    vectors = Vectors.of(lib._records, lib.path, lib.embedder)
    with lib._writing() as writing:
        fresh = [writing.vectors.write(np.array([10_000 + n]), unit(np.ones((1, 13)))) for n in range(1)]
        with writing.records.writing() as change:
            writing.vectors.name_segment(change, fresh[0])
        writing.vectors.rewrite(fresh)
    known = vectors.known()
    assert isinstance(known, tuple)
    assert len(known) == SHARDS
    with lib._writing() as writing:
        writing.vectors.rewrite(writing.vectors.segments()[:1])
    known = vectors.known()
    assert isinstance(known, tuple)
    assert len(known) == SHARDS - 1


@pytest.mark.parametrize("shards", [0, -1, "2", 1.5, True])
def test_shards_that_are_no_whole_number_from_one_on_are_refused(lib: ik.Library, shards: Any) -> None:
    with pytest.raises(InvalidInput, match=f"a whole number, at least 1; it is {shards!r}"):
        lib.compact(shards=shards)

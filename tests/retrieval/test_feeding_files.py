"""Libraries as values: in experiment files, in the journal, copied and sent to another process."""

from __future__ import annotations

import copy
import json
import sqlite3

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.library.query import LibraryQuery
from imagegen_kit.retrieval.place import LibraryPlace, close_libraries, place_of
from imagegen_kit.store import Journal
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.store.values import as_cell_value, decode, dumps, encode, stateless
from tests.engine.models import model
from tests.retrieval.shelf import make_shelf

pytestmark = pytest.mark.usefixtures("own_registry")
FILE = """\
vary: {top_k: [0, 2], library: [refs, {path: refs, embedder: colour}]}
fixed:
  prompt: a red cup
  model: lab/one
  references: [{$query: refs, top_k: 1, text: blue, where: {role: content}}]
"""


@pytest.fixture
def shelf(tmp_path):
    model("lab/one", can=Capabilities(references=4))
    yield make_shelf(tmp_path / "lab" / "refs")
    close_libraries()


def test_a_library_lies_beside_the_file_that_names_it(shelf, tmp_path):
    path = tmp_path / "lab" / "experiment.yaml"
    path.write_text(FILE)
    grid = ik.Experiment.from_yaml(path).grid
    assert grid.axes["library"] == [str(shelf.path), {"path": str(shelf.path), "embedder": "colour"}]
    (query,) = grid.fixed["references"]
    assert (query.library, query.top_k, query.text) == (str(shelf.path), 1, "blue")
    assert query.brief == {"where": {"role": "content"}}


def test_an_experiment_comes_back_from_its_file_as_the_same(shelf, tmp_path):
    exp = ik.Experiment(
        vary={"top_k": [1, 2]},
        fixed={
            "prompt": "a red cup", "model": "lab/one", "library": shelf,
            "references": [shelf.query(top_k=1, text="blue", where={"role": "content"})],
        },
    )  # fmt: skip
    path = exp.to_yaml(tmp_path / "again.yaml")
    assert "embedder: colour" in path.read_text()
    again = ik.Experiment.from_yaml(path)
    first = exp.run(progress=False)
    second = again.run(progress=False)
    assert second.id == first.id
    assert first.table().reference_ids.tolist() == [("blue-cup", "red-cup"), ("blue-cup", "red-cup", "green-cup")]


def test_a_file_that_names_no_library_says_so(shelf, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("vary: {top_k: [1]}\nfixed: {prompt: a, model: lab/one, library: {folder: refs}}\n")
    with pytest.raises(InvalidInput, match="path: refs, embedder: clip"):
        ik.Experiment.from_yaml(path)
    path.write_text("vary: {top_k: [1]}\nfixed: {prompt: a, model: lab/one, library: nowhere}\n")
    with pytest.raises(InvalidInput, match="there is no folder"):
        ik.Experiment.from_yaml(path)


@pytest.mark.parametrize(("name", "what"), [("missing.yaml", "there is no file"), ("missing", "there is no folder")])
def test_a_library_that_is_not_there_is_told_with_those_that_are(shelf, name, what):
    with pytest.raises(InvalidInput, match=f"{what} .*{name}.*beside it: '{shelf.path.name}'"):
        ik.generate("a cup", model="lab/one", library=shelf.path.parent / name)


def test_the_journal_knows_a_library_by_its_place_embedder_and_what_it_held(shelf, tmp_path):
    plain = json.loads(dumps(encode(shelf, Blobs(tmp_path))))
    assert plain == {"$library": str(shelf.path), "embedder": "colour", "state": shelf.state}
    place = decode(plain, Blobs(tmp_path))
    assert (place, place.state) == (LibraryPlace(str(shelf.path), "colour"), shelf.state)
    assert encode(place, Blobs(tmp_path)) == plain
    assert as_cell_value(plain) == "refs"
    assert stateless({"a": [plain]}) == {"a": [{"$library": str(shelf.path), "embedder": "colour"}]}


def test_a_query_comes_back_from_the_journal(shelf, tmp_path):
    query = shelf.query(top_k=2, text="a cup", where={"role": "character"})
    again = decode(json.loads(dumps(encode(query, Blobs(tmp_path)))), Blobs(tmp_path))
    assert isinstance(again, LibraryQuery)
    assert (again.top_k, again.text, again.brief) == (2, "a cup", {"where": {"role": "character"}})
    assert place_of(again.library).path == str(shelf.path)


def test_an_experiment_with_a_library_can_be_copied(shelf):
    exp = ik.Experiment(vary={"top_k": [0, 1]}, fixed={"prompt": "a red cup", "model": "lab/one", "library": shelf})
    run = exp.run(progress=False)
    assert copy.copy(exp).run(progress=False).id == run.id
    assert exp.with_(repeats=2).run(progress=False).table().top_k.tolist() == [0, 1, 0, 1]


def test_a_journal_of_the_third_version_learns_to_hold_retrievals(tmp_path):
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with sqlite3.connect(path) as old:
        old.execute("UPDATE meta SET value = '3' WHERE name = 'schema'")
        old.execute("DROP TABLE retrievals")
        for table, name in (("votes", "blind"), ("scores", "feature"), ("scores", "details")):
            old.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        old.execute("INSERT INTO events (name, created_at) VALUES ('kept', 'now')")
    old.close()
    journal = Journal(path)
    assert journal.read("SELECT value FROM meta WHERE name = 'schema'") == [("6",)]
    assert journal.read("SELECT COUNT(*) FROM retrievals") == [(0,)]
    assert journal.read("SELECT name FROM events") == [("kept",)]
    journal.close()

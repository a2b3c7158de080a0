"""What was retrieved is in the journal: resume, bundle and replay get it again, whatever became of the library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import NotInBundle
from imagegen_kit.retrieval.place import LibraryPlace, close_libraries
from imagegen_kit.store.referring import referring
from tests.engine.models import model, rows, until
from tests.retrieval.feeding_child import experiment as experiment_of_child
from tests.retrieval.shelf import make_shelf

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def shelf(tmp_path):
    model("lab/one", can=Capabilities(references=4, seed=True))
    yield make_shelf(tmp_path / "refs")
    close_libraries()


def experiment(shelf, **changes):
    given = {
        "vary": {"prompt": ["a red cup", "a blue cup"], "top_k": [0, 2]},
        "fixed": {"model": "lab/one", "library": shelf},
    }
    return ik.Experiment(**{**given, "name": "cups", **changes})


def forget_results():
    """Leave the run as a killed process leaves it: what was asked is there, what came is not."""
    default_engine().store.journal.write(
        [("DELETE FROM results", ()), ("DELETE FROM cell_ends", ()), ("DELETE FROM attempts", ())]
    ).result()


def test_the_journal_holds_what_was_asked_and_found_ahead_of_the_request(shelf):
    experiment(shelf).run(progress=False)
    found = rows("SELECT cell % 4294967296, occurrence, asked, found, state FROM retrievals ORDER BY cell")
    assert [cell for cell, *_ in found] == [1, 3]
    asked, first = json.loads(found[0][2]), json.loads(found[0][3])
    assert (asked["library"], asked["text"], asked["top_k"]) == (str(shelf.path), "a red cup", 2)
    assert first[0]["origin"] == "red-cup"
    assert found[0][4] == shelf.state
    ids = rows("SELECT v.id < r.id FROM retrievals v JOIN requests r ON r.cell = v.cell")
    assert ids == [(1,), (1,)]


def test_a_resumed_run_gets_the_same_references_though_the_library_has_changed(shelf, tmp_path):
    run = experiment(shelf).run(progress=False)
    before = run.table()[["prompt", "reference_ids", "reference_scores"]].to_dict("list")
    forget_results()
    close_default_engine()
    close_libraries()
    shutil.rmtree(shelf.path)
    searches = shelf.searches
    again = ik.open_run(run.id)
    again.resume()
    again.wait()
    table = again.table()
    assert table.status.tolist() == ["ok"] * 4
    assert table[["prompt", "reference_ids", "reference_scores"]].to_dict("list") == before
    assert shelf.searches == searches
    assert again.table().library.tolist() == ["refs"] * 4


def test_a_library_that_changes_while_a_run_goes_on_is_told_as_unfair(shelf):
    run = experiment(shelf).run(progress=False)
    forget_results()
    default_engine().store.journal.write([("DELETE FROM retrievals", ()), ("DELETE FROM requests", ())]).result()
    make_shelf(shelf.path, **{"pink-cup": "a red blue pink cup cup"})
    run.resume().wait()
    table = run.table()
    assert table.unfair.tolist() == [False, True, False, True]
    assert table.adaptations[1].startswith("library as of ")
    assert experiment(shelf).run(progress=False).id != run.id  # another library is another experiment


def test_the_same_library_is_the_same_experiment(shelf):
    run = experiment(shelf).run(progress=False)
    assert experiment(shelf).run(progress=False).id == run.id
    assert ik.open_run(run.id).experiment.run(progress=False).id == run.id


def test_a_bundle_carries_what_was_found_and_no_folder_of_this_machine(shelf, tmp_path):
    run = experiment(shelf).run(progress=False)
    said = run.table().drop(columns="path").to_csv()
    bundle = run.export(tmp_path / "run.zip")
    with zipfile.ZipFile(bundle) as archive:
        texts = {n: archive.read(n).decode() for n in archive.namelist() if n.startswith("journal/")}
        stored = [n for n in archive.namelist() if n.startswith("pictures/")]
    assert not [n for n, text in texts.items() if str(tmp_path) in text]
    assert "red-cup" in texts["journal/retrievals.jsonl"]
    digests = {r.picture.sha256 for result in run for r in result.request.references}
    assert all(any(digest in name for name in stored) for digest in digests)
    ik.configure(store=tmp_path / "another")
    assert ik.open_run(bundle).table().drop(columns="path").to_csv() == said


def test_a_shared_bundle_says_nothing_of_the_library_but_its_scores(shelf, tmp_path):
    run = experiment(shelf).run(progress=False)
    bundle = run.export(tmp_path / "shared.zip", share=True)
    with zipfile.ZipFile(bundle) as archive:
        text = "".join(archive.read(n).decode() for n in archive.namelist() if n.startswith("journal/"))
    assert "red-cup" not in text
    assert "refs" not in text
    table = ik.open_run(bundle).table()
    assert table.reference_scores[1] == run.table().reference_scores[1]
    assert table.library[0] == "library 1"


def test_a_replayed_notebook_needs_no_library(shelf, tmp_path):
    path = shelf.path
    single = ik.generate(
        "a red cup", model="lab/one", library=shelf, top_k=2, references=[shelf.query(top_k=1, text="blue")]
    )
    run = experiment(shelf).run(progress=False)
    bundles = [ik.open_run(r).export(tmp_path / f"{i}.zip") for i, r in enumerate((single.run_id, run.id))]
    said = run.table().reference_ids.tolist()
    shutil.rmtree(path)
    close_libraries()
    ik.configure(store=tmp_path / "another", replay=f"{bundles[0]}:{bundles[1]}")
    again = experiment({"path": str(path), "embedder": "colour"}).run(progress=False)
    assert again.table().reference_ids.tolist() == said


def test_a_replayed_call_gets_the_references_of_the_recorded_one(shelf, tmp_path):
    place = LibraryPlace(str(shelf.path), "colour")
    single = ik.generate("a red cup", model="lab/one", library=shelf, top_k=2)
    bundle = ik.open_run(single.run_id).export(tmp_path / "one.zip")
    shutil.rmtree(shelf.path)
    close_libraries()
    ik.configure(store=tmp_path / "another", replay=str(bundle))
    again = ik.generate("a red cup", model="lab/one", library=place, top_k=2)
    assert [r.origin for r in again.sent.references] == [r.origin for r in single.sent.references]
    assert again.sent.references[0].picture.bytes == single.sent.references[0].picture.bytes
    with pytest.raises(NotInBundle):
        ik.generate("a red cup", model="lab/one", library=place, top_k=1)


def test_clean_up_and_doctor_know_what_a_run_has_found(shelf):
    run = experiment(shelf, vary={"prompt": ["a red cup"], "top_k": [2]}).run(progress=False)
    store = default_engine().store
    store.journal.write([("DELETE FROM request_refs", ()), ("UPDATE requests SET asked = '{}'", ())]).result()
    assert store.doctor().empty
    digests = {
        item["picture"]["sha256"] for (found,) in rows("SELECT found FROM retrievals") for item in json.loads(found)
    }
    held = referring(store.journal)
    assert {held[digest] for digest in digests} == {"run cups found it as a reference"}
    assert run.cells == 1


def test_a_process_that_is_killed_while_it_waits_leaves_its_references_to_the_next(tmp_path):
    shelf, log = make_shelf(tmp_path / "refs"), tmp_path / "calls.log"
    log.touch()
    command = [sys.executable, "-m", "tests.retrieval.feeding_child", str(tmp_path)]
    root = Path(__file__).parents[2]
    child = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)})
    try:
        until(lambda: child.poll() is not None or len(log.read_text().splitlines()) == 3, 60)
    finally:
        child.kill()
        child.wait()
    before = sorted(log.read_text().splitlines())
    assert len(before) == 3
    for path in (shelf.path / "pictures").iterdir():  # other pictures under the old names
        path.unlink()
    make_shelf(shelf.path, **{"plum-cup": "a red green blue cup cup cup"})
    log.write_text("")
    experiment_of_child(shelf, log, hang=False)  # registers the model
    run = ik.open_run("killed").resume().wait()
    assert run.table().status.tolist() == ["ok"] * 3
    assert sorted(log.read_text().splitlines()) == before
    assert shelf.searches == 0
    close_libraries()

"""What a newcomer stumbles over: misspelt arguments, hits as references, plans of what cannot work, grids."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.cli.making import _failures
from imagegen_kit.errors import InvalidInput
from imagegen_kit.experiments.files import read_experiment
from imagegen_kit.hookspecs import RetrieverSpec
from imagegen_kit.retrieval.base import Brief, Found
from imagegen_kit.retrieval.place import close_libraries


@pytest.fixture
def shelf(tmp_path):
    library = ik.Library.open(tmp_path / "refs")
    for colour in ("red", "blue", "green"):
        file = tmp_path / f"{colour}.png"
        Image.new("RGB", (16, 16), colour).save(file)
        library.add(file, id=f"{colour}-cup", name=colour.title(), caption=f"a {colour} cup")
    yield library
    library.close()
    close_libraries()


class Falling:
    name = "falling"

    def retrieve(self, library: object, brief: Brief) -> Found:
        raise RuntimeError("no <b>weights</b>")


@pytest.mark.parametrize(
    "ask",
    [
        lambda shelf: shelf.search("a cup", topk=3),
        lambda shelf: shelf.evaluate([{"text": "a cup", "relevant": ["red-cup"]}], topk=3),
        lambda shelf: shelf.query(topk=1),
        lambda shelf: ik.run(retrieving, library=shelf),
    ],
    ids=["search", "evaluate", "query", "retrieve"],
)
def test_a_misspelt_argument_is_told_with_the_near_one(shelf, ask):
    with pytest.raises(InvalidInput, match=r"no argument is called 'topk'. Did you mean 'top_k'\?"):
        ask(shelf)


async def retrieving(job, library):
    return await job.retrieve("a cup", library=library, topk=2)


def test_a_query_is_checked_whole_when_it_is_made(shelf):
    with pytest.raises(InvalidInput) as caught:
        shelf.query(top_k=0, where={"rol": 1}, diversity=3, retriever="hibryd", weights={"txt": 1})
    told = [fault.where for fault in caught.value.faults]
    assert told == ["top_k", "weights", "diversity", "where.rol", "retriever"]


def test_a_query_in_a_file_is_checked_when_the_file_is_read(shelf, tmp_path):
    file = tmp_path / "exp.yaml"
    file.write_text("vary: {prompt: [a]}\nfixed: {references: [{$query: refs, topk: 1, min_score: 7}]}\n")
    with pytest.raises(InvalidInput) as caught:
        read_experiment(file)
    assert [fault.where for fault in caught.value.faults] == ["topk", "min_score"]


def test_hits_are_references_alone_and_in_a_list(shelf):
    hits = shelf.search("a red cup", top_k=2)
    alone = ik.generate("a shelf", references=hits, size=(64, 64))
    assert [r.origin for r in alone.request.references] == hits.ids
    among = ik.generate("a shelf", references=[Image.new("RGB", (8, 8), "red"), hits[:1]], size=(64, 64))
    assert [r.origin for r in among.request.references] == [None, hits.ids[0]]


@pytest.mark.parametrize("wrap", [lambda hits: hits, lambda hits: [hits]], ids=["hits", "hits in a list"])
def test_hits_are_a_fixed_value_of_an_experiment(shelf, wrap):
    hits = shelf.search("a red cup", top_k=2)
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"references": wrap(hits), "size": 64}).run(progress=False)
    assert list(run.table()["reference_ids"][0]) == hits.ids
    again = ik.open_run(run.id)
    assert list(again.table()["reference_ids"][0]) == hits.ids


@pytest.mark.usefixtures("own_registry")
def test_a_plan_foresees_a_file_that_is_gone_and_a_retriever_that_fails(shelf):
    ik.register(RetrieverSpec("falling", target=Falling))
    Path(shelf.get("red-cup").picture.path).unlink()
    exp = ik.Experiment(
        vary={"retriever": ["hybrid", "falling"]},
        fixed={"prompt": "a red cup", "library": shelf, "top_k": 1, "size": 64},
    )
    gone, failing = exp.plan()["refused"]
    assert "The picture of 'red-cup'" in gone
    assert "no such file" in gone
    assert "the retriever 'falling' failed: RuntimeError" in failing
    assert not exp.plan()["lower_bound"].any()


def test_the_grid_of_a_run_names_references_under_their_picture(shelf):
    shelf.update("red-cup", name="<b>Red</b>")
    exp = ik.Experiment(vary={"top_k": [0, 1]}, fixed={"prompt": "a red cup", "library": shelf, "size": 64})
    shown = exp.run(progress=False)._repr_html_()
    assert shown.count("references: &lt;b&gt;Red&lt;/b&gt; ") == 1
    assert "<b>Red" not in shown


@pytest.mark.usefixtures("own_registry")
def test_the_shell_counts_cells_that_failed_before_any_request(shelf, tmp_path):
    ik.register(RetrieverSpec("falling", target=Falling))
    file = tmp_path / "exp.yaml"
    file.write_text("vary: {prompt: [a, b]}\nfixed: {library: refs, retriever: falling, size: 64}\n")
    done = ik.Experiment.from_yaml(file).run(progress=False)
    assert _failures(done) == (2, 2)

"""Retrieved references reach the request: after those given by hand, with their scores, fitted by score."""

from __future__ import annotations

import threading

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import CorruptArtifact, InvalidInput, StoreError
from tests.engine.models import model, rows
from tests.retrieval.shelf import make_shelf

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture
def shelf(tmp_path):
    model("lab/one", can=Capabilities(references=4, seed=True))
    model("pair/two", can=Capabilities(references=2))
    model("bare/none", can=Capabilities())
    return make_shelf(tmp_path / "refs")


def origins(result):
    return [r.origin for r in result.sent.references]


def ask(prompt="a red cup", **given):
    return ik.generate(prompt, **{"model": "lab/one", **given})


def test_the_best_references_for_the_prompt_are_sent_with_their_scores(shelf):
    result = ask(library=shelf, top_k=2)
    assert origins(result)[0] == "red-cup"
    assert [r.score for r in result.sent.references] == sorted((r.score for r in result.sent.references), reverse=True)
    assert result.sent.references[0].role == "character"
    table = result.table()
    assert table.reference_ids[0] == ("red-cup", origins(result)[1])
    assert table.reference_scores[0][0] == 1.0
    assert (table.library[0], table.top_k[0]) == ("refs", 2)


def test_without_a_number_a_library_gives_three_and_zero_is_none(shelf):
    assert len(ask("a red green blue yellow cup", library=shelf).sent.references) == 3
    assert ask(library=shelf, top_k=0).sent.references == ()
    assert ask().sent.references == ()


def test_references_given_by_hand_come_first_and_are_not_retrieved_again(shelf):
    mug, red = shelf.path / "pictures/blue-cup.png", shelf.get("red-cup")
    result = ask(references=[mug, red], library=shelf, top_k=2)
    assert origins(result)[:2] == [None, "red-cup"]
    assert origins(result)[2:] == ["green-cup", "yellow-cup"]


def test_a_picture_can_be_the_query(shelf):
    result = ask(
        "something else", references=[shelf.path / "pictures/green-cup.png"], library=shelf, top_k=1, query_by="image"
    )
    assert len(result.sent.references) == 2
    assert origins(result)[1] != "green-cup"  # it is given already


def test_a_query_among_the_references_is_resolved_in_its_place_with_the_prompt(shelf):
    first, last = shelf.path / "pictures/blue-cup.png", shelf.get("yellow-cup")
    result = ask(references=[first, shelf.query(top_k=1), last], model="lab/one")
    assert origins(result) == [None, "red-cup", "yellow-cup"]
    other = ask(references=[shelf.query(top_k=1, text="green"), shelf.query(top_k=2, where={"role": "character"})])
    assert origins(other) == ["green-cup", "red-cup"]


def test_the_lowest_scored_go_where_a_model_takes_fewer(shelf):
    hand = shelf.path / "pictures/yellow-cup.png"
    clamped = ask("a red cup", references=[shelf.query(top_k=3), hand], model="pair/two")
    assert origins(clamped) == ["red-cup", None]
    assert "references 4 → 2" in [str(a) for a in clamped.adaptations]
    styled = ask("a cup", references=[shelf.query(top_k=3), hand], model="pair/two", style="consistent-character")
    assert "reference pictures (Red: the red cup)." in styled.sent.prompt  # of the two that are sent, one has a name


def test_a_model_without_references_refuses_and_the_others_go_on(shelf):
    exp = ik.Experiment(
        vary={"model": ["lab/one", "bare/none"], "top_k": [0, 1]}, fixed={"library": shelf, "prompt": "a red cup"}
    )
    plan = exp.plan()
    assert [bool(text) for text in plan.refused] == [False, False, False, True]
    table = exp.run(progress=False).table()
    assert table.status.tolist() == ["ok", "ok", "ok", "failed"]
    assert "takes no reference pictures" in table.error[3]
    assert table.reference_ids.tolist() == [(), ("red-cup",), (), ()]


def test_a_summary_sets_the_numbers_of_references_side_by_side(shelf):
    exp = ik.Experiment(
        vary={"top_k": [0, 1, 3], "model": ["lab/one", "pair/two"]}, fixed={"library": shelf, "prompt": "a red cup"}
    )
    run = exp.run(progress=False)
    assert run.summary(by="top_k").pictures.to_dict() == {0: 2, 1: 2, 3: 2}
    assert run.summary(by=["model", "top_k"]).index.tolist()[0] == ("lab/one", 0)
    assert run.summary(by="library").index.tolist() == ["refs"]
    assert set(run.fairness().field) <= {"references", "seed"}


def test_fewer_hits_than_asked_are_said(shelf):
    result = ask("a red", library=shelf, top_k=3)
    assert "top_k 3 → 1 (comparable)" in [str(a) for a in result.adaptations]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"top_k": 2}, "top_k"),
        ({"library": "nowhere", "top_k": 1}, "library"),
        ({"library": 7}, "library"),
        ({"top_k": -1}, "top_k"),
        ({"top_k": 1.5}, "top_k"),
        ({"query_by": "smell"}, "query_by"),
        ({"retriever": "oracle"}, "retriever"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_before_anything_is_sent(shelf, given, where):
    with pytest.raises(InvalidInput) as caught:
        ask(**given)
    assert [f.where for f in caught.value.faults] == [where]
    assert rows("SELECT COUNT(*) FROM requests") == [(0,)]


def test_all_faults_are_told_at_once(shelf):
    with pytest.raises(InvalidInput) as caught:
        ask(top_k=-1, query_by="smell", library=7, seed=-1)
    assert {f.where for f in caught.value.faults} == {"top_k", "query_by", "library", "seed"}
    with pytest.raises(InvalidInput) as caught:
        ask(library=shelf, top_k=1, query_by="image")
    assert [f.where for f in caught.value.faults] == ["query_by"]
    with pytest.raises(InvalidInput) as caught:
        ik.Experiment(vary={"top_k": [0, 2], "prompt": ["a"]})
    assert "there is no library" in str(caught.value)
    with pytest.raises(InvalidInput, match="whole library"):
        ask(references=shelf)


@pytest.mark.parametrize(("harm", "error"), [("gone", StoreError), ("changed", CorruptArtifact)])
def test_a_found_picture_that_is_gone_or_changed_stops_the_ask_before_it_costs(shelf, harm, error):
    script = model("paid/one", price=0.5, can=Capabilities(references=4))
    path = shelf.path / "pictures/red-cup.png"
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes((shelf.path / "pictures/blue-cup.png").read_bytes())
    with pytest.raises(error, match=r"red-cup.*refs.*lib\.verify\(\)"):
        ask(model="paid/one", library=shelf, top_k=1)
    assert script.calls == 0
    assert rows("SELECT COUNT(*) FROM ledger") == [(0,)]


def test_a_recipe_retrieves_by_itself(shelf):
    async def two_cups(job, brief):
        found = await job.retrieve(brief, library=shelf, top_k=1)
        by_picture = await job.retrieve(library=shelf, image=found[0], query_by="image", top_k=2)
        return [r.origin for r in found], [r.origin for r in by_picture]

    assert ik.run(two_cups, brief="a blue cup") == (["blue-cup"], ["blue-cup", "green-cup"])


def test_the_same_ask_again_looks_again(shelf):
    result = ask(library=shelf, top_k=1)
    assert origins(result.again(seed=8)) == ["red-cup"]
    assert origins(result.again(prompt="a blue cup")) == ["blue-cup"]
    assert origins(result.again(top_k=2)) == ["red-cup", origins(ask(library=shelf, top_k=2))[1]]


def test_a_library_is_searched_in_the_threads_for_pictures(shelf):
    names = []
    search = shelf.search

    def watched(*asked, **more):
        names.append(threading.current_thread().name)
        return search(*asked, **more)

    shelf.search = watched
    ask(library=shelf, top_k=1)
    assert [name.rpartition("_")[0] for name in names] == ["imagegen-picture"]


def test_an_edit_keeps_its_picture_first(shelf):
    async def change(job, prompt):
        return await job.edit(shelf.path / "pictures/blue-cup.png", prompt, model="lab/one", library=shelf, top_k=1)

    assert origins(ik.run(change, prompt="a red cup")) == [None, "red-cup"]


def test_the_cells_of_a_grid_look_once_for_the_same(shelf):
    exp = ik.Experiment(
        vary={"model": ["lab/one", "pair/two"], "seed": [1, 2]},
        fixed={"library": shelf, "prompt": "a red cup", "top_k": 1},
    )
    exp.run(progress=False)
    assert shelf.searches == 1

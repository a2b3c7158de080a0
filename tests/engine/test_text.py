"""``job.ask``: answers in text go the way of pictures: fitted, cached, priced, journalled, resumed."""

from __future__ import annotations

import json

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.errors import InvalidInput, InvalidReply, UnsupportedRequest
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.types import Reply, TextRequest, Usage
from tests.engine.models import picture, rows

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "size": {"type": "integer"}}}

ALL = Capabilities(schema=True, references=2)


def writer(*answers: str, price: float | None = 0.01, can: Capabilities = ALL):
    """Register a text model that gives the answers one after the other; return the requests that it got."""
    got: list[TextRequest] = []

    class Writer:
        def __init__(self, account):
            pass

        async def ask(self, request, on_progress):
            got.append(request)
            return Reply(text=answers[min(len(got), len(answers)) - 1], usage=Usage(output_text_tokens=7))

    spec = ModelSpec("writer", kind="text", can=can, price=None if price is None else Price(price))
    ik.register(ProviderSpec("lab", models=(spec,), target=Writer, origin="local:lab"))
    return got


async def essay(job, *, about, system=None, schema=None, seed=None, sample=None, references=None):
    return await job.ask(
        about, model="lab/writer", system=system, schema=schema, seed=seed, sample=sample, references=references
    )


def test_an_answer_comes_with_its_cost_and_usage_and_is_on_disk():
    got = writer("Lisbon, at night")
    answer = ik.run(essay, about="a city", system="be brief")
    assert answer.text == "Lisbon, at night"
    assert answer.cost.usd == pytest.approx(0.01)
    assert answer.usage.output_text_tokens == 7
    assert (got[0].prompt, got[0].system) == ("a city", "be brief")
    with open(answer.artifacts[0].path, encoding="utf-8") as file:
        assert file.read() == "Lisbon, at night"


def test_the_same_question_is_answered_from_the_cache():
    got = writer("Lisbon", "Porto")
    first, second = (ik.run(essay, about="a city") for _ in range(2))
    assert (first.text, second.text, second.status, second.cost.usd) == ("Lisbon", "Lisbon", "cached", 0)
    assert len(got) == 1
    assert ik.run(essay, about="a city", sample=1).text == "Porto"


def test_an_answer_as_data_follows_a_schema():
    writer(json.dumps({"city": "Lisbon", "size": 3}))
    answer = ik.run(essay, about="a city", schema=CITY)
    assert answer.data == {"city": "Lisbon", "size": 3}
    assert answer.artifacts[0].format == "json"


def test_an_answer_that_is_no_json_is_an_error_and_was_paid():
    writer("Lisbon!")
    with pytest.raises(InvalidReply, match="asked for JSON"):
        ik.run(essay, about="a city", schema=CITY)
    assert rows("SELECT state, spent_usd FROM ledger") == [("settled", 0.01)]


def test_an_empty_answer_is_an_error():
    writer("  ")
    with pytest.raises(InvalidReply, match="without text"):
        ik.run(essay, about="a city")


def test_a_schema_is_refused_where_the_model_answers_in_free_text_only():
    got = writer("x", can=Capabilities())
    with pytest.raises(UnsupportedRequest, match="free text only"):
        ik.run(essay, about="a city", schema=CITY)
    assert got == []


def test_all_faults_of_a_question_are_told_at_once():
    writer("x")
    with pytest.raises(InvalidInput) as raised:
        ik.run(essay, about=" ", system=3, schema={"type": "array"})
    assert {f.where for f in raised.value.faults} == {"prompt", "system", "schema"}


def test_pictures_go_along_and_are_kept():
    got = writer("a grey square")
    ik.run(essay, about="what is this?", references=[picture(3)])
    assert len(got[0].references) == 1
    assert rows("SELECT COUNT(*) FROM request_refs") == [(1,)]


def test_a_picture_model_is_not_asked_for_text():
    async def wrong(job, *, about):
        return await job.ask(about, model="offline/collage")

    with pytest.raises(UnsupportedRequest, match="makes image, not text"):
        ik.run(wrong, about="x")


async def poem_and_picture(job, *, about):
    answer = await job.ask(about, model="lab/writer", schema=CITY)
    return await job.image(f"{answer.data['city']} at night", model="offline/poster")


def test_a_plan_goes_on_with_a_stand_in_and_says_that_it_is_a_lower_bound():
    got = writer("{}")
    plan = ik.Experiment(poem_and_picture, vary={"about": ["a city", "a sea"]}).plan()
    assert got == []
    assert plan["lower_bound"].all()
    assert plan["estimated_usd"].tolist() == [0.01, 0.01]
    assert plan["pictures"].tolist() == [1, 1]


def test_what_texts_cost_is_part_of_a_pictures_price_and_texts_are_no_pictures():
    writer(json.dumps({"city": "Lisbon"}))
    exp = ik.Experiment(poem_and_picture, vary={"about": ["a city", "a sea"]})
    assert exp.projection(1, 1)["usd_per_item"].tolist() == pytest.approx([0.01])
    run = exp.run(progress=False)
    assert run.projection(1, 1)["usd_per_item"].tolist() == pytest.approx([0.01])
    costs = run.costs(by="step")
    assert costs["pictures"].tolist() == [0, 2]
    assert costs["texts"].tolist() == [2, 0]
    assert costs["price_usd"].isna().tolist() == [True, False]


def test_a_resumed_run_does_not_ask_again():
    got = writer(json.dumps({"city": "Lisbon"}))
    exp = ik.Experiment(poem_and_picture, vary={"about": ["a city"]}, policy=ik.Policy(cache=False))
    run = exp.run(progress=False)
    rows("SELECT 1")
    ik.open_run("latest")._store.journal.write([("UPDATE cell_ends SET replaced = 1", ())]).result()
    again = exp.run(progress=False)
    assert len(got) == 1
    assert [r.status for r in again] == [r.status for r in run] == ["ok", "ok"]
    assert run[0].data == again[0].data == {"city": "Lisbon"}


def test_a_text_model_looks_at_references_that_are_looked_for(tmp_path):
    from tests.retrieval.shelf import make_shelf

    got = writer("red, and empty")
    shelf = make_shelf(tmp_path / "refs")
    ik.run(essay, about="what is in the red cup?", references=[shelf.query(top_k=1)])
    assert [r.origin for r in got[0].references] == ["red-cup"]

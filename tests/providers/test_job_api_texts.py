"""An HTTP endpoint that answers in text is a model of text as soon as a file describes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.catalog.job_api import load_job_api
from imagegen_kit.errors import InvalidInput, InvalidReply, ProviderError, RateLimited
from imagegen_kit.testing.simulators.job_api import JobApiSimulator
from imagegen_kit.testing.simulators.server import KEY

pytestmark = pytest.mark.usefixtures("own_registry")

PAGE = Path(__file__).parents[2] / "docs/job-apis.md"
FLOW = re.search(r"```yaml\n(# flow.yaml\n.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]


@pytest.fixture
def flow(tmp_path, monkeypatch):
    (tmp_path / "flow.yaml").write_text(FLOW + "blocked: {path: refused, billed: false}\n")
    with JobApiSimulator(load_job_api(tmp_path / "flow.yaml")) as simulator:
        monkeypatch.setenv("FLOW_URL", simulator.base_url)
        monkeypatch.setenv("FLOW_KEY", KEY)
        ik.register(tmp_path / "flow.yaml")
        yield simulator


async def said(job, prompt="a persona", system=None, **ask):
    return (await job.ask(prompt, model="flow/writer", system=system, **ask)).text


def test_the_endpoint_of_the_page_answers_over_http(flow):
    flow.answer = "Four photographs of the same person."
    assert ik.run(said, system="You write prompts.") == "Four photographs of the same person."
    submit = flow.ledger.submits[0]
    assert submit.json == {"question": "a persona", "overrideConfig": {"systemMessage": "You write prompts."}}
    assert submit.headers["authorization"] == f"Bearer {KEY}"


def test_the_same_question_is_paid_once(flow):
    assert ik.run(said) == ik.run(said)
    assert len(flow.ledger.submits) == 1


def test_an_instruction_without_a_field_goes_before_the_prompt(flow, tmp_path):
    (tmp_path / "plain.yaml").write_text(
        FLOW.replace("name: flow", "name: plain").replace("flow/writer", "plain/writer")
        .replace(', overrideConfig: {systemMessage: "{system}"}', "")
    )  # fmt: skip
    ik.register(tmp_path / "plain.yaml")

    async def asked(job):
        return await job.ask("a persona", model="plain/writer", system="You write prompts.")

    answer = ik.run(asked)
    assert flow.ledger.submits[0].json["question"] == "You write prompts.\n\na persona"
    assert [str(n) for n in answer.adaptations] == ["system put into the prompt"]


@pytest.mark.parametrize(
    ("mode", "error"), [("rate_limited_bare", RateLimited), ("not_json", InvalidReply), ("no_picture", InvalidReply)]
)
def test_failures_are_typed(flow, mode, error):
    flow.play(mode)
    with pytest.raises(error):
        ik.run(said, policy=ik.Policy(attempts=1))


def test_a_wrong_key_is_told_without_the_key(flow, monkeypatch):
    monkeypatch.setenv("FLOW_KEY", "another-key-of-mine")
    with pytest.raises(ProviderError) as caught:
        ik.run(said)
    assert "FLOW_KEY" in str(caught.value)
    assert "another-key-of-mine" not in str(caught.value)


def test_options_that_no_field_carries_are_refused(flow):
    with pytest.raises((InvalidInput, ProviderError), match="temperature"):
        ik.run(said, temperature=0.5)
    assert flow.ledger.submits == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kind: text}", "kind: url}"), "writer makes text, and output.kind is 'url'"),
        (("    kind: text\n", ""), "writer makes image, and output.kind is 'text'"),
        (
            ("error: message", "id: job\npoll: {url: '{base}/{id}', status: s, done: ok}\nerror: message"),
            "is read from",
        ),
    ],
    ids=["text without text", "a picture that is a text", "a poll"],
)
def test_the_validator_names_what_does_not_fit(tmp_path, change, words):
    (tmp_path / "flow.yaml").write_text(FLOW.replace(*change))
    with pytest.raises(InvalidInput, match=words):
        load_job_api(tmp_path / "flow.yaml")

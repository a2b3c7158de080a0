"""Shapes of services beyond the shipped ones, each as a user would write it down, and picture hosts that misbehave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from imagegen_kit.catalog.job_api import JobApi, load_job_api, shipped_job_apis
from imagegen_kit.errors import ContentBlocked, InvalidReply, ProviderError
from imagegen_kit.providers.job_api.plugin import provider_of
from imagegen_kit.testing.simulators.job_api import JobApiSimulator
from tests.providers.job_api_calls import Steps, ask, size_of, spec_of

if TYPE_CHECKING:
    from starlette.requests import Request

HEAD = """\
name: mine
as_of: "2026-11-21"
source: a test
base_url: https://api.example.com
key_env: MINE_KEY
models: {mine/one: {as_of: "2026-11-21", source: a test, can: {seed: true}}}
"""
SHAPES = {
    "key in the body, polled by POST, states true and false": """\
submit: {url: "{base}/start/v4", json: {apiKey: "{key}", modelKey: "{model}", modelInputs: {prompt: "{prompt}"}}}
id: callID
poll:
  url: "{base}/check/v4"
  method: POST
  json: {apiKey: "{key}", callID: "{id}"}
  status: finished
  pending: false
  done: true
output: {path: "modelOutputs[*].image_base64", kind: b64}
error: message
""",
    "another header, outputs as addresses": """\
headers: {x-api-key: "{key}"}
submit: {url: "{base}/api/v1/{model}", json: {prompt: "{prompt}"}}
id: request_id
poll: {url: "{base}/api/v1/predictions/{id}/result", status: status, pending: processing, done: completed}
output: {path: "outputs[*]", kind: url}
""",
    "an object that names the picture, no state while it runs": """\
headers: {Authorization: "Bearer {key}"}
submit: {url: "{base}/prompt", json: {prompt: {"6": {inputs: {text: "{prompt}"}}}}}
id: prompt_id
poll: {url: "{base}/history/{id}", status: "*.status.status_str", done: success, failed: error, every: 0.5}
output: {path: "*.outputs.*.images[*]", kind: ref, url: "{base}/pictures/{item.filename}/1.png"}
""",
    "202 while it runs, then the picture itself": """\
headers: {Authorization: "Bearer {key}"}
submit: {url: "{base}/upscale", multipart: {prompt: "{prompt}", seed: "{seed}"}}
id: id
poll: {url: "{base}/results/{id}", pending_http: 202}
output: {kind: bytes}
""",
    "at once, as a data URI, polled never": """\
headers: {Authorization: "Bearer {key}"}
submit: {url: "{base}/make", json: {text: "{prompt}", "*": "{options}"}}
output: {path: "images[0].uri", kind: data_uri}
""",
    "addresses from the reply, a result of its own": """\
headers: {Authorization: "Bearer {key}"}
submit: {url: "{base}/make", json: {text: "{prompt}"}}
poll: {url_from: links.status, status: state, pending: busy, done: ready}
result: {url_from: links.result}
output: {path: "pictures[*].href"}
""",
}


def own(text: str, tmp_path: Path) -> JobApi:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_job_api(path)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_service_of_another_shape_is_a_few_lines(shape: str, tmp_path: Path) -> None:
    api = own(shape, tmp_path)
    steps = Steps()
    with JobApiSimulator(api) as sim:
        reply = ask(sim, spec=provider_of(api), steps=steps)
        submits = [r for r in sim.ledger.requests if sim.jobs and b"a red cup" in r.body]
        assert sim.leaks == []
    assert size_of(reply.pictures[0]) == (512, 512)
    assert len(submits) == 1
    assert len(steps.sleeps) == (3 if api.poll else 0)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_cut_off_picture_is_noticed_whatever_the_shape(shape: str, tmp_path: Path) -> None:
    api = own(shape, tmp_path)
    with JobApiSimulator(api).play("truncated") as sim, pytest.raises(InvalidReply) as caught:
        ask(sim, spec=provider_of(api))
    assert caught.value.paid is True


def test_a_charge_that_the_service_reports_becomes_the_cost(tmp_path: Path) -> None:
    api = own(SHAPES["another header, outputs as addresses"] + "cost: {path: usage.credits, usd: 0.005}\n", tmp_path)
    with JobApiSimulator(api) as sim:
        assert ask(sim, spec=provider_of(api)).cost_usd == 0.01


def test_a_field_that_says_refused_is_a_refusal(tmp_path: Path) -> None:
    text = SHAPES["at once, as a data URI, polled never"] + "blocked: {path: filter.reason, values: [nsfw, gore]}\n"
    api = own(text, tmp_path)
    with JobApiSimulator(api).play("blocked_after") as sim, pytest.raises(ContentBlocked) as caught:
        ask(sim, spec=provider_of(api))
    assert caught.value.paid is True


OWN_WORDS = """\
headers: {x-ink-key: "{key}"}
submit: {url: "{base}/jobs", json: {text: "{prompt}", w: "{width}", page: {h: "{height}"}, luck: "{seed}"}}
id: id
poll: {url: "{base}/jobs/{id}", status: state, pending: waiting, done: done, moderated: refused, billed: refused}
result: {url: "{base}/jobs/{id}/picture"}
output: {kind: bytes}
cost: {path: usd, usd: 1}
"""


def test_a_picture_behind_a_further_address_has_its_cost_beside_the_status(tmp_path: Path) -> None:
    api = own(OWN_WORDS, tmp_path)
    with JobApiSimulator(api, polls=0) as sim:
        headers = {"x-ink-key": sim.key}
        with httpx2.Client(base_url=sim.base_url, headers=headers) as http:
            job = http.post("/jobs", json={"text": "a red cup"}).json()["id"]
            told, picture = http.get(f"/jobs/{job}"), http.get(f"/jobs/{job}/picture")
        assert ask(sim, spec=provider_of(api)).cost_usd == 2
    assert told.json() == {"state": "done", "usd": 2}
    assert size_of(picture.content) == (512, 512)


@pytest.mark.parametrize(
    ("old", "new"),
    [("", ""), ('w: "{width}", page: {h: "{height}"}', 'dims: "{size}"'), ("page: {h:", "page: {tall:")],
    ids=["apart", "in one", "another name"],
)
def test_the_size_is_read_from_the_field_that_the_file_gives_it(old: str, new: str, tmp_path: Path) -> None:
    api = own(OWN_WORDS.replace(old, new, 1), tmp_path)
    with JobApiSimulator(api) as sim:
        assert size_of(ask(sim, spec=provider_of(api), size="96x64").pictures[0]) == (96, 64)


def test_prompt_and_seed_of_any_name_make_the_picture(tmp_path: Path) -> None:
    api = own(OWN_WORDS, tmp_path)
    with JobApiSimulator(api) as sim:
        drawn = {
            ask(sim, spec=provider_of(api), prompt=prompt, seed=seed).pictures[0]
            for prompt in ("a red cup", "a blue cup")
            for seed in (1, 2, 1)
        }
    assert len(drawn) == 4


@pytest.mark.parametrize(("billed", "paid"), [(", billed: refused", True), ("", False)], ids=["billed", "free"])
def test_a_refusal_is_charged_where_the_file_says_so(billed: str, paid: bool, tmp_path: Path) -> None:
    api = own(OWN_WORDS.replace(", billed: refused", billed), tmp_path)
    with JobApiSimulator(api).play("blocked_before") as sim:
        with pytest.raises(ContentBlocked) as caught:
            ask(sim, spec=provider_of(api))
        assert len(sim.ledger.accepted) == int(paid)
    assert caught.value.paid is paid


class Hosting(JobApiSimulator):
    """A picture host that leads elsewhere: ``leads`` are the addresses, one after the other."""

    leads: tuple[str, ...] = ()
    body: bytes = b""

    async def _picture(self, request: Request) -> Any:
        from starlette.responses import RedirectResponse, Response

        if self.body:
            return Response(self.body, media_type="image/png")
        at = int(request.query_params.get("at", 0))
        if at < len(self.leads):
            return RedirectResponse(self.leads[at], 302)
        return await super()._picture(request)


def test_redirects_of_a_picture_are_followed_a_few_times_without_the_key() -> None:
    sim = Hosting("replicate")
    sim.leads = ("?at=1", "?at=2", "?at=3")
    with sim:
        assert size_of(ask(sim).pictures[0])[0] > 0
        assert sim.leaks == []


@pytest.mark.parametrize(
    ("leads", "said"),
    [
        (("?at=0",), "more than 3 times"),
        (("file:///etc/passwd",), "no https address"),
        (("ftp://127.0.0.1/x",), "no https address"),
        (("http://user:word@127.0.0.1/x",), "user or password"),
    ],
    ids=["in a circle", "to a file", "to ftp", "with a password"],
)
def test_redirects_that_lead_nowhere_good_are_not_followed(leads: tuple[str, ...], said: str) -> None:
    sim = Hosting("replicate")
    sim.leads = leads
    with sim, pytest.raises(ProviderError, match=said) as caught:
        ask(sim)
    assert caught.value.paid is not False
    assert len(sim.ledger.submits) == 1


def test_a_picture_larger_than_any_picture_is_not_read_to_its_end() -> None:
    sim = Hosting("replicate")
    sim.body = b"\x89PNG\r\n\x1a\n" + bytes(65 * 2**20)
    with sim, pytest.raises(InvalidReply, match="larger than 64 MiB"):
        ask(sim)


def test_a_service_that_answers_with_a_redirect_gets_no_key_elsewhere() -> None:
    class Moved(JobApiSimulator):
        async def _call(self, request: Request) -> Any:
            from starlette.responses import RedirectResponse

            return RedirectResponse("http://localhost:1/elsewhere", 307)

    with Moved("banana") as sim, pytest.raises(ProviderError, match="no redirect is followed with a key") as caught:
        ask(sim)
    assert caught.value.paid is False
    assert len(sim.ledger.requests) == 1


def test_at_another_address_a_service_has_no_further_hosts() -> None:
    api = replace(shipped_job_apis()["kie"], models=spec_of("kie").models)
    with JobApiSimulator("kie") as sim:
        provider = provider_of(api).target(_account(sim))
        assert provider.service.address(api.upload.url, {}, model="kie") == f"{sim.base_url}/api/file-base64-upload"
        with pytest.raises(Exception, match=r"kieai\.redpandaai\.co"):
            provider.service.hosts.with_key(api.upload.url)


def _account(sim: JobApiSimulator) -> Any:
    from pydantic import SecretStr

    from imagegen_kit.providers.base import Account

    return Account(key=SecretStr(sim.key), base_url=sim.base_url)

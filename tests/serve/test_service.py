"""The service over real HTTP: orders, events one by one, clients that leave, tokens, budgets, limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import InvalidInput
from imagegen_kit.serve.start import check_place
from imagegen_kit.testing import simulators  # noqa: F401  # the extra `serve` is there
from tests.engine.models import model, rows, until
from tests.serve.served import LAB, SKETCHES, events, service

TOKENS = ("first-token-of-a-test", "second-token-of-a-test")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ordered(client, prompt: str) -> int:
    """Order a picture and return the status of the answer."""
    return client.post("/generate", json={**LAB, "prompt": prompt}).status_code


def test_an_order_is_answered_with_a_picture_for_each_variant():
    model()
    with service() as (client, _):
        answer = client.post("/generate", json=SKETCHES).json()
        assert (answer["state"], answer["recipe"]) == ("done", "concept_sketches")
        assert len({made["variant"] for made in answer["pictures"]}) == 3
        made = answer["pictures"][0]
        assert made["failed_rules"]
        picture = client.get(made["path"])
        assert picture.headers["content-type"] == "image/png"
        assert ik.Picture.from_bytes(picture.content).sha256 == made["sha256"]


def test_an_order_of_a_model_without_its_key_is_refused():
    with service() as (client, _):
        refused = client.post("/generate", json={"recipe": "image", "model": "nano-banana", "prompt": "a cup"})
    assert refused.status_code == 422
    (fault,) = refused.json()["detail"]
    assert (fault["where"], "not ready" in fault["what"]) == ("model", True)
    assert fault["hint"].startswith("Set GEMINI_API_KEY")


def test_the_stream_tells_index_path_and_error_as_each_picture_comes():
    model("lab/one", None, ik.errors.ContentBlocked("not this"), seconds=0.01)
    with service() as (client, _), client.stream("POST", "/generate-stream", json={**LAB, "n": 2}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        told = list(events(response))
    assert [name for name, _ in told] == ["started", "picture", "picture", "finished"]
    made = {one["index"]: (bool(one["path"]), one["error"]) for name, one in told if name == "picture"}
    assert sorted(made.values(), key=str) == [(False, "not this"), (True, None)]
    assert told[-1][1]["run_id"] == told[0][1]["run_id"]


def test_a_picture_is_told_before_the_next_is_made():
    script = model(seconds=0.15, concurrency=1)
    with service() as (client, _), client.stream("POST", "/generate-stream", json={**LAB, "n": 3}) as response:
        calls = [script.calls for name, _told in events(response) if name == "picture"]
    assert calls[0] < 3


def test_a_client_that_leaves_loses_nothing_paid_and_buys_nothing_more():
    script = model(price=0.1, seconds=0.3, concurrency=1)
    with service() as (client, _):
        with client.stream("POST", "/generate-stream", json={**LAB, "n": 6}) as response:
            told = events(response)  # kept: an iterator that is let go closes the connection
            run_id = next(told)[1]["run_id"]
            until(lambda: script.calls == 1)
        until(lambda: len(client.get(f"/runs/{run_id}").json()["pictures"]) >= 1)
        answer = client.get(f"/runs/{run_id}").json()
        assert answer["state"] == "stopped"
        came = [made for made in answer["pictures"] if made["path"]]
        assert client.get(came[0]["path"]).status_code == 200
        assert len(came) == script.calls < 6
    assert rows("SELECT COUNT(*) FROM ledger WHERE state = 'settled'") == [(script.calls,)]


def test_a_client_that_leaves_frees_its_place(monkeypatch):
    monkeypatch.setenv("IMAGEGEN_SERVE_CONCURRENCY", "1")
    script = model(seconds=0.5)
    with service() as (client, _):
        with client.stream("POST", "/generate-stream", json=LAB) as response:
            told = events(response)
            next(told)
            refused = client.post("/generate", json=LAB)
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "2"
        until(lambda: script.open == 0)
        until(lambda: client.post("/generate", json={**LAB, "prompt": "another"}).status_code == 200, seconds=10)


def test_whoever_has_no_valid_token_gets_nothing():
    model()
    ik.configure(keys={"IMAGEGEN_SERVE_TOKEN": list(TOKENS)})
    with service() as (client, _):
        for headers in ({}, bearer("no-token-of-a-test-at-all")):
            for call in (("POST", "/generate"), ("POST", "/generate-stream"), ("GET", "/runs/a"), ("GET", "/metrics")):
                assert client.request(*call, json=LAB, headers=headers).status_code == 401
        assert client.get("/health").json()["status"] == "ok"
        assert client.post("/generate", json=LAB, headers=bearer(TOKENS[1])).status_code == 200


def test_a_token_sees_only_its_own_runs():
    model()
    ik.configure(keys={"IMAGEGEN_SERVE_TOKEN": list(TOKENS)})
    with service() as (client, _):
        answer = client.post("/generate", json=LAB, headers=bearer(TOKENS[0])).json()
        mine, path = f"/runs/{answer['run_id']}", answer["pictures"][0]["path"]
        assert [client.get(p, headers=bearer(TOKENS[0])).status_code for p in (mine, path)] == [200, 200]
        assert [client.get(p, headers=bearer(TOKENS[1])).status_code for p in (mine, path)] == [404, 404]


def test_a_run_that_was_not_ordered_here_is_not_shown():
    model()
    run_id = ik.run(ik.recipes.image, prompt="a secret", model="lab/one").run_id
    with service() as (client, _):
        assert client.get(f"/runs/{run_id}").status_code == 404


def test_a_budget_is_each_tokens_own_and_outlives_the_service(monkeypatch):
    monkeypatch.setenv("IMAGEGEN_SERVE_BUDGET_USD", "0.35")
    model(price=0.1)
    ik.configure(keys={"IMAGEGEN_SERVE_TOKEN": list(TOKENS)})
    with service() as (client, _):
        answer = client.post("/generate", json={**LAB, "n": 3}, headers=bearer(TOKENS[0])).json()
        assert answer["cost_usd"] == pytest.approx(0.3)
    with service() as (client, _):
        more = {**LAB, "prompt": "more"}
        refused = client.post("/generate", json=more, headers=bearer(TOKENS[0]))
        assert (refused.status_code, refused.json()["detail"][0]["where"]) == (402, "budget")
        assert client.post("/generate", json=more, headers=bearer(TOKENS[1])).status_code == 200


def test_orders_at_the_same_time_cannot_pass_the_budget_together(monkeypatch):
    monkeypatch.setenv("IMAGEGEN_SERVE_BUDGET_USD", "0.25")
    script = model(price=0.1, seconds=0.2)
    with service() as (client, _), ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(partial(ordered, client), ("one", "two", "three", "four")))
    assert sorted(codes) == [200, 200, 402, 402]
    assert script.calls == 2


def test_what_an_order_under_way_has_spent_is_not_counted_twice(monkeypatch):
    monkeypatch.setenv("IMAGEGEN_SERVE_BUDGET_USD", "0.25")
    script = model(price=0.1, seconds=0.5)
    with service() as (client, _), ThreadPoolExecutor(1) as pool:
        first = pool.submit(ordered, client, "first")
        until(lambda: script.open == 1)  # its money is set aside for the order and reserved in the ledger
        codes = [ordered(client, "second"), ordered(client, "third"), first.result()]
    assert codes == [200, 402, 200]
    assert script.calls == 2


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        ({**SKETCHES, "n": 2}, ["n"]),
        ({**SKETCHES, "n": 7, "style": 3}, ["n", "style"]),
        ({**LAB, "model": "no/such", "size": "huge"}, ["model", "size"]),
        ({**LAB, "library": "/etc"}, ["library"]),
        ({**SKETCHES, "store": "/tmp"}, ["store"]),
        ({**SKETCHES, "axes": ["depth"]}, ["axes"]),
        (
            {"brief": "", "n": 9, "style": "zz", "model": "q", "library": "../x", "top_k": 2, "foo": 1},
            ["brief", "foo", "library", "model", "n", "style"],
        ),
        ({**LAB, "model": "q", "library": "../x"}, ["library", "model"]),
        ({"recipe": "avatars", "n": 4.0}, ["recipe"]),
        ({**LAB, "n": 4.0, "foo": None}, ["foo"]),
    ],
    ids=[
        "two sketches",
        "two faults",
        "refused by the recipe",
        "a path",
        "unknown field",
        "unknown axis",
        "faults of form and of the recipe",
        "two names",
        "unknown recipe",
        "a whole number with a point",
    ],
)
def test_a_bad_order_is_refused_with_every_fault_and_nothing_is_sent(order, wrong):
    script = model()
    with service() as (client, _):
        for path in ("/generate", "/generate-stream"):
            refused = client.post(path, json=order)
            assert refused.status_code == 422
            told = refused.json()["detail"]
            assert sorted({fault["where"] for fault in told}) == sorted(wrong)
            assert all(fault["what"] and fault["hint"] for fault in told)
    assert script.calls == 0


def test_a_body_that_is_too_large_is_refused_whether_or_not_it_tells_its_length():
    with service() as (client, _):
        assert client.post("/generate", content=b"x" * 300_000).status_code == 413
        assert client.post("/generate", content=(b"x" * 1000 for _ in range(300))).status_code == 413


def test_only_json_is_taken_so_that_no_other_page_can_order_through_a_browser():
    script = model()
    with service() as (client, _):
        sent = client.post(
            "/generate", content=b'{"brief": "a", "model": "lab/one"}', headers={"Content-Type": "text/plain"}
        )
        assert sent.status_code == 422
        assert client.get("/health", headers={"Host": "evil.example"}).status_code == 400
    assert script.calls == 0


@pytest.mark.parametrize(
    ("content", "kind", "what", "hint"),
    [
        (b"{bad", "application/json", "it is no JSON", "Send an object"),
        (b'{"brief": "a"}', "text/plain", "it is not said to be JSON.", "Content-Type: application/json"),
        (b"[1]", "application/json", "valid dictionary", "Send an object"),
    ],
    ids=["no JSON", "another type", "a list"],
)
def test_a_body_that_is_no_order_is_told_as_such(content, kind, what, hint):
    with service() as (client, _):
        refused = client.post("/generate", content=content, headers={"Content-Type": kind})
    (fault,) = refused.json()["detail"]
    assert (refused.status_code, fault["where"]) == (422, "body")
    assert what in fault["what"]
    assert hint in fault["hint"]


def test_an_unknown_recipe_is_told_with_those_that_are_there():
    with service() as (client, _):
        (fault,) = client.post("/generate", json={"recipe": "avatars"}).json()["detail"]
    assert "avatars" in fault["what"]
    assert "concept_sketches" in fault["hint"]
    assert "image" in fault["hint"]


def test_metrics_count_orders_and_pictures():
    model(price=0.1)
    with service() as (client, _):
        client.post("/generate", json={**LAB, "n": 2})
        client.post("/generate", json={})
        text = client.get("/metrics").text
    assert 'imagegen_orders_total{outcome="done",recipe="image"} 1.0' in text
    assert 'imagegen_pictures_total{status="ok"} 2.0' in text
    assert "imagegen_spent_usd_total 0.2" in text
    assert 'imagegen_refused_total{status="422"} 1.0' in text


def test_metrics_count_what_was_made_for_a_client_that_has_left():
    script = model(price=0.1, seconds=0.3)
    with service() as (client, _):
        with client.stream("POST", "/generate-stream", json={**LAB, "n": 2}) as response:
            told = events(response)  # kept: an iterator that is let go closes the connection
            next(told)
            until(lambda: script.calls == 2)
        until(lambda: 'imagegen_pictures_total{status="ok"} 2.0' in client.get("/metrics").text)
        text = client.get("/metrics").text
    assert 'outcome="left"' in text
    assert "imagegen_spent_usd_total 0.2" in text


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "where"),
    [
        ("GET", "/nowhere", None, 404, "address"),
        ("PUT", "/generate", b"{}", 405, "address"),
        ("POST", "/generate", b"[" * 100_000, 400, "body"),
        ("POST", "/generate", b'"' + b"x" * 300_000 + b'"', 413, "body"),
    ],
)
def test_what_is_no_call_of_the_service_is_refused_in_the_form_of_all_others(method, path, body, status, where):
    with service() as (client, _):
        headers = {"Content-Type": "application/json"}
        refused = client.request(method, path, content=body, headers=headers)
        assert refused.status_code == status
        assert [fault["where"] for fault in refused.json()["detail"]] == [where]
        assert f'imagegen_refused_total{{status="{status}"}} 1.0' in client.get("/metrics").text


def test_a_service_whose_engine_is_closed_says_so():
    engine = default_engine()
    with service(engine=engine) as (client, _):
        close_default_engine()
        refused = client.post("/generate", json={"recipe": "image", "prompt": "a cup"})
    assert refused.status_code == 503
    assert refused.json()["detail"][0]["what"] == "its engine was closed."


def test_a_further_token_alone_is_a_token(monkeypatch):
    monkeypatch.setenv("IMAGEGEN_SERVE_TOKEN_2", TOKENS[1])
    model()
    with service() as (client, _):
        assert client.post("/generate", json=LAB).status_code == 401
        assert client.post("/generate", json=LAB, headers=bearer(TOKENS[1])).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org", "192.168.1.7"])
def test_others_are_let_in_only_with_a_token(host):
    with pytest.raises(InvalidInput, match="no token"):
        check_place(host, 8000)
    ik.configure(keys={"IMAGEGEN_SERVE_TOKEN": TOKENS[0]})
    check_place(host, 8000)


def test_a_token_that_can_be_guessed_is_refused():
    ik.configure(keys={"IMAGEGEN_SERVE_TOKEN": "short"})
    with pytest.raises(InvalidInput, match="shorter"):
        check_place("127.0.0.1", 8000)


def test_this_machine_alone_needs_no_token():
    for host in ("127.0.0.1", "localhost", "::1"):
        check_place(host, 0)


def test_a_stream_that_fails_half_way_says_so():
    model()

    with (
        service() as (client, _),
        client.stream("POST", "/generate-stream", json={**LAB, "seed": 2**31 - 1, "n": 2}) as sent,
    ):
        told = list(events(sent))
    assert [name for name, _ in told] == ["started", "failed"]
    assert "highest that services take" in told[-1][1]["error"]


def test_the_page_and_its_files_are_served():
    with service() as (client, _):
        found = {path: client.get(path) for path in ("/", "/page.js", "/page.css")}
    assert {path: answer.status_code for path, answer in found.items()} == dict.fromkeys(found, 200)
    assert "default-src 'none'" in found["/"].headers["content-security-policy"]

"""The simulated ComfyUI, asked over real HTTP: it refuses what ComfyUI refuses, in ComfyUI's words."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.providers.transport import certificates  # read once: to read them takes 50 ms a client
from imagegen_kit.testing.simulators.comfyui import ComfyUISimulator

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAPH: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["1", 1]}},
    "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 96, "height": 64, "batch_size": 1}},
    "4": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0], "seed": 7,
            "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        },
    },
    "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
    "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "x"}},
}  # fmt: skip


@pytest.fixture
def sim() -> Iterator[ComfyUISimulator]:
    with ComfyUISimulator() as running:
        yield running


@pytest.fixture
def http(sim: ComfyUISimulator) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=sim.base_url, timeout=10, verify=certificates()) as client:
        yield client


def graph(**changes: Any) -> dict[str, Any]:
    """GRAPH with ``node__input=value``; None takes an input away."""
    changed = copy.deepcopy(GRAPH)
    for place, value in changes.items():
        node, _, name = place.lstrip("n").partition("__")
        if value is None:
            del changed[node]["inputs"][name]
        else:
            changed[node]["inputs"][name] = value
    return changed


def submit(http: httpx2.Client, prompt: Any) -> httpx2.Response:
    return http.post("/prompt", json={"prompt": prompt, "client_id": "me"})


def finished(http: httpx2.Client, prompt: Any) -> dict[str, Any]:
    id = submit(http, prompt).json()["prompt_id"]
    return http.get(f"/history/{id}").json()[id]


def picture(http: httpx2.Client, prompt: Any) -> bytes:
    (image,) = finished(http, prompt)["outputs"]["6"]["images"]
    return http.get("/view", params=image).content


def test_a_sound_graph_becomes_a_picture_of_its_size(http: httpx2.Client, sim: ComfyUISimulator) -> None:
    assert Image.open(io.BytesIO(picture(http, GRAPH))).size == (96, 64)
    assert [charge.usd for charge in sim.ledger.accepted] == [0.0]


def test_the_picture_depends_on_seed_and_words_alone(http: httpx2.Client) -> None:
    drawn = [picture(http, graph(**change)) for change in ({}, {}, {"n4__seed": 8}, {"n2__text": "a dog"})]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_drawn_pictures_show_the_prompt_and_not_a_tint() -> None:
    with ComfyUISimulator(look="drawn") as sim, httpx2.Client(base_url=sim.base_url, timeout=10) as http:
        drawn = Image.open(io.BytesIO(picture(http, GRAPH)))
    assert drawn.size == (96, 64)
    assert len(drawn.convert("RGB").getcolors(96 * 64) or ()) > 300  # a tint has 256 shades at most


@pytest.mark.parametrize(
    ("changes", "node", "type", "details"),
    [
        ({"n4__steps": None}, "4", "required_input_missing", "steps"),
        ({"n4__steps": 0}, "4", "value_smaller_than_min", "steps"),
        ({"n4__seed": -1}, "4", "value_smaller_than_min", "seed"),
        ({"n4__cfg": "high"}, "4", "invalid_input_type", "cfg, 'high'"),
        ({"n4__sampler_name": "mine"}, "4", "value_not_in_list", "sampler_name: 'mine' not in ['euler'"),
        ({"n1__ckpt_name": "x.ckpt"}, "1", "value_not_in_list", "ckpt_name: 'x.ckpt' not in ['v1-5"),
        ({"n5__samples": ["44", 0]}, "5", "exception_during_validation", "'44'"),
        ({"n5__samples": ["1", 7]}, "5", "exception_during_validation", "output 7 of node 1"),
        ({"n5__samples": ["4"]}, "5", "bad_linked_input", "samples"),
        ({"n5__samples": ["1", 0]}, "5", "return_type_mismatch", "received_type(MODEL) mismatch input_type(LATENT)"),
        ({"n4__model": "sdxl"}, "4", "invalid_input_type", "model, 'sdxl'"),
    ],
    ids=["missing", "small", "seed", "text", "sampler", "checkpoint", "dangling", "slot", "short", "kind", "no-link"],
)
def test_a_faulty_node_is_refused_with_its_id_and_reason(
    http: httpx2.Client, sim: ComfyUISimulator, changes: dict[str, Any], node: str, type: str, details: str
) -> None:
    answer = submit(http, graph(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "prompt_outputs_failed_validation"
    (fault,) = answer.json()["node_errors"][node]["errors"]
    assert fault["type"] == type
    assert details in fault["details"]
    assert answer.json()["node_errors"][node]["dependent_outputs"] == ["6"]
    assert sim.ledger.accepted == []


@pytest.mark.parametrize(
    ("prompt", "type"),
    [
        ({"1": {"class_type": "MyNode", "inputs": {}}}, "missing_node_type"),
        ({"1": {"inputs": {}}}, "invalid_prompt"),
        ({"1": GRAPH["1"]}, "prompt_no_outputs"),
        ([], "invalid_prompt"),
    ],
    ids=["unknown-class", "no-class", "no-output", "list"],
)
def test_a_graph_that_cannot_be_run_at_all_is_refused_as_a_whole(http: httpx2.Client, prompt: Any, type: str) -> None:
    answer = submit(http, prompt)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, type)


def test_a_body_without_prompt_is_refused(http: httpx2.Client) -> None:
    assert http.post("/prompt", json={"graph": GRAPH}).json()["error"]["type"] == "no_prompt"


def test_one_sound_output_is_enough_and_the_other_is_told(http: httpx2.Client) -> None:
    both = {**GRAPH, "7": {"class_type": "PreviewImage", "inputs": {}}}
    answer = submit(http, both)
    assert answer.status_code == 200
    assert list(answer.json()["node_errors"]) == ["7"]


def test_jobs_are_drawn_one_after_the_other() -> None:
    with ComfyUISimulator(latency=30) as sim, httpx2.Client(base_url=sim.base_url) as http:
        first, second, third = (submit(http, GRAPH).json()["prompt_id"] for _ in range(3))
        http.post("/queue", json={"delete": [second]})
        queue = http.get("/queue").json()
        assert [job[1] for job in queue["queue_running"]] == [first]
        assert [job[1] for job in queue["queue_pending"]] == [third]
        assert http.get(f"/history/{first}").json() == {}


def test_interrupting_ends_only_the_job_that_is_named(http: httpx2.Client, sim: ComfyUISimulator) -> None:
    sim.play("never_ends")
    id = submit(http, GRAPH).json()["prompt_id"]
    http.post("/interrupt", json={"prompt_id": "another"})
    assert http.get(f"/history/{id}").json() == {}
    http.post("/interrupt")
    status = http.get(f"/history/{id}").json()[id]["status"]
    assert (status["status_str"], status["messages"][-1][0]) == ("error", "execution_interrupted")


def test_an_uploaded_picture_can_be_loaded_and_seen(http: httpx2.Client) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 24), "red").save(file, "PNG")
    unknown = graph(n5__samples=None)
    unknown["5"] = {"class_type": "LoadImage", "inputs": {"image": "mine/a.png"}}
    assert "Invalid image file" in submit(http, unknown).text
    sent = http.post("/upload/image", files={"image": ("a.png", file.getvalue())}, data={"subfolder": "mine"})
    assert sent.json() == {"name": "a.png", "subfolder": "mine", "type": "input"}
    assert http.get("/view", params={"filename": "a.png", "subfolder": "mine", "type": "input"}).content
    assert Image.open(io.BytesIO(picture(http, unknown))).size == (40, 24)


def test_another_picture_of_the_same_name_gets_another_unless_it_may_replace_it(http: httpx2.Client) -> None:
    def send(data: bytes, **fields: str) -> str:
        return http.post("/upload/image", files={"image": ("a.png", data)}, data=fields).json()["name"]

    assert [send(b"1"), send(b"1"), send(b"2"), send(b"3", overwrite="true")] == [
        "a.png",
        "a.png",
        "a (1).png",
        "a.png",
    ]


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", ""])
def test_a_path_that_leads_elsewhere_is_refused(http: httpx2.Client, name: str) -> None:
    assert http.get("/view", params={"filename": name}).status_code in (400, 404)


@pytest.mark.parametrize(
    ("mode", "status"), [("unavailable", 503), ("error_500", 500), ("html_502", 502), ("not_json", 200)], ids=str
)
def test_a_fault_is_played_once(http: httpx2.Client, sim: ComfyUISimulator, mode: str, status: int) -> None:
    sim.play(mode)
    assert submit(http, GRAPH).status_code == status
    assert submit(http, GRAPH).json()["node_errors"] == {}


def test_a_dropped_call_was_taken(http: httpx2.Client, sim: ComfyUISimulator) -> None:
    sim.play("drop")
    with pytest.raises(httpx2.TransportError):
        submit(http, GRAPH)
    assert len(sim.ledger.accepted) == 1


def test_a_failed_job_names_its_node(http: httpx2.Client, sim: ComfyUISimulator) -> None:
    sim.play("job_failed")
    status = finished(http, GRAPH)["status"]
    assert status["status_str"] == "error"
    assert status["messages"][-1][1]["exception_message"]


def test_a_mode_that_nobody_knows_is_refused(sim: ComfyUISimulator) -> None:
    with pytest.raises(InvalidInput, match="job_failed"):
        sim.play("job_fails")

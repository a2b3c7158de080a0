"""The provider against a simulated server, over real HTTP: one call, one job, one picture; and what fails."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from imagegen_kit_comfyui.provider import ComfyUI
from PIL import Image

from imagegen_kit import errors
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers import Accepted, Account, ImageRequest, Progress, Reply
from imagegen_kit.testing.simulators.comfyui import ComfyUISimulator
from imagegen_kit.types import Reference, Size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

INPAINT = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
    "3": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "4": {"class_type": "LoadImageMask", "inputs": {"image": "m.png", "channel": "red"}},
    "5": {
        "class_type": "VAEEncodeForInpaint",
        "inputs": {"pixels": ["3", 0], "vae": ["1", 2], "mask": ["4", 0], "grow_mask_by": 6},
    },
    "6": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["5", 0], "seed": 7,
            "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        },
    },
    "7": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["1", 2]}},
    "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0], "filename_prefix": "x"}},
}  # fmt: skip


class Clock:
    """Waits only a moment, and keeps how long it was asked to."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0.001)

    async def pace(self, seconds: float) -> None:
        raise AssertionError("only offline models pretend to take time")


class Sink:
    """What the engine passes as ``on_progress``: keeps what it is told, and what the server had seen by then."""

    def __init__(self, sim: ComfyUISimulator | None = None) -> None:
        self.clock, self.sim = Clock(), sim
        self.events: list[Any] = []
        self.told = asyncio.Event()
        self.paths_before: list[str] = []

    async def __call__(self, event: Accepted | Progress) -> None:
        self.events.append(event)
        if isinstance(event, Accepted) and self.sim is not None:
            await asyncio.sleep(0.02)  # a commit takes its time; nothing may be polled meanwhile
            self.paths_before = [r.path for r in self.sim.ledger.requests]
        if isinstance(event, Progress):
            self.told.set()

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Progress)]

    @property
    def job_id(self) -> str:
        return next(event.job_id for event in self.events if isinstance(event, Accepted))


@pytest.fixture
def sim() -> Iterator[ComfyUISimulator]:
    with ComfyUISimulator() as running:
        yield running


def ask(model: str = "text-to-image", **fields: Any) -> ImageRequest:
    return ImageRequest(**{"prompt": "a cat", "model": f"comfyui/{model}", "size": Size(64, 48), **fields})


def reference(size: tuple[int, int] = (40, 24), **given: Any) -> Reference:
    return Reference(open_picture(Image.new("RGB", size, "red")), **given)


def using(sim: ComfyUISimulator, work: Callable[[ComfyUI], Awaitable[Any]], **settings: str) -> Any:
    async def run() -> Any:
        provider = ComfyUI(Account(base_url=sim.base_url, settings=settings))
        try:
            return await asyncio.wait_for(work(provider), 20)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def draw(sim: ComfyUISimulator, request: ImageRequest, sink: Sink | None = None, **settings: str) -> Reply:
    return using(sim, lambda provider: provider.generate(request, sink or Sink()), **settings)


def size(reply: Reply) -> tuple[int, int]:
    return Image.open(io.BytesIO(reply.pictures[0])).size


def submitted(sim: ComfyUISimulator) -> list[Any]:
    return [r.json for r in sim.ledger.requests if r.path == "/prompt"]


def test_a_request_becomes_one_prompt_with_its_words_seed_and_size(sim: ComfyUISimulator) -> None:
    reply = draw(sim, ask(negative_prompt="a dog", seed=7, options={"steps": 4}))
    (body,) = submitted(sim)
    graph = body["prompt"]
    assert set(body) == {"prompt", "client_id"}
    assert (graph["6"]["inputs"]["text"], graph["7"]["inputs"]["text"]) == ("a cat", "a dog")
    assert (graph["3"]["inputs"]["seed"], graph["3"]["inputs"]["steps"]) == (7, 4)
    assert size(reply) == (64, 48)
    assert (reply.seed_used, reply.adaptations) == (7, ())
    assert [charge.usd for charge in sim.ledger.accepted] == [0.0]


def test_the_job_is_committed_before_the_first_poll(sim: ComfyUISimulator) -> None:
    sink = Sink(sim)
    draw(sim, ask(), sink)
    assert sink.paths_before == ["/prompt"]
    assert sink.job_id == sim.ledger.accepted[0].job_id


def test_without_a_seed_a_random_one_is_used_and_told(sim: ComfyUISimulator) -> None:
    replies = [draw(sim, ask()) for _ in range(2)]
    assert [body["prompt"]["3"]["inputs"]["seed"] for body in submitted(sim)] == [r.seed_used for r in replies]
    assert replies[0].seed_used != replies[1].seed_used


def test_a_reference_is_uploaded_under_a_name_made_of_its_contents(sim: ComfyUISimulator) -> None:
    first = reference()
    drawn = draw(sim, ask("image-to-image", references=(first,), size=None, seed=1))
    name = f"imagegen-kit/{first.picture.sha256[:24]}.png"
    assert submitted(sim)[0]["prompt"]["10"]["inputs"]["image"] == name
    assert sim.uploads == {name: open_picture(first.picture).bytes}
    assert size(drawn) == (40, 24)
    assert size(draw(sim, ask("image-to-image", references=(first,)))) == (64, 48)


def test_a_mask_arrives_as_white_on_black_without_transparency(sim: ComfyUISimulator, tmp_path: Path) -> None:
    (tmp_path / "inpaint.json").write_text(json.dumps(INPAINT))
    mask = Image.new("RGBA", (40, 24), (0, 0, 0, 0))
    mask.paste((255, 255, 255, 255), (20, 0, 40, 24))
    request = ask("inpaint", references=(reference(),), mask=open_picture(mask), size=None)
    draw(sim, request, IMAGEGEN_COMFYUI_WORKFLOWS=str(tmp_path))
    name = submitted(sim)[0]["prompt"]["4"]["inputs"]["image"]
    sent = Image.open(io.BytesIO(sim.uploads[name]))
    assert (sent.mode, sent.getpixel((5, 5)), sent.getpixel((30, 5))) == ("RGB", (0, 0, 0), (255, 255, 255))


def test_a_size_without_a_place_is_told_as_dropped(sim: ComfyUISimulator, tmp_path: Path) -> None:
    (tmp_path / "inpaint.json").write_text(json.dumps(INPAINT))
    request = ask("inpaint", references=(reference(),), mask=reference().picture)
    reply = draw(sim, request, IMAGEGEN_COMFYUI_WORKFLOWS=str(tmp_path))
    assert [(a.field, a.asked, a.how) for a in reply.adaptations] == [("size", "64x48", "dropped")]


@pytest.mark.parametrize("mask", [None, reference().picture], ids=["neither", "mask-alone"])
def test_a_workflow_never_draws_with_somebody_elses_picture(sim: ComfyUISimulator, tmp_path: Path, mask: Any) -> None:
    (tmp_path / "inpaint.json").write_text(json.dumps(INPAINT))
    with pytest.raises(errors.UnsupportedRequest, match="comfyui/inpaint needs 1 reference picture, 0 given"):
        draw(sim, ask("inpaint", mask=mask), IMAGEGEN_COMFYUI_WORKFLOWS=str(tmp_path))
    assert sim.ledger.requests == []


def test_the_place_in_the_queue_is_told(sim: ComfyUISimulator) -> None:
    sim.play("never_ends", "never_ends", "never_ends")

    async def work(provider: ComfyUI) -> None:
        sinks = [Sink() for _ in range(3)]
        calls = []
        for sink in sinks:
            calls.append(asyncio.create_task(provider.generate(ask(), sink)))
            await sink.told.wait()
        first, second, third = sinks
        assert third.texts == ["waiting, 2 before it"]
        for sink in (first, second):
            third.told.clear()
            await provider.cancel(sink.job_id)
            await third.told.wait()
        await provider.cancel(third.job_id)
        await asyncio.gather(*calls, return_exceptions=True)
        assert third.texts == ["waiting, 2 before it", "waiting, 1 before it", "drawing"]
        assert first.texts == ["drawing"]

    using(sim, work)


def test_a_job_is_asked_for_ever_more_seldom_and_not_for_ever(sim: ComfyUISimulator) -> None:
    sim.play("never_ends")
    sink = Sink()
    with pytest.raises(errors.RequestTimeout, match=r"has not ended after 600 s \(drawing\)") as caught:
        draw(sim, ask(), sink)
    waits = sink.clock.waits
    assert (waits[0], waits[-1]) == (0.1, 5.0)
    assert waits == sorted(waits)
    assert 600 <= sum(waits) < 605
    assert caught.value.paid is None  # the engine looks it up


def test_the_servers_own_seconds_are_the_usage() -> None:
    with ComfyUISimulator(latency=0.05) as sim:
        reply = draw(sim, ask())
    assert reply.usage is not None
    assert reply.usage.seconds == pytest.approx(0.05)


def test_collect_fetches_the_same_picture_with_another_provider_and_submits_nothing(sim: ComfyUISimulator) -> None:
    sink = Sink()
    first = draw(sim, ask(seed=7), sink)
    again = using(sim, lambda provider: provider.collect(sink.job_id, ask(seed=7), Sink()))
    assert again.pictures == first.pictures
    assert len(submitted(sim)) == 1


def test_cancel_takes_a_waiting_job_out_and_interrupts_a_running_one_of_ours_only(sim: ComfyUISimulator) -> None:
    sim.play("never_ends", "never_ends", "never_ends")

    async def work(provider: ComfyUI) -> list[Any]:
        sinks = [Sink() for _ in range(3)]
        calls = []
        for sink in sinks:
            calls.append(asyncio.create_task(provider.generate(ask(), sink)))
            await sink.told.wait()
        running, waiting, other = (sink.job_id for sink in sinks)
        await provider.cancel("somebody-elses")
        assert await left(provider) == ((running,), (waiting, other))
        await provider.cancel(waiting)
        assert await left(provider) == ((running,), (other,))
        await provider.cancel(running)
        assert await left(provider) == ((other,), ())
        await provider.cancel(other)
        return await asyncio.gather(*calls, return_exceptions=True)

    async def left(provider: ComfyUI) -> tuple[Any, Any]:
        queue = await provider._server.queue("test")
        return queue.running, queue.pending

    interrupted, deleted, _ = using(sim, work)
    named = [r.json for r in sim.ledger.requests if r.path == "/interrupt"]
    assert [list(body) for body in named] == [["prompt_id"], ["prompt_id"]]
    assert "was interrupted on the server" in str(interrupted)
    assert "no longer knows the job" in str(deleted)
    assert not [
        r for r in sim.ledger.requests if r.path == "/interrupt" and r.json != {"prompt_id": r.json["prompt_id"]}
    ]


FAULTS: list[tuple[str, type[errors.ProviderError], str, bool | None, bool]] = [
    ("unavailable", errors.ServiceUnavailable, "answered 503", False, True),
    ("error_500", errors.OutcomeUnknown, "answered 500", None, False),
    ("html_502", errors.OutcomeUnknown, "answered 502. It may", None, False),
    ("not_json", errors.InvalidReply, "not JSON; is this address a ComfyUI server", True, False),
    ("drop", errors.OutcomeUnknown, "connection broke after the request was sent", None, False),
    ("no_picture", errors.NoPictureReturned, "its node 9 made no picture", True, False),
    ("wrong_content_type", errors.InvalidReply, "came as text/html", True, False),
    ("expired_result", errors.NoPictureReturned, "is no longer on the server", True, False),
    ("job_failed", errors.ProviderError, r"node 3 \(KSampler\) failed: mat1 and mat2", False, False),
    ("interrupted", errors.ProviderError, "was interrupted on the server", False, False),
    ("unknown_status", errors.ProviderError, "the workflow failed: status 'paused'", False, False),
    ("forgotten", errors.ProviderError, "no longer knows the job", False, True),
]


@pytest.mark.parametrize(("mode", "kind", "words", "paid", "retryable"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_each_fault_becomes_its_error_and_the_call_is_made_once(
    sim: ComfyUISimulator,
    mode: str,
    kind: type[errors.ProviderError],
    words: str,
    paid: bool | None,
    retryable: bool,
) -> None:
    sim.play(mode)
    with pytest.raises(kind, match=words) as caught:
        draw(sim, ask())
    assert type(caught.value) is kind
    assert (caught.value.paid, caught.value.retryable) == (paid, retryable)
    assert "comfyui/text-to-image" in str(caught.value)
    assert len(submitted(sim)) == 1


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["slow", "never_ends"])
def test_a_server_that_never_answers_can_be_left(sim: ComfyUISimulator, mode: str) -> None:
    sim.play(mode)

    async def work(provider: ComfyUI) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await provider.generate(ask(), Sink())

    using(sim, work)
    assert len(sim.ledger.accepted) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"checkpoint": "mine.ckpt"},
            r"node 4 \(CheckpointLoaderSimple\): Value not in list: ckpt_name: 'mine.ckpt' not in",
        ),
        ({"steps": 0}, r"node 3 \(KSampler\): Value 0 smaller than min of 1: steps"),
    ],
    ids=["checkpoint", "steps"],
)
def test_a_refused_graph_names_node_and_reason(sim: ComfyUISimulator, options: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.ProviderError, match=words) as caught:
        draw(sim, ask(options=options))
    assert (caught.value.status, caught.value.paid, caught.value.retryable) == (400, False, False)
    assert sim.ledger.accepted == []


def test_a_node_that_the_server_does_not_have_is_named(sim: ComfyUISimulator, tmp_path: Path) -> None:
    graph = {**INPAINT, "20": {"class_type": "MyNode", "inputs": {}}}
    (tmp_path / "flow.json").write_text(json.dumps(graph))
    request = ask("flow", references=(reference(),), mask=reference().picture)
    with pytest.raises(errors.ProviderError, match="Node 'MyNode' not found"):
        draw(sim, request, IMAGEGEN_COMFYUI_WORKFLOWS=str(tmp_path))


def test_a_job_whose_own_output_was_refused_is_taken_back(sim: ComfyUISimulator, tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(
        json.dumps({**INPAINT, "9": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}})
    )
    (tmp_path / "flow.yaml").write_text(
        "prompt: 2.text\noutput: 8\nreferences: [3.image]\nmask: 4.image\noptions:\n  steps: {at: 6.steps, about: x}\n"
    )
    sink = Sink()
    request = ask("flow", references=(reference(),), mask=reference().picture, options={"steps": 0})
    with pytest.raises(errors.ProviderError, match=r"refused the output of the workflow: node 6 \(KSampler\): Value 0"):
        draw(sim, request, sink, IMAGEGEN_COMFYUI_WORKFLOWS=str(tmp_path))
    assert sink.events == []


def test_no_server_says_how_to_start_one_and_never_shows_a_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def work() -> None:
        provider = ComfyUI(Account(base_url=f"http://me:hidden@127.0.0.1:{port}/"))
        try:
            await provider.generate(ask(), Sink())
        finally:
            await provider.aclose()

    with pytest.raises(
        errors.ServiceUnavailable, match=rf"answers at http://127.0.0.1:{port}/?\. Start it .*COMFYUI_URL"
    ) as caught:
        asyncio.run(work())
    assert "hidden" not in str(caught.value)
    assert (caught.value.paid, caught.value.retryable) == (False, True)


def test_user_and_password_of_the_address_are_sent_and_never_logged(
    sim: ComfyUISimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    async def work() -> None:
        provider = ComfyUI(Account(base_url=sim.base_url.replace("//", "//me:hid%20den@")))
        await provider.generate(ask(), Sink())
        await provider.aclose()

    asyncio.run(work())
    sent = {request.headers["authorization"] for request in sim.ledger.requests}
    assert sent == {"Basic " + base64.b64encode(b"me:hid den").decode()}
    assert "hid" not in caplog.text


def test_a_server_that_dies_while_a_job_runs_leaves_it_to_be_looked_up(sim: ComfyUISimulator) -> None:
    sim.play("never_ends")

    async def work(provider: ComfyUI) -> None:
        sink = Sink()
        call = asyncio.create_task(provider.generate(ask(), sink))
        await sink.told.wait()
        await asyncio.to_thread(sim.stop)
        with pytest.raises(errors.OutcomeUnknown, match="asking for an accepted job") as caught:
            await call
        assert caught.value.paid is None

    using(sim, work)


def test_a_broken_workflow_is_told_when_it_is_asked(sim: ComfyUISimulator, tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text("{}")
    with pytest.raises(errors.InvalidInput, match=r"flow\.json:1: holds no nodes"):
        draw(sim, ask("flow"), IMAGEGEN_COMFYUI_WORKFLOWS=str(tmp_path))

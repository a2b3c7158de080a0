"""Pictures from a real pipeline of random weights: loaded, drawn, batched, stopped."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from imagegen_kit_diffusers.asks import read_request
from imagegen_kit_diffusers.loading import Pipelines
from imagegen_kit_diffusers.models import Model
from imagegen_kit_diffusers.provider import Diffusers
from imagegen_kit_diffusers.worker import Job, Worker
from PIL import Image, ImageDraw

from imagegen_kit.errors import ContentBlocked, ProviderError, UnsupportedRequest
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers import Account, ImageRequest, Progress, Reply
from imagegen_kit.types import Reference, Size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

SMALL: dict[str, Any] = {"size": Size(64, 64), "options": {"steps": 2}}


class Sink:
    """What the engine passes as ``on_progress``: keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.told = asyncio.Event()

    async def __call__(self, event: object) -> None:
        self.events.append(event)
        self.told.set()


@pytest.fixture
def account(tiny: Path) -> Account:
    return Account(settings={"IMAGEGEN_DIFFUSERS_MODELS": f"tiny={tiny}", "IMAGEGEN_DIFFUSERS_DEVICE": "cpu"})


def ask(prompt: str = "a cat", model: str = "tiny", **fields: Any) -> ImageRequest:
    return ImageRequest(prompt=prompt, model=f"diffusers/{model}", **{**SMALL, **fields})


def using(account: Account, work: Callable[[Diffusers], Awaitable[Any]]) -> Any:
    """Run ``work`` with a provider that is closed afterwards."""

    async def run() -> Any:
        provider = Diffusers(account)
        try:
            return await work(provider)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def draw(account: Account, *requests: ImageRequest) -> list[Reply]:
    async def work(provider: Diffusers) -> list[Reply]:
        return await asyncio.gather(*(provider.generate(request, Sink()) for request in requests))

    return using(account, work)


def pixels(reply: Reply) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(reply.pictures[0])).convert("RGB")).astype(int)


def photo(side: int = 96) -> Image.Image:
    return Image.linear_gradient("L").resize((side, side)).convert("RGB")


def reference(image: Image.Image | None = None) -> tuple[Reference, ...]:
    return (Reference(open_picture(image or photo())),)


def half_mask(side: int = 64) -> Any:
    mask = Image.new("RGB", (side, side))
    ImageDraw.Draw(mask).rectangle((side // 2, 0, side, side), "white")
    return open_picture(mask)


def test_it_draws_the_size_that_was_asked(account: Account) -> None:
    square, wide = draw(account, ask(), ask(size=Size(96, 64)))
    assert pixels(square).shape == (64, 64, 3)
    assert pixels(wide).shape == (64, 96, 3)
    assert pixels(square).std() > 5


def test_the_same_seed_draws_the_same_picture_and_another_seed_another(account: Account) -> None:
    first, again, other = (draw(account, ask(seed=seed))[0] for seed in (7, 7, 8))
    assert first.pictures == again.pictures
    assert first.seed_used == 7
    assert np.abs(pixels(first) - pixels(other)).mean() > 1


def test_a_request_without_a_seed_tells_which_one_it_used(account: Account) -> None:
    (reply,) = draw(account, ask())
    (again,) = draw(account, ask(seed=reply.seed_used))
    assert reply.pictures == again.pictures


def test_a_seed_is_the_same_picture_alone_and_in_a_batch(account: Account) -> None:
    (alone,) = draw(account, ask(seed=7))
    batched = draw(account, *(ask(f"number {seed}" if seed != 7 else "a cat", seed=seed) for seed in (5, 6, 7, 8)))
    difference = np.abs(pixels(alone) - pixels(batched[2]))
    assert difference.max() <= 1  # of 255: sums of a batch are rounded in another order
    assert (difference > 0).mean() < 0.01
    assert np.abs(pixels(alone) - pixels(batched[0])).mean() > 1


def test_the_price_is_time_on_this_machine(account: Account) -> None:
    (reply,) = draw(account, ask())
    assert reply.usage is not None
    assert reply.usage.seconds is not None
    assert 0 < reply.usage.seconds < 60
    assert reply.cost_usd is None


def test_every_step_is_told(account: Account) -> None:
    sink = Sink()
    using(account, lambda provider: provider.generate(ask(options={"steps": 4}), sink))
    assert sink.events == [Progress(n / 4, f"step {n} of 4") for n in (1, 2, 3, 4)]


def test_a_reference_is_redrawn_the_more_the_higher_the_strength(account: Account) -> None:
    requests = [ask(seed=1, references=reference(), options={"steps": 10, "strength": s}) for s in (0.1, 0.5, 1.0)]
    weak, middle, strong = map(pixels, draw(account, *requests))
    assert 0 < np.abs(weak - middle).mean() < np.abs(weak - strong).mean()


def test_a_redrawn_picture_is_as_large_as_its_reference_unless_a_size_is_asked(account: Account) -> None:
    kept, asked = draw(account, ask(references=reference(), size=None), ask(references=reference()))
    assert pixels(kept).shape == (96, 96, 3)
    assert pixels(asked).shape == (64, 64, 3)


def test_outside_the_mask_not_one_pixel_changes(account: Account) -> None:
    (reply,) = draw(account, ask(seed=3, references=reference(photo(64)), mask=half_mask()))
    before, after = np.asarray(photo(64)).astype(int), pixels(reply)
    assert (before[:, :32] == after[:, :32]).all()
    assert np.abs(before[:, 32:] - after[:, 32:]).mean() > 1


def test_a_negative_prompt_counts_and_is_told_lost_where_guidance_switches_it_off(
    account: Account,
) -> None:
    without, with_it, lost = draw(
        account,
        ask(seed=1),
        ask(seed=1, negative_prompt="a dog"),
        ask(seed=1, negative_prompt="a dog", options={"steps": 2, "guidance": 1.0}),
    )
    assert without.pictures != with_it.pictures
    assert without.adaptations == with_it.adaptations == ()
    assert [(a.field, a.how) for a in lost.adaptations] == [("negative_prompt", "dropped")]


def test_what_the_safety_checker_refuses_is_blocked(prim: Path) -> None:
    account = Account(settings={"IMAGEGEN_DIFFUSERS_MODELS": f"prim={prim}", "IMAGEGEN_DIFFUSERS_DEVICE": "cpu"})
    with pytest.raises(ContentBlocked, match="diffusers/prim: the model's safety checker refused"):
        draw(account, ask(model="prim"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"options": {"steps": 0}}, "0 is not a whole number from 1 to 500"),
        ({"options": {"steps": True}}, "True is not a whole number"),
        ({"options": {"strength": 1.5}}, "1.5 is not above 0 and at most 1"),
        ({"options": {"strength": 0.1, "steps": 5}}, "less than one step. Ask for 10"),
        ({"options": {"guidance": "much"}}, "'much' is not a number"),
        ({"options": {"guidance": -1}}, "-1 is below 0"),
        ({"seed": -1}, "-1 is not between 0 and 2\\^63"),
        ({"mask": half_mask()}, "no reference picture that it could belong to"),
    ],
    ids=["no-steps", "bool", "strength", "no-step-left", "text", "negative-guidance", "negative-seed", "mask-alone"],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_loaded(
    account: Account, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedRequest, match=words):
        draw(account, ask(**fields))


@pytest.mark.alone
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("some-house/some-model", "hf download some-house/some-model"),
        ("no/such/folder", "there is no folder no/such/folder"),
        ("{empty}", "holds no model_index.json"),
    ],
    ids=["hub-id", "folder", "empty-folder"],
)
def test_a_model_that_is_not_there_fails_at_once_with_what_to_do(tmp_path: Path, source: str, words: str) -> None:
    named = f"absent={source.format(empty=tmp_path)}"
    started = time.perf_counter()
    with pytest.raises(ProviderError, match=words) as caught:
        draw(Account(settings={"IMAGEGEN_DIFFUSERS_MODELS": named}), ask(model="absent"))
    assert time.perf_counter() - started < 1
    assert (caught.value.retryable, caught.value.paid) == (False, False)


def test_a_damaged_model_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "X"]}')
    with pytest.raises(ProviderError, match="diffusers/broken") as caught:
        draw(Account(settings={"IMAGEGEN_DIFFUSERS_MODELS": f"broken={tmp_path}"}), ask(model="broken"))
    assert caught.value.paid is False


def test_a_cancelled_call_stops_between_two_steps_and_the_next_one_is_drawn(account: Account) -> None:
    async def work(provider: Diffusers) -> tuple[Any, Reply]:
        sink = Sink()
        long = asyncio.create_task(provider.generate(ask(options={"steps": 400}), sink))
        await sink.told.wait()
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        return sink.events[-1], await provider.generate(ask(), Sink())

    last, reply = using(account, work)
    assert last.fraction < 0.9
    assert reply.pictures


def test_closing_ends_what_is_under_way_and_what_waits(account: Account) -> None:
    async def work(provider: Diffusers) -> list[Any]:
        sink = Sink()
        calls = [asyncio.create_task(provider.generate(ask(options={"steps": steps}), sink)) for steps in (400, 401)]
        await sink.told.wait()
        await provider.aclose()
        return await asyncio.gather(*calls, return_exceptions=True)

    errors = using(account, work)
    assert [type(error) for error in errors] == [ProviderError, ProviderError]
    assert "closed before the picture was drawn" in str(errors[0])
    assert "imagegen-kit-diffusers" not in [thread.name for thread in threading.enumerate()]


def test_the_module_of_the_provider_imports_without_torch() -> None:
    words = (
        "import sys, imagegen_kit_diffusers.provider; sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0


class Scarce:
    """Real pipelines on a device whose memory holds only ``most`` pictures at a time."""

    def __init__(self, most: int) -> None:
        self.most, self.batches = most, []
        self._pipelines = Pipelines("cpu")
        self.begin = threading.Event()

    def get(self, model: Model, task: Any) -> Any:
        import torch

        pipeline = self._pipelines.get(model, task)
        self.begin.wait(30)

        def remember(_module: Any, inputs: Any, keywords: Any) -> None:
            pictures = len((*inputs, *keywords.values())[0]) // 2  # guidance draws each one twice
            self.batches.append(pictures)
            if pictures > self.most:
                raise torch.OutOfMemoryError("no more memory")

        self._hook = getattr(self, "_hook", None) or pipeline.unet.register_forward_pre_hook(remember, with_kwargs=True)
        return pipeline


@pytest.fixture
def model(tiny: Path) -> Model:
    return Model(name="tiny", source=str(tiny))


@pytest.fixture
def scarce(request: pytest.FixtureRequest) -> Iterator[tuple[Scarce, Worker]]:
    pipelines = Scarce(request.param)
    worker = Worker(pipelines, batch_size=4)
    yield pipelines, worker
    worker.close()


def put(worker: Worker, model: Model, **fields: Any) -> Job:
    job = Job(read_request(ask(**fields), model), lambda step: None)
    worker.put(job)
    return job


@pytest.mark.parametrize("scarce", [4], indirect=True, ids=["enough"])
def test_what_waits_and_belongs_together_is_drawn_in_batches_of_at_most_the_batch_size(
    scarce: tuple[Scarce, Worker], model: Model
) -> None:
    pipelines, worker = scarce
    alike = [put(worker, model, seed=seed) for seed in range(5)]
    other = put(worker, model, size=Size(32, 32))
    pipelines.begin.set()
    assert all(job.done.result(60)[0].png for job in (*alike, other))
    assert pipelines.batches == [4, 4, 1, 1, 1, 1]  # two steps each: the batch, its rest, and the other size


@pytest.mark.parametrize("scarce", [2], indirect=True, ids=["two"])
def test_out_of_memory_halves_the_batch_goes_on_and_is_remembered(scarce: tuple[Scarce, Worker], model: Model) -> None:
    pipelines, worker = scarce
    jobs = [put(worker, model, seed=seed) for seed in range(6)]
    pipelines.begin.set()
    assert all(job.done.result(60)[0].png for job in jobs)
    assert pipelines.batches == [4, 2, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("scarce", [0], indirect=True, ids=["none"])
def test_one_picture_that_does_not_fit_is_an_error_that_says_so_for_each(
    scarce: tuple[Scarce, Worker], model: Model
) -> None:
    pipelines, worker = scarce
    jobs = [put(worker, model, seed=seed) for seed in range(2)]
    pipelines.begin.set()
    for job in jobs:
        with pytest.raises(ProviderError, match=r"64 × 64 pixels do not fit into the memory.*smaller size"):
            job.done.result(60)


@pytest.mark.parametrize("scarce", [4], indirect=True, ids=["enough"])
def test_a_cancelled_job_that_waits_is_never_drawn(scarce: tuple[Scarce, Worker], model: Model) -> None:
    pipelines, worker = scarce
    first, second, third = (put(worker, model, seed=seed) for seed in range(3))
    second.done.cancel()
    pipelines.begin.set()
    assert first.done.result(60)
    assert third.done.result(60)
    assert pipelines.batches == [2, 2]


def test_all_tasks_of_a_model_share_its_weights(model: Model) -> None:
    pipelines = Pipelines("cpu")
    text, image, inpaint = (pipelines.get(model, task) for task in ("text", "image", "inpaint"))
    assert text.unet is image.unet is inpaint.unet
    assert pipelines.get(model, "text") is text
    assert len({type(p).__name__ for p in (text, image, inpaint)}) == 3

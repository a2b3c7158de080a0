"""Films from a job service: the first and the last picture travel, and a whole film comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from imagegen_kit.errors import InvalidReply, UnsupportedRequest
from imagegen_kit.providers.job_api.pictures import sound_film
from imagegen_kit.testing.simulators.film import film
from imagegen_kit.testing.simulators.job_api import JobApiSimulator
from imagegen_kit.types import Reply, Size, VideoRequest
from tests.providers.job_api_calls import Steps, provider_at, reference


def animate(sim: JobApiSimulator, steps: Steps | None = None, model: str = "wavespeed/wan2.1", **parts: Any) -> Reply:
    async def call() -> Reply:
        provider = provider_at(sim)
        try:
            answer: Reply = await provider.animate(
                VideoRequest(prompt="a wave", model=model, **parts), steps or Steps()
            )
            return answer
        finally:
            await provider.aclose()

    return asyncio.run(call())


def test_a_film_between_two_pictures_is_asked_for_and_fetched() -> None:
    first, last = reference(16).picture, reference(17).picture
    with JobApiSimulator("wavespeed") as sim:
        reply = animate(sim, first_frame=first, last_frame=last, seconds=5.0, seed=3, size=Size(1280, 720))
        submit = sim.ledger.submits[0]
    assert submit.path == "/api/v3/wavespeed-ai/wan-2.1/i2v-720p"
    assert sorted(submit.json) == ["duration", "image", "last_image", "prompt", "seed", "size"]
    assert (submit.json["duration"], submit.json["size"]) == (5, "1280*720")
    assert submit.json["image"] != submit.json["last_image"]
    assert reply.pictures == ()
    assert reply.films[0] == film("a wave", 1280, 720, 5, 3)


def test_a_film_is_collected_after_a_restart() -> None:
    async def collect(job_id: str) -> Reply:
        provider = provider_at(sim)
        request = VideoRequest(prompt="a wave", model="wavespeed/wan2.1", first_frame=reference().picture)
        answer: Reply = await provider.collect(job_id, request, Steps())
        await provider.aclose()
        return answer

    steps = Steps()
    with JobApiSimulator("wavespeed") as sim:
        whole = animate(sim, steps, first_frame=reference().picture)
        assert asyncio.run(collect(steps.job_id)).films == whole.films
        assert len(sim.ledger.submits) == 1


@pytest.mark.parametrize("mode", ["truncated", "wrong_content_type"])
def test_a_film_that_is_none_is_noticed_and_was_paid(mode: str) -> None:
    with JobApiSimulator("wavespeed").play(mode) as sim, pytest.raises(InvalidReply) as caught:
        animate(sim, first_frame=reference().picture)
    assert caught.value.paid is True


def test_a_picture_model_is_given_no_frames() -> None:
    with JobApiSimulator("wavespeed") as sim:
        with pytest.raises(UnsupportedRequest, match="first_frame: cannot be sent"):
            animate(sim, model="wavespeed/flux-dev", first_frame=reference().picture)
        assert not sim.ledger.requests


def test_a_film_is_whole_when_its_boxes_end_with_the_file() -> None:
    whole = film("x", 32, 32, 1)
    assert sound_film(whole, model="m") == whole
    for cut in (4, 20, len(whole) - 1):
        with pytest.raises(InvalidReply):
            sound_film(whole[:cut], model="m")

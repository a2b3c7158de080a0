"""A function as a model: its calls wait for nothing but their own work."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import imagegen_kit as ik

if TYPE_CHECKING:
    from imagegen_kit.types import ImageRequest


@pytest.mark.usefixtures("own_registry")
def test_no_call_of_a_function_waits_for_a_thread() -> None:
    """Three models with eight open calls each are all at work at once, so that none counts a wait as its latency."""
    together = threading.Barrier(24)

    def draw(request: ImageRequest) -> Image.Image:
        together.wait(timeout=60)  # broken, and the call with it, where fewer than 24 are let in
        return Image.new("RGB", (16, 16), (len(request.prompt), 0, 0))

    models = [f"functions/{name}" for name in "abc"]
    for model in models:
        ik.register(draw, model=model)
    run = ik.Experiment(vary={"prompt": ["a", "bb"] * 4, "model": models}).run(progress=False)
    assert run.table()["status"].tolist() == ["ok"] * 24


@pytest.mark.usefixtures("own_registry")
def test_functions_that_share_a_provider_keep_to_the_calls_at_once_that_are_asked() -> None:
    """Their models have a spec each; the keys, and what is open at them, are the provider's."""
    lock, inside, most = threading.Lock(), [0], [0]

    def draw(request: ImageRequest) -> Image.Image:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        with lock:
            inside[0] -= 1
        return Image.new("RGB", (16, 16), (len(request.prompt), 0, 0))

    models = [f"functions/{name}" for name in "abc"]
    for model in models:
        ik.register(draw, model=model)
    prompts = ["x" * n for n in range(1, 7)]
    ik.Experiment(vary={"prompt": prompts, "model": models}, policy=ik.Policy(concurrency=1)).run(progress=False)
    assert most[0] <= len(models)  # one at each model

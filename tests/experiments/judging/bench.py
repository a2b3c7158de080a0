"""Runs to judge, and simulated services whose models of text judge them: over HTTP, through the real SDKs."""

from __future__ import annotations

import colorsys
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.experiments.voting import Ballot
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.testing.clouds import SimulatedClouds, simulated_clouds
from imagegen_kit.testing.simulators.judges import HUES
from imagegen_kit.types import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.testing.simulators.judges import Reader

GEMINI, OPENAI = "gemini/gemini-3.8-flash", "openai/gpt-6-luna"
THINGS = ("kettle", "bicycle", "lighthouse", "violin", "cactus", "umbrella", "tractor", "lantern")
SIDE = 144


def prompts(count: int = 8) -> list[str]:
    """Orders that share few words: every second one asks for red, the others for blue."""
    return [f"{('red', 'blue')[i % 2]} {THINGS[i % 8]}{'' if i < 8 else f' number{i}'}" for i in range(count)]


def drawing(prompt: str, *, coarse: int = 1, warm: bool = False) -> bytes:
    """A texture in the colour that the prompt names; ``coarse`` blurs it, ``warm`` adds a yellow light."""
    hue = next((HUES[name] for name in HUES if name in prompt), 0.33)
    colour = np.array(colorsys.hsv_to_rgb(hue, 0.85, 1.0))
    grain = np.random.default_rng(sum(map(ord, prompt))).uniform(90, 250, (SIDE, SIDE, 1))
    pixels = grain * colour + (np.array([40, 40, 0]) if warm else 0)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype("uint8"))
    if coarse > 1:
        image = image.resize((SIDE // coarse, SIDE // coarse)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def painters(**looks: dict[str, Any]) -> list[str]:
    """Register a provider "lab" with a model for each name that draws in that way; return the models' names."""

    class Lab:
        def __init__(self, account: object) -> None:
            pass

        async def generate(self, request: Any, on_progress: Any) -> Reply:
            look = looks[request.model.partition("/")[2]]
            return Reply(pictures=(drawing(request.prompt, **look),))

    specs = tuple(ModelSpec(name, price=Price(0.0), can=Capabilities(seed=True)) for name in looks)
    ik.register(ProviderSpec("lab", models=specs, target=Lab, origin="local:lab"))
    return [f"lab/{name}" for name in looks]


def run_of(count: int = 8, **looks: dict[str, Any]) -> Run:
    """Return a run of so many prompts over models that draw in these ways: by default a sharp and a blurred one."""
    names = painters(**(looks or {"sharp": {}, "blurred": {"coarse": 8}}))
    return ik.Experiment(vary={"prompt": prompts(count), "model": names}, name="textures").run(progress=False)


@contextmanager
def judged_by(reader: Reader | None, **settings: Any) -> Iterator[SimulatedClouds]:
    """Simulate Gemini and OpenAI; their models of text answer as ``reader`` does."""
    with simulated_clouds(only=("gemini", "openai"), **settings) as clouds:
        for simulator in clouds.simulators.values():
            simulator.reader = reader
        yield clouds


def vote(run: Run, better: str, rater: str = "me", pairs: int | None = None) -> None:
    """Let a person vote for the model ``better`` in every pair, or in the first so many."""
    ballot = Ballot(run, rater=rater, repeats=0)
    for pair in ballot.open()[:pairs]:
        left = better in pair.left.value
        ballot.choose(pair, "left" if left else "right" if better in pair.right.value else "tie", 900)

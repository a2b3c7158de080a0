"""The plugin as its user meets it: installed, found through its entry point, drawing."""

from __future__ import annotations

import asyncio
import io
from datetime import date
from importlib.metadata import entry_points

import pytest
from PIL import Image, ImageStat

from imagegen_kit.providers import Account, ImageRequest, Provider, Reply
from imagegen_kit.providers.accounts import not_ready
from imagegen_kit.registry import Registry
from imagegen_kit.types import Size


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(load=["imagegen-kit-echo"], block=[], strict=False, builtins=())


def draw(registry: Registry, prompt: str = "a happy cat", **fields: object) -> Reply:
    async def on_progress(event: object) -> None:
        raise AssertionError(f"echo reports no progress: {event}")

    provider = registry.provider_target("echo")(Account())
    assert isinstance(provider, Provider)
    return asyncio.run(provider.generate(ImageRequest(prompt=prompt, model="echo/text", **fields), on_progress))


def picture(reply: Reply) -> Image.Image:
    image = Image.open(io.BytesIO(reply.pictures[0]))
    image.load()
    return image


def test_the_distribution_declares_the_entry_point() -> None:
    (entry,) = [e for e in entry_points(group="imagegen_kit") if e.dist and e.dist.name == "imagegen-kit-echo"]
    assert (entry.name, entry.value) == ("echo", "imagegen_kit_echo")


def test_the_registry_finds_it_through_the_entry_point(registry: Registry) -> None:
    (record,) = [r for r in registry.plugins() if r.distribution == "imagegen-kit-echo"]
    assert (record.name, record.version, record.offers) == ("echo", "0.1.0", ("echo/text",))
    assert record.status in ("ok", "slow")


def test_its_model_is_free_and_honours_a_seed(registry: Registry) -> None:
    model = registry.model("text", today=date(2026, 1, 1))
    assert model.id == "echo/text"
    assert model.spec.price is not None
    assert model.spec.price.per_picture == 0
    assert model.spec.can.seed
    assert not_ready(model.provider) is None


@pytest.mark.parametrize("size", [(512, 512), (1024, 256), (300, 700), (16, 16), (1, 1), (2048, 2048)], ids=str)
def test_it_draws_exactly_the_size_that_was_asked(registry: Registry, size: tuple[int, int]) -> None:
    assert picture(draw(registry, size=Size(*size))).size == size


def test_a_ratio_keeps_its_shape(registry: Registry) -> None:
    width, height = picture(draw(registry, size=Size(ratio="16:9"))).size
    assert width / height == pytest.approx(16 / 9, rel=0.02)


def test_the_same_request_gives_the_same_bytes(registry: Registry) -> None:
    assert draw(registry, seed=7).pictures == draw(registry, seed=7).pictures


def test_another_seed_gives_another_tint(registry: Registry) -> None:
    tints = {picture(draw(registry, seed=seed)).getpixel((0, 0)) for seed in range(5)}
    assert len(tints) == 5


@pytest.mark.parametrize(
    "prompt",
    ["", "two\nlines", "café ☕ 図", "word " * 4000, "x" * 5000],
    ids=["empty", "newline", "foreign", "long", "one-word"],
)
def test_any_prompt_can_be_drawn(registry: Registry, prompt: str) -> None:
    assert picture(draw(registry, prompt)).size == (512, 512)


def test_the_words_are_on_the_picture(registry: Registry) -> None:
    drawn = ImageStat.Stat(picture(draw(registry, "a happy cat drinking coffee")).convert("L")).stddev[0]
    nothing = ImageStat.Stat(picture(draw(registry, "i")).convert("L")).stddev[0]
    assert drawn > 1.5 * nothing

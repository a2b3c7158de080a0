"""One picture of the cheapest model of each cloud, for real money: only with IMAGEGEN_LIVE=1 and a key.

Run ``IMAGEGEN_LIVE=1 pytest -m live -s``; each test prints what its picture cost.
"""

from __future__ import annotations

import os
from datetime import date

import pytest

import imagegen_kit as ik
from imagegen_kit.catalog.prices import estimate
from imagegen_kit.providers.accounts import not_ready
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import variable
from imagegen_kit.types import ImageRequest

WANTED = os.environ.get("IMAGEGEN_LIVE") == "1"
LOCAL = ("offline", "a1111", "comfyui", "diffusers", "echo")
MOST_USD = 0.25  # nobody loses more on one picture


def clouds() -> list[str]:
    registry = get_registry()
    return sorted({m.provider.name for m in registry.models() if m.spec.kind == "image"} - set(LOCAL))


def cheapest(provider: str) -> tuple[float, str] | None:
    """The price in USD and the id of the cheapest picture model of a provider that is still offered."""
    found = []
    for model in get_registry().models():
        ends = model.spec.retires_on
        if model.provider.name != provider or model.spec.kind != "image" or (ends and ends <= date.today()):
            continue
        usd, _ = estimate(model.spec.price, ImageRequest(prompt="a red cup", model=model.id), None)
        if usd is not None:
            found.append((usd, model.id))
    return min(found, default=None)


@pytest.mark.live
@pytest.mark.skipif(not WANTED, reason="costs money: set IMAGEGEN_LIVE=1 to buy one picture of each cloud")
@pytest.mark.parametrize("provider", clouds())
def test_a_real_picture_comes_at_about_the_price_of_the_table(provider: str) -> None:
    spec = next(m.provider for m in get_registry().models() if m.provider.name == provider)
    if missing := not_ready(spec):
        pytest.skip(missing)
    found = cheapest(provider)
    if found is None:
        pytest.skip(f"no price is known for any model of {provider}")
    usd, model = found
    assert usd <= MOST_USD
    assert variable("IMAGEGEN_LIVE") is None  # what this test sets up is gone, so that no other test is live
    ik.configure(budget_usd=MOST_USD)
    answer = ik.generate("a red cup on a table", model=model)
    print(f"\n{model}: {answer.status}, ${answer.cost.usd} ({answer.cost.basis}), {answer.timings['total']:.1f} s")
    assert answer.picture.width > 100
    assert answer.cost.usd is not None
    assert answer.cost.usd <= 3 * max(usd, 0.01)

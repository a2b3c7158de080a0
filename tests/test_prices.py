"""Costs: known usages to the fraction of a cent, tables, estimates, and what is said where nothing is known."""

from __future__ import annotations

import subprocess
import sys
import timeit
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from imagegen_kit.catalog import load_models
from imagegen_kit.catalog.prices import Price, cost_of, estimate, picture_price
from imagegen_kit.types import Artifact, Cost, ImageRequest, Reference, Reply, Size, TextRequest, Usage, VideoRequest

TODAY = date(2026, 11, 21)
PICTURE = (b"a picture",)
ASK = ImageRequest(prompt="a cat", model="any")
REFERENCE = Reference(Artifact("0" * 64))
LISTED, OURS = "genai-prices 0.2", "prices.yaml 2026-11-20"


def price_of(full: str) -> Price:
    provider, _, name = full.partition("/")
    found = next(m.price for m in load_models(provider) if m.name == name)
    assert found is not None
    return found


def cost(full: str, usage: Usage, today: date = TODAY) -> Cost:
    films = PICTURE if usage.output_video_tokens else ()
    reply = Reply(pictures=() if films else PICTURE, films=films, usage=usage)
    return cost_of(reply, ASK, price_of(full), None, today=today)


OPENAI_USE = Usage(input_text_tokens=10, input_image_tokens=40, output_text_tokens=0, output_image_tokens=272)
GOOGLE_USE = Usage(input_text_tokens=7, input_image_tokens=258, output_image_tokens=1290)
KNOWN = [  # model, usage, USD by the fact that each part costs its own rate
    ("gemini/gemini-2.5-flash-image", GOOGLE_USE, 0.0387795),
    (
        "gemini/gemini-3-pro-image",
        Usage(input_text_tokens=7, input_image_tokens=560, output_text_tokens=100, output_image_tokens=1120),
        0.136734,
    ),
    ("gemini/gemini-3.1-flash-image", Usage(input_text_tokens=7, output_image_tokens=1680), 0.1008035),
    ("gemini/gemini-3.1-flash-lite-image", Usage(input_text_tokens=8, output_image_tokens=1120), 0.033602),
    ("gemini/gemini-nano-banana-2.1", Usage(input_text_tokens=8, output_image_tokens=1120), 0.033612),
    ("gemini/gemini-omni-1.1-flash", Usage(input_text_tokens=20, output_video_tokens=57920), 1.01363),
    ("openai/gpt-image-1.5", OPENAI_USE, 0.009074),
    ("openai/gpt-image-1-mini", OPENAI_USE, 0.002296),
    ("openai/gpt-image-2", OPENAI_USE, 0.00853),
    ("openai/gpt-image-2.5-flare", OPENAI_USE, 0.00853),
    ("openai/gpt-image-2.5-sunburst", OPENAI_USE, 0.00853),
    ("openai/gpt-image-2.6-flare", OPENAI_USE, 0.00853),
    ("vertex/gemini-2.5-flash-image", GOOGLE_USE, 0.0387795),
]
each_known = pytest.mark.parametrize(("full", "usage", "usd"), KNOWN, ids=[k[0] for k in KNOWN])


@each_known
def test_a_known_usage_costs_what_the_lists_say(full: str, usage: Usage, usd: float) -> None:
    found = cost(full, usage)
    assert found.usd == pytest.approx(usd, abs=1e-12)
    assert (found.price_usd, found.basis) == (found.usd, "usage")
    assert found.prices.startswith(OURS if "2.6" in full else LISTED)


@each_known
def test_our_own_rates_give_the_same(full: str, usage: Usage, usd: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)  # as if it were not installed
    found = cost(full, usage)
    assert found.usd == pytest.approx(usd, abs=1e-12)
    assert (found.basis, found.prices) == ("usage", OURS)


@pytest.mark.parametrize(
    ("full", "usage"), [(f, u) for f, u, _ in KNOWN if "2.6" not in f], ids=[k[0] for k in KNOWN if "2.6" not in k[0]]
)
def test_genai_prices_asked_directly_agrees(full: str, usage: Usage) -> None:
    import genai_prices

    text, image = usage.input_text_tokens or 0, usage.input_image_tokens or 0
    written, drawn = usage.output_text_tokens or 0, usage.output_image_tokens or 0
    filmed = usage.output_video_tokens or 0
    provider = "openai" if full.startswith("openai") else "google"
    asked = genai_prices.Usage(
        input_tokens=text + image,
        input_image_tokens=image,
        output_tokens=written + drawn + filmed,
        output_image_tokens=drawn,
        output_video_tokens=filmed,
    )
    day = datetime(2026, 11, 21, tzinfo=UTC)
    direct = genai_prices.calc_price(
        asked, full.partition("/")[2], provider_id=provider, genai_request_timestamp=day
    ).total_price
    assert cost(full, usage).usd == pytest.approx(float(direct), abs=1e-12)


def test_an_undivided_output_counts_as_picture_tokens() -> None:
    """Priced as text, this picture would cost $0.0033 instead of $0.0388."""
    undivided = Usage(input_text_tokens=265, output_text_tokens=1290)
    assert cost("gemini/gemini-2.5-flash-image", undivided).usd == pytest.approx(0.0387795)
    divided = replace(undivided, output_image_tokens=0)
    assert cost("gemini/gemini-2.5-flash-image", divided).usd == pytest.approx(0.0033045)


def test_what_comes_from_the_services_cache_costs_its_own_rate() -> None:
    usage = Usage(input_text_tokens=10, cached_text_tokens=1000, cached_image_tokens=100, output_image_tokens=272)
    found = cost("openai/gpt-image-1.5", usage)
    assert found.usd == pytest.approx((10 * 5 + 1000 * 1.25 + 100 * 2 + 272 * 32) / 1e6)
    assert found.prices.startswith(LISTED)


def test_rates_are_those_of_the_day() -> None:
    usage = Usage(input_text_tokens=1_000, output_text_tokens=1_000)
    reply = Reply(text="yes", usage=usage)
    asked = TextRequest(prompt="is it a cat?", model="any")
    price = price_of("gemini/gemini-4-argon")
    before, after = (cost_of(reply, asked, price, None, today=day).usd for day in (TODAY, date(2026, 12, 2)))
    assert before == pytest.approx(0.012)
    assert after == pytest.approx(0.024)


@pytest.mark.parametrize(
    ("reply", "price", "assumed", "expected"),
    [
        (Reply(PICTURE, cost_usd=0.5, usage=GOOGLE_USE), Price(0.02), 9, Cost(0.5, 0.5, "reported")),
        (Reply(PICTURE), Price(0.02), 9, Cost(0.02, 0.02, "table")),
        (Reply(PICTURE * 3), Price(0.02), 9, Cost(0.06, 0.06, "table")),
        (Reply(PICTURE), None, 0.07, Cost(0.07, 0.07, "assumed")),
        (Reply(PICTURE), None, None, Cost(None, None, "unknown")),
        (Reply(PICTURE, usage=GOOGLE_USE), None, None, Cost(None, None, "unknown")),
        (Reply(PICTURE, usage=Usage(input_text_tokens=9)), Price(0.02), None, Cost(0.02, 0.02, "table")),
        (Reply(PICTURE), Price(per_mtok={"output_image": 30}), None, Cost(None, None, "unknown")),
        (Reply(PICTURE, usage=GOOGLE_USE), Price(per_mtok={"output_text": 3}), None, Cost(None, None, "unknown")),
    ],
    ids=[
        "what the service reported comes first",
        "the table",
        "the table for each picture",
        "the assumption",
        "nothing is known",
        "a usage without rates",
        "a usage that counts no output",
        "rates without a usage",
        "a part without a rate",
    ],
)
def test_the_cost_is_resolved_in_order(
    reply: Reply, price: Price | None, assumed: float | None, expected: Cost
) -> None:
    found = cost_of(reply, ASK, price, assumed, today=TODAY)
    assert found.usd == (None if expected.usd is None else pytest.approx(expected.usd))
    assert replace(found, usd=None, price_usd=None) == replace(expected, usd=None, price_usd=None)


def test_tokens_are_estimated_where_the_service_counted_none() -> None:
    found = cost_of(Reply(PICTURE), ASK, price_of("gemini/gemini-2.5-flash-image"), None, today=TODAY)
    assert found.usd == pytest.approx((1290 * 30 + 5 / 4 * 0.30) / 1e6)
    assert (found.basis, found.prices) == ("estimate", OURS)


@pytest.mark.parametrize(
    ("full", "asked", "usd"),
    [
        ("openai/gpt-image-2.5-flare", {"quality": "low"}, 196 * 30e-6),
        ("openai/gpt-image-2.5-flare", {"quality": "medium", "size": Size(1536, 1024)}, 343 * 30e-6),
        ("openai/gpt-image-2.5-flare", {"quality": "medium", "size": Size(1024, 1536)}, 343 * 30e-6),
        ("openai/gpt-image-2.5-flare", {"quality": "max", "size": Size(3840, 2160)}, 13342 * 30e-6),
        ("openai/gpt-image-2.5-flare", {}, 1756 * 30e-6),
        ("openai/gpt-image-2.5-flare", {"quality": "auto"}, 1756 * 30e-6),
        ("gemini/gemini-3.1-flash-image", {}, 1120 * 60e-6),
        ("gemini/gemini-3.1-flash-image", {"size": Size(ratio="16:9")}, 1120 * 60e-6),
        ("gemini/gemini-3.1-flash-image", {"size": Size(ratio="16:9", resolution="4K")}, 2520 * 60e-6),
        ("gemini/gemini-3.1-flash-image", {"references": (REFERENCE,) * 2}, 1120 * 60e-6 + 2 * 1120 * 0.5e-6),
        ("fal/nano-banana-2", {"size": Size(resolution="2K")}, 0.12),
        ("bfl/flux-2-pro", {"size": Size(1024, 1024)}, 0.03),
        ("bfl/flux-2-pro", {"references": (REFERENCE,)}, 0.045),
        ("bfl/flux-2-max", {"size": Size(2048, 2048)}, 0.07 + 3 * 0.03),
        ("nanobanana/stable-diffusion-xl", {}, 0.05),
        ("offline/collage", {}, 0),
    ],
)
def test_a_picture_is_foreseen_by_what_is_asked(full: str, asked: dict[str, object], usd: float) -> None:
    request = ImageRequest(prompt="", model="any", **asked)  # type: ignore[arg-type]
    assert estimate(price_of(full), request, None)[0] == pytest.approx(usd)


def test_the_price_of_a_quality_that_no_list_names_is_unknown() -> None:
    price = price_of("openai/gpt-image-1-mini")
    asked = [ImageRequest(prompt="", model="any", quality=quality) for quality in ("low", "high")]
    assert [estimate(price, request, None) for request in asked] == [(0.005, "table"), (None, "unknown")]
    assert estimate(price, asked[1], 0.1) == (0.1, "assumed")


@pytest.mark.parametrize(
    ("full", "asked", "expected"),
    [
        ("vertex/veo-3.1-generate-001", {"seconds": 4}, (1.6, "table")),
        ("vertex/veo-3.1-generate-001", {"seconds": 4, "size": Size(3840, 2160)}, (2.4, "table")),
        ("vertex/veo-3.1-fast-generate-001", {}, (0.8, "table")),
        ("vertex/veo-3.1-lite-generate-001", {"seconds": 5, "size": Size(1080, 1920)}, (0.4, "table")),
        ("gemini/gemini-omni-1.1-flash", {"seconds": 10}, (57920 * 17.5e-6, "estimate")),
    ],
    ids=["by the second", "by the size", "the usual length", "standing", "by tokens"],
)
def test_a_film_is_foreseen_by_its_seconds(full: str, asked: dict[str, object], expected: tuple[float, str]) -> None:
    request = VideoRequest(prompt="", model="any", **asked)  # type: ignore[arg-type]
    usd, basis = estimate(price_of(full), request, None)
    assert (usd, basis) == (pytest.approx(expected[0]), expected[1])


def test_an_answer_in_text_is_estimated_and_its_typical_price_unknown() -> None:
    spec = next(m for m in load_models("openai") if m.name == "gpt-6.1-terra")
    asked = TextRequest(prompt="x" * 400, model="any")
    assert estimate(spec.price, asked, None) == (pytest.approx((1000 * 5 + 100 * 1) / 1e6), "estimate")
    assert picture_price(spec.price, spec.can, "text") is None


def test_an_estimate_takes_microseconds() -> None:
    price = price_of("openai/gpt-image-2.5-flare")
    request = ImageRequest(prompt="a cat", model="any", quality="high", size=Size(1536, 1024))
    assert min(timeit.repeat(lambda: estimate(price, request, None), number=1000, repeat=3)) < 0.25  # idle: .05


def test_prices_are_read_without_loading_the_list_of_others() -> None:
    code = (
        "import sys; from imagegen_kit.catalog import load_models; load_models('gemini')\n"
        "print([m for m in ('genai_prices', 'httpx2', 'google.genai', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.home())
    assert done.stdout.strip() == "[]"

"""What counted tokens cost: by the user's own rates, by those of genai-prices where it knows the model, or by ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from imagegen_kit.catalog.prices import Price
    from imagegen_kit.types import Reply

_NAMES = ("input_text", "input_image", "cached_text", "cached_image", "output_text", "output_image", "output_video")


def used(reply: Reply, price: Price, today: date) -> tuple[float, str] | None:
    """Return (USD, name of the list) for the tokens that the service counted; None where they cannot be priced."""
    counts = counted(reply)
    if not any(counts[name] for name in ("output_text", "output_image", "output_video")):
        return None  # what was made was not counted
    if price.listed_as and not price.own and (listed := _listed(price.listed_as, counts, today)) is not None:
        return listed
    rates = {name: _rate(price, name) for name, n in counts.items() if n}
    if None in rates.values():
        return None  # a part without a rate would be a part for nothing
    usd = sum(counts[name] * rate for name, rate in rates.items() if rate is not None) / 1e6
    return usd, f"{price.book} {price.as_of}" if price.book else ""


def _rate(price: Price, name: str) -> float | None:
    """Return USD for a million tokens of a kind; what came from the service's cache costs at most what is sent anew."""
    return price.per_mtok.get(name, price.per_mtok.get(name.replace("cached", "input")))


def counted(reply: Reply) -> dict[str, int]:
    """Return the tokens of a reply by kind. An undivided output counts as what came: picture tokens cost most."""
    usage = reply.usage
    counts = {name: getattr(usage, f"{name}_tokens", None) or 0 for name in _NAMES}
    for made, name in ((reply.pictures, "output_image"), (reply.films, "output_video")):
        if made and getattr(usage, f"{name}_tokens", None) is None:
            counts[name] += counts["output_text"]
            counts["output_text"] = 0
    return counts


def _listed(listed_as: str, counts: dict[str, int], today: date) -> tuple[float, str] | None:
    """Return USD by genai-prices; None where the package is missing or does not know the model.

    Its totals hold the parts: image and cached tokens are passed apart and in the total, because without the part all
    of them would be priced as text, at a twelfth of what pictures cost.
    """
    try:
        import genai_prices
    except ImportError:
        return None
    cached = counts["cached_text"] + counts["cached_image"]
    parts: dict[str, Any] = {
        "input_tokens": counts["input_text"] + counts["input_image"] + cached,
        "input_image_tokens": counts["input_image"] + counts["cached_image"],
        "cache_read_tokens": cached,
        "cache_image_read_tokens": counts["cached_image"],
        "output_tokens": counts["output_text"] + counts["output_image"] + counts["output_video"],
        "output_image_tokens": counts["output_image"],
        "output_video_tokens": counts["output_video"],
    }
    provider, _, model = listed_as.partition("/")
    day = datetime(today.year, today.month, today.day, tzinfo=UTC)
    usage = genai_prices.Usage(**{name: n for name, n in parts.items() if n})
    try:
        found = genai_prices.calc_price(usage, model, provider_id=provider, genai_request_timestamp=day)
    except LookupError:
        return None
    return float(found.total_price), f"genai-prices {genai_prices.__version__}"

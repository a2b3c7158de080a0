"""What a picture costs: the one place that turns a price and a reply into a cost with its basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen_kit.types import Cost

if TYPE_CHECKING:
    from imagegen_kit.types import Reply


@dataclass(frozen=True, slots=True)
class Price:
    """A list price in USD for one picture, with the day it was read (ISO date) and where."""

    per_picture: float
    as_of: str = ""
    source: str = ""


def estimate(price: Price | None, assumed: float | None) -> tuple[float | None, str]:
    """Return (USD, basis) foreseen for one picture; (None, "unknown") without a price and an assumption."""
    if price is not None:
        return price.per_picture, "table"
    if assumed is not None:
        return assumed, "assumed"
    return None, "unknown"


def cost_of(reply: Reply, price: Price | None, assumed: float | None) -> Cost:
    """Return what ``reply`` cost: what the service reported, else the price table, else the user's assumption."""
    if reply.cost_usd is not None:
        return Cost(reply.cost_usd, reply.cost_usd, "reported")
    usd, basis = estimate(price, assumed)
    if usd is not None and price is not None:
        usd *= max(1, len(reply.pictures))
    return Cost(usd, usd, basis)

"""What is known of one model: its card, capabilities, price and life, as immutable data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.types import Kind

if TYPE_CHECKING:
    from datetime import date

    from imagegen_kit.catalog.prices import Price


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of a provider, by the name that follows ``provider/``.

    ``price`` None is unknown, not free. ``typical_seconds`` is used to estimate a plan; ``timeout_s`` where the policy
    names none; ``concurrency`` how many calls an account may have open. A model past ``retires_on`` is replaced by
    ``replacement`` or refused. ``card`` says what the model is, in a sentence or two. ``api`` is the way in which its
    provider reaches it ("generate_content", "interactions", "images", "job" …), ``status`` "stable", "preview",
    "deprecated" or "retired" as its maker calls it, ``remote_name`` what the service calls it where not ``name``.
    """

    name: str
    can: Capabilities = field(default_factory=Capabilities, kw_only=True)
    kind: Kind = field(default="image", kw_only=True)
    api: str = field(default="", kw_only=True)
    remote_name: str = field(default="", kw_only=True)
    status: str = field(default="stable", kw_only=True)
    aliases: tuple[str, ...] = field(default=(), kw_only=True)
    card: str = field(default="", kw_only=True)
    price: Price | None = field(default=None, kw_only=True)
    timeout_s: float = field(default=60.0, kw_only=True)
    typical_seconds: float | None = field(default=None, kw_only=True)
    concurrency: int | None = field(default=None, kw_only=True)
    retires_on: date | None = field(default=None, kw_only=True)
    replacement: str | None = field(default=None, kw_only=True)
    as_of: str = field(default="", kw_only=True)
    source: str = field(default="", kw_only=True)


NOTICE_DAYS = 30


def retirement_notice(spec: ModelSpec, today: date) -> str | None:
    """Return what to say of a model that ends within 30 days of ``today``; None where its end is further, or past."""
    if spec.retires_on is None or not 0 < (days := (spec.retires_on - today).days) <= NOTICE_DAYS:
        return None
    left = "tomorrow" if days == 1 else f"in {days} days"
    follows = f"; {spec.replacement} takes its place then" if spec.replacement else " and no successor of it is known"
    return f"{spec.name} ends on {spec.retires_on}, {left}{follows}."

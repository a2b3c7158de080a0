"""A picture of the gallery in words: what stands under it, what a screen reader says, what is known beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.film import FORMATS
from imagegen_kit.tables.columns import COLUMN_TYPES
from imagegen_kit.types import SIMULATED
from imagegen_kit.views.pictures import Outcome
from imagegen_kit.views.words import SIMULATION, STAND_IN, is_stand_in, said, seconds, shortened, usd

if TYPE_CHECKING:
    from imagegen_kit.tables.pictures import Listed
    from imagegen_kit.tables.shelf import Shelf

LINE = 120  # characters of the prompt that a tile gets; the whole text comes when a picture is opened
_IN_THE_CAPTION = ("created_at", "cost_usd", "seconds", "seed", "seed_sent", "prompt", "model", "model_used", "status")


def can_be_shown(item: Listed) -> bool:
    """Whether there is something to look at, a picture or a film's poster: a failed request has nothing."""
    return item.sha256 is not None


def outcome(item: Listed) -> Outcome:
    """Return ``item`` in the form that captions read."""
    return Outcome(
        status=item.status, model=item.model, model_used=item.model_used, prompt=item.prompt, style=item.style,
        seed=item.seed, seconds=item.seconds, usd=item.cost_usd, adaptations=(), error=item.error,
        simulated=(item.origin or "").startswith(SIMULATED),
    )  # fmt: skip


def tile(item: Listed, sort: str = "created_at", value: Any = None) -> dict[str, Any]:
    """Return what the page needs to draw ``item``; where it is sorted by another column, ``value`` is told too."""
    told = outcome(item)
    facts = facts_of(item)
    if sort not in _IN_THE_CAPTION:
        facts.insert(0, _sorted_by(sort, value))
    notice = None if can_be_shown(item) else told.failed
    return {
        "key": item.key,
        "sha": item.sha256 if notice is None else None,
        "alt": _spoken(item),
        "line": shortened(item.prompt, LINE) or "no prompt",
        "facts": " · ".join(facts),
        "status": item.status,
        "notice": notice,
    }


def _spoken(item: Listed) -> str:
    told = outcome(item)
    if item.sha256 is None:
        return f"{told.failed}, {told.alt}"
    return f"first frame of a film, {told.alt}" if item.format in FORMATS else told.alt


def opened(item: Listed) -> dict[str, Any]:
    """Return what the viewer needs of a picture until more is asked for."""
    return {
        "key": item.key, "sha": item.sha256, "alt": _spoken(item), "width": item.width, "height": item.height,
        "title": f"{shortened(item.prompt, 60) or 'no prompt'} · {item.model_used or item.model}",
        "facts": facts_of(item, named=False), "prompt": item.prompt,
    }  # fmt: skip


def facts_of(item: Listed, *, named: bool = True) -> list[str]:
    """Return model (where it is ``named``), cost, seconds and seed in the few words that fit under a picture."""
    facts = [(item.model_used or item.model).rpartition("/")[2] or "no model"] if named else []
    if item.status not in ("ok", "cached"):
        facts.insert(0, item.status)
    facts.append(
        "cached" if item.status == "cached" else usd(item.cost_usd) if item.cost_usd is not None else "cost unknown"
    )
    if item.seconds is not None and item.status != "cached":
        facts.append(seconds(item.seconds))
    return facts if item.seed is None else [*facts, f"seed {item.seed}"]


def about(shelf: Shelf, place: int) -> list[tuple[str, str]]:
    """Return all that is known of a picture as names and values, beside its prompt."""
    item = shelf.items[place]
    told = outcome(item)
    used = item.model_used or item.model
    simulated = SIMULATION if told.simulated else STAND_IN if is_stand_in(used) else ""
    facts: dict[str, str | None] = {
        "style": item.style,
        "model": used + (f" ({simulated})" if simulated else ""),
        "asked for": item.model if item.model_used not in (None, item.model) else None,
        "run": shelf.run_label(item),
        "status": item.status,
        "what went wrong": item.error,
        "adaptations": shelf.column("adaptations")[place],
        "seed": None if item.seed is None else str(item.seed),
        "cost": usd(item.cost_usd) if item.cost_usd is not None else "cost unknown",
        "price": _price(shelf.column("price_usd")[place]) if item.cost_usd == 0 else None,
        "seconds": None if item.seconds is None else seconds(item.seconds),
        "size": f"{item.width}×{item.height} pixels, {item.format}" if item.width else item.format,
        "made": item.created_at[:19].replace("T", " ") + " UTC",
        "path": path_of(shelf, item),
    }
    return [(name, value) for name, value in facts.items() if value]


def path_of(shelf: Shelf, item: Listed) -> str | None:
    """Return where the picture lies, None for a failed request."""
    if item.sha256 is None or item.format is None:
        return None
    return shelf.parts[item.part].store.blobs.name(item.sha256, item.format)


def _price(value: Any) -> str | None:
    return f"{usd(value)} when it was bought" if value else None


def _sorted_by(column: str, value: Any) -> str:
    name = column.replace("_", " ")
    if COLUMN_TYPES.get(column) == "boolean":
        return name if value else f"not {name}"
    if value is None:  # a cost or a score is a number that nobody knows; an error or a variant just is not there
        measured = column.startswith("score") or COLUMN_TYPES.get(column) in ("Float64", "Int64")
        return f"{name} {'unknown' if measured else '–'}"
    return f"{name} {_number(value)}"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else shortened(said(value), 40)

"""Pictures and films that know what made them: the record that is embedded when one is saved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.engine.rows import DERIVED
from imagegen_kit.film import Film
from imagegen_kit.imaging.picture import Picture

if TYPE_CHECKING:
    from imagegen_kit.types import Result


def signed(result: Result, run_id: str) -> tuple[Picture, ...]:
    """Return the pictures of ``result``, each with the record of its request."""
    pictures = [p for p in result.artifacts if isinstance(p, Picture)]
    record = _record(result, run_id) if pictures else None
    return tuple(replace(p, provenance=record) for p in pictures)


def signed_films(result: Result, run_id: str) -> tuple[Film, ...]:
    """Return the films of ``result``, each with the record of its request."""
    films = [f for f in result.artifacts if isinstance(f, Film)]
    record = _record(result, run_id) if films else None
    return tuple(f if f.is_stand_in else replace(f, provenance=record) for f in films)


def _record(result: Result, run_id: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "tool": f"imagegen_kit {__version__}",
        "run_id": run_id,
        "request": result.request.to_plain(),
        "model": result.request.model,
        "model_used": result.model_used,
        "status": result.status,
        "adaptations": [str(n) for n in result.adaptations],
        "price_usd": result.cost.price_usd,
        "cost_basis": result.cost.basis,
        "key": result.key,
    }
    if result.origin:
        record["origin"] = result.origin  # says whether a trained model, a program or a simulator drew it
    if result.sent is not None and result.sent is not result.request:
        record["sent"] = result.sent.to_plain()
    if made := result.request.labels.get(DERIVED):  # a recipe made it of others, of which ``request`` tells
        record |= {"parents": list(made["of"]), "derived_by": made["by"]}
        record |= {"steps": made["steps"]} if "steps" in made else {}
    return record

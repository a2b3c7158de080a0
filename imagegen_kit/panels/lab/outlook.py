"""What the page draws of a foresight, as JSON-ready data; js/lab_outlook.js draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.panels.lab.foresight import COMPILED
from imagegen_kit.views.prompt import ABOUT, COLOURS
from imagegen_kit.views.words import seconds, shortened

if TYPE_CHECKING:
    from imagegen_kit.panels.lab.foresight import Foresight


def as_plain(found: Foresight) -> dict[str, Any]:
    """Return what the page draws, JSON-ready: all texts as they are, to become text nodes."""
    origins = dict.fromkeys(part.origin for specs in found.specs for spec in specs for part in spec.parts)
    return {
        "headline": found.headline,
        "blank": not found.draft.prompts,
        "faults": [str(fault) for fault in found.faults] if found.draft.prompts else [],
        "prompts": [
            {
                "prompt": shortened(prompt, 60),
                "styles": [
                    {
                        "style": spec.style or "no style",
                        "parts": [[part.text, part.origin] for part in spec.parts],
                        "negative": spec.negative or "",
                    }
                    for spec in specs
                ],
            }
            for prompt, specs in zip(found.draft.prompts, found.specs, strict=False)
        ],
        "more_prompts": max(0, len(found.draft.prompts) - COMPILED),
        "legend": [[ABOUT[origin], COLOURS.get(origin, "")] for origin in origins],
        "colours": COLOURS,
        "models": [
            {
                "model": m.model,
                "cost": m.cost if m.usd or m.unknown else "free" if m.cached < m.cells else "cached",
                "seconds": f"≈ {seconds(m.seconds)}" if m.seconds else "",
                "cells": f"{m.cells:,}" + (f", {m.cached:,} cached" if m.cached else ""),
                "notes": list(m.notes),
                "refused": list(m.refused),
            }
            for m in found.models
        ],
        "unfair": list(found.unfair),
        "budget": list(found.budget),
        "all_cached": bool(found.models) and all(m.cached == m.cells for m in found.models),
    }

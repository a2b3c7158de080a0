"""The lab as it stays in a saved notebook: the compiled prompt, the plan by model, the pictures of the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.views.markup import box, lines, small, table, text
from imagegen_kit.views.prompt import show_prompt
from imagegen_kit.views.run import show_run
from imagegen_kit.views.words import count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.panels.lab.foresight import Foresight

SPECS = 4  # compiled prompts that are shown


def show_lab(found: Foresight, runs: Sequence[Run]) -> str:
    """Show what the lab holds, without a kernel."""
    title = f"<b>Prompt lab</b> · {text(found.headline)}"
    specs = [spec for of_prompt in found.specs for spec in of_prompt]
    faults = [text(f"⚠ {fault}") for fault in found.faults] if found.draft.prompts else []
    more = f"… and {count(len(specs) - SPECS, 'more compiled prompt')}" if len(specs) > SPECS else ""
    parts: list[str] = [lines(title, *faults, *map(text, found.budget))]
    parts += [show_prompt(spec) for spec in specs[:SPECS]]
    parts += [lines(small(text(more))) if more else "", _plan(found), _unfair(found)]
    if runs:
        parts += [lines(text(f"The last of {count(len(runs), 'run')}:") if len(runs) > 1 else ""), show_run(runs[-1])]
    return box(*parts)


def _plan(found: Foresight) -> str:
    rows = [
        [
            text(m.model),
            text(f"{m.cells:,}" + (f", {m.cached:,} cached" if m.cached else "")),
            text(m.cost),
            text(f"≈ {seconds(m.seconds)}" if m.seconds else "–" if m.seconds is None else "none"),
            text("refused: " + "; ".join(m.refused) if m.refused else "; ".join(m.notes) or "all as asked"),
        ]
        for m in found.models
    ]
    return table(rows, ["model", "cells", "est. cost", "est. time", "not honoured"]) if rows else ""


def _unfair(found: Foresight) -> str:
    return lines(*(text(f"unfair pair: {words}") for words in found.unfair))

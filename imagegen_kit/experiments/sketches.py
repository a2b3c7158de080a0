"""The layout of concept sketches: one directory a call of the recipe, timestamped, never overwritten."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.layouts import pictures_of, write_json
from imagegen_kit.store.values import CELLS_PER_RUN, as_cell_value

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.types import Result

_CELLS = (
    "SELECT r.cell, r.kind FROM requests r JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 "
    "WHERE r.run = ? AND (? IS NULL OR r.id IN (SELECT value FROM json_each(?))) ORDER BY r.cell, r.step"
)
_REPORTS = (
    "SELECT s.sha256, s.details FROM request_scores q JOIN scores s ON s.sha256 = q.sha256 AND s.scorer = q.scorer "
    "AND s.version = q.version AND s.inputs = q.inputs WHERE q.run = ? AND q.scorer = 'sketch' ORDER BY q.id"
)
_PARAMS = "SELECT name, value FROM cell_params WHERE cell = ?"


def save_sketches(run: Run, folder: Path) -> Path:
    """Write each cell of ``run`` into a new directory ``<date>-<time>-<id>`` and return it, or ``folder`` for several.

    The directory holds ``sketch_0.png``, ``sketch_1.png``, … and ``metadata.json`` with timestamp, prompt_spec,
    reference_images, retrieval_scores, style_id, config and images. Of one that was mended the original lies
    beside it (``sketch_0_as_drawn.png``); ``reports.json`` has what the rules said.
    """
    chosen = None if run._only is None else json.dumps(sorted(run._only))
    cells = [cell for cell, kind in run._store.journal.read(_CELLS, (run._number, chosen, chosen)) if kind == "image"]
    grouped = [
        (cell, [pair for _, pair in found])
        for cell, found in groupby(zip(cells, pictures_of(run), strict=True), key=lambda item: item[0])
    ]
    places, reports = [], _reports(run)
    for cell, found in grouped:
        name = run.id if len(grouped) == 1 else f"{run.id}-{cell % CELLS_PER_RUN:04d}"
        params = {
            name: as_cell_value(json.loads(value)) if value is not None else None
            for name, value in run._store.journal.read(_PARAMS, (cell,))
        }
        places.append(_save_one(_new_folder(folder, name), run.created_at, params, found, reports))
    if not places:
        folder.mkdir(parents=True, exist_ok=True)
    return places[0] if len(places) == 1 else folder


def _reports(run: Run) -> dict[str, Any]:
    """Return what the rules said of each picture that was measured, by its hash."""
    read = run._store.journal.read(_REPORTS, (run._number,))
    return {sha256: json.loads(details).get("rules") for sha256, details in read if details}


def _mended_of(result: Result) -> str | None:
    """Return the hash of the sketch that this one was mended from; None where it was drawn."""
    return next(iter((result.request.labels.get("derived") or {}).get("of") or ()), None)


def _new_folder(parent: Path, name: str) -> Path:
    """Make and return a directory that was not there: saving the same run again makes another."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1


def _save_one(
    folder: Path,
    created_at: str,
    params: dict[str, Any],
    found: list[tuple[Result, Picture | None]],
    reports: dict[str, Any],
) -> Path:
    mended = {of: (result, picture) for result, picture in found if (of := _mended_of(result)) and picture is not None}
    drawn = [(result, picture) for result, picture in found if not _mended_of(result)]
    came = [(result, picture) for result, picture in drawn if picture is not None]
    shown = [mended.get(picture.sha256, (result, picture)) for result, picture in came]
    for number, ((_, original), (_, picture)) in enumerate(zip(came, shown, strict=True)):
        picture.save(folder / f"sketch_{number}.png")
        if picture is not original:
            original.save(folder / f"sketch_{number}_as_drawn.png")
    first = found[0][0].request
    references = {r.picture.sha256: r for result, _ in found for r in result.request.references}
    size = getattr(first, "size", None)
    pixels = next(((p.width, p.height) for _, p in came), size.pixels() if size is not None else None)
    write_json(
        folder / "metadata.json",
        {
            "timestamp": created_at,
            "prompt_spec": {
                "brief": str(params.get("brief") or params.get("prompt") or first.prompt),
                "negative_prompt": getattr(first, "negative_prompt", None),
                "prompts": [result.request.prompt for result, _ in came],
                "variants": [result.request.labels.get("variant") for result, _ in came],
            },
            "reference_images": [r.origin or r.name or sha256 for sha256, r in references.items()],
            "retrieval_scores": [r.score for r in references.values()],
            "style_id": params.get("style") or first.labels.get("style"),
            "config": {
                "num_images": len(drawn),
                "resolution": list(pixels) if pixels is not None else None,
                "model_name": first.model,
                "seed": first.seed,
            },
            "images": [f"sketch_{number}.png" for number in range(len(came))],
        },
    )
    told = {
        "reports": [reports.get(picture.sha256) for _, picture in came],
        "mended": [result.request.labels["derived"] if _mended_of(result) else None for result, _ in shown],
    }
    if any(told["reports"]) or mended:
        write_json(folder / "reports.json", told)
    return folder

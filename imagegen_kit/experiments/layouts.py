"""Layouts for scripts and calls: pictures under the names that those who make films of them expect.

What a picture is for rides in its request's labels: ``scene`` (a whole number), ``call_id``, ``variant``. Names are
checked and everything is planned before the first file is written; nothing that is there is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.files import name_fault
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.types.results import Result

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run

MOST_SCENES = 999_999


def pictures_of(run: Run) -> Iterator[tuple[Result, Picture | None]]:
    """Yield each result of ``run`` that asked for a picture, with the picture if one came."""
    for result in run:
        if result.request.kind == "image":
            picture = result.artifacts[0] if result.artifacts else None
            yield result, picture if isinstance(picture, Picture) else None


def check_places(folder: Path, places: list[Path], *, shared: bool = False) -> None:
    """Refuse, all at once, files that are there, that two pictures would share, or that lie outside ``folder``.

    ``shared`` allows what is there and what is equal: such places hold the same picture by their name.
    """
    root, faults, taken = folder.resolve(), [], dict[str, Path]()
    there: list[Path] = []
    for place in places:
        path = folder / place
        if not path.parent.resolve().is_relative_to(root) or path.is_symlink():  # a link in the folder leads away
            faults.append(Fault("folder", f"{place} leads out of {folder} through a link.", "Name another folder."))
        other = taken.setdefault(str(place).lower(), place)  # many file systems do not tell case apart
        if other is not place and not (shared and other == place):
            faults.append(Fault("folder", f"two pictures would be {place}.", "Give them labels of their own."))
        elif path.exists() and not shared:
            there.append(place)
    if there:
        more = f" and {len(there) - 1} more are" if len(there) > 1 else " is"
        what = f"{there[0]}{more} there already, in {folder}."
        faults.append(Fault("folder", what, "Name another folder, or take it away first."))
    if faults:
        raise InvalidInput(list(dict.fromkeys(faults)))


def save_scenes(run: Run, folder: Path) -> Path:
    """Write ``<run id>/scene_{n}_{8 hex}.png``, a ``.json`` of the same name beside each, and ``metadata.json``.

    The scene's number is the label ``scene``, else the place in the run from 1; the hex digits begin the hash of the
    stored picture. A placeholder says so in its name. Returns the run's own folder.
    """
    session = folder / run.id
    found, faults = [], []
    for number, (result, picture) in enumerate(pictures_of(run), 1):
        scene = result.request.labels.get("scene", number)
        if type(scene) is not int or not 0 <= scene <= MOST_SCENES:
            what = f"the scene {str(scene)[:80]!r} is not a whole number from 0 to {MOST_SCENES:,}."
            faults.append(Fault("scene", what, "Label it: labels={'scene': 1}."))
            continue
        found.append((scene, result, picture))
    if faults:
        raise InvalidInput(faults)
    names = _scene_names(found)
    taken = [Path(name) for name in names if name is not None]
    check_places(session, [*taken, *(path.with_suffix(".json") for path in taken), Path("metadata.json")])
    rows = []
    for (scene, result, picture), name in zip(found, names, strict=True):
        row = {"scene_number": scene, "file": name, **facts_of(result), "run_id": run.id}
        rows.append(row)
        if picture is not None and name is not None:
            picture.save(session / name)
            write_json((session / name).with_suffix(".json"), row)
    session.mkdir(parents=True, exist_ok=True)
    write_json(session / "metadata.json", {"run_id": run.id, "created_at": run.created_at, "pictures": rows})
    return session


def _scene_names(found: list[tuple[int, Result, Picture | None]]) -> list[str | None]:
    names: dict[str, None] = {}
    ordered: list[str | None] = []
    for scene, result, picture in found:
        if picture is None:
            ordered.append(None)
            continue
        mark = "_placeholder" if result.status == "placeholder" else ""
        digits = picture.sha256
        places = [f"scene_{scene}_{digits[i : i + 8]}{mark}.png" for i in range(0, 64, 8)]
        name = next((n for n in places if n not in names), f"scene_{scene}_{digits}_{len(ordered)}{mark}.png")
        names[name] = None  # the same picture twice gets the next digits of its hash
        ordered.append(name)
    return ordered


def facts_of(result: Result) -> dict[str, Any]:
    """Return what is known of a result, JSON-ready, under the names of the table's columns."""
    request, sent, picture = result.request, result.sent, result.artifacts[0] if result.artifacts else None
    return {
        "prompt": request.prompt,
        "negative_prompt": getattr(request, "negative_prompt", None),
        "model": request.model,
        "model_used": result.model_used,
        "seed": request.seed,
        "seed_sent": sent.seed if sent is not None else None,
        "status": result.status,
        "error": result.error,
        "cost_usd": result.cost.usd,
        "price_usd": result.cost.price_usd,
        "cost_basis": result.cost.basis,
        "seconds": result.seconds,
        "width": picture.width if picture else None,
        "height": picture.height if picture else None,
        "sha256": picture.sha256 if picture else None,
        "reference_ids": [r.origin or r.picture.sha256[:12] for r in (sent or request).references],
        "reference_scores": [r.score for r in (sent or request).references],
        "adaptations": [str(note) for note in result.adaptations],
        "labels": dict(request.labels),
    }


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as readable JSON."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str), encoding="utf-8")


def save_calls(run: Run, folder: Path) -> Path:
    """Write pictures of calls as JPEG: by call, by template, or by what was asked.

    ``images/{call_id}.jpg`` where the request has the label ``call_id``, else
    ``images/templates/split-screen-{variant}.jpg`` where it has the label ``variant``, else
    ``images/cache/{first 16 hex digits of the request's key}.jpg``: the same request is the same file, and stays.
    """
    planned: list[tuple[Path, Picture]] = []
    cached: dict[Path, Picture] = {}
    faults = []
    for result, picture in pictures_of(run):
        if picture is None:
            continue
        labels = result.request.labels
        label = next((name for name in ("call_id", "variant") if labels.get(name) is not None), None)
        if label is None and result.status == "placeholder":
            continue  # it must never be taken for the picture of this request
        if label is None:
            cached[Path("images/cache") / f"{(result.key or picture.sha256)[:16]}.jpg"] = picture
        elif fault := name_fault(label, labels[label]):
            faults.append(fault)
        elif label == "call_id":
            planned.append((Path("images") / f"{labels[label]}.jpg", picture))
        else:
            planned.append((Path("images/templates") / f"split-screen-{labels[label]}.jpg", picture))
    if faults:
        raise InvalidInput(list(dict.fromkeys(faults)))
    check_places(folder, [place for place, _ in planned])
    check_places(folder, list(cached), shared=True)
    for place, picture in planned:
        picture.save(folder / place)
    for place, picture in cached.items():
        if not (folder / place).exists():
            picture.save(folder / place)
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""Which pictures of a run may be voted on: only real ones, answered by the model that was asked."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.elsewhere import ELSEWHERE
from imagegen_kit.experiments.pairing import Contender
from imagegen_kit.experiments.together import OF_FILES, belonging, file_name
from imagegen_kit.store.values import CELLS_PER_RUN, as_cell_value
from imagegen_kit.tables.scores import PREFIX

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from imagegen_kit.experiments.run import Run

_PICTURES = (
    "SELECT r.id, r.cell, r.step, r.variant, c.repeat, s.status, s.same_model, s.sha256, s.format, "
    "a.removed_at IS NOT NULL OR a.damaged_at IS NOT NULL "
    "FROM requests r CROSS JOIN results s ON s.run = r.run AND s.request = r.id CROSS JOIN cells c ON c.id = r.cell "
    "LEFT JOIN artifacts a ON a.sha256 = s.sha256 "
    "WHERE r.run = ? AND s.replaced = 0 AND r.kind = 'image' ORDER BY r.cell, r.step, r.id"
)
_PARAMETERS = "SELECT cell, name, value FROM cell_params WHERE cell >= ? AND cell < ? ORDER BY cell"
REAL = ("ok", "cached")
GONE = "removed from the store or damaged"
# Parameters that say how a picture was to be made; all other texts say what it was to show.
_HOW = frozenset(
    ("model", "style", "size", "aspect_ratio", "quality", "negative_prompt", "output_format", "library", "retriever",
     "query_by", "file", "label")
)  # fmt: skip


def contenders(run: Run, by: str) -> tuple[list[Contender], Counter[str]]:
    """Return the pictures of ``run`` that differ in ``by`` and elsewhere, and how many were left out, and why.

    Raises InvalidInput for a parameter that the run has not, or that has one value only.
    """
    params = parameters_of(run)
    names = list(dict.fromkeys(name for found in params.values() for name in found))
    rows = [
        row for row in run._store.journal.read(_PICTURES, (run._number,)) if run._only is None or row[0] in run._only
    ]
    if not rows:
        raise InvalidInput([Fault("vote", "this run has no pictures yet.", "Run it first; then vote on what came.")])
    if by not in names:
        raise InvalidInput([unknown_name_fault("parameter of this run", by, names, where="by")])
    pairing, notes = belonging(run, params, by, shows_what)
    found: list[Contender] = []
    left_out: Counter[str] = Counter()
    for request, cell, step, variant, repeat, status, same_model, sha256, format, gone in rows:
        known = pairing.get(cell, {})
        if why := _why_not(status, same_model, sha256, gone) or ("" if by in known else f"without {by}"):
            left_out[why] += 1
            continue
        place = (*context_of(run, known, by), ("step", step), ("repeat", repeat), ("variant", variant))
        found.append(Contender(request, known[by], place, prompt_of(known, by), sha256, format))
    _refuse_one_value(found, by, params)
    if notes and not any(len(values) > 1 for values in _values_by_place(found).values()):
        raise InvalidInput([Fault("by", f"there are no pairs. {notes[0]}", "docs/sharing.md tells what pairs.")])
    return found, left_out


def gone_from(run: Run, found: list[Contender]) -> set[int]:
    """Return the requests of those of ``found`` whose file is not in the store, and that nothing stands for.

    That is another copy in an object store, or the thumbnail in a bundle that came without its pictures.
    """
    blobs = run._store.blobs
    if blobs.other_copy is not None:
        return set()
    small = run._sealed is not None
    return {
        one.request
        for one in found
        if blobs.size(one.sha256, one.format) is None and not (small and blobs.thumbnail_path(one.sha256).is_file())
    }


def doctor_hint(left_out: Counter[str]) -> str:
    """Return what tells which files are gone, to follow a sentence; empty where none is."""
    return " `imagegen doctor` says which files are gone or damaged, and mends what it can." if left_out[GONE] else ""


def _values_by_place(found: list[Contender]) -> dict[Hashable, set[str]]:
    there: dict[Hashable, set[str]] = {}
    for one in found:
        there.setdefault(one.context, set()).add(one.value)
    return there


def compared(run: Run, by: object) -> str:
    """Return the parameter to compare: ``by``, or for None the model, or what alone varies besides the prompt.

    Of pictures made elsewhere it is the label that sets them apart, whatever else was read from them. Raises
    InvalidInput where several vary, and for what is no name.
    """
    if isinstance(by, str):
        return by
    if by is not None:
        raise InvalidInput([Fault("by", f"a {type(by).__name__} names no parameter.", "Give one name: by='model'.")])
    values: dict[str, set[str]] = {}
    for cell in parameters_of(run).values():
        for name, value in cell.items():
            values.setdefault(name, set()).add(value)
    elsewhere = run._spec.get("recipe") == ELSEWHERE
    varied = [name for name, known in values.items() if len(known) > 1 and name != "file"]
    varied = [name for name in varied if not (elsewhere and name.startswith(PREFIX))]
    others = [name for name in varied if name != "prompt"]
    if values and not others and "model" not in values:
        only = "nothing but the prompt varies" if varied else "nothing varies"
        hint = 'Vary what is to be compared in a new run: vary={"model": […]}, say.'
        hint = f'To compare its prompts say by="prompt". {hint}' if varied else hint
        raise InvalidInput([Fault("by", f"{only} in this run, so there is nothing to compare.", hint)])
    if "model" in varied or ("model" in values and not others) or not varied:
        return "model"
    if len(others) == 1:
        return others[0]
    if "label" in varied and elsewhere:
        return "label"
    what = f"what is to be compared? Here vary {', '.join(varied)}."
    raise InvalidInput([Fault("by", what, f"Name what to compare: by={others[0]!r}.")])


def label_of(value: str) -> str:
    """Return a parameter's recorded value (JSON) in the words of a table."""
    return str(as_cell_value(json.loads(value)))


def prompt_of(params: Mapping[str, str], by: str) -> str:
    """Return what may stand above two pictures that differ in ``by``: the prompt, or else the texts that say what for.

    Empty where the prompt itself is compared. Models, styles and whatever else says how they were made stay out.
    """
    if "prompt" in params:
        return "" if by == "prompt" else label_of(params["prompt"])
    said = {n: v for n, v in params.items() if n != by and shows_what(n, v)}
    return " · ".join(f"{n}: {label_of(v)}" for n, v in said.items())


def shows_what(name: str, value: str) -> bool:
    """Return whether a parameter and its recorded value (JSON) say what a picture shows, as a prompt does."""
    if name in _HOW or name.endswith("_model"):
        return False
    return isinstance(as_cell_value(json.loads(value)), str)


def parameters_of(run: Run) -> dict[int, dict[str, str]]:
    """Return the parameters of each cell of a run, as they are recorded (JSON)."""
    first, last = run._number * CELLS_PER_RUN, (run._number + 1) * CELLS_PER_RUN
    found: dict[int, dict[str, str]] = {}
    for cell, name, value in run._store.journal.read(_PARAMETERS, (first, last)):
        found.setdefault(cell, {})[name] = value
    return found


def _why_not(status: str, same_model: int, sha256: str | None, gone: int) -> str:
    if status == "fallback" or (status in REAL and not same_model):
        return "answered by another model"
    if status not in REAL or sha256 is None:
        return status if status not in REAL else "without a picture"
    return GONE if gone else ""


def context_of(run: Run, params: Mapping[str, str], by: str) -> tuple[Hashable, ...]:
    """Return all else that was asked for: equal for cells that differ in ``by`` alone."""
    rest = {name: value for name, value in params.items() if name != by}
    if run._spec.get("recipe") == ELSEWHERE:
        file = file_name(rest)
        rest = {name: value for name, value in rest.items() if name not in OF_FILES}
        if "prompt" not in params:  # then pictures of one name belong together: one/cup.png and two/cup.png
            rest["file"] = file
    return tuple(sorted(rest.items()))


def _refuse_one_value(found: list[Contender], by: str, params: dict[int, dict[str, str]]) -> None:
    values = {one.value for one in found}
    if len(values) > 1:
        return
    varied: dict[str, Any] = {}
    for cell in params.values():
        for name, value in cell.items():
            varied.setdefault(name, set()).add(value)
    others = [name for name, known in varied.items() if len(known) > 1 and name not in (by, *OF_FILES)]
    what = (
        f"all pictures that can be voted on have the {by} {label_of(next(iter(values)))!r}: no two can be compared."
        if values
        else "no picture of this run can be voted on: all failed, or are placeholders or answers of another model."
    )
    raise InvalidInput([Fault("by", what, f"What varies here: {', '.join(others)}." if others else "")])

"""Pictures that were made elsewhere, as a run: a folder of files, or a table with a column of pictures.

Each picture is a cell of its own, with one request that says what is known of its making. Nothing is added to it that
nobody said: an unknown cost is NA, and seconds are there only where they were given. The same pictures with the same
words are the same run.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.execute import new_run_id, versions
from imagegen_kit.engine.keep import keep_inputs
from imagegen_kit.engine.policy import DEFAULT, timestamp
from imagegen_kit.engine.rows import (
    INSERT_ARTIFACT,
    INSERT_CELL,
    INSERT_CELL_END,
    INSERT_PARAM,
    INSERT_REQUEST,
    INSERT_RESULT,
    Place,
    artifact_row,
    request_row,
    result_row,
)
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.entries import Entry, folder_entries, table_entries
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.imaging.told import told
from imagegen_kit.store.values import CELLS_PER_RUN, dumps, encode
from imagegen_kit.types import Cost, ImageRequest, Result

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.store import Blobs
    from imagegen_kit.store.journal import Statement

ELSEWHERE = "elsewhere"  # the recipe and origin of such runs, and the model of pictures that name none
NAMED = 20  # unreadable pictures in one message
_FIRST = ("file", "label", "prompt", "model", "seed")  # parameters, in this order; the others follow


def run_of_folder(folder: Path, engine: Engine) -> str:
    """Return the id of the run that the pictures in ``folder`` are, recorded now where they are new."""
    return _run_of(engine, folder_entries(folder), folder.resolve().name)


def run_of_table(frame: pd.DataFrame, engine: Engine) -> str:
    """Return the id of the run that the rows of ``frame`` are, recorded now where they are new."""
    return _run_of(engine, table_entries(frame), None)


def _run_of(engine: Engine, entries: list[Entry], name: str | None) -> str:
    blobs = engine.store.blobs
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        read = list(threads.map(_opened, entries))
    faults = [fault for found in read if not isinstance(found, Picture | None) for fault in found]
    if faults:
        more = [Fault("open_run", f"and {len(faults) - NAMED:,} more.")] if len(faults) > NAMED else []
        raise InvalidInput([*faults[:NAMED], *more])
    pictures = [found if isinstance(found, Picture) else None for found in read]
    encoded = [{k: encode(v, blobs) for k, v in entry.params.items()} for entry in entries]
    content = [
        [params, entry.facts, picture and picture.sha256]
        for params, entry, picture in zip(encoded, entries, pictures, strict=True)
    ]
    definition = hashlib.sha256(dumps([ELSEWHERE, name, content]).encode()).hexdigest()
    journal = engine.store.journal
    journal.flush().result()
    if known := journal.read("SELECT id FROM runs WHERE definition = ? AND recipe = ?", (definition, ELSEWHERE)):
        return str(known[0][0])
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # bytes before rows, as everywhere
        list(threads.map(lambda picture: keep_inputs(blobs, [picture]), filter(None, pictures)))
    number, id = journal.new_id(), new_run_id(DEFAULT)
    at = timestamp(DEFAULT.clock.now())
    spec = dumps(_spec(encoded))
    row = (number, id, name, ELSEWHERE, definition, spec, len(entries), engine.session, versions(), at)
    rows: list[Statement] = [("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)]
    for position, (entry, params, picture) in enumerate(zip(entries, encoded, pictures, strict=True)):
        place = Place(number, number * CELLS_PER_RUN + position, 0, 0)
        rows += _cell_rows(place, position, entry, params, at)
        rows += _result_rows(journal.new_id(), place, entry, picture, blobs, at)
    journal.write(rows).result()  # all of it or nothing: a half-read folder must not be taken for the whole
    return id


def _opened(entry: Entry) -> Picture | list[Fault] | None:
    """Return the checked picture and let ``entry`` know what the file itself tells, or what is wrong with it."""
    if entry.source is None:
        return None
    try:
        picture = open_picture(entry.source, where=entry.where)
    except InvalidInput as error:
        return list(error.faults)
    said = told(picture.bytes)
    if "price_usd" in said:
        entry.facts.setdefault("price_usd", said.pop("price_usd"))
    known = {**said, **entry.params}
    names = [n for n in _FIRST if n in known] + [n for n in known if n not in _FIRST]
    entry.params = {name: known[name] for name in names}
    return picture


def _spec(points: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the spec by which a run is shown: what all pictures share is fixed, the rest varies."""
    names = list(dict.fromkeys(name for point in points for name in point))
    fixed = {
        name: points[0][name]
        for name in names
        if len(points) > 1 and all(name in p and p[name] == points[0].get(name) for p in points)
    }
    shown = [n for n in names if n not in fixed]
    if set(shown) & {"prompt", "label"}:  # these say more than a file's name, and put like beside like
        shown = [n for n in shown if n != "file"]
    varied = [{n: point[n] for n in shown if n in point} for point in points]
    return {"recipe": ELSEWHERE, "parameters": names, "points": varied, "fixed": fixed, "repeats": 1}


def _cell_rows(place: Place, position: int, entry: Entry, params: dict[str, Any], at: str) -> list[Statement]:
    failed = None if entry.source is not None else entry.facts["error"]
    end = (place.cell, "failed" if failed else "ok", "ImagegenError" if failed else None, failed, at)
    return [
        (INSERT_CELL, (place.cell, place.run, position, 0, entry.facts.get("category"), at)),
        *((INSERT_PARAM, (place.cell, name, dumps(value))) for name, value in params.items()),
        (INSERT_CELL_END, end),
    ]


def _result_rows(
    id: int, place: Place, entry: Entry, picture: Picture | None, blobs: Blobs, at: str
) -> list[Statement]:
    params, facts = entry.params, entry.facts
    model = str(params.get("model") or ELSEWHERE)
    asked = ImageRequest(
        prompt=str(params.get("prompt") or ""), model=model, seed=_whole(params.get("seed")),
        negative_prompt=str(params["negative_prompt"]) if params.get("negative_prompt") else None,
        labels={name: facts[name] for name in ("category", "variant") if name in facts},
    )  # fmt: skip
    cost = facts.get("cost_usd")
    price = facts.get("price_usd", cost)
    stored = picture and replace(picture, path=str(blobs.path(picture.sha256, picture.format)), data=None)
    result = Result(
        request=asked, sent=asked, status="ok" if picture else "failed", artifacts=(stored,) if stored else (),
        cost=Cost(cost, price, "unknown" if cost is None and price is None else "reported"),
        timings={"total": float(facts["seconds"])} if "seconds" in facts else {},
        error=None if picture else facts["error"], error_type=None if picture else "ImagegenError",
        model_used=model if picture else None, origin=ELSEWHERE,
    )  # fmt: skip
    # The request has a key, for one that has none was never sent; the result has none, so that no cache finds it.
    key = hashlib.sha256(f"{ELSEWHERE} {place.cell}".encode()).hexdigest()
    rows: list[Statement] = [
        (INSERT_REQUEST, request_row(id, place, asked, asked, key, (), at)),
        (INSERT_RESULT, result_row(id, place, result, at)),
    ]
    return [*rows, (INSERT_ARTIFACT, artifact_row(stored, at))] if stored else rows


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None

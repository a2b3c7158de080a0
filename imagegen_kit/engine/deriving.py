"""``job.derive``: pictures that a recipe makes of others (cut, mended, joined), kept in its run beside them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.image_result import failure_of
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.rows import (
    DERIVED,
    INSERT_ARTIFACT,
    INSERT_REQUEST,
    INSERT_RESULT,
    Place,
    artifact_row,
    request_row,
    result_from_row,
    result_row,
)
from imagegen_kit.errors import Fault, ImagegenError, InvalidInput
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.types import Cost, ImageRequest, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.store import Blobs
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Status

FREE = Cost(0.0, 0.0, DERIVED)
_LESS = ("placeholder", "fallback")  # what is made of one of these is one itself


@dataclass(frozen=True, slots=True)
class Derivation:
    """What is to be made: of which ``parents``, by which function, and the request that each outcome stands under."""

    parents: tuple[Picture, ...]
    function: Callable[..., Any]
    options: Mapping[str, Any]
    asked: tuple[ImageRequest, ...]
    keys: tuple[str, ...]
    status: Status
    model: str
    origin: str | None


def read_derivation(
    given: Any, function: Callable[..., Any], n: int, labels: Any, options: Mapping[str, Any]
) -> Derivation:
    """Return what a recipe wants to have made. Raises InvalidInput, and what went wrong with a parent that failed."""
    single = isinstance(given, (str, bytes, Picture, Result)) or not hasattr(given, "__iter__")
    one_answer = hasattr(given, "results") or hasattr(given, "__array_interface__")
    items = [given] if single or one_answer else list(given)
    results: list[Result] = []
    parents: list[Picture] = []
    for number, item in enumerate(items, 1):
        of_answer = getattr(item, "results", (item,) if isinstance(item, Result) else None)
        if of_answer is None:
            parents.append(open_picture(item, where=f"picture {number}"))
            continue
        found = [a for r in of_answer for a in r.artifacts[:1] if isinstance(a, Picture) and r.status != "failed"]
        if len(found) < len(of_answer):
            raise failure_of(*of_answer)
        results, parents = [*results, *of_answer], [*parents, *found]
    each = [labels or {}] * n if labels is None or isinstance(labels, Mapping) else list(labels)
    faults = []
    if not parents:
        faults.append(Fault("pictures", "there is none to make anything of."))
    if type(n) is not int or n < 1:
        faults.append(Fault("n", f"{n!r:.80} is not a whole number above 0."))
    elif len(each) != n:
        faults.append(Fault("labels", f"there are {len(each)} of them for {n} pictures."))
    if faults:
        raise InvalidInput(faults)
    by = getattr(function, "__qualname__", type(function).__name__).rpartition(".")[2]
    made_of = {"by": by, "of": [parent.sha256 for parent in parents]}
    first = results[0] if results else None
    ask = first.request if first is not None and isinstance(first.request, ImageRequest) else None
    ask = ask or ImageRequest(prompt=first.request.prompt if first else by, model=first.request.model if first else by)
    said = json.dumps([DERIVED, made_of, options], sort_keys=True, default=repr)
    known = {result.status for result in results}
    return Derivation(
        parents=tuple(parents), function=function, options=dict(options),
        asked=tuple(replace(ask, labels={**ask.labels, **one, DERIVED: made_of}) for one in each),
        keys=tuple(hashlib.sha256(f"{said} {number}".encode()).hexdigest() for number in range(n)),
        status=next((status for status in _LESS if status in known), "ok"),
        model=(first.model_used if first else None) or by, origin=first.origin if first else None,
    )  # fmt: skip


def make(blobs: Blobs, wanted: Derivation) -> list[Picture]:
    """Call the function and store what it makes. Runs in a thread."""
    made = wanted.function(*wanted.parents, **wanted.options)
    items = list(made) if isinstance(made, (list, tuple)) else [made]
    if len(items) != len(wanted.asked):
        raise TypeError(f"{wanted.function!r} made {len(items)} pictures, and n is {len(wanted.asked)}")
    return [_kept(blobs, open_picture(getattr(item, "picture", item)), wanted) for item in items]


def _kept(blobs: Blobs, picture: Picture, wanted: Derivation) -> Picture:
    data = picture.bytes
    path = blobs.put(data, picture.sha256, picture.format)
    if blobs.thumbnail(picture.sha256) is None:
        blobs.put_thumbnail(picture.sha256, thumbnail(picture.image))
    parents = tuple(parent.sha256 for parent in wanted.parents if parent.sha256 != picture.sha256)
    return replace(picture, parents=parents, path=str(path), data=None, size_bytes=len(data))


def results_of(wanted: Derivation, made: Sequence[Picture], first: int, seconds: float | None) -> list[Result]:
    """Return the results that ``made`` are, numbered by step from ``first``."""
    results = []
    for number, (asked, picture) in enumerate(zip(wanted.asked, made, strict=True)):
        steps = (picture.provenance or {}).get("steps")
        labels = asked.labels if not steps else {**asked.labels, DERIVED: {**asked.labels[DERIVED], "steps": steps}}
        results.append(
            Result(
                request=replace(asked, labels=labels),
                sent=asked,
                status=wanted.status,
                artifacts=(picture,),
                cost=FREE,
                timings={} if seconds is None else {"derive": seconds},
                model_used=wanted.model,
                origin=wanted.origin,
                step=first + number,
            )
        )
    return results


async def derive(engine: Engine, scope: Scope, policy: Policy, wanted: Derivation, first: int) -> list[Result]:
    """Return what this cell made before, or make it now and write it down; see ``Job.derive``."""
    places = [
        Place(scope.run, scope.cell, first + number, scope.occurrence(key)) for number, key in enumerate(wanted.keys)
    ]
    known = [scope.replay.get((key, place.occurrence)) for key, place in zip(wanted.keys, places, strict=True)]
    if all(one is not None and one.row is not None for one in known):
        return [
            result_from_row(one.row, engine.store, asked, asked, (), None, place.step)
            for one, asked, place in zip(known, wanted.asked, places, strict=True)
            if one is not None and one.row is not None
        ]
    started = policy.clock.monotonic()
    try:
        made = await engine.in_thread(make, engine.store.blobs, wanted)
    except ImagegenError as error:
        results = [
            Result(
                request=asked,
                sent=asked,
                status="failed",
                cost=FREE,
                error=error.message,
                error_type=type(error).__name__,
                origin=wanted.origin,
                step=place.step,
                exception=error,
            )
            for asked, place in zip(wanted.asked, places, strict=True)
        ]
    else:
        results = results_of(wanted, made, first, policy.clock.monotonic() - started)
    at = timestamp(policy.clock.now())
    rows: list[Statement] = scope.open()
    for result, place, key, recorded in zip(results, places, wanted.keys, known, strict=True):
        id = recorded.id if recorded is not None else engine.store.journal.new_id()
        if recorded is None:
            rows.append((INSERT_REQUEST, request_row(id, place, result.request, result.request, key, (), at)))
        if recorded is None or recorded.row is None:
            rows.append((INSERT_RESULT, result_row(id, place, result, at)))
        for picture in result.artifacts:
            rows.append((INSERT_ARTIFACT, artifact_row(picture, at)))
            rows += engine.store.planned_upload(picture, at)
    await asyncio.wrap_future(engine.store.journal.write(rows))
    if engine.store.uploads is not None:
        engine.store.uploads.wake()
    return results

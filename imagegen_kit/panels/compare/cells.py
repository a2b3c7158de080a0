"""What the page is told of a run's cells and results: words and hashes, never pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.store.values import as_cell_value
from imagegen_kit.tables.diff import diff_results
from imagegen_kit.views.words import STAND_IN, is_stand_in, said, seconds, shortened, usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.types import Result
    from imagegen_kit.views.grid import Line
    from imagegen_kit.views.rows import Row

VALUE_LENGTH = 400  # characters of a value in a table of details
_SHOWN_ELSEWHERE = ("prompt", "model", "labels", "kind", "references", "seed", "sample")
_NO_DIFFERENCE = ("prompt", "sent.prompt", "sha256")  # the prompts stand above, marked word by word


def head(name: str | None, value: Any) -> dict[str, str]:
    """Return the head of a column, and what is to be said of a model that is none."""
    words = said(as_cell_value(value))
    if name in (None, "model"):
        return {"main": words, "note": STAND_IN if is_stand_in(words) else ""}
    return {"main": f"{name}: {words}", "note": ""}


def line_head(line: Line, names: Sequence[str]) -> dict[str, Any]:
    """Return the head of a row: the first parameter large, the others below it by their names."""
    words = [said(as_cell_value(line.labels.get(name))) for name in names]
    first = [words[0] if names[0] in ("prompt", "brief", "model") else f"{names[0]}: {words[0]}"] if names else [""]
    subs = [f"{n}: {w}" for n, w in zip(names[1:], words[1:], strict=True)]
    model = line.labels.get("model")
    return {"main": first[0], "subs": [*subs, *([STAND_IN] if isinstance(model, str) and is_stand_in(model) else [])]}


def item_of(row: Row, names: Sequence[str | None]) -> dict[str, Any]:
    """Return a result as the page shows it; ``names`` are the parameters that tell it from its neighbours."""
    outcome, picture = row.outcome, row.picture
    told = sorted((n for n in names if n in row.params), key=lambda name: name in ("prompt", "brief"))  # long ones last
    title = " · ".join(shortened(_named(str(name), row.params[name]), 60) for name in told)
    notes = [*outcome.notes]
    if is_stand_in(outcome.model_used or outcome.model) and "model" not in names:
        notes.append(STAND_IN)
    item: dict[str, Any] = {
        "id": row.request, "status": outcome.status, "alt": outcome.alt, "title": title or outcome.model,
        "facts": outcome.facts, "notes": notes, "unfair": bool(outcome.adaptations),
    }  # fmt: skip
    if picture is not None:
        return {**item, "sha": picture.sha256, "width": picture.width, "height": picture.height}
    return {**item, "words": outcome.failed, "answer": outcome.answer is not None}


def details(result: Result) -> list[tuple[str, str]]:
    """Return what is known of a result, name by name, in words."""
    sent = result.sent or result.request
    rows: list[tuple[str, Any]] = [
        ("model", result.request.model),
        ("answered by", result.model_used if result.model_used != result.request.model else None),
        ("status", result.status),
        ("error", result.error),
        ("seed", sent.seed),
    ]
    rows += [(name, value) for name, value in sent.to_plain().items() if name not in _SHOWN_ELSEWHERE]
    rows += [("style", result.request.labels.get("style"))]
    rows += [("reference", ref.name or ref.origin or ref.picture.sha256[:12]) for ref in sent.references]
    unfair, fair = (", ".join(str(n) for n in result.adaptations if n.unfair is u) for u in (True, False))
    rows += [("unfair", unfair or None), ("adapted", fair or None)]
    rows += [("cost", usd(result.cost.usd) + f" ({result.cost.basis})")]
    rows += [("seconds", seconds(result.seconds) if result.seconds is not None and result.status != "cached" else None)]
    rows += [("simulated", "no real service was asked" if result.simulated else None)]
    for artifact in result.artifacts:
        if artifact.kind != "text":
            size = f"{artifact.width} × {artifact.height} pixels"
            rows.append(("file", f"{artifact.format.upper()}, {size}, {artifact.sha256[:12]}…"))
    return [(name.replace("_", " "), _words(value)) for name, value in rows if value not in (None, "", (), [], {})]


def differences(first: Result, second: Result) -> list[tuple[str, str, str]]:
    """Return the fields in which two results differ, with the words of each; prompts and hashes are left out."""
    rows = [(str(name), _words(a), _words(b)) for name, a, b in diff_results(first, second).itertuples()]
    return [
        (name.replace("sent.", "sent: ").replace("_", " "), a, b)
        for name, a, b in rows
        if name not in _NO_DIFFERENCE and not name.startswith("adaptation.")  # details have them: unfair, adapted
    ]


def _named(name: str, value: Any) -> str:
    return said(value) if isinstance(value, str) else f"{name} {said(value)}"


def _words(value: Any) -> str:
    plain: Mapping[str, Any] | Any = as_cell_value(value)
    return "–" if value is None else shortened(said(plain), VALUE_LENGTH)

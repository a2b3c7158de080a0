"""A run that may be shown to anybody: what was asked becomes numbered labels, what it came to stays.

Prompts and other texts, reference pictures, keys of requests, raters, and whatever services said in words are replaced
("prompt 1", "reference 2") or left out; the same text has the same label, in the order in which the run first names it.
Numbers tell nothing of a text; a hash would let anybody who guesses a prompt confirm it. Models, styles by name, sizes,
seeds, categories, costs, seconds, checks and scores stay: tables of them say what the original says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.store.values import dumps
from imagegen_kit.types import SIMULATED
from imagegen_kit.types.results import COMPARABLE, FOLDED

if TYPE_CHECKING:
    from imagegen_kit.store.slices import Row, Slice

# Parameters whose texts are names of what everybody may know, not words of the one who asks.
_NAMES = frozenset(("model", "style", "size", "aspect_ratio", "quality", "query_by", "retriever", "output_format"))
_FIELDS = ("model", "size", "quality")  # of requests, beside numbers
_TOLD = frozenset((*_NAMES, "seed", "sample", "n", "seconds"))  # fields whose adaptations name nothing private
# Events name raters, and no vote goes on where raters and pairs are numbers.
_LEFT_OUT = ("attempts", "ledger", "retrievals", "events")


@dataclass(slots=True)
class Labels:
    """Numbers texts by kind: the first prompt is "prompt 1"."""

    known: dict[str, dict[str, str]] = field(default_factory=dict)

    def of(self, kind: str, text: str) -> str:
        """Return the label of ``text``."""
        known = self.known.setdefault(kind, {})
        return known.setdefault(text, f"{kind} {len(known) + 1}")


def shared(rows: Slice, new_hashes: dict[str, str]) -> Slice:
    """Return the rows as they may be shown; ``new_hashes`` leads from the pictures' hashes to their shared copies'."""
    labels = Labels()
    kept = {table: [] if table in _LEFT_OUT else [dict(row) for row in found] for table, found in rows.items()}
    for row in kept["runs"]:
        row["spec"], row["definition"] = dumps(_spec(json.loads(row["spec"]), labels)), ""
    for row in kept["cell_params"]:
        if row["value"] is not None:
            row["value"] = dumps(_value(row["name"], json.loads(row["value"]), labels))
    for row in kept["cell_ends"]:
        row["error"] = row["error_type"]
    for row in kept["requests"]:
        _request(row, labels)
    for row in kept["results"]:
        _result(row, labels, new_hashes)
    for row in kept["request_refs"]:
        name = labels.of("reference", row["sha256"])
        row["sha256"], row["item"] = name, name
    for row in kept["votes"]:
        judge = row["rater"].startswith("judge:")  # a machine, which statistics keep apart from people
        row["rater"] = labels.of("judge:model" if judge else "rater", row["rater"])
    for row in kept["scores"]:
        row["reason"] = row["details"] = None
    for row in (*kept["scores"], *kept["request_scores"]):
        row["inputs"] = f"{labels.of('set', row['inputs'][:32])} {labels.of('inputs', row['inputs'])}"
    for table in ("artifacts", "scores", "request_scores"):
        kept[table] = [
            row | {"sha256": new_hashes[row["sha256"]]} for row in kept[table] if row["sha256"] in new_hashes
        ]
    originals = {new: old for old, new in new_hashes.items()}
    for row in kept["artifacts"]:
        row["parents"] = json.dumps([originals[row["sha256"]]])
    return kept


def _spec(spec: dict[str, Any], labels: Labels) -> dict[str, Any]:
    kept: dict[str, Any] = {
        name: spec[name] for name in ("recipe", "parameters", "repeats", "simulated", "budget_usd") if name in spec
    }
    names = spec.get("parameters", ())
    for part in ("vary", "fixed"):
        if part in spec:  # in the order in which the experiment names them, so that labels count in that order
            kept[part] = {n: _value(n, spec[part][n], labels) for n in names if n in spec[part]}
    if "points" in spec:
        kept["points"] = [{n: _value(n, point[n], labels) for n in names if n in point} for point in spec["points"]]
    return {**kept, "shared": True}


def _value(name: str, plain: Any, labels: Labels) -> Any:
    if isinstance(plain, str):
        return plain if name in _NAMES or name.endswith("_model") else labels.of(name, plain)
    if isinstance(plain, list):
        return [_value(name, value, labels) for value in plain]
    if not isinstance(plain, dict):
        return plain
    if "$prompt" in plain:
        return {"$prompt": labels.of(name, plain["$prompt"]), "category": plain.get("category")}
    if "$style" in plain:
        return {"$style": plain["$style"]}
    if "$library" in plain:
        return labels.of("library", plain["$library"])
    if "$reference" in plain or "$picture" in plain:
        picture = plain.get("$reference") or plain["$picture"]
        return labels.of("reference", picture["sha256"])
    return {labels.of(f"{name} entry", key): _value(name, value, labels) for key, value in plain.items()}


def _request(row: Row, labels: Labels) -> None:
    for name in ("asked", "sent"):
        if row[name] is not None:
            plain = json.loads(row[name])
            kept = {k: v for k, v in plain.items() if k == "kind" or k in _FIELDS or isinstance(v, (int, float))}
            kept["prompt"] = labels.of("prompt", plain.get("prompt", ""))
            row[name] = dumps(kept)
    row["adaptations"] = _told(row["adaptations"])
    if row["key"] is not None:
        row["key"] = labels.of("request", row["key"])
    if row["variant"] is not None:
        row["variant"] = labels.of("variant", row["variant"])


def _result(row: Row, labels: Labels, new_hashes: dict[str, str]) -> None:
    if row["key"] is not None:
        row["key"] = labels.of("request", row["key"])
    row["text"], row["told"] = None, _told(row["told"])
    row["error"] = row["error_type"]
    row["sha256"] = new_hashes.get(row["sha256"])
    if row["sha256"] is None:  # an answer in text, or a placeholder, on which the prompt may stand
        row["format"] = None
    origin = row["origin"]
    if origin is not None and not origin.startswith((SIMULATED, "local:")):
        row["origin"] = f"service:{(row['model_used'] or '').partition('/')[0]}"  # not its address


def _told(words: str | None) -> str | None:
    return None if words is None else "\n".join(map(_without_words, words.split("\n")))


def _without_words(line: str) -> str:
    name, _, rest = line.partition(" ")
    if name in _TOLD or rest == FOLDED:
        return line
    if rest.endswith(" ignored"):
        return f"{name} … ignored"
    return f"{name} … → …{COMPARABLE if rest.endswith(COMPARABLE) else ''}"

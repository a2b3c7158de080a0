"""Replay: what was asked before is answered from bundles, and nothing is sent anywhere.

While the setting ``replay`` names bundles, an experiment *is* the run that a bundle holds of it, and a single call of a
recipe gets the answers of the recorded one: by what was asked, not by where. So a notebook runs again without keys,
plugins or services, and its tables say what they said.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from imagegen_kit.engine.retrieving import from_record
from imagegen_kit.engine.rows import DERIVED, RESULT_COLUMNS, result_from_row
from imagegen_kit.engine.scope import Scope
from imagegen_kit.errors import Fault, InvalidInput, NotInBundle
from imagegen_kit.settings import settings
from imagegen_kit.store.slices import Tidy
from imagegen_kit.store.unbundle import Bundle, open_bundle
from imagegen_kit.store.values import as_cell_value, dumps, stateless
from imagegen_kit.types import request_from_plain
from imagegen_kit.types.results import noted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from imagegen_kit.engine.deriving import Derivation
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.recipe import Recipe
    from imagegen_kit.engine.retrieving import Retrieved, Sought
    from imagegen_kit.registry import Registry
    from imagegen_kit.types import Request, Result

T = TypeVar("T")
_lock = threading.Lock()
_RECORDED = (
    "SELECT r.asked, r.sent, r.adaptations, r.unfair, r.key, r.occurrence, "
    + ", ".join(f"s.{c.strip()}" for c in RESULT_COLUMNS.split(","))
    + " FROM requests r JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 ORDER BY r.cell, r.step"
)


def asked_key(plain: Mapping[str, Any]) -> str:
    """Return the hash of what a request asks: of all that it says but labels and what people call its references."""
    kept = {k: v for k, v in plain.items() if k != "labels"}
    if "references" in kept:
        kept["references"] = [[r["picture"]["sha256"], r["role"], r.get("description")] for r in kept["references"]]
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


@dataclass(slots=True)
class Replay:
    """The bundles in force. ``turn`` counts how often the same was asked: the second time gets the second run of it."""

    bundles: tuple[Bundle, ...]
    turn: Counter[str] = field(default_factory=Counter)
    last: Bundle | None = None
    _specs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def spec(self, bundle: Bundle) -> dict[str, Any]:
        """Return what a bundle's journal says that was asked."""
        if bundle.run_id not in self._specs:
            self._specs[bundle.run_id] = json.loads(bundle.store.journal.read("SELECT spec FROM runs")[0][0])
        return self._specs[bundle.run_id]

    def models(self) -> set[str]:
        """Return the names under which models were asked."""
        rows = [row for b in self.bundles for row in b.store.journal.read("SELECT DISTINCT model FROM requests")]
        return {model for (model,) in rows}

    def find(self, what: str) -> Bundle | None:
        """Return the bundle of a run by its id or name; by "latest" the last one that answered, else the newest."""
        if what == "latest":
            return self.last or max(self.bundles, key=lambda b: str(b.manifest["run"]["created_at"]))
        known = [b for b in self.bundles if what in (b.run_id, b.manifest["run"]["name"])]
        return max(known, key=lambda b: str(b.manifest["run"]["created_at"]), default=None)

    def experiment(self, asks: str, *, fresh: bool) -> Bundle | None:
        """Return the bundle that holds the run of an experiment, by the hash of what it asks."""
        known = sorted(
            (b for b in self.bundles if self.spec(b).get("asks") == asks), key=lambda b: b.manifest["run"]["created_at"]
        )
        if not known:
            return None
        if fresh and self.turn[asks]:
            self.turn[asks] += 1
        self.turn[asks] = max(1, self.turn[asks])
        self.last = known[min(self.turn[asks], len(known)) - 1]
        return self.last

    def missing(self, recipe: str, cells: Iterable[tuple[int, Mapping[str, str]]], tidy: Tidy) -> list[str]:
        """Return, in words, which of ``cells`` (repeat, parameters as JSON text) ended in no bundle."""
        ended: set[tuple[int, str]] = set()
        for bundle in self.bundles:
            if bundle.manifest["run"]["recipe"] == recipe:
                ended |= _ended_cells(bundle)
        return [
            _in_words(number, repeat, encoded)
            for number, (repeat, encoded) in enumerate(cells)
            if (repeat, dumps(stateless({k: json.loads(tidy.text(v)) for k, v in encoded.items()}))) not in ended
        ]

    async def execute(
        self,
        engine: Engine,
        recipe: Recipe,
        params: dict[str, Any],
        encoded: Mapping[str, str],
        policy: Policy,
        emit: Callable[[Any], None] | None,
    ) -> Any:
        """Run one recipe against the recorded answers of the same call, and return its value."""
        tidy = Tidy.of(engine.store.path)
        plain = stateless({k: json.loads(tidy.text(v)) for k, v in encoded.items()})
        known = sorted(
            (
                b
                for b in self.bundles
                if b.manifest["run"]["recipe"] == recipe.name
                and "asks" not in self.spec(b)
                and stateless(self.spec(b).get("fixed")) == plain
            ),
            key=lambda b: str(b.manifest["run"]["created_at"]),
        )
        if not known:
            raise NotInBundle(f"{self} no call of this: {_in_words(None, 0, encoded)}. {HOW}")
        from imagegen_kit.engine.job import Job  # it reads arguments, for which a replay is asked what it knows

        this = dumps([recipe.name, plain])
        self.turn[this] += 1
        self.last = bundle = known[min(self.turn[this], len(known)) - 1]
        answers = Answers(engine, bundle)
        scope = Scope(0, bundle.run_id, 0, default_model=settings().model)
        job = Job(answers, scope, policy, emit)  # type: ignore[arg-type]  # stands in for an Engine
        return await recipe.function(job, **params)

    def __str__(self) -> str:
        names = ", ".join(b.file for b in self.bundles[:3]) + (", …" if len(self.bundles) > 3 else "")
        return f"replay is on, and {names} {'holds' if len(self.bundles) == 1 else 'hold'}"


HOW = "Nothing was sent. Export the run that holds it as well, or switch the replay off (IMAGEGEN_REPLAY)."


class Answers:
    """Stands where the engine stands for a ``Job`` and answers each request as a bundle's run recorded it."""

    def __init__(self, engine: Engine, bundle: Bundle) -> None:
        self._engine, self._bundle, self._tidy = engine, bundle, Tidy.of(engine.store.path)
        self.store = bundle.store
        self._seen: Counter[str] = Counter()
        self._recorded: dict[str, list[tuple[Any, ...]]] = {}
        self._retrieved = {
            (asked, number): (found, state)
            for asked, number, found, state in bundle.store.journal.read(
                "SELECT asked, occurrence, found, state FROM retrievals"
            )
        }
        self._derived: dict[tuple[str, int], tuple[Any, ...]] = {}
        for row in bundle.store.journal.read(_RECORDED):
            asked = json.loads(row[0])
            if DERIVED in asked.get("labels", ()):
                self._derived[row[4], row[5]] = row
            else:
                self._recorded.setdefault(asked_key(asked), []).append(row)

    @property
    def registry(self) -> Registry:
        """The registry of this process."""
        return self._engine.registry

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Run picture work in the engine's threads."""
        return await self._engine.in_thread(function, *args)

    async def retrieve(self, sought: Sought, *, scope: Scope, **_: Any) -> Retrieved:
        """Return what the recorded run found; the library need not be there. Raises NotInBundle."""
        asked = self._tidy.text(sought.to_json())
        found = self._retrieved.get((asked, scope.occurrence(asked)))
        if found is None:
            words = f"{sought.place.name} for {sought.text!r:.80}"
            raise NotInBundle(f"replay is on, and {self._bundle.file} holds no search in the library {words}. {HOW}")
        return from_record(*found, self.store.blobs)

    async def derive(self, scope: Scope, _policy: Policy, wanted: Derivation, first: int) -> list[Result]:
        """Return the pictures that the recorded run made of others; nothing is made anew. Raises NotInBundle."""
        results = []
        for number, (key, asked) in enumerate(zip(wanted.keys, wanted.asked, strict=True)):
            row = self._derived.get((key, scope.occurrence(key)))
            if row is None:
                what = f"replay is on, and {self._bundle.file} holds nothing that was made so: {asked.labels[DERIVED]}"
                raise NotInBundle(f"{what}. {HOW}")
            read = request_from_plain(json.loads(row[0]), where=self.store.blobs.path)
            results.append(result_from_row(tuple(row[6:]), self.store, read, read, (), None, first + number))
        return results

    async def obtain(self, asked: Request, *, step: int, **_: Any) -> Result:
        """Return the recorded result of ``asked``. Raises NotInBundle, which says what is missing."""
        key = asked_key(json.loads(self._tidy.text(asked.to_json())))
        number, self._seen[key] = self._seen[key], self._seen[key] + 1
        rows = self._recorded.get(key, ())
        if number >= len(rows):
            times = f" for the {number + 1}th time" if rows else ""
            raise NotInBundle(f"replay is on, and {self._bundle.file} holds no answer{times} to {asked!r}. {HOW}")
        _, sent_text, words, unfair, sent_key, _, *result = rows[number]
        sent = asked if sent_text is None else request_from_plain(json.loads(sent_text), where=self.store.blobs.path)
        notes = noted(words, unfair)
        return result_from_row(
            tuple(result), self.store, asked, None if sent_key is None else sent, notes, sent_key, step
        )


def _ended_cells(bundle: Bundle) -> set[tuple[int, str]]:
    rows = bundle.store.journal.read(
        "SELECT c.repeat, (SELECT json_group_object(p.name, json(p.value)) FROM cell_params p WHERE p.cell = c.id) "
        "FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0"
    )
    return {(repeat, dumps(stateless(json.loads(params)))) for repeat, params in rows}


def _in_words(number: int | None, repeat: int, encoded: Mapping[str, str]) -> str:
    given = {name: as_cell_value(json.loads(value)) for name, value in encoded.items()}
    words = ", ".join(f"{name}={value!r:.80}" for name, value in given.items() if value is not None)
    return words if number is None else f"cell {number} ({words}{f', repeat {repeat}' if repeat else ''})"


_current: tuple[str, Path, Replay] | None = None


def replay_in_force(engine: Engine) -> Replay | None:
    """Return the replay that the settings name, None where there is none. Raises InvalidInput for unusable bundles."""
    global _current  # noqa: PLW0603  # one process has one replay, like one default engine
    named = settings().replay
    if not named:
        _current = None
        return None
    with _lock:
        if _current is None or _current[:2] != (named, engine.store.path):
            _current = (named, engine.store.path, Replay(_open(named, engine.store.path)))
        return _current[2]


def _open(named: str, root: Path) -> tuple[Bundle, ...]:
    paths: list[Path] = []
    for part in filter(None, named.split(os.pathsep)):
        path = Path(part).expanduser()
        paths += sorted(path.glob("*.zip")) if path.is_dir() else [path]
    bundles: list[Bundle] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            bundle = open_bundle(path, root)
        except InvalidInput as error:
            faults += error.faults
            continue
        if bundle.shared:
            what = "it was shared without its prompts, so nothing can be answered from it."
            faults.append(Fault(f"bundle {path.name}", what, "Export the run without share=True."))
        bundles.append(bundle)
    if not paths:
        faults.append(Fault("IMAGEGEN_REPLAY", f"{named!r} holds no bundle.", "Name a .zip, several, or a folder."))
    if faults:
        raise InvalidInput(faults)
    return tuple(bundles)


def answers_for(model: object) -> bool:
    """Whether a replay is on that knows ``model``: it need not be installed, ready or registered then."""
    if not settings().replay:
        return False
    from imagegen_kit.engine.session import default_engine

    replay = replay_in_force(default_engine())
    return replay is not None and model in replay.models()

"""The registry: every provider, model, style, retriever and scorer by name."""

from __future__ import annotations

import os
import threading
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, PluginError, UnknownName
from imagegen_kit.registry.loading import BUILTINS, load_plugins, own_source
from imagegen_kit.registry.names import index
from imagegen_kit.registry.own import CATALOGUE, UNREAD_FIX, job_api_files, unread_entries, with_own_prices
from imagegen_kit.registry.records import PluginRecord, ResolvedModel, normalized, report
from imagegen_kit.registry.targets import target_of
from imagegen_kit.types import Adaptation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from imagegen_kit.hookspecs import RetrieverSpec, ScorerSpec, Spec
    from imagegen_kit.types import Style


class Registry:
    """Everything that plugins and this session offer, by name.

    ``load`` and ``block`` are distribution names, ``strict`` raises PluginError with a report where a plugin is broken;
    None takes them from ``environ`` (``os.environ`` where that is None too), see the package's docstring.
    """

    def __init__(
        self,
        *,
        load: Iterable[str] | None = None,
        block: Iterable[str] | None = None,
        strict: bool | None = None,
        environ: Mapping[str, str] | None = None,
        builtins: Iterable[str] = BUILTINS,
    ) -> None:
        environ = os.environ if environ is None else environ
        if load is None and "IMAGEGEN_LOAD_PLUGINS" in environ:
            load = environ["IMAGEGEN_LOAD_PLUGINS"].split(",")
        if block is None:
            block = environ.get("IMAGEGEN_BLOCK_PLUGINS", "").split(",")
        if strict is None:
            strict = environ.get("IMAGEGEN_STRICT_PLUGINS", "").strip().lower() in ("1", "true", "yes", "on")
        self._builtins = tuple(builtins)
        self._load = None if load is None else _name_set(load)
        self._block, self._strict = _name_set(block), strict
        self._lock = threading.RLock()
        self._session: dict[tuple[str, str], Spec] = {}
        self._warned: set[str] = set()
        self.reload()

    def reload(self) -> None:
        """Ask all plugins anew what they offer, with the user's files as the settings name them now.

        What this session registered stays. Where it raises, nothing is changed.
        """
        loaded = load_plugins(self._builtins, self._load, self._block, job_api_files())
        owners = {key: f"{s.name} of {s.distribution}" for key, s in loaded.owners.items()}
        specs = with_own_prices(loaded.specs)
        names = index(specs.values())
        if unread := unread_entries(index([*specs.values(), *with_own_prices(self._session).values()]), owners):
            loaded.records.append(own_source(CATALOGUE).record("failed", " ".join(unread), UNREAD_FIX))
        broken = [record for record in loaded.records if record.broken]
        if self._strict and broken:
            raise PluginError(f"{len(broken)} plugins cannot be used (strict mode):\n{report(broken)}")
        with self._lock:
            self._installed, self._owners = specs, owners
            self._names = names
            self._records = [self._with_notes(record) for record in loaded.records]
            self._renew(self._session)

    def _with_notes(self, record: PluginRecord) -> PluginRecord:
        providers = {offer.partition("/")[0] for offer in record.offers if ":" not in offer}
        notes = [note for provider in sorted(providers) for note in self._names.lost_aliases.get(provider, ())]
        return replace(record, reason=" ".join([record.reason, *notes]).strip()) if notes else record

    # models and providers

    def model(self, name: str, *, today: date) -> ResolvedModel:
        """Return the model of a full id (``provider/name``), an alias, or a bare name where only one model has it.

        Past its ``retires_on`` a model is replaced by its successor, with an Adaptation and one warning in a process;
        without a successor it is refused (InvalidInput). Raises UnknownName with near names.
        """
        found = self._names.by_any_name.get(name) if isinstance(name, str) else None
        if found is None:
            raise self._no_model(name)
        retires_on = found.spec.retires_on
        if retires_on is None or today < retires_on:
            return found
        return self._successor(name, found, today)

    def _no_model(self, name: object) -> InvalidInput:
        names = self._names
        if ids := names.ambiguous.get(name) if isinstance(name, str) else None:
            return InvalidInput(
                [Fault("model", f"{name!r} names {len(ids)} models.", "Write " + " or ".join(ids) + ".")]
            )
        return UnknownName("model", str(name), [*names.models, *names.by_any_name])

    def _successor(self, asked: str, retired: ResolvedModel, today: date) -> ResolvedModel:
        found, passed = retired, {retired.id}
        while found.spec.retires_on is not None and found.spec.retires_on <= today:
            wanted = found.spec.replacement
            following = wanted and (
                self._names.models.get(f"{found.provider.name}/{wanted}") or self._names.by_any_name.get(wanted)
            )
            if not following or following.id in passed:
                raise self._retired(retired, found, today)
            found = following
            passed.add(found.id)
        with self._lock:
            first = retired.id not in self._warned
            self._warned.add(retired.id)
        if first:
            until = f", itself until {found.spec.retires_on}" if found.spec.retires_on else ""
            ended = f"{retired.id} was retired on {retired.spec.retires_on} (today is {today})"
            # No line of the user's is on this stack: the engine resolves models on a thread of its own.
            warnings.warn_explicit(f"{ended}; {found.id} takes its place{until}.", UserWarning, "imagegen_kit", 0)
        return replace(found, adaptations=(Adaptation("model", asked, found.id, "replaced"),))

    def _retired(self, retired: ResolvedModel, last: ResolvedModel, today: date) -> InvalidInput:
        what = f"{retired.id} was retired on {retired.spec.retires_on} and no successor of it is known."
        if last is not retired:
            what = f"{retired.id} was retired on {retired.spec.retires_on}, and {last.id}, which followed it, as well."
        kind = retired.spec.kind
        living = [
            m.id
            for m in self.models()
            if m.spec.kind == kind and not (m.spec.retires_on and m.spec.retires_on <= today)
        ]
        near = sorted(living, key=lambda id: (not id.startswith(f"{retired.provider.name}/"), id))[:5]
        hint = f"Use another {kind} model: {', '.join(near)}." if near else f"There is no other {kind} model."
        return InvalidInput([Fault("model", what, hint)])

    def models(self) -> list[ResolvedModel]:
        """Return all models, retired ones too, sorted by id."""
        return [model for _, model in sorted(self._names.models.items())]

    def provider_target(self, name: str) -> Any:
        """Return the provider's class (built with one ``Account``), importing it now.

        Raises MissingDependency with the command that installs what is missing, and PluginError where the target
        itself is broken; the cause is chained.
        """
        spec = self._names.providers.get(name)
        if spec is None:
            raise UnknownName("provider", name, self._names.providers)
        return target_of(spec, "provider", self._owners.get(("provider", name), "this session"), provider=name)

    def retriever_target(self, name: str, kind: str = "retriever") -> Any:
        """Return the class of a retriever, or of an embedder where ``kind`` is "embedder", importing it now.

        Raises UnknownName with near names of that kind, and MissingDependency and PluginError as ``provider_target``.
        """
        spec = self._names.retrievers.get(name)
        if spec is None or spec.kind != kind:
            raise UnknownName(kind, name, [n for n, s in self._names.retrievers.items() if s.kind == kind])
        return target_of(spec, kind, self._owners.get(("retriever", name), "this session"))

    def scorer(self, name: str) -> ScorerSpec:
        """Return a scorer's spec. Raises UnknownName with near names."""
        found = self._names.scorers.get(name)
        if found is None:
            raise UnknownName("scorer", name, self._names.scorers)
        return found

    def scorer_target(self, name: str) -> Any:
        """Return the class of a scorer, importing it now. Raises as ``provider_target``."""
        return target_of(self.scorer(name), "scorer", self._owners.get(("scorer", name), "this session"))

    # the rest

    def style(self, name: str) -> Style:
        """Return a style. Raises UnknownName with near names."""
        found = self._names.styles.get(name)
        if found is None:
            raise UnknownName("style", name, self._names.styles)
        return found

    def styles(self) -> dict[str, Style]:
        """Return all styles by name, sorted."""
        return dict(sorted(self._names.styles.items()))

    def retrievers(self) -> dict[str, RetrieverSpec]:
        """Return all retrievers and embedders by name, sorted."""
        return dict(sorted(self._names.retrievers.items()))

    def scorers(self) -> dict[str, ScorerSpec]:
        """Return all scorers by name, sorted."""
        return dict(sorted(self._names.scorers.items()))

    def plugins(self) -> list[PluginRecord]:
        """Return a record for every plugin that was found, built-ins first, whatever became of it."""
        return list(self._records)

    # what a session registers (session.py)

    def owner(self, kind: str, name: str) -> str | None:
        """Return which plugin, of which distribution, owns a name; None where no installed plugin does."""
        return self._owners.get((kind, name))

    def session_specs(self) -> dict[tuple[str, str], Spec]:
        """Return what was registered in this session, by (kind, name)."""
        return dict(self._session)

    def put(self, specs: Mapping[tuple[str, str], Spec], drop: Iterable[tuple[str, str]] = ()) -> Callable[[], None]:
        """Add or replace session specs, all at once, after dropping others. Returns what takes these away again."""
        with self._lock:
            session = {key: spec for key, spec in self._session.items() if key not in set(drop)}
            self._renew({**session, **specs})

        def undo() -> None:
            with self._lock:
                mine = [key for key, spec in specs.items() if self._session.get(key) is spec]
                self._renew({key: spec for key, spec in self._session.items() if key not in mine})

        return undo

    def _renew(self, session: dict[tuple[str, str], Spec]) -> None:
        self._names = index([*self._installed.values(), *with_own_prices(session).values()])
        self._session = session


def _name_set(names: Iterable[str]) -> frozenset[str]:
    return frozenset(normalized(name) for name in names if name.strip())

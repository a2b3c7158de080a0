"""Finds plugins (built-in modules, then entry points of installed distributions) and loads each in its own try."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module, metadata
from itertools import chain
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput
from imagegen_kit.hookspecs import GROUP
from imagegen_kit.lazy import load_target
from imagegen_kit.registry.offers import Offers, Refused, collect, described_error
from imagegen_kit.registry.records import PluginRecord, PluginStatus, fix_for, normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from imagegen_kit.hookspecs import Spec

OWN = "imagegen-kit"
BUILTINS = (
    "imagegen_kit.providers.offline.plugin",
    "imagegen_kit.prompts.styles",
    "imagegen_kit.providers.gemini.plugin",
    "imagegen_kit.providers.openai.plugin",
    "imagegen_kit.providers.job_api.plugin",
    "imagegen_kit.retrieval.plugin",
    "imagegen_kit.scorers.plugin",
)
OF_A_FILE = "imagegen_kit.providers.job_api.own:OwnFile"  # the plugin that one job-API file of the user's is
SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Source:
    """A plugin that was found and not yet imported; ``load`` imports it. ``repair`` mends one that is a user's file."""

    name: str
    distribution: str
    version: str
    load: Callable[[], Any] = field(repr=False)
    repair: str = ""

    @property
    def builtin(self) -> bool:
        """Whether it came with the package itself."""
        return self.distribution == OWN

    def record(self, status: PluginStatus, reason: str = "", fix: str = "", **more: Any) -> PluginRecord:
        """Return the record of what became of it."""
        return PluginRecord(self.name, self.distribution, self.version, status, reason, fix, **more)


@dataclass(slots=True)
class Loaded:
    """All records, and every spec by (kind, name) with the plugin that owns it."""

    records: list[PluginRecord] = field(default_factory=list)
    specs: dict[tuple[str, str], Spec] = field(default_factory=dict)
    owners: dict[tuple[str, str], Source] = field(default_factory=dict)


def load_plugins(
    builtins: Iterable[str], load: frozenset[str] | None, block: frozenset[str], files: Iterable[Path] = ()
) -> Loaded:
    """Load every plugin that ``load`` (None: all) and ``block`` (distribution names, normalized) let through.

    A plugin is taken whole or not at all; each of the job-API ``files`` is one. Where two claim one name, the first
    keeps it: built-ins come first, then files, then distributions by name.
    """
    loaded = Loaded()
    own = [_builtin_source(module) for module in builtins]
    unreadable: list[PluginRecord] = []
    found = sorted(_installed_sources(unreadable), key=lambda s: (normalized(s.distribution), s.name))
    names: dict[str, Source] = {}
    for source in chain(own, _file_sources(files), found):
        record = _setting_against(source, load, block) or _name_taken(source, names.get(source.name))
        record = record or _load_one(source, loaded)
        if record.status in ("ok", "slow"):
            names[source.name] = source
        loaded.records.append(record)
    for record in unreadable:
        name = normalized(record.distribution)
        if name not in block and (load is None or name in load):
            loaded.records.append(record)
    known = {normalized(s.distribution) for s in found} | {normalized(r.distribution) for r in loaded.records}
    for name in sorted((load or frozenset()) - known):
        reason = f"IMAGEGEN_LOAD_PLUGINS names {name!r}, but no installed distribution of that name offers a plugin."
        fix = f"pip install {name}, or take it out of IMAGEGEN_LOAD_PLUGINS."
        loaded.records.append(PluginRecord(name, name, "", "failed", reason, fix))
    return loaded


def own_source(name: str, load: Callable[[], Any] = lambda: None, repair: str = "") -> Source:
    """Return a plugin that comes with the package itself, or through it."""
    try:
        version = metadata.version(OWN)
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        version = ""
    return Source(name, OWN, version, load, repair)


def _builtin_source(module: str) -> Source:
    name = module.removeprefix("imagegen_kit.").removesuffix(".plugin")
    return own_source(name, lambda: import_module(module))


def _file_sources(files: Iterable[Path]) -> Iterator[Source]:
    taken: set[str] = set()
    for path in files:
        name = path.name if path.name not in taken else str(path)
        taken.add(name)
        repair = f"mend the file {path}, or take it out of IMAGEGEN_JOB_APIS."
        yield own_source(name, partial(_plugin_of_file, path), repair)


def _plugin_of_file(path: Path) -> Any:
    return load_target(OF_A_FILE)(path)


def _installed_sources(records: list[PluginRecord]) -> Iterator[Source]:
    """Yield what installed distributions declare. One with unreadable metadata is recorded and passed over.

    Not ``metadata.entry_points()``: there, one malformed file anywhere hides the entry points of all others.
    """
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if GROUP not in text:
                continue
            name = distribution.metadata["Name"] or "unknown"
            shadowed = metadata.distribution(name).read_text("entry_points.txt") != text
            if normalized(name) in seen or shadowed:  # only the first of a name on sys.path can be imported
                continue
            seen.add(normalized(name))
            version = distribution.version or ""
            for entry in distribution.entry_points.select(group=GROUP):
                yield Source(entry.name, name, version, entry.load)
        except Exception as error:
            name = str(getattr(distribution, "_path", "unknown")).replace("\\", "/").rpartition("/")[2]
            name = name.removesuffix(".dist-info").partition("-")[0]
            reason = f"its metadata cannot be read: {described_error(error)}"
            fix = f"pip install --force-reinstall {name}."
            records.append(PluginRecord(name, name, "", "failed", reason, fix))


def _setting_against(source: Source, load: frozenset[str] | None, block: frozenset[str]) -> PluginRecord | None:
    if source.builtin:
        return None
    name = normalized(source.distribution)
    if name in block:
        reason = "IMAGEGEN_BLOCK_PLUGINS names it, so it was not imported."
        return source.record("blocked", reason, f"take {name} out of IMAGEGEN_BLOCK_PLUGINS to have it back.")
    if load is not None and name not in load:
        reason = "IMAGEGEN_LOAD_PLUGINS does not name it, so it was not imported."
        return source.record("blocked", reason, f"add {name} to IMAGEGEN_LOAD_PLUGINS to have it.")
    return None


def _name_taken(source: Source, first: Source | None) -> PluginRecord | None:
    return _clash(source, first, f"the plugin name {source.name!r}") if first is not None else None


def _clash(source: Source, first: Source, what: str, **more: Any) -> PluginRecord:
    mine, theirs = (s.name if s.repair else s.distribution for s in (source, first))
    reason = f"both {theirs} and {mine} offer {what}; {theirs} comes first and keeps it."
    if source.repair:
        return source.record("clash", reason, source.repair, **more)
    fix = f"pip uninstall {mine}" + ("" if first.builtin else f" (or {theirs})")
    blocks = mine if first.builtin else f"{mine} (or {theirs})"
    return source.record("clash", reason, f"{fix}, or set IMAGEGEN_BLOCK_PLUGINS={blocks}.", **more)


def _load_one(source: Source, loaded: Loaded) -> PluginRecord:
    start = time.perf_counter()
    repair = f"pip install --force-reinstall {OWN}." if source.builtin else fix_for(source.distribution)
    repair = source.repair or repair
    try:
        plugin = source.load()
        import_seconds = time.perf_counter() - start
        offers: Offers = collect(plugin)
    except KeyboardInterrupt:
        raise
    except Refused as error:
        fix = fix_for(source.distribution, error.update) if error.update else repair
        wrong = error.__cause__ if source.repair and isinstance(error.__cause__, InvalidInput) else error
        reason = " ".join(wrong.message.split())  # of a file: what is wrong in it, not which hook has read it
        return source.record("failed", reason, fix, seconds=time.perf_counter() - start)
    except BaseException as error:  # sys.exit at import must not end the session
        reason = f"importing it raised {described_error(error)}"
        return source.record("failed", reason, repair, seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    for key, _ in offers.items():
        if key in loaded.owners:
            return _clash(source, loaded.owners[key], f"the {key[0]} {key[1]!r}", seconds=seconds)
    for key, spec in offers.items():
        loaded.specs[key], loaded.owners[key] = spec, source
    described = offers.described()
    if import_seconds <= SLOW_SECONDS:
        return source.record("ok", seconds=seconds, offers=described)
    reason = f"importing it took {import_seconds:.1f} s; it works, but every session pays for this."
    fix = f"{fix_for(source.distribution)} Its author can move heavy imports into what `target` names."
    return source.record("slow", reason, fix, seconds=seconds, offers=described)

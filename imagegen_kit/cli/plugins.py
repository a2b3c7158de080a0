"""Commands for authors: ``plugin new`` writes a distribution, ``plugin check`` what is wrong with one or a file."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagegen_kit.cli.contract import kept_by_scorers, scorers_of
from imagegen_kit.cli.frame import FAILED, app
from imagegen_kit.cli.saying import say

if TYPE_CHECKING:
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.registry import PluginRecord

plugin = typer.Typer(
    name="plugin",
    help="Write a plugin, or check one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(plugin)


@plugin.command()
def new(
    name: Annotated[str, typer.Argument(help="The provider's name (before the slash of its models), or the scorer's.")],
    folder: Annotated[Path | None, typer.Option(help="Where to write it; else imagegen-kit-NAME here.")] = None,
    author: Annotated[str | None, typer.Option(help="Who stands in pyproject.toml and LICENSE.")] = None,
    kind: Annotated[str, typer.Option(help="What it offers: provider or scorer.")] = "provider",
) -> None:
    """Write a whole distribution for the provider or scorer NAME: package, contract test, README, licence, CI."""
    from imagegen_kit.testing.scaffold import write_plugin

    written = write_plugin(name, folder, author, kind=kind)
    for path in sorted(p for p in written.rglob("*") if p.is_file()):
        say(f"  {path}")
    say("Next:")
    upgrade = "python -m pip install -U pip"  # `--group` came with pip 25.1, and Python 3.11 brings 23
    for line in (f"cd {shlex.quote(str(written))}", upgrade, "python -m pip install -e . --group test", "pytest"):
        say(f"  {line}")


@plugin.command()
def check(
    name: Annotated[
        str | None, typer.Argument(help="A plugin, provider or scorer, or a YAML file; else all plugins.")
    ] = None,
) -> None:
    """Say whether a plugin works, or whether a file (a service, models and prices, a style) can be read."""
    if name is not None and Path(name).suffix in (".yaml", ".yml"):
        say(f"{name}: {_file_in_words(Path(name))}")
        return
    found = sorted(map(_examined, _records(name)), key=lambda record: record.broken)
    if name is not None:
        found = [record if record.broken else kept_by_scorers(record, say) for record in found]
    for record in found:
        say(_in_one_line(record) if name is None and _builtin(record) else _in_words(record))
    broken = [record.name for record in found if record.broken]
    if name is None:
        need = f"need{'s' * (len(broken) == 1)} mending: {', '.join(broken)}" if broken else "need mending"
        say(f"{len(broken) or 'None'} of {len(found)} plugins {need}.")
    if broken:
        raise typer.Exit(FAILED)


def _records(name: str | None) -> list[PluginRecord]:
    """Return the records of plugins that ``name`` means (a plugin, its distribution or a provider; None: all)."""
    from imagegen_kit.errors import UnknownName
    from imagegen_kit.registry import get_registry
    from imagegen_kit.registry.records import normalized

    records = get_registry().plugins()
    if name is None:
        return records

    def names(record: PluginRecord) -> set[str]:
        providers = {offer.partition("/")[0] for offer in record.offers if "/" in offer}
        own = normalized(record.distribution)
        scorers = {offer.removeprefix("scorer:") for offer in record.offers if offer.startswith("scorer:")}
        return {record.name, own, *providers, *scorers} - ({"imagegen-kit"} if not providers else set())

    found = [r for r in records if name in names(r) or normalized(name) in names(r)]
    if not found:
        raise UnknownName("plugin", name, {n for r in records for n in names(r)})
    return found


def _providers(record: PluginRecord) -> list[ProviderSpec]:
    """Return the providers that a plugin offers."""
    from imagegen_kit.registry import get_registry

    offered = [model.provider for model in get_registry().models() if model.id in record.offers]
    return list({provider.name: provider for provider in offered}.values())


def _examined(record: PluginRecord) -> PluginRecord:
    """Return ``record``, as failed where a provider could not draw, or a scorer not score, whatever a user sets."""
    faults = [fault for provider in _providers(record) if (fault := _fault_of(provider))]
    faults += [fault for name in scorers_of(record) if (fault := _fault_of_scorer(name))]
    if not faults or record.broken:
        return record
    (what, *_), (fix, *_) = zip(*faults, strict=True)
    more = f" (and {len(faults) - 1} more of what it offers)" if len(faults) > 1 else ""
    return replace(record, status="failed", reason=what + more, fix=fix)


def _fault_of(provider: ProviderSpec) -> tuple[str, str] | None:
    """Return what is wrong with a provider and how to mend it; what its ``install`` brings may still be missing."""
    from imagegen_kit.errors import MissingDependency, PluginError
    from imagegen_kit.registry import get_registry

    try:
        get_registry().provider_target(provider.name)
    except MissingDependency as error:
        if not provider.install:
            fix = "name it in the dependencies of pyproject.toml, or in `install` of the ProviderSpec."
            return error.message, fix
    except PluginError as error:
        fix = 'name a class that can be imported in `target` of the ProviderSpec: "package.module:Class".'
        return error.message, fix
    if not (provider.base_url or provider.base_url_env or provider.origin or provider.origin_env):
        reason = f"provider {provider.name!r} says nowhere where its pictures come from."
        fix = f'give its ProviderSpec a base_url or base_url_env, or origin="local:{provider.name}" if it draws here.'
        return reason, fix
    return None


def _fault_of_scorer(name: str) -> tuple[str, str] | None:
    """Return why what a scorer targets could never be loaded, and how to mend it."""
    from imagegen_kit.errors import MissingDependency, PluginError
    from imagegen_kit.registry import get_registry

    try:
        get_registry().scorer_target(name)
    except MissingDependency as error:
        if not get_registry().scorer(name).install:
            return error.message, "name it in the dependencies of pyproject.toml, or in `install` of the ScorerSpec."
    except PluginError as error:
        return error.message, 'name a class that can be imported in `target` of the ScorerSpec: "package.module:Class".'
    return None


def _needs(provider: ProviderSpec) -> str:
    """Return what to install or to set before a sound provider can be used; "ready" where there is nothing."""
    from imagegen_kit.errors import MissingDependency
    from imagegen_kit.providers.accounts import not_ready
    from imagegen_kit.registry import get_registry

    try:
        get_registry().provider_target(provider.name)
    except MissingDependency:
        return provider.install
    return not_ready(provider) or "ready"


def _builtin(record: PluginRecord) -> bool:
    from imagegen_kit.registry import BUILTINS

    return record.name in {module.removeprefix("imagegen_kit.").removesuffix(".plugin") for module in BUILTINS}


def _in_one_line(record: PluginRecord) -> str:
    """Return a record with how much it offers."""
    from imagegen_kit.views.words import count

    kinds = Counter("model" if "/" in offer else offer.partition(":")[0] for offer in record.offers)
    return "; ".join([str(record), *(count(n, kind) for kind, n in kinds.items())])


def _in_words(record: PluginRecord) -> str:
    """Return a record with what it offers and what each provider still needs, on lines of their own."""
    lines = [str(record)]
    for provider in _providers(record):
        needs = "" if record.broken else f"  {_needs(provider)}"
        ids = sorted(f"{provider.name}/{model.name}" for model in provider.models)
        lines += [f"  {id}{needs}" for id in ids if id in record.offers]
    lines += [f"  {offer}" for offer in record.offers if "/" not in offer]
    return "\n".join(lines)


def _file_in_words(path: Path) -> str:
    """Return what the file at ``path`` holds. Raises InvalidInput with file, line and key for everything wrong."""
    from imagegen_kit.catalog import load_models, load_yaml
    from imagegen_kit.catalog.job_api import load_job_api
    from imagegen_kit.prompts.styles import read_style
    from imagegen_kit.views.words import count

    keys = load_yaml(path).data
    given = set(keys) if isinstance(keys, dict) else set()
    if "submit" in given:
        api = load_job_api(path)
        models = count(len(api.models), "model")
        return f"the service {api.name} with {models} of its own; use it: ik.register({str(path)!r})"
    if given & {"models", "prices"}:
        load_models("offline", path)  # every entry is read, whoever it belongs to
        entries = {*(keys.get("models") or {}), *(keys.get("prices") or {})}
        return f"models and prices of {count(len(entries), 'model')}; use it: IMAGEGEN_CATALOGUE={path}"
    style = read_style(path)
    return f"the style {style.name}; use it: ik.register(imagegen_kit.prompts.styles.read_style({str(path)!r}))"

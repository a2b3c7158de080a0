"""The whole plugin contract: four hooks, each returning a list of cheap, immutable specs.

A plugin is an installed distribution with an entry point in the group ``imagegen_kit`` that names a module; the module
implements any of the four hooks below under ``hookimpl``. Targets are dotted names, loaded at first use, so that a
plugin costs nothing until it is asked for a picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pluggy

from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.types import Style

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUP = "imagegen_kit"
API_VERSION = 1
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
READABLE = ("prompt", "negative_prompt", "references", "mask")  # what a scorer may read besides the pixels


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A provider and its models, without loading it.

    ``target`` is ``"module:Class"`` (or the class itself for providers registered in a notebook); ``install`` the
    command that installs what the target imports. ``origin`` says where the pictures come from (scheme, host and API
    version, ``local:…``; empty: ``base_url`` is it); ``output_version`` changes when the same request gives other
    pictures, and None means that its pictures are never cached. ``key_env`` lists environment variables of which one
    must hold the key, ``key_url`` is where to get one. ``base_url`` is the service's address and ``base_url_env`` the
    variables that name another; where ``base_url`` is empty one of them must be set. ``settings_env`` are further
    variables that the provider reads from ``Account.settings``. Those of ``origin_env`` decide what draws (a
    checkpoint, a model's id): their values are part of the origin, and without them nothing is cached.
    """

    name: str
    models: tuple[ModelSpec, ...] = field(kw_only=True)
    target: Any = field(kw_only=True)
    origin: str = field(default="", kw_only=True)
    output_version: str | None = field(default="1", kw_only=True)
    key_env: tuple[str, ...] = field(default=(), kw_only=True)
    key_url: str = field(default="", kw_only=True)
    base_url: str = field(default="", kw_only=True)
    base_url_env: tuple[str, ...] = field(default=(), kw_only=True)
    settings_env: tuple[str, ...] = field(default=(), kw_only=True)
    origin_env: tuple[str, ...] = field(default=(), kw_only=True)
    install: str = field(default="", kw_only=True)
    api_version: int = field(default=API_VERSION, kw_only=True)


@dataclass(frozen=True, slots=True)
class RetrieverSpec:
    """A retriever (a brief → references) or, with ``kind="embedder"``, an embedder (pictures or text → vectors)."""

    name: str
    target: Any = field(kw_only=True)
    kind: str = field(default="retriever", kw_only=True)
    card: str = field(default="", kw_only=True)
    install: str = field(default="", kw_only=True)
    api_version: int = field(default=API_VERSION, kw_only=True)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that a scorer gives: which way is ``better`` ("higher", "lower", or "" where neither is), its unit,
    and the lowest and highest value that it can have (None: that side is open).

    The nameless measure is the scorer's own: its column is ``score_<scorer>``; others stand in
    ``score_<scorer>_<name>``.
    """

    name: str = ""
    better: str = field(default="higher", kw_only=True)
    unit: str = field(default="", kw_only=True)
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)
    card: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class ScorerSpec:
    """A scorer (pictures and their requests → numbers), without loading it.

    ``target`` is called with the options that a user gives, if any, and returns an object with the method ``score``
    (see ``imagegen_kit.scorers.base.Scorer``). ``measures`` are the numbers that it gives; without them it gives one,
    of ``better``, ``unit``, ``low`` and ``high``. ``version`` changes when the same picture gets another number; None
    means that its scores are never reused. ``reads`` names what it looks at besides the pixels, of ``READABLE``:
    scores are cached by it, and a scorer is not shown anything else. With ``scope`` "set" it is given whole sets of
    pictures that belong together: those whose varied parameters are the same, but for repeats, the seed and those that
    ``across`` names.
    """

    name: str
    target: Any = field(kw_only=True)
    better: str = field(default="higher", kw_only=True)
    unit: str = field(default="", kw_only=True)
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)
    measures: tuple[Measure, ...] = field(default=(), kw_only=True)
    scope: str = field(default="picture", kw_only=True)
    reads: tuple[str, ...] = field(default=(), kw_only=True)
    across: tuple[str, ...] = field(default=(), kw_only=True)
    version: str | None = field(default="1", kw_only=True)
    card: str = field(default="", kw_only=True)
    install: str = field(default="", kw_only=True)
    api_version: int = field(default=API_VERSION, kw_only=True)

    @property
    def columns(self) -> dict[str, Measure]:
        """The scorer's numbers by the name under which they are recorded; with "score_" before it, the column."""
        own = Measure(better=self.better, unit=self.unit, low=self.low, high=self.high, card=self.card)
        return {f"{self.name}_{m.name}" if m.name else self.name: m for m in self.measures or (own,)}


Spec = ProviderSpec | Style | RetrieverSpec | ScorerSpec


@hookspec
def imagegen_providers() -> Iterable[ProviderSpec]:
    """Return the providers that this plugin offers, with their models."""
    return ()


@hookspec
def imagegen_styles() -> Iterable[Style]:
    """Return the prompt styles that this plugin offers."""
    return ()


@hookspec
def imagegen_retrievers() -> Iterable[RetrieverSpec]:
    """Return the retrievers and embedders that this plugin offers."""
    return ()


@hookspec
def imagegen_scorers() -> Iterable[ScorerSpec]:
    """Return the scorers that this plugin offers."""
    return ()

"""What the registry hands out: a record for each plugin, whatever became of it, and a model with its provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.types import Adaptation

PluginStatus = Literal["ok", "slow", "failed", "blocked", "clash"]


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """What became of one plugin.

    ``status``: ok; slow (works, but its import took more than a second); failed; blocked (not imported, because a
    setting says so); clash (another distribution owns a name that it offers). ``reason`` and ``fix`` are empty where
    there is nothing to say, ``seconds`` (import and hooks) is None where it was not imported, and ``offers`` names what
    it brought.
    """

    name: str
    distribution: str
    version: str
    status: PluginStatus
    reason: str = ""
    fix: str = ""
    seconds: float | None = None
    offers: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether strict mode refuses to go on with it."""
        return self.status in ("failed", "clash")

    def __str__(self) -> str:
        text = f"{self.name} ({self.distribution} {self.version}".rstrip() + f"): {self.status}"
        return text + (f": {self.reason}" if self.reason else "") + (f" To mend it: {self.fix}" if self.fix else "")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """One model by its full ``id`` (``provider/name``); ``adaptations`` says if it stands in for the one asked for."""

    id: str
    spec: ModelSpec
    provider: ProviderSpec
    adaptations: tuple[Adaptation, ...] = ()


def normalized(distribution: str) -> str:
    """Return a distribution's name as package indexes compare it (``Foo_Bar`` and ``foo-bar`` are one)."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def report(records: Iterable[PluginRecord]) -> str:
    """Return one line for each record."""
    return "\n".join(f"  - {record}" for record in records)


def fix_for(distribution: str, newer: str = "") -> str:
    """Say with pip how to mend a plugin of ``distribution``; ``newer`` is what is too old, if not it."""
    block = f"IMAGEGEN_BLOCK_PLUGINS={distribution}"
    author = "" if newer else " (its author: correct the line that the reason names)"
    go_on = f"To go without it: pip uninstall {distribution}, or set {block}."
    return f"pip install -U {newer or distribution}{author}. {go_on}"

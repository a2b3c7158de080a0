"""Which models get workers of their own: those that run on them, on a GPU each, and stay loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.cluster.fleet import Size
from imagegen_kit.engine.limits import DEFAULT_CONCURRENCY
from imagegen_kit.errors import Fault, unknown_name_fault

if TYPE_CHECKING:
    from imagegen_kit.registry import Registry


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers for one provider: ``least`` to ``most`` of them, each with so many CPUs and GPUs to itself.

    One that has had nothing to do for ``idle_s`` seconds goes, down to ``least``.
    """

    least: int = 0
    most: int = 1
    num_cpus: float = 1.0
    num_gpus: float = 0.0
    idle_s: float = 60.0

    def size(self, concurrency: int) -> Size:
        """Return the size of its fleet; each worker holds as many calls as its model is said to take at once."""
        return Size(self.least, self.most, concurrency, self.idle_s)


def read_pools(given: Any, registry: Registry, faults: list[Fault]) -> dict[str, tuple[Pool, int]]:
    """Return pools by provider with the calls that one worker takes at once; what is wrong is added to ``faults``."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        faults.append(Fault("pools", f"{given!r} is no dict.", 'Write {"diffusers": {"num_gpus": 1, "most": 4}}.'))
        return {}
    known: dict[str, int] = {}
    for model in registry.models():
        at_once = model.spec.concurrency or DEFAULT_CONCURRENCY
        known[model.provider.name] = max(known.get(model.provider.name, 0), at_once)
    found = {}
    for provider, values in given.items():
        if provider not in known:
            fault = unknown_name_fault("provider", provider, known, where=f"pools.{provider}")
            hint = f"{fault.hint} A provider of a cell is registered before the engine is made."
            faults.append(replace(fault, hint=hint.strip()))
        pool = _pool(f"pools.{provider}", values, faults)
        if pool is not None and provider in known:
            found[provider] = (pool, known[provider])
    return found


def _pool(where: str, values: Any, faults: list[Fault]) -> Pool | None:
    if not isinstance(values, Mapping):
        faults.append(Fault(where, f"{values!r} is no dict.", 'Write {"num_gpus": 1, "most": 4}.'))
        return None
    names = {f.name: float if f.type == "float" else int for f in fields(Pool)}
    before = len(faults)
    for name, value in values.items():
        if name not in names:
            faults.append(unknown_name_fault("setting of a pool", name, names, where=f"{where}.{name}"))
        elif isinstance(value, bool) or not isinstance(value, (int, names[name])) or not 0 <= value < math.inf:
            kind = "whole number" if names[name] is int else "number"
            faults.append(Fault(f"{where}.{name}", f"{value!r} is no {kind} of 0 or more."))
    least, most = values.get("least", Pool().least), values.get("most", Pool().most)
    if type(most) is int and most == 0:
        faults.append(Fault(f"{where}.most", "0 workers make no picture.", "Give 1 or more."))
    elif type(least) is type(most) is int and least > most:
        faults.append(Fault(f"{where}.least", f"{least} is more than most, {most}.", "Give most as well."))
    return Pool(**values) if len(faults) == before else None

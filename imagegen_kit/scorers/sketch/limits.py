"""Whose limits hold: the rules' own, those of a style, and those given in words, later ones before earlier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagegen_kit.checks import read_limit
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.registry.current import get_registry
from imagegen_kit.scorers.sketch.rules import RULES
from imagegen_kit.types import Style

Limits = Mapping[str, tuple[float | None, float | None]]
SHARED = ("greyscale",)  # the checks that are rules too: the same number under the same name


def limits_of(given: Mapping[str, Any] | None = None, style: str | Style | None = None) -> dict[str, Any]:
    """Return the lowest and highest number that pass for each rule that is asked for, in the rules' order.

    ``given`` names rules with limits as checks write them ("detail": 30, {"max": 30}, False leaves a rule out).
    ``style`` is a style or its name: of its ``checks`` count what stands under ``sketch``, and the check ``greyscale``.
    Raises UnknownName for a style, InvalidInput for unknown rules and unreadable limits, all together.
    """
    if isinstance(style, str):
        style = get_registry().style(style)
    checks = {} if style is None else dict(style.checks or {})
    layers: list[tuple[str, Any]] = [("checks", {name: checks[name] for name in SHARED if name in checks})]
    layers += [("checks.sketch", checks.get("sketch") or {}), ("limits", given or {})]
    limits: dict[str, Any] = {name: (rule.low, rule.high) for name, rule in RULES.items()}
    faults = []
    for where, layer in layers:
        if not isinstance(layer, Mapping):
            faults.append(Fault(where, f"{layer!r} does not name rules with limits.", 'Write {"detail": 30}.'))
            continue
        for name, limit in layer.items():
            if name not in RULES:
                faults.append(unknown_name_fault("rule of sketches", name, RULES, where=where))
                continue
            try:
                limits[name] = None if limit is False else read_limit(RULES[name], limit)
            except (TypeError, ValueError):
                faults.append(Fault(f"{where}.{name}", f"{limit!r} is no limit of this rule.", RULES[name].about))
    if not faults and not any(limit is not None for limit in limits.values()):
        faults.append(Fault("limits", "every rule is left out, so nothing is asked of the sketch.", "Keep one rule."))
    if faults:
        raise InvalidInput(faults)
    return {name: limit for name, limit in limits.items() if limit is not None}


def changed(limits: Limits) -> str:
    """Say in words in what ``limits`` differ from the rules' own; empty where they do not."""
    said = []
    for name, rule in RULES.items():
        if name not in limits:
            said.append(f"no {name}")
        elif limits[name] != (rule.low, rule.high):
            low, high = limits[name]
            said.append(f"{name} {'' if low is None else f'{low:g}'}…{'' if high is None else f'{high:g}'}")
    return ", ".join(said)

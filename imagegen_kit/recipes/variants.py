"""Controlled variation of concept sketches: which axes, which phrases, and what each of the variants is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.ask import check_values
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.prompts.variation import variations
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import DEFAULT_MODEL, settings, variable
from imagegen_kit.types import Style

if TYPE_CHECKING:
    from imagegen_kit.registry import Registry

FEWEST, MOST = 3, 6
TIMES = " × "  # between the phrases of one variant
PLAIN = "plain"  # stands for no style
FALLBACK = "concept-sketch"  # whose axes a style without any takes
OFFLINE = "offline/pencil"
MODEL_VARIABLE = "GEMINI_MODEL"


@dataclass(frozen=True, slots=True)
class Plan:
    """The style with the axes that are varied, and the combination (axis → phrase) that each sketch takes."""

    style: Style
    variations: tuple[dict[str, str], ...]

    @property
    def labels(self) -> list[dict[str, str]]:
        """The labels of each sketch's request: each axis with its phrase, all of them as ``variant``, the style."""
        style = {"style": self.style.name} if self.style.name != PLAIN else {}
        return [{"variant": TIMES.join(one.values()), **one, **style} for one in self.variations]


def plan_variants(style: str | Style | None, n: int, axes: Any = None, seed: int | None = None) -> Plan:
    """Return ``n`` combinations that are spread evenly over the axes, the same ones for the same ``seed``.

    ``axes`` names some of the style's axes, or maps names to phrases of one's own; None varies all of the style's. A
    style without any (or None) takes those of ``concept-sketch``. Raises InvalidInput with every fault.
    """
    faults = variant_faults({"style": style, "n": n, "axes": axes}, get_registry())
    if faults:
        raise InvalidInput(faults)
    varied = replace(_style(style), axes=_axes(_style(style), axes))
    return Plan(varied, tuple(variations(varied, n, seed or 0)))


def variant_faults(params: Mapping[str, Any], registry: Registry) -> list[Fault]:
    """Return what is wrong with how many sketches are wanted, the axes on which they differ, and how they are held."""
    n, style, axes = params.get("n", 4), params.get("style", "vintage-mascot"), params.get("axes")
    faults = [Fault("brief", f.what, f.hint) for f in check_values("prompt", params.get("brief", "-"), registry)]
    if type(n) is not int or not FEWEST <= n <= MOST:
        faults.append(Fault("n", f"{n!r:.80} sketches cannot be made.", f"Ask for {FEWEST} to {MOST}."))
    faults += _rule_faults(params.get("rules", True), params.get("auto_fix", False))
    if not isinstance(style, (str, Style)) and style is not None:
        return faults  # told by the check of styles
    if isinstance(style, str) and style not in registry.styles():
        return faults
    known = _axes(_style(style), None)
    if isinstance(axes, Mapping):
        faults += [
            Fault(f"axes.{name}", "it needs a list of phrases.", 'Write {"layout": ["from the front", "in profile"]}.')
            for name, phrases in axes.items()
            if isinstance(phrases, str) or not isinstance(phrases, Sequence) or not all(map(_is_phrase, phrases))
        ]
        faults += [Fault("axes", "there are none.", "Leave it out to vary all.")] if not axes else []
        known = axes
    elif isinstance(axes, (list, tuple)) and axes:
        faults += [unknown_name_fault("axis", a, known, where="axes") for a in axes if a not in known]
    elif axes is not None:
        hint = 'Give names such as ["layout"], or {"layout": ["from the front", …]}.'
        faults.append(Fault("axes", f"{axes!r:.80} names no axes.", hint))
    if not faults and prod(len(set(known[a])) for a in axes or known) < n:
        faults.append(Fault("axes", f"they have less than {n} combinations.", "Give more phrases, or more axes."))
    return faults


def _rule_faults(rules: Any, auto_fix: Any) -> list[Fault]:
    known = {"rules": rules, "auto_fix": auto_fix}
    wrong = {name: value for name, value in known.items() if not isinstance(value, bool)}
    if not wrong and auto_fix and not rules:
        return [
            Fault("auto_fix", "it mends what breaks a rule, and rules=False measures none.", "Leave out one of them.")
        ]
    return [Fault(name, f"{value!r:.80} is neither True nor False.") for name, value in wrong.items()]


def _is_phrase(phrase: object) -> bool:
    return isinstance(phrase, str) and bool(phrase.strip())


def _style(style: str | Style | None) -> Style:
    if isinstance(style, Style):
        return style
    return get_registry().style(style) if style is not None else Style(PLAIN)


def _axes(style: Style, axes: Any) -> Mapping[str, tuple[str, ...]]:
    if isinstance(axes, Mapping):
        return {name: tuple(dict.fromkeys(phrases)) for name, phrases in axes.items()}
    known = style.axes or get_registry().style(FALLBACK).axes or {}
    return {name: known[name] for name in axes or known}


def sketch_model(model: str | None) -> str | None:
    """Return the model that draws: the one named, the variable ``GEMINI_MODEL``, the session's own, else the pencil."""
    if model is not None:
        return model
    return variable(MODEL_VARIABLE) or (OFFLINE if settings().model == DEFAULT_MODEL else None)

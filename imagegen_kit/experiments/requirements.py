"""What a run is held to: the section ``check`` of an experiment's file, read whole, with every fault and its line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, unknown_name_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.catalog.yaml import Document

TOTAL = "total_usd"  # what all of it cost when it was bought
METRICS = ("success", "price_usd", "seconds", TOTAL)  # besides score columns
_LIMIT = re.compile(r"(<=|>=)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)")
_MARGIN = re.compile(r"([0-9.]+)\s*(%?)")


@dataclass(frozen=True, slots=True)
class Limit:
    """``metric`` must be at least (">=") or at most ("<=") ``value``."""

    metric: str
    side: str
    value: float

    def allows(self, value: float) -> bool:
        """Return whether ``value`` is on the right side."""
        return value >= self.value if self.side == ">=" else value <= self.value

    def __str__(self) -> str:
        return f"{self.metric} {self.side} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Margin:
    """``metric`` may be worse than the baseline's by ``value``, of the baseline's own value where ``relative``."""

    metric: str
    value: float
    relative: bool = False

    def __str__(self) -> str:
        return f"{self.metric} no worse by more than {f'{self.value:.0%}' if self.relative else f'{self.value:g}'}"


@dataclass(frozen=True, slots=True)
class Requirements:
    """What is checked: limits, margins to a baseline, by which parameter apart, and what is measured first."""

    limits: tuple[Limit, ...] = ()
    margins: tuple[Margin, ...] = ()
    by: str | None = None
    scorers: Any = ()


def read_section(document: Document, faults: list[Fault]) -> Requirements:
    """Return the section ``check`` of an experiment's file, as far as it can be read; the rest goes to ``faults``."""
    section = document.data.get("check") if isinstance(document.data, dict) else None
    if section is None:
        hint = "Write a section like\ncheck:\n  require:\n    success: '>= 0.95'"
        faults.append(Fault(document.name, "has no section `check`, so there is nothing to check.", hint))
        return Requirements()
    if not isinstance(section, dict):
        faults.append(document.fault(("check",), "is no mapping.", "Write require: and, below it, the limits."))
        return Requirements()
    before = len(faults)
    known = ("require", "no_worse", "by", "scorers")
    for name in section:
        if name not in known:
            faults.append(unknown_name_fault("part of check", name, known, where=document.at("check", name)))
    limits = list(_limits(section.get("require") or {}, document, faults))
    margins = list(_margins(section.get("no_worse") or {}, document, faults))
    by = section.get("by")
    if by is not None and not isinstance(by, str):
        faults.append(document.fault(("check", "by"), f"{by!r} is no parameter's name."))
        by = None
    if not limits and not margins and len(faults) == before:
        faults.append(document.fault(("check",), "asks for nothing.", "Write require: or no_worse:."))
    return Requirements(tuple(limits), tuple(margins), by, section.get("scorers") or ())


def _limits(section: Any, document: Document, faults: list[Fault]) -> Sequence[Limit]:
    found = []
    for metric, texts in _mapping(section, "require", document, faults).items():
        path = ("check", "require", metric)
        _unknown_metric(metric, path, document, faults)
        for text in texts if isinstance(texts, list) else [texts]:
            match = _LIMIT.fullmatch(str(text).strip())
            if match is None or not _number(match[2]):
                hint = "Write '>= 0.95' or '<= 0.05', in quotes."
                faults.append(document.fault(path, f"{text!r} is no limit.", hint))
            else:
                found.append(Limit(metric, match[1], float(match[2])))
    return found


def _margins(section: Any, document: Document, faults: list[Fault]) -> Sequence[Margin]:
    found = []
    for metric, text in _mapping(section, "no_worse", document, faults).items():
        path = ("check", "no_worse", metric)
        _unknown_metric(metric, path, document, faults)
        match = _MARGIN.fullmatch(str(text).strip()) if not isinstance(text, bool) else None
        if match is None or not _number(match[1]):
            faults.append(document.fault(path, f"{text!r} is no margin.", "Write 0.02 (its own unit) or 10%."))
        else:
            if metric == TOTAL:
                hint = "Two runs of other sizes have other sums: compare price_usd."
                faults.append(document.fault(path, "says nothing of a baseline.", hint))
            found.append(Margin(metric, float(match[1]) / (100 if match[2] else 1), bool(match[2])))
    return found


def _mapping(section: Any, name: str, document: Document, faults: list[Fault]) -> Mapping[str, Any]:
    if isinstance(section, dict):
        return section
    faults.append(document.fault(("check", name), "is no mapping of metrics.", "Write `success: …` below it."))
    return {}


def _unknown_metric(metric: str, path: tuple[str, ...], document: Document, faults: list[Fault]) -> None:
    if metric not in METRICS and not metric.startswith("score_"):
        faults.append(unknown_name_fault("metric", metric, (*METRICS, "score_…"), where=document.at(*path)))


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False

"""From what was asked to what will be sent: model, fit and key; everything that can be refused without money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imagegen_kit.capabilities import fit
from imagegen_kit.errors import Fault, UnsupportedRequest
from imagegen_kit.fingerprint import request_key
from imagegen_kit.providers.accounts import account_name, cacheable, not_ready, origin_of
from imagegen_kit.settings import settings

if TYPE_CHECKING:
    from datetime import date

    from imagegen_kit.registry import Registry, ResolvedModel
    from imagegen_kit.types import Adaptation, Request


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that can be sent, known by ``key``; ``cacheable`` if its picture may be reused."""

    asked: Request
    sent: Request
    model: ResolvedModel
    notes: tuple[Adaptation, ...]
    key: str
    cacheable: bool
    origin: str
    account: str


def prepare(
    asked: Request, registry: Registry, today: date, notes: tuple[Adaptation, ...] = (), *, planned: bool = False
) -> Prepared:
    """Return the fitted request and its key; ``notes`` are differences that arose before it.

    What is only ``planned`` needs neither key nor address. Raises UnknownName, or UnsupportedRequest with the models
    that could.
    """
    model = registry.model(asked.model, today=today)
    if model.spec.kind != asked.kind:
        able = [m for m in registry.models() if m.spec.kind == asked.kind]
        what = f"{model.id} makes {model.spec.kind}, not {asked.kind}."
        raise UnsupportedRequest([Fault("model", what, _could(able, today))], model=model.id)
    if not planned and (fault := readiness_fault(model)):  # told before anything is sent
        raise UnsupportedRequest([fault], model=model.id)
    fitted = fit(asked, model.spec.can)
    if isinstance(fitted, tuple):
        able = [
            m
            for m in registry.models()
            if m.spec.kind == asked.kind and m.id != model.id and not isinstance(fit(asked, m.spec.can), tuple)
        ]
        faults = [Fault(f"{model.id}", f"{u}.", _could(able, today)) for u in fitted]
        raise UnsupportedRequest(faults, model=model.id, request=asked)
    origin, version = origin_of(model.provider), model.provider.output_version
    sent = fitted.sent if fitted.sent.model == model.id else replace(fitted.sent, model=model.id)
    key = request_key(sent, model=model.id, origin=origin, output_version=version or "")
    return Prepared(
        asked,
        sent,
        model,
        notes + model.adaptations + fitted.adaptations,
        key,
        cacheable(model.provider),
        origin,
        account_name(model.provider),
    )


def readiness_fault(model: ResolvedModel) -> Fault | None:
    """Return what to set before a model can be used; None where it is ready, or a replay answers for it."""
    missing = not_ready(model.provider)
    if missing is None or settings().replay:
        return None
    return Fault("model", f"{model.id} is not ready.", f"{missing[0].upper()}{missing[1:]}.")


def _could(models: list[ResolvedModel], today: date) -> str:
    """Name a few models that could do it, those that are ready first; retired ones could not."""
    alive = [m for m in models if m.spec.retires_on is None or m.spec.retires_on > today]
    names = [m.id for m in sorted(alive, key=lambda m: not_ready(m.provider) is not None)]
    if not names:
        return "No model that is installed can do it."
    return "These can: " + ", ".join(names[:5]) + (", …" if len(names) > 5 else "") + "."

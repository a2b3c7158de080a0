"""The spec of a class that a session registers: a provider's, an embedder's, a retriever's or a scorer's."""

from __future__ import annotations

import inspect
from dataclasses import replace

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.hookspecs import ProviderSpec, RetrieverSpec, ScorerSpec
from imagegen_kit.registry.faults import spec_faults

_PROVIDER_VERBS = {"image": "generate", "text": "ask", "video": "animate"}
_RETRIEVAL_VERBS = {"embedder": ("embed_images", "embed_texts"), "retriever": ("retrieve",)}


def spec_of_class(cls: type, version: str | None) -> ProviderSpec | RetrieverSpec | ScorerSpec:
    """Return the spec of ``cls``, by its attribute ``spec``, or made of its other attributes. Raises InvalidInput."""
    spec, models = getattr(cls, "spec", None), getattr(cls, "models", None)
    name = _name(cls)
    kind = next((kind for kind, verbs in _RETRIEVAL_VERBS.items() if hasattr(cls, verbs[0])), None)
    found: ProviderSpec | RetrieverSpec | ScorerSpec
    if isinstance(spec, ProviderSpec):
        found = replace(spec, target=cls, output_version=version or spec.output_version)
    elif models is not None:
        found = ProviderSpec(name, models=models, target=cls, origin=f"local:{name}", output_version=version)
    elif isinstance(spec, RetrieverSpec):
        found = replace(spec, target=cls)
    elif isinstance(spec, ScorerSpec):
        found = replace(spec, target=cls, version=version or spec.version)
    elif kind is not None:
        found = RetrieverSpec(name, target=cls, kind=kind, card=(inspect.getdoc(cls) or "").partition("\n")[0])
    elif hasattr(cls, "score"):
        found = ScorerSpec(name, target=cls, version=version, card=(inspect.getdoc(cls) or "").partition("\n")[0])
    else:
        what = f"the class {cls.__name__} says nothing of its models."
        hint = (
            "Give it a class attribute `models` (a tuple of ModelSpec) or `spec` (a ProviderSpec); an embedder has the "
            "methods `embed_images` and `embed_texts`, a retriever has `retrieve`, a scorer has `score`."
        )
        raise InvalidInput([Fault("thing", what, hint)])
    faults = spec_faults(found)
    if isinstance(found, RetrieverSpec) and version is not None:
        faults.append(Fault("version", "says nothing of an embedder or retriever.", "An embedder has a `fingerprint`."))
    if faults or (missing := _missing(cls, found)):
        raise InvalidInput(faults or missing)
    return found


def _name(cls: type) -> str:
    name = getattr(cls, "name", None)  # a property of each instance is no name of the class
    return name if isinstance(name, str) else cls.__name__.lower()


def _missing(cls: type, spec: ProviderSpec | RetrieverSpec | ScorerSpec) -> list[Fault]:
    if isinstance(spec, ScorerSpec):
        verbs = {"score": "is no scorer: it has"}
    elif isinstance(spec, RetrieverSpec):
        verbs = {verb: f"is no {spec.kind}: it has" for verb in _RETRIEVAL_VERBS[spec.kind]}
    else:
        verbs = {_PROVIDER_VERBS[kind]: f"has {kind} models but" for kind in sorted({m.kind for m in spec.models})}
    return [
        Fault(cls.__name__, f"{what} no method `{verb}`.")
        for verb, what in verbs.items()
        if not callable(getattr(cls, verb, None))
    ]

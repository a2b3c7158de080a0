"""Diffusers pipelines on this machine as models: a few well-known ones, and whatever the user names."""

from __future__ import annotations

import hashlib

from imagegen_kit import providers as kit


@kit.hookimpl
def imagegen_providers() -> list[kit.ProviderSpec]:
    """Offer the shipped models and those that IMAGEGEN_DIFFUSERS_MODELS names; torch is imported when one draws."""
    from imagegen_kit.settings import variable  # every session imports this module, so it brings nothing along
    from imagegen_kit_diffusers.models import BATCH, DEVICE, DOWNLOAD, MODELS, batch_size, read_models

    models = read_models(variable(MODELS))
    drawn_by = [variable(DEVICE) or "auto", *(f"{m.name}={m.source}@{m.revision}.{m.variant}" for m in models.values())]
    waiting = 2 * batch_size(variable(BATCH))  # a batch draws while the next one gathers
    return [
        kit.ProviderSpec(
            "diffusers",
            models=tuple(model.spec(concurrency=waiting) for model in models.values()),
            target="imagegen_kit_diffusers.provider:Diffusers",
            origin="local:diffusers",
            output_version=hashlib.sha256("\n".join(drawn_by).encode()).hexdigest()[:16],
            settings_env=(MODELS, DOWNLOAD, DEVICE, BATCH),
            install="pip install imagegen-kit-diffusers",
        )
    ]

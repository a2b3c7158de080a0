"""How the services that the toolkit knows enter it, and how a file of one becomes a provider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog import load_models
from imagegen_kit.catalog.job_api import load_job_api, shipped_job_apis
from imagegen_kit.catalog.job_api_placeholders import names_used
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.hookspecs import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from imagegen_kit.catalog.job_api import JobApi
    from imagegen_kit.providers.base import Account


@dataclass(frozen=True, slots=True)
class JobApiTarget:
    """The target of a provider made from a file; the provider's modules are loaded when it is first called."""

    api: JobApi

    def __call__(self, account: Account) -> Any:
        """Return the provider for one account."""
        from imagegen_kit.providers.job_api.provider import JobApiProvider, QueueProvider

        if self.api.output.kind == "text":
            from imagegen_kit.providers.job_api.texts import TextProvider

            return TextProvider(self.api, account)
        return (JobApiProvider if self.api.poll is None else QueueProvider)(self.api, account)


@hookimpl
def imagegen_providers() -> list[ProviderSpec]:
    """Return one provider for each service of ``catalog/job_apis`` that the catalogue, or its file, has models of."""
    found = []
    for name, api in shipped_job_apis().items():
        if models := load_models(name) or api.models:
            found.append(provider_of(replace(api, models=models)))
    return found


def provider_of_file(path: Path | str) -> ProviderSpec:
    """Return the provider that a user's own YAML file describes. Raises InvalidInput with file, line and key."""
    path = Path(path).expanduser()
    api = load_job_api(path)
    faults = []
    if not api.models:
        hint = f'Add models: {{"{api.name}/one": {{as_of: "2026-01-01", source: "…"}}}}.'
        faults.append(Fault(f"{path.name} models", "are missing, so there is nothing to ask for.", hint))
    if api.name in shipped_job_apis():
        what = f"{api.name!r} is a service that the toolkit knows."
        faults.append(Fault(f"{path.name} name", what, "Choose another name for yours."))
    if faults:
        raise InvalidInput(faults)
    return provider_of(api)


def provider_of(api: JobApi) -> ProviderSpec:
    """Return the spec of a service with its models; a variable in what is submitted decides what draws."""
    used = {name for form in api.submit for name in names_used([form.url, form.json, form.multipart])}
    models = tuple(replace(m, can=replace(m.can, resumable=api.poll is not None)) for m in api.models)
    api = replace(api, models=models)
    return ProviderSpec(
        name=api.name,
        models=models,
        target=JobApiTarget(api),
        key_env=api.key_env,
        key_url=api.key_url,
        base_url=api.base_url,
        base_url_env=api.base_url_env,
        settings_env=api.settings_env,
        origin_env=tuple(name for name in api.settings_env if f"settings.{name}" in used),
    )

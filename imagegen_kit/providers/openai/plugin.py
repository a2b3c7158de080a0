"""How OpenAI's models, and servers that speak OpenAI's API, enter the toolkit."""

from __future__ import annotations

from imagegen_kit.catalog import load_models
from imagegen_kit.hookspecs import ProviderSpec, hookimpl

KEY = "OPENAI_API_KEY"
KEY_URL = "https://platform.openai.com/api-keys"
ADDRESS = "OPENAI_BASE_URL"
ORGANIZATION = "OPENAI_ORG_ID"
PROJECT = "OPENAI_PROJECT_ID"


@hookimpl
def imagegen_providers() -> list[ProviderSpec]:
    """Return the provider ``openai`` with its models; the user's own catalogue file adds those of other servers."""
    return [
        ProviderSpec(
            name="openai",
            models=load_models("openai"),
            target="imagegen_kit.providers.openai.provider:OpenAIProvider",
            key_env=(KEY,),
            key_url=KEY_URL,
            base_url="https://api.openai.com/v1",
            base_url_env=(ADDRESS,),
            settings_env=(ORGANIZATION, PROJECT),
            install="pip install openai",
        )
    ]

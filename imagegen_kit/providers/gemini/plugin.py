"""How Google's models enter the toolkit: two providers, for a Developer key and for a Cloud project."""

from __future__ import annotations

from imagegen_kit.catalog import load_models
from imagegen_kit.hookspecs import ProviderSpec, hookimpl

INSTALL = "pip install google-genai"


@hookimpl
def imagegen_providers() -> list[ProviderSpec]:
    """Return the providers ``gemini`` and ``vertex`` with their models."""
    return [
        ProviderSpec(
            name="gemini",
            models=load_models("gemini"),
            target="imagegen_kit.providers.gemini.provider:GeminiProvider",
            origin="https://generativelanguage.googleapis.com/v1",
            key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            key_url="https://aistudio.google.com/apikey",
            base_url="https://generativelanguage.googleapis.com",
            base_url_env=("GOOGLE_GEMINI_BASE_URL",),
            install=INSTALL,
        ),
        # A key or a project makes it ready; a project alone means the login of this machine (gcloud), see `clients`.
        ProviderSpec(
            name="vertex",
            models=load_models("vertex"),
            target="imagegen_kit.providers.gemini.provider:VertexProvider",
            origin="https://aiplatform.googleapis.com/v1beta1",
            key_env=("VERTEX_API_KEY", "GOOGLE_CLOUD_PROJECT"),
            key_url="https://console.cloud.google.com/vertex-ai",
            base_url="https://aiplatform.googleapis.com",
            base_url_env=("GOOGLE_VERTEX_BASE_URL",),
            settings_env=("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"),
            install=INSTALL,
        ),
    ]

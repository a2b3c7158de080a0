"""Clients of google-genai that say what the account says, whatever the environment holds.

The SDK reads keys, project, location, mode, API version, transport and retries from a dozen environment variables.
Everything is therefore given outright: our own httpx2 client (otherwise an installed aiohttp changes the exceptions),
no retries, and a key *or* a project.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import types

from imagegen_kit.errors import AuthenticationFailed, ProviderError
from imagegen_kit.providers.transport import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from imagegen_kit.providers.base import Account

# Sent to the service as X-Server-Timeout. The engine's timeout is the one that counts; this one only bounds a server
# that nobody waits for any more.
TIMEOUT_MS = 900_000
CONNECT_S = 10.0
DEVELOPER, ENTERPRISE = "https://generativelanguage.googleapis.com", "https://aiplatform.googleapis.com"
MULTI_REGIONS = ("us", "eu")


@dataclass(frozen=True, slots=True)
class Opened:
    """A client of the SDK and the HTTP client in it, which the SDK leaves to us to close."""

    sdk: genai.Client
    http: httpx2.AsyncClient


def open_developer(account: Account, http: httpx2.AsyncClient) -> Opened:
    """Return a client of the Gemini Developer API. Raises AuthenticationFailed where the account has no key."""
    if account.key is None:
        raise AuthenticationFailed(
            "The Gemini API needs a key: set GEMINI_API_KEY (get one at https://aistudio.google.com/apikey)."
        )
    options = _options(account.base_url or DEVELOPER, "v1", http)
    return _open(http, vertexai=False, api_key=account.key.get_secret_value(), http_options=options)


def open_enterprise(account: Account, http: httpx2.AsyncClient) -> Opened:
    """Return a client of the Enterprise mode, with a key or with a project and this machine's login.

    Raises AuthenticationFailed where the account has neither.
    """
    project, location = account.settings.get("GOOGLE_CLOUD_PROJECT"), account.settings.get("GOOGLE_CLOUD_LOCATION")
    key = key_of(account)
    if key is None and project is None:
        raise AuthenticationFailed(
            "Vertex needs VERTEX_API_KEY, or GOOGLE_CLOUD_PROJECT and a login (gcloud auth application-default login)."
        )
    base_url = account.base_url or ENTERPRISE
    if key is not None:  # a key stands for its project; with a location the SDK would ask for a login
        return _open(http, vertexai=True, api_key=key, http_options=_options(base_url, "v1beta1", http))
    location = location or "global"
    if base_url == ENTERPRISE:
        base_url = regional(location)
    options = _options(base_url, "v1beta1", http)
    return _open(http, vertexai=True, project=project, location=location, http_options=options)


def key_of(account: Account) -> str | None:
    """Return the account's key. Either variable makes `vertex` ready, so its project may stand where a key would."""
    key = account.key.get_secret_value() if account.key else None
    return None if key == account.settings.get("GOOGLE_CLOUD_PROJECT") else key


def regional(location: str) -> str:
    """Return the address of the Enterprise mode for a location such as ``global``, ``us`` or ``us-central1``."""
    if location == "global":
        return ENTERPRISE
    if location in MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


async def close(opened: Opened) -> None:
    """Close both clients."""
    await opened.sdk.aio.aclose()
    opened.sdk.close()
    await opened.http.aclose()


def _options(base_url: str, version: str, http: httpx2.AsyncClient) -> types.HttpOptions:
    trusted = certificates()  # the SDK would read them twice again, for transports of its own that we never use
    return types.HttpOptions(
        base_url=base_url,
        api_version=version,
        timeout=TIMEOUT_MS,
        retry_options=types.HttpRetryOptions(attempts=1),
        httpx_async_client=http,
        async_client_args={"verify": trusted, "ssl": trusted},
    )


def _open(http: httpx2.AsyncClient, **given: Any) -> Opened:
    async def connect_soon(request: httpx2.Request) -> None:
        """Keep a short time to connect: the SDK's timeout replaces every timeout of the HTTP client."""
        request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "connect": CONNECT_S}

    # A word that is newer than the SDK makes it warn, or fail where warnings are errors; we tell the word ourselves.
    warnings.filterwarnings("ignore", r".* is not a valid \w+$", UserWarning, r"google\.genai\._common$")
    http.event_hooks = {"request": [connect_soon]}
    try:
        with _without_warning():
            return Opened(genai.Client(**given), http)
    except (ImportError, ValueError) as error:  # such as GOOGLE_GENAI_HTTP_CLIENT=httpx without httpx
        raise ProviderError(f"google-genai cannot open a client: {error}", paid=False) from None


@contextmanager
def _without_warning() -> Iterator[None]:
    """Hide that "GOOGLE_API_KEY is used" where both key variables are set: the account's key is."""

    def other(record: logging.LogRecord) -> bool:
        return "GOOGLE_API_KEY" not in record.getMessage()

    log = logging.getLogger("google_genai._api_client")
    log.addFilter(other)
    try:
        yield
    finally:
        log.removeFilter(other)

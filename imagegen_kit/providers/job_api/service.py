"""One service at one address with one key: fills its templates and sends its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from imagegen_kit.errors import ProviderError
from imagegen_kit.providers.addresses import bare, port_of, read_private_hosts
from imagegen_kit.providers.downloads import Downloads
from imagegen_kit.providers.job_api.calls import exchange
from imagegen_kit.providers.job_api.hosts import Hosts, Refused
from imagegen_kit.providers.job_api.templates import filled, filled_url, multipart
from imagegen_kit.providers.transport import Clients
from imagegen_kit.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from imagegen_kit.catalog.job_api import JobApi
    from imagegen_kit.providers.base import Account
    from imagegen_kit.providers.job_api.calls import Answer


class Service:
    """What every call to a service needs: its file, address, key and connections."""

    def __init__(self, api: JobApi, account: Account) -> None:
        self.api = api
        self._key = account.key
        self.base = (account.base_url or api.base_url).rstrip("/")
        self._settings = {f"settings.{name}": value for name, value in account.settings.items()}
        self._own = bool(api.base_url) and self.base == api.base_url.rstrip("/")
        self.clients: Clients[httpx2.AsyncClient] = Clients(lambda http: http, lambda http: http.aclose())
        self._hosts: Hosts | None = None
        self._downloads: Downloads | None = None

    @property
    def key(self) -> str:
        """The key, empty where there is none. It is unwrapped for each call, and held nowhere."""
        return self._key.get_secret_value() if self._key is not None else ""

    @property
    def _values(self) -> dict[str, Any]:
        return {"base": self.base, "key": self.key or None, **self._settings}

    @property
    def hosts(self) -> Hosts:
        """The addresses that may be opened. At another address than its own, the service has no further hosts."""
        if self._hosts is None:
            at_home = self._own or not self.api.base_url
            self._hosts = Hosts(self.base, self.api.hosts if at_home else ())
        return self._hosts

    @property
    def downloads(self) -> Downloads:
        """What fetches pictures without the key: from the public internet, and from where the service itself is."""
        if self._downloads is None:
            base = self.hosts.base
            private = {(bare(base.host), port_of(base)), *read_private_hosts(settings().private_hosts)}
            self._downloads = Downloads(private, schemes=self.hosts.schemes)
        return self._downloads

    async def aclose(self) -> None:
        """Close all connections."""
        await self.clients.aclose()
        if self._downloads is not None:
            await self._downloads.aclose()

    def address(self, template: str, values: Mapping[str, Any], *, model: str) -> str:
        """Return the address that ``template`` makes. Raises ProviderError where a placeholder has no value."""
        url, missing = filled_url(template, {**values, **self._values})
        if missing:
            names = [name.split("||")[0].strip().removeprefix("settings.") for name in missing]
            text = f"{model}: the service's address needs {', '.join(names)}. Set it, or name it in the request."
            raise ProviderError(text, paid=False, model=model)
        if not {".", ".."}.isdisjoint(unquote(urlsplit(url).path).split("/")):  # an id like this would lead elsewhere
            text = f"{model}: an address of the service cannot be built: a name in it is '..', or holds '/../'."
            raise ProviderError(text, paid=False if "prompt" in values else None, model=model)
        if self._own or not self.api.base_url or url.startswith(self.base):
            return url
        parts = urlsplit(url)  # reached at another address, nothing of the service is reached at its own
        return f"{self.base}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    async def send(
        self,
        method: str,
        url: str,
        values: Mapping[str, Any],
        *,
        model: str,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Any = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Send one call with the service's headers, which may hold the key. Raises hosts.Refused for a foreign host."""
        values = {**values, **self._values}
        address = self.hosts.with_key(url)
        filled_headers = filled({**self.api.headers, **(headers or {})}, values) or {}
        more = {} if max_bytes is None else {"max_bytes": max_bytes}
        return await exchange(
            self.clients,
            method,
            address,
            model=model,
            headers={name: str(value) for name, value in filled_headers.items()},
            json_body=None if json is None else filled(json, values) or {},
            parts=multipart(filled(form, values) or {}) if form is not None else None,
            **more,
        )

    async def submit(self, method: str, url: str, values: Mapping[str, Any], *, model: str, **more: Any) -> Answer:
        """Send a call whose address the service's own file names; a host that it does not list is the file's fault."""
        try:
            return await self.send(method, url, values, model=model, **more)
        except Refused as error:
            text = f"{model}: the address of the service's file is not used: {error}. List the host under `hosts`."
            raise ProviderError(text, paid=False, model=model) from error

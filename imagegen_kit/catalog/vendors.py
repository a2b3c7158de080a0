"""Who made a model: a judge must not be of the family of those that it judges.

The makers stand in ``vendors.yaml``. What a model is called comes first, for many services offer models of others;
then the provider, where it is reached at its own address; then the host of that address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from urllib.parse import urlsplit

from imagegen_kit.catalog.yaml import load_yaml

OWN_HOSTS = {"openai": "api.openai.com"}  # a provider that also reaches servers of others


def vendor_of(model: str, *, remote_name: str = "", origin: str = "") -> str:
    """Return who made ``model`` (``provider/name``); ``remote_name`` is what the service calls it.

    ``origin`` is where it answers (scheme and host, ``local:…``, ``simulated:…``). A maker that is not known is named
    by the host of a server that speaks another's API, or else by the provider.
    """
    provider, _, name = model.rpartition("/")
    words, providers = _known()
    for said in (remote_name, name):
        if found := words.search(said.lower()):
            return _names()[found[0]]
    host = urlsplit(origin).hostname if origin.startswith("http") else None
    if host and OWN_HOSTS.get(provider, host) != host:
        return host
    return providers.get(provider, provider or name)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {name: vendor for vendor, known in _vendors().items() for name in known.get("names", ())}


@lru_cache(maxsize=1)
def _known() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return what finds the name of a maker's model in a text, longest first, and who stands behind each provider."""
    words = sorted(_names(), key=len, reverse=True)
    found = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, words))})(?![a-z])")
    return found, {name: vendor for vendor, known in _vendors().items() for name in known.get("providers", ())}


@lru_cache(maxsize=1)
def _vendors() -> dict[str, dict[str, list[str]]]:
    text = files("imagegen_kit.catalog").joinpath("vendors.yaml").read_text(encoding="utf-8")
    vendors: dict[str, dict[str, list[str]]] = load_yaml(text, where="vendors.yaml").data["vendors"]
    return vendors

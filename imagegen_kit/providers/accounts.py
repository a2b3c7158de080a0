"""Who pays at which address: accounts made of the settings in force, and the origin that pictures are known by."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagegen_kit.providers.base import Account
from imagegen_kit.settings import endpoint, secrets, variable
from imagegen_kit.types import SIMULATED

if TYPE_CHECKING:
    from pydantic import SecretStr

    from imagegen_kit.hookspecs import ProviderSpec

NAME = "default"
SIMULATION = "simulated"  # the account of every provider that is pointed at a simulator: its money is not real


def account_of(spec: ProviderSpec) -> Account:
    """Return the first account in force for a provider: its key, address and further settings."""
    return accounts_of(spec)[0]


def accounts_of(spec: ProviderSpec) -> tuple[Account, ...]:
    """Return the accounts in force for a provider, one for each of its keys, and one where it needs none."""
    values = {name: value for name in spec.settings_env if (value := variable(name))}
    if there := endpoint(spec.name):
        return (Account(account_name(spec), there.key, there.base_url, values),)
    keys: tuple[SecretStr | None, ...] = next((found for name in spec.key_env if (found := secrets(name))), (None,))
    address = _address(spec) or None
    return tuple(
        Account(NAME if number == 1 else f"{NAME}-{number}", key, address, values) for number, key in enumerate(keys, 1)
    )


def fingerprint(account: Account, salt: bytes) -> str | None:
    """Return a short name of the account's key that tells nothing of it; None where it has none, or a simulator's.

    ``salt`` (16 bytes) belongs to one store, so that names from two stores cannot be compared.
    """
    if account.key is None or account.name == SIMULATION:
        return None
    digest = hashlib.blake2b(account.key.get_secret_value().encode(), digest_size=4, key=salt).hexdigest()
    return f"key-{digest}"


def account_name(spec: ProviderSpec) -> str:
    """Return the name of the account in force for a provider."""
    there = endpoint(spec.name)
    return SIMULATION if there is not None and there.origin.startswith(SIMULATED) else NAME


def origin_of(spec: ProviderSpec) -> str:
    """Return where the provider's pictures come from: part of the cache key, and of every attempt's record.

    A service that is reached at another address is another origin; a simulated one is ``simulated:<name>``.
    """
    if there := endpoint(spec.name):
        origin = there.origin
    elif not spec.base_url_env:
        origin = spec.origin or _without_user(spec.base_url)
    else:
        address = _address(spec)
        origin = spec.origin if spec.origin and address == spec.base_url else _without_user(address)
    if not spec.origin_env:
        return origin
    decided = [f"{name}={value}" for name in spec.origin_env if (value := variable(name))]
    return "?".join([origin, *(["&".join(decided)] if decided else [])])


def cacheable(spec: ProviderSpec) -> bool:
    """Whether the same request would be answered by the same model tomorrow."""
    return spec.output_version is not None and all(variable(name) for name in spec.origin_env)


def not_ready(spec: ProviderSpec) -> str | None:
    """Return what to set before the provider can be used, in words; None where it is ready."""
    if endpoint(spec.name):
        return None
    missing = []
    keys = {name: found for name in spec.key_env if (found := secrets(name))}
    if spec.key_env and not keys:
        where = f" (get one at {spec.key_url})" if spec.key_url else ""
        missing.append(f"set {' or '.join(spec.key_env)}{where}")
    elif not all(map(_can_be_sent, next(iter(keys.values()), ()))):
        missing.append(f"set {next(iter(keys))} again: it holds a blank or another character that no key has")
    address = _address(spec)
    if spec.base_url_env and not address:
        missing.append(f"set {' or '.join(spec.base_url_env)} to the service's address")
    elif address and not _is_address(address):
        missing.append(f"set {' or '.join(spec.base_url_env)} to an address like https://example.org/v1")
    return " and ".join(missing) or None


def untried(spec: ProviderSpec) -> str | None:
    """Return what a provider without a key needs on this machine or near it, in words; None where nothing is needed.

    Nobody has asked whether it is there: that is seen when the first picture is made.
    """
    if spec.key_env or endpoint(spec.name) or not_ready(spec):
        return None
    if address := _address(spec):
        return f"needs a server at {_without_user(address)}; not tried"
    return "runs on this machine, with packages and weights of its own; not tried" if spec.settings_env else None


def _can_be_sent(key: SecretStr) -> bool:
    """Whether a key fits into an HTTP header; else the client would complain, and show it."""
    value = key.get_secret_value()
    return value.isascii() and value.isprintable() and " " not in value


@lru_cache(maxsize=64)
def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


def _address(spec: ProviderSpec) -> str:
    return next((found for name in spec.base_url_env if (found := variable(name))), spec.base_url)


def _without_user(url: str) -> str:
    """Return ``url`` without user, password, query and fragment: an origin is shown in tables."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}" if parts.netloc else url

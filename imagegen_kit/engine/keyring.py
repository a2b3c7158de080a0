"""The keys of all providers that this session has called, each with its provider object."""

from __future__ import annotations

import asyncio
import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.limits import Key, Rota
from imagegen_kit.errors import ImagegenError, ProviderError
from imagegen_kit.providers.accounts import accounts_of, fingerprint
from imagegen_kit.providers.secrecy import cleaned, redacted
from imagegen_kit.registry import get_registry

if TYPE_CHECKING:
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.providers.base import Account


class Keyring:
    """Provider objects live on the engine's loop: one for each key, made at its first call."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._rotas: dict[str, tuple[ProviderSpec, tuple[Account, ...], Rota]] = {}
        self._replaced: list[Any] = []  # of accounts no longer in force; calls may be under way

    async def rota(self, spec: ProviderSpec) -> Rota:
        """Return the keys of a provider, each with its object, loading its module in a thread at first use.

        Raises ProviderError where it cannot be loaded.
        """
        accounts = accounts_of(spec)
        known = self._rotas.get(spec.name)
        if known is not None and _is_one(known[0], spec) and known[1] == accounts:
            return known[2]
        try:
            target = await asyncio.to_thread(self._load, spec)
            known = self._rotas.get(spec.name)
            if known is None or not _is_one(known[0], spec) or known[1] != accounts:  # nobody else was faster
                known = self._rotas[spec.name] = (spec, accounts, self._make_rota(spec, accounts, target))
        except Exception as error:  # nothing was sent
            words = str(error) if isinstance(error, ImagegenError) else f"{type(error).__name__}: {error}"
            message = redacted(f"{spec.name} cannot be used: {words}")
            raise ProviderError(message, retryable=False, paid=False, provider=spec.name) from cleaned(error)
        return known[2]

    def _make_rota(self, spec: ProviderSpec, accounts: tuple[Account, ...], target: Any) -> Rota:
        """Return the keys of ``accounts``; what is known of a key that stays in force is kept."""
        before = self._rotas.get(spec.name)
        old = {key.account.name: key for key in before[2].keys} if before is not None else {}
        keys = []
        for account in accounts:
            key = old.get(account.name)
            if before is None or not _is_one(before[0], spec) or key is None or key.account != account:
                id = fingerprint(account, self._salt)
                key = Key(account, id, f"{spec.name} {id or account.name}", target(account))
            keys.append(key)
        self._replaced += [key.provider for key in old.values() if key not in keys]
        return Rota(tuple(keys))

    def _load(self, spec: ProviderSpec) -> Any:
        """Import what a provider needs, away from the loop; the list of token prices too, which takes 0.1 s."""
        if any(model.price is not None and model.price.listed_as for model in spec.models):
            with contextlib.suppress(ImportError):  # then our own list is used
                import_module("genai_prices")
        return get_registry().provider_target(spec.name)

    async def aclose(self) -> None:
        """Close the connections of every provider."""
        in_force = [key.provider for _, _, rota in self._rotas.values() for key in rota.keys]
        for provider in (*self._replaced, *in_force):
            if hasattr(provider, "aclose"):
                await provider.aclose()


def _is_one(one: ProviderSpec, other: ProviderSpec) -> bool:
    """Whether two specs are of one provider: functions that share its name have a spec each, and one object."""
    return one is other or (not isinstance(one.target, str) and one.target is other.target)

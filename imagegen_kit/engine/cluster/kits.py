"""What a worker has to know before it can call a provider as this session would: settings, keys, registered code."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.errors import Fault, InvalidInput, ProviderError
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.providers.accounts import accounts_of
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import Surroundings, adopt, revision, surroundings

if TYPE_CHECKING:
    from imagegen_kit.providers.base import Account


@dataclass(frozen=True, slots=True, eq=False)
class Kit:
    """What calls of one provider need. Keys in it travel from process to process and are never shown or kept."""

    provider: str
    version: str
    salt: bytes = field(repr=False)  # of the store: keys are known by fingerprints that it makes
    folder: str  # in which this session works: settings may name files in it
    around: Surroundings = field(repr=False)
    specs: bytes | None = field(repr=False)  # what was registered in this session, pickled; None: nothing was


class Packing:
    """Packs kits, anew only where something has changed since the last one."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._packed: dict[str, tuple[ProviderSpec, tuple[Account, ...], int, Kit]] = {}

    def kit(self, spec: ProviderSpec) -> Kit:
        """Return the kit of a provider. Raises ProviderError where what was registered cannot be sent."""
        accounts, now = accounts_of(spec), revision()
        known = self._packed.get(spec.name)
        if known is not None and known[0] is spec and known[1] == accounts and known[2] == now:
            return known[3]
        around = surroundings(spec.name, spec.key_env, (*spec.base_url_env, *spec.settings_env, *spec.origin_env))
        kit = Kit(spec.name, __version__, self._salt, os.getcwd(), around, _registered(spec.name))
        self._packed[spec.name] = (spec, accounts, now, kit)
        return kit


def _registered(provider: str) -> bytes | None:
    """Return what this session has registered for a provider, written down with the code of its cells."""
    found = {k: s for k, s in get_registry().session_specs().items() if _is_of(s, provider)}
    if not found:
        return None
    from ray import cloudpickle

    try:
        packed: bytes = cloudpickle.dumps(found)
    except Exception as error:
        words = f"{provider} is registered in this session and cannot be sent to other processes: {error}"
        hint = "Let its class or functions hold nothing that lives in this process (locks, open files, connections)."
        raise ProviderError(f"{words}. {hint}", retryable=False, paid=False, provider=provider) from error
    return packed


def _is_of(spec: Any, provider: str) -> bool:
    return isinstance(spec, ProviderSpec) and spec.name == provider


def unpack(kit: Kit) -> None:
    """Make this process one that can call the kit's provider. Raises InvalidInput for one of another version."""
    if kit.version != __version__:
        what = f"this node has imagegen-kit {__version__}, the session {kit.version}."
        raise InvalidInput([Fault("version", what, "Install the same version on all nodes.")])
    if os.path.isdir(kit.folder) and os.getcwd() != kit.folder:
        os.chdir(kit.folder)
    adopt(kit.provider, kit.around)
    registry = get_registry()
    specs: dict[tuple[str, str], Any] = {}
    if kit.specs is not None:
        from ray import cloudpickle

        specs = cloudpickle.loads(kit.specs)
    registry.put(specs, drop=[k for k, s in registry.session_specs().items() if _is_of(s, kit.provider)])

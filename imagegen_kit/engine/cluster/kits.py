"""What a worker has to know before it can call a provider as this session would: settings, keys, registered code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.errors import Fault, InvalidInput, ProviderError
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.providers.accounts import accounts_of
from imagegen_kit.registry import get_registry
from imagegen_kit.registry.session import LocalFunctions
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
    left_out: Mapping[str, str] = field(default_factory=dict)  # functions of it that cannot travel: name → why


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
        kit = Kit(spec.name, __version__, self._salt, os.getcwd(), around, *_registered(spec.name))
        self._packed[spec.name] = (spec, accounts, now, kit)
        return kit


HINT = "Let it hold nothing that lives in this process alone: locks, open files, connections."


def refuse_left_out(kit: Kit, model: str) -> None:
    """Raise ProviderError where ``model`` is a function of this session that cannot be sent to other processes."""
    if (why := kit.left_out.get(model.rpartition("/")[2])) is not None:
        words = f"{model} is registered in this session and cannot be sent to other processes: {why}. {HINT}"
        raise ProviderError(words, retryable=False, paid=False, provider=kit.provider, model=model)


def _registered(provider: str) -> tuple[bytes | None, dict[str, str]]:
    """Return what this session has registered for a provider, with the code of its cells, and what is left out."""
    found = {k: s for k, s in get_registry().session_specs().items() if _is_of(s, provider)}
    if not found:
        return None, {}
    from ray import cloudpickle

    left_out: dict[str, str] = {}
    for key, spec in found.items():
        if isinstance(spec, ProviderSpec) and isinstance(spec.target, LocalFunctions):
            sound = {}
            for name, function in spec.target.functions.items():
                try:
                    cloudpickle.dumps(function)
                except Exception as error:
                    left_out[name] = str(error)
                else:
                    sound[name] = function
            found[key] = replace(spec, target=LocalFunctions(sound))
    try:
        packed: bytes = cloudpickle.dumps(found)
    except Exception as error:
        words = f"{provider} is registered in this session and cannot be sent to other processes: {error}"
        raise ProviderError(f"{words}. {HINT}", retryable=False, paid=False, provider=provider) from error
    return packed, left_out


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

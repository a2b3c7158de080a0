"""For tests, notebooks and authors of plugins: simulated services, and the contracts that a plugin has to pass.

The names below are resolved at first use; the simulators need ``pip install 'imagegen-kit[serve]'``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_NAMES = {
    "simulated_clouds": "clouds",
    "on_day": "clocks",
    "EmbedderContract": "contracts",
    "ProviderContract": "contracts",
    "RetrieverContract": "contracts",
    "ScorerContract": "contracts",
    "StyleContract": "contracts",
    "tiny_clip": "models",
    "tiny_siglip": "models",
}
_MODULES = ("simulators", "contracts")

if TYPE_CHECKING:
    from imagegen_kit.testing import contracts, simulators
    from imagegen_kit.testing.clocks import on_day
    from imagegen_kit.testing.clouds import simulated_clouds
    from imagegen_kit.testing.contracts import (
        EmbedderContract,
        ProviderContract,
        RetrieverContract,
        ScorerContract,
        StyleContract,
    )
    from imagegen_kit.testing.models import tiny_clip, tiny_siglip

__all__ = [
    "EmbedderContract",
    "ProviderContract",
    "RetrieverContract",
    "ScorerContract",
    "StyleContract",
    "contracts",
    "on_day",
    "simulated_clouds",
    "simulators",
    "tiny_clip",
    "tiny_siglip",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _NAMES:
        value = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""The one registry of this process."""

from __future__ import annotations

import threading

from imagegen_kit.catalog import load_models
from imagegen_kit.errors import PluginError
from imagegen_kit.registry.index import Registry


class _Process:
    lock = threading.RLock()
    registry: Registry | None = None
    building = False


def get_registry() -> Registry:
    """Return the registry of this process, built at the first call; safe from any thread.

    Raises InvalidInput where the user's own catalogue is faulty.
    """
    registry = _Process.registry
    if registry is not None:
        return registry
    with _Process.lock:
        if _Process.registry is None:
            if _Process.building:  # the lock lets only this thread come here: a plugin that is being imported
                raise PluginError(
                    "a plugin asked for the registry while it was being loaded; let its hooks return specs."
                )
            _Process.building = True
            try:
                registry = Registry()
                load_models("")  # the user's own catalogue: inside a hook its faults would only hide every model
                _Process.registry = registry
            finally:
                _Process.building = False
        return _Process.registry


def reset_registry() -> None:
    """Forget the registry, and what this session registered; the next call finds plugins anew (after a pip install)."""
    with _Process.lock:
        _Process.registry = None

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
    revision = -1  # of the settings, when what they name was last compared
    named: tuple[object, ...] = ()  # the user's files that the registry was built with


def get_registry() -> Registry:
    """Return the registry of this process, built at the first call; safe from any thread.

    After a ``configure`` that names another catalogue (or other job APIs) plugins are asked again what they offer; what
    this session registered stays. Raises InvalidInput where the user's own catalogue is faulty.
    """
    registry = _Process.registry
    if registry is not None:  # asked for with each request
        from imagegen_kit.settings import revision

        if _Process.revision == revision():
            return registry
    with _Process.lock:
        if _Process.building:  # the lock lets only this thread come here: a plugin that is being imported
            raise PluginError("a plugin asked for the registry while it was being loaded; let its hooks return specs.")
        _Process.building = True
        try:
            return _up_to_date()
        finally:
            _Process.building = False


def _up_to_date() -> Registry:
    built = _Process.registry is None
    registry = _Process.registry or Registry()
    from imagegen_kit.settings import revision, settings  # here, so that a pydantic that fails is a plugin's fault

    now, current = revision(), settings()
    named = (current.catalogue, current.job_apis)
    if built or named != _Process.named:
        load_models("")  # the user's own catalogue: inside a hook its faults would only hide every model
        if not built:
            registry.reload()
    _Process.registry, _Process.named, _Process.revision = registry, named, now
    return registry


def reset_registry() -> None:
    """Forget the registry, and what this session registered; the next call finds plugins anew (after a pip install)."""
    with _Process.lock:
        _Process.registry = None

"""Finds plugins, isolates their failures, and hands out what they offer, loaded at first use.

``IMAGEGEN_LOAD_PLUGINS`` lists the only distributions whose plugins may load (empty: none), ``IMAGEGEN_BLOCK_PLUGINS``
those that are not even imported, and ``IMAGEGEN_STRICT_PLUGINS=1`` turns a broken plugin into an error. The built-in
plugins always load. An import that never ends cannot be interrupted safely from inside Python: it is bounded by
blocking the plugin; one that is merely slow is reported as such and works.
"""

from imagegen_kit.registry.current import get_registry, reset_registry
from imagegen_kit.registry.index import Registry
from imagegen_kit.registry.loading import BUILTINS
from imagegen_kit.registry.records import PluginRecord, ResolvedModel
from imagegen_kit.registry.session import register

__all__ = ["BUILTINS", "PluginRecord", "Registry", "ResolvedModel", "get_registry", "register", "reset_registry"]

"""The service: recipes over HTTP, one picture at a time, with the money and the journal of this session's store.

``create_app`` returns the ASGI application, ``serve`` runs it until it is stopped. Both need the extra ``serve``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_kit.serve.application import create_app
    from imagegen_kit.serve.start import serve

__all__ = ["create_app", "serve"]

_HOMES = {"create_app": "application", "serve": "start"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

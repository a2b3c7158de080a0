"""For plugin authors: the specs, the hook marker and the provider contract, in one place.

``open_picture(reference.picture).bytes`` are the bytes of a picture that a request brings. It reads a file, so call it
in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.hookspecs import ProviderSpec, RetrieverSpec, ScorerSpec, hookimpl
from imagegen_kit.lazy import upward
from imagegen_kit.providers.base import Account, OnProgress, Provider
from imagegen_kit.types import (
    Accepted,
    Adaptation,
    ImageRequest,
    Progress,
    Reply,
    Size,
    Style,
    TextRequest,
    VideoRequest,
)

if TYPE_CHECKING:
    from imagegen_kit.imaging.picture import open_picture

__all__ = [
    "Accepted",
    "Account",
    "Adaptation",
    "Capabilities",
    "ImageRequest",
    "ModelSpec",
    "OnProgress",
    "Price",
    "Progress",
    "Provider",
    "ProviderSpec",
    "Reply",
    "RetrieverSpec",
    "ScorerSpec",
    "Size",
    "Style",
    "TextRequest",
    "VideoRequest",
    "hookimpl",
    "open_picture",
]


def __getattr__(name: str) -> Any:
    if name != "open_picture":  # the only one that loads Pillow, which a hook must not
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return upward(name)

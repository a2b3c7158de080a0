"""For plugin authors: the specs, the hook marker and the provider contract, in one place."""

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.hookspecs import ProviderSpec, RetrieverSpec, ScorerSpec, hookimpl
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
]

"""The one vocabulary of requests and results that every part of the toolkit shares.

All values are frozen. Prices are in USD, times in seconds, sizes in pixels as (width, height); ``None`` means unknown,
never zero. Inputs are checked before these are built (``capabilities.fit``, ``prompts``, ``engine.job``).
"""

from imagegen_kit.types.artifacts import Artifact, Reference
from imagegen_kit.types.common import EMPTY, ROLES, Kind, Status
from imagegen_kit.types.prompts import Prompt, Style
from imagegen_kit.types.requests import ImageRequest, Request, TextRequest, VideoRequest, request_from_plain
from imagegen_kit.types.results import (
    FOLDED,
    SIMULATED,
    Accepted,
    Adaptation,
    Attempt,
    Check,
    Completed,
    Cost,
    Finished,
    Progress,
    Reply,
    Result,
    Unsupported,
    Usage,
    Waiting,
)
from imagegen_kit.types.sizes import MAX_SIDE, RESOLUTIONS, Size, ratio_value

__all__ = [
    "EMPTY",
    "FOLDED",
    "MAX_SIDE",
    "RESOLUTIONS",
    "ROLES",
    "SIMULATED",
    "Accepted",
    "Adaptation",
    "Artifact",
    "Attempt",
    "Check",
    "Completed",
    "Cost",
    "Finished",
    "ImageRequest",
    "Kind",
    "Progress",
    "Prompt",
    "Reference",
    "Reply",
    "Request",
    "Result",
    "Size",
    "Status",
    "Style",
    "TextRequest",
    "Unsupported",
    "Usage",
    "VideoRequest",
    "Waiting",
    "ratio_value",
    "request_from_plain",
]

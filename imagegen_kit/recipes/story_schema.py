"""The keys of a story's file and their types; what needs more than types is checked by ``story_file``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

if TYPE_CHECKING:
    from pydantic import BaseModel

REFERENCES: Final = ("reference_images", "reference_library")
MOST_TRIES: Final = 5  # of one keyframe


@cache
def story_schema() -> type[BaseModel]:
    """Return the model of a whole story, without keys of services, which ``story_variables`` takes out."""
    from pydantic import ConfigDict, Field, create_model

    config = ConfigDict(extra="forbid", strict=True)
    words = Annotated[str, Field(min_length=1, pattern=r"\S")]
    length = Annotated[float, Field(gt=0, le=600)] | None
    template = create_model("Template", __config__=config, text=(words, ...), optional=(tuple[str, ...], ()))
    either: Any = words | template
    settings: dict[str, Any] = {
        "mode": (str | None, None),
        "image_model": (words | None, None),
        "sequential_generation": (bool, False),
        "maintain_consistency": (bool, True),
        "prompt_templates": (dict[str, either], {}),
        "consistency_threshold": (Annotated[float, Field(ge=0, le=1)] | None, None),
        "coherence_threshold": (Annotated[float, Field(ge=0, le=1)] | None, None),
        "max_tries": (Annotated[int, Field(ge=1, le=MOST_TRIES)], 2),
        "fall_back_to_text": (bool, False),
        "size": (Any, None),
        "style": (words | None, None),
        **dict.fromkeys(REFERENCES, (Any, None)),
    }
    segment: dict[str, Any] = {
        "name": (words | None, None),
        "prompt": (words | None, None),
        "template": (words | None, None),
        "fields": (dict[str, Any], {}),
        "references": (tuple[words, ...], ()),
        "input_image": (words | None, None),
        "chain": (words | bool | None, None),
        "camera": (words | None, None),
        "seconds": (length, None),
    }
    segments: Any = tuple[create_model("Segment", __config__=config, **segment), ...]  # type: ignore[misc]
    story: dict[str, Any] = {
        "name": (words, "story"),
        "pipeline_mode": (Literal["keyframe", "keyframes"], "keyframes"),
        "default_backend": (words | None, None),
        "gemini_model": (words | None, None),
        "keyframes": (Literal["single", "paired"] | None, None),
        "film_size": (Any, None),
        "seconds": (length, None),
        "seed": (Annotated[int, Field(ge=0, le=2**31 - 1)] | None, None),
        "keyframe_settings": (create_model("Settings", __config__=config, **settings), {}),
        "segments": (Annotated[segments, Field(min_length=1)], ...),
    }
    return create_model("StoryFile", __config__=config, **story)

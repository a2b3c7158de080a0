"""Variations: other pictures of the same character or setting, each an item of its own under ``main/variation``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imagegen_kit.imaging.encode import SUFFIXES


def told_apart(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is given without the variations that are pictures, and those by name.

    ``variations=`` holds ids of items, or pictures: a mapping of names to pictures, or a list of paths.
    """
    plain, shown = dict(given), {}
    value = plain.get("variations")
    if isinstance(value, Mapping):
        shown = {str(name): picture for name, picture in plain.pop("variations").items()}
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        ids = []
        for one in value:
            if isinstance(one, Path) or (isinstance(one, str) and is_picture_path(one)):
                shown[Path(one).stem] = one
            else:
                ids.append(one)
        plain["variations"] = ids
    return plain, shown


def is_picture_path(text: str) -> bool:
    """Whether a text is the path of a picture rather than an id, by its ending."""
    return os.path.splitext(text)[1].lower() in SUFFIXES


def variation_name(main: str, name: str) -> str:
    """Return ``smiling`` for ``ann_smiling`` of ``ann``; other names as they are."""
    rest = name[len(main) :] if name.lower().startswith(main.lower()) else name
    return rest.lstrip(" _-.") or name


def variation_about(main: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what is said of a variation: role, texts and licence of the main picture, its own name and id."""
    kept = {k: v for k, v in main.items() if k not in ("id", "name", "variations", "meta")}
    return {**kept, "id": f"{main['id']}/{name}", "name": f"{main.get('name') or main['id']} {name}"}

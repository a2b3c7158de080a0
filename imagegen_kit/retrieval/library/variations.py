"""Variations: other pictures of the same character or setting, each an item of its own under ``main/variation``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from imagegen_kit.errors import Fault
from imagegen_kit.imaging.encode import SUFFIXES
from imagegen_kit.retrieval.library.candidate import Candidate, in_memory
from imagegen_kit.retrieval.library.local import local


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
                shown[Path(local(one)).stem] = one
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


def with_variations(found: list[Candidate], shown: Mapping[str, Any], faults: list[Fault]) -> list[Candidate]:
    """Add the pictures that ``variations=`` names, each under the id ``main/variation``."""
    if len(found) != 1:
        faults.append(Fault("variations", f"belong to one picture; these are {len(found)}.", "Add them one by one."))
        return found
    main = found[0]
    stem = main.picture.stem if isinstance(main.picture, Path) else "picture"
    about = {"id": main.about.get("name") or stem, **main.about}
    more = []
    for name, picture in shown.items():
        own = variation_about(about, variation_name(about["id"], name))
        one = picture if isinstance(picture, (str, Path)) else None
        where = f"variations.{name}"
        if one is None:
            more.append(in_memory(picture, where, own))
        else:
            more.append(Candidate(f"{where} {one}", Path(os.path.expanduser(local(one))).absolute(), own))
    about["variations"] = tuple(dict.fromkeys([*about.get("variations", ()), *(c.about["id"] for c in more)]))
    return [replace(main, about=about), *more]

"""The shipped prompt styles: one YAML file each in ``catalog/styles``, offered through the same hook as anyone's."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from imagegen_kit.catalog import files, load_yaml, validate
from imagegen_kit.hookspecs import hookimpl
from imagegen_kit.types import Style

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = files.PACKAGE / "catalog" / "styles"


@hookimpl
def imagegen_styles() -> list[Style]:
    """Return the shipped styles, sorted by name."""
    return list(_shipped())


@cache
def _shipped() -> tuple[Style, ...]:
    styles = (read_style(path, where=path.name) for path in FOLDER.glob("*.yaml"))
    return tuple(sorted(styles, key=lambda style: style.name))


def read_style(path: Path | str, *, where: str | None = None) -> Style:
    """Return the style that a YAML file describes, in the form of the shipped ones.

    Raises InvalidInput with file and line for every unknown key, wrong type or missing name.
    """
    given = validate(load_yaml(Path(path), where=where), _schema()).model_dump(exclude_unset=True)
    return Style(given.pop("name"), **given)


@cache
def _schema() -> type[BaseModel]:
    from pydantic import ConfigDict, Field, create_model

    phrases = dict[str, Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]]
    parts: dict[str, Any] = {
        "name": (str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
        "title": (str, ""),
        "text": (str, ""),
        "suffix": (str, ""),
        "negative": (str, ""),
        "name_aspect": (bool, False),
        "axes": (phrases, {}),
        "checks": (dict[str, Any], {}),  # `checks` reads the limits
    }
    return create_model("Style", __config__=ConfigDict(extra="forbid", strict=True), **parts)

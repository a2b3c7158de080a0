"""What a page is made of: sections of words, tables, drawings, code and pictures. Plain data; the template draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph. ``tone`` "claim" stands out, "warning" is marked, "small" is small print."""

    text: str
    tone: str = ""
    kind: ClassVar[str] = "words"


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    lines: list[str]
    kind: ClassVar[str] = "items"


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows begin with their name. ``numbers`` are the places of columns that are set flush right.

    ``groups`` has, by the number of a row, the words that stand above it and the rows that follow.
    """

    caption: str
    head: list[str]
    rows: list[list[str]]
    numbers: frozenset[int] = frozenset()
    notes: list[str] = field(default_factory=list)
    groups: dict[int, str] = field(default_factory=dict)
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plot: its SVG, which is safe to be put into the page, and the words for those who do not see it."""

    title: str
    svg: str
    alt: str
    notes: list[str]
    data: Table | None = None
    kind: ClassVar[str] = "drawing"


@dataclass(frozen=True, slots=True)
class Code:
    """Text to copy."""

    about: str
    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of the grid, or the words where none came. ``source`` is a data address, None without a picture.

    ``number`` leads to its recipe; ``mark`` names what it is where it is not what was asked for.
    """

    number: int
    source: str | None
    alt: str
    width: int
    height: int
    mark: str
    caption: str
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the grid: the words in its head, and its pictures by column."""

    label: str
    cells: list[list[Shot]]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures as a grid, or, without ``heads``, as a contact sheet."""

    caption: str
    corner: str
    heads: list[str]
    lines: list[Line]
    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that is known of how one picture was asked for: pairs of a name and a value, and what was sent (JSON)."""

    number: int
    title: str
    facts: list[tuple[str, str]]
    sent: str


@dataclass(frozen=True, slots=True)
class Recipes:
    """The recipes of the pictures that are shown."""

    items: list[Recipe]
    kind: ClassVar[str] = "recipes"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page under a heading of its own; ``id`` is what a link to it says."""

    id: str
    title: str
    blocks: list[Any]

"""What a prompt asks for, as plain values: subjects, how they stand to each other, place, light, layout and styles."""

from __future__ import annotations

from dataclasses import dataclass

from imagegen_kit.retrieval.text import stem


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to show ``count`` times.

    ``words`` is the library query and ``head`` the word that must be seen. ``colour`` and ``feeling`` are words of the
    lexicon or None. ``side`` is "left" or "right" where the prompt fixes it, else None; ``scale`` multiplies the size.
    """

    words: str
    head: str
    count: int = 1
    colour: str | None = None
    feeling: str | None = None
    side: str | None = None
    scale: float = 1.0

    @property
    def plural(self) -> bool:
        """Whether the prompt speaks of several without saying how many ("balloons")."""
        return self.count == 1 and self.head.endswith("s") and stem(self.head) != self.head


@dataclass(frozen=True, slots=True)
class Relation:
    """Subject ``a`` is ``kind`` (on, under, left, mouth, hold, ride …) with respect to subject ``b``, by position."""

    a: int
    kind: str
    b: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A read prompt. ``text`` is to be rendered as lettering; ``brief`` is what of the
    prompt decides the arrangement: the subjects, or where there are none the words that are no style.

    ``layout`` is single, portrait, split, grid or pattern, with ``grid`` as (rows, columns). ``place`` and ``light``
    name a backdrop and None leaves the choice to the subjects; ``places`` are all that are named, of which the cells of
    a grid take one after the other, and ``side_places`` those of the two halves.
    """

    subjects: tuple[Subject, ...] = ()
    relations: tuple[Relation, ...] = ()
    place: str | None = None
    places: tuple[str, ...] = ()
    side_places: tuple[str | None, str | None] = (None, None)
    light: str | None = None
    weather: str | None = None
    layout: str = "single"
    grid: tuple[int, int] = (1, 1)
    styles: frozenset[str] = frozenset()
    text: str | None = None
    brief: str = ""

    def relations_bind(self) -> bool:
        """Whether the subjects belong together (one rides, holds, stands behind … another), not merely side by side."""
        return any(r.kind != "beside" for r in self.relations)

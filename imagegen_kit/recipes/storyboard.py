"""A story as it is to be made: its shots in order, what each of them sends, and which of them form a chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from imagegen_kit.prompts.words import follow, named
from imagegen_kit.types import Reference

EDIT: Final = "image-to-image"
TEXT: Final = "text-to-image"
STYLE: Final = "consistent-keyframe"
ANOTHER: Final = 1000  # samples between two tries, so that a second try is never the picture of another repeat
BEFORE: Final = "previous keyframe"


@dataclass(frozen=True, slots=True)
class Shot:
    """One keyframe to be made, and the clip that begins with it.

    ``number`` counts from 1. ``chain`` names those that follow each other; None stands alone. ``camera`` is what the
    camera does in the clip, ``seconds`` how long that is (None: as the model does it).
    """

    number: int
    name: str
    prompt: str
    references: tuple[Reference, ...] = ()
    chain: str | None = None
    camera: str | None = None
    seconds: float | None = None

    def sent(self, before: Any) -> list[Reference]:
        """Return the references that go with it, the keyframe ``before`` (None: there is none) as the last.

        Beside others the keyframe before lends light and palette; alone it is the picture that is edited.
        """
        if before is None:
            return list(self.references)
        role = "style" if self.references else "content"
        return [*self.references, Reference(before, role=role, name=BEFORE)]

    @property
    def characters(self) -> dict[str, list[Any]]:
        """The pictures of its characters by their names; variations of one are pictures of that one."""
        found: dict[str, list[Any]] = {}
        for one in self.references:
            if one.role == "character":
                found.setdefault(str(one.origin or one.name).partition("/")[0], []).append(one.picture)
        return found

    @property
    def described(self) -> str:
        """The prompt with all that is known of its references in words, for where no picture is sent."""
        told = [(r.name, r.description) for r in self.references if r.description]
        return self.prompt + follow(self.prompt, named(told, "as described")) if told else self.prompt

    def clip(self, after: Shot | None = None) -> str:
        """Return what happens in the clip from here, in a paired one on the way to the shot ``after``."""
        words = self.prompt if after is None else f"{self.prompt.rstrip(' .')}; then {after.prompt}"
        return words + follow(words, f"the camera: {self.camera}") if self.camera else words


@dataclass(frozen=True, slots=True)
class Storyboard:
    """A checked story. ``model`` makes its keyframes (None: the one in force), ``film_model`` its clips (None: none).

    ``kind`` is single or paired (None: what the model declares); ``mode`` is what the keyframes are made by, None being
    an edit where there is something to edit. ``threshold`` is the lowest presence of its characters, ``coherence`` the
    lowest likeness of light and palette, both from 0 to 1, with which a keyframe is taken at once; None is no limit.
    ``tries`` is how often one is asked for at most. With ``falls_back`` a failed edit is made from words alone, marked.
    """

    shots: tuple[Shot, ...]
    name: str = "story"
    model: str | None = None
    film_model: str | None = None
    kind: str | None = None
    mode: str | None = None
    consistent: bool = True
    threshold: float | None = None
    coherence: float | None = None
    tries: int = 2
    falls_back: bool = False
    size: Any = None
    film_size: Any = None
    seed: int | None = None
    style: str | None = field(default=STYLE)

    @property
    def judged(self) -> bool:
        """Whether a keyframe below a limit is asked for again."""
        return self.tries > 1 and (self.threshold is not None or self.coherence is not None)

    @property
    def chains(self) -> list[tuple[Shot, ...]]:
        """The shots that follow each other, in order; what stands alone is a chain of one."""
        found: dict[Any, list[Shot]] = {}
        for shot in self.shots:
            found.setdefault(shot.number if shot.chain is None else shot.chain, []).append(shot)
        return [tuple(chain) for chain in found.values()]

    @property
    def sets(self) -> list[list[int]]:
        """The numbers of the keyframes that are compared with each other: each chain, and all that stand alone."""
        found: dict[str | None, list[int]] = {}
        for shot in self.shots:
            found.setdefault(shot.chain, []).append(shot.number)
        return list(found.values())

    def most(self, chain: tuple[Shot, ...]) -> int:
        """Return how many answers a chain may ask for: each try of each keyframe, and its fallback."""
        return len(chain) * (self.tries if self.judged else 1) * (2 if self.falls_back else 1)

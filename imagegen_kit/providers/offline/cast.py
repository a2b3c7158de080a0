"""Chooses a picture for each subject of a scene: from the request's references, from the library, or a painted sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from imagegen_kit.providers.offline.inputs import Given
from imagegen_kit.providers.offline.lexicon import Colour, colour, first_by_tag, lexicon, words
from imagegen_kit.providers.offline.library import Entry, Library
from imagegen_kit.providers.offline.scene import Scene, Subject
from imagegen_kit.providers.offline.signs import printed, sign
from imagegen_kit.providers.offline.tint import tint
from imagegen_kit.retrieval.text import stem, tokenize

if TYPE_CHECKING:
    import numpy as np

CLOTHES: tuple[Colour, ...] = (
    (62, 104, 168),
    (176, 66, 72),
    (66, 134, 104),
    (226, 160, 62),
    (112, 84, 150),
    (70, 78, 92),
)


@dataclass(slots=True)
class Item:
    """One thing on the picture. ``x`` (middle), ``y`` (lower edge, upwards), ``w`` and ``h`` are in scene units."""

    picture: Image.Image
    subject: int
    tags: tuple[str, ...] = ()
    feeling: str | None = None
    mirrored: bool = False
    afloat: bool = False
    grounded: bool = True
    from_reference: bool = False
    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0
    w: float = field(default=0.0)
    h: float = field(default=0.0)
    z: int = 0

    def resize(self, scale: float) -> None:
        """Give the item the size ``scale``: the square root of the area that it covers."""
        aspect = self.picture.width / self.picture.height
        self.scale, self.w, self.h = scale, scale * aspect**0.5, scale / aspect**0.5

    def is_a(self, section: str) -> bool:
        """Whether one of the item's tags is in a section of the lexicon."""
        return bool(words(section) & set(self.tags))


def cast(
    scene: Scene,
    library: Library,
    references: Sequence[Given],
    excluded: frozenset[int],
    rng: np.random.Generator,
    turn: int,
) -> list[list[Item]]:
    """Return the items of each subject of ``scene``, in order; a subject without a picture has none.

    ``turn`` counts through the pictures that fit equally well, so that repeats differ. References that match no subject
    come as additional ones at the end.
    """
    face = scene.layout in ("portrait", "split")
    actors = [r for r in references if r.role in ("content", "character")]
    played = _assign(scene, actors, library)
    result: list[list[Item]] = []
    used: set[str] = set()
    for number, subject in enumerate(scene.subjects):
        if number in played:
            copies = [_from_reference(played[number], number, subject, rng) for _ in range(subject.count)]
        elif stem(subject.head) in words("signs") and (scene.text or subject.head != "poster"):
            held = any(r.b == number and r.kind in ("hold", "mouth") for r in scene.relations)
            copies = [_plain(sign(scene.text or "…", rng, post=not held), number, ("sign",), 0.6 if held else 0.95)]
        else:
            copies = _from_library(subject, number, library, excluded, face, rng, turn, used)
        result.append(copies)
    for spare in [a for a in actors if a not in played.values()]:
        result.append([_from_reference(spare, len(result), None, rng)])
    if scene.text and not any(i.tags == ("sign",) for items in result for i in items):
        _letter(scene.text, result, rng)
    return result


def _assign(scene: Scene, actors: Sequence[Given], library: Library) -> dict[int, Given]:
    """Let references play subjects: by their words first, then the main subjects in order."""
    played: dict[int, Given] = {}
    free = list(actors)
    for number, subject in enumerate(scene.subjects):
        match = next((a for a in free if _is_about(a, subject)), None)
        if match:
            played[number] = match
            free.remove(match)
    # a second cup is another cup, and does not play the cat
    others = [a for a in free if not any(_is_about(a, subject) for subject in scene.subjects)]
    side_parts = {
        r.b for r in scene.relations if r.kind in ("hold", "mouth", "wear", "on", "ride", "inside", "before", "under")
    }
    for number, _ in enumerate(scene.subjects):
        if others and number not in played and number not in side_parts:
            played[number] = others.pop(0)
    return played


def _is_about(actor: Given, subject: Subject) -> bool:
    return stem(subject.head) in actor.words or bool(actor.words & set(tokenize(subject.words)))


def _from_reference(reference: Given, number: int, subject: Subject | None, rng: np.random.Generator) -> Item:
    picture = reference.picture
    if not reference.cut:
        picture = picture.copy()
        picture.thumbnail((768, 768))
        mask = Image.new("L", picture.size)
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, picture.width - 1, picture.height - 1), min(picture.size) // 9, fill=255
        )
        picture.putalpha(mask)
    item = Item(picture, number, tuple(reference.words) or ("person",), from_reference=True)
    item.feeling = subject.feeling if subject else None
    item.resize(1.3 * (subject.scale if subject else 1.0))
    item.mirrored = reference.cut and bool(rng.random() < 0.3)
    return item


def _plain(picture: Image.Image, number: int, tags: tuple[str, ...], scale: float) -> Item:
    item = Item(picture, number, tags)
    item.resize(scale)
    return item


def _from_library(
    subject: Subject, number: int, library: Library, excluded: frozenset[int], face: bool, rng: np.random.Generator,
    turn: int, used: set[str],
) -> list[Item]:  # fmt: skip
    entries = library.find(subject, face=face, without=excluded)
    if not entries:
        return []
    fresh = [e for e in entries if e.id not in used] or entries
    start = turn + int(rng.integers(len(fresh)) if turn < 0 else 0)
    people = bool(words("people") & set(fresh[0].tags))
    count = 1 if fresh[0].several and subject.count >= 4 else subject.count
    if subject.plural and not fresh[0].several and subject.head not in fresh[0].caption:  # "sunglasses" are one thing
        count = 3
    items = []
    for copy in range(count):
        entry = fresh[(start + (copy if people else 0)) % len(fresh)]
        used.add(entry.id)
        items.append(_item(entry, subject, number, library, rng, people))
    return items


def _item(
    entry: Entry, subject: Subject, number: int, library: Library, rng: np.random.Generator, person: bool
) -> Item:
    picture = library.picture(entry)
    wanted = subject.colour
    if (
        wanted
        and not person
        and wanted not in entry.dominant
        and not (wanted in entry.tags and len(entry.dominant) > 1)
    ):
        picture = tint(picture, colour(wanted), wanted)
    if entry.tags[0] == "face":
        picture = bust(picture, CLOTHES[int(rng.integers(len(CLOTHES)))])
    item = Item(picture, number, entry.tags, feeling=subject.feeling)
    item.afloat = entry.tags[0] in words("floating") or "fly" in entry.tags
    item.mirrored = bool(rng.random() < 0.5) and not item.is_a("lettered")
    size = first_by_tag("scale", entry.tags, 0.7) * subject.scale
    item.resize(size**0.8)  # compressed, so that a cup beside a bus is still a cup
    return item


def bust(face: Image.Image, clothes: Colour) -> Image.Image:
    """Return ``face`` on shoulders, so that a head alone does not float on a portrait."""
    wide, high = round(face.width * 1.5), round(face.height * 1.34)
    picture = Image.new("RGBA", (wide * 2, high * 2))
    draw = ImageDraw.Draw(picture)
    line, middle = max(4, wide // 36), wide
    neck = face.width * 0.3
    top = face.height * 2 * 0.9
    draw.rounded_rectangle(
        (line, top, wide * 2 - line, high * 4),
        wide * 0.62,
        fill=(*clothes, 255),
        outline=(30, 28, 34, 255),
        width=line * 2,
    )
    draw.ellipse((middle - neck * 1.5, top - neck, middle + neck * 1.5, top + neck), fill=(246, 244, 238, 255))
    picture = picture.reduce(2)
    picture.alpha_composite(face, ((wide - face.width) // 2, 0))
    return picture


def _letter(text: str, result: list[list[Item]], rng: np.random.Generator) -> None:
    """Put lettering that the prompt gives to no sign on a thing that carries words, else on a sign of its own."""
    for items in result:
        if items and set(lexicon()["surfaces"]) & set(items[0].tags):
            shown = replace(items[0], picture=printed(items[0].picture, text), mirrored=False)
            items[0] = shown
            return
    result.append([_plain(sign(text, rng), len(result), ("sign",), 1.0)])

"""The clip art that ships with the toolkit: found by words, loaded when first drawn, kept within a bound of bytes."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image

from imagegen_kit.catalog import find_data
from imagegen_kit.providers.offline.lexicon import lexicon, words
from imagegen_kit.providers.offline.scene import Subject
from imagegen_kit.retrieval.text import STOP_WORDS, TextIndex, shipped_synonyms, stem, tokenize

CACHE_BYTES = 64 * 2**20
MANY = frozenset(("pair", "family", "group", "bunch", "people", "team", "couple", "two", "three"))
CROWD = frozenset(("group", "meeting", "person"))
_HAIR = re.compile(r"\b(\w+)[ -]hair(?:ed)?\b")
_PLURALS = ("two ", "three ", "a group", "a pair", "green, red and orange")


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of the library. ``tags`` are stems, the first one saying what it is; ``names`` stems of its name."""

    row: int
    id: str
    path: Path
    role: str
    tags: tuple[str, ...]
    names: frozenset[str]
    caption: str
    dominant: tuple[str, ...]

    @property
    def several(self) -> bool:
        """Whether the picture shows more than one thing, so that it must not be counted as one."""
        return bool(MANY & set(self.tags)) or self.caption.startswith(_PLURALS)


class Library:
    """A folder with ``library.jsonl`` and the pictures that it names."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "library.jsonl").read_text(encoding="utf-8").splitlines()
        plain: list[dict[str, Any]] = [json.loads(line) for line in lines if line.strip()]
        self.entries = tuple(_entry(row, item, folder) for row, item in enumerate(plain))
        self.by_id: Mapping[str, Entry] = MappingProxyType({entry.id: entry for entry in self.entries})
        self.index = TextIndex([{k: item.get(k) or "" for k in ("name", "tags", "caption")} for item in plain])
        self._firsts = {word for e in self.entries for word in (e.tags[0], *e.names)} - set(STOP_WORDS)
        self._subjects = {e.tags[0] for e in self.entries}
        self._kept: OrderedDict[str, Image.Image] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def known(self, word: str) -> bool:
        """Whether a name or a first tag is this word or one of its synonyms."""
        base = stem(word)
        return base in self._firsts or any(s in self._firsts for s in shipped_synonyms().get(base, ()))

    def excluded(self, negative: str | None) -> frozenset[int]:
        """Return the rows whose name or tags hold a word of the negative prompt that names a thing."""
        if not negative:
            return frozenset()
        plain = {w for w in tokenize(negative) if w not in STOP_WORDS and w not in lexicon()["colours"]}
        unwanted = plain - {stem(str(w)) for w in (*lexicon()["ignored"], *lexicon()["modifiers"])}
        for word in tuple(unwanted):
            unwanted.update(shipped_synonyms().get(word, ()))
        return frozenset(e.row for e in self.entries if unwanted & {*e.tags, *e.names})

    def find(self, subject: Subject, *, face: bool = False, without: Collection[int] = ()) -> list[Entry]:
        """Return the pictures that show ``subject`` about equally well, best first; empty when nothing is near.

        ``face`` prefers heads and busts, as portraits and calls need them.
        """
        base = stem(subject.head)
        query = subject.words
        heads = {base, *shipped_synonyms().get(base, ())}
        pair = _stand_ins().get(" ".join(tokenize(query)[-2:]))  # "palm tree"
        other = pair or _stand_ins().get(base)
        if base == "person" and subject.count < 4:
            heads = {"man", "woman"}
            query = f"{query} man woman"
        elif other and (pair or base not in self._firsts):
            query, heads, base = f"{query} {other}", set(tokenize(other)), tokenize(other)[0]
        scored: list[tuple[float, Entry]] = []
        for row, score in self.index.search(f"{query} {subject.colour or ''}", 60, exclude=without):
            entry = self.entries[row]
            fit = self._fit(entry, base, heads, subject, face, "character" in query)
            if fit > 0:
                scored.append((score + fit, entry))
        scored.sort(key=lambda pair: (-pair[0], pair[1].row))
        crowd = [entry for _, entry in scored if entry.several and CROWD & set(entry.tags)]
        if subject.count >= 4 and crowd:
            return crowd
        if heads & set(lexicon()["people"]):  # "a man with a beard": only those who have one, where there are such
            traits, haired = set(tokenize(subject.words)) - heads, _HAIR.search(subject.words)
            if haired is not None:  # red hair is no red dress
                scored = [(s, e) for s, e in scored if _has_hair(e, haired[1])] or scored
                traits -= set(tokenize(haired[0]))
            most = max((len(traits & {*e.tags, *e.names}) for _, e in scored), default=0)
            scored = [(score, e) for score, e in scored if len(traits & {*e.tags, *e.names}) == most]
        reach = (9.0 if face else 5.0) if heads & set(lexicon()["people"]) else 2.4
        return [entry for score, entry in scored if score >= scored[0][0] - reach][:6]

    def _fit(self, entry: Entry, base: str, heads: set[str], subject: Subject, face: bool, character: bool) -> float:
        """Return how surely the picture shows the head word: 0 is not at all."""
        if entry.tags[0] == "smiley" and not heads & {"smiley", "emoji", "face", "emoticon"}:
            return 0.0
        if base == entry.tags[0]:
            fit = 14.0
        elif entry.tags[0] in heads:
            fit = 12.0
        elif heads & entry.names:
            fit = 9.0
        elif heads & set(entry.tags):
            fit = 6.0
        else:
            return 0.0
        return max(0.1, fit + self._preference(entry, base, heads, subject, face, character))

    def _preference(
        self, entry: Entry, base: str, heads: set[str], subject: Subject, face: bool, character: bool
    ) -> float:
        """Return what speaks for (or against) a picture that shows the head word."""
        fit = 0.0
        if base in tokenize(entry.id.replace("-", " ")):
            fit += 3.0
        if entry.several and subject.plural:
            fit += 4.0
        elif entry.several and not (subject.count >= 4 and CROWD & set(entry.tags)):
            fit -= 7.0
        asked = set(tokenize(subject.words)) | heads
        fit -= 3.0 * len((entry.names & self._subjects) - asked - {entry.tags[0]} - _adjectives())
        is_face = bool({"face", "portrait", "headset", "head"} & set(entry.tags)) or entry.id in (
            "king",
            "queen",
            "businessman",
        )
        if heads & set(lexicon()["people"]):
            fit += (14.0 if face else 8.0) if is_face == face else 0.0
        if character:
            fit += 10.0 if entry.role == "character" else 0.0
        if "silhouette" in entry.tags:
            fit -= 5.0
        if subject.colour and subject.colour in (*entry.tags, *entry.dominant):
            fit += 6.0 if subject.colour in entry.dominant else 3.0
        return fit

    def picture(self, entry: Entry) -> Image.Image:
        """Return the picture as RGBA, from memory where it was drawn lately. Callers must not change it."""
        with self._lock:
            if entry.id in self._kept:
                self._kept.move_to_end(entry.id)
                return self._kept[entry.id]
        with Image.open(entry.path) as opened:
            picture = opened.convert("RGBA")
        picture = picture.crop(picture.getchannel("A").point(lambda a: 255 if a > 80 else 0).getbbox())
        with self._lock:
            if entry.id not in self._kept:
                self._kept[entry.id] = picture
                self._bytes += picture.width * picture.height * 4
            while self._bytes > CACHE_BYTES and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.width * dropped.height * 4
        return picture


def _has_hair(entry: Entry, colour: str) -> bool:
    """Whether an entry's caption says that somebody has hair of this colour."""
    said = ("blond",) if colour.startswith("blond") else (f"{colour}-haired", f"{colour} hair")
    return any(words_ in entry.caption for words_ in said)


@cache
def _adjectives() -> frozenset[str]:
    """Words of names that add no second thing to a picture ("red car")."""
    return words("colours") | words("modifiers") | words("sizes") | words("feelings") | words("people")


@cache
def _stand_ins() -> Mapping[str, str]:
    return MappingProxyType(
        {" ".join(tokenize(str(word))): str(other) for word, other in lexicon()["stands_for"].items()}
    )


def _entry(row: int, item: Mapping[str, Any], folder: Path) -> Entry:
    tags = tuple(stem(str(tag).lower()) for tag in item["tags"]) or ("",)
    split = tuple(dict.fromkeys(t for tag in tags for t in (tag, *tokenize(tag))))
    return Entry(
        row=row,
        id=str(item["id"]),
        path=folder / str(item["path"]),
        role=str(item["role"]),
        tags=split,
        names=frozenset(tokenize(str(item["name"]))),
        caption=str(item["caption"]),
        dominant=tuple(item.get("dominant") or ()),
    )


@cache
def shipped() -> Library:
    """Return the library that ships with the toolkit."""
    return Library(find_data("references"))

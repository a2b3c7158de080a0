"""Reads a prompt into a ``Scene`` with fixed rules: phrases first, then the words between prepositions and verbs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from imagegen_kit.providers.offline.lexicon import finder, lexicon, phrase_pattern, words
from imagegen_kit.providers.offline.likeness import without_likeness
from imagegen_kit.providers.offline.scene import Relation, Scene, Subject
from imagegen_kit.retrieval.text import STOP_WORDS, stem

READ_CHARS = 1500  # further on, prompts repeat themselves
MOST_SUBJECTS = 6
_QUOTED = re.compile(r"[\"“”«»„]([^\"“”«»„\n]{1,60})[\"“”«»„]|(?<!\w)['‘]([^'‘’\n]{1,60})['’](?!\w)")
_SAYS = re.compile(
    r"\b(?:that says|which says|saying|that reads|reading|with the (?:words?|text|title)|the words?|the text)\s*:?\s*$",
    re.I,
)
_UNQUOTED = re.compile(
    r"\b(?:that says|saying|that reads|with the words?|with the text)\s*:?\s+((?:[A-Z0-9!]{2,}\s?){1,4})"
)
_GRID = re.compile(r"\b(\d)\s*(?:x|×|by)\s*(\d)(?:\s+(?:grid|collage|panels?|contact sheet|layout))?\b")
_GRID_OF = re.compile(r"\b(?:grid|collage|contact sheet) of (four|4|six|6|nine|9)\b|\b(four|six|nine)[ -]panels?\b")
_GRIDS = {"four": (2, 2), "4": (2, 2), "six": (2, 3), "6": (2, 3), "nine": (3, 3), "9": (3, 3)}
_WITHOUT = re.compile(r"\b(?:no|without|not|avoid|free of)\s+(?:(?:any|a|an|the)\s+)?[\w-]+(?:\s+(?:or|and)\s+[\w-]+)?")
_AVOID = re.compile(r"\navoid:.*", re.S)  # a negative prompt that had to go into the text names nothing to draw
_ASIDE = re.compile(r"\bnot to be drawn:.*", re.S)  # what is said of a person's life is for mood alone
_SELFIE = re.compile(r"\bselfie\b")
_SHAPE = re.compile(r"\b\d{1,2}:\d{1,2}(?: (?:wide|tall) format| [a-z-]*widescreen| square| vertical)?")
_TITLES = re.compile(r"\b(dr|mr|mrs|ms|prof|st)\.")  # such a full stop ends no sentence
_TOKEN = re.compile(r"@\w+|#\w+|[^\W_]+(?:[-'’][^\W_]+)*|[.,;:!?\n]")
_SIDE_WORDS = (("left", "caller"), ("right", "callee"), ("left", "left"), ("right", "right"))
_LATER = {"caller": "the", "callee": "the"}  # who calls says where, another word says whom
_LISTS = ("styles", "weather", "light", "layouts")


def read(prompt: str, known: Callable[[str], bool]) -> Scene:
    """Return the scene that ``prompt`` describes; ``known(word)`` says whether the library has pictures for a word."""
    text = unicodedata.normalize("NFKC", without_likeness(str(prompt)))[:READ_CHARS]
    text, lettering = _take_lettering(text)
    text = _SHAPE.sub(" , ", _ASIDE.sub("", _AVOID.sub("", _TITLES.sub(r"\1", text.lower()))))
    selfie, grid = bool(_SELFIE.search(text)), (1, 1)
    if match := _GRID.search(text):
        grid = (min(4, max(1, int(match[1]))), min(4, max(1, int(match[2]))))
    elif match := _GRID_OF.search(text):
        grid = _GRIDS[match[1] or match[2]]
    text = _WITHOUT.sub(" , ", _GRID_OF.sub(" ", _GRID.sub(" ", text)))
    found: dict[str, list[str]] = {section: [] for section in _LISTS}
    places: list[str] = []
    text = finder("sides")[0].sub(_mark_side, text)
    for section in _LISTS:
        text = _take(text, section, found[section])
    brief = " ".join(re.findall(r"[^\W_]+|@\w+", text))
    text = _relations().sub(lambda m: f" @{_relation_names()[m[0]]} ", _mark_places(text))
    reader = _Reader(known, places)
    for token in _TOKEN.findall(text):
        reader.take(token)
    reader.close()
    if not reader.subjects and selfie:  # of whom may be said in a word that the library does not have
        reader.subjects.append(Subject("person", "person"))
    layout = (
        "grid"
        if grid != (1, 1)
        else next((n for n in ("split", "pattern", "portrait") if n in found["layouts"]), "single")
    )
    relations = tuple(r for r in reader.relations if max(r.a, r.b) < len(reader.subjects))
    return Scene(
        subjects=tuple(reader.subjects),
        relations=relations,
        place=next(iter(places + reader.hints), None),
        places=tuple(dict.fromkeys(places)),
        side_places=(reader.side_places.get("left"), reader.side_places.get("right")),
        light=found["light"][0] if found["light"] else None,
        weather=found["weather"][0] if found["weather"] else None,
        layout=layout,
        grid=grid,
        styles=frozenset(found["styles"]),
        text=lettering,
        brief=repr((reader.subjects, relations, layout, grid, lettering))
        if reader.subjects
        else f"{brief} {lettering}",
    )


def _take_lettering(text: str) -> tuple[str, str | None]:
    if match := _QUOTED.search(text):
        before = _SAYS.sub(" ", text[: match.start()])
        return before + " , " + text[match.end() :], (match[1] or match[2]).strip() or None
    if match := _UNQUOTED.search(text):
        return text[: match.start()] + " , " + text[match.end() :], match[1].strip()
    return text, None


def _take(text: str, section: str, found: list[str]) -> str:
    """Remove the phrases of ``section`` from ``text``, noting the lists that they belong to, in order."""
    pattern, names = finder(section)

    def note(match: re.Match[str]) -> str:
        found.append(names[match[0]])
        return " , " if section == "styles" else " "

    return pattern.sub(note, text)


def _mark_side(match: re.Match[str]) -> str:
    if match.string.startswith(" of", match.end()):
        return match[0]  # "on the left side of the house" relates two things
    return f" @side_{finder('sides')[1][match[0]]} "


def _mark_places(text: str) -> str:
    """Write each place as ``#name``, unless a noun follows that it only describes ("office chair", "beach ball")."""
    pattern, names = finder("places")

    def mark(match: re.Match[str]) -> str:
        said = match[0].split()
        link = "@inside" if len(said) > 1 and said[0] in lexicon()["verbs"]["inside"] + ["on", "under"] else ""
        return f" {link} #{names[match[0]]}_{stem(said[-1])} "

    return pattern.sub(mark, text)


@cache
def _relation_names() -> dict[str, str]:
    return {phrase: name for name, phrases in lexicon()["verbs"].items() for phrase in phrases}


@cache
def _relations() -> re.Pattern[str]:
    return phrase_pattern(_relation_names())


class _Reader:
    """Collects the words of one noun phrase and closes it at the next preposition, verb or mark."""

    def __init__(self, known: Callable[[str], bool], places: list[str]) -> None:
        self.known = known
        self.places = places
        self.subjects: list[Subject] = []
        self.relations: list[Relation] = []
        self.side_places: dict[str, str] = {}
        self.phrase: list[str] = []
        self.link: str | None = None
        self.side: str | None = None  # the side named before its subject: "on the left a cat"
        self.colon = False  # the side holds for all that its sentence says: "on the left: the caller, a doctor"
        self.clause_start = 0
        self.hints: list[str] = []

    def take(self, token: str) -> None:
        if token.startswith("@side_"):
            self._side(token[6:])
        elif token.startswith("@"):
            if token == "@hold" and not self.phrase and not self.subjects:
                return
            self.close()
            self.link = token[1:]
        elif token == ":" and self.side is not None and not self.phrase:
            self.colon = True
        elif token in ".,;:!?\n":
            self.close()
            self.link = None if token != "," else "beside"
            if token != ",":
                self.side, self.colon, self.clause_start = None, False, len(self.subjects)
        else:
            self.phrase.append(token)

    def _side(self, side: str) -> None:
        self.close()
        if (
            self.subjects
            and len(self.subjects) > self.clause_start
            and self.subjects[-1].side is None
            and self.side is None
        ):
            last = self.subjects.pop()
            self.subjects.append(replace(last, side=side))
            self.clause_start = len(self.subjects)
            self.link = None
        elif side == self.side:  # "the caller on the left": says it twice, and who follows is somebody else
            self.side = side if self.colon else None
        else:
            self.side, self.link = side, None

    def close(self) -> None:
        """Turn the collected words into a subject or a place."""
        phrase, self.phrase = self.phrase, []
        marks = [word for word in phrase if word.startswith("#")]
        plain = [w.rpartition("_")[2] if w.startswith("#") else w for w in phrase]
        if self.link == "hold" and self.subjects and words("features") & {stem(w) for w in plain}:
            said = " ".join(w for w in plain if stem(w) not in STOP_WORDS)  # "a man with a brown beard": still the man
            self.subjects[-1] = replace(self.subjects[-1], words=f"{self.subjects[-1].words} {said}")
            return
        subject = self._subject(phrase, plain)
        if marks and phrase[-1].startswith("#") and not self._is_thing(phrase, plain):
            for mark in marks:
                place = mark[1:].rpartition("_")[0]
                side = self.side or (self.subjects[-1].side if self.subjects else None)
                if side:
                    self.side_places.setdefault(side, place)
                self.places.append(place)
        if subject is None or len(self.subjects) >= MOST_SUBJECTS:
            return
        for mark in marks:  # "an office worker" is likely to be in an office
            place, _, said = mark[1:].rpartition("_")
            if place == said:
                self.hints.append(place)
        self.subjects.append(subject)
        if self.link and len(self.subjects) > 1:
            self.relations.append(Relation(*self._ends(self.link)))
        self.link = "beside"

    def _is_thing(self, phrase: list[str], plain: list[str]) -> bool:
        """A place word that the prompt relates to something ("in front of a mountain") is a thing."""
        return self.link in ("behind", "before", "left", "right") and self.known(plain[-1])

    def _ends(self, link: str) -> tuple[int, str, int]:
        here = len(self.subjects) - 1
        anchor = here - 1
        held = next((r for r in self.relations if r.b == anchor and r.kind in ("hold", "wear")), None)
        if link == "beside" and held:  # "wearing a hat and glasses"
            return held.a, held.kind, here
        while link not in ("mouth", "hold", "wear") and anchor > 0 and self._held(anchor):
            anchor -= 1  # "a cat drinking coffee on a sofa": the cat is on the sofa
        return anchor, link, here

    def _held(self, index: int) -> bool:
        return any(r.b == index and r.kind in ("mouth", "hold", "wear") for r in self.relations)

    def _subject(self, phrase: list[str], plain: list[str]) -> Subject | None:
        while "of" in plain and not any(self._noun(w) for w in plain[: plain.index("of")]):
            amount = [w for w in plain[: plain.index("of")] if w in lexicon()["numbers"]]
            cut = plain.index("of") + 1
            plain, phrase = amount + plain[cut:], amount + phrase[cut:]
        side = self.side or next((s for s, w in _SIDE_WORDS if w in plain), None)
        if len([w for w in plain if self._noun(w)]) > 1:
            plain = [_LATER.get(w, w) for w in plain]
        told = _describe(plain)
        query: list[str] = told.pop("query")
        nouns = [w for raw, w in zip(phrase, plain, strict=True) if w in query and raw[0] != "#" and self._noun(w)]
        if "of" in plain:
            nouns = [w for w in nouns if w in plain[: plain.index("of")]]
        if not nouns and told["colour"] == "orange" and len(query) == 1:  # the fruit
            return Subject("orange fruit", "orange", told["count"], None, told["feeling"], side, told["scale"])
        if not nouns and self.link in ("behind", "before", "left", "right"):
            nouns = [w for raw, w in zip(phrase, plain, strict=True) if raw[0] == "#" and self.known(w)]
        if not nouns:
            return None
        return Subject(" ".join(query), nouns[-1], side=side, **told)

    def _noun(self, word: str) -> bool:
        base = stem(word)
        if any(base in words(s) for s in ("modifiers", "numbers", "ignored", "feelings")):
            return False
        return base in words("stands_for") or base in words("signs") or self.known(word)


def _describe(plain: list[str]) -> dict[str, Any]:
    """Return count, colour, feeling and scale of a noun phrase, and as ``query`` the words that remain to be found."""
    table = lexicon()
    told: dict[str, Any] = {"count": 1, "colour": None, "feeling": None, "scale": 1.0}
    query: list[str] = []
    for word in plain:
        if word.isdecimal():
            told["count"] = min(12, int(word)) if len(word) < 3 and int(word) else told["count"]
        elif word in table["numbers"]:
            told["count"] = max(told["count"], table["numbers"][word])
        elif word in table["sizes"]:
            told["scale"] = table["sizes"][word]
        elif word in table["colours"]:
            told["colour"] = told["colour"] or word
            query += [word] if word == "orange" else []
        elif word in table["feelings"]:
            told["feeling"] = table["feelings"][word]
            query.append(word)
        elif word in ("mascot", "character"):
            query.append("character")
        elif stem(word) not in STOP_WORDS | words("ignored") and word not in ("left", "right"):
            query.append(word)
    return told | {"query": query}

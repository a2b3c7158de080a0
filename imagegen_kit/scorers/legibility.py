"""``legibility``: whether the words that a prompt asks for in quotes can be read in the picture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any

from imagegen_kit.scorers.base import Answer, Measurement, Subject
from imagegen_kit.scorers.tesseract import INSTALL, Read, Tesseract

LIKE = 0.75  # likeness from which a word counts as read: one letter of four may be another one, of three none
_QUOTES = re.compile(
    r'(?<![\d"])"(?!\s)([^"\n]+?)"|“([^”“\n]+)[”“]|„([^“”\n]+)[“”]|«([^»\n]+)»|‘([^‘\n]+?)’(?!\w)|「([^」\n]+)」|(?<![\w\'])\'([^\n]+?)\'(?!\w)'
)
_INCHES = re.compile(r"(?<![\w\"“])(\d+(?:[.,/]\d+)?) ?(?:\"|″|'')(?=[\s,.;:)x×]|$)")  # 12" is a length
_MARKUP = re.compile(r"<[^<>\n]*>|\b[\w-]+=(?:\"[^\"\n]*\"|'[^'\n]*')")  # a tag, or an attribute of one
_APOSTROPHES = re.compile(r"['’]")
_WORDS = re.compile(r"[^\W_]+")


class Legibility:
    """Reads the text in pictures with the program tesseract; ``language`` is its name for one ("eng", "eng+deu")."""

    def __init__(self, language: str = "eng") -> None:
        self._program = Tesseract.found(language)
        version = self._program.version if self._program else "is missing"
        self.feature = f"tesseract {version} {language}"

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return the share of words asked for that are read, and how sure tesseract is of these."""
        return [self._one(subject) for subject in subjects]

    def _one(self, subject: Subject) -> Answer:
        asked = asked_for(subject.prompt)
        if not asked:
            return Measurement(None, "no text in quotes was asked for")
        if self._program is None:
            return Measurement(None, f"the program tesseract is not installed: {INSTALL}")
        read = self._program.words(subject.image)
        found = matched(asked, read)
        sure = [line["confidence"] for line in found if "confidence" in line]
        details = {"asked": found, "read": [word for word, _ in read][:100]}
        confidence = Measurement(sum(sure) / len(sure)) if sure else Measurement(None, "no word asked for was read")
        return {"": Measurement(len(sure) / len(asked), details=details), "confidence": confidence}


def asked_for(prompt: str) -> list[str]:
    """Return the words that ``prompt`` has in quotes, in lower case, without punctuation."""
    prompt = _MARKUP.sub(" ", _INCHES.sub(r"\1 in", prompt))
    return [word for found in _QUOTES.findall(prompt) for word in _words("".join(found))]


def matched(asked: Sequence[str], read: Iterable[Read]) -> list[dict[str, Any]]:
    """Return a line for each word asked for: the most like of those read, each of which answers one word only.

    ``read``, ``likeness`` (0 to 1) and ``confidence`` are missing where nothing read is like it.
    """
    left = [(word, confidence) for text, confidence in read for word in _words(text)]
    lines: list[dict[str, Any]] = [{"word": word} for word in asked]
    pairs = [
        (SequenceMatcher(None, word, seen, autojunk=False).ratio(), i, j)
        for i, word in enumerate(asked)
        for j, (seen, _) in enumerate(left)
    ]
    taken: set[int] = set()
    for likeness, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
        if likeness >= LIKE and "read" not in lines[i] and j not in taken:
            taken.add(j)
            lines[i] |= {"read": left[j][0], "likeness": round(likeness, 3), "confidence": left[j][1]}
    return lines


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _WORDS.findall(_APOSTROPHES.sub("", plain))

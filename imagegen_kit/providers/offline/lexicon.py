"""The words that the offline models know, read once from ``lexicon.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from imagegen_kit.retrieval.text import stem

Colour = tuple[int, int, int]


@cache
def lexicon() -> Mapping[str, Any]:
    """Return the lexicon as plain mappings and lists."""
    import yaml

    text = Path(__file__).with_name("lexicon.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


@cache
def words(section: str) -> frozenset[str]:
    """Return the stems of a section that is a list, or of the keys of one that is a mapping."""
    return frozenset(stem(str(word)) for word in lexicon()[section])


def phrase_pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of ``phrases`` as whole words, the longest first."""
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, ordered)) + r")(?![\w-])")


@cache
def finder(section: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Return a pattern for all phrases of a section of lists, and phrase → name of its list."""
    names = {phrase: name for name, phrases in lexicon()[section].items() for phrase in phrases}
    return phrase_pattern(names), names


@cache
def colour(word: str) -> Colour:
    """Return the (red, green, blue) of a colour word of the lexicon."""
    code = lexicon()["colours"][word]
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def first_by_tag(section: str, tags: Iterable[str], default: float) -> float:
    """Return the number that a section gives for the first of ``tags`` that it knows."""
    table = lexicon()[section]
    return next((float(table[tag]) for tag in tags if tag in table), default)


def home_of(tags: Iterable[str]) -> str | None:
    """Return the place where a thing with these tags is usually seen, or None."""
    for tag in tags:
        for place, its_tags in lexicon()["homes"].items():
            if tag in its_tags:
                return str(place)
    return None

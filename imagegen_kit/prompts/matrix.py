"""Prompt matrices: ``"a {red|blue} car"`` becomes a prompt for each choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from math import prod
from random import Random
from typing import TYPE_CHECKING, NoReturn

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.types import Prompt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_PROMPTS = 10_000
MAX_DEPTH = 20
MAX_CHARS = 100_000
_ESCAPED = "{}|\\"


@dataclass(slots=True)
class _Choice:
    """One pair of braces: its alternatives, each a sequence of text and further choices."""

    column: int
    alternatives: list[_Sequence] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class _Sequence:
    parts: list[str | _Choice] = field(default_factory=list)
    count: int = 1  # how many choices there are, set when the sequence is complete: counting anew would be exponential

    def close(self) -> None:
        self.count = prod(p.count for p in self.parts if isinstance(p, _Choice))


@dataclass(slots=True)
class _Made:
    """A prompt in the making: its pieces, the numbers of the chosen alternatives, and the chosen words."""

    text: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def prompt_matrix(template: str, *, sample: int | None = None, seed: int = 0) -> list[Prompt]:
    r"""Return a prompt for each combination of the alternatives in ``{…|…}``, without repeats, in reading order.

    Alternatives may be empty and hold further braces; ``\{``, ``\}``, ``\|`` and ``\\`` are the characters themselves.
    A prompt's ``id`` numbers the chosen alternatives (``"m0-3"``) and its ``tags`` are the chosen words. ``sample``
    takes that many different ones (fewer where there are fewer), the same for the same ``seed``, and never makes all
    of them. Raises InvalidInput, with the column, for braces that do not match, and for more than 10,000 combinations
    without a ``sample``.
    """
    if not isinstance(template, str):
        raise InvalidInput([Fault("prompt_matrix", f"{template!r} is no text.", 'Write "a {red|blue} car".')])
    if sample is not None and (type(sample) is not int or not 1 <= sample <= MAX_PROMPTS):
        raise InvalidInput([Fault("sample", f"{sample!r} is not a number from 1 to {MAX_PROMPTS:,}.")])
    if len(template) > MAX_CHARS:
        raise InvalidInput([Fault("prompt_matrix", f"has {len(template):,} characters, more than {MAX_CHARS:,}.")])
    root = _parse(template)
    if sample is None or root.count <= MAX_PROMPTS:
        if root.count > MAX_PROMPTS:
            shown = f"{root.count:,}" if root.count < 10**15 else "more than 10**15"
            hint = f"Give sample=, or fewer alternatives: {MAX_PROMPTS:,} is the most."
            raise InvalidInput([Fault("prompt_matrix", f"has {shown} combinations.", hint)])
        found = list(_unique(root, range(root.count)))
        if sample is None or sample >= len(found):
            return found
        picked = Random(seed).sample(range(len(found)), sample)  # noqa: S311 - chooses prompts, guards nothing
        return [found[i] for i in sorted(picked)]
    return list(islice(_unique(root, _ranks(root.count, sample, seed)), sample))


def _ranks(count: int, sample: int, seed: int) -> Iterator[int]:
    """Yield different random ranks; not for ever, for many combinations may spell the same few prompts."""
    random, seen = Random(seed), set[int]()  # noqa: S311 - chooses prompts, guards nothing
    for _ in range(20 * sample + 1000):
        rank = random.randrange(count)
        if rank not in seen:
            seen.add(rank)
            yield rank


def _unique(root: _Sequence, ranks: Iterable[int]) -> Iterator[Prompt]:
    seen = set[str]()
    for rank in ranks:
        made = _Made()
        _unrank(root, rank, made)
        text = "".join(made.text)
        if text not in seen:
            seen.add(text)
            yield Prompt(text, id="m" + "-".join(map(str, made.numbers)), tags=tuple(made.words))


def _unrank(sequence: _Sequence, rank: int, made: _Made) -> None:
    """Write the combination number ``rank`` of ``sequence``; the last braces change fastest."""
    left = sequence.count
    for part in sequence.parts:
        if isinstance(part, str):
            made.text.append(part)
            continue
        left //= part.count
        index, rank = divmod(rank, left)
        number = 0
        while index >= part.alternatives[number].count:
            index -= part.alternatives[number].count
            number += 1
        made.numbers.append(number)
        start, words = len(made.text), len(made.words)
        _unrank(part.alternatives[number], index, made)
        del made.words[words:]  # the words of inner braces are in those of the outer
        if chosen := "".join(made.text[start:]).strip():
            made.words.append(chosen)


def _parse(template: str) -> _Sequence:
    root = _Sequence()
    here, open_ = root, list[tuple[_Choice, _Sequence]]()  # the open braces, each with the sequence around it
    text = list[str]()

    def flush() -> None:
        if text:
            here.parts.append("".join(text))
            text.clear()

    characters = iter(enumerate(template, start=1))
    for column, character in characters:
        if character == "\\" and template[column : column + 1] and template[column] in _ESCAPED:
            text.append(next(characters)[1])
        elif character == "{":
            if len(open_) == MAX_DEPTH:
                _refuse(column, f"braces are nested deeper than {MAX_DEPTH}.")
            flush()
            choice = _Choice(column)
            open_.append((choice, here))
            here = _Sequence()
        elif character == "}" and not open_:
            _refuse(column, "'}' closes nothing.", "Write \\} for the character itself.")
        elif character in "|}" and open_:
            flush()
            here.close()
            choice, around = open_[-1]
            choice.alternatives.append(here)
            choice.count += here.count
            if character == "|":
                here = _Sequence()
            else:
                open_.pop()
                around.parts.append(choice)
                here = around
        else:
            text.append(character)
    if open_:
        _refuse(open_[-1][0].column, "'{' is never closed.", "Add '}', or write \\{ for the character itself.")
    flush()
    root.close()
    return root


def _refuse(column: int, what: str, hint: str = "") -> NoReturn:
    raise InvalidInput([Fault(f"prompt_matrix column {column}", what, hint)])

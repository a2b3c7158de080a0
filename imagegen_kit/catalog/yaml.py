"""YAML as plain data with line numbers, read so that a file can neither surprise nor attack.

The document is built from the parser's events in one loop instead of by PyYAML's constructor: anchors, aliases (alias
bombs), tags and deep nesting are refused at the event that brings them, before anything grows, and every value keeps
the line that it stands on. Plain scalars follow JSON: ``true``, ``false``, ``null`` (or nothing, or ``~``) and decimal
numbers are what they say; all else is text, so ``no``, ``on``, ``12:30``, ``2026-11-21`` and ``007`` stay as written.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from imagegen_kit.catalog.files import read_text
from imagegen_kit.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document as plain data (dicts with text keys, lists, text, numbers, True, False, None).

    ``name`` is what error messages call it; ``lines`` the line, from 1, of every key path.
    """

    data: Any
    name: str
    lines: Mapping[Path_, int] = field(default_factory=dict, repr=False, compare=False)

    def line(self, *path: str | int) -> int:
        """Return the line of a key path; of the nearest parent that exists where the path itself does not."""
        known: Path_ = ()
        for part in path:  # parts that are no key (pydantic names the branch of a union) are passed over
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines.get(known, 1)

    def at(self, *path: str | int) -> str:
        """Return ``"file.yaml:12 models.collage.sizes"`` for a key path."""
        return f"{self.name}:{self.line(*path)} {'.'.join(map(str, path))}".rstrip()

    def fault(self, path: Iterable[str | int], what: str, hint: str = "") -> Fault:
        """Return a Fault that stands at ``path``."""
        return Fault(self.at(*path), what, hint)


def load_yaml(path_or_text: Path | str, *, where: str | None = None) -> Document:
    """Read a YAML file, or YAML text, into a ``Document``.

    A Path is a file, and so is a single line of text that ends in ``.yaml`` or ``.yml``; other text is YAML itself.
    ``where`` is the name for error messages (None: the path, or ``"text"``). Raises InvalidInput, with file and line,
    for what is not a file, not UTF-8, larger than 1 MB, no YAML, deeper than 50 levels, more than one document, or
    uses anchors, aliases, tags or the same key twice.
    """
    if isinstance(path_or_text, Path) or re.fullmatch(r"(?!.*: )[^\n]+\.ya?ml", path_or_text):
        name = where or str(path_or_text)
        return _Builder(name).build(read_text(Path(path_or_text), where=name, max_bytes=MAX_BYTES))
    name = where or "text"
    if len(path_or_text) > MAX_BYTES:
        raise InvalidInput([Fault(name, f"is longer than {MAX_BYTES:,} characters.", "Split it.")])
    return _Builder(name).build(path_or_text)


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read: its path, and the key whose value comes next."""

    value: dict[str, Any] | list[Any]
    path: Path_
    key: str | None = None


class _Builder:
    """Turns parser events into plain data and the line of every key path."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path_, int] = {(): 1}
        self.open: list[_Open] = []
        self.root: Any = None
        self.documents = 0

    def build(self, text: str) -> Document:
        import yaml

        try:
            for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                self.take(event, yaml)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
            raise InvalidInput([Fault(f"{self.name}:{line}", f"is not YAML: {problem}.")]) from error
        return Document(self.root, self.name, self.lines)

    def take(self, event: Any, yaml: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.refuse(line, "holds more than one document.", "Keep one, without a second '---'.")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.open.pop()
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.refuse(
                line, "uses an anchor or alias (& or *).", "Write the value out, or quote text that needs them."
            )
        elif isinstance(event, yaml.NodeEvent):
            if event.tag:
                self.refuse(line, f"uses the tag {event.tag!r}.", "Remove it; quote text that begins with '!'.")
            self.node(event, line, yaml)

    def node(self, event: Any, line: int, yaml: Any) -> None:
        scalar = isinstance(event, yaml.ScalarEvent)
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            if not scalar:
                self.refuse(line, "uses a list or mapping as a key.", "Keys are text; quote a key that has braces.")
            if event.value in top.value:
                self.refuse(line, f"the key {event.value!r} stands here twice.", "Keep one of the two.", top.path)
            top.key = event.value
            top.value[event.value] = None
            self.lines[*top.path, event.value] = line
            return
        if len(self.open) >= MAX_DEPTH and not scalar:
            self.refuse(line, f"is nested deeper than {MAX_DEPTH} levels.")
        value: Any = self.scalar(event, line) if scalar else {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self.place(top, value, line)
        if not scalar:
            self.open.append(_Open(value, path))

    def place(self, top: _Open | None, value: Any, line: int) -> Path_:
        if top is None:
            self.root = value
            self.lines[()] = line
            return ()
        if isinstance(top.value, list):
            path: Path_ = (*top.path, len(top.value))
            top.value.append(value)
            self.lines[path] = line
            return path
        assert top.key is not None
        path = (*top.path, top.key)
        top.value[top.key], top.key = value, None
        return path

    def scalar(self, event: Any, line: int) -> Any:
        text: str = event.value
        if event.style is not None and event.style != "":  # quoted or block text is text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text)
        if len(text) <= 100 and _FLOAT.fullmatch(text):
            number = float(text)
            if math.isinf(number):
                self.refuse(line, f"{text} is too large a number.", "Quote it if it is text.")
            return number
        return text

    def refuse(self, line: int, what: str, hint: str = "", path: Path_ = ()) -> NoReturn:
        place = f"{self.name}:{line} {'.'.join(map(str, path))}".rstrip()
        raise InvalidInput([Fault(place, what, hint)])

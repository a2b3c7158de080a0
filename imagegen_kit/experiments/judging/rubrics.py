"""What a judge goes by, as data: criteria with a name and a sentence, in a version that the journal keeps."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from imagegen_kit.catalog.yaml import Document, load_yaml
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.store.values import dumps

LONGEST, MOST = 2000, 12  # characters of a criterion; criteria
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
OWN = "own"  # the name of a rubric that is given as one text


@dataclass(frozen=True, slots=True)
class Rubric:
    """Criteria by name, each a sentence or two, and the version that they are known by."""

    name: str
    version: str
    criteria: Mapping[str, str]

    @property
    def hash(self) -> str:
        """What tells this rubric from any other: twelve digits of the sha256 of its words."""
        return hashlib.sha256(dumps([self.name, self.version, list(self.criteria.items())]).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.hash})"


def read_rubric(given: Any) -> Rubric:
    """Return a rubric: the default one for None, else that of a YAML file or text, of a mapping, or one text.

    A mapping has name, version and criteria (name to sentence), or is the criteria themselves. Raises InvalidInput with
    all faults.
    """
    if isinstance(given, Rubric):
        return given
    if given is None:
        given = files(__package__).joinpath("rubric.yaml").read_text(encoding="utf-8")
        return _rubric(load_yaml(given, where="rubric.yaml"))
    if isinstance(given, Mapping):
        return _rubric(Document(dict(given), "rubric"))
    if not isinstance(given, (str, Path)) or not str(given).strip():
        what = f"{given!r:.60} is no rubric."
        raise InvalidInput([Fault("rubric", what, "Give criteria as a mapping, a text, or a YAML file.")])
    if isinstance(given, str) and not re.search(r"^\w+:|^[^\n]+\.ya?ml$", given, re.MULTILINE):
        return _rubric(Document({"name": OWN, "criteria": {"better": given.strip()}}, "rubric"))
    return _rubric(load_yaml(given))


def _rubric(document: Document) -> Rubric:
    found = document.data
    if not isinstance(found, Mapping):
        raise InvalidInput([document.fault((), "holds no criteria.", "Write criteria: {name: what it means}.")])
    if "criteria" not in found:
        found = {"name": OWN, "criteria": found}
    faults = [document.fault((n,), "is unknown.", "A rubric has name, version and criteria.") for n in found
              if n not in ("name", "version", "criteria")]  # fmt: skip
    for part in ("name", "version"):
        if not isinstance(found.get(part, ""), str):
            faults.append(document.fault((part,), f"{found[part]!r:.40} is no text.", "Quote it."))
    below = ("criteria",) if "criteria" in document.data else ()
    criteria = found["criteria"]
    if not isinstance(criteria, Mapping) or not 1 <= len(criteria) <= MOST:
        faults.append(document.fault(below, f"are not 1 to {MOST} criteria.", "Write them as name: what it means."))
        criteria = {}
    for name, text in criteria.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            faults.append(document.fault((*below, str(name)), "is no name.", "Use letters, digits and _, 40 at most."))
        elif not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST:
            faults.append(document.fault((*below, name), f"is no text of 1 to {LONGEST:,} characters."))
    if faults:
        raise InvalidInput(faults)
    return Rubric(found.get("name") or OWN, found.get("version") or "1", {k: v.strip() for k, v in criteria.items()})

"""Which pictures made elsewhere belong together: those of one prompt, or of one file name, and of equal settings.

Nobody says which columns of a table were asked for and which were found out later, as ratings are. What was asked for
was asked of everybody, so a column that takes away a counterpart from any picture does not pair.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imagegen_kit.experiments.elsewhere import ELSEWHERE
from imagegen_kit.store.values import as_cell_value
from imagegen_kit.tables.scores import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from imagegen_kit.experiments.run import Run

    Params = Mapping[int, Mapping[str, str]]

OF_FILES = ("file", "label")  # where a picture made elsewhere lay: no two are the same


def belonging(run: Run, params: Params, by: str, shows: Callable[[str, str], bool]) -> tuple[Params, list[str]]:
    """Return the parameters by which the pictures of ``run`` pair, and in sentences which columns do not, and why.

    ``shows`` tells whether a parameter says what a picture shows. Runs of experiments pair by all that they varied.
    """
    if run._spec.get("recipe") != ELSEWHERE:
        return params, []
    cells = [known for known in params.values() if by in known]
    first = [_first(known, by, shows) for known in cells]
    values = [known[by] for known in cells]
    keys: Sequence[Hashable] = [tuple(known.items()) for known in first]
    most = _counterparts(keys, values)
    aside, beside = list[str](), list[str]()
    if most == 0 and not any("prompt" in known for known in cells):  # names like 0001.png tell less than a text does
        texts = [{n: v for n, v in known.items() if n != by and shows(n, v)} for known in cells]
        by_text = [tuple(known.items()) for known in texts]
        if all(texts) and _counterparts(by_text, values):
            first, keys, most, aside = texts, by_text, _counterparts(by_text, values), ["file"]
    for name in dict.fromkeys(name for known in cells for name in known):
        if name in (by, *OF_FILES) or any(name in known for known in first):
            continue
        finer = [(key, known.get(name)) for key, known in zip(keys, cells, strict=True)]
        if name.startswith(PREFIX) or _counterparts(finer, values) < most:
            aside.append(name)
        else:
            keys = finer
            beside += [name] if len({known.get(name) for known in cells}) > 1 else []
    kept = {cell: {n: v for n, v in known.items() if n not in aside} for cell, known in params.items()}
    notes = []
    tells = any(first) or beside or any(by == "prompt" or shows(by, value) for value in values)
    if not tells and len(set(values)) < len(values):  # their order in the table says nothing
        what = "Nothing says which pictures belong together: no prompt, no file name, no text of what is to be seen"
        return {cell: {**known, "picture": str(cell)} for cell, known in kept.items()}, [f"{what}."]
    if most == 0 and len(set(values)) > 1:
        notes = [f"No two pictures that differ in {by} belong together: they pair by {_how(first)}."]
    elif named := [name for name in aside if not name.startswith(PREFIX)]:
        what = f"Not paired by {', '.join(named)}: pictures would lose their counterparts"
        pairing = " and ".join(filter(None, [_how(first), *beside]))
        notes = [f"{what}. Paired by {pairing or 'nothing else'}."]
    return kept, notes


def scores_told(params: Mapping[str, str]) -> dict[str, float]:
    """Return the scores that the table of pictures made elsewhere brought along, by column."""
    found = {name: as_cell_value(json.loads(value)) for name, value in params.items() if name.startswith(PREFIX)}
    return {n: float(v) for n, v in found.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}


def no_numbers(params: Params) -> dict[str, str]:
    """Return the columns ``score_…`` that hold no numbers, with what they hold instead, in words."""
    found: dict[str, set[str]] = {}
    for known in params.values():
        for name in (name for name in known if name.startswith(PREFIX)):
            value = as_cell_value(json.loads(known[name]))
            kind = "true or false" if isinstance(value, bool) else "text" if isinstance(value, str) else "numbers"
            found.setdefault(name, set()).add(kind)
    return {name: " and ".join(sorted(kinds)) for name, kinds in found.items() if "numbers" not in kinds}


def file_name(params: Mapping[str, str]) -> str:
    """Return the name of a picture's file without its folder, "" where there is none."""
    return str(json.loads(params.get("file", '""'))).rpartition("/")[2]


def _first(known: Mapping[str, str], by: str, shows: Callable[[str, str], bool]) -> dict[str, str]:
    """Return what must be equal whatever it costs: what the picture shows, as far as it is known."""
    if "prompt" in known:
        return {} if by == "prompt" else {"prompt": known["prompt"]}
    if name := file_name(known):
        return {"file": name}
    return {n: v for n, v in known.items() if n != by and not n.startswith(PREFIX) and shows(n, v)}


def _counterparts(keys: Sequence[Hashable], values: Sequence[str]) -> int:
    """Return how many other values the pictures have beside them, all together."""
    there: dict[Hashable, set[str]] = {}
    for key, value in zip(keys, values, strict=True):
        there.setdefault(key, set()).add(value)
    return sum(len(there[key]) - 1 for key in keys)


def _how(first: Sequence[Mapping[str, str]]) -> str:
    names = dict.fromkeys(name for known in first for name in known)
    words = {"file": "equal file names (one/cup.png and two/cup.png), since they have no prompt", "prompt": "prompt"}
    return " and ".join(words.get(name, name) for name in names)

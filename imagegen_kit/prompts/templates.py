"""Strict prompt templates with named fields; ``grammar`` says what may stand in them, ``templates.yaml`` holds ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog import load_yaml, validate
from imagegen_kit.errors import Fault, InvalidInput, UnknownName, unknown_name_fault
from imagegen_kit.prompts.grammar import MAX_CHARS, compiled, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

SHIPPED = Path(__file__).with_name("templates.yaml")


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template; ``fields`` in the order of first use, of which those in ``optional`` may be left out."""

    text: str
    name: str = ""
    fields: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    card: str = ""


def template(name_or_text: str, *, optional: tuple[str, ...] = ()) -> Template:
    """Return the shipped template of that name, or check a text with ``{{ field }}`` in it.

    ``optional`` names fields of a text that may be left out. Raises UnknownName for an unknown name, and InvalidInput
    with every construct that is not allowed, and its line.
    """
    if not isinstance(name_or_text, str):
        raise InvalidInput([Fault("template", f"{name_or_text!r} is neither a name nor text.")])
    if re.fullmatch(r"[\w.-]+", name_or_text):
        if name_or_text not in _shipped():
            raise UnknownName("template", name_or_text, _shipped())
        return _shipped()[name_or_text]
    return _made(name_or_text, "template", optional)


def fields(template_: Template | str) -> tuple[str, ...]:
    """Return the names of the fields of a template (or of a template's name or text), in the order of first use."""
    return template_.fields if isinstance(template_, Template) else template(template_).fields


def render(template_: Template | str, /, **values: Any) -> str:
    """Return the text of a template with its fields filled in, without space at either end.

    Values are text, numbers, True, False, None (nothing is written) or lists of them (written with commas). Raises
    InvalidInput with every field that is missing, unknown or of another type, or where the text grows past 20,000
    characters.
    """
    found = template_ if isinstance(template_, Template) else template(template_)
    where = found.name or "template"
    faults: list[Fault] = []
    plain: dict[str, Any] = dict.fromkeys(found.optional)
    for name in found.fields:
        if name not in values and name not in found.optional:
            faults.append(Fault(where, f"the field {name!r} is missing.", f"Give {name}=…."))
    for name, value in values.items():
        if name not in found.fields:
            faults.append(unknown_name_fault("field", name, found.fields, where=where))
        else:
            plain[name] = _plain(f"{where}.{name}", value, faults)
    if faults:
        raise InvalidInput(faults)
    pieces, length = list[str](), 0
    try:
        for piece in compiled(found.text).generate(plain):
            length += len(piece)
            if length > MAX_CHARS:
                what = f"the rendered prompt is longer than {MAX_CHARS:,} characters."
                raise InvalidInput([Fault(where, what, "Shorten the fields.")])
            pieces.append(piece)
    except TypeError as error:  # {% if age > 18 %} with a text as age
        raise InvalidInput([Fault(where, f"its fields cannot be compared: {error}.")]) from error
    return "".join(pieces).strip()


def _plain(where: str, value: Any, faults: list[Fault], inside: bool = False) -> Any:
    if isinstance(value, (list, tuple)) and not inside and len(value) <= MAX_CHARS:
        return [_plain(where, item, faults, inside=True) for item in value]
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and value.bit_length() <= 64:
        return int(value)
    if isinstance(value, str):
        text = str.__str__(value)  # a plain copy: a subclass could bring methods of its own
        if len(text) <= MAX_CHARS:
            return text
        faults.append(Fault(where, f"has {len(text):,} characters, more than {MAX_CHARS:,}."))
    else:
        what = f"a {type(value).__name__} cannot be written into a prompt."
        faults.append(Fault(where, what, "Give text, a number, True, False, None or a list of these."))
    return None


def _made(text: str, where: str, optional: tuple[str, ...], name: str = "", card: str = "") -> Template:
    used = fields_of(text, where)
    if strays := [o for o in optional if o not in used]:
        raise InvalidInput([unknown_name_fault("field", o, used, where=f"{where} optional") for o in strays])
    return Template(text, name, used, frozenset(optional), card)


@cache
def _shipped() -> Mapping[str, Template]:
    entries: Any = validate(load_yaml(SHIPPED, where=SHIPPED.name), _schema())
    return {
        name: _made(entry.text, f"{SHIPPED.name} {name}", entry.optional, name, entry.card)
        for name, entry in entries.templates.items()
    }


@cache
def _schema() -> type[BaseModel]:
    from pydantic import ConfigDict, create_model

    config = ConfigDict(extra="forbid", strict=True)
    entry = create_model("Entry", __config__=config, text=(str, ...), optional=(tuple[str, ...], ()), card=(str, ""))
    return create_model("Templates", __config__=config, templates=(dict[str, entry], ...))  # type: ignore[valid-type]  # the entry is made above

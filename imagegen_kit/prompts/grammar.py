"""The small part of Jinja that prompt templates are written in: it can neither run code nor run for long.

Only text, fields, ``if``, comparisons and a few filters that take no number are allowed, and that is checked on the
parsed template before it runs. Without loops, calls, assignments, arithmetic, attributes and blocks every node is
rendered at most once, so the time is bounded by the template's length, and the output by length × longest field;
the rest of what a template could reach is shut by Jinja's own sandbox.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

MAX_CHARS = 20_000
MAX_DEPTH = 30
FILTERS = ("capitalize", "default", "lower", "title", "trim", "upper")
TESTS = ("none", "true", "false", "boolean", "number", "string")
NODES = {
    *("Template", "Output", "TemplateData", "Name", "Const", "If", "CondExpr", "Not", "And", "Or", "Compare"),
    *("Operand", "Filter", "Test", "List", "Tuple"),
}
_WORDS = {
    "Getattr": "an attribute (a.b)",
    "Getitem": "an item (a[b])",
    "Call": "a call",
    "For": "a loop",
    "Assign": "an assignment",
    "AssignBlock": "an assignment",
    "Mul": "'*'",
    "Pow": "'**'",
    "Concat": "'~'",
    "Include": "an include",
    "Import": "an import",
    "FromImport": "an import",
    "Macro": "a macro",
}


def fields_of(text: str, where: str) -> tuple[str, ...]:
    """Return the fields of a template, in the order of first use.

    Raises InvalidInput with every construct that is not in the small language, and its line.
    """
    from jinja2 import TemplateSyntaxError, nodes

    if len(text) > MAX_CHARS:
        raise InvalidInput([Fault(where, f"has {len(text):,} characters, more than {MAX_CHARS:,}.")])
    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        raise InvalidInput([Fault(f"{where} line {error.lineno}", f"{str(error.message).rstrip('.')}.")]) from error
    except (RecursionError, ValueError) as error:  # thousands of brackets; a number of thousands of digits
        raise InvalidInput([Fault(where, "is nested too deeply, or holds a number that is too long.")]) from error
    faults: dict[str, Fault] = {}
    used: dict[str, None] = {}
    for node, depth in _walk(tree):
        if depth > MAX_DEPTH:
            raise InvalidInput([Fault(f"{where} line {node.lineno}", f"is nested deeper than {MAX_DEPTH} levels.")])
        if isinstance(node, nodes.Name):
            used.setdefault(node.name)
        if fault := _refused(node, where):
            faults.setdefault(str(fault), fault)
    if faults:
        raise InvalidInput(list(faults.values()))
    return tuple(used)


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Yield every node, in reading order, with its depth."""
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack += [(child, depth + 1) for child in reversed(list(node.iter_child_nodes()))]


def _refused(node: Any, where: str) -> Fault | None:
    kind, place = type(node).__name__, f"{where} line {node.lineno}"
    if kind not in NODES:
        hint = "Templates hold {{ fields }}, {% if %}, comparisons and filters."
        return Fault(place, f"{_WORDS.get(kind, kind)} is not allowed.", hint)
    if kind == "Name" and node.name == "self":  # Jinja's own name for the template
        return Fault(place, "a field cannot be called 'self'.", "Choose another name.")
    if kind == "Filter" and node.name not in FILTERS:
        return Fault(place, f"the filter {node.name!r} is not allowed.", f"There are: {', '.join(FILTERS)}.")
    if kind == "Test" and node.name not in TESTS:
        return Fault(place, f"the test {node.name!r} is not allowed.", f"There are: {', '.join(TESTS)}.")
    return None


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_written, cache_size=0
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value if item is not None)
    return "" if value is None else value


@lru_cache(maxsize=256)
def compiled(text: str) -> Any:
    """Return the Jinja template of a text, checked."""
    fields_of(text, "template")  # whoever builds a Template by hand does not get round the check
    return _environment().from_string(text)

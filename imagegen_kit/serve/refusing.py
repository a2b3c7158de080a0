"""What is wrong with the form of a request, in the words of the field, each with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from imagegen_kit.errors import Fault, unknown_name_fault
from imagegen_kit.serve.orders import ImageOrder, SketchOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imagegen_kit.serve.orders import Order

ORDERS: Final[Mapping[str, type[Order]]] = {"concept_sketches": SketchOrder, "image": ImageOrder}
EXAMPLE: Final = 'Send an object such as {"brief": "a golf mascot"}.'
# What to do, by the type of pydantic's error; what stands in braces is of its context.
HINTS: Final = {
    "missing": "Give it.",
    "string_too_short": "Write at least one character.",
    "string_too_long": "Write at most {max_length} characters.",
    "less_than_equal": "Use at most {le}.",
    "greater_than_equal": "Use at least {ge}.",
    "string_pattern_mismatch": "Use it as an answer of the service told it.",
    "string_type": "Write it in quotation marks.",
    "int_type": "Use a whole number.",
    "bool_type": "Use true or false.",
}


def form_faults(errors: Iterable[Mapping[str, Any]], body: Any, content_type: str) -> list[Fault]:
    """Return a fault for each error of a request's form; nothing of what was sent is repeated but names."""
    order = body if isinstance(body, dict) else {}
    kind = order.get("recipe", "concept_sketches")
    if order and not (isinstance(kind, str) and kind in ORDERS):
        return [unknown_name_fault("recipe", str(kind)[:80], ORDERS, where="recipe")]
    names, faults = {model.__name__ for model in ORDERS.values()}, []
    for error in errors:
        where = [str(part) for part in error["loc"][1:]]
        if where and where[0] in names - {ORDERS[kind].__name__}:
            continue  # what the other kind of order would lack is no fault of this one
        faults.append(_fault(error, ".".join(w for w in where if w not in names), kind, content_type))
    return list(dict.fromkeys(faults))


def _fault(error: Mapping[str, Any], where: str, kind: str, content_type: str) -> Fault:
    context, type = error.get("ctx") or {}, str(error["type"])
    if type == "json_invalid":
        return Fault("body", f"it is no JSON: {context.get('error', 'it cannot be read')}, at {where}.", EXAMPLE)
    if not where and "json" not in content_type.lower():
        return Fault("body", "it is not said to be JSON.", "Send the header Content-Type: application/json.")
    if type == "extra_forbidden":
        return unknown_name_fault("field", where[:80], ORDERS[kind].model_fields, where=where)
    hint = HINTS.get(type, "").format(**context) if where else EXAMPLE
    return Fault(where or "body", f"{error['msg']}.", hint or "See /openapi.json for what it takes.")

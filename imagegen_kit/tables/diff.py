"""What differs between two results: prompt, request as asked, request as sent, adaptations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.types import Result


def diff_results(a: Result, b: Result) -> pd.DataFrame:
    """Return one row for each field that differs, indexed by field, with the columns ``first`` and ``second``.

    Fields of the asked request stand by their name, of the sent one as ``sent.<name>`` where it differs from asked.
    """
    import pandas as pd

    adapted = _adapted(a) | _adapted(b)
    first, second = _fields(a, adapted), _fields(b, adapted)
    names = [n for n in dict.fromkeys((*first, *second)) if first.get(n) != second.get(n)]
    rows = [(first.get(n), second.get(n)) for n in names]
    return pd.DataFrame(rows, columns=["first", "second"], index=pd.Index(names, name="field"), dtype=object)


def _adapted(result: Result) -> set[str]:
    """Return the fields that were sent differently from how they were asked."""
    asked = result.request.to_plain()
    sent = result.sent.to_plain() if result.sent is not None else asked
    return {name for name in {*asked, *sent} - {"labels"} if asked.get(name) != sent.get(name)}


def _fields(result: Result, adapted: set[str]) -> dict[str, Any]:
    asked = result.request.to_plain()
    sent = result.sent.to_plain() if result.sent is not None else {}
    fields = {k: v for k, v in asked.items() if k != "labels"}
    fields |= {f"sent.{k}": v for k, v in sent.items() if k in adapted}
    fields |= {f"adaptation.{n.field}": str(n) for n in result.adaptations}
    return {**fields, "status": result.status, "sha256": result.artifacts[0].sha256 if result.artifacts else None}

"""A judgement's tables: one row a pair, and one row a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.experiments.judging.controls import expected
from imagegen_kit.experiments.judging.shares import shares
from imagegen_kit.experiments.judging.verdicts import PAIR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from imagegen_kit.experiments.judging.verdicts import Verdict


def verdict_rows(rows: Sequence[Verdict], values: Mapping[int, str]) -> pd.DataFrame:
    """Return one row a pair; see ``Judgement.table``."""
    import pandas as pd

    control = [v.kind != PAIR for v in rows]
    sides = [
        ("picture", v.kind) if c else (values.get(v.left, "gone"), values.get(v.right, "gone"))
        for v, c in zip(rows, control, strict=True)
    ]
    won = [{"left": s[0], "right": s[1]}.get(v.choice or "") for v, s in zip(rows, sides, strict=True)]
    right = [expected(v.kind, v.choice) if c and v.choice else None for v, c in zip(rows, control, strict=True)]
    answers = [(*v.answers, None, None)[:2] for v in rows]
    reasons = [(*v.reasons, {}, {})[:2] for v in rows]
    columns = {
        "kind": ("str", [v.kind for v in rows]),
        "prompt": ("str", [v.order for v in rows]),
        "left": ("str", [s[0] for s in sides]),
        "right": ("str", [s[1] for s in sides]),
        "choice": ("str", [v.choice for v in rows]),
        "preferred": ("str", won),
        "expected": ("boolean", right),
        "flipped": ("boolean", [v.flipped for v in rows]),
        "answer_1": ("str", [a[0] for a in answers]),
        "answer_2": ("str", [a[1] for a in answers]),
        "reasons_1": ("object", [r[0] for r in reasons]),
        "reasons_2": ("object", [r[1] for r in reasons]),
        "model_used": ("str", [v.model_used for v in rows]),
        "cost_usd": ("Float64", [v.cost_usd for v in rows]),
        "error": ("str", [v.error for v in rows]),
    }
    return pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, (dtype, values) in columns.items()})


def share_rows(verdicts: Sequence[Verdict], values: Mapping[int, str]) -> pd.DataFrame:
    """Return one row a value; see ``Judgement.summary``."""
    import pandas as pd

    found = shares(verdicts, values)
    whole = dict.fromkeys(("pairs", "wins", "losses", "ties"), "Int64")
    kinds = {"value": "str", **whole, **dict.fromkeys(("share", "low", "high"), "Float64")}
    columns = {name: pd.array(found[name], dtype=kind) for name, kind in kinds.items()}  # type: ignore[call-overload]  # dtypes by name
    return pd.DataFrame(columns).set_index("value")

"""One thing that the doctor found, and all of them as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong (``kind`` in a few fixed words) with what, in words, and what was or can be done about it.

    ``mended`` says that it is wrong no more; ``at_risk_usd`` what may have been spent on it, None where that is unknown
    or where no money is in it.
    """

    kind: str
    subject: str
    says: str
    fix: str
    mended: bool = False
    at_risk_usd: float | None = None


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return one row a finding, in the order in which they were made."""
    import pandas as pd

    columns = {name: pd.array([getattr(f, name) for f in findings], dtype="str") for name in ("kind", "subject")}
    return pd.DataFrame(
        {
            **columns,
            "says": pd.array([f.says for f in findings], dtype="str"),
            "fix": pd.array([f.fix for f in findings], dtype="str"),
            "mended": pd.array([f.mended for f in findings], dtype="boolean"),
            "at_risk_usd": pd.array([f.at_risk_usd for f in findings], dtype="Float64"),
        }
    )

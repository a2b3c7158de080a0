"""What was called and spent, over all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.providers.accounts import SIMULATION

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.store import Store

BY = {
    "model": "a.model",
    "account": "a.account",
    "key": "COALESCE(a.key_id, 'none')",
    "day": "substr(a.started_at, 1, 10)",
    "run": "u.id",
}


def usage(by: str = "model", *, store: Store | None = None) -> pd.DataFrame:
    """Return calls and spend by model, account, key (its fingerprint), day (UTC) or run, indexed by it.

    ``spent_usd`` is what settled calls cost, ``reserved_usd`` what open or unknown calls may still cost; calls whose
    price or outcome nobody knows are counted in ``unknown_costs``. Calls that a simulator answered (``simulated``) cost
    no real money: what they would have cost, or may have, is in ``simulated_usd`` alone.
    ``store`` None is the session's.
    """
    import pandas as pd

    if not isinstance(by, str):
        raise InvalidInput([Fault("by", f"a {type(by).__name__} is no group.", f"Give one of {', '.join(BY)}.")])
    if by not in BY:
        raise InvalidInput([unknown_name_fault("group", by, BY, where="by")])
    if store is None:
        from imagegen_kit.lazy import upward

        store = upward("default_engine")().store
    assert store is not None
    store.journal.flush().result()
    real = f"(a.account != '{SIMULATION}')"
    rows = store.journal.read(
        f"SELECT {BY[by]} AS g, COUNT(*), SUM(a.state IN ('stored', 'uploaded')), SUM(a.state = 'failed'), "
        f"SUM(a.state = 'unknown'), COALESCE(SUM(CASE WHEN l.state = 'settled' AND {real} THEN l.spent_usd END), 0), "
        f"COALESCE(SUM(CASE WHEN l.state IN ('reserved', 'unknown') AND {real} THEN l.reserved_usd END), 0), "
        "SUM(l.state = 'unknown' OR (l.state = 'settled' AND l.spent_usd IS NULL)), "
        f"SUM(NOT {real}), COALESCE(SUM(CASE WHEN NOT {real} AND l.state != 'released' "
        "THEN COALESCE(l.spent_usd, l.reserved_usd) END), 0) "
        "FROM attempts a JOIN requests r ON r.id = a.request JOIN runs u ON u.number = r.run "
        "LEFT JOIN ledger l ON l.attempt = a.id GROUP BY g ORDER BY g"
    )
    names = (
        *("calls", "stored", "failed", "unknown", "spent_usd", "reserved_usd", "unknown_costs"),
        *("simulated", "simulated_usd"),
    )
    columns = {
        name: pd.array([row[i] or 0 for row in rows], dtype="Float64" if name.endswith("_usd") else "Int64")
        for i, name in enumerate(names, 1)
    }
    return pd.DataFrame(columns, index=pd.Index([row[0] for row in rows], name=by, dtype="str"))

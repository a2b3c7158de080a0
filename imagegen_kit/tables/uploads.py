"""What is copied to object storage, and how far that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.store import Store

COLUMNS = ("state", "target", "sha256", "format", "attempts", "error", "started_at", "finished_at")


def upload_table(state: str | None = None, *, store: Store | None = None) -> pd.DataFrame:
    """Return one row an object, indexed by its name, those not there yet first.

    ``state`` keeps only planned, running, failed or done ones. ``target`` is the storage's address, ``attempts`` how
    often it was tried, ``error`` what went wrong the last time (NA once it is there); times are UTC. ``store`` None is
    the session's.
    """
    import pandas as pd

    if store is None:
        from imagegen_kit.lazy import upward

        store = upward("default_engine")().store
    assert store is not None
    store.journal.flush().result()
    rows = store.journal.read(
        f"SELECT name, {', '.join(COLUMNS)} FROM uploads WHERE ?1 IS NULL OR state = ?1 ORDER BY state = 'done', id",
        (state,),
    )
    frame = pd.DataFrame(rows, columns=["name", *COLUMNS]).set_index("name")
    frame = frame.astype({c: "str" for c in ("state", "target", "sha256", "format", "error")} | {"attempts": "Int64"})
    for column in ("started_at", "finished_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601").astype("datetime64[ms, UTC]")
    return frame

"""Looking a store over: journal, pictures, open calls, uploads. Nothing is changed unless it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagegen_kit.errors import StoreError
from imagegen_kit.store.doctor.finding import Finding, findings_table
from imagegen_kit.store.doctor.pictures import look_at_pictures
from imagegen_kit.store.doctor.records import DAMAGED_JOURNAL, look_at_records

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.store import Store


def examine(
    store: Store, *, repair: bool = False, quick: bool = False, give_up: bool = False, now: datetime | None = None
) -> pd.DataFrame:
    """Return one row a finding; see ``Store.doctor``. Raises StoreError where nothing can be written and should be."""
    if (repair or give_up) and store.journal.read_only:
        raise StoreError(f"the store {store.path} can only be read, so nothing can be mended in it.")
    if not store.journal.read_only:
        store.journal.flush().result()
    now = now or datetime.now(UTC)
    findings = look_at_records(store, repair=repair, quick=quick, now=now)
    if not any(finding.kind == DAMAGED_JOURNAL for finding in findings):  # its rows are no evidence against pictures
        findings += look_at_pictures(store, repair=repair, quick=quick, give_up=give_up, now=now)
    return findings_table(findings)


__all__ = ["Finding", "examine"]

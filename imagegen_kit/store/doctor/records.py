"""The journal itself, calls that were interrupted, uploads that were left, leases of the dead."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from imagegen_kit.errors import ImagegenError, StoreError
from imagegen_kit.lazy import load_target
from imagegen_kit.store.doctor.finding import Finding
from imagegen_kit.store.states import OPEN_STATES

if TYPE_CHECKING:
    from datetime import datetime

    from imagegen_kit.store import Store

DAMAGED_JOURNAL = "damaged journal"
_OPEN = ", ".join(f"'{state}'" for state in OPEN_STATES)
# Who sends a call is written in its ledger entry; a call without one is of the session that recorded its run.
_INTERRUPTED = (
    "SELECT a.id, a.model, a.state, a.job_id, COALESCE(l.reserved_usd, a.reserved_usd), u.id, "
    "COALESCE(l.session, u.session) FROM attempts a JOIN requests r ON r.id = a.request "
    "JOIN runs u ON u.number = r.run "
    f"LEFT JOIN ledger l ON l.attempt = a.id WHERE a.finished_at IS NULL AND a.state IN ({_OPEN}) AND NOT EXISTS "
    "(SELECT 1 FROM leases e WHERE e.name = 'session ' || COALESCE(l.session, u.session) AND e.expires_at > ?)"
)
_STRAY_MONEY = (
    "SELECT l.attempt, l.model, l.reserved_usd, a.state FROM ledger l LEFT JOIN attempts a ON a.id = l.attempt "
    "WHERE l.state = 'reserved' AND (a.id IS NULL OR a.finished_at IS NOT NULL)"
)
_WITH_UPLOADS = "imagegen_kit.store.uploads"
_UPLOADS = "SELECT id, sha256, target, state, error FROM uploads WHERE state != 'done'"
# A lease whose session left open calls shows the next one what to look up: it is no litter.
_DEAD_LEASES = (
    "SELECT e.name FROM leases e WHERE e.expires_at <= ? "
    "AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.session = e.owner AND l.state = 'reserved')"
)


def look_at_records(store: Store, *, repair: bool, quick: bool, now: datetime) -> list[Finding]:
    """Return what is wrong with the journal and with what it records as unfinished."""
    findings = _integrity(store, quick)
    if findings:
        return findings  # whatever else a damaged file says is no evidence
    findings += _calls(store, now)
    findings += _uploads(store, repair)
    findings += _leases(store, repair, now)
    return findings


def _integrity(store: Store, quick: bool) -> list[Finding]:
    try:
        said = store.journal.read(f"PRAGMA {'quick_check' if quick else 'integrity_check'}(20)")
    except StoreError as error:  # damaged where the check itself begins
        said = [(str(error.__cause__),)]
    return [
        Finding(
            DAMAGED_JOURNAL, str(store.journal.path), str(line), "put a copy of it back, or move it away and --repair"
        )
        for (line,) in said
        if line != "ok"
    ]


def _calls(store: Store, now: datetime) -> list[Finding]:
    findings = []
    for attempt, model, state, job_id, usd, run, session in store.journal.read(_INTERRUPTED, (now.timestamp(),)):
        named = f", the service calls it {job_id}" if job_id else ""
        says = f"{model} was asked for run {run} ({state}{named}), and session {session} is at work no more"
        fix = f"open_run({run!r}).resume() looks it up"
        findings.append(Finding("interrupted call", f"attempt {attempt}", says, fix, at_risk_usd=usd))
    for attempt, model, usd, state in store.journal.read(_STRAY_MONEY):
        what = "no call of it is recorded" if state is None else f"its call has ended ({state})"
        says = f"money is reserved for {model}, and {what}: it counts as spent in budgets"
        findings.append(
            Finding("reservation left", f"attempt {attempt}", says, "none: nobody knows whether it was paid",
                    at_risk_usd=usd)
        )  # fmt: skip
    return findings


def _uploads(store: Store, repair: bool) -> list[Finding]:
    left = store.journal.read(_UPLOADS)
    if left and repair and find_spec(_WITH_UPLOADS) is not None:
        with contextlib.suppress(ImagegenError):  # the other place cannot be reached: they stay as they are
            load_target(f"{_WITH_UPLOADS}:resume_uploads")(store)
    still = {id for id, *_ in store.journal.read(_UPLOADS)}
    return [
        Finding("upload left", sha256[:12], f"its copy to {target} is {state}" + (f": {error}" if error else ""),
                "--repair goes on with it", mended=id not in still)
        for id, sha256, target, state, error in left
    ]  # fmt: skip


def _leases(store: Store, repair: bool, now: datetime) -> list[Finding]:
    at = now.timestamp()
    dead = [name for (name,) in store.journal.read(_DEAD_LEASES, (at,))]
    if dead and repair:
        sql = "DELETE FROM leases WHERE name = ? AND expires_at <= ?"
        store.journal.write([(sql, (name, at)) for name in dead]).result()
    says = "whoever held it is at work no more"
    return [Finding("dead lease", name, says, "--repair deletes it", mended=repair) for name in dead]

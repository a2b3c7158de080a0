"""Clocks for tests and published notebooks, for ``Policy(clock=…)``."""

from __future__ import annotations

from datetime import UTC, date, datetime

from imagegen_kit.engine.policy import SystemClock


def on_day(day: date | str) -> SystemClock:
    """Return the system's clock moved to ``day`` (ISO date, UTC): models retire by it, seconds pass as they do.

    So a test or a notebook about models that end soon says the same on any day.
    """
    return _OnDay(date.fromisoformat(day) if isinstance(day, str) else day)


class _OnDay(SystemClock):
    def __init__(self, day: date) -> None:
        self._shift = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def __repr__(self) -> str:
        return f"on_day({self.now().date().isoformat()!r})"

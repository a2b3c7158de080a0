"""What the service counts, in the text form of Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from imagegen_kit.serve.access import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from imagegen_kit.engine.engine import Engine

SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120)
_MADE = (
    "SELECT s.status, COUNT(*), COALESCE(SUM(s.cost_usd), 0) FROM runs u JOIN results s ON s.run = u.number "
    "JOIN requests r ON r.id = s.request AND r.kind = 'image' WHERE u.session = ? AND substr(u.name, 1, ?) = ? "
    "GROUP BY s.status"
)


class Metrics:
    """Counters of one application; several in a process mix in what their engine has made, and in nothing else."""

    def __init__(self, engine: Engine) -> None:
        at = self._registry = CollectorRegistry()
        self.orders = Counter("imagegen_orders", "Orders that ended.", ["recipe", "outcome"], registry=at)
        self.under_way = Gauge("imagegen_orders_under_way", "Orders that are under way.", registry=at)
        at.register(_Made(engine))
        self.refused = Counter("imagegen_refused", "Calls that were refused, by HTTP status.", ["status"], registry=at)
        words = "From the order to its first picture."
        self.first = Histogram("imagegen_first_picture_seconds", words, buckets=SECONDS, registry=at)

    def text(self) -> bytes:
        """Return all of them."""
        return generate_latest(self._registry)


class _Made(Collector):
    """Pictures and money, as the journal has them: what was sent is finished also where the client has left."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> list[Metric]:
        """Return the names of what ``collect`` tells, without a look into the journal."""
        return list(self._told([]))

    def collect(self) -> Iterator[Metric]:
        """Count what this session's orders have made."""
        self._engine.store.journal.flush().result()
        given = (self._engine.session, len(NAMED), NAMED)
        yield from self._told(self._engine.store.journal.read(_MADE, given))

    def _told(self, rows: list[tuple[str, int, float]]) -> Iterator[Metric]:
        pictures = CounterMetricFamily("imagegen_pictures", "Pictures, by what became of them.", labels=["status"])
        for status, count, _ in rows:
            pictures.add_metric([status], count)
        yield pictures
        words = "Money spent on pictures whose cost is known, in USD."
        yield CounterMetricFamily("imagegen_spent_usd", words, value=sum(usd for *_, usd in rows))

"""What the service counts, in the text form of Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120)


class Metrics:
    """Counters of one application; several in a process do not mix."""

    def __init__(self) -> None:
        at = self._registry = CollectorRegistry()
        self.orders = Counter("imagegen_orders", "Orders that ended.", ["recipe", "outcome"], registry=at)
        self.under_way = Gauge("imagegen_orders_under_way", "Orders that are under way.", registry=at)
        self.pictures = Counter("imagegen_pictures", "Pictures, by what became of them.", ["status"], registry=at)
        self.spent = Counter("imagegen_spent_usd", "Money spent on pictures whose cost is known, in USD.", registry=at)
        self.refused = Counter("imagegen_refused", "Calls that were refused, by HTTP status.", ["status"], registry=at)
        words = "From the order to its first picture."
        self.first = Histogram("imagegen_first_picture_seconds", words, buckets=SECONDS, registry=at)

    def text(self) -> bytes:
        """Return all of them."""
        return generate_latest(self._registry)

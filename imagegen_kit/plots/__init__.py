"""Cost, latency and likeness as static plots: each keeps its data (``.table()``) and says it in words (``.alt``).

Drawn by matplotlib (extra ``plots``) when a plot is displayed or saved, never before; the data need no matplotlib.
"""

from __future__ import annotations

from imagegen_kit.plots.alike import consistency, drift
from imagegen_kit.plots.line_of_story import drift_curve
from imagegen_kit.plots.money import projection, spending
from imagegen_kit.plots.plot import Plot
from imagegen_kit.plots.times import latency
from imagegen_kit.plots.tradeoff import cost_latency

__all__ = ["Plot", "consistency", "cost_latency", "drift", "drift_curve", "latency", "projection", "spending"]

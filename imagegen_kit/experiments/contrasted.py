"""What a run proves: the methods of ``Run`` that compare and rank, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from imagegen_kit.tables.listing import listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.experiments.run import Run


class Contrasted:
    """The part of ``Run`` that compares."""

    def compare(
        self,
        by: str = "model",
        a: Any = None,
        b: Any = None,
        metric: str | Sequence[str] | None = None,
        *,
        failures: str = "leave",
    ) -> pd.DataFrame:
        """Return who is better, and how sure that is: one row for each two values of ``by`` and each metric.

        ``a`` and ``b`` are values of ``by``: one alone is compared with all others, none means all pairs. ``metric`` is
        "success", "price_usd", "seconds", a score's column, or several; None means all. Paired prompt by prompt, all
        other parameters equal, samples averaged first; ``effect`` is a minus b in ``unit``, the mean or, for price and
        seconds, the median (``of``), with its 95 % interval; ``win_rate`` the share of ``n`` prompts that a wins, ties
        half. ``p_holm`` holds for the whole table; ``verdict`` says what may be claimed, or how many prompts are
        ``missing``. Failures are a metric of their own; with ``failures="lose"`` they also lose in the win rates of
        scores. ``a_lost`` and ``b_lost`` are pictures without a number: failed, cached (seconds), a placeholder,
        another model's. Raises InvalidInput for unknown names, and where ``by`` has one value only.
        """
        from imagegen_kit.experiments.comparing import compare

        return listing(compare(cast("Run", self), by, a, b, metric, failures), "comparison")

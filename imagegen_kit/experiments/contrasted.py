"""What a run proves: the methods of ``Run`` that compare and rank, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from imagegen_kit.errors import InvalidInput, unknown_name_fault
from imagegen_kit.tables.listing import listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from imagegen_kit.experiments.run import Run


def _refuse(method: str, known: Sequence[str], unknown: Mapping[str, Any]) -> None:
    """Raise InvalidInput, with the near ones, for arguments that a method has not."""
    if unknown:
        raise InvalidInput([unknown_name_fault(f"argument of {method}", n, known, where=method) for n in unknown])


class Contrasted:
    """The part of ``Run`` that compares."""

    def compare(
        self,
        by: str | None = None,
        a: Any = ...,
        b: Any = ...,
        metric: str | Sequence[str] | None = None,
        *,
        failures: str = "leave",
        **unknown: Any,
    ) -> pd.DataFrame:
        """Return who is better, and how sure that is: one row for each metric and each two values of ``by``.

        ``by`` None is what ``vote`` takes: the model where it varies, else what alone varies besides the prompt; of
        pictures made elsewhere the label. ``a`` and ``b`` are values of it (None too, where it is one): one alone is
        compared with all others, none means all pairs. ``metric`` is "success", "price_usd", "seconds", a score's
        column, a pattern ("score_sketch_*"), or several; None means success, price, seconds and each scorer's own
        number, without what nobody has: ``attrs["notes"]`` tells what is left out, and which scores are unfinished.
        Paired prompt by prompt, all other parameters equal, samples averaged first; ``effect`` is a minus b in
        ``unit``, the mean or, for price and seconds, the median of the prompts' differences (``of``), with its 95 %
        interval; ``win_rate`` the share of ``win_n`` prompts that a wins, ties half. ``p_holm`` holds for all rows in
        which anything differs (how many: ``attrs["tests"]``); ``verdict`` says what may be claimed, or how many prompts
        are ``missing``. Failures are a metric of their own; with ``failures="lose"`` they also lose in the win rates of
        scores, whose ``win_n`` is then larger than ``n``, the prompts of the effect. ``a_lost`` and ``b_lost`` are
        pictures without a number: failed, cached (seconds), a placeholder, another model's. Raises InvalidInput for
        unknown names, where ``by`` has one value only, and where it is None and several vary.
        """
        from imagegen_kit.experiments.comparing import compare

        _refuse("compare", ("by", "a", "b", "metric", "failures"), unknown)
        return listing(compare(cast("Run", self), by, a, b, metric, failures), "comparison")

    def aspects(self, by: str | None = None, metric: str | Sequence[str] | None = None, **unknown: Any) -> pd.DataFrame:
        """Return how often each value of ``by`` wins: by aspect (metric) and scenario (category of prompts, and "all").

        A win rate is the mean over all others of the share of prompts that are won, ties half, as in HEIM. Metrics of
        which neither way is better have none. ``prompts`` is how many the largest of these comparisons has.
        """
        from imagegen_kit.experiments.aspects import aspects

        _refuse("aspects", ("by", "metric"), unknown)
        return listing(aspects(cast("Run", self), by, metric), "aspects")

    def head_to_head(self, by: str | None = None, metric: str = "success", **unknown: Any) -> pd.DataFrame:
        """Return the share of prompts that each row's value wins against each column's, ties half; NA on its own.

        By one metric, success unless it is named. ``attrs`` has it ("metric") and how many prompts the pair with the
        fewest and the one with the most have ("prompts").
        """
        from imagegen_kit.experiments.aspects import head_to_head

        _refuse("head_to_head", ("by", "metric"), unknown)
        return listing(head_to_head(cast("Run", self), by, metric), "head to head")

    def ranking(
        self,
        by: str | None = None,
        raters: str | Sequence[str] | None = None,
        *,
        blind: bool = True,
        win_rate: float = 0.6,
        power: float = 0.8,
    ) -> pd.DataFrame:
        """Return the strengths of the values of ``by`` from votes, best first, in tiers: never take it for bare ranks.

        ``strength`` is Bradley and Terry's on the scale of chess ratings (mean 1000, 70 points are a win rate of .6),
        ties and "both bad" half a win of either, with its 95 % interval. Values in one ``tier`` are linked by intervals
        that overlap; ``votes_missing`` is how many more votes a value needs so that a ``win_rate`` against any of its
        tier would be told with ``power``. Skipped pairs and repeats are not counted. ``raters`` None is all people,
        "judges" all machine judges, "all" both; else names. ``blind`` False also counts votes of people who knew whose
        picture was whose. ``attrs`` tell what was left out, how raters agree ("alpha": Krippendorff's, nominal), with
        themselves ("self_agreement") and whether the left side wins ("left_share"); ``raters()`` tells it of each.
        Raises InvalidInput for unknown names and where no vote counts.
        """
        from imagegen_kit.experiments.ranking import ranking

        run = cast("Run", self)
        return listing(ranking(run, by, raters, blind=blind, win_rate=win_rate, power=power), "ranking")

    def raters(self, by: str | None = None) -> pd.DataFrame:
        """Return one row for each rater, people and machine judges: votes, side bias, agreement.

        ``left_share`` is the share of decided votes that the left side got, ``self_agreement`` that of repeated pairs
        on which the same was said again, each with its 95 % interval; ``same_side`` counts repeats, which are mirrored,
        on which the same side was chosen. ``agreement`` and ``kappa`` (Cohen's) are with all others who voted on the
        same pairs, ``shared`` times. Votes given after the names were known are in all of these, and in no ranking
        (``attrs["notes"]`` tells how many); ``attrs["alpha"]`` is Krippendorff's alpha of all people's blind votes.
        ``ties`` has "both bad" among them, as in ``ranking``.
        """
        from imagegen_kit.experiments.ranking import raters_table

        return listing(raters_table(cast("Run", self), by), "raters")

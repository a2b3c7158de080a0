"""The arithmetic of claims: pure functions over numbers that know nothing of runs. Sources: docs/judging.md."""

from __future__ import annotations

from imagegen_kit.experiments.statistics.agreement import cohen_kappa, krippendorff_alpha, weighted_kappa
from imagegen_kit.experiments.statistics.bootstrap import Interval, paired_means, paired_medians
from imagegen_kit.experiments.statistics.bradley_terry import Strengths, bradley_terry, fit, tiers
from imagegen_kit.experiments.statistics.groups import resampled
from imagegen_kit.experiments.statistics.pareto import pareto_front
from imagegen_kit.experiments.statistics.power import prompts_missing, rate_missing, votes_needed
from imagegen_kit.experiments.statistics.rates import holm, need_extra, paired_rates, rate_interval

__all__ = [
    "Interval",
    "Strengths",
    "bradley_terry",
    "cohen_kappa",
    "fit",
    "holm",
    "krippendorff_alpha",
    "need_extra",
    "paired_means",
    "paired_medians",
    "paired_rates",
    "pareto_front",
    "prompts_missing",
    "rate_interval",
    "rate_missing",
    "resampled",
    "tiers",
    "votes_needed",
    "weighted_kappa",
]

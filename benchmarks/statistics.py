"""Whether intervals hold what they promise, and what they cost: simulated experiments of a known effect.

All chance comes from ``SEED``. ``python -m benchmarks statistics``.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Figure, Outcome
from imagegen_kit.experiments.comparing import compared_pairs
from imagegen_kit.experiments.samples import Metric, Sample, Samples
from imagegen_kit.experiments.statistics import bradley_terry, fit, paired_means, paired_medians, paired_rates

SEED = 20261120
PROMPTS, REPETITIONS, BLOCK = 100, 4_000, 500
EFFECT = 0.03
COVERAGE = (0.94, 0.96)


def scores(chance: np.random.Generator) -> np.ndarray:
    """Differences of two scores of a prompt, of which the second is better by EFFECT: what prompts share is gone."""
    return EFFECT + chance.normal(0, 0.1, PROMPTS)


def skewed(chance: np.random.Generator) -> np.ndarray:
    """The same, with a long tail to one side (lognormal)."""
    tail = chance.lognormal(0, 0.75, PROMPTS) - math.exp(0.75**2 / 2)
    return EFFECT + 0.1 * tail


def uneven(chance: np.random.Generator) -> np.ndarray:
    """The same, with a few prompts that differ far more than others (Student's t, 5 degrees)."""
    return EFFECT + 0.1 * chance.standard_t(5, PROMPTS)


def seconds(chance: np.random.Generator) -> np.ndarray:
    """Differences of latency with a median of EFFECT: heavy tails to both sides (Laplace)."""
    return EFFECT + chance.laplace(0, 0.1, PROMPTS)


def successes(chance: np.random.Generator) -> np.ndarray:
    """Differences of success: a at 90 %, b at 90 % - EFFECT, hanging together by how hard a prompt is."""
    hard = chance.random(PROMPTS) < 0.2
    rate = np.where(hard, 0.6, 0.975)
    a, b = chance.random(PROMPTS) < rate, chance.random(PROMPTS) < rate - EFFECT
    return a.astype(float) - b.astype(float)


def rates_of(rows: list[np.ndarray]) -> list[Any]:
    """Return the intervals of rates, as those of means and medians."""
    return [paired_rates(row) for row in rows]


CASES: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], Callable[..., Any]]] = {
    "mean, normal": (scores, paired_means),
    "mean, skewed": (skewed, paired_means),
    "mean, heavy tails": (uneven, paired_means),
    "median of latency": (seconds, paired_medians),
    "success": (successes, rates_of),
}


def coverage(name: str, repetitions: int) -> tuple[float, float]:
    """Return the share of intervals that cover EFFECT, and of those that leave out 0."""
    draw, intervals_of = CASES[name]
    covered = told = 0
    for start in range(0, repetitions, BLOCK):
        chance = np.random.default_rng((SEED, start, len(name)))
        rows = [draw(chance) for _ in range(min(BLOCK, repetitions - start))]
        for seen in intervals_of(rows) if intervals_of is rates_of else intervals_of(rows, seed=start):
            covered += seen.low <= EFFECT <= seen.high
            told += not seen.low <= 0 <= seen.high
    return covered / repetitions, told / repetitions


def paired_and_not(repetitions: int) -> tuple[float, float]:
    """Return how often a difference of EFFECT is told pairwise, and by Welch's test on the two heaps.

    Prompts differ by 0.15, either picture of a prompt by 0.07 more.
    """
    from scipy import stats

    chance = np.random.default_rng((SEED, 1))
    prompt = chance.normal(0.5, 0.15, (repetitions, PROMPTS))
    a, b = (prompt + effect + chance.normal(0, 0.07, (repetitions, PROMPTS)) for effect in (EFFECT, 0))
    found = [seen for i in range(0, repetitions, BLOCK) for seen in paired_means(list((a - b)[i : i + BLOCK]))]
    heaps = stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue
    return sum(seen.low > 0 for seen in found) / repetitions, float((heaps < 0.05).mean())


def votes(models: int, count: int) -> tuple[np.ndarray, list[tuple[int, int, float]]]:
    """Return wins by prompt, and single votes, among models of known strength; 15 % are ties."""
    chance = np.random.default_rng((SEED, 2))
    strength = np.linspace(0.8, -0.8, models)
    by_prompt, single = np.zeros((PROMPTS, models, models)), []
    for vote in range(count):
        i, j = (int(one) for one in chance.choice(models, 2, replace=False))
        won = float(chance.random() < 1 / (1 + math.exp(strength[j] - strength[i])))
        won = 0.5 if chance.random() < 0.15 else won
        by_prompt[vote % PROMPTS, i, j] += won
        by_prompt[vote % PROMPTS, j, i] += 1 - won
        single.append((i, j, won))
    return by_prompt, single


def samples(models: int) -> Samples:
    """Return the samples of 100 prompts with success, price, seconds and one score for each of ``models``."""
    chance = np.random.default_rng((SEED, 3))
    found = []
    for prompt in range(PROMPTS):
        for model in range(models):
            numbers = {"success": 1.0, "price_usd": 0.04, "seconds": float(chance.lognormal(1, 0.3))}
            numbers["score_x"] = float(chance.normal(0.5 + 0.01 * model, 0.1))
            found.append(Sample(f'"{model}"', prompt, prompt, prompt, None, numbers, False, ""))
    metrics = [Metric("success", "higher"), Metric("price_usd", "lower", "USD", "median")]
    metrics += [Metric("seconds", "lower", "s", "median"), Metric("score_x", "higher")]
    return Samples("model", [f'"{model}"' for model in range(models)], found, {m.name: m for m in metrics}, "prompt")


def timed(call: Callable[[], Any], runs: int) -> list[float]:
    """Return the seconds of some calls, after one that is not counted."""
    call()
    found = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        found.append(time.perf_counter() - begun)
    return found


def compared_run(runs: int) -> list[float]:
    """Return the seconds of ``run.compare()`` on a stored run of 100 prompts, 5 models and 4 metrics."""
    from PIL import Image

    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine

    with tempfile.TemporaryDirectory() as folder:
        ik.configure(store=folder)
        for number in range(5):

            @ik.register(model=f"me/m{number}", version="1")
            def paint(request: Any, number: int = number) -> Image.Image:
                return Image.new("L", (8, 8), (int(request.prompt.split()[1]) * 2 + number * 3) % 256)

        @ik.register(scorer="light", version="1")
        def light(subject: Any) -> float:
            return float(np.asarray(subject.image.convert("L")).mean())

        vary = {"prompt": [f"p {i}" for i in range(PROMPTS)], "model": [f"me/m{i}" for i in range(5)]}
        run = ik.Experiment(vary=vary, name="compared").run(progress=False).score("light", progress=False)
        found = timed(run.compare, runs)
        close_default_engine()
    return found


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure coverage, power, agreement with choix, and time."""
    import choix

    out = Outcome()
    repetitions, runs = (400, 3) if quick else (REPETITIONS, 10)
    for name in CASES:
        share, told = coverage(name, repetitions)
        off = max(COVERAGE[0] - share, share - COVERAGE[1], 0.0)
        out.figures += [
            Figure(f"{name}: outside of 94-96 % coverage by", "", [off], 0),
            Figure(f"{name}: coverage", "", [share]),
            Figure(f"{name}: told from none", "", [told]),
        ]
    paired, heaps = paired_and_not(repetitions)
    out.figures += [
        Figure(f"missed, paired ({EFFECT} of {PROMPTS} prompts)", "", [1 - paired], 0.2),
        Figure("missed, by Welch's test on the two heaps", "", [1 - heaps]),
    ]
    for count in (100, 300, 1_000, 3_000):
        by_prompt, single = votes(5, count)
        wins = by_prompt.sum(0)
        theirs = choix.ilsr_pairwise_dense(wins, alpha=0)
        apart = abs(fit(wins, prior=0) - (theirs - theirs.mean())).max() * 400 / math.log(10)
        width = bradley_terry(by_prompt, single)
        out.figures += [
            Figure(f"{count} votes: apart from choix", "Elo", [apart], 0.1),
            Figure(f"{count} votes: half width of intervals", "Elo", list((width.high - width.low) / 2)),
        ]
    spent = timed(lambda: bradley_terry(by_prompt, single, resamples=300), runs)
    out.figures.append(Figure("Bradley-Terry of 3,000 votes, 300 resamples", "s", spent, 0.2))
    five = samples(5)
    pairs = [(a, b) for i, a in enumerate(five.values) for b in five.values[i + 1 :]]
    spent = timed(lambda: compared_pairs(five, pairs, list(five.metrics.values())), runs)
    out.figures.append(Figure("intervals of 100 prompts, 5 models, 4 metrics", "s", spent))
    out.figures.append(Figure("run.compare() of as many, stored", "s", compared_run(runs), 1.0))
    return out

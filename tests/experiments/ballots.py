"""Runs to vote on: models whose pictures are all different, and quick to make."""

from __future__ import annotations

import imagegen_kit as ik
from imagegen_kit.errors import ProviderError
from imagegen_kit.experiments.run import Run
from tests.engine.models import model, picture

MODELS = ("zebra/one", "quokka/two")
REFUSED = ProviderError("refused")


def models(*names: str, failing: dict[str, list[int]] | None = None) -> None:
    """Register models; ``failing`` says which calls of one (counted from 0) fail."""
    for number, name in enumerate(names or MODELS):
        failed = (failing or {}).get(name, ())
        steps = [REFUSED if i in failed else picture(1000 * number + i, side=24 + number) for i in range(120)]
        model(name, *steps, price=0.0)


def run_of(prompts: int = 5, names: tuple[str, ...] = MODELS, **given) -> Run:
    """Return a run of these models over so many prompts."""
    vary = {"prompt": [f"prompt {i}" for i in range(prompts)], "model": list(names), **given.pop("vary", {})}
    return ik.Experiment(vary=vary, **{"name": "ballots", **given}).run(progress=False)

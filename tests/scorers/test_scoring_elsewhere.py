"""Scores may be measured by other processes: the numbers, the reasons and what is kept are the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.clusters.ray_data import RayData
from imagegen_kit.clusters.spreading import Here
from imagegen_kit.errors import InvalidInput
from imagegen_kit.hookspecs import ScorerSpec
from imagegen_kit.scorers import Subject

cloudpickle = pytest.importorskip("ray.cloudpickle", reason="the extra ray is not installed")
COUNT = 20


class Light:
    """How light a picture is; it fails at one of them."""

    def score(self, subjects: Sequence[Subject]) -> list[float]:
        found = [float(np.asarray(subject.image.convert("L")).mean()) for subject in subjects]
        if 50 in found:
            raise RuntimeError("fifty is no number")
        return found


LIGHT = ScorerSpec("light", target=Light, version="1", low=0, high=255, unit="levels", better="")


class Sent(Here):
    """Works in this process with copies of everything, as they arrive in another one; stops after ``most`` tasks."""

    def __init__(self, most: int | None = None) -> None:
        self.most, self.done = most, 0

    def spread(self, make: Any, pieces: Any) -> Any:
        copies = cloudpickle.loads(cloudpickle.dumps((make, pieces)))
        for answer in super().spread(*copies):
            if self.done == self.most:
                raise KeyboardInterrupt
            self.done += 1
            yield cloudpickle.loads(cloudpickle.dumps(answer))


@pytest.fixture
def run(tmp_path: Path) -> Any:
    ik.configure(store=tmp_path / "store")

    @ik.register(model="me/grey", version="1", seed=True)
    def grey(request: Any) -> Image.Image:
        return Image.new("L", (32, 32), int(request.prompt))

    prompts = [str(10 * number) for number in range(COUNT)]
    return ik.Experiment(vary={"prompt": prompts}, fixed={"model": "me/grey"}, name="elsewhere").run(progress=False)


def test_an_engine_measures_what_this_process_would_have(run: Any) -> None:
    engine = Sent()
    frame = run.score(LIGHT, "technical", {"diversity": {"by": "model"}}, engine=engine).table()
    told = dict(zip(frame["prompt"], frame["score_light"].astype("float"), strict=True))
    assert {prompt: value for prompt, value in told.items() if prompt != "50"} == {
        str(10 * n): 10.0 * n for n in range(COUNT) if n != 5
    }
    scores = run.scores()
    assert scores.loc[scores["reason"].notna(), "reason"].str.contains("fifty is no number").sum() == 1
    assert frame["score_diversity"].notna().all()
    assert engine.done == 4  # one set, and three tasks of eight pictures
    assert frame["score_technical_blankness"].notna().all()


def test_what_came_back_before_an_interrupt_is_not_measured_again(run: Any) -> None:
    first, second = Sent(2), Sent()
    with pytest.raises(KeyboardInterrupt):
        run.score(LIGHT, engine=first)
    run.score(LIGHT, engine=second)
    assert (first.done, second.done) == (2, 1)  # four that were not reached, and the one that failed
    assert run.table()["score_light"].notna().sum() == COUNT - 1


def test_what_is_no_engine_is_refused(run: Any) -> None:
    with pytest.raises(InvalidInput, match="no engine that takes work in pieces"):
        run.score("technical", engine=object())


@pytest.mark.ray
def test_a_ray_cluster_measures(run: Any) -> None:
    frame = run.score("technical", engine=RayData(actors=2)).table()
    assert frame["score_technical_blankness"].notna().all()

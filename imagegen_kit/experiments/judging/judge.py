"""Judging a run: an experiment of its own, so that cache, budget, journal, resume and Stop hold for it too."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.session import engine_for
from imagegen_kit.experiments.experiment import Experiment
from imagegen_kit.experiments.judging.asking import asked
from imagegen_kit.experiments.judging.controls import EDITS, controls_of, loss
from imagegen_kit.experiments.judging.judgement import Judgement
from imagegen_kit.experiments.judging.pixels import kept, seen
from imagegen_kit.experiments.judging.recording import record
from imagegen_kit.experiments.judging.verdicts import PAIR
from imagegen_kit.experiments.judging.wording import instruction_of, question_of, wording_hash
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.recipes import judge_pair

if TYPE_CHECKING:
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.experiments.judging.chosen import Chosen
    from imagegen_kit.experiments.judging.controls import Control
    from imagegen_kit.experiments.pairing import Contender
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.store import Blobs

ONE_IN, FEWEST, MOST = 5, 6, 24  # control pairs where nothing is said: one in five, within these bounds


def judge_run(
    run: Run, chosen: Chosen, policy: Policy | None, budget_usd: float | None, *, fresh: bool, progress: bool
) -> Judgement:
    """Let the judge that was chosen judge the pairs of ``run``; see ``Run.judge``."""
    engine = engine_for(run._engine)
    looks = _Looks(run, engine.store.blobs)
    controls = chosen.controls
    if controls is None:
        controls = min(MOST, max(FEWEST, math.ceil(len(chosen.pairs) / ONE_IN)))
    judged = {one.request: one for pair in chosen.pairs for one in (pair.left, pair.right)}
    looks.prepare(list(judged.values()))
    known = controls_of(list(judged.values()), controls, chosen.seed, looks.loss_of)
    points = [
        _point(pair.key, PAIR, pair.left, pair.right, looks.of(pair.left), looks.of(pair.right))
        for pair in chosen.pairs
    ]
    points += [_control(number, control, looks) for number, control in enumerate(known, 1)]
    fixed = {
        "model": chosen.judge.id,
        "instruction": instruction_of(chosen.rubric),
        "criteria": list(chosen.rubric.criteria),
        **({} if chosen.temperature is None else {"temperature": chosen.temperature}),
    }
    for point in points:
        point["about"] |= {"judged": run.id, "rubric": str(chosen.rubric), "wording": wording_hash()}
    experiment = Experiment(
        judge_pair, vary=points, fixed=fixed, name=f"judge of {run.name or run.id}", policy=policy,
        budget_usd=budget_usd,
    )  # fmt: skip
    judgement = Judgement(run, asked(experiment, engine, fresh=fresh, progress=progress), chosen)
    record(judgement)
    return judgement


def _point(key: str, kind: str, left: Contender, right: Contender, one: Picture, other: Picture) -> dict[str, Any]:
    about = {"pair": key, "kind": kind, "left": left.request, "right": right.request, "order": left.prompt}
    return {"left": one, "right": other, "question": question_of(left.prompt), "about": about}


def _control(number: int, control: Control, looks: _Looks) -> dict[str, Any]:
    one = control.original
    other = looks.of(control.other) if control.other else looks.edited(one, control.kind)
    return _point(f"control {number} {control.kind}", control.kind, one, control.other or one, looks.of(one), other)


class _Looks:
    """What the judge sees of each picture, made once and stored."""

    def __init__(self, run: Run, blobs: Blobs) -> None:
        self._run, self._blobs = run, blobs
        self._known: dict[str, Picture] = {}

    def prepare(self, found: list[Contender]) -> None:
        """Make what will be asked for, in as many threads as there are cores."""
        distinct = {one.sha256: one for one in found}
        with ThreadPoolExecutor(thread_name_prefix="imagegen-looks") as threads:
            list(threads.map(self.of, distinct.values()))

    def of(self, one: Contender) -> Picture:
        """Return the picture as the judge sees it. Raises StoreError where it is gone."""
        if one.sha256 not in self._known:
            path = self._run._store.blobs.path(one.sha256, one.format)
            stored = Picture(one.sha256, "picture", one.format, path=str(path))
            self._known[one.sha256] = kept(seen(stored.image), self._blobs)
        return self._known[one.sha256]

    def edited(self, one: Contender, kind: str) -> Picture:
        """Return an edited copy of what the judge sees."""
        return kept(EDITS[kind](self.of(one).image), self._blobs)

    def loss_of(self, one: Contender) -> float:
        """Return how much of the picture is lost in a degraded copy, in grey levels."""
        return loss(self.of(one).image)

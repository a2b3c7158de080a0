"""What is to be judged and by whom, with everything that speaks against it told at once, before any money is spent."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.vendors import vendor_of
from imagegen_kit.engine.policy import DEFAULT, Policy
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.contenders import GONE, compared, contenders, doctor_hint, gone_from, label_of
from imagegen_kit.experiments.elsewhere import ELSEWHERE
from imagegen_kit.experiments.judging.rubrics import read_rubric
from imagegen_kit.experiments.pairing import paired
from imagegen_kit.experiments.voting import JUDGE, in_words
from imagegen_kit.providers.accounts import not_ready, origin_of
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import settings
from imagegen_kit.types import SIMULATED

if TYPE_CHECKING:
    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.experiments.judging.rubrics import Rubric
    from imagegen_kit.experiments.pairing import Contender, Pair
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.registry import ResolvedModel

ASK_TWO = 2  # pictures that a judge must be able to look at in one question
_MAKERS = (
    "SELECT DISTINCT r.model, s.model_used FROM requests r JOIN results s ON s.run = r.run AND s.request = r.id "
    "WHERE r.run = ? AND s.replaced = 0 AND r.id IN (SELECT value FROM json_each(?))"
)
_VOTED = "SELECT pair FROM votes WHERE run = ? AND undone_at IS NULL AND rater NOT LIKE ? || '%' GROUP BY pair"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A judgement to be made: who judges what by which rubric. ``temperature`` None: the model takes none."""

    by: str
    judge: ResolvedModel
    rubric: Rubric
    pairs: list[Pair]
    found: list[Contender]
    left_out: Counter[str]
    temperature: float | None
    seed: int
    vendors: dict[str, str]  # of those that are compared, by model
    simulated: bool
    controls: int | None  # None: as many as the pairs ask for

    @property
    def vendor(self) -> str:
        """Who made the judge."""
        return vendor_of_model(self.judge)

    @property
    def rater(self) -> str:
        """The name under which its verdicts are votes."""
        said = "" if self.rubric.hash == read_rubric(None).hash else f" by {self.rubric}"
        return f"{JUDGE}{self.judge.id}{said}" + (" (simulated)" if self.simulated else "")


def vendor_of_model(model: ResolvedModel) -> str:
    """Return who made a model that is installed."""
    return vendor_of(model.id, remote_name=model.spec.remote_name, origin=origin_of(model.provider))


def choose(
    run: Run,
    model: Any,
    by: str | None,
    *,
    rubric: Any,
    pairs: int | None,
    policy: Policy | None,
    controls: int | None,
    allow_same_vendor: bool,
) -> Chosen:
    """Return what is to be judged. Raises InvalidInput with every fault."""
    faults = _number_faults(pairs, controls)
    read, judge = None, None
    try:
        read = read_rubric(rubric)
    except InvalidInput as error:
        faults += error.faults
    try:
        judge = _judge(model, (policy or DEFAULT).clock.now().date())
    except InvalidInput as error:
        faults += error.faults
    if policy is not None and (policy.fallback or policy.placeholder):
        what = "a fallback would judge in the name of another model."
        faults.append(Fault("policy", what, "Leave out fallback and placeholder."))
    every: list[Pair] = []
    try:
        by, found, every, left_out, seed = _pairs(run, by)
    except InvalidInput as error:
        faults += error.faults
    if every and judge is not None:
        vendors = _vendors(run, found)
        family = vendor_of_model(judge)
        same = sorted(name for name, vendor in vendors.items() if vendor == family)
        if same and not allow_same_vendor:
            what = f"{judge.id} and {', '.join(same)} are both of {family}, and judges favour their own family."
            hint = "Take a judge of another vendor, or say allow_same_vendor=True."
            faults.append(Fault("model", what, hint))
    if faults or read is None or judge is None or by is None:
        raise InvalidInput(faults)
    takes = "temperature" in judge.spec.can.options
    return Chosen(
        by, judge, read, _first(run, every, pairs), found, left_out, 0 if takes else None, seed, vendors,
        origin_of(judge.provider).startswith(SIMULATED), controls,
    )  # fmt: skip


def _judge(name: Any, today: date) -> ResolvedModel:
    """Return the model that judges. Raises InvalidInput with all that it cannot do."""
    registry = get_registry()
    if not isinstance(name, str):
        raise InvalidInput([Fault("model", f"{name!r:.60} is no model's name.", "Name one that reads pictures.")])
    model = registry.model(name, today=today)
    spec, faults = model.spec, []
    if spec.kind != "text":
        faults.append(f"{model.id} makes {spec.kind}, and a judge answers in text.")
    elif spec.can.references < ASK_TWO:
        faults.append(f"{model.id} cannot look at two pictures.")
    if spec.kind == "text" and not spec.can.schema:
        faults.append(f"{model.id} cannot answer by a JSON schema.")
    if faults:
        able = [m.id for m in registry.models() if _can_judge(m.spec, today)]
        hint = f"These can: {', '.join(able[:5])}." if able else "No model that is installed can."
        raise InvalidInput([Fault("model", what, hint) for what in faults])
    if (missing := not_ready(model.provider)) and not settings().replay:
        raise InvalidInput([Fault("model", f"{model.id} is not ready.", f"{missing[0].upper()}{missing[1:]}.")])
    return model


def _can_judge(spec: ModelSpec, today: date) -> bool:
    alive = spec.retires_on is None or spec.retires_on > today
    return alive and spec.kind == "text" and spec.can.schema and spec.can.references >= ASK_TWO


def _pairs(run: Run, by: str | None) -> tuple[str, list[Contender], list[Pair], Counter[str], int]:
    """Return every pair of pictures that differ in ``by`` alone. Raises InvalidInput where there is none."""
    run._flush()
    by = compared(run, by)
    found, left_out = contenders(run, by)
    gone = gone_from(run, found)  # seen before anything is paid for
    found = [one for one in found if one.request not in gone]
    seed = int.from_bytes(hashlib.sha256(f"{run.id} {by}".encode()).digest()[:6], "big")
    every, unpaired = paired(found, by, seed)
    left_out = left_out + Counter({GONE: len(gone)}) + unpaired
    if not every:
        why = f"Left out: {in_words(left_out)}.{doctor_hint(left_out)}" if left_out else ""
        raise InvalidInput([Fault("by", f"no two pictures differ in {by} alone, so there is nothing to compare.", why)])
    return by, found, every, left_out, seed


def _first(run: Run, every: list[Pair], most: int | None) -> list[Pair]:
    """Return at most so many pairs, those first that people have voted on, for they tell what the judge is worth.

    In the order of their names, so that votes that come in between do not make it another experiment.
    """
    voted = {key for (key,) in run._store.journal.read(_VOTED, (run._number, JUDGE))}
    ranked = sorted(every, key=lambda pair: pair.key not in voted)  # stable: balanced within both
    return sorted(ranked[:most], key=lambda pair: min(pair.left.request, pair.right.request))


def _vendors(run: Run, found: list[Contender]) -> dict[str, str]:
    """Return who made each model whose pictures are compared, by the model's name."""
    numbers = json.dumps([one.request for one in found])
    names = {name for row in run._store.journal.read(_MAKERS, (run._number, numbers)) for name in row if name}
    names = names - {ELSEWHERE} or {label_of(one.value) for one in found}  # folders are often called like the model
    registry, vendors = get_registry(), {}
    for name in names:
        try:
            model = registry.model(name, today=date.min)
            vendors[model.id] = vendor_of_model(model)
        except InvalidInput:  # made elsewhere, or by a plugin that is not installed here
            vendors[name] = vendor_of(name)
    return vendors


def _number_faults(pairs: object, controls: object) -> list[Fault]:
    faults = []
    if pairs is not None and (type(pairs) is not int or pairs < 1):
        faults.append(Fault("pairs", f"{pairs!r:.40} is not a number of pairs.", "Give 1 or more, or None for all."))
    if controls is not None and (type(controls) is not int or controls < 0):
        hint = "Give 0 or more, or None for one in five."
        faults.append(Fault("controls", f"{controls!r:.40} is not a number of control pairs.", hint))
    return faults

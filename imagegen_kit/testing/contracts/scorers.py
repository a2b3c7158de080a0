"""What every scorer passes: one honest number a picture, the same each time, by nothing but what its spec says."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from imagegen_kit.errors import PluginError
from imagegen_kit.registry.faults import spec_faults
from imagegen_kit.registry.targets import target_of
from imagegen_kit.scorers.base import Subject
from imagegen_kit.testing.contracts import scored
from imagegen_kit.testing.contracts.description import HEAVY, _loaded_by, _odd
from imagegen_kit.types import EMPTY

if TYPE_CHECKING:
    from imagegen_kit.hookspecs import ScorerSpec
    from imagegen_kit.scorers.base import Scorer

OTHERWISE = {"prompt": "something else", "negative_prompt": None, "references": (), "mask": None}
THREADS = 8
# What a new process does: the packages of `needs` are not there, and the scorer is made as a user's options make it.
_MADE_WITHOUT = """
import base64, json, pickle, sys
spec, options, needs = pickle.loads(base64.b64decode(sys.argv[1]))
sys.modules.update(dict.fromkeys(needs))  # None: there is no such module
from imagegen_kit.errors import MissingDependency
from imagegen_kit.registry.targets import target_of
try:
    target_of(spec, "scorer", "under test")(**options)
    said = {"raised": ""}
except MissingDependency as error:
    said = {"raised": "MissingDependency", "install": error.install}
except BaseException as error:
    said = {"raised": f"{type(error).__name__}: {error}"}
print(json.dumps(said))
"""


class ScorerContract:
    """Subclass it, and name an installed scorer in ``scorer``, or write a fixture ``spec`` that returns a ScorerSpec.

    ``options`` are what it is made with. A fixture ``subjects`` returns other example pictures with their requests
    (``Subject``); without it there are six small ones with prompt, references and mask. ``needs`` names the packages,
    as they are imported, that its ``install`` brings. ``ordered`` says of a scorer of sets that its numbers hang on the
    order of the pictures. ``tolerance`` is how far a number may lie apart from itself in other company, in parts of it.
    ``module`` is the entry point's module where it is not the first part of ``target``.
    """

    scorer: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = EMPTY
    needs: ClassVar[tuple[str, ...]] = ()
    ordered: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-4
    module: ClassVar[str] = ""

    @pytest.fixture
    def spec(self) -> ScorerSpec:
        """The spec under test: that of the installed scorer that ``scorer`` names."""
        from imagegen_kit.registry import get_registry

        registry = get_registry()
        if self.scorer not in registry.scorers():
            broken = "; ".join(str(r) for r in registry.plugins() if r.broken)
            pytest.fail(
                f"no installed scorer is called {self.scorer!r} (there are {', '.join(registry.scorers())}). Set "
                f"`scorer`, or write a fixture `spec`; `pip install -e .` installs yours. {broken}".strip()
            )
        return registry.scorer(self.scorer)

    @pytest.fixture
    def subject(self, spec: ScorerSpec) -> Scorer:
        """The scorer under test, made with ``options``."""
        return self.make(spec)

    @pytest.fixture
    def subjects(self) -> Sequence[Subject]:
        """Example pictures with their requests."""
        return [scored.subject_of(*example) for example in scored.examples()]

    def make(self, spec: ScorerSpec) -> Scorer:
        """Return the scorer, made anew."""
        try:
            made: Scorer = target_of(spec, "scorer", "under test")(**self.options)
        except PluginError as error:
            pytest.fail(error.message)
        assert callable(getattr(made, "score", None)), f"{type(made).__name__} has no method `score(subjects)`"
        return made

    def ask(self, subject: Scorer, spec: ScorerSpec, subjects: Sequence[Subject]) -> list[Any]:
        """Return the scorer's answers about ``subjects``, shown as the spec says."""
        answers = subject.score(scored.seen(subjects, spec))
        assert isinstance(answers, Sequence) and not isinstance(answers, (str, Mapping)), (  # noqa: PT018
            f"score() returned a {type(answers).__name__}: return a list, one answer a subject"
        )
        assert len(answers) == len(subjects), f"{len(answers)} answers came about {len(subjects)} pictures"
        return list(answers)

    def test_the_spec_is_faultless_data(self, spec: ScorerSpec) -> None:
        """A spec is immutable plain data that the registry takes, with a card, and a version to cache by."""
        assert not (faults := spec_faults(spec)), "mend the spec: " + " ".join(map(str, faults))
        names = [name for name in spec.__dataclass_fields__ if name != "target"]
        odd = [where for name in names for where in _odd(getattr(spec, name), name)]
        assert not odd, f"not plain data in the spec: {', '.join(odd)}. Name it in `target` and load it there."
        without = [column for column, measure in spec.columns.items() if len(spec.columns) > 1 and not measure.card]
        assert spec.card.strip(), "no card says what it measures: give ScorerSpec.card a sentence"
        assert not without, f"no card says what {', '.join(without)} are: give each Measure a sentence"
        assert spec.version, 'without a version nothing is cached: give ScorerSpec.version="1", and raise it on changes'

    def test_importing_the_plugin_loads_nothing_heavy(self, spec: ScorerSpec) -> None:
        """Every session imports every plugin, so its module imports no model and no big package."""
        module = self.module or (
            spec.target.partition(".")[0].partition(":")[0] if isinstance(spec.target, str) else ""
        )
        if not module or importlib.util.find_spec(module) is None:
            pytest.skip("the plugin's module cannot be imported by name; set `module`")
        heavy = sorted(_new_modules(module) & set(HEAVY))
        assert not heavy, f"importing {module} loads {', '.join(heavy)}: import that in the module that `target` names"

    def test_a_missing_package_is_told_with_the_command(self, spec: ScorerSpec) -> None:
        """Making it where a package of ``needs`` is not installed raises MissingDependency, at once."""
        assert self.needs or not spec.install, (
            f"`install` is {spec.install!r}: name in `needs` which packages it brings"
        )
        if not self.needs or not isinstance(spec.target, str):
            pytest.skip("it needs no further package" if not self.needs else "its `target` is no dotted name")
        given = base64.b64encode(pickle.dumps((spec, dict(self.options), self.needs))).decode()
        said = _in_a_new_process(_MADE_WITHOUT, given)
        wanted = "import them where the scorer is made, and raise imagegen_kit.errors.MissingDependency"
        became = f"raised {said['raised']}" if said["raised"] else "went well"
        assert said["raised"] == "MissingDependency", f"without {', '.join(self.needs)} making it {became}: {wanted}"
        assert "pip install" in said["install"], f"{said['install']!r} is no command that installs it: {wanted}"

    def test_it_gives_one_answer_a_picture(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """A list with one answer for each picture, and a number for some of them."""
        found = [scored.read(spec, answer) for answer in self.ask(subject, spec, subjects)]
        assert any(m.value is not None for one in found for m in one.values()), (
            f"no example has a number ({next(iter(found[0].values())).reason}): return in `subjects` ones that have"
        )

    def test_numbers_lie_in_the_declared_range(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """Every number is finite and between ``low`` and ``high``; where there is none, a reason says why."""
        for place, answer in enumerate(self.ask(subject, spec, subjects)):
            scored.in_range(spec, scored.read(spec, answer), f"example {place}")

    def test_what_is_not_there_is_a_reason(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """A request without prompt, references and mask raises nothing: it has numbers, or reasons."""
        bare = [scored.with_request(s, prompt="", negative_prompt=None, references=(), mask=None) for s in subjects]
        nothing = [Subject(s.picture) for s in subjects]  # a picture made elsewhere has no request at all
        for given, what in ((bare, "a bare request"), (nothing, "no request")):
            for answer in self.ask(subject, spec, given):
                scored.in_range(spec, scored.read(spec, answer), f"a picture with {what}")

    @pytest.mark.parametrize("odd", scored.ODD)
    def test_odd_pictures_raise_nothing(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject], odd: str
    ) -> None:
        """Blank, of one pixel, transparent, grey, a strip: each has a number, or a reason why not."""
        one = scored.subject_of(scored.odd_picture(odd), scored.examples()[0][1])
        others = subjects[:2]
        for given in ([one], [*others, one]):
            answer = self.ask(subject, spec, given)[-1]
            scored.in_range(spec, scored.read(spec, answer), f"a picture that is {odd}")

    def test_the_same_picture_has_the_same_number(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """Today and tomorrow: asked again, and of a scorer that is made anew."""
        first = scored.values(spec, self.ask(subject, spec, subjects))
        again = scored.values(spec, self.ask(subject, spec, subjects))
        anew = scored.values(spec, self.ask(self.make(spec), spec, subjects))
        assert scored.apart(first, again) <= 1e-9, "the numbers change from call to call: seed what draws lots"
        assert scored.apart(first, anew) <= 1e-9, "the numbers change from one object to the next"

    def test_the_company_changes_no_number(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """A picture's number is its own, alone and among others, and a set's the same in whatever order."""
        if spec.scope == "set" and self.ordered:
            pytest.skip("its numbers hang on the order of the pictures")
        together = scored.values(spec, self.ask(subject, spec, subjects))
        turned = scored.values(spec, self.ask(subject, spec, subjects[::-1]))
        assert scored.apart(together, turned[::-1]) <= self.tolerance, (
            "the order changes the numbers: return one answer a picture in the order they came, and use no place"
        )
        if spec.scope == "picture":
            alone = [number for one in subjects for number in scored.values(spec, self.ask(subject, spec, [one]))]
            assert scored.apart(together, alone) <= self.tolerance, "the rest of the batch changes a picture's number"

    def test_the_pictures_stay_as_they_were(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """They are shared with other scorers: whoever draws on one, or resizes it, takes a copy."""
        shown = scored.seen(subjects, spec)
        before = [(s.image.tobytes(), s.image.size, s.rgb.tobytes(), s.picture.bytes) for s in shown]
        subject.score(shown)
        after = [(s.image.tobytes(), s.image.size, s.rgb.tobytes(), s.picture.bytes) for s in shown]
        assert after == before, "score() has changed a picture: work on subject.image.copy()"

    def test_it_reads_only_what_it_declares(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """Scores are cached by what ``reads`` names, so nothing else of a request may count, nor may its labels."""
        shown = [
            scored.Watched(s.picture, s._request, labels=s.labels).seen_by(spec.reads, spec.name) for s in subjects
        ]
        try:
            first = scored.values(spec, subject.score(shown))
        except PluginError as error:
            pytest.fail(error.message)
        looked = sorted({name for one in shown for name in one.undeclared})
        assert not looked, (
            f"it looks at {', '.join(looked)}, which `reads` does not name: write reads={tuple(looked)!r}"
        )
        changes = {name: value for name, value in OTHERWISE.items() if name not in spec.reads}
        others = [scored.with_request(s, labels={"seed": 99, "model": "another"}, **changes) for s in subjects]
        again = scored.values(spec, self.ask(subject, spec, others))
        what = ", ".join(["labels", *changes])
        assert scored.apart(first, again) <= self.tolerance, f"with other {what} it gives other numbers: it may not"

    def test_what_it_tells_beside_is_plain(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """Reason and feature are texts, and the details come back from JSON as they went in."""
        feature = getattr(subject, "feature", "")
        assert isinstance(feature, str), f"`feature` is a {type(feature).__name__}, not a text"
        for answer in self.ask(subject, spec, subjects):
            for m in scored.read(spec, answer).values():
                assert isinstance(m.reason, str), f"the reason {m.reason!r} is no text"
                assert isinstance(m.feature, str), f"the feature {m.feature!r} is no text"
                assert isinstance(m.details, Mapping), f"the details are a {type(m.details).__name__}, not a mapping"
                try:
                    back = scored.as_json(dict(m.details))
                except (TypeError, ValueError) as error:
                    pytest.fail(
                        f"JSON cannot hold the details {m.details!r}: {error}. Use lists, texts and plain numbers"
                    )
                assert back == dict(m.details), f"the details {m.details!r} come back from JSON as {back!r}"

    def test_threads_get_their_own_answers(
        self, spec: ScorerSpec, subject: Scorer, subjects: Sequence[Subject]
    ) -> None:
        """Eight calls at once give what the same calls give one after the other."""
        sets = [subjects] * THREADS if spec.scope == "set" else [[one] for one in subjects] * 3
        sets = [part[: len(part) - n % 2] or part for n, part in enumerate(sets)]  # of sets, two different ones
        alone = {part: scored.values(spec, self.ask(subject, spec, part)) for part in dict.fromkeys(map(tuple, sets))}
        wanted = [alone[tuple(part)] for part in sets]
        with ThreadPoolExecutor(THREADS) as threads:
            found = list(threads.map(lambda part: scored.values(spec, self.ask(subject, spec, part)), sets))
        apart = max(scored.apart(one, other) for one, other in zip(wanted, found, strict=True))
        assert apart <= self.tolerance, "threads change each other's numbers: keep nothing of a call in the object"


@cache
def _new_modules(module: str) -> frozenset[str]:
    """Return what importing ``module`` loads beside what importing ``imagegen_kit.scorers`` loads."""
    return _loaded_by(f"import {module}") - _loaded_by("import imagegen_kit.scorers")


def _in_a_new_process(program: str, *arguments: str) -> Any:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, f"a new process failed: {done.stderr.strip().splitlines()[-1:]}"
    return json.loads(done.stdout.splitlines()[-1])

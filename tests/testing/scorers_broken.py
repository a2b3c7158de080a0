"""Sound scorers that somebody else may have written, and ones that are broken in one way each.

Collected only by ``test_contract_scorers.py``; ``Test_x`` has to fail the check ``x`` of the contract.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from imagegen_kit.scorers import Answer, Measure, Measurement, ScorerSpec, Subject
from imagegen_kit.testing.contracts import ScorerContract

HERE = "tests.testing.scorers_broken"
SPEC = ScorerSpec("redness", target=f"{HERE}:Redness", low=0.0, high=1.0, card="How red a picture is.")
_made = itertools.count()


class Redness:
    """The mean of the red channel, from 0 to 1."""

    feature: Any = "red channel"

    def score(self, subjects: Sequence[Subject]) -> Any:
        return [self.one(subject) for subject in subjects]

    def one(self, subject: Subject) -> Any:
        return float(subject.rgb[..., 0].mean()) / 255


class Needing(Redness):
    """Needs a package when it is made."""

    def __init__(self) -> None:
        import yaml  # noqa: F401  # that is the whole use of it


def needing_politely() -> Needing:
    try:
        return Needing()
    except ImportError as error:
        from imagegen_kit.errors import MissingDependency

        raise MissingDependency("scorer 'redness'", "pyyaml", "pip install pyyaml") from error


class OfRedness(ScorerContract):
    """``broken`` is the class, ``more`` what else its spec says."""

    broken: Any = f"{HERE}:Redness"
    more: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def spec(self) -> ScorerSpec:
        return replace(SPEC, target=type(self).broken, **self.more)


class TestSound(OfRedness):
    module = "imagegen_kit.hookspecs"


class TestSoundNeedingAPackage(OfRedness):
    broken = f"{HERE}:needing_politely"
    needs = ("yaml",)
    module = "imagegen_kit.hookspecs"


PAIR = (Measure("warm", card="Red.", low=0.0), Measure("cold", card="Blue.", better="lower"))


class TestSoundOfTwoMeasures(OfRedness):
    more = {"measures": PAIR, "reads": ("prompt",)}

    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            if "kite" not in subject.prompt:
                return Measurement(None, "no kite was asked for")
            warm = Measurement(super().one(subject), details={"words": subject.prompt.split()})
            return {"warm": warm, "cold": Measurement(None, "not looked at")}


class TestSoundOfSets(OfRedness):
    more = {"scope": "set", "high": None}

    class broken(Redness):
        def score(self, subjects: Sequence[Subject]) -> list[Answer]:
            reds = [super(type(self), self).one(s) for s in subjects]
            return [float(np.mean(reds))] * len(reds)


class TestSoundOfSequences(OfRedness):
    more = {"scope": "set"}
    ordered = True

    class broken(Redness):
        def score(self, subjects: Sequence[Subject]) -> list[Answer]:
            return [n / len(subjects) for n in range(len(subjects))]


# what it says of itself


class Test_the_spec_is_faultless_data(OfRedness):
    more = {"card": " "}


class Test_importing_the_plugin_loads_nothing_heavy(OfRedness):
    module = "imagegen_kit.retrieval.embedders.offline"


class Test_a_missing_package_is_told_with_the_command(OfRedness):
    broken = f"{HERE}:Needing"
    needs = ("yaml",)


# its numbers


class Test_it_gives_one_answer_a_picture(OfRedness):
    class broken(Redness):
        def score(self, subjects: Sequence[Subject]) -> list[Answer]:
            return [Measurement(None, "not today")] * len(subjects)


class Test_numbers_lie_in_the_declared_range(OfRedness):
    more = {"reads": ("prompt",)}

    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return super().one(subject) * (100 if "fox" in subject.prompt else 1)


class Test_what_is_not_there_is_a_reason(OfRedness):
    more = {"reads": ("prompt",)}

    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return super().one(subject) if subject.prompt.split() else Measurement(None)


class Test_odd_pictures_raise_nothing(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            inner = subject.rgb[1:-1, 1:-1, 0]
            return float(inner.mean()) / 255 if inner.size else 1 / 0


class Test_the_same_picture_has_the_same_number(OfRedness):
    class broken(Redness):
        def __init__(self) -> None:
            self.mood = 1 / (2 + next(_made))

        def one(self, subject: Subject) -> Any:
            return super().one(subject) * self.mood


class Test_the_company_changes_no_number(OfRedness):
    class broken(Redness):
        """Stretched between the least and the most of the batch."""

        def score(self, subjects: Sequence[Subject]) -> list[Answer]:
            reds = np.array([self.one(s) for s in subjects])
            return list((reds - reds.min()) / max(1e-6, float(np.ptp(reds))))


class Test_the_pictures_stay_as_they_were(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            subject.image.putpixel((0, 0), subject.image.getpixel((0, 0)))
            subject.image.thumbnail((48, 48))
            return super().one(subject)


class Test_it_reads_only_what_it_declares(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            try:
                return 1.0 if "kite" in subject.prompt else 0.0
            except Exception:
                return super().one(subject)


class Test_what_it_tells_beside_is_plain(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return Measurement(super().one(subject), details={"means": subject.rgb.mean(axis=(0, 1))})


class Test_threads_get_their_own_answers(OfRedness):
    class broken(Redness):
        """Keeps what it is asked in one place for all threads."""

        def score(self, subjects: Sequence[Subject]) -> list[Answer]:
            self.subjects = subjects
            time.sleep(0.005)  # in which others come
            return [self.one(subject) for subject in self.subjects]


# other ways to fail a check; ``test_contract_scorers`` says which check and in which words


class TestTooFew(OfRedness):
    class broken(Redness):
        def score(self, subjects: Sequence[Subject]) -> list[Answer]:
            return [self.one(subject) for subject in subjects[:5]]


class TestMappingOfPictures(OfRedness):
    class broken(Redness):
        def score(self, subjects: Sequence[Subject]) -> Any:
            return dict(enumerate(super().score(subjects)))


class TestUndeclaredMeasure(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return {"": super().one(subject), "blue": 0.5}


class TestLackingMeasure(OfRedness):
    more = {"measures": PAIR}

    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return {"warm": super().one(subject)}


class TestYesOrNo(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return super().one(subject) > 0.5


class TestNotANumber(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return float("nan")


class TestByTheModelsName(OfRedness):
    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return 1.0 if subject.labels.get("model") == "another" else super().one(subject)


class TestOverTheBack(OfRedness):
    class broken(Redness):
        """Goes around the guard."""

        def one(self, subject: Subject) -> Any:
            return 1.0 if getattr(subject._request, "negative_prompt", None) else 0.0


class TestMisspelt(OfRedness):
    broken = f"{HERE}:Rednes"


class TestNoScore(OfRedness):
    class broken:
        pass


class TestNoVersion(OfRedness):
    more = {"version": None}


class TestMeasureWithoutACard(OfRedness):
    more = {"measures": (replace(PAIR[0], card=""), PAIR[1])}

    class broken(Redness):
        def one(self, subject: Subject) -> Any:
            return dict.fromkeys(("warm", "cold"), super().one(subject))


class TestSilentAboutWhatItNeeds(OfRedness):
    more = {"install": "pip install pyyaml"}


class TestMadeWithoutLooking(OfRedness):
    """Says that it needs a package, and is made without it."""

    needs = ("yaml",)


class TestFeatureNoText(OfRedness):
    class broken(Redness):
        feature = 3


class TestTurnedSets(OfRedness):
    more = {"scope": "set"}

    class broken(Redness):
        """A set's first picture is another than the rest, and nobody says that the order counts."""

        def score(self, subjects: Sequence[Subject]) -> list[Answer]:
            return [n / len(subjects) for n in range(len(subjects))]

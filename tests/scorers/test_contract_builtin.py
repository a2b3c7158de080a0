"""Every scorer of the kit that needs no weights and asks no service keeps the contract that plugins are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imagegen_kit.errors import MissingDependency
from imagegen_kit.registry import get_registry
from imagegen_kit.registry.targets import target_of
from imagegen_kit.scorers import ScorerSpec
from imagegen_kit.scorers.plugin import imagegen_scorers
from imagegen_kit.testing.contracts import ScorerContract
from imagegen_kit.testing.contracts.scored import examples as example_pictures
from imagegen_kit.testing.contracts.scored import subject_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.scorers.base import Subject

WITH_WEIGHTS = {"aesthetic", "clip_score", "identity", "preference"}  # test_with_weights holds them to it
ASKS_A_SERVICE = {"judge"}
HANGS_ON_THE_ORDER = {"consistency", "coherence"}  # the drift over a sequence; each picture beside the one before it
SLOW = {"legibility", "presence"}  # half a second a picture: three examples show as much as six
# What the extra `metrics` brings, and so the `install` of those that measure with it.
METRICS = ("skimage", "imagehash", "scipy", "pywt", "networkx", "tifffile", "lazy_loader", "imageio")
OWN = [s for s in imagegen_scorers() if s.name not in WITH_WEIGHTS | ASKS_A_SERVICE]


@pytest.mark.parametrize("given", OWN, ids=lambda spec: spec.name)
class TestBuiltIn(ScorerContract):
    module = "imagegen_kit.scorers.plugin"
    needs = METRICS

    @pytest.fixture
    def spec(self, given: ScorerSpec) -> ScorerSpec:
        self.ordered = given.name in HANGS_ON_THE_ORDER  # type: ignore[misc]  # of this object, not of the class
        if not given.install:
            self.needs = ()  # type: ignore[misc]
        try:
            target_of(given, "scorer", "the kit")(**self.options)
        except MissingDependency as error:  # a program of the machine, which may not be there
            pytest.skip(error.message)
        return given

    @pytest.fixture
    def subjects(self, given: ScorerSpec) -> Sequence[Subject]:
        examples = [subject_of(*example) for example in example_pictures()]
        return examples[:3] if given.name in SLOW else examples


def test_the_kit_offers_each_of_its_scorers_by_name() -> None:
    assert {spec.name for spec in imagegen_scorers()} <= set(get_registry().scorers())
    assert set(get_registry().scorers()) >= WITH_WEIGHTS

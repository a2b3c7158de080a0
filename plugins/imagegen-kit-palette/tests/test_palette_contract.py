"""The plugin keeps the contracts that every retriever and every scorer is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagegen_kit_palette import imagegen_scorers
from imagegen_kit_palette.retriever import PaletteRetriever

from imagegen_kit.scorers import ScorerSpec
from imagegen_kit.testing.contracts import RetrieverContract, ScorerContract

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Retriever


class TestPalette(RetrieverContract):
    retriever = "palette"

    @pytest.fixture
    def subject(self) -> Retriever:
        return PaletteRetriever()


class TestScorer(ScorerContract):
    scorer = "palette"

    @pytest.fixture
    def spec(self) -> ScorerSpec:
        (found,) = imagegen_scorers()
        return found

"""The plugin keeps the contract that every retriever is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagegen_kit_palette.retriever import PaletteRetriever

from imagegen_kit.testing.contracts import RetrieverContract

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Retriever


class TestPalette(RetrieverContract):
    retriever = "palette"

    @pytest.fixture
    def subject(self) -> Retriever:
        return PaletteRetriever()

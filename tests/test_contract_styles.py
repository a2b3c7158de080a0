"""Every shipped style passes the contract that plugins' styles are held to."""

from __future__ import annotations

import pytest

from imagegen_kit.prompts.styles import imagegen_styles
from imagegen_kit.testing.contracts import StyleContract
from imagegen_kit.types import Style

SHIPPED = imagegen_styles()


class TestShippedStyles(StyleContract):
    @pytest.fixture(params=SHIPPED, ids=lambda style: style.name)
    def subject(self, request: pytest.FixtureRequest) -> Style:
        style: Style = request.param
        return style

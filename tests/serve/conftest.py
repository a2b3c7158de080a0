"""Every test of the service has a registry of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _models_of_this_test(own_registry: None) -> None:
    """Models that a test registers are gone after it."""

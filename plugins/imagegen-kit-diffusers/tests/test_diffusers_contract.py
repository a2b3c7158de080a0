"""The provider passes what every provider passes, with a pipeline of random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagegen_kit_diffusers import imagegen_providers

from imagegen_kit.registry import reset_registry
from imagegen_kit.testing.contracts import ProviderContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagegen_kit.providers import ProviderSpec


class TestDiffusers(ProviderContract):
    provider = "diffusers"
    models = ("tiny",)
    options = {"steps": 3, "guidance": 2.0, "strength": 0.5}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def spec(self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderSpec]:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "models.yaml").write_text(
            f"models:\n  tiny: {{source: {tiny}, steps: 2, default_side: 64, max_side: 96, card: A tiny test model.}}\n"
        )
        self.settings = {
            "IMAGEGEN_DIFFUSERS_MODELS": str(tmp_path / "models.yaml"),
            "IMAGEGEN_DIFFUSERS_DEVICE": "cpu",
            "IMAGEGEN_DIFFUSERS_BATCH": "1",  # in batches a colour may differ by 1 of 255: see test_diffusers.py
        }
        for name, value in self.settings.items():
            monkeypatch.setenv(name, value)
        reset_registry()
        yield imagegen_providers()[0]
        reset_registry()

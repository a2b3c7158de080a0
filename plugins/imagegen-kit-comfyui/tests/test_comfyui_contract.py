"""The provider passes what every provider passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imagegen_kit.registry import reset_registry
from imagegen_kit.testing.contracts import ProviderContract
from imagegen_kit.testing.simulators.comfyui import ComfyUISimulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TestComfyUI(ProviderContract):
    provider = "comfyui"
    models = ("text-to-image",)  # the other one draws nothing without a reference
    options = {"checkpoint": "sd_xl_base_1.0.safetensors", "steps": 5, "cfg": 3.5, "sampler": "heun"}  # noqa: RUF012
    size = (64, 64)

    @pytest.fixture(autouse=True)
    def _own_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.chdir(tmp_path)
        reset_registry()
        yield
        reset_registry()

    @pytest.fixture
    def simulator(self) -> Iterator[ComfyUISimulator]:
        with ComfyUISimulator() as sim:
            yield sim

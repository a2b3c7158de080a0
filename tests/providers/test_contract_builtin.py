"""Every built-in provider passes the contract that plugins are held to, over real HTTP where it calls a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from imagegen_kit.catalog.job_api import shipped_job_apis
from imagegen_kit.testing.contracts import ProviderContract
from imagegen_kit.testing.simulators.gemini import GeminiSimulator
from imagegen_kit.testing.simulators.job_api import OWN, JobApiSimulator
from imagegen_kit.testing.simulators.openai import OpenAISimulator
from imagegen_kit.testing.simulators.vertex import VertexSimulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.catalog.job_api import JobApi

# These services give a refused prompt, or a refused picture, the same answer as any other failure.
SAYS_NOT_WHY = {
    "a1111": ("blocked_before", "blocked_after"),
    "banana": ("blocked_before", "blocked_after"),
    "kie": ("blocked_before", "blocked_after"),
    "nanobanana": ("blocked_before", "blocked_after"),
    "nanobananaapi": ("blocked_after",),
    "openai-compatible": (),
    "replicate": ("blocked_before", "blocked_after"),
    "wavespeed": ("blocked_before",),
}


class TestOffline(ProviderContract):
    provider = "offline"
    module = "imagegen_kit.providers.offline.plugin"
    size = (96, 64)


class TestGemini(ProviderContract):
    provider = "gemini"
    module = "imagegen_kit.providers.gemini.plugin"

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[GeminiSimulator]:
        with GeminiSimulator() as running:
            yield running


class TestVertex(ProviderContract):
    provider = "vertex"
    module = "imagegen_kit.providers.gemini.plugin"
    settings: ClassVar = {"GOOGLE_CLOUD_PROJECT": "my-project", "GOOGLE_CLOUD_LOCATION": "global"}

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[VertexSimulator]:
        with VertexSimulator() as running:
            yield running


class TestOpenAI(ProviderContract):
    provider = "openai"
    module = "imagegen_kit.providers.openai.plugin"

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[OpenAISimulator]:
        with OpenAISimulator() as running:
            yield running


class JobApiContract(ProviderContract):
    module = "imagegen_kit.providers.job_api.plugin"
    service: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[JobApiSimulator]:
        with JobApiSimulator(cls.service, polls=1) as running:
            yield running


def contract_of(name: str, api: JobApi) -> type[JobApiContract]:
    """Return the contract of one service as a class, as if it were written down."""
    left_out = {*SAYS_NOT_WHY.get(name, ()), *(OWN if api.poll is None else ())}
    faults = tuple(mode for mode in JobApiSimulator.modes if mode not in left_out)
    said = {"service": name, "provider": name, "faults": faults}
    return type(f"Test_{name}", (JobApiContract,), {**said, "__module__": __name__})


for name, api in shipped_job_apis().items():
    globals()[f"Test_{name.replace('-', '_')}"] = contract_of(name, api)

"""Every built-in provider passes the contract that plugins are held to, over real HTTP where it calls a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from imagegen_kit.catalog.job_api import shipped_job_apis
from imagegen_kit.testing.contracts import ProviderContract
from imagegen_kit.testing.simulators.gemini import GeminiSimulator
from imagegen_kit.testing.simulators.job_api import JobApiSimulator

if TYPE_CHECKING:
    from collections.abc import Iterator

# These services give a refused prompt the same answer as any other failed job.
REFUSES_WITHOUT_A_WORD = ("banana",)


class TestOffline(ProviderContract):
    provider = "offline"
    size = (96, 64)


class TestGemini(ProviderContract):
    provider = "gemini"

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[GeminiSimulator]:
        with GeminiSimulator() as running:
            yield running


class JobApiContract(ProviderContract):
    service: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Iterator[JobApiSimulator]:
        with JobApiSimulator(cls.service, polls=1) as running:
            yield running


for name in shipped_job_apis():  # one class for each service, as if it were written down
    unsaid = ("blocked_before", "blocked_after") if name in REFUSES_WITHOUT_A_WORD else ()
    faults = tuple(mode for mode in JobApiSimulator.modes if mode not in unsaid)
    words = "".join(part.capitalize() for part in name.split("-"))
    globals()[f"Test{words}"] = type(
        f"Test{words}", (JobApiContract,), {"service": name, "provider": name, "faults": faults, "__module__": __name__}
    )

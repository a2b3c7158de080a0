"""What the author of a provider says of it, and the fixtures that all checks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from imagegen_kit.testing.contracts.trial import Trial
from imagegen_kit.types import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.testing.simulators.server import Simulator


class Subject:
    """The provider under test. Name an installed one in ``provider``, or write a fixture ``spec``."""

    provider: ClassVar[str] = ""
    models: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[Mapping[str, Any]] = EMPTY
    settings: ClassVar[Mapping[str, str]] = EMPTY
    size: ClassVar[Any] = None
    deterministic: ClassVar[bool] = True
    faults: ClassVar[tuple[str, ...] | None] = None

    @pytest.fixture
    def spec(self) -> ProviderSpec:
        """The provider's spec: that of the installed provider that ``provider`` names."""
        from imagegen_kit.registry import get_registry

        registry = get_registry()
        found = {m.provider.name: m.provider for m in registry.models()}
        if self.provider not in found:
            broken = "; ".join(str(r) for r in registry.plugins() if r.broken)
            pytest.fail(
                f"no installed provider is called {self.provider!r} (there are {', '.join(found)}). Set `provider`, "
                f"or write a fixture `spec`; `pip install -e .` installs yours. {broken}".strip()
            )
        return found[self.provider]

    @pytest.fixture
    def simulator(self) -> Simulator | None:
        """The running simulator of the service, or None for a provider that works on this machine."""
        return None

    @pytest.fixture
    def trial(self, spec: ProviderSpec, simulator: Simulator | None) -> Iterator[Trial]:
        """The provider on trial."""
        if simulator is not None:
            simulator.ledger.clear()
            simulator.broken.clear()
        found = Trial(spec, simulator, self.settings, self.models, self.size)
        found.target()  # one that does not load is told once, and clearly, before any check
        if simulator is not None:
            found.drain()
        yield found
        found.close()
        if simulator is not None and simulator.broken:
            lines = simulator.broken[-1].rstrip().splitlines()
            where = next((line.strip() for line in reversed(lines) if line.startswith("  File ")), "")
            pytest.fail(
                f"`simulator.broken` is not empty, {where}. The simulator itself broke: {lines[-1]}", pytrace=False
            )

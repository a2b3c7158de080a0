"""The scorers that come with the kit, offered as any plugin offers its own."""

from __future__ import annotations

from imagegen_kit.hookspecs import ScorerSpec, hookimpl


@hookimpl
def imagegen_scorers() -> list[ScorerSpec]:
    """Offer the scorers of the kit; each is loaded when it is first asked for."""
    return []

"""The simulated Gemini Developer API: ``generateContent``, its stream, and the Interactions API, with an API key."""

from __future__ import annotations

from typing import Any, ClassVar

from starlette.routing import Route

from imagegen_kit.testing.simulators.google import GoogleSimulator
from imagegen_kit.testing.simulators.google_interactions import Interactions


class GeminiSimulator(GoogleSimulator):
    """Google's image, text and video models as an API key reaches them. Set ``base_url`` without a version."""

    name: ClassVar[str] = "gemini"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._interactions = Interactions(self)

    def routes(self) -> list[Route]:
        """Return the routes, under v1 and v1beta alike."""
        found = []
        for version in ("/v1", "/v1beta"):
            model = f"{version}/models/{{model}}"
            found += [
                Route(f"{model}:generateContent", self.guarded(self.generate_content), methods=["POST"]),
                Route(f"{model}:streamGenerateContent", self.guarded(self.stream_generate_content), methods=["POST"]),
                *self._interactions.routes(version),
            ]
        return found

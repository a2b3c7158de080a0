"""A workflow in ComfyUI's API format, and where the parts of a request go in it."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit import providers as kit

if TYPE_CHECKING:
    from collections.abc import Sequence

Graph = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """One input of one node."""

    node: str
    input: str

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read "6.text". Raises ValueError for anything else."""
        node, dot, name = text.partition(".")
        if not (dot and node.strip() and name.strip()):
            raise ValueError(f"{text!r} is no place; write the node's id, a dot and the input's name, such as 6.text")
        return cls(node.strip(), name.strip())

    def __str__(self) -> str:
        return f"{self.node}.{self.input}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a request goes: None (or nothing) where the workflow has no place for that part.

    ``output`` is the node whose pictures are the answer; ``options`` hold a place and a sentence about each.
    """

    prompt: Place
    output: str
    negative_prompt: Place | None = None
    seed: Place | None = None
    width: Place | None = None
    height: Place | None = None
    references: tuple[Place, ...] = ()
    mask: Place | None = None
    options: Mapping[str, tuple[Place, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A checked workflow. ``default_side`` None takes the workflow's own size for ratios that are asked for."""

    name: str
    graph: Graph
    places: Places
    card: str = ""
    default_side: int | None = None
    max_side: int | None = None
    timeout_s: float = 600.0
    typical_seconds: float | None = None

    def spec(self) -> kit.ModelSpec:
        """Return the model: what it can do is what has a place."""
        places = self.places
        can = kit.Capabilities(
            seed=places.seed is not None,
            negative_prompt=places.negative_prompt is not None,
            references=len(places.references),
            min_references=len(places.references),
            mask=places.mask is not None,
            multiple_of=8 if places.width else 1,  # the pixels of one latent
            max_side=self.max_side,
            default_side=self.side,
            options={name: about for name, (_, about) in places.options.items()},
            resumable=True,
        )
        return kit.ModelSpec(
            self.name,
            can=can,
            api="prompt",
            card=self.card or f"The ComfyUI workflow {self.name}.",
            price=kit.Price(0.0, source="drawn on your own server"),
            timeout_s=self.timeout_s,
            typical_seconds=self.typical_seconds,
            concurrency=2,  # a server draws one after the other; the second waits while the first is fetched
        )

    @property
    def side(self) -> int:
        """The side in pixels of the square that has the area of the workflow's own size."""
        if self.default_side is None and self.places.width and self.places.height:
            width, height = self.value(self.places.width), self.value(self.places.height)
            if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0:
                return max(8, round(math.sqrt(width * height) / 8) * 8)
        return self.default_side or 1024

    def value(self, place: Place) -> Any:
        """Return what the workflow itself holds at ``place``."""
        return self.graph[place.node]["inputs"][place.input]

    def filled(
        self, request: kit.ImageRequest, *, seed: int | None, references: Sequence[str] = (), mask: str | None = None
    ) -> dict[str, dict[str, Any]]:
        """Return a copy of the graph with the request in it; pictures are given by their names on the server.

        What the request does not name stays as the workflow has it.
        """
        places = self.places
        values: list[tuple[Place | None, Any]] = [
            (places.prompt, request.prompt),
            (places.negative_prompt, request.negative_prompt),
            (places.seed, seed),
            (places.mask, mask),
            *zip(places.references, references, strict=True),
            *((places.options[name][0], value) for name, value in request.options.items()),
        ]
        if request.size is not None:
            width, height = (max(8, round(side / 8) * 8) for side in request.size.pixels(self.side))
            values += [(places.width, width), (places.height, height)]
        graph: dict[str, dict[str, Any]] = copy.deepcopy(dict(self.graph))  # type: ignore[arg-type]  # plain JSON
        for place, value in values:
            if place is not None and value is not None:
                graph[place.node]["inputs"][place.input] = value
        return graph

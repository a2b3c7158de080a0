"""A dry engine: recipes run against it to find out what they would ask for, without sending anything."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from imagegen_kit.catalog.prices import estimate
from imagegen_kit.engine.job import Job
from imagegen_kit.engine.prepare import prepare, readiness_fault
from imagegen_kit.engine.retrieving import look_for_files, look_up
from imagegen_kit.engine.rows import FIND_CACHED
from imagegen_kit.engine.scope import Scope
from imagegen_kit.errors import InvalidInput, PluginError, StoreError
from imagegen_kit.film import Facts, Film
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.imaging.placeholder import placeholder
from imagegen_kit.types import Artifact, Cost, Result, TextRequest, VideoRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imagegen_kit.engine.deriving import Derivation
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.engine.recipe import Recipe
    from imagegen_kit.engine.retrieving import Retrieved, Sought
    from imagegen_kit.registry import Registry
    from imagegen_kit.types import Adaptation, Request

T = TypeVar("T")


ENOUGH = 1000  # requests of one cell: a recipe that asks until a picture pleases never sees one in a plan


class _Enough(BaseException):
    """Leaves a recipe that would go on asking; no ``except Exception`` of the recipe holds it."""


@dataclass(slots=True)
class Foreseen:
    """What one cell would ask for. ``lower_bound``: the recipe looked at a picture, so the rest is not known."""

    requests: list[Prepared] = field(default_factory=list)
    cached: int = 0
    refused: list[str] = field(default_factory=list)
    usd: float | None = 0.0
    prices: list[float | None] = field(default_factory=list)  # of each answer, whether or not it is cached
    seconds: float | None = 0.0
    lower_bound: bool = False

    @property
    def pictures(self) -> int:
        """How many of the requests ask for a picture."""
        return sum(p.sent.kind != "text" for p in self.requests)


class DryEngine:
    """Stands where the engine stands for a ``Job`` and answers each request with a stand-in picture."""

    def __init__(self, engine: Engine, policy: Policy) -> None:
        self._engine, self._policy = engine, policy
        self.store = engine.store
        self.foreseen = Foreseen()

    @property
    def registry(self) -> Registry:
        """The registry of this process."""
        return self._engine.registry

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Run picture work in the engine's threads."""
        return await self._engine.in_thread(function, *args)

    async def upload(self, _scope: Scope, _policy: Policy, pictures: Any, *asked: Any) -> list[str]:
        """Return the URLs that the objects would have, unsigned; nothing is sent."""
        from imagegen_kit.engine.sending import as_pictures, names_of, storage_of

        remote, found = storage_of(self.store).remote, as_pictures(pictures)
        return [remote.url(name) for name in names_of(found, *asked[:2])]

    async def derive(self, _scope: Scope, _policy: Policy, wanted: Derivation, first: int) -> list[Result]:
        """Return as many stand-ins as would be made; nothing is looked at, and it costs nothing."""
        from imagegen_kit.engine.deriving import results_of

        return results_of(wanted, [_stand_in(self.foreseen) for _ in wanted.asked], first, None)

    async def retrieve(self, sought: Sought, **_: Any) -> Retrieved:
        """Look into the library as the engine would: it costs nothing. Files are looked for, and none is read."""
        try:
            found = await self._engine.in_thread(look_up, sought)
            await self._engine.in_thread(look_for_files, found, sought.place, self.store.blobs)
        except (StoreError, PluginError) as error:
            self.foreseen.refused.append(error.message)
            raise
        return found

    async def obtain(
        self, asked: Request, *, policy: Policy, step: int, notes: tuple[Adaptation, ...] = (), **_: Any
    ) -> Result:
        """Note ``asked`` and return a result with a stand-in picture, or the refusal that would come.

        A model without key or address is planned for like any other, and what it lacks is told as a refusal.
        """
        seen = self.foreseen
        try:
            prepared = prepare(asked, self.registry, policy.clock.now().date(), notes, planned=True)
        except InvalidInput as error:
            seen.refused.extend(f.what for f in error.faults)
            return Result(asked, None, "failed", error=error.message, error_type=type(error).__name__, exception=error)
        if (lacking := readiness_fault(prepared.model)) and f"{lacking.what} {lacking.hint}" not in seen.refused:
            seen.refused.append(f"{lacking.what} {lacking.hint}")
        seen.requests.append(prepared)
        if len(seen.requests) >= ENOUGH:
            seen.lower_bound = True
            raise _Enough
        spec, cost = prepared.model.spec, Cost(0.0, 0.0, "table")
        usd, basis = estimate(spec.price, prepared.sent, policy.assumed_price(prepared.model.id))
        seen.prices.append(usd)
        found = self.store.journal.read(FIND_CACHED, (prepared.key,)) if policy.cache and prepared.cacheable else []
        if found and (found[0][-1] is None or self.store.blobs.size(found[0][2], found[0][5])):  # not cleaned up
            seen.cached += 1
        else:
            cost = Cost(usd, usd, basis)
            seen.usd = None if usd is None or seen.usd is None else seen.usd + usd
            known = spec.typical_seconds is not None and seen.seconds is not None
            seen.seconds = (seen.seconds or 0.0) + (spec.typical_seconds or 0.0) if known else None
        if isinstance(asked, TextRequest):
            seen.lower_bound = True  # what it answers, and what the recipe makes of that, is not known
            text = "…" if asked.schema is None else json.dumps(_instance(asked.schema))
            answer = Artifact("0" * 64, kind="text", format="txt", data=text.encode())
            return Result(
                asked, prepared.sent, "ok", (answer,), cost=cost, adaptations=prepared.notes,
                model_used=prepared.model.id, key=prepared.key, step=step,
            )  # fmt: skip
        if isinstance(asked, VideoRequest):
            size = asked.size.pixels(512) if asked.size is not None else (512, 512)
            film = StandInFilm("0" * 64, "film", "mp4", *size, 0, foreseen=seen)
            return Result(
                asked, prepared.sent, "ok", (film,), cost=cost, adaptations=prepared.notes,
                model_used=prepared.model.id, key=prepared.key, step=step,
            )  # fmt: skip
        return Result(
            asked, prepared.sent, "ok", (_stand_in(seen),), cost=cost, adaptations=prepared.notes,
            model_used=prepared.model.id, key=prepared.key, step=step,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StandIn(Picture):
    """A picture that does not exist; looking at it makes the plan a lower bound."""

    foreseen: Foreseen = field(default_factory=Foreseen, compare=False)

    @property
    def image(self) -> Any:
        """The stand-in's pixels."""
        self.foreseen.lower_bound = True
        return Picture.from_bytes(_stand_in_bytes()).image

    @property
    def bytes(self) -> bytes:
        """The stand-in's bytes."""
        self.foreseen.lower_bound = True
        return _stand_in_bytes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StandInFilm(Film):
    """A film that does not exist; looking into it makes the plan a lower bound."""

    foreseen: Foreseen = field(default_factory=Foreseen, compare=False)

    @property
    def is_stand_in(self) -> bool:
        """It is one."""
        return True

    @property
    def facts(self) -> Facts:
        """What a short film of its size would be like."""
        self.foreseen.lower_bound = True
        return Facts(self.width or 512, self.height or 512, 2.0, 24.0, 48, "none", False)

    @property
    def first_frame(self) -> Any:
        """The stand-in's pixels."""
        return self.frame(0.0)

    @property
    def last_frame(self) -> Any:
        """The stand-in's pixels."""
        return self.frame(0.0)

    def frame(self, seconds: float) -> Any:
        """Return the stand-in's pixels."""
        self.foreseen.lower_bound = True
        return Picture.from_bytes(_stand_in_bytes()).image

    @property
    def bytes(self) -> bytes:
        """Nothing: no player could show it."""
        self.foreseen.lower_bound = True
        return b""


def _stand_in(seen: Foreseen) -> StandIn:
    data = _stand_in_bytes()
    return StandIn("0" * 64, width=64, height=64, size_bytes=len(data), data=data, foreseen=seen)


def _instance(schema: Mapping[str, Any]) -> Any:
    """Return a value that a JSON schema of the simple kind allows."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: _instance(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_instance(schema.get("items", {}))] * max(1, schema.get("minItems", 1))
    return {"string": "…", "integer": 0, "number": 0.0, "boolean": False}.get(kind)  # type: ignore[arg-type]  # or None


@lru_cache(maxsize=1)
def _stand_in_bytes() -> bytes:
    return placeholder(64, 64, reason="plan")


async def foresee(
    engine: Engine, recipe: Recipe, params: dict[str, Any], policy: Policy, repeat: int, default_model: str
) -> Foreseen:
    """Return what one cell would ask for."""
    dry = DryEngine(engine, policy)
    scope = Scope(0, "", 0, repeat, default_model=default_model)
    try:
        await recipe.function(Job(dry, scope, policy), **params)  # type: ignore[arg-type]  # stands in for an Engine
    except asyncio.CancelledError:
        raise
    except _Enough:
        pass
    except InvalidInput as error:
        if not dry.foreseen.refused:
            dry.foreseen.refused.extend(str(f) for f in error.faults)
    except (StoreError, PluginError) as error:
        if error.message not in dry.foreseen.refused:
            dry.foreseen.lower_bound = True
    except Exception:  # the recipe could not go on with stand-ins
        dry.foreseen.lower_bound = True
    return dry.foreseen

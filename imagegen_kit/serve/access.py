"""Who may order, how much at once, and for how much money."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.settings import secrets, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from imagegen_kit.engine.engine import Engine

TOKEN = "IMAGEGEN_SERVE_TOKEN"
NAMED = "served to "  # begins the name of every run that was ordered here
HERE = "this machine"  # who orders where no token is set

_SPENT = (
    "SELECT COALESCE(SUM(s.usd), 0) FROM spending s JOIN runs u ON s.scope = 'run ' || u.number "
    "WHERE u.name = ? AND u.id NOT IN (SELECT value FROM json_each(?))"
)


class Refusal(Exception):
    """An order, or a look, that is not allowed: an HTTP status with its reason."""

    def __init__(self, status: int, where: str, what: str, hint: str = "", **headers: str) -> None:
        super().__init__(what)
        self.status, self.where, self.what, self.hint, self.headers = status, where, what, hint, headers


def holder_of(token: str | None) -> str:
    """Return a short name of who sent ``token``, which tells nothing of it. Raises Refusal (401)."""
    known = [secret.get_secret_value() for secret in secrets(TOKEN)]
    if not known:
        return HERE
    given = (token or "").encode()
    found = [one for one in known if hmac.compare_digest(one.encode(), given)]  # all are compared: time tells nothing
    if not found:
        headers = {"WWW-Authenticate": "Bearer"}
        raise Refusal(
            401, "Authorization", "no valid token was sent.", "Send 'Authorization: Bearer <token>'.", **headers
        )
    return hashlib.sha256(found[0].encode()).hexdigest()[:12]


@dataclass(slots=True)
class Gate:
    """Knows what each holder has under way: orders by their run's id, and the USD that are set aside for each."""

    engine: Engine
    open: defaultdict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def entered(
        self, holder: str, run_id: str, recipe: Any, params: dict[str, Any], policy: Any
    ) -> AsyncIterator[float | None]:
        """Hold a place for one order and yield the most that it may spend, None without a budget. Raises Refusal."""
        under_way = self.open[holder]
        if len(under_way) >= settings().serve_concurrency:
            what = f"{len(under_way)} orders are under way already."
            raise Refusal(429, "Authorization", what, "Wait until one of them has ended.", **{"Retry-After": "2"})
        under_way[run_id] = 0.0
        try:
            yield await self._budget(holder, run_id, recipe, params, policy)
        finally:
            del under_way[run_id]

    async def _budget(self, holder: str, run_id: str, recipe: Any, params: dict[str, Any], policy: Any) -> float | None:
        limit = settings().serve_budget_usd
        if limit is None:
            return None
        from imagegen_kit.engine.dry import foresee

        foreseen = await asyncio.wrap_future(
            self.engine.background.submit(foresee(self.engine, recipe, params, policy, 0, settings().model))
        )
        async with self._lock:  # two orders must not set the same money aside
            under_way = dict(self.open[holder])  # one that ends meanwhile still counts, as what was set aside for it
            spent = await asyncio.to_thread(self._spent, holder, list(under_way))
            left = limit - spent - sum(under_way.values())
            if foreseen.usd is None:
                hint = "Name a model whose price is known."
                raise Refusal(402, "model", "its price is not known, and this token has a budget.", hint)
            if foreseen.usd > max(left, 0) + 1e-9:
                what = f"it would cost about ${foreseen.usd:.4f}; ${max(left, 0):.4f} of ${limit:.2f} are left."
                raise Refusal(402, "budget", what, "Order less, or have the budget raised.")
            self.open[holder][run_id] = foreseen.usd
            return foreseen.usd

    def _spent(self, holder: str, under_way: list[str]) -> float:
        """Return USD without what the runs ``under_way`` spent: that is a part of what is set aside for them."""
        self.engine.store.journal.flush().result()
        ((usd,),) = self.engine.store.journal.read(_SPENT, (NAMED + holder, json.dumps(under_way)))
        return float(usd)

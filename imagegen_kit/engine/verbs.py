"""What the engine does for jobs besides asking models; each verb has a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from imagegen_kit.engine.calling import Call, call_provider
from imagegen_kit.engine.deriving import derive
from imagegen_kit.engine.keep import Kept, keep_made
from imagegen_kit.engine.limits import DEFAULT_CONCURRENCY
from imagegen_kit.engine.retrieving import Retrieved, Sought, retrieve

if TYPE_CHECKING:
    from imagegen_kit.engine.calling import ProgressSink
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.limits import Key
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.purchase import Purchase
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.types import Reply, Request, Result


class Places:
    """Where the work of a purchase is done: here, in this process. Other engines may do it elsewhere."""

    def concurrency(self, purchase: Purchase) -> int:
        """Return how many calls of the purchase's model one key may have open."""
        return purchase.policy.concurrency or purchase.prepared.model.spec.concurrency or DEFAULT_CONCURRENCY

    async def call(self, purchase: Purchase, progress: ProgressSink, key: Key) -> Reply:
        """Make the next call of a purchase, which is reserved by now. Raises ProviderError."""
        return await call_provider(Call.of(purchase), progress, key.provider)

    async def keep(self, reply: Reply, sent: Request, measure: Any) -> Kept:
        """Put what came into the store. Raises InvalidReply and StoreError."""
        engine = cast("Engine", self)
        return await engine.in_thread(keep_made, engine.store.blobs, reply, sent, measure)


class Verbs(Places):
    """The part of ``Engine`` that a plan and a replay answer in ways of their own."""

    async def retrieve(self, sought: Sought, *, scope: Scope, policy: Policy) -> Retrieved:
        """Return what a library holds for ``sought``; the same again where this cell asked before."""
        return await retrieve(cast("Engine", self), sought, scope, policy)

    async def derive(self, *asked: Any) -> list[Result]:
        """Make pictures of others and keep them; see ``Job.derive``."""
        return await derive(cast("Engine", self), *asked)

    async def upload(self, *asked: Any) -> list[str]:
        """Copy pictures to the object storage; see ``Job.upload``."""
        from imagegen_kit.engine.sending import send

        return await send(cast("Engine", self), *asked)

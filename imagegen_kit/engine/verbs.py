"""What the engine does for jobs besides asking models; each verb has a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from imagegen_kit.engine.deriving import derive
from imagegen_kit.engine.retrieving import Retrieved, Sought, retrieve

if TYPE_CHECKING:
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.types import Result


class Verbs:
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

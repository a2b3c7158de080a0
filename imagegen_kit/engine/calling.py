"""One call of a provider: loaded, timed, and every failure told apart by whether it was paid."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.rows import name_job
from imagegen_kit.errors import (
    AuthenticationFailed,
    InvalidReply,
    NoPictureReturned,
    OutcomeUnknown,
    PluginError,
    ProviderError,
    RequestTimeout,
    UnsupportedRequest,
)
from imagegen_kit.providers.base import VERBS
from imagegen_kit.providers.secrecy import cleaned, redacted
from imagegen_kit.types import Accepted, Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagegen_kit.engine.policy import Clock
    from imagegen_kit.engine.purchase import Purchase
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.registry import ResolvedModel
    from imagegen_kit.types import Progress, Request


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a provider, wherever it is made. ``job_id``: look that job up instead of sending anything."""

    model: ResolvedModel
    asked: Request
    sent: Request
    timeout_s: float
    job_id: str | None = None

    @classmethod
    def of(cls, purchase: Purchase) -> Call:
        """Return the next call of a purchase."""
        prepared, model = purchase.prepared, purchase.prepared.model
        job_id = purchase.collect[1] if purchase.collect is not None else None
        return cls(model, prepared.asked, prepared.sent, purchase.policy.timeout_s or model.spec.timeout_s, job_id)


@dataclass(frozen=True, slots=True)
class Answered:
    """Said of a call made elsewhere whose answer is there and is being kept; ``rest_s`` as in ``Reply``."""

    rest_s: float | None = None


class ProgressSink:
    """What a provider calls while it works; ``Accepted`` returns once the job id is committed."""

    def __init__(
        self, purchase: Purchase, attempt: int, clock: Clock, answered: Callable[[float | None], Awaitable[None]]
    ) -> None:
        self._purchase, self.attempt, self.clock = purchase, attempt, clock
        self._answered = answered  # lets the next call be made
        self.job_id: str | None = None
        self.resumable = False

    @property
    def idempotency_key(self) -> str:
        """A text that stays the same for this request, however often it is sent, and is never given to another."""
        request, key = self._purchase.request_id, self._purchase.prepared.key
        return blake2b(f"{request} {key}".encode(), key=self._purchase.engine.salt, digest_size=16).hexdigest()

    async def __call__(self, event: Accepted | Answered | Progress) -> None:
        """Record and pass on one event."""
        if isinstance(event, Accepted):
            self.job_id = event.job_id
            poll_url = redacted(event.poll_url) if event.poll_url else None
            journal, attempt = self._purchase.engine.store.journal, self.attempt
            # Shielded: a timeout that strikes here must not lose the job's name.
            await asyncio.shield(
                asyncio.wrap_future(journal.transact(lambda c: name_job(c, attempt, event.job_id, poll_url)))
            )
        elif isinstance(event, Answered):
            await self._answered(event.rest_s)
        elif self._purchase.on_progress is not None:
            self._purchase.on_progress(event)


async def call_provider(call: Call, progress: Any, provider: Any) -> Reply:
    """Return the reply of one call; whatever goes wrong is a ProviderError that says whether it was paid.

    ``progress`` is what the provider calls while it works (``providers.base.OnProgress``).
    """
    sent, model, timeout = call.sent, call.model, call.timeout_s
    context: dict[str, Any] = {"provider": model.provider.name, "model": model.id, "request": call.asked}
    verb = getattr(provider, VERBS[sent.kind], None)
    if verb is None:
        message = f"{type(provider).__name__} has no {VERBS[sent.kind]}(), so it makes no {sent.kind}"
        raise ProviderError(message, retryable=False, paid=False, **context)
    try:
        async with asyncio.timeout(timeout):
            if call.job_id is not None:
                reply = await provider.collect(call.job_id, sent, progress)
            else:
                reply = await verb(sent, progress)
        if not isinstance(reply, Reply):
            raise NoPictureReturned(f"{model.id} returned {type(reply).__name__}, not a Reply", **context)
        if sent.kind == "image" and not reply.pictures:
            raise NoPictureReturned(f"{model.id} answered without a picture", **context)
        if sent.kind == "video" and not reply.films:
            raise NoPictureReturned(f"{model.id} answered without a film", **context)
        if sent.kind == "text" and not (isinstance(reply.text, str) and reply.text.strip()):
            raise InvalidReply(f"{model.id} answered without text", **context)
        _check_reply(reply, model.id, context)
    except ProviderError as error:
        _say_which_key(error, model.provider)
        error.model, error.provider = error.model or model.id, error.provider or model.provider.name
        error.request = error.request or call.asked
        cleaned(error)
        raise
    except TimeoutError as error:
        cleaned(error)
        job_id = getattr(progress, "job_id", None)
        job = f"; its job {job_id} may still end, and resume() looks it up" if job_id else ""
        raise RequestTimeout(f"{model.id} gave no answer within {timeout:g} s{job}", **context) from None
    except (PluginError, UnsupportedRequest) as error:  # raised before anything is sent
        raise ProviderError(redacted(str(error)), paid=False, **context) from cleaned(error)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise OutcomeUnknown(f"{model.id} cancelled its own call", **context) from cleaned(error)
    except Exception as error:
        message = redacted(f"{model.id} failed with {type(error).__name__}: {error}")
        raise OutcomeUnknown(message, **context) from cleaned(error)
    return reply


def _say_which_key(error: ProviderError, spec: ProviderSpec) -> None:
    """Add to a refused key where it stands, which an adapter of many services does not know."""
    if isinstance(error, AuthenticationFailed) and spec.key_env and spec.key_env[0] not in str(error):
        where = f" (get one at {spec.key_url})" if spec.key_url else ""
        error.message += f" The key stands in {' or '.join(spec.key_env)}{where}."
        error.args = (error.message,)


def _check_reply(reply: Reply, model: str, context: dict[str, Any]) -> None:
    """Raise InvalidReply for a reply of the wrong form, as a plugin in the making returns it."""
    for name, made in (("pictures", reply.pictures), ("films", reply.films)):
        if not isinstance(made, (tuple, list)) or not all(isinstance(p, bytes) for p in made):
            raise InvalidReply(f"{model}: Reply.{name} must be a tuple of bytes, one for each of them", **context)
    cost = reply.cost_usd
    if cost is not None and (not isinstance(cost, (int, float)) or not cost >= 0):
        raise InvalidReply(f"{model}: Reply.cost_usd is {cost!r}, not an amount in USD", **context)

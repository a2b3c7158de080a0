"""The provider contract: one async method for each kind of request that a provider offers, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from imagegen_kit.types import Accepted, ImageRequest, Progress, Reply, Request, TextRequest, VideoRequest
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr


class ProviderClock(Protocol):
    """The clock of the policy, as a provider sees it; offline models take their seconds from ``pace``."""

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``; a simulated clock only moves its hands."""

    async def pace(self, seconds: float) -> None:
        """Pretend to have taken ``seconds``: nothing on a real clock, a move of the hands on a simulated one."""


class OnProgress(Protocol):
    """What a provider calls while it works. Awaiting it with ``Accepted`` returns after the job id is committed.

    ``idempotency_key`` is the same text for each repetition of one request: a provider whose service ignores repeated
    requests (``Capabilities.idempotent``) sends it along.
    """

    clock: ProviderClock

    @property
    def idempotency_key(self) -> str:
        """Return what tells the service that a request is the same one again."""

    async def __call__(self, event: Accepted | Progress) -> None:
        """Record and pass on one event."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays: a name that may be shown, and the key, which never is.

    ``base_url`` is the address in force (None: the provider's own default). ``settings`` holds the variables of
    ``ProviderSpec.settings_env`` that are set, by their names.
    """

    name: str = "default"
    key: SecretStr | None = field(default=None, repr=False)
    base_url: str | None = field(default=None, repr=False)
    settings: Mapping[str, str] = field(default_factory=empty, repr=False)

    def __reduce__(self) -> tuple[type[Account], tuple[str]]:
        """Pickle the name alone: a key goes into no file, and whoever unpickles reads his own settings."""
        return Account, (self.name,)

    def __copy__(self) -> Account:
        return self

    def __deepcopy__(self, memo: object) -> Account:
        return self


@runtime_checkable
class Provider(Protocol):
    """What ``ProviderSpec.target`` names: a class built with one ``Account``, living on the engine's event loop.

    It offers ``generate`` (pictures), ``ask`` (text) or ``animate`` (films), each ``(request, on_progress) -> Reply``.
    It may offer ``collect(job_id, request, on_progress) -> Reply`` (without it a job cannot be resumed),
    ``cancel(job_id)`` and ``aclose()``. Failures are raised as ``errors.ProviderError``, which says whether the same
    request may be tried again and whether it was paid; *when* to try again is the engine's business.
    """

    def __init__(self, account: Account) -> None:
        """Keep the account; open clients at the first call, not here."""


class GeneratesPictures(Protocol):
    """A provider of pictures."""

    async def generate(self, request: ImageRequest, on_progress: OnProgress) -> Reply:
        """Return at least one encoded picture, or raise a ProviderError."""


class AnswersInText(Protocol):
    """A provider of text."""

    async def ask(self, request: TextRequest, on_progress: OnProgress) -> Reply:
        """Return ``Reply.text``, or raise a ProviderError."""


class Animates(Protocol):
    """A provider of films."""

    async def animate(self, request: VideoRequest, on_progress: OnProgress) -> Reply:
        """Return at least one encoded film, or raise a ProviderError."""


class Collects(Protocol):
    """A provider whose jobs outlive the connection."""

    async def collect(self, job_id: str, request: Request, on_progress: OnProgress) -> Reply:
        """Return the reply of a job accepted earlier, waiting for it where it still runs. Never submits again."""


VERBS = {"image": "generate", "text": "ask", "video": "animate"}

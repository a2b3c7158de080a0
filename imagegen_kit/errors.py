"""Every error that imagegen_kit raises on purpose.

ImagegenError
├── InvalidInput (ValueError)      something the user gave cannot be used; lists all faults of one call
│   ├── UnknownName                no such model, style, suite, recipe …; says what is near
│   └── UnsupportedRequest         the model cannot do what was asked; says which ones can
├── ProviderError                  a service or model failed; says whether it was paid and may be tried again
│   ├── AuthenticationFailed       the key is missing, wrong or not allowed
│   ├── RateLimited                too many requests; ``retry_after`` seconds where the service says so
│   ├── QuotaExhausted             the account has no credit or quota left
│   ├── ContentBlocked             the service refused the content
│   ├── NoPictureReturned          the service answered, without a picture
│   ├── InvalidReply               the bytes that came back are no sound picture
│   ├── ServiceUnavailable         the service could not be reached or was overloaded before it took the request
│   ├── RequestTimeout (TimeoutError)  no answer in time: it may have been paid
│   └── OutcomeUnknown             the connection broke after the request was sent: it may have been paid
├── BudgetExceeded                 the next request could pass the budget; nothing was sent
├── CheckFailed                    a picture came back and did not pass a check that the policy demands
├── RequestCancelled               stopped before it was sent
├── PluginError                    a plugin or something it offers could not be used
│   └── MissingDependency (ImportError)  a package is not installed; says which command installs it
└── StoreError                     the store could not be read or written
    └── CorruptArtifact            stored bytes no longer have the hash they were stored under
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


# What moves a terminal's cursor, changes its colours or title, or turns the reading direction of what follows; and
# halves of characters, which no file can hold.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return ``text`` with control characters written out (``\\x1b``), all but line ends and tabs."""
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class ImagegenError(Exception):
    """Base of all errors raised here. Context is in attributes, each None where it does not apply."""

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        model: str | None = None,
        attempt: int | None = None,
        request: Any = None,
    ) -> None:
        message = printable(message)  # the words of services, and of whoever named a file, stand in it
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.model = model
        self.attempt = attempt
        self.request = request


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where it stands, what is wrong, and what to do (may be empty)."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" {self.hint}" if self.hint else "")


class InvalidInput(ImagegenError, ValueError):
    """Something the user gave cannot be used. ``faults`` holds everything wrong with the call, not only the first."""

    def __init__(self, faults: Iterable[Fault] | str, **context: Any) -> None:
        self.faults = (Fault("input", faults),) if isinstance(faults, str) else tuple(faults)
        if isinstance(faults, str):
            message = faults
        elif len(self.faults) == 1:
            message = str(self.faults[0])
        else:
            message = f"{len(self.faults)} things to mend:\n" + "\n".join(f"  - {f}" for f in self.faults)
        super().__init__(message, **context)


class UnknownName(InvalidInput):
    """A name that nothing is registered under; the message suggests the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str | None = None) -> None:
        self.kind, self.name = kind, name
        super().__init__([unknown_name_fault(kind, name, known, where=where)])


def unknown_name_fault(kind: str, name: object, known: Iterable[str], *, where: str | None = None) -> Fault:
    """Say that ``name`` is no known ``kind`` and suggest up to three near names, or list a few that exist."""
    names = sorted(set(known))
    near = get_close_matches(str(name), names, n=3, cutoff=0.5)
    if not near:  # "collage" should find "offline/collage"
        near = [n for n in names if str(name).lower() in n.lower()][:3]
    if near:
        hint = "Did you mean " + " or ".join(repr(n) for n in near) + "?"
    elif names:
        hint = "There are: " + ", ".join(names[:8]) + (", …" if len(names) > 8 else "") + "."
    else:
        hint = f"No {kind} is registered."
    return Fault(where or kind, f"no {kind} is called {str(name)[:80]!r}.", hint)


class UnsupportedRequest(InvalidInput):
    """The model cannot do what was asked, so nothing was sent."""


class ProviderError(ImagegenError):
    """A service or model failed.

    ``retryable``: the same request may succeed later. ``paid``: True (it was charged), False (it surely was not),
    or None (it may have been: such a request is looked up, never simply sent again). ``retry_after``: seconds that
    the service asked to wait, or None. ``status``: the HTTP status or the service's own code, or None.
    """

    default_retryable: ClassVar[bool] = False
    default_paid: ClassVar[bool | None] = False

    def __init__(
        self,
        message: str,
        *,
        retryable: bool | None = None,
        paid: bool | str | None = "default",
        retry_after: float | None = None,
        status: int | str | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.retryable = self.default_retryable if retryable is None else retryable
        self.paid: bool | None = self.default_paid if isinstance(paid, str) else paid
        self.retry_after = retry_after
        self.status = status


class AuthenticationFailed(ProviderError):
    """The key is missing, wrong or not allowed to use this model."""


class RateLimited(ProviderError):
    """Too many requests; ``retry_after`` says how long to wait where the service says so."""

    default_retryable = True


class QuotaExhausted(ProviderError):
    """The account has no credit or quota left; waiting seconds does not help."""


class ContentBlocked(ProviderError):
    """The service refused the content of the prompt or of the picture."""


class NoPictureReturned(ProviderError):
    """The service answered without a picture and without a refusal; such answers are usually charged."""

    default_paid = True


class InvalidReply(ProviderError):
    """The bytes that came back are not a whole, decodable picture of an allowed format and size."""

    default_paid = True


class ServiceUnavailable(ProviderError):
    """The service could not be reached, or said that it is overloaded before it took the request."""

    default_retryable = True


class RequestTimeout(ProviderError, TimeoutError):
    """No answer in time. The service may still have made, and charged, the picture."""

    default_paid = None


class OutcomeUnknown(ProviderError):
    """The connection broke after the request was sent: it may have been made and charged."""

    default_paid = None


class BudgetExceeded(ImagegenError):
    """The next request could pass the budget, or has no known price under a budget. Nothing was sent."""


class CheckFailed(ImagegenError):
    """A picture came back (and was paid) but did not pass a check that the policy demands."""


class RequestCancelled(ImagegenError):
    """Stopped before it was sent; nothing was paid."""


class PluginError(ImagegenError):
    """A plugin, or something it offers, could not be loaded or used."""


class MissingDependency(PluginError, ImportError):
    """A package that this feature needs is not installed."""

    def __init__(self, feature: str, package: str, install: str, **context: Any) -> None:
        super().__init__(f"{feature} needs the package {package!r}, which is not installed. Run: {install}", **context)
        self.feature, self.package, self.install = feature, package, install


class StoreError(ImagegenError):
    """The store (pictures and journal) could not be read or written."""


class CorruptArtifact(StoreError):
    """Stored bytes no longer have the hash that they were stored under."""

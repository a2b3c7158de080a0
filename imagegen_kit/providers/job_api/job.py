"""A job at a service: its id and the addresses that the service named for it, as one text that outlives the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.job_api_paths import first

if TYPE_CHECKING:
    from imagegen_kit.catalog.job_api import JobApi

_CALLS = ("poll", "result", "cancel")


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of an accepted job; addresses are empty where the service named none."""

    id: str
    poll: str = ""
    result: str = ""
    cancel: str = ""

    def token(self, api: JobApi) -> str:
        """Return the job id for the journal: with it alone the job is found again.

        It is the service's own id; where the service's file has no address to build from it, those that the service
        named follow (``"abc123 poll=https://…"``).
        """
        parts = [self.id]
        for name in _CALLS:
            call = getattr(api, name)
            if call is not None and not call.url and getattr(self, name):
                parts.append(f"{name}={getattr(self, name)}")
        return " ".join(parts)

    @classmethod
    def of_token(cls, token: str) -> Job:
        """Read ``token`` back."""
        id, *rest = token.split(" ")
        found = dict(part.split("=", 1) for part in rest if part.partition("=")[0] in _CALLS and "=" in part)
        return cls(id, **found)

    @classmethod
    def of_reply(cls, api: JobApi, data: Any) -> Job | None:
        """Return the job that the reply to a submit names, None where it names none."""
        named = {name: _text(first(getattr(getattr(api, name), "url_from", ""), data)) for name in _CALLS}
        id = _text(first(api.id, data))
        if not id and not named["poll"]:
            return None
        return cls(id or named["poll"], **named)


def _text(value: Any) -> str:
    """Return an id or address as text without white space; empty for what can be neither."""
    return "".join(str(value).split()) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""

"""One HTTP call: sent once, read up to a limit, and its failure told as a typed error without key or address."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.job_api_paths import as_text, find, first
from imagegen_kit.errors import ContentBlocked, InvalidReply, ProviderError
from imagegen_kit.providers.bodies import PACKED, TooLarge, Unreadable, read_body
from imagegen_kit.providers.faults import http_fault, shortened, transport_fault, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from imagegen_kit.catalog.job_api import JobApi
    from imagegen_kit.providers.transport import Clients

LARGE = 2**18  # bytes from which JSON is read in a thread, so that other calls go on meanwhile
MAX_JSON = 384 * 2**20  # bytes of a reply: four pictures of the largest size in base64


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one call; ``data`` is the JSON in it, None where there is none."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    data: Any = field(repr=False, default=None)

    @property
    def type(self) -> str:
        """The media type that the service gave it, in lower case, empty where it gave none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


async def exchange(
    clients: Clients[httpx2.AsyncClient],
    method: str,
    url: httpx2.URL,
    *,
    model: str,
    headers: Mapping[str, str] | None = None,
    json_body: Any = None,
    parts: Any = None,
    max_bytes: int = MAX_JSON,
) -> Answer:
    """Send one request and return its answer, whatever its status. Redirects are answers, they are not followed.

    Raises the ProviderError of ``faults.transport_fault`` where no answer came, InvalidReply for one that is too long.
    """
    import httpx2

    body = None if json_body is None else json.dumps(json_body, ensure_ascii=False).encode()
    sent = {"Accept-Encoding": PACKED, **(headers or {})}
    if body is not None:
        sent["Content-Type"] = "application/json"
    try:
        async with (
            clients.one() as client,
            client.stream(method, url, headers=sent, content=body, files=parts or None) as response,
        ):
            encoding = response.headers.get("content-encoding", "")
            whole = await read_body(response.aiter_raw(), encoding, max_bytes)
            data = _json(whole) if len(whole) < LARGE else await asyncio.to_thread(_json, whole)
            return Answer(response.status_code, response.headers, whole, data)
    except TooLarge:
        raise InvalidReply(f"{model}: the reply is larger than {max_bytes / 2**20:g} MiB", model=model) from None
    except Unreadable as error:
        raise InvalidReply(f"{model}: the reply cannot be read: {error}", model=model) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise transport_fault(error, model=model) from error


def _json(body: bytes) -> Any:
    if body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def fault_of(answer: Answer, api: JobApi, model: str, key: str) -> ProviderError | None:
    """Return the error that an answer stands for, None for a good one. A refusal of the content comes first."""
    status = answer.status
    code = first(api.code.path, answer.data) if api.code else None
    if api.code and code is not None and as_text(code) not in api.code.ok and 200 <= status < 300:
        status = code if isinstance(code, int) and 300 <= code < 600 else 400
    if 200 <= status < 300:
        return None
    said = words_of(answer.data, api, key)
    if blocked(answer.data, api, (True, False)):
        return ContentBlocked(f"{model}: the service refused the content" + _after(said), model=model, status=status)
    if 300 <= status < 400:
        said = "it leads elsewhere, and no redirect is followed with a key. Set the service's address itself"
    fault = http_fault(status, said or _kind_of(answer), model=model, headers=answer.headers)
    if fault.paid is None and status < 500:
        fault.paid = False
    return fault


def blocked(data: Any, api: JobApi, billed: tuple[bool, ...]) -> bool:
    """Whether a field of the reply says that the content was refused, in a way that is ``billed`` or not."""
    return any(
        as_text(value) in one.values for one in api.blocked if one.billed in billed for value in find(one.path, data)
    )


def words_of(data: Any, api: JobApi, key: str) -> str:
    """Return the service's own words on what went wrong, without the key should they repeat it."""
    found = first(api.error, data)
    said = found if isinstance(found, str) else "" if found is None else json.dumps(found, ensure_ascii=False)
    return shortened(said.replace(key, "…") if key else said)


def data_of(answer: Answer, model: str) -> Any:
    """Return the JSON of a good answer. Raises InvalidReply where it is something else."""
    if answer.data is None:
        raise unreadable(f"the reply is {_kind_of(answer)}, not JSON", model=model)
    return answer.data


def _kind_of(answer: Answer) -> str:
    return answer.type or ("empty" if not answer.body else "of no stated type")


def _after(words: str) -> str:
    return f": {words}" if words else ""

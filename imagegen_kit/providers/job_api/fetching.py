"""From the reply of a finished job to the bytes of its pictures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from imagegen_kit.catalog.job_api_paths import find
from imagegen_kit.errors import ContentBlocked, InvalidReply, NoPictureReturned, RequestTimeout
from imagegen_kit.providers.addresses import Refused
from imagegen_kit.providers.downloads import FILM_S, HOPS, MAX_FILM, MAX_PICTURE, PICTURE_S, REDIRECTS
from imagegen_kit.providers.faults import http_fault
from imagegen_kit.providers.job_api.calls import blocked, words_of
from imagegen_kit.providers.job_api.pictures import decoded, sound, sound_film

if TYPE_CHECKING:
    from imagegen_kit.providers.downloads import Fetched
    from imagegen_kit.providers.job_api.calls import Answer
    from imagegen_kit.providers.job_api.service import Service

GONE = (401, 403, 404, 410)  # what hosts of pictures answer when a signed address has run out
MOST = 16  # pictures of one reply


class Expired(Exception):
    """A picture's address is no longer valid."""


async def pictures_of(service: Service, answer: Answer, model: str, *, films: bool = False) -> tuple[bytes, ...]:
    """Return the pictures (or ``films``) that ``answer`` holds or names, each a whole file.

    Raises ContentBlocked where a field says that they were refused, NoPictureReturned where there are none,
    InvalidReply for what is no picture, and Expired for an address that no longer answers.
    """
    api, output = service.api, service.api.output
    for billed in (True, False):
        if blocked(answer.data, api, (billed,)):
            said = words_of(answer.data, api, service.key)
            text = f"{model}: the service refused the picture that it made" + (f": {said}" if said else "")
            raise ContentBlocked(text, paid=billed, model=model)
    if output.kind == "bytes":
        return (await _whole(answer.body, model, films),)
    found = find(output.path, answer.data)[:MOST]
    if not found:
        said = words_of(answer.data, api, service.key)
        text = f"{model}: the service says that it is done, and names no picture" + (f": {said}" if said else "")
        raise NoPictureReturned(text, model=model)
    return tuple(await asyncio.gather(*(_picture(service, value, model, films) for value in found)))


async def _picture(service: Service, value: Any, model: str, films: bool) -> bytes:
    output = service.api.output
    if output.kind == "ref" and isinstance(value, dict):
        items = {f"item.{name}": one for name, one in value.items()}
        return await _download(service, service.address(output.url, items, model=model), model, films)
    if output.kind == "ref" or not isinstance(value, str):
        raise InvalidReply(f"{model}: where a picture should be named stands a {type(value).__name__}", model=model)
    web = value.startswith(("http://", "https://"))
    if output.kind in ("auto", "url") and (web or (output.kind == "url" and not value.startswith("data:"))):
        return await _download(service, value, model, films)
    return await asyncio.to_thread(_decoded_whole, value, model, films)


async def _download(service: Service, url: str, model: str, films: bool) -> bytes:
    """Fetch one picture, without the key unless the service's file says so."""
    most, within_s = (MAX_FILM, FILM_S) if films else (MAX_PICTURE, PICTURE_S)
    answer: Answer | Fetched
    try:
        if service.api.output.auth:
            answer = await _with_key(service, url, model, most, within_s)
        else:
            answer = await service.downloads.fetch(url, max_bytes=most, within_s=within_s, model=model)
    except Refused as error:
        raise InvalidReply(f"{model}: the picture's address is not opened: {error}", model=model) from error
    if answer.status in GONE:
        raise Expired
    if answer.status != 200:
        fault = http_fault(answer.status, "the picture was not handed out", model=model, headers=answer.headers)
        fault.paid = None  # it is made; whether it can still be had, another look will tell
        raise fault
    if answer.type.startswith("text/") or answer.type in ("application/json", "application/xml"):
        raise InvalidReply(f"{model}: where the picture should be lies a document ({answer.type})", model=model)
    return await _whole(answer.body, model, films)


async def _whole(data: bytes, model: str, films: bool) -> bytes:
    return await asyncio.to_thread(sound_film if films else sound, data, model=model)


def _decoded_whole(text: str, model: str, films: bool) -> bytes:
    return (sound_film if films else sound)(decoded(text, model=model), model=model)


async def _with_key(service: Service, url: str, model: str, most: int, within_s: float) -> Answer:
    """Fetch what only the key opens. Each redirect must lead to a host that may see the key."""
    try:
        async with asyncio.timeout(within_s):
            for _ in range(HOPS + 1):
                answer = await service.send("GET", url, {}, model=model, max_bytes=most)
                if answer.status not in REDIRECTS or "location" not in answer.headers:
                    return answer
                url = urljoin(url, answer.headers["location"])
    except TimeoutError:
        raise RequestTimeout(f"{model}: the picture did not arrive within {within_s:g} s", model=model) from None
    raise Refused(f"it leads on more than {HOPS} times")

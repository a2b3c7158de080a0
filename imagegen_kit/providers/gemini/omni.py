"""Omni's films: an interaction in the background, looked at by its id; the film comes inline or as an address."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, Any

from imagegen_kit.providers.faults import unreadable
from imagegen_kit.providers.gemini.answer import picture_reply
from imagegen_kit.providers.gemini.interactions import (
    RUNNING,
    body_of,
    common_arguments,
    input_of,
    raw_interactions,
    read_interaction,
)
from imagegen_kit.providers.gemini.options import prompt_of
from imagegen_kit.types import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google import genai

    from imagegen_kit.providers.gemini.options import Options, Sent
    from imagegen_kit.types import Size, VideoRequest

RESOLUTIONS = {360: "360p", 720: "720p", 1080: "1080p", 2160: "4k"}
# The SDK glues any other address into its own path, so only a file of the service itself is fetched.
_FILE = re.compile(r"https://generativelanguage\.googleapis\.com/v1\w*/(files/[\w-]+):download\?alt=media")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at an interaction found: its JSON, and the film where it lay elsewhere."""

    body: dict[str, Any]
    film: bytes | None = None


def form_of(size: Size | None, seconds: float | None) -> dict[str, Any]:
    """Return the form of a film: ratio, resolution by the shorter side, and duration in whole seconds."""
    form: dict[str, Any] = {"type": "video"}
    if size is not None:
        width, height = size.pixels(720)
        part = gcd(width, height)
        form["aspect_ratio"] = size.ratio or f"{width // part}:{height // part}"
        form["resolution"] = RESOLUTIONS.get(min(width, height), f"{min(width, height)}p")
    if seconds is not None:
        form["duration"] = f"{round(seconds)}s"
    return form


def film_arguments(
    request: VideoRequest, options: Options, frames: Sequence[Sent], pictures: Sequence[Sent]
) -> dict[str, Any]:
    """Return the arguments of ``interactions.create`` for a film, all but the model's name; frames come first."""
    task = "image_to_video" if frames else "reference_to_video" if pictures else "text_to_video"
    config = {"seed": request.seed, "thinking_level": options.thinking, "video_config": {"task": task}}
    return {
        "input": input_of(prompt_of(request), [*frames, *pictures]),
        "response_format": form_of(request.size, request.seconds),
        "background": True,
        **common_arguments(config, options),
    }


async def submit(
    client: genai.Client,
    name: str,
    request: VideoRequest,
    options: Options,
    frames: Sequence[Sent],
    pictures: Sequence[Sent],
) -> str:
    """Start an interaction and return its id. Raises InvalidReply where the service names none."""
    api = await raw_interactions(client)
    reply = await api.create(model=name, **film_arguments(request, options, frames, pictures))
    job_id = (await body_of(reply, request.model)).get("id")
    if not isinstance(job_id, str) or not job_id:
        raise unreadable("the service took the film and named no job", model=request.model)
    return job_id


async def look(client: genai.Client, job_id: str, model: str) -> Found:
    """Return what the service says of an interaction now; a finished film that lies elsewhere is fetched."""
    api = await raw_interactions(client)
    body = await body_of(await api.get(job_id), model)
    if body.get("status") != "completed":
        return Found(body)
    answer = await asyncio.to_thread(read_interaction, body, model)
    file = _FILE.fullmatch(answer.address)
    if answer.films or file is None:
        return Found(body)
    return Found(body, await client.aio.files.download(file=file[1]))


def film_reply(found: Found, model: str) -> Reply | None:
    """Return the film, None where it is still being made; raises what became of it otherwise."""
    if found.body.get("status") in RUNNING:
        return None
    answer = read_interaction(found.body, model)
    films = (found.film,) if found.film else answer.films
    if not films and answer.address:
        raise unreadable("the film lies at an address that is not the service's own; it was not fetched", model=model)
    if not films:
        return picture_reply(answer, model, ())  # there is no picture either: it says why
    return Reply(films=films, usage=answer.usage)

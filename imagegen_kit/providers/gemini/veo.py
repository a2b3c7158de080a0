"""Veo's films (Enterprise mode only): a long-running operation, looked at by its name."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from google.genai import types

from imagegen_kit.errors import ContentBlocked, NoPictureReturned, ProviderError
from imagegen_kit.providers.faults import shortened, unreadable
from imagegen_kit.types import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google import genai

    from imagegen_kit.providers.gemini.options import Options, Sent
    from imagegen_kit.types import VideoRequest

Operation = types.GenerateVideosOperation
RESOLUTIONS = {720: "720p", 1080: "1080p", 2160: "4k"}


def film_config(
    request: VideoRequest, options: Options, frames: Sequence[Sent], pictures: Sequence[Sent]
) -> types.GenerateVideosConfig:
    """Return how a film is to be made."""
    ratio = resolution = None
    if request.size is not None:
        width, height = request.size.pixels(720)
        part = gcd(width, height)
        ratio = request.size.ratio or f"{width // part}:{height // part}"
        resolution = RESOLUTIONS.get(min(width, height), f"{min(width, height)}p")
    references = [
        types.VideoGenerationReferenceImage(image=_image(p), reference_type=types.VideoGenerationReferenceType.ASSET)
        for p in pictures
    ]
    return types.GenerateVideosConfig(
        number_of_videos=1,
        duration_seconds=None if request.seconds is None else round(request.seconds),
        seed=request.seed,
        aspect_ratio=ratio,
        resolution=resolution,
        negative_prompt=request.negative_prompt,
        person_generation=options.person_generation,
        generate_audio=options.generate_audio,
        enhance_prompt=options.enhance_prompt,
        last_frame=_image(frames[1]) if len(frames) > 1 else None,
        reference_images=references or None,
    )


async def submit(
    client: genai.Client,
    name: str,
    request: VideoRequest,
    options: Options,
    frames: Sequence[Sent],
    pictures: Sequence[Sent],
) -> str:
    """Start an operation and return its name. Raises InvalidReply where the service names none."""
    source = types.GenerateVideosSource(prompt=request.prompt, image=_image(frames[0]) if frames else None)
    config = film_config(request, options, frames, pictures)
    operation = await client.aio.models.generate_videos(model=name, source=source, config=config)
    if not operation.name:
        raise unreadable("the service took the film and named no job", model=request.model)
    return operation.name


async def look(client: genai.Client, job_id: str, model: str) -> Operation:
    """Return what the service says of an operation now. Raises InvalidReply for what the SDK cannot read."""
    operation = Operation()
    operation.name = job_id
    try:
        return await client.aio.operations.get(operation)
    except ValueError:  # not JSON, of another form, or a film whose base64 text is cut off
        raise unreadable("the film that came back is broken", model=model) from None


def film_reply(operation: Operation, model: str) -> Reply | None:
    """Return the film, None where it is still being made; raises what became of it otherwise."""
    if not operation.done:
        return None
    if operation.error:
        words, code = shortened(str(operation.error.get("message", ""))), operation.error.get("code")
        raise ProviderError(f"{model} made no film: {words or code}", model=model, status=code, paid=False)
    response = operation.response
    films = [v.video for v in (response.generated_videos if response else None) or [] if v.video]
    data = tuple(film.video_bytes for film in films if film.video_bytes)
    if data:
        return Reply(films=data)
    if response and response.rai_media_filtered_count:
        why = "; ".join(response.rai_media_filtered_reasons or [])
        raise ContentBlocked(f"{model} refused what it made of the prompt: {shortened(why)}", model=model)
    if films and films[0].uri:
        raise unreadable(f"the film lies at {films[0].uri}; it was not fetched", model=model)
    raise NoPictureReturned(f"{model} answered without a film", model=model)


def _image(picture: Sent) -> types.Image:
    return types.Image(image_bytes=picture.data, mime_type=picture.mime)

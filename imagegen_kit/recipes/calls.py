"""The picture of a video call in split screen, kept under a name that a film of the call finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import Policy
from imagegen_kit.engine.recipe import tried_by
from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.recipes.call_picture import NEGATIVE, CallScene, call_faults, call_prompt, object_of
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.engine.job import Job


@tried_by(Policy(placeholder=True))
async def call_scene(
    job: Job,
    *,
    caller_name: str | None = None,
    caller_context: str | None = None,
    caller_description: str | None = None,
    caller_setting: str | None = None,
    caller_picture: Any = None,
    callee_name: str | None = None,
    callee_context: str | None = None,
    callee_description: str | None = None,
    callee_setting: str | None = None,
    callee_picture: Any = None,
    look: str = "professional",
    own_picture: Any = None,
    reuse: str = "hybrid",
    call_id: str | None = None,
    model: str | None = None,
    style: Any = None,
    negative_prompt: str | None = NEGATIVE,
    size: Any = (512, 512),
    seed: int | None = None,
    expires_s: float | None = None,
    **options: Any,
) -> CallScene:
    """Return the picture of a call: the caller on the left, the person called on the right.

    Everything about a side may be left out; the pictures are profile pictures, sent as references. ``look`` is one of
    professional, casual, festive and night, or words of your own. ``own_picture`` takes your picture instead of asking
    for one. ``reuse`` names the object: "hybrid" by what is asked (the same call again buys nothing), "call" by
    ``call_id``, "template" one picture for each look. It is uploaded where an object storage is set; ``expires_s``
    gives a link that opens it without a key. Where no picture comes, the policy's placeholder stands there, marked,
    under a name of its own. Raises InvalidInput with every fault, StoreError where the storage fails to the end.
    """
    sides = {
        "caller_name": caller_name, "caller_context": caller_context, "caller_description": caller_description,
        "caller_setting": caller_setting, "callee_name": callee_name, "callee_context": callee_context,
        "callee_description": callee_description, "callee_setting": callee_setting,
    }  # fmt: skip
    pictures = {"caller_picture": caller_picture, "callee_picture": callee_picture}
    if faults := call_faults(look, reuse, call_id, sides, pictures):
        raise InvalidInput(faults)
    labels: dict[str, Any] = {"call": {"call_id": call_id}, "template": {"variant": look}}.get(reuse, {})
    if own_picture is not None:
        answer = await job.derive(own_picture, as_it_is, labels={"own": True, **labels})
    else:
        given = [(caller_picture, caller_name or "caller"), (callee_picture, callee_name or "person called")]
        people = [Reference(picture, role="character", name=name) for picture, name in given if picture is not None]
        answer = await job.images(
            call_prompt(look, sides), model=model, style=style, references=people or None,
            negative_prompt=negative_prompt, size=size, seed=seed, labels=labels, **options,
        )  # fmt: skip
    result = answer.results[0]
    if not result.artifacts:
        raise answer.failure()
    name, url = object_of(result, reuse, call_id, look), None
    if job.can_upload:
        (url,) = await job.upload(answer, names=[name], expires_s=expires_s)
    return CallScene(answer, name, url, call_id)


def as_it_is(picture: Picture) -> Picture:
    """Return ``picture``: it was read and checked when it came in."""
    return picture

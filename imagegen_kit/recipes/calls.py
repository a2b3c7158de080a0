"""The picture of a video call in split screen, kept under a name that a film of the call finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import Policy
from imagegen_kit.engine.recipe import brings
from imagegen_kit.recipes.call_picture import NEGATIVE, CallScene, call_faults, call_models, object_of, own, read_call

if TYPE_CHECKING:
    from imagegen_kit.engine.job import Job


@brings(policy=Policy(placeholder=True, checks=["not_blank"]), faults=call_faults, models=call_models)
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
    upload: bool | None = None,
    expires_s: float | None = None,
    **options: Any,
) -> CallScene:
    """Return the picture of a call: the caller on the left, the person called on the right.

    Everything about a side may be left out; the pictures are profile pictures, sent as references. ``look`` is one of
    professional, casual, festive and night, or words of your own. ``own_picture`` takes your picture instead of asking
    for one. ``reuse`` names the object: "hybrid" by what is asked, "call" by ``call_id``, "template" one picture for
    each look; the same again buys nothing. ``upload`` None copies it to the object storage where one is set, False
    never; ``expires_s`` gives a link that opens it without a key. Where no picture comes, the placeholder of the policy
    stands there, marked, under a name of its own. Raises InvalidInput with every fault before anything is sent, what
    went wrong where the policy has no placeholder, and StoreError where the storage fails to the end.
    """
    call = read_call(
        caller_name=caller_name, caller_context=caller_context, caller_description=caller_description,
        caller_setting=caller_setting, caller_picture=caller_picture, callee_name=callee_name,
        callee_context=callee_context, callee_description=callee_description, callee_setting=callee_setting,
        callee_picture=callee_picture, look=look, own_picture=own_picture, reuse=reuse, call_id=call_id,
    )  # fmt: skip
    uploads = job.can_upload if upload is None else upload
    if uploads or expires_s is not None:
        job.check_upload(expires_s)
    if own_picture is not None:
        answer = await job.derive(own_picture, own, labels={"own": True, **call.labels})
    else:
        answer = await job.images(
            call.prompt, references=call.people, labels=call.labels, model=model, style=style,
            negative_prompt=negative_prompt, size=size, seed=seed, **options,
        )  # fmt: skip
    if not answer.pictures:
        raise answer.failure()
    name = object_of(answer.results[0], call)
    urls = await job.upload(answer, names=[name], expires_s=expires_s) if uploads else [None]
    return CallScene(answer, name, urls[0], call_id)

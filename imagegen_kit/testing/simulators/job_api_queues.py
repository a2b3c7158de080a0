"""Job services that name every address themselves or build them of the id, from their own documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators.job_api_facts import Door, Facts, takes

if TYPE_CHECKING:
    from collections.abc import Mapping

BANANA = Facts(
    doors=(Door(path="/v1/{model}", takes=takes("prompt negative_prompt width height seed")),),
    accepted={"jobId": "{id}", "status": "pending"},
    poll="/predictions/{id}/result",
    states={
        "pending": {"jobId": "{id}", "status": "pending"},
        "done": {"jobId": "{id}", "status": "completed", "outputs": ["{picture}"]},
        "empty": {"jobId": "{id}", "status": "completed", "outputs": []},
        "failed": {"jobId": "{id}", "status": "failed", "error": "{words}"},
        "unknown": {"jobId": "{id}", "status": "{status}"},
    },
    error={"error": "{words}"},
)
NANOBANANA = Facts(
    doors=(
        Door(
            path="/generate",
            takes=takes("prompt model width height num_images"),
            needs=frozenset({"prompt", "model", "num_images"}),
        ),
    ),
    accepted={"job_id": "{id}", "status": "queued"},
    poll="/status/{id}",
    states={
        "pending": {"job_id": "{id}", "status": "processing"},
        "done": {"job_id": "{id}", "status": "completed", "image_url": "{picture}"},
        "blocked": {"job_id": "{id}", "status": "completed", "image_url": "{picture}", "nsfw": True},
        "empty": {"job_id": "{id}", "status": "completed"},
        "failed": {"job_id": "{id}", "status": "failed", "error": "{words}"},
        "unknown": {"job_id": "{id}", "status": "{status}"},
    },
    error={"error": "{words}"},
)


def _wavespeed(status: str, outputs: list[str], **more: Any) -> dict[str, Any]:
    urls = {"get": "{base}/predictions/{id}"}
    data = {"id": "{id}", "model": "{model}", "status": status, "outputs": outputs, "urls": urls, "error": ""}
    return {"code": 200, "message": "success", "data": {**data, **more}}


WAVESPEED = Facts(
    doors=(
        Door(
            path="/{model}",
            takes=takes("prompt negative_prompt image last_image duration size seed"),
            needs=frozenset({"image"}),
            only="*/i2v*",
        ),
        Door(path="/{model}", takes=takes("prompt negative_prompt size seed images output_format")),
    ),
    base_path="/api/v3",
    accepted=_wavespeed("created", []),
    poll="/predictions/{id}",
    states={
        "pending": _wavespeed("processing", []),
        "done": _wavespeed("completed", ["{picture}"], has_nsfw_contents=[False], timings={"inference": 1234}),
        "blocked": _wavespeed("completed", ["{picture}"], has_nsfw_contents=[True]),
        "empty": _wavespeed("completed", []),
        "failed": _wavespeed("failed", [], error="{words}"),
        "unknown": _wavespeed("{status}", []),
        "foreign": _wavespeed("created", [], urls={"get": "{foreign}"}),
    },
    error={"code": "{code}", "message": "{words}"},
)


def _replicate(status: str, output: Any, error: str | None = None, get: str = "{base}/v1/predictions/{id}") -> Any:
    urls = {"get": get, "cancel": "{base}/v1/predictions/{id}/cancel"}
    return {"id": "{id}", "model": "{model}", "status": status, "output": output, "error": error, "urls": urls}


REPLICATE = Facts(
    doors=(
        Door(
            path="/v1/models/{model}/predictions",
            takes=takes(
                "input.prompt input.negative_prompt input.aspect_ratio input.seed input.image_input "
                "input.output_format input.num_outputs"
            ),
            needs=frozenset({"input.prompt"}),
        ),
    ),
    accepted=_replicate("starting", None),
    poll="/v1/predictions/{id}",
    states={
        "pending": _replicate("processing", None),
        "done": _replicate("succeeded", ["{picture}"]),
        "empty": _replicate("succeeded", None),
        "failed": _replicate("failed", None, "{words}"),
        "unknown": _replicate("{status}", None),
        "foreign": _replicate("starting", None, get="{foreign}"),
    },
    cancel=("POST", "/v1/predictions/{id}/cancel"),
    error={"title": "Error", "detail": "{words}"},
)
_FAL = "{base}/{app}/requests/{id}"  # of an app's first two names: owner/app
FAL = Facts(
    doors=(
        Door(
            path="/{model}",
            takes=takes(
                "prompt negative_prompt image_size.width image_size.height seed image_url aspect_ratio resolution "
                "image_urls output_format num_images"
            ),
        ),
    ),
    auth=("authorization", "Key {key}"),
    accepted={
        "request_id": "{id}",
        "status": "IN_QUEUE",
        "status_url": f"{_FAL}/status",
        "response_url": _FAL,
        "cancel_url": f"{_FAL}/cancel",
        "queue_position": 1,
    },
    poll="/{app}/requests/{id}/status",
    states={
        "pending": {"status": "IN_QUEUE", "request_id": "{id}", "queue_position": "{place}", "response_url": _FAL},
        "done": {"status": "COMPLETED", "request_id": "{id}", "response_url": _FAL},
        "failed": {"status": "COMPLETED", "request_id": "{id}", "error": "{words}", "error_type": "internal_error"},
        "refused": {
            "status": "COMPLETED",
            "request_id": "{id}",
            "error": "{words}",
            "error_type": "content_policy_violation",
        },
        "unknown": {"status": "{status}", "request_id": "{id}"},
        "foreign": {
            "request_id": "{id}",
            "status_url": "{foreign}",
            "response_url": "{foreign}",
            "cancel_url": "{foreign}",
        },
    },
    result="/{app}/requests/{id}",
    results={
        "done": {"images": [{"url": "{picture}"}], "has_nsfw_concepts": [False], "seed": "{seed}", "prompt": ""},
        "blocked": {"images": [{"url": "{picture}"}], "has_nsfw_concepts": [True], "seed": "{seed}", "prompt": ""},
        "empty": {"images": [], "has_nsfw_concepts": [], "seed": "{seed}", "prompt": ""},
    },
    cancel=("PUT", "/{app}/requests/{id}/cancel"),
    error={"detail": "{words}"},
)
_BFL_DONE = {"id": "{id}", "status": "Ready", "result": {"sample": "{picture}", "seed": "{seed}"}}
BFL = Facts(
    doors=(
        Door(
            path="/v1/{model}",
            takes=takes(
                "prompt width height seed aspect_ratio input_image input_image_2 input_image_3 input_image_4 mask "
                "output_format safety_tolerance"
            ),
        ),
    ),
    auth=("x-key", "{key}"),
    accepted={"id": "{id}", "polling_url": "{base}/v1/get_result?id={id}"},
    poll="/v1/get_result",
    states={
        "pending": {"id": "{id}", "status": "Pending", "result": None},
        "done": _BFL_DONE,
        "empty": {"id": "{id}", "status": "Ready", "result": None},
        "failed": {"id": "{id}", "status": "Error", "result": None, "details": {"error": "{words}"}},
        "refused": {"id": "{id}", "status": "Request Moderated", "result": None},
        "blocked": {"id": "{id}", "status": "Content Moderated", "result": None},
        "unknown": {"id": "{id}", "status": "{status}", "result": None},
        "foreign": {"id": "{id}", "polling_url": "{foreign}"},
    },
    error={"detail": "{words}"},
)
QUEUES: Mapping[str, Facts] = {
    "banana": BANANA,
    "nanobanana": NANOBANANA,
    "wavespeed": WAVESPEED,
    "replicate": REPLICATE,
    "fal": FAL,
    "bfl": BFL,
}

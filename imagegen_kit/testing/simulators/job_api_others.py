"""Services that answer at once, or as JSON in an envelope, from their own documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators.job_api_facts import Door, Facts, takes

if TYPE_CHECKING:
    from collections.abc import Mapping

_STABILITY = takes("prompt negative_prompt aspect_ratio seed output_format style_preset")
STABILITY = Facts(
    doors=(
        Door(
            path="/v2beta/stable-image/generate/sd3",
            takes=_STABILITY | takes("model mode image strength cfg_scale"),
            form="multipart",
        ),
        Door(path="/v2beta/stable-image/generate/{model}", takes=_STABILITY | {"image", "strength"}, form="multipart"),
    ),
    states={
        "done": {"image": "{b64}", "finish_reason": "SUCCESS", "seed": "{seed}"},
        "blocked": {"image": "{b64}", "finish_reason": "CONTENT_FILTERED", "seed": "{seed}"},
        "empty": {"finish_reason": "SUCCESS", "seed": "{seed}"},
    },
    error={"id": "{id}", "name": "bad_request", "errors": ["{words}"]},
    refused_http=403,
    refusal={"id": "{id}", "name": "content_moderation", "errors": ["{words}"]},
)
STABILITY_UPSCALE = Facts(
    doors=(
        Door(
            path="/v2beta/stable-image/upscale/{model}",
            takes=takes("image prompt negative_prompt seed output_format creativity"),
            needs=frozenset({"prompt", "image"}),
            form="multipart",
        ),
    ),
    accepted={"id": "{id}"},
    poll="/v2beta/stable-image/upscale/{model}/result/{id}",
    states={
        "pending": {"id": "{id}", "status": "in-progress"},
        "done": {"image": "{b64}", "finish_reason": "SUCCESS", "seed": "{seed}"},
        "blocked": {"image": "{b64}", "finish_reason": "CONTENT_FILTERED", "seed": "{seed}"},
        "empty": {"finish_reason": "SUCCESS", "seed": "{seed}"},
    },
    pending_http=202,
    error={"id": "{id}", "name": "bad_request", "errors": ["{words}"]},
    refused_http=403,
    refusal={"id": "{id}", "name": "content_moderation", "errors": ["{words}"]},
)


def _nano(flag: int | str, **more: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "success", "data": {"taskId": "{id}", "successFlag": flag, **more}}


NANOBANANAAPI = Facts(
    doors=(Door(path="/api/v1/nanobanana/{model}", takes=takes("prompt aspectRatio resolution callBackUrl")),),
    accepted={"code": 200, "msg": "success", "data": {"taskId": "{id}"}},
    poll="/api/v1/nanobanana/record-info",
    states={
        "pending": _nano(0),
        "done": _nano(1, response={"resultImageUrl": "{picture}", "originImageUrl": None}),
        "empty": _nano(1, response={}),
        "failed": _nano(3, errorCode=500, errorMessage="{words}"),
        "refused": _nano(3, errorCode=400, errorMessage="{words}"),
        "unknown": _nano("{status}"),
    },
    error={"code": "{code}", "msg": "{words}"},
    error_http=200,
)


def _kie(state: str, **more: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "success", "data": {"taskId": "{id}", "model": "{model}", "state": state, **more}}


KIE = Facts(
    doors=(
        Door(
            path="/api/v1/jobs/createTask",
            takes=takes(
                "model callBackUrl input.prompt input.image_input input.aspect_ratio input.resolution "
                "input.output_format"
            ),
            needs=frozenset({"model", "input.prompt"}),
        ),
    ),
    accepted={"code": 200, "msg": "success", "data": {"taskId": "{id}"}},
    poll="/api/v1/jobs/recordInfo",
    states={
        "pending": _kie("generating", resultJson=""),
        "done": _kie("success", resultJson="{picture_json}"),
        "empty": _kie("success", resultJson=""),
        "failed": _kie("fail", failCode="500", failMsg="{words}"),
        "unknown": _kie("{status}"),
    },
    upload=(
        "/api/file-base64-upload",
        frozenset({"base64Data", "uploadPath", "fileName"}),
        {"success": True, "code": 200, "msg": "ok", "data": {"downloadUrl": "{upload}"}},
    ),
    error={"code": "{code}", "msg": "{words}"},
    error_http=200,
)
_SDAPI = takes(
    "prompt negative_prompt width height seed steps cfg_scale sampler_name batch_size n_iter "
    "override_settings.sd_model_checkpoint send_images save_images"
)
_A1111 = {"images": ["{b64}"], "parameters": {}, "info": '{"seed": {seed}, "all_seeds": [{seed}]}'}
A1111 = Facts(
    doors=(
        Door(path="/sdapi/v1/txt2img", takes=_SDAPI),
        Door(
            path="/sdapi/v1/img2img",
            takes=_SDAPI | takes("init_images mask denoising_strength include_init_images"),
            needs=frozenset({"init_images"}),
        ),
    ),
    auth=None,
    states={"done": _A1111, "empty": {"images": [], "parameters": {}, "info": "{}"}},
    error={"detail": "{words}"},
)
_OPENAI = takes("model prompt n size quality background output_format output_compression user moderation")
OPENAI_COMPATIBLE = Facts(
    doors=(
        Door(path="/images/generations", takes=_OPENAI),
        Door(
            path="/images/edits",
            takes=_OPENAI | {"image", "image[]", "mask"},
            needs=frozenset({"prompt", "image[]"}),
            form="multipart",
        ),
    ),
    base_path="/v1",
    states={"done": {"created": 1763680000, "data": [{"b64_json": "{b64}"}]}, "empty": {"created": 1, "data": []}},
    error={"error": {"code": "{error_code}", "message": "{words}", "type": "invalid_request_error", "param": None}},
    refusal={"error": {"code": "moderation_blocked", "message": "{words}", "type": "image_generation_user_error"}},
)
OTHERS: Mapping[str, Facts] = {
    "stability": STABILITY,
    "stability-upscale": STABILITY_UPSCALE,
    "nanobananaapi": NANOBANANAAPI,
    "kie": KIE,
    "a1111": A1111,
    "openai-compatible": OPENAI_COMPATIBLE,
}

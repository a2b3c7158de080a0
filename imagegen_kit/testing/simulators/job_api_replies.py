"""What a simulated job service answers: its forms filled, its refusals, and the pictures of its picture host."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators.drawing import cut, draw
from imagegen_kit.testing.simulators.film import film
from imagegen_kit.testing.simulators.job_api_body import pictures_in, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.testing.simulators.job_api import Job
    from imagegen_kit.testing.simulators.job_api_facts import Facts

_PLACE = re.compile(r"\{(\w+)\}")
PAGE = "<html><head><title>Bad Gateway</title></head><body><h1>502</h1></body></html>"


def filled(form: Any, values: Mapping[str, Any], status: int) -> Any:
    """Return ``form`` with its placeholders filled as a response; text as it is."""
    from starlette.responses import JSONResponse, PlainTextResponse

    if isinstance(form, str):
        return PlainTextResponse(form, status)
    return JSONResponse(_filled(form, values), status)


def _filled(form: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(form, dict):
        return {name: _filled(one, values) for name, one in form.items()}
    if isinstance(form, list):
        return [_filled(one, values) for one in form]
    if not isinstance(form, str):
        return form
    whole = _PLACE.fullmatch(form)
    return _value(whole[1], values) if whole else _PLACE.sub(lambda m: str(_value(m[1], values)), form)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name == "b64":
        return base64.b64encode(picture(values["job"], values["look"], values["drawn_by"])).decode("ascii")
    if name == "picture_json":
        return json.dumps({"resultUrls": [values["picture"]]})
    return values[name]


def picture(job: Job, look: str, drawn_by: str) -> bytes:
    """Return the picture (or film) of a job, of the size that was asked for; cut off where its mode says so."""
    words = str(job.values.get("prompt", job.values.get("input.prompt", "")))
    seed = int(job.values.get("seed", job.values.get("input.seed", 0)))
    width, height = size_of(job.values)
    seconds = int(job.values.get("duration", 5))
    if job.film:
        made = film(words, width, height, seconds, seed)
    else:
        given = pictures_in(job.values) if look == "drawn" else ()
        made = draw(words, width, height, seed, references=given, look=look, model=drawn_by)
    return cut(made) if job.mode == "truncated" else made


def picture_reply(job: Job, look: str, drawn_by: str) -> Any:
    """Return what the picture host hands out for a job."""
    from starlette.responses import HTMLResponse, Response

    if job.mode == "wrong_content_type":
        return HTMLResponse("<html><body>This file is being scanned for viruses.</body></html>")
    return Response(picture(job, look, drawn_by), media_type="video/mp4" if job.film else "image/png")


def failure(facts: Facts, status: int, words: str, *, form: Any = None, wait: int | None = None) -> Any:
    """Return an error in the service's form; a service with envelopes says it in the body of a 200."""
    values = {"code": status, "words": words, "id": "err-1", "error_code": f"http_{status}"}
    answer = filled(form or facts.error or {"error": "{words}"}, values, facts.error_http or status)
    if wait is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


def refusal(facts: Facts, mode: str) -> Any:
    """Return the answer to a call that is not even taken, None where the mode lets it pass."""
    from starlette.responses import HTMLResponse

    if mode == "html_502":
        return HTMLResponse(PAGE, 502)
    plain = {
        "rate_limited": (429, "Too many requests", 1),
        "rate_limited_bare": (429, "Too many requests", None),
        "quota": (402, "Insufficient credits", None),
        "unavailable": (503, "Service unavailable", None),
        "error_500": (500, "Internal error", None),
    }
    if mode not in plain:
        return None
    status, words, wait = plain[mode]
    return failure(facts, status, words, wait=wait)

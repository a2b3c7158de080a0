"""What the file of a job API means: everything that a schema cannot see, each fault with its line and key."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from imagegen_kit.catalog.job_api_paths import parse
from imagegen_kit.catalog.job_api_placeholders import SPREAD, allowed_in, examples, names_used, placeholders
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.catalog.job_api import JobApi, Poll
    from imagegen_kit.catalog.yaml import Document

KeyPath = tuple[str | int, ...]
_HOST = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?")
_SETS = ("pending", "done", "failed", "moderated")


def job_api_faults(api: JobApi, document: Document) -> list[Fault]:
    """Return everything wrong with what the file of ``api`` says."""
    found = [*_path_faults(api), *_address_faults(api), *_template_faults(api), *_host_faults(api)]
    found += [*_key_faults(api), *_submit_faults(api), *_job_faults(api), *_output_faults(api)]
    return [document.fault(at, what, hint) for at, what, hint in found]


_Found = tuple[KeyPath, str, str]


def _path_faults(api: JobApi) -> Iterator[_Found]:
    paths: dict[KeyPath, str] = {("id",): api.id, ("error",): api.error, ("seed",): api.seed}
    paths["output", "path"] = api.output.path
    for part in ("poll", "result", "cancel"):
        paths[part, "url_from"] = getattr(getattr(api, part), "url_from", "")
    if api.poll:
        paths |= {
            ("poll", "status"): api.poll.status,
            ("poll", "queue"): api.poll.queue,
            ("poll", "error"): api.poll.error,
        }
    paths |= {("blocked", n, "path"): one.path for n, one in enumerate(api.blocked)}
    paths["code", "path"] = api.code.path if api.code else ""
    paths["cost", "path"] = api.cost.path if api.cost else ""
    paths["upload", "output"] = api.upload.output if api.upload else ""
    for at, path in paths.items():
        try:
            parse(path) if path else None
        except InvalidInput as error:
            yield at, error.faults[0].what, error.faults[0].hint


def _address_faults(api: JobApi) -> Iterator[_Found]:
    if not api.base_url and not api.base_url_env:
        yield ("base_url",), "is missing.", "Give it, or the variable that holds it as base_url_env."
    if api.base_url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", api.base_url):
        yield ("base_url",), f"{api.base_url!r} is no address.", 'Write it like "https://api.example.com/v1".'
    for n, host in enumerate(api.hosts):
        if not _HOST.fullmatch(host):
            hint = 'Write "files.example.com", or "*.example.com" for every host below it.'
            yield ("hosts", n), f"{host!r} is no host.", hint
    for name in ("base_url_env", "key_env", "settings_env"):
        for n, variable in enumerate(getattr(api, name)):
            if not re.fullmatch(r"[A-Z][A-Z0-9_]*", variable):
                yield (name, n), f"{variable!r} is no name of an environment variable.", "Write it like MY_SERVICE_KEY."


def _templates(api: JobApi) -> Iterator[tuple[KeyPath, str, Any]]:
    """Yield every template with its key path and the place that it is read in (see ``allowed_in``)."""
    yield ("headers",), "call", dict(api.headers)
    for n, form in enumerate(api.submit):
        for part in ("url", "headers", "json", "multipart"):
            yield ("submit", n, part), "submit", getattr(form, part)
    for name, place in (("poll", "call"), ("result", "call"), ("cancel", "cancel")):
        for part in ("url", "json"):
            yield (name, part), place, getattr(getattr(api, name), part, None)
    for part in ("url", "headers", "json", "multipart"):
        yield ("upload", part), "upload", getattr(api.upload, part, None)
    yield ("output", "url"), "output", api.output.url


def _template_faults(api: JobApi) -> Iterator[_Found]:
    for at, place, template in _templates(api):
        for inner, name in placeholders(dict(template) if isinstance(template, dict) else template):
            here, part = (*at, *inner), at[-1]
            kind, _, rest = name.partition(".")
            if not allowed_in(name, "headers" if part == "headers" and place == "call" else place):
                fault = unknown_name_fault("placeholder", name, examples(place))
                yield here, f"{{{name}}} is not a placeholder here.", fault.hint
            elif name == "key" and part == "url":
                yield here, "puts the key into an address, where logs keep it.", "Send it in a header or the body."
            elif kind == "settings" and rest not in api.settings_env:
                yield here, f"{{{name}}} names a variable that is not in settings_env.", f"Add {rest} to settings_env."
            elif rest == "url" and place == "submit" and api.upload is None:
                yield here, f"{{{name}}} needs an upload.", "Add `upload:`, or use .data_uri or .b64."
            elif (rest == "file" or name == "file") and part != "multipart":
                yield here, f"{{{name}}} is a file, which only multipart can carry.", "Use .data_uri or .b64."
            elif name == "options" and inner[-1:] != (SPREAD,):
                yield (
                    here,
                    "{options} stands for several fields.",
                    f'Write "{SPREAD}": "{{options}}" beside the others.',
                )
            elif name == "prompt" and any(other != "prompt" for other in _beside(template, inner)):
                what = "{prompt} shares a text with a placeholder that may be empty, and would be dropped with it."
                yield here, what, "Give each a field of its own."


def _beside(template: Any, path: KeyPath) -> set[str]:
    """Return the placeholders of the text at ``path`` in ``template``."""
    for part in path:
        template = template[part]
    return names_used(template)


def _host_faults(api: JobApi) -> Iterator[_Found]:
    """Addresses written out in full are held to the same hosts as those that the service names."""
    home = urlsplit(api.base_url).netloc
    for at, _, template in _templates(api):
        if at[-1] != "url" or not isinstance(template, str) or not template.startswith(("http://", "https://")):
            continue
        host = urlsplit(template).netloc
        if host != home and not any(fnmatchcase(host, pattern) for pattern in api.hosts):
            yield at, f"is on {host}, which is not among the hosts that may see the key.", f"Add hosts: [{host}]."


def _key_faults(api: JobApi) -> Iterator[_Found]:
    named = [((*at, *inner), name) for at, _, template in _templates(api) for inner, name in placeholders(template)]
    using = [at for at, name in named if name == "key"]
    if api.key_env and not using:
        hint = 'Write headers: {Authorization: "Bearer {key}"}, or as the service wants it.'
        yield ("headers",), "no header and no body sends {key}.", hint
    if using and not api.key_env:
        yield using[0], "{key} is sent, but no key_env says which variable holds it.", "Add key_env."


def _submit_faults(api: JobApi) -> Iterator[_Found]:
    if not api.submit:
        yield ("submit",), "is empty.", "Say how a picture is asked for."
    bodies: list[tuple[KeyPath, Any]] = [(("submit", n), one) for n, one in enumerate(api.submit)]
    if api.upload:
        bodies.append((("upload",), api.upload))
    for at, form in bodies:
        if (form.json is None) == (form.multipart is None) and getattr(form, "method", "POST") != "GET":
            yield (*at,), "needs one body.", "Give json or multipart."
        for part in ("json", "multipart"):
            body = getattr(form, part) or {}
            if SPREAD in body and body[SPREAD] != "{options}":
                yield (*at, part, SPREAD), "stands for all other options.", 'Write "*": "{options}".'
    for n, one in enumerate(api.submit):
        if "prompt" not in names_used([one.url, one.json, one.multipart]):
            yield ("submit", n), "sends no {prompt}.", 'Write it into the body, like prompt: "{prompt}".'


def _job_faults(api: JobApi) -> Iterator[_Found]:
    poll = api.poll
    for name in ("poll", "result", "cancel"):
        call = getattr(api, name)
        if call and not call.url and not call.url_from:
            yield (name,), "has no address.", "Give url, or url_from where the service names the address itself."
    if poll is None:
        for name in ("id", "result", "cancel"):
            if getattr(api, name):
                yield (
                    (name,),
                    "is given, but poll is missing.",
                    "Add poll, or take it out where the reply is the result.",
                )
        return
    if not api.id and not poll.url_from:
        yield ("id",), "is missing, so a job cannot be polled.", "Give the path of the job's id in the submit's reply."
    if poll.url and "id" not in names_used([poll.url, poll.json]):
        yield ("poll", "url"), "names no job.", "Write {id} into it."
    yield from _status_faults(poll)


def _status_faults(poll: Poll) -> Iterator[_Found]:
    owner: dict[str, str] = {}
    for name in _SETS:
        for status in getattr(poll, name):
            if owner.setdefault(status, name) != name:
                yield ("poll", name), f"{status!r} is also in {owner[status]}.", "A status means one thing."
    if poll.status and not poll.done:
        yield ("poll", "done"), "is missing.", "List the statuses that mean: the picture is there."
    if owner and not poll.status:
        yield ("poll", "status"), "is missing.", "Give the path of the status in the poll's reply."
    if not poll.status and not poll.pending_http:
        yield ("poll",), "says neither status nor pending_http.", "Say how a running job is told from a finished one."
    for status in poll.billed:
        if owner.get(status) not in ("failed", "moderated"):
            yield ("poll", "billed"), f"{status!r} is not in failed or moderated.", ""


def _output_faults(api: JobApi) -> Iterator[_Found]:
    output = api.output
    if output.kind == "bytes" and output.path:
        yield ("output", "path"), "means nothing where the reply itself is the picture.", "Take it out."
    if output.kind == "text" and api.poll is not None:
        yield ("poll",), "is given, and a text is read from the reply to the submit.", "Take it out."
    if output.kind != "bytes" and not output.path:
        yield ("output", "path"), "is missing.", 'Say where the pictures are, like "images[*].url".'
    if (output.kind == "ref") is not bool(output.url):
        yield ("output", "url"), "and kind: ref belong together.", 'Write url: "{base}/view?name={item.filename}".'

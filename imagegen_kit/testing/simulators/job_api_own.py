"""What a simulator takes and answers for a service that only its own file describes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.job_api_paths import parse
from imagegen_kit.catalog.job_api_placeholders import PLACEHOLDER, SPREAD, alternatives, names_used
from imagegen_kit.testing.simulators.job_api_body import ANY
from imagegen_kit.testing.simulators.job_api_facts import Door, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen_kit.catalog.job_api import JobApi, Submit

PICTURES = {"b64": "{b64}", "data_uri": "data:image/png;base64,{b64}", "text": "{said}"}
STATUSES = {"true": True, "false": False}
SIDES = r"(?P<width>\d+)[xX*](?P<height>\d+)"
READS = {  # what a field holds, by the placeholder of its template
    "prompt": "(?P<prompt>.*)",
    "seed": r"(?P<seed>-?\d+)",
    "width": r"(?P<width>\d+)",
    "height": r"(?P<height>\d+)",
    "size": SIDES,
    "aspect_ratio": r"(?P<aspect_ratio>\d+:\d+)",
    "resolution": r"(?P<resolution>\w+)",
}


def facts_of(api: JobApi) -> Facts:
    """Return how a simulator plays ``api``: it takes the fields of its templates, and answers at its paths."""
    header = next((h for h in api.headers.items() if "{key}" in h[1]), None)
    return Facts(
        doors=tuple(_door(form) for form in api.submit),
        auth=(header[0].lower(), header[1]) if header else None,
        accepted=_accepted(api) if api.poll else None,
        poll=_path(api.poll.url or "/poll/{id}") if api.poll else "",
        pending_http=api.poll.pending_http[0] if api.poll and api.poll.pending_http else 200,
        states=_states(api),
        billed=_billed(api),
        result=_path(api.result.url or "/result/{id}") if api.result else "",
        results=_pictured(api, {}) if api.result else {},
        cancel=(api.cancel.method, _path(api.cancel.url or "/cancel/{id}")) if api.cancel else None,
        error=_at({}, api.error, "{words}"),
    )


def _path(url: str) -> str:
    """Return the path of an address template, as the simulator's own patterns are written."""
    path = re.sub(r"^(\{base\}|https?://[^/]+)", "", url).partition("?")[0]
    return re.sub(r"\{(?!id\})[^}]*\}", "{model}", path) or "/"


def _door(form: Submit) -> Door:
    body = form.json if form.json is not None else form.multipart or {}
    fields = dict(_fields(body, ""))
    needs = frozenset(name for name, template in fields.items() if template == "{prompt}")
    takes = frozenset(ANY if name.rpartition(".")[2] == SPREAD else name for name in fields)
    reads = {name: found for name, template in fields.items() if (found := _reading(template))}
    kind = "json" if form.json is not None else "multipart"
    return Door(path=_path(form.url), takes=takes, needs=needs, form=kind, reads=reads)


def _reading(template: Any) -> str:
    """Return the regular expression that reads a field written by ``template``, "" where there is nothing to read."""
    if not isinstance(template, str):
        return ""
    names = [alternatives(inside) for inside in PLACEHOLDER.findall(template)]
    known = [next((READS[name] for name in among if name in READS), ".*") for among in names]
    if set(known) <= {".*"} or len(set(known)) < len(known) or (SIDES in known and len(known) > 1):
        return ""
    fixed = map(re.escape, PLACEHOLDER.sub("\0", template).split("\0"))
    return "".join(part for pair in zip(fixed, [*known, ""], strict=True) for part in pair)


def _fields(body: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, template in body.items():
        if isinstance(template, dict):
            yield from _fields(template, f"{before}{name}.")
        else:
            yield before + name, template


def _accepted(api: JobApi) -> Any:
    found = _at({}, api.id, "{id}")
    for name in ("poll", "result", "cancel"):
        call = getattr(api, name)
        if call is not None and call.url_from:
            found = _at(found, call.url_from, f"{{base}}/{name}/{{id}}")
    return found


def _billed(api: JobApi) -> frozenset[str]:
    """Return the states that are charged though no picture comes."""
    if api.poll is None:
        return frozenset()
    shown = {"failed": api.poll.failed[:1], "refused": api.poll.moderated[:1]}
    return frozenset(state for state, status in shown.items() if set(status) & set(api.poll.billed))


def _states(api: JobApi) -> dict[str, Any]:
    """Return the answers to a poll, or to the submit where there is none; a further call may hold the picture."""
    done: dict[str, Any] = {}
    states: dict[str, Any] = {}
    if poll := api.poll:
        for name, statuses in (("pending", poll.pending), ("failed", poll.failed), ("refused", poll.moderated)):
            if statuses:
                status = _at({}, poll.status, STATUSES.get(statuses[0], statuses[0]))
                states[name] = status if name == "pending" else _at(status, api.error, "{words}")
        states.setdefault("pending", {})
        states["unknown"] = _at({}, poll.status, "{status}")
        if poll.done:
            done = _at({}, poll.status, STATUSES.get(poll.done[0], poll.done[0]))
    if api.result:
        return {**states, "done": _charged(api, done)}
    return {**states, **_pictured(api, done)}


def _charged(api: JobApi, document: Any) -> Any:
    return _at(document, api.cost.path, 2) if api.cost else document


def _pictured(api: JobApi, done: Any) -> dict[str, Any]:
    """Return the answers where the picture should be; ``done`` is what stands beside it."""
    bare = api.output.kind == "bytes"  # then there is no document that could say more
    states = {"empty": done, "done": "{bytes}" if bare else _charged(api, _at(done, api.output.path, _picture(api)))}
    for one in api.blocked:
        if one.billed:
            states["blocked"] = _at(states["done"], one.path, STATUSES.get(one.values[0], one.values[0]))
    return states


def _picture(api: JobApi) -> Any:
    if api.output.kind == "ref":  # whatever the address is made of, it is the job's id
        return {name.partition(".")[2]: "{id}" for name in names_used(api.output.url) if name.startswith("item.")}
    return PICTURES.get(api.output.kind, "{picture}")


def _at(document: Any, path: str, value: Any) -> Any:
    """Return ``document`` with ``value`` where the first alternative of ``path`` leads to."""
    steps = parse(path)[0] if path else ()
    return _put(document, steps, value) if steps else document


def _put(document: Any, steps: Any, value: Any) -> Any:
    if not steps:
        return value
    (kind, key), rest = steps[0], steps[1:]
    if kind == "name":
        held = document if isinstance(document, dict) else {}
        return {**held, key: _put(held.get(key), rest, value)}
    if kind == "values":
        held = document if isinstance(document, dict) else {}
        return {**held, "first": _put(held.get("first"), rest, value)}
    return [_put(document[0] if isinstance(document, list) else None, rest, value)]

"""What a simulator takes and answers for a service that only its own file describes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.job_api_paths import parse
from imagegen_kit.catalog.job_api_placeholders import SPREAD, names_used
from imagegen_kit.testing.simulators.job_api_body import ANY
from imagegen_kit.testing.simulators.job_api_facts import Door, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen_kit.catalog.job_api import JobApi, Submit

PICTURES = {"b64": "{b64}", "data_uri": "data:image/png;base64,{b64}"}
STATUSES = {"true": True, "false": False}


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
        result=_path(api.result.url or "/result/{id}") if api.result else "",
        results=_states(api) if api.result else {},
        cancel=(api.cancel.method, _path(api.cancel.url or "/cancel/{id}")) if api.cancel else None,
        error=_at({}, api.error, "{words}"),
    )


def _path(url: str) -> str:
    """Return the path of an address template, as the simulator's own patterns are written."""
    path = re.sub(r"^(\{base\}|https?://[^/]+)", "", url).partition("?")[0]
    return re.sub(r"\{(?!id\})[^}]*\}", "{model}", path)


def _door(form: Submit) -> Door:
    body = form.json if form.json is not None else form.multipart or {}
    fields = dict(_fields(body, ""))
    needs = frozenset(name for name, template in fields.items() if template == "{prompt}")
    takes = frozenset(ANY if name.rpartition(".")[2] == SPREAD else name for name in fields)
    return Door(path=_path(form.url), takes=takes, needs=needs, form="json" if form.json is not None else "multipart")


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


def _states(api: JobApi) -> dict[str, Any]:
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
    states["empty"] = done
    states["done"] = _at(done, api.output.path, _picture(api))
    if api.output.kind == "bytes":
        states["done"] = "{bytes}"
    if api.cost:
        states["done"] = _at(states["done"], api.cost.path, 2)
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

"""The routes of a ComfyUI server that this provider uses, and what their failures mean.

Source: docs.comfy.org, "Routes" of the server; ``server.py`` of ComfyUI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpx2

from imagegen_kit.errors import InvalidReply, NoPictureReturned, OutcomeUnknown, ProviderError, ServiceUnavailable
from imagegen_kit.providers.faults import http_fault, shortened, transport_fault, unreadable
from imagegen_kit.providers.transport import Clients

if TYPE_CHECKING:
    from collections.abc import Mapping

OK, BAD_REQUEST, NOT_FOUND = 200, 400, 404
FOLDER = "imagegen-kit"  # of the server's input folder, where reference pictures go


@dataclass(frozen=True, slots=True)
class Queue:
    """What a server has to do: the ids of the jobs that run and of those that wait, in their order."""

    running: tuple[str, ...]
    pending: tuple[str, ...]


class Server:
    """One ComfyUI server. Every call names the model that it is made for, which its errors tell."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        user, at, host = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        # Kept apart from the address, which is logged and told.
        self._auth = httpx2.BasicAuth(unquote(name), unquote(password)) if at else None
        self._address = parts._replace(netloc=host).geturl().rstrip("/")
        self._clients: Clients[httpx2.AsyncClient] = Clients(lambda client: client, lambda client: client.aclose())

    async def upload(self, data: bytes, name: str, model: str) -> str:
        """Send a picture and return what a LoadImage node calls it. Nothing is drawn yet, so no failure is paid."""
        try:
            response = await self._call(
                "POST",
                "/upload/image",
                model,
                files={"image": (name, data)},
                data={"subfolder": FOLDER, "overwrite": "true", "type": "input"},
            )
            found = self._json(response, model)
            if not isinstance(found.get("name"), str):
                raise unreadable("the upload was answered without the picture's name", model=model)
        except ProviderError as error:
            if error.paid is False:
                raise
            raise ServiceUnavailable(f"{error.message} (uploading a reference picture)", model=model) from error
        folder = found.get("subfolder")
        return f"{folder}/{found['name']}" if folder else str(found["name"])

    async def submit(self, graph: Mapping[str, Any], client_id: str, model: str) -> dict[str, Any]:
        """Queue a graph and return the answer, which names the job. Raises ProviderError for a graph it refuses."""
        response = await self._call(
            "POST", "/prompt", model, json={"prompt": graph, "client_id": client_id}, refusal=True
        )
        answer = self._json(response, model)
        if response.status_code == BAD_REQUEST:
            raise ProviderError(f"{model}: ComfyUI refused the workflow: {refusal(answer)}", model=model, status=400)
        if not isinstance(answer.get("prompt_id"), str):
            raise unreadable("the answer names no prompt_id", model=model)
        return answer

    async def history(self, job_id: str, model: str) -> dict[str, Any] | None:
        """Return what is known of a finished job, None while it has not ended."""
        found = self._json(await self._poll("GET", f"/history/{job_id}", model), model).get(job_id)
        if found is not None and not isinstance(found, dict):
            raise unreadable("the history entry is no object", model=model)
        return found

    async def queue(self, model: str) -> Queue:
        """Return which jobs run and which wait."""
        found = self._json(await self._poll("GET", "/queue", model), model)
        try:
            running, pending = (
                tuple(str(job[1]) for job in sorted(found[key], key=lambda job: job[0]))  # (number, id, graph, …)
                for key in ("queue_running", "queue_pending")
            )
        except (KeyError, IndexError, TypeError):
            raise unreadable("the queue cannot be read", model=model) from None
        return Queue(running, pending)

    async def view(self, picture: Mapping[str, Any], model: str) -> bytes:
        """Download one picture that a history entry names."""
        params = {key: str(picture.get(key, "")) for key in ("filename", "subfolder", "type")}
        try:
            response = await self._poll("GET", "/view", model, params=params)
        except ProviderError as error:
            if error.status != NOT_FOUND:
                raise
            what = f"{model}: the picture {params['filename']} is no longer on the server"
            raise NoPictureReturned(what, model=model, status=NOT_FOUND) from error
        kind = response.headers.get("content-type", "")
        if not kind.startswith("image/"):
            raise InvalidReply(f"{model}: the picture came as {kind or 'nothing known'}", model=model)
        return response.content

    async def delete(self, job_id: str) -> None:
        """Take a job out of the queue; one that runs already stays."""
        await self._poll("POST", "/queue", "comfyui", json={"delete": [job_id]})

    async def interrupt(self, job_id: str) -> None:
        """Stop a job that runs. Older servers do not read which one and stop whatever runs: look before."""
        await self._poll("POST", "/interrupt", "comfyui", json={"prompt_id": job_id})

    async def aclose(self) -> None:
        """Close all connections."""
        await self._clients.aclose()

    async def _poll(self, method: str, path: str, model: str, **content: Any) -> httpx2.Response:
        """Call about a job that the server has accepted: what fails here says nothing of the job itself."""
        try:
            return await self._call(method, path, model, **content)
        except ProviderError as error:
            if error.paid is False and not error.retryable:
                raise
            raise OutcomeUnknown(f"{error.message} (asking for an accepted job)", model=model) from error

    async def _call(
        self, method: str, path: str, model: str, *, refusal: bool = False, **content: Any
    ) -> httpx2.Response:
        """Return the answer to one call, made once. ``refusal`` lets 400 through, for the caller to read."""
        try:
            async with self._clients.one() as client:
                response = await client.request(method, self._address + path, auth=self._auth, **content)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            fault = transport_fault(error, model=model)
            if isinstance(fault, ServiceUnavailable):
                fault = ServiceUnavailable(f"{model}: {self._not_there()}", model=model)
            raise fault from error
        if response.status_code == OK or (refusal and response.status_code == BAD_REQUEST):
            return response
        raise http_fault(response.status_code, _words(response), model=model, headers=response.headers)

    def _json(self, response: httpx2.Response, model: str) -> dict[str, Any]:
        try:
            found = response.json()
        except ValueError:
            if response.status_code != OK:
                raise http_fault(response.status_code, _words(response), model=model) from None
            raise unreadable("the answer is not JSON; is this address a ComfyUI server?", model=model) from None
        if not isinstance(found, dict):
            raise unreadable("the answer is no JSON object; is this address a ComfyUI server?", model=model)
        return found

    def _not_there(self) -> str:
        return (
            f"no ComfyUI server answers at {self._address}. Start it there (python main.py in ComfyUI's folder), "
            "or set COMFYUI_URL to the address of one that runs."
        )


def refusal(answer: Mapping[str, Any]) -> str:
    """Return why a server refused a graph: each node with its reasons, or what it says of the whole."""
    nodes = answer.get("node_errors")
    lines = []
    for id, node in nodes.items() if isinstance(nodes, dict) else ():
        reasons = [_reason(error) for error in node.get("errors", ()) if isinstance(error, dict)]
        lines.append(f"node {id} ({node.get('class_type', '?')}): {'; '.join(reasons) or 'no reason given'}")
    error = answer.get("error")
    said = _reason(error) if isinstance(error, dict) else str(error or "no reason given")
    return shortened(". ".join(lines) or said)


def _reason(error: Mapping[str, Any]) -> str:
    message, details = str(error.get("message", "")).rstrip("."), str(error.get("details", ""))
    return f"{message}: {details}" if message and details else message or details or str(error.get("type", "?"))


def _words(response: httpx2.Response) -> str:
    """Return a server's own words, unless they are a page for browsers."""
    return "" if "html" in response.headers.get("content-type", "") else response.text

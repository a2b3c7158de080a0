"""The provider: pictures up, one graph, one job, one picture down."""

from __future__ import annotations

import asyncio
import io
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from imagegen_kit import providers as kit
from imagegen_kit.errors import Fault, NoPictureReturned, ProviderError, RequestTimeout, UnsupportedRequest
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers.faults import shortened, unreadable
from imagegen_kit.types import Usage
from imagegen_kit_comfyui.server import Server, refusal
from imagegen_kit_comfyui.shelf import VARIABLE, read_shelf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.types import Artifact
    from imagegen_kit_comfyui.workflow import Workflow

ADDRESS = "http://127.0.0.1:8188"
FIRST_WAIT_S, LONGEST_WAIT_S, WAIT_SHARE = 0.1, 5.0, 0.1  # a job is asked for when it has waited a tenth longer
SEEDS = 2**32
SUFFIX = {"jpeg": "jpg"}


class ComfyUI:
    """Draws with the workflows of the shelf on one ComfyUI server."""

    def __init__(self, account: kit.Account) -> None:
        self._shelf = read_shelf(account.settings.get(VARIABLE))
        self._server = Server(account.base_url or ADDRESS)
        self._client_id = uuid.uuid4().hex

    async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
        """Queue the request's workflow and return its picture. Raises ProviderError."""
        workflow = self._workflow(request)
        _refuse_missing(workflow, request)
        references = [await self._upload(reference.picture, request.model) for reference in request.references]
        mask = await self._upload(request.mask, request.model, as_mask=True) if request.mask is not None else None
        seed = _seed(workflow, request)
        graph = workflow.filled(request, seed=seed, references=references, mask=mask)
        answer = await self._server.submit(graph, self._client_id, request.model)
        job_id = answer["prompt_id"]
        if _lost(answer.get("node_errors"), workflow.places.output):  # other outputs of the graph were taken
            await self.cancel(job_id)
            words = f"{request.model}: ComfyUI refused the output of the workflow: {refusal(answer)}"
            raise ProviderError(words, model=request.model)
        await on_progress(kit.Accepted(job_id))
        return await self._reply(job_id, workflow, request, on_progress, seed)

    async def collect(self, job_id: str, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
        """Return the picture of a job that the server accepted earlier. Raises ProviderError."""
        return await self._reply(job_id, self._workflow(request), request, on_progress, None)

    async def cancel(self, job_id: str) -> None:
        """Take the job out of the queue, or interrupt it where it is the one that runs; never another's."""
        queue = await self._server.queue("comfyui")
        if job_id in queue.pending:
            await self._server.delete(job_id)
            queue = await self._server.queue("comfyui")  # it may have begun in the meantime
        if job_id in queue.running:
            await self._server.interrupt(job_id)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()

    def _workflow(self, request: kit.ImageRequest) -> Workflow:
        return self._shelf.workflow(request.model.partition("/")[2])

    async def _upload(self, picture: Artifact, model: str, *, as_mask: bool = False) -> str:
        data, suffix = await asyncio.to_thread(_mask_file if as_mask else _picture_file, picture)
        return await self._server.upload(data, f"{picture.sha256[:24]}.{suffix}", model)

    async def _reply(
        self, job_id: str, workflow: Workflow, request: kit.ImageRequest, on_progress: kit.OnProgress, seed: int | None
    ) -> kit.Reply:
        model = request.model
        entry = await self._finished(job_id, workflow, model, on_progress)
        _raise_failure(entry, model)
        outputs = entry.get("outputs")
        images = (outputs.get(workflow.places.output) or {}).get("images") if isinstance(outputs, dict) else None
        if not images:
            what = f"{model}: the workflow ended, and its node {workflow.places.output} made no picture"
            raise NoPictureReturned(what, model=model)
        if not isinstance(images[0], dict):
            raise unreadable("the history entry lists something that is no picture", model=model)
        data = await self._server.view(images[0], model)
        size_lost = request.size is not None and workflow.places.width is None
        return kit.Reply(
            pictures=(data,),
            seed_used=seed,
            usage=Usage(seconds=_seconds(entry)),
            adaptations=(kit.Adaptation("size", str(request.size), None, "dropped"),) if size_lost else (),
        )

    async def _finished(
        self, job_id: str, workflow: Workflow, model: str, on_progress: kit.OnProgress
    ) -> dict[str, Any]:
        """Wait until the history knows the job. Raises ProviderError for a forgotten job, or one that never ends."""
        waited, told = 0.0, ""
        while waited < workflow.timeout_s:
            if (entry := await self._server.history(job_id, model)) is not None:
                return entry
            queue = await self._server.queue(model)
            if job_id in queue.running:
                words = "drawing"
            elif job_id in queue.pending:
                words = f"waiting, {queue.pending.index(job_id) + len(queue.running)} before it"
            elif (entry := await self._server.history(job_id, model)) is not None:  # it ended between the two calls
                return entry
            else:
                what = f"{model}: the server no longer knows the job {job_id}; it was deleted, or the server restarted"
                raise ProviderError(what, model=model, retryable=True, paid=False)
            if words != told:
                await on_progress(kit.Progress(text=words))
                told = words
            wait = min(LONGEST_WAIT_S, max(FIRST_WAIT_S, WAIT_SHARE * waited))
            await on_progress.clock.sleep(wait)
            waited += wait
        what = f"{model}: the job {job_id} has not ended after {workflow.timeout_s:g} s ({told})"
        raise RequestTimeout(f"{what}. Set timeout_s in the workflow's .yaml to wait longer.", model=model)


def _refuse_missing(workflow: Workflow, request: kit.ImageRequest) -> None:
    """Refuse a request without the pictures that the workflow loads: it would draw with somebody else's."""
    needed, given = len(workflow.places.references), len(request.references)
    faults = []
    if given < needed:
        what = f"{request.model} needs {needed} reference picture{'s' if needed > 1 else ''}, {given} given."
        faults.append(Fault("references", what))
    if workflow.places.mask is not None and request.mask is None:
        faults.append(Fault("mask", f"{request.model} needs a mask."))
    if faults:
        raise UnsupportedRequest(faults, model=request.model, request=request)


def _seed(workflow: Workflow, request: kit.ImageRequest) -> int | None:
    """Return the seed to send: without one a workflow would draw the very picture that its file's seed names."""
    if workflow.places.seed is None:
        return None
    return request.seed if request.seed is not None else secrets.randbelow(SEEDS)


def _picture_file(picture: Artifact) -> tuple[bytes, str]:
    found = open_picture(picture)
    return found.bytes, SUFFIX.get(found.format, found.format)


def _mask_file(mask: Artifact) -> tuple[bytes, str]:
    """Return a mask as white (may change) on black, without transparency: ComfyUI reads transparency the other way."""
    from PIL import Image

    image = open_picture(mask).image.convert("RGBA")
    flat = Image.new("RGBA", image.size, (0, 0, 0, 255))
    flat.alpha_composite(image)
    file = io.BytesIO()
    flat.convert("L").convert("RGB").save(file, "PNG")
    return file.getvalue(), "png"


def _lost(node_errors: Any, output: str) -> bool:
    """Return whether a server that took the graph left the output out that the answer comes from."""
    if not isinstance(node_errors, dict):
        return False
    return output in node_errors or any(output in (e.get("dependent_outputs") or ()) for e in node_errors.values())


def _raise_failure(entry: Mapping[str, Any], model: str) -> None:
    """Raise ProviderError for a job that ended in an error; what draws on one's own server is never paid."""
    status = entry.get("status") or {}  # servers before 2024 have none
    if status.get("status_str") in (None, "success"):
        return
    messages = {m[0]: m[1] for m in status.get("messages", ()) if isinstance(m, list) and len(m) > 1}
    if "execution_interrupted" in messages:
        raise ProviderError(f"{model}: the job was interrupted on the server", model=model, paid=False)
    told = messages.get("execution_error", {})
    where = f"node {told['node_id']} ({told.get('node_type', '?')})" if "node_id" in told else "the workflow"
    why = str(told.get("exception_message") or told.get("exception_type") or f"status {status.get('status_str')!r}")
    raise ProviderError(f"{model}: {where} failed: {shortened(why)}", model=model, paid=False)


def _seconds(entry: Mapping[str, Any]) -> float | None:
    """Return how long the server drew, by its own timestamps (milliseconds), or None."""
    messages = (entry.get("status") or {}).get("messages") or ()
    times = {m[0]: m[1].get("timestamp") for m in messages if isinstance(m, list) and len(m) > 1}
    start, end = times.get("execution_start"), times.get("execution_success")
    return (end - start) / 1000 if isinstance(start, (int, float)) and isinstance(end, (int, float)) else None

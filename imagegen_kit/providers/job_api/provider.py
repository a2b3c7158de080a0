"""The provider of every service that a job-API file describes: submit once, wait, fetch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.job_api_paths import first
from imagegen_kit.catalog.job_api_placeholders import names_used
from imagegen_kit.errors import InvalidReply, ProviderError, ServiceUnavailable, UnknownName, UnsupportedRequest
from imagegen_kit.providers.job_api.asked import asked_values, has_pictures, not_carried, submit_form
from imagegen_kit.providers.job_api.calls import data_of, fault_of, words_of
from imagegen_kit.providers.job_api.fetching import Expired, pictures_of
from imagegen_kit.providers.job_api.hosts import Refused
from imagegen_kit.providers.job_api.job import Job
from imagegen_kit.providers.job_api.pictures import as_sent, picture_values
from imagegen_kit.providers.job_api.polling import Waiting, looked_up
from imagegen_kit.providers.job_api.service import Service
from imagegen_kit.providers.job_api.uploads import Uploads
from imagegen_kit.types import Accepted, Adaptation, Reply

if TYPE_CHECKING:
    from imagegen_kit.catalog.job_api import Charge, JobApi
    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.providers.base import Account, OnProgress
    from imagegen_kit.providers.job_api.calls import Answer
    from imagegen_kit.providers.job_api.templates import File
    from imagegen_kit.types import ImageRequest, VideoRequest


class JobApiProvider:
    """Pictures from one service. A service without jobs answers the submit itself; ``QueueProvider`` has the rest."""

    def __init__(self, api: JobApi, account: Account) -> None:
        self.api, self.account = api, account
        self.service = Service(api, account)
        self._uploads = Uploads(self._upload, api.upload.lives_s if api.upload else 0.0)

    async def generate(self, request: ImageRequest, on_progress: OnProgress) -> Reply:
        """Ask for the one picture of ``request``, wait for it and return it. Raises ProviderError."""
        return await self._make(request, on_progress)

    async def _make(self, request: ImageRequest | VideoRequest, on_progress: OnProgress) -> Reply:
        spec = self._spec(request.model)
        started = time.perf_counter()
        answer, notes = await self._submit(request, spec, on_progress)
        timings = {"submit": time.perf_counter() - started}
        return await self._finish(answer, request.model, spec, on_progress, notes, timings)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._uploads.aclose()
        await self.service.aclose()

    def _spec(self, model: str) -> ModelSpec:
        name = model.removeprefix(f"{self.api.name}/")
        for spec in self.api.models:
            if spec.name == name:
                return spec
        raise UnknownName("model", model, [f"{self.api.name}/{spec.name}" for spec in self.api.models], where="model")

    async def _submit(
        self, request: ImageRequest | VideoRequest, spec: ModelSpec, on_progress: OnProgress
    ) -> tuple[Answer, tuple[Adaptation, ...]]:
        values = asked_values(request, spec)
        form = submit_form(self.api, values["model"], has_pictures(request), request.model)
        notes = not_carried(request, form, values)
        url = self.service.address(form.url, values, model=request.model)
        used = names_used([form.json, form.multipart, form.headers])
        values |= await picture_values(request, used, self._uploads.address)
        if "idempotency_key" in used:
            values["idempotency_key"] = on_progress.idempotency_key
        answer = await self.service.submit(
            form.method, url, values, model=request.model, headers=form.headers, json=form.json, form=form.multipart
        )
        if fault := fault_of(answer, self.api, request.model, self.service.key):
            raise fault
        return answer, notes

    async def _finish(
        self,
        answer: Answer,
        model: str,
        spec: ModelSpec,
        on_progress: OnProgress,
        notes: tuple[Adaptation, ...],
        timings: dict[str, float],
    ) -> Reply:
        """Return the reply of a submit that holds the result itself."""
        if self.api.output.kind != "bytes":
            data_of(answer, model)
        started = time.perf_counter()
        try:
            pictures = await pictures_of(self.service, answer, model, films=spec.kind == "video")
        except Expired as error:
            raise InvalidReply(f"{model}: the picture's address was never valid", model=model) from error
        except ProviderError as error:
            if not isinstance(error.paid, bool) or error.retryable:  # made and charged; there is no job to look up
                error.paid, error.retryable = True, False
            raise
        timings["download"] = time.perf_counter() - started
        return self._reply(spec, pictures, [answer], notes, timings)

    def _reply(
        self,
        spec: ModelSpec,
        made: tuple[bytes, ...],
        answers: list[Answer],
        notes: tuple[Adaptation, ...],
        timings: dict[str, float],
    ) -> Reply:
        """Return the reply; what the service tells of cost and seed is taken from the latest answer that has it."""
        seed = _latest(self.api.seed, answers)
        cost = self._charged(answers)
        return Reply(
            pictures=made if spec.kind == "image" else (),
            films=made if spec.kind == "video" else (),
            cost_usd=cost,
            seed_used=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
            adaptations=notes,
            timings=timings,
        )

    def _charged(self, answers: list[Answer]) -> float | None:
        """Return the USD that the service says it charged; None where its file names no place, or none is there."""
        return _charged(self.api.cost, answers) if self.api.cost else None

    async def _upload(self, file: File) -> str:
        """Put a reference where the service finds it, and return its address. Nothing has been bought yet."""
        upload, name = self.api.upload, self.api.name
        assert upload is not None
        values: dict[str, Any] = {"file": file, "file.name": file.name, "file.type": file.type}
        values |= {f"file.{form}": as_sent(file, form) for form in ("b64", "data_uri")}
        url = self.service.address(upload.url, values, model=name)
        try:
            answer = await self.service.submit(
                "POST", url, values, model=name, headers=upload.headers, json=upload.json, form=upload.multipart
            )
            if fault := fault_of(answer, self.api, name, self.service.key):
                raise fault
            found = first(upload.output, data_of(answer, name))
        except ProviderError as error:
            error.retryable = error.retryable or error.paid is None
            error.paid = False
            raise
        if not isinstance(found, str):
            said = words_of(answer.data, self.api, self.service.key)
            raise ServiceUnavailable(f"{name}: the upload of a reference gave no address: {said}", model=name)
        return found


class QueueProvider(JobApiProvider):
    """Pictures from a service that takes jobs: they are named, waited for, and found again after a restart."""

    async def animate(self, request: VideoRequest, on_progress: OnProgress) -> Reply:
        """Ask for the one film of ``request``, wait for it and return it. Raises ProviderError."""
        return await self._make(request, on_progress)

    async def collect(self, job_id: str, request: ImageRequest | VideoRequest, on_progress: OnProgress) -> Reply:
        """Return the reply of a job accepted earlier, waiting for it where it still runs. Submits nothing."""
        spec = self._spec(request.model)
        form = submit_form(self.api, spec.remote_name or spec.name, has_pictures(request), request.model)
        notes = not_carried(request, form, asked_values(request, spec))
        return await self._collect(Job.of_token(job_id), request.model, spec, on_progress, notes, {}, at_once=True)

    async def cancel(self, job_id: str) -> None:
        """Ask the service to stop a job. Raises UnsupportedRequest where it has no way to."""
        call, job, name = self.api.cancel, Job.of_token(job_id), self.api.name
        if call is None or not (call.url or job.cancel):
            raise UnsupportedRequest(f"{name} has no way to stop job {job.id}; it runs to its end.", model=name)
        values = {"id": job.id}
        url = job.cancel or self.service.address(call.url, values, model=name)
        try:
            answer = await self.service.send(call.method, url, values, model=name, json=call.json)
        except Refused as error:
            raise ProviderError(f"{name}: job {job.id} was not stopped: {error}", paid=None, model=name) from error
        if fault := fault_of(answer, self.api, name, self.service.key):
            raise fault

    async def _finish(
        self,
        answer: Answer,
        model: str,
        spec: ModelSpec,
        on_progress: OnProgress,
        notes: tuple[Adaptation, ...],
        timings: dict[str, float],
    ) -> Reply:
        """Name the job that the submit began, and wait for it."""
        data = data_of(answer, model)
        job = Job.of_reply(self.api, data)
        if job is None:
            said = words_of(data, self.api, self.service.key)
            raise InvalidReply(f"{model}: the service took the request and named no job. {said}".strip(), model=model)
        await on_progress(Accepted(job.token(self.api), job.poll or None))
        return await self._collect(job, model, spec, on_progress, notes, timings, at_once=False, answers=[answer])

    async def _collect(
        self,
        job: Job,
        model: str,
        spec: ModelSpec,
        on_progress: OnProgress,
        notes: tuple[Adaptation, ...],
        timings: dict[str, float],
        *,
        at_once: bool,
        answers: list[Answer] | None = None,
    ) -> Reply:
        waiting = Waiting(self.service, job, model, spec.remote_name or spec.name)
        started = time.perf_counter()
        for again in (False, True):
            done = await waiting.done(on_progress, at_once=at_once or again)
            result = await waiting.result(done)
            waited = time.perf_counter()
            try:
                pictures = await pictures_of(self.service, result, model, films=spec.kind == "video")
                break
            except Expired as error:
                if again:
                    text = f"{model}: job {job.id} was made, and its picture's address has run out, a fresh one too"
                    raise InvalidReply(text, model=model) from error
            except ProviderError as error:
                if error.paid is None or error.retryable:
                    looked_up(error)
                raise
        timings |= {"wait": waited - started, "download": time.perf_counter() - waited}
        return self._reply(spec, pictures, [*(answers or []), done, result], notes, timings)


def _latest(path: str, answers: list[Answer]) -> Any:
    """Return what ``path`` finds in the last of ``answers`` that has it."""
    return next((found for answer in reversed(answers) if (found := first(path, answer.data)) is not None), None)


def _charged(charge: Charge, answers: list[Answer]) -> float | None:
    """Return the USD that the service says it charged; None where it names no amount."""
    amount = _latest(charge.path, answers)
    is_amount = isinstance(amount, (int, float)) and not isinstance(amount, bool) and 0 <= amount < float("inf")
    return amount * charge.usd if is_amount else None

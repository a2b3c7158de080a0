"""Waiting for a job: asks for its state until it is one of the closed set of ends, the deadline, or nothing known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

from imagegen_kit.catalog.job_api_paths import as_text, find, first
from imagegen_kit.errors import ContentBlocked, OutcomeUnknown, ProviderError, RequestTimeout
from imagegen_kit.providers.job_api.calls import blocked, data_of, fault_of, words_of
from imagegen_kit.providers.job_api.hosts import Refused
from imagegen_kit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from imagegen_kit.catalog.job_api import Call, Poll
    from imagegen_kit.providers.base import OnProgress
    from imagegen_kit.providers.job_api.calls import Answer
    from imagegen_kit.providers.job_api.job import Job
    from imagegen_kit.providers.job_api.service import Service

STRANGE = 10  # times that a status nobody knows is seen before the job counts as lost
E = TypeVar("E", bound=ProviderError)


class Waiting:
    """One job of one model at a service, being waited for."""

    def __init__(self, service: Service, job: Job, model: str, remote: str) -> None:
        assert service.api.poll is not None
        self.service, self.job, self.model = service, job, model
        self.poll: Poll = service.api.poll
        self._values: Mapping[str, Any] = {"id": job.id, "model": remote}

    async def done(self, on_progress: OnProgress, *, at_once: bool) -> Answer:
        """Return the answer that says that the job is done; ``at_once`` asks before the first wait.

        Raises the typed error of a job that failed or was refused, RequestTimeout after the deadline, and
        OutcomeUnknown where the service keeps naming a status that its file does not know.
        """
        waited, strange, told = 0.0, 0, None
        while True:
            if not at_once:
                await on_progress.clock.sleep(self.poll.every)
                waited += self.poll.every
            at_once = False
            answer = await self.ask(self.poll, self.job.poll)
            state, status = self._state(answer)
            if state == "done":
                return answer
            strange = strange + 1 if state == "unknown" else 0
            if strange >= STRANGE:
                text = f"{self.model}: nobody knows the status {status[:60]!r} that the service gives job {self.job.id}"
                hint = "Add it to pending, done, failed or moderated in the service's file."
                raise OutcomeUnknown(f"{text}. {hint}", model=self.model, status=status[:60])
            if waited >= self.poll.deadline:
                text = f"{self.model}: job {self.job.id} is still {status or 'running'} after {waited:g} s"
                raise RequestTimeout(f"{text}. It may be made and charged later.", model=self.model)
            place = first(self.poll.queue, answer.data)
            words = status + (f", place {place} in the queue" if place is not None else "")
            if words != told:
                told = words
                await on_progress(Progress(text=words or "running"))

    async def result(self, done: Answer) -> Answer:
        """Return the answer that names the pictures: ``done``, or that of a further call where the service has one."""
        call = self.service.api.result
        if call is None:
            return done
        answer = await self.ask(call, first(call.url_from, done.data) or self.job.result)
        fault = fault_of(answer, self.service.api, self.model, self.service.key)
        if fault is not None:  # 400 and 422 say that this job has no result; anything else may pass
            raise fault if answer.status in (400, 422) else looked_up(fault)
        return answer

    async def ask(self, call: Call, named: str) -> Answer:
        """Make a further call about the job, at the address that the service named or the one its file builds."""
        url = named or self.service.address(call.url, self._values, model=self.model)
        try:
            return await self.service.send(call.method, url, self._values, model=self.model, json=call.json)
        except Refused as error:
            text = f"{self.model}: the service named an address for job {self.job.id} that is not used: {error}"
            hint = "If the host is the service's own, list it under `hosts` in its file."
            raise OutcomeUnknown(f"{text}. {hint}", model=self.model) from error
        except ProviderError as error:
            raise looked_up(error) from error

    def _state(self, answer: Answer) -> tuple[str, str]:
        """Return (pending, done or unknown; the service's word for it), or raise what became of the job."""
        if answer.status in self.poll.pending_http:
            return "pending", ""
        if fault := fault_of(answer, self.service.api, self.model, self.service.key):
            raise looked_up(fault)
        if not self.poll.status:
            return "done", ""
        try:
            found = find(self.poll.status, data_of(answer, self.model))
        except ProviderError as error:
            raise looked_up(error) from error
        if not found:
            return "pending", ""
        status = as_text(found[0])
        if status in self.poll.done and first(self.poll.error, answer.data) in (None, "", False):
            return "done", status
        if status in (*self.poll.done, *self.poll.failed, *self.poll.moderated):
            self._ended(answer, status)
        return "pending" if status in self.poll.pending else "unknown", status

    def _ended(self, answer: Answer, status: str) -> NoReturn:
        words = words_of(answer.data, self.service.api, self.service.key)
        said = f" ({words})" if words else ""
        paid = status in self.poll.billed
        if status in self.poll.moderated or blocked(answer.data, self.service.api, (True, False)):
            text = f"{self.model}: the service refused the content: {status}{said}"
            raise ContentBlocked(text, paid=paid, model=self.model, status=status)
        text = f"{self.model}: the service says that job {self.job.id} failed: {status}{said}"
        raise ProviderError(text, paid=paid, model=self.model, status=status)


def looked_up(error: E) -> E:
    """Return a failure about an accepted job: it may be paid, so the job is asked for again and never sent again."""
    if not isinstance(error, ContentBlocked):
        error.paid = None
    return error

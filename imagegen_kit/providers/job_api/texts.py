"""Text from one HTTP endpoint that a file describes: a flow, an agent, a model behind an address of one's own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.job_api_paths import find
from imagegen_kit.catalog.job_api_placeholders import names_used
from imagegen_kit.errors import ContentBlocked, Fault, InvalidReply, UnsupportedRequest
from imagegen_kit.providers.job_api.asked import submit_form
from imagegen_kit.providers.job_api.calls import blocked, data_of, fault_of, words_of
from imagegen_kit.providers.job_api.provider import JobApiProvider
from imagegen_kit.types import Adaptation, Reply

if TYPE_CHECKING:
    from imagegen_kit.providers.base import OnProgress
    from imagegen_kit.providers.job_api.calls import Answer
    from imagegen_kit.types import TextRequest


class TextProvider(JobApiProvider):
    """Text from an endpoint that answers at once (``output: {kind: text}``)."""

    async def ask(self, request: TextRequest, on_progress: OnProgress) -> Reply:
        """Return what the endpoint says to ``request``. Raises ProviderError."""
        spec, api = self._spec(request.model), self.api
        form = submit_form(api, spec.remote_name or spec.name, False, request.model)
        used = names_used([form.url, form.json, form.multipart])
        values, notes = text_values(request, spec.remote_name or spec.name, used)
        if "idempotency_key" in names_used([form.json, form.multipart, form.headers]):
            values["idempotency_key"] = on_progress.idempotency_key
        url = self.service.address(form.url, values, model=request.model)
        started = time.perf_counter()
        answer = await self.service.submit(
            form.method, url, values, model=request.model, headers=form.headers, json=form.json, form=form.multipart
        )
        if fault := fault_of(answer, api, request.model, self.service.key):
            raise fault
        text = self._text(answer, request.model)
        return self._reply_in_text(text, answer, notes, time.perf_counter() - started)

    def _text(self, answer: Answer, model: str) -> str:
        data, api = data_of(answer, model), self.api
        for billed in (True, False):
            if blocked(data, api, (billed,)):
                said = words_of(data, api, self.service.key)
                text = f"{model}: the service refused to answer" + (f": {said}" if said else "")
                raise ContentBlocked(text, paid=billed, model=model)
        found = [value for value in find(api.output.path, data) if isinstance(value, str) and value.strip()]
        if not found:
            said = words_of(data, api, self.service.key)
            raise InvalidReply(f"{model}: there is no text at {api.output.path}. {said}".strip(), model=model)
        return found[0]

    def _reply_in_text(self, text: str, answer: Answer, notes: tuple[Adaptation, ...], seconds: float) -> Reply:
        cost = self._charged([answer])
        return Reply(text=text, cost_usd=cost, adaptations=notes, timings={"submit": seconds})


def text_values(request: TextRequest, model: str, used: set[str]) -> tuple[dict[str, Any], tuple[Adaptation, ...]]:
    """Return the values of the placeholders, and what of ``request`` the template sends otherwise or not at all.

    Without a place of its own the instruction (``system``) goes before the prompt. Raises UnsupportedRequest for what
    would be another question than the one asked: pictures, options that no field carries.
    """
    notes: list[Adaptation] = []
    prompt = request.prompt
    if request.system and "system" not in used:
        prompt = f"{request.system}\n\n{prompt}"
        notes.append(Adaptation("system", request.system, None, "folded", unfair=False))
    if request.seed is not None and "seed" not in used:
        notes.append(Adaptation("seed", request.seed, None, "dropped"))
    faults = [
        Fault(name, f"cannot be sent to {request.model}.")
        for name in request.options
        if "options" not in used and f"options.{name}" not in used
    ]
    if request.references:
        faults.append(Fault("references", f"({len(request.references)} given) cannot be sent to {request.model}."))
    if faults:
        raise UnsupportedRequest(faults, model=request.model)
    options = {f"options.{name}": value for name, value in request.options.items()}
    values = {"model": model, "prompt": prompt, "system": request.system, "seed": request.seed}
    return {**values, "options": dict(request.options), **options}, tuple(notes)

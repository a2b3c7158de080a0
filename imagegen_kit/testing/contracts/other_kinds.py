"""Checks of models that answer in text or make films, where a provider has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from imagegen_kit.capabilities import Fitted, fit
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.trial import noise
from imagegen_kit.types import TextRequest

if TYPE_CHECKING:
    from imagegen_kit.testing.contracts.trial import Trial

SCHEMA = {
    "type": "object",
    "properties": {"animal": {"type": "string"}},
    "required": ["animal"],
    "additionalProperties": False,
}


class Answers(Subject):
    """Text and films are held to the same contract."""

    def test_text_models_answer(self, trial: Trial) -> None:
        """``ask`` returns words in ``Reply.text``, looks at reference pictures, and counts its tokens."""
        trial.lead("text")
        for model in trial.models("text"):
            from imagegen_kit.types import Reference

            references = (Reference(noise()),) if model.can.references else ()
            request = TextRequest(
                prompt="Name an animal.", model=f"{trial.spec.name}/{model.name}", references=references
            )
            fitted = fit(request, model.can)
            assert isinstance(fitted, Fitted), f"{model.name} refuses what it says that it can do: {fitted}"
            reply = trial.call(fitted.sent)
            assert isinstance(reply.text, str) and reply.text.strip(), "Reply.text is empty"  # noqa: PT018
            if model.price is not None and model.price.per_mtok:
                assert reply.usage is not None, f"{model.name} is charged by the token: return Reply.usage"

    def test_text_models_keep_to_a_schema(self, trial: Trial) -> None:
        """Where ``schema=True`` the answer is JSON of the schema that was asked for."""
        trial.lead("text")
        models = [m for m in trial.models("text") if m.can.schema]
        if not models:
            pytest.skip("no text model takes a schema")
        for model in models:
            request = TextRequest(prompt="Name an animal.", model=f"{trial.spec.name}/{model.name}", schema=SCHEMA)
            text = trial.call(request).text
            try:
                answer = json.loads(text or "")
            except ValueError:
                pytest.fail(f"{model.name} was asked for JSON and answered {text!r}: send request.schema")
            assert set(answer) == {"animal"}, f"{model.name} answered {answer} to a schema with one field, `animal`"

    def test_film_models_make_films(self, trial: Trial) -> None:
        """``animate`` returns a whole MP4 or WebM file in ``Reply.films``."""
        trial.lead("video")
        for model in trial.models("video"):
            reply = trial.call(trial.plain(model))
            assert reply.films, "Reply.films is empty; return the encoded film, or raise NoPictureReturned"
            head = reply.films[0][:12]
            assert head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3", f"{model.name} returned no MP4 or WebM file"

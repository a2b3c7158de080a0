"""Checks of what the engine makes of a provider: origin, cache, another try, and what is refused before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imagegen_kit.providers.accounts import cacheable, origin_of
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.through_engine import ask_engine, own_engine
from imagegen_kit.testing.contracts.trial import mask, reference
from imagegen_kit.testing.contracts.words import sentence

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen_kit.testing.contracts.trial import Trial


class Keeps(Subject):
    """Through the engine a provider's pictures are known by their origin and bought once."""

    def test_a_picture_is_kept_with_its_origin(self, trial: Trial, tmp_path: Path) -> None:
        """The result is sound, known by the provider's origin, and never takes a simulated picture for a real one."""
        with own_engine(trial, tmp_path / "kept") as engine:
            result = ask_engine(engine, trial, trial.lead())
        assert result.status == "ok", f"the engine got no picture: {result.error_type}: {result.error}"
        origin = f"simulated:{trial.spec.name}" if trial.simulator is not None else origin_of(trial.spec)
        assert (result.origin or "").startswith(origin), (
            f"its origin is {result.origin!r}, not {origin!r}: set `origin`"
        )
        if trial.simulator is not None:
            assert result.simulated, "a simulated picture passes for a real one"

    def test_the_same_ask_is_bought_once(self, trial: Trial, tmp_path: Path) -> None:
        """With an ``output_version`` the second equal ask comes from the cache; with None it is made again."""
        with own_engine(trial, tmp_path / "kept") as engine:
            first, again = (ask_engine(engine, trial, trial.lead()) for _ in range(2))
        assert first.ok, f"the engine got no picture: {first.error_type}: {first.error}"
        if not cacheable(trial.spec):
            assert again.status == "ok", "its pictures are never cached (output_version or origin_env), and one was"
            return
        assert again.status == "cached", "the second equal ask was bought again: is output_version set?"
        if trial.simulator is not None:
            charged = len(trial.simulator.ledger.accepted)
            assert charged == 1, f"one picture, asked for twice, was charged {charged} times"

    def test_a_passing_fault_is_overcome(self, trial: Trial, tmp_path: Path) -> None:
        """After a 503 and a 429 the engine's third try succeeds, and only that one was charged."""
        service = trial.service()
        service.play(*(m for m in ("unavailable", "rate_limited") if m in service.modes))
        with own_engine(trial, tmp_path / "kept") as engine:
            result = ask_engine(engine, trial, trial.lead())
        trial.drain()
        assert result.status == "ok", (
            f"after a 503 and a 429 the engine gave up: {result.error_type}: {sentence(result.error)} Raise them with "
            f"retryable=True and paid=False"
        )
        assert len(service.ledger.accepted) == 1, "a failure that was told as unpaid was charged"

    def test_what_it_cannot_do_is_refused_before_it_is_sent(self, trial: Trial, tmp_path: Path) -> None:
        """A mask, references or an option that no model of it takes are refused by name; the service hears nothing."""
        model = trial.lead()
        if model.can.references and model.can.mask:
            pytest.skip(f"{model.name} takes references and masks")
        asked: dict[str, Any] = {"references": [reference()]} | ({"mask": mask()} if model.can.references else {})
        with own_engine(trial, tmp_path / "kept") as engine:
            result = ask_engine(engine, trial, model, **asked)
        assert result.error_type == "UnsupportedRequest", (
            f"{' and '.join(asked)} given to {model.name} ended as {result.status}: is this what is installed?"
        )
        if trial.simulator is not None:
            assert not trial.simulator.ledger.requests, "a refused request reached the service"

"""Checks of the ordinary case: one request, one sound picture, and what the reply says of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from imagegen_kit.catalog.prices import cost_of, estimate
from imagegen_kit.testing.contracts.clock import HurriedClock, Sink
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.trial import sound
from imagegen_kit.types import Accepted, Adaptation, Progress, Usage

if TYPE_CHECKING:
    from imagegen_kit.testing.contracts.trial import Trial

PROMPT = 'Two “foxes” & a crane; 50% <fog>,\nžluťoučký kůň, 図書館, \\ and "quotes" 🦊 {seed} $HOME'
HOW = ("dropped", "changed", "clamped", "folded", "replaced")


class Draws(Subject):
    """Every model under test answers, and says truly what came of it."""

    def test_every_model_draws_a_sound_picture(self, trial: Trial) -> None:
        """Each model returns a whole PNG, JPEG or WebP file of a format that its capabilities name."""
        for model in trial.models() or [trial.lead()]:
            picture = sound(trial.call(trial.request(model)))
            format = (picture.format or "").lower()
            assert format in model.can.formats, (
                f"{model.name} drew {format}: add it to Capabilities.formats, which is {model.can.formats}"
            )

    def test_the_prompt_arrives_word_for_word(self, trial: Trial) -> None:
        """Quotes, line ends, braces and letters of all scripts reach the service as they were written."""
        model = trial.lead()
        if trial.simulator is None:
            sound(trial.call(trial.request(model, PROMPT)))
            return
        _, sent = trial.watched(trial.request(model, PROMPT))
        assert sent.holds(PROMPT), (
            "the prompt was changed on its way: send request.prompt as it is, encoded by a library"
        )

    def test_the_reply_is_well_formed(self, trial: Trial) -> None:
        """What a reply tells besides the picture has the types, and the units, that the table is made of."""
        for model in trial.models() or [trial.lead()]:
            reply = trial.call(trial.request(model, seed=11))
            wrong = [a for a in reply.adaptations if not isinstance(a, Adaptation) or a.how not in HOW]
            assert not wrong, f"Reply.adaptations holds {wrong}: give Adaptation(field, asked, sent, how), how in {HOW}"
            timings = [n for n, s in reply.timings.items() if not isinstance(s, (int, float)) or not 0 <= s < math.inf]
            assert not timings, f"Reply.timings are seconds by part; {timings} are none"
            assert reply.usage is None or isinstance(reply.usage, Usage), "Reply.usage must be a types.Usage, or None"
            for name, kind in (("seed_used", int), ("model_used", str)):
                value = getattr(reply, name)
                assert value is None or isinstance(value, kind), (
                    f"Reply.{name} is {value!r}, not of type {kind.__name__}"
                )

    def test_the_cost_is_honest(self, trial: Trial) -> None:
        """Free is 0, a reported cost is USD, a price by tokens comes with usage; unknown is None, never 0."""
        today = HurriedClock().now().date()
        for model in trial.models() or [trial.lead()]:
            request = trial.request(model)
            reply = trial.call(request)
            reported = reply.cost_usd
            assert reported is None or (isinstance(reported, (int, float)) and reported >= 0), (
                f"Reply.cost_usd is {reported!r}: give USD as a number, or None where the service says nothing"
            )
            cost, (foreseen, _) = (
                cost_of(reply, request, model.price, None, today=today),
                estimate(model.price, request, None),
            )
            if model.price is None:
                assert reported != 0, f"{model.name} has no price and reports 0: unknown is None. Free is Price(0.0)"
            elif foreseen == 0:
                assert cost.usd == 0, (
                    f"{model.name} is free by its price and reports {reported}: one of the two is wrong"
                )
            if model.price is not None and model.price.per_mtok and model.price.per_picture is None:
                assert cost.basis in ("reported", "usage"), (
                    f"{model.name} is charged by the token: return the tokens in Reply.usage"
                )

    def test_progress_is_told_in_order(self, trial: Trial) -> None:
        """Events are Accepted or Progress; fractions rise from 0 to 1; a partial picture is a whole file."""
        from imagegen_kit.types import Reply

        sink = Sink()
        trial.call(trial.request(trial.lead()), sink)
        odd = [type(e).__name__ for e in sink.events if not isinstance(e, (Accepted, Progress))]
        assert not odd, f"on_progress was given {odd}: it takes Accepted(job_id) and Progress(fraction, text)"
        steps = [e for e in sink.events if isinstance(e, Progress)]
        fractions = [e.fraction for e in steps if e.fraction is not None]
        assert all(0 <= f <= 1 for f in fractions), f"Progress.fraction goes from 0 to 1, not {fractions}"
        assert fractions == sorted(fractions), f"Progress.fraction never falls: {fractions}"
        for step in steps:
            assert isinstance(step.text, str), f"Progress.text is {step.text!r}: give words, or leave it out"
            if step.picture is not None:
                sound(Reply(pictures=(step.picture,)))

    def test_the_same_request_gives_the_same_picture(self, trial: Trial) -> None:
        """A model that honours a seed draws the same picture for the same one, and another for another."""
        model = next((m for m in trial.models() if m.can.seed), None)
        if model is None:
            pytest.skip("no model honours a seed")
        if trial.simulator is not None or not self.deterministic:
            pytest.skip("whether pictures repeat is the service's business" if trial.simulator else "not deterministic")
        first, again, other = (trial.call(trial.request(model, seed=41, sample=n)).pictures for n in (0, 0, 1))
        assert first == again, "the same seed gave another picture: set `seed=False`, or `deterministic = False` here"
        assert first != other, "samples 0 and 1 of one seed are the same picture: draw from request.seed"

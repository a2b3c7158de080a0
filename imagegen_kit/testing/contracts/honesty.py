"""Checks that capabilities tell the truth: what is declared is sent, and nothing else ever reaches the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from imagegen_kit.capabilities import Capabilities, Fitted
from imagegen_kit.errors import ProviderError
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.trial import mask, reference, sound
from imagegen_kit.testing.contracts.words import sentence
from imagegen_kit.types import ImageRequest, Reply, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.testing.contracts.trial import Trial

SEED = 7654321
NEGATIVE = "lettering and watermarks"
SHAPE, AREA = 1.06, 1.6  # how far a picture may be from a ratio, and from a resolution word, before it is another one


class Honest(Subject):
    """Each declared capability works and is visibly sent."""

    def test_a_seed_is_sent(self, trial: Trial) -> None:
        """Where ``seed=True`` the service receives the number."""
        for model in _those(trial, lambda can: can.seed, "honours a seed"):
            self._arrives(trial, model, "the seed", SEED, seed=SEED)

    def test_a_negative_prompt_is_sent(self, trial: Trial) -> None:
        """Where ``negative_prompt=True`` the service receives the words apart from the prompt."""
        for model in _those(trial, lambda can: can.negative_prompt, "takes a negative prompt"):
            self._arrives(trial, model, "the negative prompt", NEGATIVE, negative_prompt=NEGATIVE)

    def test_a_quality_is_sent(self, trial: Trial) -> None:
        """Each of ``qualities`` is accepted and makes another request than none."""
        for model in _those(trial, lambda can: can.qualities, "has qualities"):
            for quality in model.can.qualities:
                self._arrives(trial, model, f"quality={quality!r}", quality, quality=quality)

    def test_every_choice_of_an_option_is_sent(self, trial: Trial) -> None:
        """Each value in ``choices`` is sent; others are tried with the values of the attribute ``options``."""
        for model in _those(trial, lambda can: can.choices or can.options, "has options"):
            for name, value in self._option_values(model.can):
                fields = {"options": {name: value}}
                try:
                    self._arrives(trial, model, f"{name}={value!r}", value, **fields)
                except ProviderError:  # some options go with a picture only
                    if not model.can.references:
                        raise
                    given = (reference(),)
                    self._arrives(trial, model, f"{name}={value!r}", value, **fields, references=given)

    def test_references_are_sent(self, trial: Trial) -> None:
        """One reference picture, and as many as ``references`` says, reach the service with all their bytes."""
        for model in _those(trial, lambda can: can.references, "takes reference pictures"):
            for count in sorted({1, model.can.references} - {model.can.min_references}):
                given = trial.new_references(count)
                self._grows(
                    trial,
                    model,
                    f"{count} references",
                    sum(len(r.picture.data or b"") for r in given),
                    references=given,
                )

    def test_a_mask_is_sent(self, trial: Trial) -> None:
        """Where ``mask=True`` the mask reaches the service beside the first reference."""
        for model in _those(trial, lambda can: can.mask, "takes a mask"):
            given = (reference(),) if model.can.references else ()
            if trial.simulator is None:
                sound(trial.call(trial.request(model, references=given, mask=mask())))
                continue
            _, bare = trial.watched(trial.request(model, references=given))
            reply, sent = trial.watched(trial.request(model, references=given, mask=mask()))
            sound(reply)
            assert sent.length > bare.length + 40, f"{model.name}: the mask is not in what was sent; send request.mask"

    def test_every_size_is_drawn(self, trial: Trial) -> None:
        """The picture has the size, or the ratio and resolution, that was sent; where not, the reply says so."""
        for model in trial.models() or [trial.lead()]:
            sizes = _sizes(model.can)
            for size in sizes if model is trial.lead() else [*sizes[:2], sizes[-1]]:
                request = trial.request(model, size=size)
                _compare(model, request.size, trial.call(request), unasked=trial.simulator is None)

    def test_every_format_is_drawn(self, trial: Trial) -> None:
        """Where a model offers several ``formats``, ``output_format`` chooses among them."""
        for model in _those(trial, lambda can: len(can.formats) > 1, "offers several formats"):
            for format in {"png", "jpeg", "webp"}.intersection(model.can.formats):
                reply = trial.call(trial.request(model, options={"output_format": format}))
                drawn = (sound(reply).format or "").lower()
                told = any(a.field == "output_format" for a in reply.adaptations)
                assert drawn == format or told, f"{model.name} was asked for {format} and drew {drawn}"

    def test_what_a_model_cannot_do_never_reaches_it(self, trial: Trial) -> None:
        """A request for everything at once arrives as far as the model can, and is answered; the rest was refused."""
        for model in trial.models() or [trial.lead()]:
            can = model.can
            asked = ImageRequest(
                prompt="a red kite", model=f"{trial.spec.name}/{model.name}", seed=SEED, quality="of-no-model",
                negative_prompt=NEGATIVE, size=Size(517, 333), references=tuple(map(reference, range(can.references))),
                mask=mask() if can.mask and can.references else None,
            )  # fmt: skip
            fitted = trial.fitted(asked, model)
            if not isinstance(fitted, Fitted):
                continue
            try:
                reply = trial.call(fitted.sent)
            except Exception as error:
                pytest.fail(
                    f"{model.name} was asked only for what its capabilities name and raised {type(error).__name__}: "
                    f"{sentence(error)} Declare less in Capabilities, or take what is declared."
                )
            assert isinstance(fitted.sent, ImageRequest)
            _compare(model, fitted.sent.size, reply, unasked=False)

    # how it is found out

    def _option_values(self, can: Capabilities) -> Iterator[tuple[str, Any]]:
        for name in can.options:
            if name in can.choices:
                yield from ((name, value) for value in can.choices[name])
            elif name in self.options:
                yield name, self.options[name]

    def _arrives(self, trial: Trial, model: ModelSpec, what: str, value: Any, **fields: Any) -> None:
        """Ask with ``fields``, and look for ``value`` in what was sent, or for any difference that they make."""
        request = trial.request(model, **fields)
        if trial.simulator is None:
            sound(trial.call(request))
            return
        reply, sent = trial.watched(request)
        sound(reply)
        if sent.holds(value):
            return
        bare = trial.request(model, references=fields.get("references", ()))
        plain = [trial.watched(bare)[1].comparable() for _ in range(2)]
        assert plain[0] == plain[1] != sent.comparable(), (
            f"{model.name} declares that it takes {what}, and it is not in what was sent: send it, or do not declare it"
        )

    def _grows(self, trial: Trial, model: ModelSpec, what: str, size: int, **fields: Any) -> None:
        request = trial.request(model, **fields)
        if trial.simulator is None:
            sound(trial.call(request))
            return
        _, bare = trial.watched(trial.request(model))
        reply, sent = trial.watched(request)
        sound(reply)
        assert sent.length > bare.length + size * 0.7, (
            f"{model.name} declares {what}, and {sent.length - bare.length} bytes of {size} were sent: send every one"
        )


def _those(trial: Trial, what: Callable[[Capabilities], Any], words: str) -> list[ModelSpec]:
    found = [m for m in trial.models() if what(m.can)]
    if not found:
        pytest.skip(f"no model {words}")
    return found


def _sizes(can: Capabilities) -> list[Size | None]:
    """Return a sample of the sizes that a model declares: nothing, every ratio and resolution, exact sizes."""
    exact = [*can.sizes[:3], *can.sizes[-1:]]
    if not (can.sizes or can.ratios or can.resolutions):
        side = min(can.max_side or 512, 512)
        exact = [(side, side), (side, max(can.multiple_of, side * 2 // 3)), (side // 2, side)]
    words = [Size(ratio=r) for r in can.ratios]
    words += [Size(ratio=next(iter(can.ratios), None), resolution=r) for r in can.resolutions]
    return [None, *(Size(*s) for s in dict.fromkeys(exact)), *words]


def _compare(model: ModelSpec, size: Size | None, reply: Reply, *, unasked: bool) -> None:
    """Compare a picture with what was sent; ``unasked`` says whether ``default_side`` counts where nothing was."""
    width, height = sound(reply).size
    if any(a.field == "size" for a in reply.adaptations):
        return
    words = f"{model.name} was sent {size or 'no size'} and drew {width}x{height}"
    mend = "declare only sizes that it makes, or return an Adaptation of `size` in the reply"
    if size is not None and size.width and size.height:
        assert (width, height) == (size.width, size.height), f"{words}: {mend}"
        return
    if size is not None and size.aspect is not None:
        assert 1 / SHAPE <= width / height / size.aspect <= SHAPE, f"{words}: {mend}"
    wanted = (size or Size()).pixels(model.can.default_side)
    if size.resolution if size is not None else unasked:
        assert 1 / AREA <= width * height / (wanted[0] * wanted[1]) <= AREA, (
            f"{words}: {mend}" if size else f"{words}: set Capabilities.default_side, which is {model.can.default_side}"
        )

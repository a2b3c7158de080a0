"""What the contract of scorers works with: example pictures and requests, odd ones, and answers read strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from imagegen_kit.imaging.picture import Picture
from imagegen_kit.retrieval.embedders.samples import sample_pictures
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.types import ImageRequest, Reference

if TYPE_CHECKING:
    from imagegen_kit.hookspecs import ScorerSpec

SIDE = 96  # pixels of an example
ODD = {
    "white": lambda: Image.new("RGB", (64, 64), "white"),
    "black": lambda: Image.new("RGB", (64, 64), "black"),
    "one pixel": lambda: Image.new("RGB", (1, 1), "red"),
    "transparent": lambda: Image.new("RGBA", (64, 64), (200, 10, 10, 0)),
    "grey": lambda: Image.linear_gradient("L").resize((64, 64)),
    "16 bits": lambda: Image.new("I;16", (40, 40), 40_000),
    "palette": lambda: example_pictures()[0].quantize(8),
    "tall strip": lambda: Image.new("RGB", (2, 1500), "blue"),
    "wide strip": lambda: Image.new("RGB", (1500, 2), "blue"),
}


class Watched(Subject):
    """A subject that remembers which undeclared part of its request was looked at, also where the error is caught."""

    def seen_by(self, reads: Sequence[str], scorer: str) -> Watched:
        """Return the same subject as the scorer of that name may see it."""
        other = Watched(self.picture, self._request, labels=self.labels, reads=reads, scorer=scorer)
        other.undeclared = []
        return other

    undeclared: list[str]

    def _of_request(self, name: str, default: Any) -> Any:
        if self._reads is not None and name not in self._reads:
            self.undeclared.append(name)
        return super()._of_request(name, default)


def example_pictures() -> list[Image.Image]:
    """Return six different pictures of 96 × 96 pixels: four painted, a drawing of lines, a transparent one."""
    painted = [picture.resize((SIDE, SIDE)) for picture in sample_pictures()[:4]]
    drawing = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(drawing)
    pen.ellipse((20, 14, 76, 70), outline="black", width=4)
    pen.line((48, 70, 30, 92), "black", 4)
    clear = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    ImageDraw.Draw(clear).polygon([(10, 80), (48, 8), (86, 80)], fill=(200, 60, 30, 255), outline=(20, 20, 20, 255))
    return [*painted, drawing, clear]


@cache
def examples() -> tuple[tuple[Picture, ImageRequest], ...]:
    """Return the six pictures, each with a request of which every part is filled in."""
    return tuple((Picture.from_image(image), _request(number)) for number, image in enumerate(example_pictures()))


@cache
def odd_picture(odd: str) -> Picture:
    """Return the picture that ``ODD`` names."""
    return Picture.from_image(ODD[odd]())


def subject_of(picture: Picture, request: ImageRequest) -> Subject:
    """Return a subject with labels, as a run has them."""
    return Subject(picture, request, labels={"seed": request.seed, "model": request.model})


def _request(number: int) -> ImageRequest:
    mask = Image.new("L", (SIDE, SIDE), 0)
    mask.paste(255, (0, 0, SIDE // 2, SIDE))
    shown = sample_pictures()[number + 6].resize((SIDE, SIDE))
    return ImageRequest(
        prompt=f'{("a red kite", "a blue fox", "two green cranes")[number % 3]} over a yellow boat named "Mina"',
        model="offline/collage",
        seed=number,
        negative_prompt="umbrellas, text",
        references=(Reference(Picture.from_image(shown), role="character"),),
        mask=Picture.from_image(mask),
    )


def seen(subjects: Sequence[Subject], spec: ScorerSpec) -> list[Subject]:
    """Return ``subjects`` as a scorer of this spec is shown them."""
    return [subject.seen_by(spec.reads, spec.name) for subject in subjects]


def with_request(subject: Subject, *, labels: Mapping[str, Any] | None = None, **changes: Any) -> Subject:
    """Return ``subject`` with other labels, and with a request that differs in ``changes``."""
    request = subject._request
    changed = replace(request, **changes) if isinstance(request, ImageRequest) else request
    return Subject(subject.picture, changed, labels=subject.labels if labels is None else labels)


def read(spec: ScorerSpec, answer: Any) -> dict[str, Measurement]:
    """Return a measurement for each measure of ``spec``. Raises AssertionError with what to mend."""
    declared = [measure.name for measure in spec.columns.values()]
    whole = answer if isinstance(answer, Mapping) else {"": answer}
    if not isinstance(answer, Mapping) and declared != [""]:
        said = answer.value if isinstance(answer, Measurement) else answer
        assert said is None, f"one number came, and the spec has the measures {declared}: return a mapping of them"
        whole = dict.fromkeys(declared, answer)
    others = sorted(set(map(repr, whole)) - set(map(repr, declared)))
    assert not others, f"the measures {', '.join(others)} came, which the spec does not name: add them to `measures`"
    lacking = [name for name in declared if name not in whole]
    assert not lacking, f"the measures {lacking} did not come: say Measurement(None, reason) where there is no number"
    return {name: _measurement(whole[name]) for name in declared}


def _measurement(given: Any) -> Measurement:
    found = given if isinstance(given, Measurement) else Measurement(given)
    value = found.value
    assert value is None or (isinstance(value, Real) and not isinstance(value, bool)), (
        f"a {type(value).__name__} is no number: return a float, or None"
    )
    return found


def in_range(spec: ScorerSpec, found: Mapping[str, Measurement], what: str) -> None:
    """Raise AssertionError where a number lies outside the range that the spec declares, or none has no reason."""
    for name, measure in {m.name: m for m in spec.columns.values()}.items():
        value = found[name].value
        called = f"{spec.name}{f' {name}' if name else ''} of {what}"
        if value is None:
            reason = found[name].reason
            assert isinstance(reason, str) and reason.strip(), (  # noqa: PT018
                f'{called} is None without a reason: return Measurement(None, "has no reference")'
            )
            continue
        assert math.isfinite(value), f"{called} is {value}: return Measurement(None, reason) where there is no number"
        low, high = measure.low, measure.high
        assert low is None or value >= low - 1e-9, f"{called} is {value}, under `low`, which is {low}"
        assert high is None or value <= high + 1e-9, f"{called} is {value}, over `high`, which is {high}"


def values(spec: ScorerSpec, answers: Sequence[Any]) -> list[dict[str, float | None]]:
    """Return the bare numbers of ``answers`` by measure."""
    return [{name: m.value for name, m in read(spec, answer).items()} for answer in answers]


def apart(one: Sequence[Mapping[str, float | None]], other: Sequence[Mapping[str, float | None]]) -> float:
    """Return by how much two lists of numbers differ at most, in parts of the number; infinity where one is None."""
    most = 0.0
    for a, b in zip(one, other, strict=True):
        for name, value in a.items():
            beside = b[name]
            if value is None or beside is None:
                most = most if value is beside else math.inf
            else:
                most = max(most, abs(value - beside) / max(1.0, abs(value)))
    return most


def as_json(details: Any) -> Any:
    """Return ``details`` as they come back from JSON. Raises TypeError or ValueError where JSON cannot hold them."""
    return json.loads(json.dumps(details, allow_nan=False))

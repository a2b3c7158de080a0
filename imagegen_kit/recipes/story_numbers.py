"""A story in numbers: how consistent it is, what it took, and what a minute of it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.errors import ImagegenError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from imagegen_kit.recipes.story_told import Story
    from imagegen_kit.types import Result

CLIP = "clip"  # the mode of a film between keyframes


def prompt_tokens(result: Result) -> int | None:
    """Return the tokens that the service counted of the prompt and its pictures; None where it said nothing."""
    used = result.usage
    if used is None:
        return None
    parts = (used.input_text_tokens, used.input_image_tokens, used.cached_text_tokens, used.cached_image_tokens)
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def milliseconds(result: Result) -> int | None:
    """Return how long it took in whole milliseconds; None where nothing was called, as for what is cached."""
    return None if result.seconds is None else round(result.seconds * 1000)


def every(story: Story) -> list[tuple[str, Result]]:
    """Return every answer of a story with its mode: all tries of all keyframes, then the clips."""
    found = [(take.mode, take.result) for one in story.keyframes for take in one.takes]
    return [*found, *((CLIP, result) for result in story.clips or ())]


def usage(story: Story) -> pd.DataFrame:
    """Return one row for each mode and model: asked, made, fell_back (of these), seconds, cost_usd and price_usd."""
    import pandas as pd

    back = {id(take.result) for one in story.keyframes for take in one.takes if take.fell_back}
    groups: dict[tuple[str, str], list[Result]] = {}
    for mode, result in every(story):
        groups.setdefault((mode, result.model_used or result.request.model), []).append(result)
    rows = [
        {
            "mode": mode, "model": model, "asked": len(found), "made": sum(r.ok for r in found),
            "fell_back": sum(id(r) in back for r in found), "seconds": sum(r.seconds or 0.0 for r in found),
            "cost_usd": total(r.cost.usd for r in found), "price_usd": total(r.cost.price_usd for r in found),
        }
        for (mode, model), found in groups.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index(["mode", "model"]).astype({"cost_usd": "Float64", "price_usd": "Float64"})


def metrics(story: Story) -> pd.DataFrame:
    """Return ``value`` and ``unit`` by measure; see ``Story.metrics``."""
    import pandas as pd

    frames = story.keyframes
    answers = [result for _, result in every(story)]
    calls = [attempt for result in answers for attempt in result.attempts]
    low = None if story.threshold is None else sum((k.score() or 0) < story.threshold for k in frames if k.picture)
    seconds, price = film_seconds(story), total(r.cost.price_usd for r in answers)
    rows: list[tuple[str, float | None, str]] = [
        ("keyframes", len(frames), ""),
        ("success", sum(k.picture is not None for k in frames) / len(frames), "share"),
        ("tried_again", sum(len(k.takes) > 1 for k in frames), "keyframes"),
        ("fell_back", sum(k.take.fell_back for k in frames), "keyframes"),
        ("below_threshold", low, "keyframes"),
        ("presence", mean(k.score() for k in frames), "correlation"),
        ("presence_lowest", min((v for k in frames if (v := k.score()) is not None), default=None), "correlation"),
        ("drift", drift(story), "a step"),
        ("consistency", mean(k.score("consistency") for k in frames), "%"),
        ("coherence", mean(k.score("coherence") for k in frames), "share"),
        ("calls", len(calls), ""),
        ("calls_that_succeeded", sum(not c.error for c in calls) / len(calls) if calls else None, "share"),
        ("seconds", sum(r.seconds or 0.0 for r in answers), "s"),
        ("cost_usd", total(r.cost.usd for r in answers), "USD"),
        ("film_seconds", seconds, "s"),
        ("usd_per_film_minute", 60 * price / seconds if price is not None and seconds else None, "USD"),
    ]
    frame = pd.DataFrame(rows, columns=["measure", "value", "unit"]).set_index("measure")
    return frame.astype({"value": "Float64"})


def drift(story: Story) -> float | None:
    """Return the least-squares slope of the presence, a keyframe; None where fewer than three have one."""
    import numpy as np

    known = [(one.shot.number, value) for one in story.keyframes if (value := one.score()) is not None]
    if len(known) < 3:
        return None
    numbers, values = zip(*known, strict=True)
    slope = np.polynomial.polynomial.polyfit(numbers, values, deg=1)[1]
    return float(round(slope, 6))


def film_seconds(story: Story) -> float | None:
    """Return how long the film is; None where there is none, or PyAV is not there to look."""
    try:
        return story.film.seconds if story.film is not None else None
    except ImagegenError:
        return None


def total(amounts: Iterable[float | None]) -> float | None:
    """Return the sum, None where any of it is unknown."""
    known = list(amounts)
    return None if None in known else sum(amount or 0.0 for amount in known)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

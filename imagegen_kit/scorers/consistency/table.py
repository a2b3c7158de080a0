"""Consistency of pictures at hand, without a run: every pair in a table, and one picture against others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.scorers.base import Measurement
from imagegen_kit.scorers.consistency.feature import feature_of, look_at

if TYPE_CHECKING:
    import pandas as pd


def matrix(pictures: Mapping[str, Any] | Iterable[Any], *, feature: Any = "auto") -> pd.DataFrame:
    """Return the likeness, from 0 to 1, of every pair of ``pictures``, in order; ``attrs["feature"]`` says by what.

    ``pictures`` are paths, PIL images, ``Picture``s or results, or a mapping of names to those; without names, rows and
    columns are numbered from 1. Those of blank pictures are NaN. Raises InvalidInput for what is no picture.
    """
    import pandas as pd

    named = opened(pictures)
    by = feature_of(feature)
    looks = {name: look for name, image in named.items() if (look := look_at(image, by)) is not None}
    likenesses = by.likenesses(list(looks.values())) if looks else None
    frame = pd.DataFrame(likenesses, index=list(looks), columns=list(looks), dtype="float64")
    frame = frame.reindex(index=list(named), columns=list(named))
    frame.attrs["feature"] = by.label
    return frame


def against(picture: Any, others: Mapping[str, Any] | Iterable[Any], *, feature: Any = "auto") -> Measurement:
    """Return how alike ``picture`` is to ``others`` (references, or the keyframe before), as one number to judge it by.

    The value is the percentile, from 0 to 100, of its mean likeness among look-alikes; None, with a reason, where it
    is blank. Raises InvalidInput for what is no picture.
    """
    from imagegen_kit.scorers.consistency.scorer import ConsistencyScorer

    image = next(iter(opened([picture]).values()))
    return ConsistencyScorer(feature).against(image, list(opened(others).values()))


def opened(pictures: Any) -> dict[Any, Any]:
    """Return the PIL images of ``pictures`` by their names, or else by their places from 1."""
    if isinstance(pictures, (str, bytes)) or not isinstance(pictures, Iterable):
        hint = "Give a list of pictures, or names with pictures: {'first': …}."
        raise InvalidInput([Fault("pictures", f"a {type(pictures).__name__} is no list of pictures.", hint)])
    named = dict(pictures) if isinstance(pictures, Mapping) else dict(enumerate(pictures, 1))
    if not named:
        raise InvalidInput([Fault("pictures", "there are none.")])
    images: dict[Any, Any] = {}
    faults: list[Fault] = []
    for name, one in named.items():
        try:
            images[name] = open_picture(_picture_of(one), where=f"pictures[{name!r}]").image
        except InvalidInput as error:
            faults += error.faults
    if faults:
        raise InvalidInput(faults)
    return images


def _picture_of(one: Any) -> Any:
    """Return the first picture of a result; anything else as it is."""
    kept = getattr(one, "artifacts", None)
    if kept is None:
        return getattr(one, "picture", one)
    return next((artifact for artifact in kept if artifact.kind == "picture"), one)

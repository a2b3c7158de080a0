"""``ConsistencyScorer``: does a set of pictures show one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import CorruptArtifact, InvalidInput, StoreError
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.scorers.base import Answer, Measurement, Subject
from imagegen_kit.scorers.consistency.feature import BEYOND, feature_of, look_at
from imagegen_kit.scorers.consistency.sequence import drift, means_to_others, worst_pair

if TYPE_CHECKING:
    from PIL import Image

MEASURES = ("", "similarity", "first", "previous", "drift", "worst")
WHOLE = "nothing could be cut out: the whole picture was compared, which tells figures apart far less well"
MOST_SHOWN = 32  # pictures of a set whose matrix is kept


class ConsistencyScorer:
    """Scores a set: each picture's likeness to the others, or to the character references that were sent with it.

    ``feature`` is "auto" and "drawn" (colours, layout and outlines of the foreground), or the name of an embedder, such
    as "clip:folder". The feature that was used stands beside every number. Raises what ``feature_of`` raises.
    """

    def __init__(self, feature: Any = "auto") -> None:
        self._feature = feature_of(feature)
        self.feature = f"{self._feature.label} [{self._feature.fingerprint}]"

    def score(self, subjects: Sequence[Subject]) -> Sequence[Answer]:
        """Return the measures of each subject of one set, in order; what cannot be looked at is left out, and says why.

        ``similarity`` is a mean likeness from 0 to 1, and the nameless measure its percentile among look-alikes.
        """
        looks: list[Any] = []
        places: dict[int, int] = {}
        reasons: dict[int, str] = {}
        for number, subject in enumerate(subjects):
            try:
                look = self._look(subject.image)
            except (CorruptArtifact, StoreError, InvalidInput) as error:
                reasons[number] = f"cannot be read: {error.message}"[:300]
                continue
            if look is None:
                reasons[number] = "is blank"
            else:
                places[number] = len(looks)
                looks.append(look)
        likenesses = self._feature.likenesses(looks) if looks else np.ones((0, 0))
        seen = [subjects[number] for number in places]
        whole = self._of_the_set(likenesses, seen)
        return [
            self._of_one(places[number], likenesses, subject, looks, whole)
            if number in places
            else _none(reasons[number])
            for number, subject in enumerate(subjects)
        ]

    def against(self, image: Image.Image, others: Sequence[Image.Image]) -> Measurement:
        """Return the percentile of the mean likeness of ``image`` to ``others``, blank ones left out."""
        looks = [look for look in map(self._look, others) if look is not None]
        look = self._look(image)
        if look is None or not looks:
            return Measurement(None, "is blank" if look is None else "there is nothing to compare it with")
        row = self._feature.likenesses([look, *looks])[0, 1:]
        return self._percentile(float(row.mean()), "the pictures given", {"likeness": row.tolist()})

    def _look(self, image: Image.Image) -> Any | None:
        return look_at(image, self._feature)

    def _percentile(self, mean: float, to: str, more: Mapping[str, Any]) -> Measurement:
        details = {"to": to, "gallery": self._feature.gallery, "beyond": BEYOND, **more}
        return Measurement(round(self._feature.percentile(mean), 2), feature=self._feature.label, details=details)

    def _number(self, value: float, details: Mapping[str, Any] | None = None) -> Measurement:
        return Measurement(round(float(value), 6), feature=self._feature.label, details=details or {})

    def _of_the_set(self, likenesses: np.ndarray, seen: Sequence[Subject]) -> dict[str, Measurement]:
        if len(seen) < 2:
            alone = Measurement(None, "is the only picture of its set that can be compared")
            return {"drift": alone, "worst": alone}
        names = _names(seen)
        one, other = worst_pair(likenesses)
        pair = {"pair": [names[one], names[other]], "places": [one, other]}
        slope = drift(likenesses)
        too_few = Measurement(None, "a slope needs three pictures of a set")
        return {
            "drift": too_few if slope is None else self._number(slope, {"to": names[0], "steps": len(seen) - 1}),
            "worst": self._number(likenesses[one, other], pair),
        }

    def _of_one(
        self,
        place: int,
        likenesses: np.ndarray,
        subject: Subject,
        looks: Sequence[Any],
        whole: Mapping[str, Measurement],
    ) -> Answer:
        found = dict(whole)
        row, n = likenesses[place], len(likenesses)
        shown: dict[str, Any] = {"likeness": row.tolist()} if n <= MOST_SHOWN else {}
        if not getattr(looks[place], "cut_out", True):
            shown["foreground"] = WHOLE
        given = self._to_references(looks[place], subject)
        if given is not None:
            mean, to = given, "its character references"
        elif n > 1:
            mean, to = float(means_to_others(likenesses)[place]), "the other pictures of its set"
        else:
            return {**_none("is the only picture of its set, and no character reference was sent with it"), **found}
        found[""] = self._percentile(mean, to, shown)
        found["similarity"] = self._number(mean, {"to": to})
        first = Measurement(None, "is the first of its set, with which the others are compared")
        found["first"] = self._number(row[0]) if place else first
        found["previous"] = self._number(row[place - 1]) if place else Measurement(None, "is the first of its set")
        if place == 0 and 1 < n <= MOST_SHOWN:  # once a set
            worst = found["worst"]
            matrix = {**worst.details, "matrix": likenesses.tolist()}
            found["worst"] = Measurement(worst.value, feature=worst.feature, details=matrix)
        return found

    def _to_references(self, look: Any, subject: Subject) -> float | None:
        """Return the likeness to each character that was sent, by the best of its pictures; their mean, None for none.

        Pictures of one name are one character.
        """
        characters: dict[str, list[Any]] = {}
        for reference in subject.references:
            if reference.role == "character":
                seen = self._look(open_picture(reference.picture).image)
                if seen is not None:
                    characters.setdefault(reference.name or reference.picture.sha256, []).append(seen)
        if not characters:
            return None
        best = [self._feature.likenesses([look, *seen])[0, 1:].max() for seen in characters.values()]
        return float(np.mean(best))


def _none(reason: str) -> dict[str, Measurement]:
    return dict.fromkeys(MEASURES, Measurement(None, reason))


def _names(seen: Sequence[Subject]) -> list[str]:
    """Return words for each picture: the parameters in which the pictures differ, or else its place from 1."""
    keys = dict.fromkeys(key for subject in seen for key in subject.labels)
    apart = [key for key in keys if len({str(subject.labels.get(key)) for subject in seen}) > 1]
    return [
        ", ".join(f"{key}={str(subject.labels.get(key))[:80]}" for key in apart) or f"picture {place}"
        for place, subject in enumerate(seen, 1)
    ]

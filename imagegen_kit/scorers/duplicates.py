"""``duplicates``: whether a set has the same picture more than once, but for size, format and quality."""

from __future__ import annotations

from collections.abc import Sequence

from imagegen_kit.retrieval.tuned import DUPLICATE_BITS, DUPLICATE_COSINE
from imagegen_kit.scorers.base import Answer, Measurement, Subject
from imagegen_kit.scorers.remembered import feature_of, hashes, vectors

ALONE = "is the only picture of its set"


class Duplicates:
    """Counts the near-duplicates of each picture in its set, by the rule by which libraries leave them out."""

    def __init__(self) -> None:
        from imagegen_kit.retrieval.embedders.offline import OfflineEmbedder

        self._embedder = OfflineEmbedder()
        self.feature = feature_of(self._embedder)

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return for each how many others are near-duplicates of it, and how many bits away the nearest is."""
        import numpy as np

        if len(subjects) < 2:
            return [Measurement(None, ALONE) for _ in subjects]
        rows, bits = vectors(subjects, self._embedder), hashes(subjects)
        answers: list[Answer] = []
        for place in range(len(subjects)):
            apart = np.bitwise_count(bits ^ bits[:, place, None]).min(axis=0).astype(np.int16)
            cosines = rows @ rows[place]
            same = (apart <= DUPLICATE_BITS) & (cosines >= DUPLICATE_COSINE)
            same[place], apart[place] = False, 65
            nearest = int(np.lexsort((-cosines, apart))[0])
            copies = [subjects[i].picture.sha256[:12] for i in np.flatnonzero(same)[:10]]
            found = {"nearest": subjects[nearest].picture.sha256[:12], "cosine": round(float(cosines[nearest]), 4)}
            answers.append({
                "": Measurement(float(same.sum()), details={"copies": copies} if copies else {}),
                "distance": Measurement(float(apart[nearest]), details=found),
            })  # fmt: skip
        return answers

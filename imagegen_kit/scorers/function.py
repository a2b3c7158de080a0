"""A scorer that is a function: what ``@ik.register(scorer="name")`` makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagegen_kit.scorers.base import Answer, Subject


@dataclass(frozen=True, slots=True)
class FunctionScorer:
    """Asks ``function`` of each subject, or of a whole set at once where ``whole_sets``."""

    function: Callable[..., Answer | Sequence[Answer]]
    whole_sets: bool = False

    def score(self, subjects: Sequence[Subject]) -> Sequence[Answer]:
        """Return what the function says of each."""
        if self.whole_sets:
            return self.function(subjects)  # type: ignore[return-value]  # the runner checks it
        return [self.function(subject) for subject in subjects]  # type: ignore[misc]  # the same

"""What a scorer is given and what it answers: the contract for plugin authors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from imagegen_kit.errors import PluginError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.types import Artifact, Reference, Request


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number of one picture, or None and the reason why there is none.

    ``feature`` says by what it was measured where that can differ ("colour + HOG", a model's name). ``details`` are
    further facts that JSON can hold, such as each rule's value, limit and pass.
    """

    value: float | None
    reason: str = ""
    feature: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


Answer = float | Measurement | None | Mapping[str, "float | Measurement | None"]


class Subject:
    """A picture to be scored, and of its request what the scorer's spec says that it ``reads``; the rest is refused.

    A request is shown as it was asked, the same for every model. ``labels`` are the parameters of its row, to name it
    in words; no score may hang on them. In a set, subjects come in the order of the run. With ``keep`` the picture is
    decoded once for all scorers; a large set would not fit into memory so.
    """

    def __init__(
        self,
        picture: Picture,
        request: Request | None = None,
        *,
        labels: Mapping[str, Any] | None = None,
        keep: bool = True,
        reads: Sequence[str] | None = None,
        scorer: str = "",
    ) -> None:
        self.picture, self.labels = picture, dict(labels or {})
        self._request, self._reads, self._scorer, self._keep = request, reads, scorer, keep
        self._decoded: dict[str, Any] = {}

    def seen_by(self, reads: Sequence[str], scorer: str) -> Subject:
        """Return the same subject as the scorer of that name may see it; the decoded picture is shared."""
        other = Subject(self.picture, self._request, labels=self.labels, keep=self._keep, reads=reads, scorer=scorer)
        other._decoded = self._decoded
        return other

    @property
    def image(self) -> Image.Image:
        """The picture as PIL, upright, as it is stored. It may be shared: do not change it."""
        image: Image.Image = self._once("image", lambda: self.picture.image)
        return image

    @property
    def rgb(self) -> np.ndarray[Any, Any]:
        """The picture as (height, width, 3) uint8, on white where it is transparent. Read-only."""
        pixels: np.ndarray[Any, Any] = self._once("rgb", lambda: _pixels(self.image))
        return pixels

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if not self._keep:
            return make()
        if name not in self._decoded:
            self._decoded[name] = make()
        return self._decoded[name]

    @property
    def prompt(self) -> str:
        """The text that was asked for, with its style."""
        return str(self._of_request("prompt", ""))

    @property
    def negative_prompt(self) -> str:
        """What was asked not to be seen; empty where nothing was."""
        return str(self._of_request("negative_prompt", "") or "")

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references that were asked for, in order."""
        return tuple(self._of_request("references", ()) or ())

    @property
    def mask(self) -> Artifact | None:
        """The mask that was asked for; None where there was none."""
        mask: Artifact | None = self._of_request("mask", None)
        return mask

    def _of_request(self, name: str, default: Any) -> Any:
        if self._reads is not None and name not in self._reads:
            raise PluginError(
                f"scorer {self._scorer!r} reads the {name} of a request, but its spec does not say so, and its cached "
                f"scores would be wrong. Write reads=({name!r}, …) in its ScorerSpec."
            )
        return default if self._request is None else getattr(self._request, name, default)


def _pixels(image: Image.Image) -> np.ndarray[Any, Any]:
    import numpy as np

    from imagegen_kit.imaging.encode import flatten  # loads Pillow, which a plugin's description has no use for

    pixels = np.asarray(flatten(image).convert("RGB"))
    pixels.flags.writeable = False
    return pixels


class Scorer(Protocol):
    """What ``ScorerSpec.target`` returns when it is called with the user's options.

    ``score`` is called in a worker thread, several at once, with a few pictures (scope "picture") or one whole set
    (scope "set"), and returns one answer for each, in order: a number, None, a ``Measurement``, or a mapping of the
    spec's measures ("" is the nameless one) to those. What it raises becomes the reason why these pictures have no
    score. An attribute ``feature`` (text), where it has one, is part of what cached scores are known by.
    """

    def score(self, subjects: Sequence[Subject]) -> Sequence[Answer]:
        """Return one answer a subject, in order."""
        ...

"""From the arguments of ``Library.search`` to a ``Brief``: all that is wrong is said at once, pictures are opened."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.retrieval.base import CHANNELS, Brief
from imagegen_kit.retrieval.retrievers.queries import pictures_of

if TYPE_CHECKING:
    from PIL import Image

    from imagegen_kit.retrieval.library import Library

MOST_LETTERS = 100_000
FIELDS = ("text", "image", "vector", "negative", "weights", "where", "top_k", "diversity", "dedup", "min_score")


def brief_of(
    library: Library,
    text: str | None = None,
    *,
    image: Any = None,
    vector: Any = None,
    negative: Any = None,
    weights: Mapping[str, float] | None = None,
    where: Mapping[str, Any] | None = None,
    top_k: int = 3,
    diversity: float = 0.0,
    dedup: bool = True,
    min_score: float | Mapping[str, float] | None = None,
) -> Brief:
    """Return a checked brief. Raises InvalidInput with all faults of the call.

    ``image`` is a path, bytes, a PIL image, an array, a Picture, a Reference, a result of ``generate``, or a list of
    them; only here may a text be a path. ``text``, and a ``negative`` that is a text, are words whatever they look
    like. ``negative`` may also be pictures, or a list of texts and pictures.
    """
    checks = _Checks()
    words = checks.words("text", text)
    images = checks.images("image", image)
    point = checks.vector(vector, library)
    unwanted, unwanted_images = checks.negative(negative)
    if words is None and not images and point is None and not checks.faults:
        hint = "Give words (`text`), pictures (`image`) or a `vector`."
        checks.faults.append(Fault("search", "nothing is asked.", hint))
    if image is not None and vector is not None:
        checks.faults.append(Fault("vector", "takes the place of `image`.", "Give one of the two."))
    brief = Brief(
        text=words,
        images=images,
        vector=point,
        negative=unwanted,
        negative_images=unwanted_images,
        weights=checks.weights(weights),
        where=checks.where(where, library),
        top_k=checks.top_k(top_k),
        diversity=checks.share("diversity", diversity),
        dedup=checks.yes_or_no("dedup", dedup),
        min_score=checks.min_score(min_score),
    )
    if checks.faults:
        raise InvalidInput(checks.faults)
    return brief


@dataclass(slots=True)
class _Checks:
    faults: list[Fault] = field(default_factory=list)

    def words(self, where: str, given: Any) -> str | None:
        if given is None:
            return None
        if not isinstance(given, str):
            what = f"a {type(given).__name__} is no text."
            self.faults.append(Fault(where, what, "Pictures go into `image`." if where == "text" else ""))
            return None
        if len(given) > MOST_LETTERS:
            self.faults.append(
                Fault(where, f"{len(given):,} letters are more than the {MOST_LETTERS:,} that are read.")
            )
            return None
        given = given.strip()
        if not given.isascii():  # half a surrogate pair, which no tokenizer can encode
            given = given.encode("utf-8", "replace").decode("utf-8")
        return given or None

    def images(self, where: str, given: Any) -> tuple[Image.Image, ...]:
        if given is None:
            return ()
        try:
            return tuple(pictures_of(given, where=where))
        except InvalidInput as error:
            self.faults += error.faults
            return ()

    def negative(self, given: Any) -> tuple[str | None, tuple[Image.Image, ...]]:
        if given is None or isinstance(given, str):
            return self.words("negative", given), ()
        parts = list(given) if isinstance(given, (list, tuple)) else [given]
        texts = [words for part in parts if isinstance(part, str) and (words := self.words("negative", part))]
        return ", ".join(texts) or None, self.images("negative", [p for p in parts if not isinstance(p, str)])

    def vector(self, given: Any, library: Library) -> np.ndarray | None:
        if given is None:
            return None
        try:
            found = np.asarray(given, dtype=np.float32)
        except (TypeError, ValueError):
            self.faults.append(Fault("vector", f"a {type(given).__name__} holds no numbers."))
            return None
        if found.ndim == 2 and len(found) == 1:
            found = found[0]
        embedder = library.embedder
        length = math.sqrt(found.dot(found)) if found.ndim == 1 else 1.0
        if found.shape != (embedder.dimension,):
            what = f"has the shape {found.shape}; those of {embedder.name!r} are ({embedder.dimension},)."
            self.faults.append(Fault("vector", what, "Use a vector of this library's embedder: `lib.embedder`."))
        elif not math.isfinite(length):
            self.faults.append(Fault("vector", "holds NaN or infinite numbers."))
        elif length < 1e-12:
            self.faults.append(Fault("vector", "is all zeros, so it points nowhere."))
        else:
            return found if abs(length - 1) < 1e-6 else found / np.float32(length)
        return None

    def weights(self, given: Any) -> Mapping[str, float] | None:
        return None if given is None else self._by_channel("weights", given, most=None)

    def min_score(self, given: Any) -> float | Mapping[str, float] | None:
        if isinstance(given, Mapping):
            return self._by_channel("min_score", given, most=1.0)
        return None if given is None else self.share("min_score", given)

    def _by_channel(self, where: str, given: Any, most: float | None) -> Mapping[str, float] | None:
        if not isinstance(given, Mapping):
            hint = f'Write {where}={{"text": 0.6, "image": 0.4}}.'
            self.faults.append(Fault(where, f"a {type(given).__name__} says nothing of channels.", hint))
            return None
        found = {}
        for name, value in given.items():
            place = f"{where}[{name!r}]"
            if where == "weights" and name not in CHANNELS:
                self.faults.append(unknown_name_fault("channel", name, CHANNELS, where=where))
            elif not _is_number(value) or value < 0 or (most is not None and value > most):
                self.faults.append(Fault(place, f"{value!r} is no number {'from 0 to 1' if most else 'of 0 or more'}."))
            else:
                found[str(name)] = float(value)
        return found

    def where(self, given: Any, library: Library) -> Mapping[str, Any] | None:
        if given is None:
            return None
        if not isinstance(given, Mapping):
            what = f"a {type(given).__name__} is no filter."
            self.faults.append(Fault("where", what, 'Write where={"role": "character"}.'))
            return None
        if self.faults:  # else the retriever asks, and what is wrong with it is all that is wrong
            try:
                library.numbers(given)
            except InvalidInput as error:
                self.faults += error.faults
        return given or None

    def top_k(self, given: Any) -> int:
        if type(given) is int and given >= 0:
            return given
        try:
            number = operator.index(given)
        except TypeError:
            number = -1
        if number < 0 or isinstance(given, bool):
            self.faults.append(Fault("top_k", f"{given!r} is no whole number of 0 or more."))
            return 0
        return number

    def share(self, where: str, given: Any) -> float:
        if type(given) is float and 0.0 <= given <= 1.0:
            return given
        if _is_number(given) and 0 <= given <= 1:
            return float(given)
        self.faults.append(Fault(where, f"{given!r} is no number from 0 to 1."))
        return 0.0

    def yes_or_no(self, where: str, given: Any) -> bool:
        if not isinstance(given, (bool, np.bool_)):
            self.faults.append(Fault(where, f"{given!r} is neither True nor False."))
        return bool(given)


def _is_number(value: Any) -> bool:
    if isinstance(value, (bool, str)):
        return False
    try:
        return math.isfinite(value)
    except (TypeError, ValueError):
        return False

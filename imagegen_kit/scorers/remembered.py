"""What several scorers look at alike, looked at once a picture: the offline embedder's vector and perceptual hashes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.scorers.base import Subject

KEPT = 8192  # pictures; a vector of 524 numbers takes 2 KB
_Found = TypeVar("_Found")
_kept: OrderedDict[tuple[str, str], Any] = OrderedDict()
_lock = Lock()


def vectors(subjects: Sequence[Subject], embedder: Embedder) -> np.ndarray:
    """Return (n, dimension) float32 of length 1 for the subjects, as a library would see them."""
    import numpy as np

    return np.stack([vector(subject, embedder) for subject in subjects])


def vector(subject: Subject, embedder: Embedder, image: Image.Image | None = None) -> np.ndarray:
    """Return (dimension,) float32 of length 1. Pictures seen lately are not embedded, or even decoded, again.

    ``image`` is the subject's where it is at hand: in a set each look at it decodes it anew.
    """
    from imagegen_kit.retrieval.library.looking import prepared

    def look() -> np.ndarray:
        seen: np.ndarray = embedder.embed_images([prepared(image or subject.image)])[0]
        return seen

    return _once(f"vector {embedder.fingerprint}", subject.picture.sha256, look)


def hashes(subjects: Sequence[Subject]) -> np.ndarray:
    """Return (2, n) uint64: the dHash and the pHash by which libraries, too, tell near-duplicates."""
    import numpy as np

    from imagegen_kit.retrieval.library.looking import perceptual_hashes, prepared

    def look(subject: Subject) -> tuple[int, int]:
        return _once("hashes", subject.picture.sha256, lambda: perceptual_hashes(prepared(subject.image)))

    return np.array([look(subject) for subject in subjects], dtype=np.uint64).T


def feature_of(embedder: Embedder) -> str:
    """Return what scores by an embedder are known by: its name and the beginning of its fingerprint."""
    return f"{embedder.name} {embedder.fingerprint[:12]}"


def forget() -> None:
    """Look at every picture anew, as a fresh process does."""
    with _lock:
        _kept.clear()


def _once(kind: str, sha256: str, look: Callable[[], _Found]) -> _Found:
    """Return what ``look`` gives, or gave for the same picture lately. Two threads may look at the same time."""
    key = (kind, sha256)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            known: _Found = _kept[key]
            return known
    found = look()
    with _lock:
        _kept[key] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found

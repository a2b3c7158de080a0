"""Identity: how alike a picture and its references are to a model of pictures (CLIP-I, DINO)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.embedded import by_first_token, embedder_for, told
from imagegen_kit.types import ROLES

if TYPE_CHECKING:
    import numpy as np

    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.types import Artifact

KEPT = 2000  # vectors of references that are kept, by the picture's hash: about 2 KB each
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


class Identity:
    """The mean cosine of a picture to each of its references of one role, or to each picture of a set ``against``.

    With a CLIP model this is CLIP-I, with a DINO model (its first token) the DINO score of DreamBooth (Ruiz et al.
    2023). ``role`` None takes all references. ``against`` is a folder, a picture, or a list of them (paths, bytes, PIL
    images): then no reference is needed.
    """

    def __init__(self, embedder: str | Embedder = "clip", role: str | None = "character", against: Any = None) -> None:
        if role is not None and role not in ROLES:
            raise InvalidInput([unknown_name_fault("role", role, ROLES, where="identity role")])
        self._embedder = by_first_token(embedder_for(embedder, "identity"))
        self._role, self._known = role, dict[str, "np.ndarray[Any, Any]"]()
        self._set = None if against is None else _opened(against)
        self.feature = told(self._embedder)
        if self._set is not None:
            digest = hashlib.sha256(" ".join(sorted(p.sha256 for p in self._set)).encode()).hexdigest()
            self.feature += f", against {len(self._set)} pictures {digest[:12]}"

    def score(self, subjects: Sequence[Subject]) -> list[Measurement]:
        """Return one measurement a picture; None where it has no reference of the role."""
        sides = [self._beside(subject) for subject in subjects]
        self._learn([picture for side in sides for _, picture in side])
        shown = iter(self._embedder.embed_images([s.image for s, side in zip(subjects, sides, strict=True) if side]))
        return [
            self._compared(next(shown), side) if side else Measurement(None, self._lacking(subject))
            for subject, side in zip(subjects, sides, strict=True)
        ]

    def _beside(self, subject: Subject) -> list[tuple[str, Artifact]]:
        """Return what a picture is compared with, each with a name."""
        if self._set is not None:
            return [(picture.sha256[:8], picture) for picture in self._set]
        wanted = [r for r in subject.references if self._role in (None, r.role)]
        return [(r.name or r.picture.sha256[:8], r.picture) for r in wanted]

    def _compared(self, vector: np.ndarray[Any, Any], side: Sequence[tuple[str, Artifact]]) -> Measurement:
        cosines = [float(vector @ self._vector(picture)) for _, picture in side]
        named: list[Mapping[str, Any]] = [
            {"name": name, "cosine": cosine} for (name, _), cosine in zip(side, cosines, strict=True)
        ]
        mean = min(1.0, max(-1.0, sum(cosines) / len(cosines)))  # of equal vectors the product is 1.0000001
        return Measurement(mean, details={"references": named} if self._set is None else {"set": len(named)})

    def _lacking(self, subject: Subject) -> str:
        roles = sorted({r.role for r in subject.references})
        if not roles:
            return "has no reference"
        return f"has no reference of the role {self._role} (they are {', '.join(roles)}; role=None takes all)"

    def _learn(self, pictures: Sequence[Artifact]) -> None:
        """Embed what is not known yet, each picture once."""
        new = {p.sha256: p for p in pictures if p.sha256 not in self._known}
        if len(self._known) + len(new) > KEPT:
            self._known = {}
            new = {p.sha256: p for p in pictures}
        if new:
            vectors = self._embedder.embed_images([open_picture(p).image for p in new.values()])
            self._known = {**self._known, **dict(zip(new, vectors, strict=True))}

    def _vector(self, picture: Artifact) -> np.ndarray[Any, Any]:
        known = self._known.get(picture.sha256)  # another thread may have emptied them
        if known is None:
            (known,) = self._embedder.embed_images([open_picture(picture).image])
        return known


def _opened(against: Any) -> list[Picture]:
    """Return the pictures of a set, all faults at once."""
    if isinstance(against, (str, Path)) and (folder := Path(against).expanduser()).is_dir():
        against = sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)
    many = against if isinstance(against, (list, tuple)) else [against]
    found: list[Picture] = []
    faults: list[Fault] = []
    for place, one in enumerate(many):
        try:
            found.append(open_picture(one, where=f"identity against[{place}]"))
        except InvalidInput as error:
            faults += error.faults
    if not many:
        faults.append(Fault("identity against", "holds no pictures.", "Name a folder of PNG, JPEG or WebP files."))
    if faults:
        raise InvalidInput(faults)
    return found

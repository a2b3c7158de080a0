"""Which references a picture is compared with: its own, or those that others of its set were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imagegen_kit.scorers.base import Subject
from imagegen_kit.types import Reference


@dataclass(frozen=True, slots=True)
class Target:
    """A reference to compare with; ``own`` where it was given to the picture's own request."""

    reference: Reference
    own: bool = True


def targets(subjects: Sequence[Subject], *, role: str | None, shared: bool) -> list[list[Target]]:
    """Return for each subject of a set what it may be compared with, in order; empty where nobody had a reference.

    A picture without references is compared with those of the set, in order of their first appearance: what it did not
    see is then the measure of what seeing it changes. With ``shared`` all are compared with these. Pictures of the set
    itself, such as the keyframe before, are nobody's but their own. Without ``role`` references for the content go
    first, and others only count in a set that has none of these; masks never do.
    """
    theirs = [[r for r in s.references if r.role != "mask" and r.picture.kind == "picture"] for s in subjects]
    given = [r for references in theirs for r in references]
    wanted = role or ("content" if any(r.role == "content" for r in given) else None)
    drawn = {s.picture.sha256 for s in subjects}
    pool = {r.picture.sha256: r for r in reversed(given) if _is(r, wanted) and r.picture.sha256 not in drawn}
    of_the_set = list(reversed(pool.values()))
    found = []
    for references in theirs:
        own = [r for r in references if _is(r, wanted)]
        hashes = {r.picture.sha256 for r in own}
        if own and not shared:
            found.append([Target(r) for r in own])
        else:
            found.append([Target(r, own=r.picture.sha256 in hashes) for r in of_the_set])
    return found


def _is(reference: Reference, role: str | None) -> bool:
    return role is None or reference.role == role

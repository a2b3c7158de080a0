"""What became of the pictures that were given to a library, and what was found when one was looked over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen_kit.errors import printable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Rejected:
    """A picture that was not taken: what it was given as, and why, in words."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class AddReport:
    """What ``Library.add`` did. ``added``, ``updated`` and ``duplicates`` are ids of items, in the order given.

    ``updated``: the picture was known, and what is said of it, or where it lies, has changed. ``duplicates``: the same
    bytes were there and nothing changed; a picture given twice in one call is there once under each heading.
    """

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    def __add__(self, other: AddReport) -> AddReport:
        return AddReport(
            self.added + other.added, self.updated + other.updated, self.duplicates + other.duplicates,
            self.rejected + other.rejected,
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Return one row a picture: ``outcome``, ``id``, and of rejected ones ``source`` and ``reason``."""
        import pandas as pd

        rows: list[tuple[str, str | None, str | None, str | None]] = []
        for outcome in ("added", "updated", "duplicates"):
            rows += [(outcome.removesuffix("s"), id, None, None) for id in getattr(self, outcome)]
        rows += [("rejected", None, one.source, one.reason) for one in self.rejected]
        return pd.DataFrame(rows, columns=["outcome", "id", "source", "reason"]).astype("string")

    def __repr__(self) -> str:
        counts = [
            f"{len(getattr(self, name)):,} {word}"
            for name, word in (("added", "added"), ("updated", "updated"), ("duplicates", "duplicate"))
        ]
        text = f"AddReport({', '.join(counts)}, {len(self.rejected):,} rejected"
        if self.rejected:
            first = self.rejected[0]
            text += f": {first.source[:60]}: {first.reason[:160]}" + (" …" if len(self.rejected) > 1 else "")
        return printable(text.replace("\n", " ")) + ")"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``kind`` is one of the headings of ``VerifyReport``; ``repaired``: it was put right."""

    kind: str
    where: str
    what: str
    repaired: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class VerifyReport:
    """What ``Library.verify`` found. ``pictures`` and ``segments`` were looked at, every byte of them.

    Kinds of findings: ``missing file``, ``moved file``, ``changed file``, ``database``, ``vectors``, ``index``,
    ``no vector``, ``vector without a picture``, ``manifest``, ``left-over``.
    """

    findings: tuple[Finding, ...]
    pictures: int
    segments: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong any more."""
        return all(finding.repaired for finding in self.findings)

    def table(self) -> pd.DataFrame:
        """Return one row a finding: ``kind``, ``where``, ``what``, ``repaired``."""
        import pandas as pd

        rows = [(f.kind, f.where, f.what, f.repaired) for f in self.findings]
        found = pd.DataFrame(rows, columns=["kind", "where", "what", "repaired"])
        return found.astype({"kind": "string", "where": "string", "what": "string", "repaired": "bool"})

    def __repr__(self) -> str:
        looked = f"{self.pictures:,} pictures, {self.segments:,} segments"
        if not self.findings:
            return f"VerifyReport({looked}: all sound)"
        kinds: dict[str, int] = {}
        for finding in self.findings:
            kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
        told = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
        mended = sum(finding.repaired for finding in self.findings)
        return f"VerifyReport({looked}: {told}; {mended} repaired)"

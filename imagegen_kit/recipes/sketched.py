"""What ``concept_sketches`` returns: each sketch with the variant it is, its report, and what was mended of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.sign import signed
from imagegen_kit.lazy import Shown, upward
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from imagegen_kit.engine.job import Job
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.scorers.base import Measurement
    from imagegen_kit.types import Reference, Result, Style


@dataclass(frozen=True, slots=True)
class Sketch:
    """One sketch: its place, the phrase that it took on each axis, what came of it, and how it keeps the rules.

    ``rules`` holds each rule with value, unit, limit and pass; empty where nothing was measured. ``mended`` is the
    result of the auto-fix, None where none was asked for or nothing was to be done; ``original`` the sketch as it came.
    """

    index: int
    variation: Mapping[str, str]
    original: Result
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=empty, compare=False)
    mended: Result | None = None
    run_id: str = field(default="", compare=False)

    @property
    def result(self) -> Result:
        """What holds the picture: the mended sketch, else the original."""
        return self.mended if self.mended is not None and self.mended.ok else self.original

    @property
    def picture(self) -> Picture | None:
        """The sketch, mended where that was asked for; None where none came."""
        return next(iter(signed(self.result, self.run_id)), None) if self.result.artifacts else None

    @property
    def path(self) -> Path | None:
        """Where the sketch lies in the store; None where none came."""
        place = self.result.artifacts[0].path if self.result.artifacts else None
        return Path(place) if place is not None else None

    @property
    def error(self) -> str | None:
        """What went wrong, None where nothing did."""
        return self.original.error

    @property
    def passed(self) -> bool | None:
        """Whether the sketch keeps every rule; None where nothing was measured."""
        return all(rule["pass"] for rule in self.rules.values()) if self.rules else None

    @property
    def failed_rules(self) -> tuple[str, ...]:
        """The names of the rules that the sketch does not keep."""
        return tuple(name for name, rule in self.rules.items() if not rule["pass"])


@dataclass(frozen=True, slots=True, repr=False)
class Sketches(Shown):
    """The sketches of one brief, in the order of their variants; failures are among them.

    ``references`` are those that went to the model, with their scores where they were retrieved.
    """

    brief: str
    style: str | None
    sketches: tuple[Sketch, ...]
    references: tuple[Reference, ...] = ()
    run_id: str = field(default="", compare=False)

    def __iter__(self) -> Iterator[Sketch]:
        return iter(self.sketches)

    def __len__(self) -> int:
        return len(self.sketches)

    def __getitem__(self, index: int) -> Sketch:
        return self.sketches[index]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The sketches that came, mended where that was asked for."""
        return tuple(picture for one in self.sketches if (picture := one.picture) is not None)

    def table(self) -> pd.DataFrame:
        """Return one row a sketch: index, each axis, status, error, passed, failed_rules, mended, model, path."""
        import pandas as pd

        rows = [
            {
                "index": one.index, **one.variation, "status": one.result.status, "error": one.error,
                "passed": one.passed, "failed_rules": ", ".join(one.failed_rules), "mended": one.mended is not None,
                "model": one.result.model_used, "path": str(one.path) if one.path else None,
            }
            for one in self.sketches
        ]  # fmt: skip
        return pd.DataFrame(rows).set_index("index").astype({"passed": "boolean"})

    def save(self, folder: str | Path) -> Path:
        """Write a new timestamped directory below ``folder`` with the sketches and ``metadata.json``; return it."""
        path: Path = upward("open_run")(self.run_id).save(folder, layout="sketches")
        return path

    def __repr__(self) -> str:
        came = sum(one.result.ok for one in self.sketches)
        kept = [one.passed for one in self.sketches if one.passed is not None]
        rules = f", {sum(kept)} keep every rule" if kept else ""
        brief = self.brief if len(self.brief) <= 60 else self.brief[:59] + "…"
        return f"Sketches({brief!r}, {came} of {len(self)}{rules})"


async def mended(job: Job, result: Result, style: Style) -> Result | None:
    """Keep, and return, what ``auto_fix`` makes of a sketch; None where there was nothing that it could mend."""
    from imagegen_kit.scorers.sketch import auto_fix

    labels = {"variant": f"{result.request.labels['variant']} (mended)"}
    (fixed,) = (await job.derive(result, auto_fix, labels=labels, style=style)).results
    return None if fixed.ok and fixed.artifacts[0].sha256 == result.artifacts[0].sha256 else fixed


def rules_of(measured: Mapping[str, Measurement] | None) -> Mapping[str, Mapping[str, Any]]:
    """Return the rules that the scorer ``sketch`` told in detail; nothing where it measured nothing."""
    told = (measured or {}).get("sketch")
    rules: Mapping[str, Mapping[str, Any]] = (told.details or {}).get("rules", {}) if told is not None else {}
    return rules

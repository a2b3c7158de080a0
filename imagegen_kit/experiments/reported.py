"""What leaves a run for readers: the methods of ``Run`` that write a page, and a table for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from imagegen_kit.lazy import upward

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen_kit.experiments.run import Run


class Reported:
    """The part of ``Run`` that is read by others."""

    def report(self, path: str | Path = "report.html", *, by: str | None = None, pictures: int = 200) -> Path:
        """Write the run as one page that stands by itself, and return its path; an old page of ours is replaced.

        Question, answer with intervals, design, fairness, pictures, numbers, plots, votes, scores, how each picture was
        asked for, how to reproduce it. Nothing in it needs a network, and it names no folder, key or voter. ``by`` is
        what is compared (None: the model where it varies, else what varies beside the prompt), ``pictures`` the most
        that are shown, small enough for a page of 5 MB. Raises InvalidInput, and StoreError where it cannot be written.
        """
        target: Path = upward("report")(cast("Run", self), path, by, pictures)
        return target

    def export_table(self, path: str | Path) -> Path:
        """Write ``table()`` as ``.csv``, ``.parquet`` or ``.jsonl``, by the suffix, and return the path.

        Lists are JSON, unknown values empty (``null`` in JSON lines), times UTC. An old table of a run is
        replaced. Raises InvalidInput for another suffix and for any other file that is there, MissingDependency where
        Parquet needs pyarrow, StoreError.
        """
        from imagegen_kit.tables.writing import write_table

        return write_table(cast("Run", self).table(), path)

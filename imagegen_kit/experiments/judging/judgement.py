"""What a model judged of a run, and how far it can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.contenders import contenders, doctor_hint, label_of
from imagegen_kit.experiments.judging.calibration import Calibration, calibrate
from imagegen_kit.experiments.judging.missing import missing_notes
from imagegen_kit.experiments.judging.reliability import Reliability, reliability_of
from imagegen_kit.experiments.judging.verdicts import PAIR, read_verdicts
from imagegen_kit.experiments.judging.wording import wording_hash
from imagegen_kit.experiments.voting import in_words
from imagegen_kit.lazy import Shown

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.judging.chosen import Chosen
    from imagegen_kit.experiments.judging.verdicts import Verdict
    from imagegen_kit.experiments.run import Run


class Judgement(Shown):
    """The verdicts of one judge on the pairs of ``run``; ``judging`` is the run that asked for them.

    ``reliability`` tells how far it can be believed, ``calibration()`` how it compares with people.
    """

    def __init__(self, run: Run, judging: Run, chosen: Chosen) -> None:
        self.run, self.judging, self.by, self.rater = run, judging, chosen.by, chosen.rater
        self.model, self.vendor, self.rubric = chosen.judge.id, chosen.vendor, chosen.rubric
        self.left_out = chosen.left_out
        self.same_vendor = sorted(name for name, vendor in chosen.vendors.items() if vendor == chosen.vendor)
        self.verdicts: list[Verdict] = read_verdicts(judging)
        self._asked = chosen.pairs
        self._values = {one.request: label_of(one.value) for one in contenders(run, self.by)[0]}
        self.temperature = chosen.temperature

    @property
    def about(self) -> dict[str, Any]:
        """What the verdicts hang on: model, temperature (None: the model takes none), rubric and wording by hash."""
        return {
            "model": self.model, "vendor": self.vendor, "temperature": self.temperature, "rubric": str(self.rubric),
            "wording": wording_hash(), "same_vendor": self.same_vendor,
        }  # fmt: skip

    @property
    def judged(self) -> list[Verdict]:
        """The verdicts on pairs of the run, without the controls, where both orders were judged."""
        return [v for v in self.verdicts if v.kind == PAIR and v.complete]

    @property
    def asked(self) -> int:
        """How many pairs of the run were to be judged."""
        return len(self._asked)

    @property
    def reliability(self) -> Reliability:
        """Flip rate, position bias and how many controls were right."""
        return reliability_of(self.verdicts)

    @property
    def notes(self) -> list[str]:
        """What has to be said beside every number of this judge, in sentences."""
        missing = missing_notes(self.verdicts, self.asked, self.model)
        # Without a verdict there is nothing that controls, sides or people could tell of it.
        said = [*self.reliability.notes, self.calibration().note] if self.judged else []
        if self.same_vendor:
            said.append(f"{self.model} is of {self.vendor}, like {', '.join(self.same_vendor)}, which it judges.")
        said += missing
        if self.left_out:
            said.append(f"Left out: {in_words(self.left_out)}.{doctor_hint(self.left_out)}")
        return said

    def calibration(self) -> Calibration:
        """Return how the verdicts compare with people's blind votes on the same pairs, as they stand now."""
        return calibrate(self.run, self.by, self.judged, self._values)

    def table(self) -> pd.DataFrame:
        """Return one row a pair, controls too: what was left and right, both answers, the choice, reasons, cost, error.

        ``choice`` is left, right or tie, NA without a verdict; ``preferred`` the value that won; ``expected`` for a
        control whether the choice was right, NA for other pairs.
        """
        from imagegen_kit.experiments.judging.rows import verdict_rows

        return verdict_rows(self.verdicts, self._values)

    def summary(self) -> pd.DataFrame:
        """Return one row for each value of what is compared: pairs, wins, losses, ties, and the share of pairs won.

        A tie is half a win. ``low`` and ``high`` are the 95 % interval of ``share`` (Wilson; the unit is the prompt).
        ``notes`` belong beside it: they say whether the judge can be trusted.
        """
        from imagegen_kit.experiments.judging.rows import share_rows

        return share_rows(self.judged, self._values)

    def won(self) -> dict[int, tuple[float, int]]:
        """Return, for each request, the share of its pairs that its picture won (a tie is half), and of how many."""
        points: dict[int, list[float]] = {}
        for verdict in self.judged:
            left = {"left": 1.0, "right": 0.0}.get(verdict.choice or "", 0.5)
            points.setdefault(verdict.left, []).append(left)
            points.setdefault(verdict.right, []).append(1.0 - left)
        return {request: (sum(found) / len(found), len(found)) for request, found in points.items()}

    def __repr__(self) -> str:
        trust = {True: "", False: ", do not trust it", None: ", too few controls"}[self.reliability.trusted]
        trust = trust if self.judged else ""
        return f"Judgement({self.model} on {self.by}: {len(self.judged)} of {self.asked} pairs judged{trust})"

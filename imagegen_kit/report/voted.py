"""What people prefer, and apart from it what models judge, with how far these can be believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError
from imagegen_kit.experiments.contenders import contenders, label_of
from imagegen_kit.experiments.judging.calibration import calibrate
from imagegen_kit.experiments.judging.missing import missing_notes
from imagegen_kit.experiments.judging.recording import EVENT
from imagegen_kit.experiments.judging.reliability import reliability_of
from imagegen_kit.experiments.judging.verdicts import PAIR, read_verdicts
from imagegen_kit.experiments.pairing import AGAIN
from imagegen_kit.experiments.voting import JUDGE
from imagegen_kit.report.frames import table_of
from imagegen_kit.report.parts import Items, Section, Table, Words
from imagegen_kit.views.words import count

if TYPE_CHECKING:
    from imagegen_kit.report.known import Known

_COUNTS = (
    "SELECT rater, COUNT(*), SUM(choice = 'left'), SUM(choice = 'right'), SUM(choice = 'tie'), "
    "SUM(choice = 'both_bad'), SUM(choice = 'skip'), SUM(pair LIKE '%' || ?), SUM(blind = 0), MIN(id) "
    "FROM votes WHERE run = ? AND undone_at IS NULL GROUP BY rater ORDER BY MIN(id)"
)
_HEAD = ["who", "votes", "left", "right", "tie", "both bad", "skipped", "repeats", "not blind"]
_RIGHT = frozenset(range(1, 9))


def votes(known: Known) -> Section:
    """Return the votes of people, the ranking from them, and the judges with their calibration."""
    rows = known.run._store.journal.read(_COUNTS, (AGAIN, known.run._number))
    people = [row for row in rows if not row[0].startswith(JUDGE)]
    judges = [row for row in rows if row[0].startswith(JUDGE)]
    asked = _asked(known)
    blocks: list[Any] = []
    if people:  # a page goes to readers: who voted stays with the run
        told = [[f"person {i}", *map(str, row[1:9])] for i, row in enumerate(people, 1)]
        blocks.append(Table("Votes of people", _HEAD, told, _RIGHT))
    else:
        blocks.append(Words("Nobody has voted on these pictures: run.vote() shows them blindly, in pairs."))
    frame = known.ranking
    if not isinstance(frame, str):
        blocks += _ranking(known, frame)
    elif people:
        blocks.append(Words(frame))
    if judges or asked:
        told = [[row[0], *map(str, row[1:9])] for row in judges]
        told += [[rater, *["0"] * 8] for rater in asked if rater not in {row[0] for row in judges}]
        blocks.append(Table("Verdicts of models, which are no votes of people", _HEAD, told, _RIGHT))
        blocks += _calibrations(known, [row[0] for row in told], asked)
    return Section("votes", "Votes", blocks)


def _ranking(known: Known, frame: Any) -> list[Any]:
    blocks: list[Any] = [
        table_of(
            frame,
            "Strengths from people's votes, in tiers",
            notes=["Bradley and Terry's model on the scale of chess, mean 1000, with 95 % intervals. Those of one tier "
                   "cannot be told apart; votes missing is what would tell them."],
        )
    ]  # fmt: skip
    attrs = frame.attrs
    lines = []
    if attrs.get("alpha") is not None:
        lines.append(f"Agreement between people (Krippendorff's alpha): {attrs['alpha']:.2f}.")
    if attrs.get("self_agreement") is not None:
        lines.append(
            f"Of {count(attrs['repeated'], 'pair')} shown again mirrored, {attrs['self_agreement']:.0%} got the same"
            f"{_span(attrs, 'self')}."
        )
    if attrs.get("left_share") is not None:
        lines.append(f"The left side won {attrs['left_share']:.0%} of decided votes{_span(attrs, 'left')}.")
    if attrs.get("left_out"):
        lines.append("Left out: " + ", ".join(f"{n:,} {why}" for why, n in attrs["left_out"].items()) + ".")
    lines += attrs.get("notes", ())
    return [*blocks, Items(lines)] if lines else blocks


def _span(attrs: dict[str, Any], name: str) -> str:
    low, high = attrs.get(f"{name}_low"), attrs.get(f"{name}_high")
    return f" [{low:.0%}, {high:.0%}]" if low is not None and high is not None else ""


def _asked(known: Known) -> dict[str, dict[str, Any]]:
    """Return what is recorded of the last judgement of each judge, also of one that came to nothing."""
    sql = "SELECT detail FROM events WHERE run = ? AND name = ? ORDER BY id"
    told = [json.loads(detail) for (detail,) in known.run._store.journal.read(sql, (known.run._number, EVENT))]
    return {detail["rater"]: detail for detail in told}


def _calibrations(known: Known, raters: list[str], last: dict[str, dict[str, Any]]) -> list[Any]:
    """Return for each judge whether it can be believed, as far as its own run is in this store."""
    blocks: list[Any] = []
    for rater in raters:
        lines = _notes(known, last[rater]) if rater in last else []
        if lines:
            blocks += [Words(f"{rater}, rubric {last[rater].get('rubric', 'unknown')}:"), Items(lines)]
        else:
            words = f"{rater}: its own run is not here, so nobody can say how far it can be believed."
            blocks.append(Words(words, "warning"))
    return blocks


def _notes(known: Known, detail: dict[str, Any]) -> list[str]:
    run = known.run
    if not run._store.journal.read("SELECT 1 FROM runs WHERE id = ?", (detail["judging"],)):
        return []
    try:
        verdicts = read_verdicts(type(run)(run._store, detail["judging"]))
        values = {one.request: label_of(one.value) for one in contenders(run, detail["by"])[0]}
        pairs = [v for v in verdicts if v.kind == PAIR]
        complete = [v for v in pairs if v.complete]
        missing = missing_notes(verdicts, len(pairs), detail["model"])
        if not complete:
            return missing
        return [*reliability_of(verdicts).notes, calibrate(run, detail["by"], complete, values).note, *missing]
    except ImagegenError as error:
        return [f"Its calibration cannot be told: {error}"]

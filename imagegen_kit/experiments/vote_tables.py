"""Votes as CSV: written with what was shown, and read back where every line is a vote on this run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import timestamp
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.contenders import label_of, parameters_of
from imagegen_kit.experiments.pairing import AGAIN, pair_key
from imagegen_kit.experiments.voted import votes_of
from imagegen_kit.experiments.voting import CHOICES, JUDGE, rater_name
from imagegen_kit.imaging.files import target_of, write_whole

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run

COLUMNS = (
    "run_id", "rater", "by", "prompt", "left", "right", "left_cell", "left_step", "left_sha256", "right_cell",
    "right_step", "right_sha256", "again", "choice", "seconds", "blind", "created_at",
)  # fmt: skip
MOST_FAULTS = 50
_PICTURES = (
    "SELECT r.id, c.position, r.step, s.sha256, r.cell FROM requests r JOIN cells c ON c.id = r.cell "
    "JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 WHERE r.run = ?"
)


def export_votes(run: Run, path: str | Path) -> Path:
    """Write the votes that stand; see ``Run.export_votes``."""
    votes = votes_of(run)
    if not votes:
        raise InvalidInput([Fault("votes", "nobody has voted on this run yet.", "run.vote() shows pairs.")])
    known = {row[0]: row[1:4] for row in run._store.journal.read(_PICTURES, (run._number,))}
    target = target_of(path)
    if target.suffix.lower() != ".csv":
        raise InvalidInput([Fault("path", f"{target.name!r:.80} does not end in .csv.", "Write votes.csv, say.")])
    if target.exists() and not _ours(target):
        what = f"{target.name!r:.80} is there and no file of votes."
        raise InvalidInput([Fault("path", what, "Name another file, or remove it.")])
    text = io.StringIO(newline="")
    out = csv.writer(text)
    out.writerow(COLUMNS)
    for vote in votes:
        left, right = (known.get(request, ("", "", "")) for request in (vote.left_request, vote.right_request))
        took = "" if vote.milliseconds is None else vote.milliseconds / 1000
        sides = (label_of(vote.left), label_of(vote.right), *left, *right)
        row = (run.id, vote.rater, vote.by, vote.prompt, *sides, int(vote.again), vote.choice, took)
        out.writerow([*map(_harmless, row), int(vote.blind), vote.created_at])
    return write_whole(target, text.getvalue().encode(errors="replace"), "file of votes")


def _ours(path: Path) -> bool:
    """Return whether the file at ``path`` begins as a file of votes does: only such a one is ever replaced."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(next(csv.reader(file), ())) == COLUMNS
    except (OSError, ValueError, csv.Error):
        return False


def read_votes(run: Run, path: Path) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Return the rows for the journal by rater. Raises InvalidInput with all that is wrong with the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
            lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ()) and name != "prompt"]
    except OSError as error:
        raise InvalidInput([Fault(path.name, f"it cannot be read: {error.strerror or error}.")]) from error
    except (ValueError, csv.Error) as error:
        raise InvalidInput([Fault(path.name, f"it is no CSV of votes: {error}.")]) from error
    if lacking:
        what = f"it lacks the column{'s' * (len(lacking) > 1)} {', '.join(lacking)}."
        raise InvalidInput([Fault(path.name, what, "run.export_votes(path) writes such a file.")])
    pictures = {(position, step): (id, sha, cell) for id, position, step, sha, cell in
                run._store.journal.read(_PICTURES, (run._number,))}  # fmt: skip
    params = parameters_of(run)
    faults: list[Fault] = []
    found: dict[str, list[tuple[Any, ...]]] = {}
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(lines, 2):
        try:
            row = _row(run, line, pictures, params)
            if (row[1], row[2]) in seen:
                raise ValueError("a second vote of one rater on one pair.")
            seen.add((row[1], row[2]))
            found.setdefault(row[1], []).append(row)
        except InvalidInput as error:
            faults += [Fault(f"{path.name} line {number}", f.what, f.hint) for f in error.faults]
        except ValueError as error:
            faults.append(Fault(f"{path.name} line {number}", str(error)))
    if faults:
        raise InvalidInput(faults[:MOST_FAULTS])
    return list(found.items())


def _row(
    run: Run, line: dict[str, Any], pictures: dict[Any, Any], params: dict[int, dict[str, str]]
) -> tuple[Any, ...]:
    if any(line.get(name) is None for name in COLUMNS if name != "prompt") or None in line:
        raise ValueError("it has another number of values than of columns.")
    if line["run_id"] != run.id:
        raise ValueError(f"it is a vote on the run {line['run_id']!r:.60}, and this is {run.id!r}.")
    name = _plain(line["rater"])
    rater = name if name.startswith(JUDGE) and name.isprintable() else rater_name(name)
    if line["choice"] not in CHOICES:
        raise ValueError(f"{line['choice']!r:.40} is no choice: {', '.join(CHOICES)}.")
    by = _plain(line["by"])
    sides = []
    for side in ("left", "right"):
        picture = pictures.get((_whole(line, f"{side}_cell"), _whole(line, f"{side}_step")))
        if picture is None:
            raise ValueError(f"there is no picture at {side}_cell {line[f'{side}_cell']}, step {line[f'{side}_step']}.")
        id, sha256, cell = picture
        if sha256 != line[f"{side}_sha256"]:
            raise ValueError(f"the picture on the {side} is not the one that was voted on: its hash differs.")
        if by not in params.get(cell, {}):
            raise ValueError(f"the picture on the {side} has no {by!r:.40}.")
        sides.append((id, params[cell][by]))
    if sides[0][1] == sides[1][1]:
        raise ValueError(f"both pictures have the same {by}.")
    again, blind = (_whole(line, name) for name in ("again", "blind"))
    if not {again, blind} <= {0, 1}:
        raise ValueError("again and blind are 0 or 1.")
    key = pair_key(by, sides[0][0], sides[1][0]) + AGAIN * again
    took = round(float(line["seconds"]) * 1000) if line["seconds"] else None
    if took is not None and took < 0:
        raise ValueError("seconds are negative.")
    moment = datetime.fromisoformat(line["created_at"])
    at = timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return (run._number, rater, key, sides[0][0], sides[1][0], line["choice"], took, at, blind)


def _whole(line: dict[str, Any], name: str) -> int:
    try:
        return int(line[name])
    except ValueError:
        raise ValueError(f"{name} {line[name]!r:.30} is no number.") from None


def _harmless(value: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "'") else value


def _plain(value: str) -> str:
    return value[1:] if value[:1] == "'" else value

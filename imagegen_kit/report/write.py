"""A run becomes a page: its sections in the order in which a reader asks, one template, one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.errors import Fault, InvalidInput, printable
from imagegen_kit.imaging.files import target_of, write_whole
from imagegen_kit.providers.secrecy import redacted
from imagegen_kit.report.again import reproduce
from imagegen_kit.report.answer import answer
from imagegen_kit.report.asked import design, fairness, question
from imagegen_kit.report.drawn import plots
from imagegen_kit.report.grid import pictures
from imagegen_kit.report.known import Known
from imagegen_kit.report.numbers import numbers, scores
from imagegen_kit.report.voted import votes
from imagegen_kit.views.rows import counted
from imagegen_kit.views.words import count, usd_sum

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.report.parts import Section

HERE = Path(__file__).parent / "page"
SUFFIXES = (".html", ".htm")
OURS = b'<meta name="generator" content="imagegen-kit'  # only a page of ours is ever replaced


def write_report(run: Run, path: str | Path, by: str | None, most: int) -> Path:
    """Write the page of ``run``; see ``Run.report``."""
    target = target_of(path)
    faults = []
    if target.suffix.lower() not in SUFFIXES:
        faults.append(Fault("path", f"{target.name!r} is no page.", "Name a file that ends in .html."))
    if type(most) is not int or most < 1:
        faults.append(Fault("pictures", f"{most!r:.40} is not a number of pictures.", "Give 1 or more; 200 is usual."))
    if by is not None and not isinstance(by, str):
        faults.append(Fault("by", f"a {type(by).__name__} names no parameter.", "Give one name: by='model'."))
    if not faults and target.is_file() and OURS not in target.read_bytes()[:2000]:
        faults.append(Fault("path", f"{target.name!r} is there and no report.", "Name another file, or remove it."))
    if run._only is not None and not len(run):
        faults.append(Fault("run", "no picture is selected, so there is nothing to report.", "Select other values."))
    if faults:
        raise InvalidInput(faults)
    known = Known.of(run, by, most)
    if (judged := known.judged) is not None:
        of = f"ik.open_run({judged!r})" if judged else "the run that was judged"
        hint = f"Report {of}: the judge stands there beside the votes; run.table() has its answers."
        raise InvalidInput([Fault("run", "it holds a judge's answers about the pictures of another run.", hint)])
    page = render(known)
    return write_whole(target, page.encode(errors="replace"), "page")


def sections(known: Known) -> list[Section]:
    """Return the sections of a page in the order in which a reader asks."""
    shown, recipes = pictures(known)
    found = [
        question(known), answer(known), design(known), fairness(known), shown, numbers(known), plots(known),
        votes(known), scores(known), recipes, reproduce(known),
    ]  # fmt: skip
    return [section for section in found if section is not None]


def render(known: Known) -> str:
    """Return the page as HTML. Whatever comes in as text is escaped, and freed of keys and of this machine."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    run, numbered = known.run, counted(known.run)
    facts = [
        count(run.cells, "cell"),
        ", ".join(f"{n:,} {status}" for status, n in numbered.by_status.items()) or "nothing asked yet",
        f"cost {usd_sum(numbered.known_usd, numbered.unknown_costs)}",
        f"begun {str(run.created_at)[:10]}",
    ]

    def clean(value: Any) -> Any:
        return printable(redacted(known.tidy.text(value))) if type(value) is str else value

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=clean,
    )  # fmt: skip
    return environment.get_template("page.html").render(
        title=run.name or "Run", facts=facts, sections=sections(known), version=__version__,
        css=(HERE / "page.css").read_text(encoding="utf-8"),
    )  # fmt: skip

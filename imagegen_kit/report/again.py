"""How to make it again: the code, the experiment as a file, versions, and the bundle that replays without services."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from imagegen_kit import __version__
from imagegen_kit.errors import ImagegenError
from imagegen_kit.experiments.files import experiment_text
from imagegen_kit.report.asked import versions_of
from imagegen_kit.report.parts import Code, Section, Table, Words
from imagegen_kit.store.slices import Tidy

if TYPE_CHECKING:
    from imagegen_kit.report.known import Known

LONGEST = 60_000  # characters of YAML; a thousand prompts make more


def reproduce(known: Known) -> Section:
    """Return what a reader needs to make the run again, or to look at it closer."""
    run = known.run
    name = re.sub(r"[^\w.-]+", "-", run.name or "run").strip("-") or "run"
    blocks: list[Any] = []
    try:
        text = Tidy(known.tidy.folders).error(experiment_text(run.experiment))
        measured = sorted(_scorers(known))
        scored = f"run.score({measured!r})\n" if measured else ""
        code = f'import imagegen_kit as ik\n\nrun = ik.Experiment.from_yaml("{name}.yaml").run()\n{scored}'
        blocks.append(Code("In Python", f'{code}run.report("{name}.html")'))
        if len(text) > LONGEST:
            text = text[:LONGEST] + "\n# … cut here; run.experiment.to_yaml(…) writes it whole"
        blocks.append(Code(f"{name}.yaml: what was asked", text))
    except ImagegenError as error:
        blocks.append(Words(f"The experiment cannot stand in a file: {error}"))
    quoted = shlex.quote(run.id)
    blocks.append(
        Code(
            "In a terminal: the whole run as one file; who has it replays the run without any service",
            f"imagegen export {quoted} {name}.zip\nimagegen show {name}.zip\n"
            f"IMAGEGEN_REPLAY={name}.zip imagegen run {name}.yaml",
        )
    )
    found = versions_of(known)
    rows = [[package, version] for package, version in sorted(found.items())]
    notes = [
        f"This page was written by imagegen-kit {__version__}. Run {run.id}, begun {str(run.created_at)[:19]} UTC."
    ]
    blocks.append(Table("Versions that made the run", ["package", "version"], rows, notes=notes))
    return Section("reproduce", "How to reproduce it", blocks)


def _scorers(known: Known) -> set[str]:
    """Return the scorers that can be named again; judges and what a notebook cell registered are not among them."""
    from imagegen_kit.registry import get_registry

    measures = {str(m).removeprefix("score_") for m in known.run.scores()["measure"].unique()}
    return {name for name in get_registry().scorers() if any(m == name or m.startswith(f"{name}_") for m in measures)}

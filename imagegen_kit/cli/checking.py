"""``imagegen check``: prompts and models are tested as code is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagegen_kit.cli.frame import FAILED, command
from imagegen_kit.cli.saying import say


@command
def check(
    experiment: Annotated[Path, typer.Argument(help="An experiment as YAML, with a section `check`.")],
    baseline: Annotated[
        str | None, typer.Option(help="A bundle (.zip) or a run's id or name that it may not fall behind.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write the findings as a JUnit file.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="What is unclear fails, too.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start another run instead of continuing.")] = False,
) -> None:
    """Run, or continue, an experiment and hold it to its section `check`. Exit status 1 where something fails."""
    import imagegen_kit as ik
    from imagegen_kit.experiments.beforehand import read_check
    from imagegen_kit.experiments.checking import FAILS, HOLDS, UNCLEAR, UNKNOWN, check_run
    from imagegen_kit.experiments.junit import check_junit, write_junit
    from imagegen_kit.registry import get_registry

    wanted, asked = read_check(experiment, get_registry(), has_baseline=baseline is not None, fresh=fresh)
    if junit is not None:
        check_junit(junit)  # before anything is paid
    before = ik.open_run(baseline) if baseline is not None else None
    run = wanted.run(fresh=fresh)
    if asked.scorers:
        run.score(asked.scorers)
        if before is not None:
            before.score(asked.scorers)
    words = {HOLDS: "ok", FAILS: "failed", UNCLEAR: "unclear" + " (--strict: failed)" * strict, UNKNOWN: "unknown"}
    findings = check_run(run, asked, before)
    marks = {HOLDS: "ok", FAILS: "FAILS", UNCLEAR: "unclear", UNKNOWN: "UNKNOWN"}
    for finding in findings:
        say(f"{marks[finding.outcome]:8}{finding.words}")
    if junit is not None:
        say(f"JUnit file: {write_junit(junit, wanted.name or experiment.stem, findings, strict=strict)}")
    bad = sum(f.outcome in (FAILS, UNKNOWN) or (strict and f.outcome == UNCLEAR) for f in findings)
    counts = {word: sum(f.outcome == outcome for f in findings) for outcome, word in words.items()}
    say(f"run {run.id}: {len(findings)} checked: {', '.join(f'{n} {word}' for word, n in counts.items() if n)}")
    if bad:
        raise typer.Exit(FAILED)

"""Commands that look after the store: ``doctor``, ``clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imagegen_kit.cli.frame import FAILED, command

if TYPE_CHECKING:
    from pathlib import Path


@command
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended without spending money.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes only, not every hash.")] = False,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Mark what is lost as removed, so that equal requests are bought again.")
    ] = False,
) -> None:
    """Look the store over: journal, hashes, orphans, left-overs, open calls. Exit status 1 where something is left."""
    from imagegen_kit.cli.printing import print_table
    from imagegen_kit.engine.session import default_engine
    from imagegen_kit.views.words import count, usd

    store = default_engine().store
    frame = store.doctor(repair=repair, quick=quick, give_up=give_up)
    left = frame[~frame["mended"]]
    typer.echo(f"{store.path}: {count(len(frame), 'finding')}, {len(frame) - len(left)} mended")
    if len(frame):
        shown = frame.set_index("kind").assign(subject=[_short(text, store.path) for text in frame["subject"]])
        shown["at risk"] = [
            "" if v is None else usd(v)
            for v in frame["at_risk_usd"].astype(object).where(frame["at_risk_usd"].notna(), None)
        ]
        print_table(shown.drop(columns="at_risk_usd"), whole=["says", "fix"])
    if (risk := frame["at_risk_usd"].sum()) > 0:
        typer.echo(f"{usd(float(risk))} may have been spent on calls whose outcome nobody knows yet")
    if len(left):
        raise typer.Exit(FAILED)


@command
def clean(
    older_than: Annotated[str | None, typer.Option(help="Not used for so long: 30d, 2w, 12h.")] = None,
    larger_than: Annotated[str | None, typer.Option(help="The oldest, until the store has this size: 10GB.")] = None,
    session: Annotated[str | None, typer.Option(help="Of this session alone; its runs hold nothing any more.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove them; else it is only said.")] = False,
) -> None:
    """Say which pictures could go, and why the others stay; --apply removes them. Rows, tables and costs stay.

    Several options together must all hold. What a run of an experiment, a vote, an unfinished upload, a call whose
    outcome is open or another picture refers to stays; pictures of single `generate` calls may go.
    """
    from imagegen_kit.cli.printing import MOST_LINES, print_table
    from imagegen_kit.engine.session import default_engine
    from imagegen_kit.views.words import count

    store = default_engine().store
    frame = store.clean(older_than=older_than, larger_than=larger_than, session=session, apply=apply)
    goes = frame["removed"] if apply else frame["goes"]
    going, kept = frame[goes], frame[~goes]
    if len(going):
        shown = going.assign(
            used=going["used_at"].dt.strftime("%Y-%m-%d %H:%M"), MB=(going["bytes"] / 1e6).round(1).astype("Float64")
        ).set_index(going["sha256"].str.slice(0, 12))
        print_table(shown[["kind", "MB", "used"]].head(MOST_LINES), more=len(shown) - MOST_LINES)
    done = "removed" if apply else "would go; --apply removes them"
    typer.echo(f"{count(len(going), 'file')}, {_megabytes(going['bytes'].sum())}: {done}")
    for why, group in kept.groupby("why"):
        typer.echo(f"{count(len(group), 'file')}, {_megabytes(group['bytes'].sum())}, stay: {why}")


def _short(subject: str, root: Path) -> str:
    """Return a file's place within the store, or the beginning of a hash."""
    place = subject.removeprefix(f"{root}/")
    return place if "/" in place or len(place) != 64 else place[:12]


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"

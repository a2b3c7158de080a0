"""Commands that show what is there: ``show``, ``export``, ``runs``, ``models``, ``styles``, ``plugins``, ``usage``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagegen_kit.cli.frame import command
from imagegen_kit.cli.saying import say


@command
def show(
    run: Annotated[str, typer.Argument(help="A run's id or name, or a path.")] = "latest",
    by: Annotated[list[str] | None, typer.Option(help="Group the summary by this; may be given again.")] = None,
    table: Annotated[bool, typer.Option("--table", help="One line a picture as well.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write pictures and metadata.json into this new folder.")] = None,
    layout: Annotated[str, typer.Option(help="How --save names them: flat, scenes, sketches or calls.")] = "flat",
    parquet: Annotated[Path | None, typer.Option(help="Write the table, one row a picture, to this file.")] = None,
    table_file: Annotated[
        Path | None, typer.Option(help="The same as .csv, .parquet or .jsonl, by its suffix.")
    ] = None,
) -> None:
    """Show a run in numbers; the latest one if none is named. RUN may also be a bundle or a folder of pictures."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import parameters_in_words, print_run, print_table

    found = ik.open_run(run)
    print_run(found, by or ["model"])
    if table:
        rows = found.table().drop(columns="run_id").set_index("cell")
        parameters = [c for c in rows.columns[: rows.columns.get_loc("repeat")] if rows[c].nunique(dropna=False) > 1]
        kept = [*parameters, "repeat", "status", "seconds", "cost_usd", "error", "sha256"]
        rows["sha256"] = rows["sha256"].str.slice(0, 12)
        shown = parameters_in_words(rows)[kept]
        print_table(shown.drop(columns=[c for c in ("repeat",) if not rows[c].any()]))
    if save is not None:
        say(f"pictures and metadata.json in {found.save(save, layout=layout)}")
    if parquet is not None:
        from imagegen_kit.tables.parquet import save_parquet

        say(f"table in {save_parquet(found._store, found.id, parquet)}")
    if table_file is not None:
        say(f"table in {found.export_table(table_file)}")


@command
def export(
    run: Annotated[str, typer.Argument(help="A run's id or name, or latest.")],
    path: Annotated[Path, typer.Argument(help="The bundle to write, a .zip.")],
    share: Annotated[bool, typer.Option("--share", help="Leave out prompts, references and messages.")] = False,
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Small copies instead of the pictures.")] = False,
) -> None:
    """Write a run into one file that opens anywhere: `imagegen show FILE.zip`, ik.open_run, IMAGEGEN_REPLAY."""
    import imagegen_kit as ik

    pictures = "thumbnails" if thumbnails else "full"
    say(f"{ik.open_run(run).export(path, share=share, pictures=pictures)}")


@command
def runs() -> None:
    """List the runs of this store, the newest first."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    frame = ik.runs()
    texts = ["texts"] if frame["texts"].any() else []
    made = ["name", "cells", "done", "pictures", *texts, "cached", "failed"]
    frame = frame[[*made, "cost_usd", "started", "session"]]
    frame["started"] = frame["started"].dt.strftime("%Y-%m-%d %H:%M")
    print_table(frame, empty="no runs yet in this store")


@command
def models(
    all: Annotated[bool, typer.Option("--all", help="Retired ones too, with their successors and days.")] = False,
) -> None:
    """List the models that have not retired, those that are ready first, with prices and what the others need."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    kept = ["ready", "kind", "price_usd", "price_unit", "typical_seconds", "fix"]
    if all:
        kept = ["ready", "price_usd", "status", "retires_on", "replacement", "as_of", "fix"]
    frame = ik.models(retired=all).sort_values("ready", ascending=False, kind="stable")
    frame["retires_on"] = frame["retires_on"].dt.strftime("%Y-%m-%d")
    frame["fix"] = frame["fix"].where(frame["fix"] != "", frame["untried"])
    print_table(frame[kept], empty="no model is known", whole=["fix"])


@command
def styles() -> None:
    """List the prompt styles."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    print_table(ik.styles()[["title", "text", "negative"]], empty="no styles")


@command
def scorers() -> None:
    """List the numbers that pictures can be scored by, and what each means."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    frame = ik.scorers.table()
    print_table(frame[["scorer", "better", "unit", "low", "high", "card"]], empty="no scorers")


@command
def plugins() -> None:
    """List the plugins that were found, broken ones with the reason and how to mend them."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    frame = ik.plugins()[["version", "status", "reason", "fix", "offers"]]  # the longest one last: nothing after it
    print_table(frame, empty="no plugins", whole=["reason", "fix"])


@command
def usage(
    by: Annotated[str, typer.Option(help="model, account, key, day or run.")] = "model",
) -> None:
    """Show what was called and spent over all runs."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    print_table(ik.usage(by), empty="nothing was called yet")

"""The command ``uploads``: copies in object storage."""

from __future__ import annotations

from typing import Annotated

import typer

from imagegen_kit.cli.frame import FAILED, command


@command
def uploads(
    retry: Annotated[bool, typer.Option("--retry", help="Send now what is not there yet.")] = False,
) -> None:
    """List the pictures that are copied to object storage, those not there yet first."""
    from imagegen_kit.cli.printing import MOST_LINES, print_table
    from imagegen_kit.lazy import upward
    from imagegen_kit.store import resume_uploads
    from imagegen_kit.tables.uploads import upload_table

    store = upward("default_engine")().store
    if retry:
        typer.echo(f"{resume_uploads(store)} sent")
    frame = upload_table(store=store)
    shown = frame[["state", "target", "attempts", "error"]].head(MOST_LINES)
    print_table(shown, empty="nothing is copied to object storage", more=len(frame) - MOST_LINES, whole=["error"])
    if retry and (frame["state"] != "done").any():
        raise typer.Exit(FAILED)

"""Commands for concept sketches: ``sketches`` draws them here, ``serve`` lets others order them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagegen_kit.cli.destinations import check_folder, writing_out
from imagegen_kit.cli.frame import FAILED, STOPPED, command
from imagegen_kit.cli.saying import say, spent_on


@command
def sketches(
    brief: Annotated[str, typer.Argument(help="What is to be sketched.")],
    style: Annotated[str, typer.Option(help="A prompt style; see `imagegen styles`.")] = "vintage-mascot",
    n: Annotated[int, typer.Option("--n", help="How many sketches, 3 to 6.")] = 4,
    model: Annotated[str | None, typer.Option(help="Which model; else GEMINI_MODEL, else the offline pencil.")] = None,
    library: Annotated[str | None, typer.Option(help="Folder of references to choose from, or shipped.")] = None,
    top_k: Annotated[int | None, typer.Option(help="How many of them; 3 if not said.")] = None,
    axis: Annotated[list[str] | None, typer.Option(help="Vary only this axis; may be given again.")] = None,
    size: Annotated[str, typer.Option(help="1024x1024, 16:9 or 2K.")] = "1024x1024",
    seed: Annotated[int | None, typer.Option(help="Sent as seed + sample; also chooses the variants.")] = None,
    auto_fix: Annotated[bool, typer.Option("--auto-fix", help="Keep a mended copy of what breaks a rule.")] = False,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the new, timestamped directory.")] = Path(
        "sketches"
    ),
) -> None:
    """Draw sketches of BRIEF in a new directory below OUT. One line each as it comes: number, variant, time, cost."""
    import imagegen_kit as ik
    from imagegen_kit.types import Completed, Finished

    check_folder(out, "--out")
    events = ik.stream(
        ik.recipes.concept_sketches, brief=brief, style=style, n=n, model=model, library=library, top_k=top_k,
        axes=list(axis) if axis else None, size=size, seed=seed, auto_fix=auto_fix,
    )  # fmt: skip
    for event in events:
        if isinstance(event, Completed):
            result = event.result
            if "derived" in result.request.labels:
                continue  # a mended copy, which no model made; told below with its sketch
            variant = result.request.labels.get("variant", "")
            if event.error is not None:
                say(f"{event.step}  {variant}  no sketch: {event.error}", err=True)
                continue
            say(f"{event.step}  {variant}  {spent_on(result)}")
        elif isinstance(event, Finished):
            made = event.value
            with writing_out():
                folder = made.save(out)
            say(folder)
            for one in made:
                copied = one.mended is not None and one.mended.ok
                if one.failed_rules:
                    came, kept = (", as it came,", "; a mended copy is kept") if copied else ("", "")
                    say(f"  sketch {one.index}{came} breaks: {', '.join(one.failed_rules)}{kept}", err=True)
            if any(one.error is not None for one in made):
                raise typer.Exit(FAILED)


@command
def serve(
    host: Annotated[str, typer.Option(help="Others need IMAGEGEN_SERVE_TOKEN to be set.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free one.")] = 8000,
    library: Annotated[list[Path] | None, typer.Option(help="A folder of references that orders may name.")] = None,
) -> None:
    """Serve recipes over HTTP, with a page to try them on, until Ctrl-C."""
    from imagegen_kit.serve.start import serve as start

    def ready(address: str) -> None:
        say(f"{address}  (Ctrl-C stops it; what was sent to a model is finished and kept)")

    try:
        start(host, port, tuple(str(folder) for folder in library or ()), on_ready=ready)
    except KeyboardInterrupt:
        say("stopped", err=True)
        raise typer.Exit(STOPPED) from None

"""``imagegen call``: the picture of a video call, into a file and the object storage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from imagegen_kit.cli.destinations import check_file, writing_out
from imagegen_kit.cli.frame import FAILED, command
from imagegen_kit.cli.saying import say, spent_on


@command
def call(
    caller_name: Annotated[str | None, typer.Option(help="Who calls, on the left.")] = None,
    caller_context: Annotated[str | None, typer.Option(help="What the caller does, and from where.")] = None,
    caller_description: Annotated[str | None, typer.Option(help="What the caller looks like.")] = None,
    caller_setting: Annotated[str | None, typer.Option(help="Where the caller is.")] = None,
    caller_picture: Annotated[Path | None, typer.Option(help="A profile picture of the caller.")] = None,
    callee_name: Annotated[str | None, typer.Option(help="Who is called, on the right.")] = None,
    callee_context: Annotated[str | None, typer.Option(help="What the person called does, and where.")] = None,
    callee_description: Annotated[str | None, typer.Option(help="What the person called looks like.")] = None,
    callee_setting: Annotated[str | None, typer.Option(help="Where the person called is.")] = None,
    callee_picture: Annotated[Path | None, typer.Option(help="A profile picture of the person called.")] = None,
    look: Annotated[
        str, typer.Option(help="professional, casual, festive, night, or words of your own.")
    ] = "professional",
    own_picture: Annotated[Path | None, typer.Option(help="Take this split-screen picture; nothing is asked.")] = None,
    reuse: Annotated[str, typer.Option(help="Name of the object: hybrid, call or template.")] = "hybrid",
    call_id: Annotated[str | None, typer.Option(help="The call's id.")] = None,
    model: Annotated[str | None, typer.Option(help="Which model; see `imagegen models`.")] = None,
    style: Annotated[str | None, typer.Option(help="A prompt style; see `imagegen styles`.")] = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What to avoid, in place of the usual.")] = None,
    size: Annotated[str | None, typer.Option(help="512x512 if not said.")] = None,
    seed: Annotated[int | None, typer.Option(help="Sent to the model; without one it is random.")] = None,
    upload: Annotated[
        bool | None,
        typer.Option("--upload/--no-upload", help="Copy to the object storage; where one is set if not said."),
    ] = None,
    expires: Annotated[float | None, typer.Option(help="Seconds for which the link opens without a key.")] = None,
    default_picture: Annotated[Path | None, typer.Option(help="Stands where no picture comes; else drawn.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="File; else the object's name.")] = None,
) -> None:
    """Make the picture of a call. One line: file, model, time, cost, and its URL; a default picture is told."""
    import imagegen_kit as ik

    if out is not None:
        check_file(out, "--out")
    asked: dict[str, Any] = {
        "caller_name": caller_name, "caller_context": caller_context, "caller_description": caller_description,
        "caller_setting": caller_setting, "caller_picture": caller_picture, "callee_name": callee_name,
        "callee_context": callee_context, "callee_description": callee_description, "callee_setting": callee_setting,
        "callee_picture": callee_picture, "look": look, "own_picture": own_picture, "reuse": reuse, "call_id": call_id,
        "model": model, "style": style, "negative_prompt": negative_prompt, "size": size, "seed": seed,
        "upload": upload, "expires_s": expires,
    }  # fmt: skip
    policy = ik.recipes.call_scene.policy  # type: ignore[attr-defined]  # set by brings
    policy = policy.with_(placeholder=default_picture) if default_picture is not None else policy
    given = {name: value for name, value in asked.items() if value is not None}
    made = ik.run(ik.recipes.call_scene, policy=policy, **given)
    with writing_out():
        path = made.picture.save(out or Path(made.object))
    say(f"{path}  {spent_on(made.result)}  {made.url or ''}".rstrip())
    if made.job_id is not None:
        say(f"job {made.job_id}", err=True)
    if made.is_default:
        say(f"this is the default picture: {made.error}", err=True)
        raise typer.Exit(FAILED)

"""``imagegen avatars``: the avatars of a persona, from a file or from options."""

from __future__ import annotations

import json
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer

from imagegen_kit.cli.destinations import check_folder, writing_out
from imagegen_kit.cli.frame import FAILED, command
from imagegen_kit.cli.saying import say


@command
def avatars(
    persona: Annotated[Path | None, typer.Argument(help="A persona as YAML or JSON; options go before it.")] = None,
    firstname: Annotated[str | None, typer.Option(help="First name.")] = None,
    lastname: Annotated[str | None, typer.Option(help="Last name.")] = None,
    gender: Annotated[str | None, typer.Option(help="As the prompt shall say it: woman, man, person.")] = None,
    facebook: Annotated[str | None, typer.Option(help="The bio on Facebook; the selfie is made by it.")] = None,
    instagram: Annotated[str | None, typer.Option(help="The bio on Instagram.")] = None,
    x: Annotated[str | None, typer.Option("--x", help="The bio on X.")] = None,
    tiktok: Annotated[str | None, typer.Option(help="The bio on TikTok.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Names what is uploaded; else made of the names.")] = None,
    n: Annotated[int, typer.Option("--n", help="4, or 8 from two grids.")] = 4,
    model: Annotated[str | None, typer.Option(help="Which model draws; see `imagegen models`.")] = None,
    writer: Annotated[str | None, typer.Option(help="A text model that writes the prompt; else a template.")] = None,
    quality: Annotated[str | None, typer.Option(help="The model's own word for it.")] = None,
    seed: Annotated[int | None, typer.Option(help="Sent to the model.")] = None,
    upload: Annotated[
        bool | None,
        typer.Option("--upload/--no-upload", help="Copy to the object storage; where one is set if not said."),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the avatars.")] = Path("avatars"),
) -> None:
    """Make the avatars of PERSONA and save them into a folder of their own. One line a picture: file, and its URL."""
    import imagegen_kit as ik

    said = {
        "firstname": firstname, "lastname": lastname, "gender": gender, "facebook": facebook,
        "instagram": instagram, "x": x, "tiktok": tiktok, "id": id,
    }  # fmt: skip
    who = {**_read(persona), **{name: value for name, value in said.items() if value is not None}}
    asked = {"model": model, "writer": writer, "quality": quality, "seed": seed, "upload": upload}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    _check_place(out, who)
    made = ik.run(ik.recipes.avatars, persona=who, n=n, **given)
    with writing_out():
        folder = made.save(out / made.persona)
    files = (cell["file"] for cell in json.loads((folder / "metadata.json").read_text("utf-8"))["avatars"])
    for file, url in zip_longest(filter(None, files), made.urls, fillvalue=""):
        say(f"{folder / file}  {url}".rstrip())
    say("  ".join(f"{stage} {took:.1f} s" for stage, took in made.timings.items()), err=True)
    for error in made.failures:
        say(f"not made: {error}", err=True)
    if not made.pictures:  # what was paid for is not lost
        for grid in sorted(folder.glob("grid-*")):
            say(f"the grid is kept: {grid}", err=True)
    if made.failures:
        raise typer.Exit(FAILED)


def _check_place(out: Path, who: dict[str, Any]) -> None:
    """Raise InvalidInput where the avatars of ``who`` cannot be written below ``out``, or others are there."""
    from imagegen_kit.errors import InvalidInput
    from imagegen_kit.recipes.persona import read_persona

    check_folder(out, "--out")
    try:
        name = read_persona(who).slug
    except InvalidInput:
        return  # the recipe tells it, with all else that is wrong
    check_folder(out / name, "--out", new=True)


def _read(path: Path | None) -> dict[str, Any]:
    """Return the fields in a YAML or JSON file, nothing where there is none. Raises InvalidInput."""
    from imagegen_kit.catalog.yaml import load_yaml
    from imagegen_kit.errors import Fault, InvalidInput

    if path is None:
        return {}
    found = load_yaml(path, where=path.name).data
    if not isinstance(found, dict):
        raise InvalidInput([Fault(path.name, "it is no mapping.", "Write firstname: …, lastname: …, gender: ….")])
    return found

"""Commands that look after reference libraries: ``library add``, ``search``, ``verify``, ``stats``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from imagegen_kit.cli.frame import FAILED, Commands, app
from imagegen_kit.cli.saying import say

library = typer.Typer(
    name="library", cls=Commands, help="Keep and search libraries of reference pictures.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip
app.add_typer(library)

Folder = Annotated[str, typer.Argument(metavar="LIBRARY", help="The library's folder, or shipped.")]
Embedder = Annotated[str, typer.Option(help="Which embedder it is read with: offline, clip, clip:FOLDER.")]


@library.command()
def add(
    folder: Folder,
    source: Annotated[list[str], typer.Argument(help="Pictures, folders, YAML, Parquet, tars, or s3://bucket/prefix.")],
    embedder: Embedder = "offline",
    caption: Annotated[str | None, typer.Option(help="What they show.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given again.")] = None,
    role: Annotated[str | None, typer.Option(help="content, character, setting or style.")] = None,
    name: Annotated[str | None, typer.Option(help="By which prompts and `get` know it.")] = None,
    description: Annotated[str | None, typer.Option(help="What must not change about it.")] = None,
    licence: Annotated[str | None, typer.Option(help="Under which it may be used.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the files into the library.")] = False,
    engine: Annotated[str | None, typer.Option(help="ray: embed them in the processes of a Ray cluster.")] = None,
) -> None:
    """Add pictures to a library, which is made where there is none. Exit status 1 where some were not taken."""
    import imagegen_kit as ik

    said = {"caption": caption, "tags": tag, "role": role, "name": name, "description": description, "licence": licence}
    about: dict[str, Any] = {key: value for key, value in said.items() if value}
    opened = ik.Library.open(folder, embedder=embedder)
    report = opened.add(source, copy=copy, engine=engine, **about)
    counts = (len(report.added), len(report.updated), len(report.duplicates), len(report.rejected))
    words = ("added", "updated", "there already", "not taken")
    say(f"{opened.path}: " + ", ".join(f"{n:,} {word}" for n, word in zip(counts, words, strict=True)))
    for one in report.rejected:
        say(f"not taken: {one.source}: {one.reason}", err=True)
    if report.rejected:
        raise typer.Exit(FAILED)


@library.command()
def search(
    folder: Folder,
    text: Annotated[str | None, typer.Argument(help="What to look for, in words.")] = None,
    image: Annotated[list[Path] | None, typer.Option(help="A picture to look for; may be given again.")] = None,
    negative: Annotated[str | None, typer.Option(help="What they shall not show.")] = None,
    role: Annotated[str | None, typer.Option(help="Only pictures with this role.")] = None,
    top_k: Annotated[int, typer.Option(help="How many at most.")] = 10,
    min_score: Annotated[float | None, typer.Option(help="Only from this score on, 0 to 1.")] = None,
    embedder: Embedder = "offline",
    retriever: Annotated[str | None, typer.Option(help="Another way to look.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say where each score comes from.")] = False,
) -> None:
    """Find pictures by words, by pictures, or by both. One line a hit: id, score, what is said of it, file."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    opened = ik.Library.open(folder, embedder=embedder)
    given: dict[str, Any] = {"negative": negative, "min_score": min_score, "retriever": retriever}
    brief = {key: value for key, value in given.items() if value is not None}
    if image:
        brief["image"] = [str(one) for one in image]
    hits = opened.search(text, top_k=top_k, where={"role": role} if role else None, **brief)
    if explain:
        say(hits.explain())
        return
    frame = hits.table()
    print_table(frame.set_index("id") if "id" in frame else frame, empty="nothing was found")


def _there(opened: Any) -> Any:
    """Return a library that exists. Raises InvalidInput for a folder that only could become one."""
    from imagegen_kit.errors import Fault, InvalidInput

    if not opened._place.database.exists() and not len(opened):
        what = f"{opened.path} is no library yet: nothing was added to it."
        raise InvalidInput([Fault("LIBRARY", what, f"Add pictures: imagegen library add {opened.path} PICTURES.")])
    return opened


@library.command()
def verify(
    folder: Folder,
    embedder: Embedder = "offline",
    repair: Annotated[bool, typer.Option("--repair", help="Make anew what was derived, and find moved files.")] = False,
) -> None:
    """Compare every file with its hash and every picture with its vector. Exit status 1 where something is wrong."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table
    from imagegen_kit.views.words import count

    opened = _there(ik.Library.open(folder, embedder=embedder))
    report = opened.verify(repair=repair)
    found = count(len(report.findings), "finding") if report.findings else "all sound"
    say(f"{opened.path}: {count(report.pictures, 'picture')} looked at, {found}")
    if report.findings:
        print_table(report.table().set_index("kind"), whole=["what"])
    if not report.ok:
        raise typer.Exit(FAILED)


@library.command()
def stats(folder: Folder, embedder: Embedder = "offline") -> None:
    """Say what a library holds: pictures by role, captions, names, sizes, its embedder."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table
    from imagegen_kit.views.words import count

    opened = _there(ik.Library.open(folder, embedder=embedder))
    frame = opened.table()
    say(f"{opened.path}: {count(len(frame), 'picture')}, embedder {opened.embedder.name}")
    if frame.empty:
        return
    about = {name: (name, "count") for name in ("caption", "name", "description") if name in frame}
    grouped = frame.groupby("role").agg(pictures=("role", "size"), **about)
    print_table(grouped.rename(columns={name: f"with {name}" for name in about}))

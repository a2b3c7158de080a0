"""Commands that make pictures: ``generate``, ``run``, ``plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagegen_kit.cli.destinations import check_file, check_folder
from imagegen_kit.cli.frame import FAILED, command
from imagegen_kit.cli.saying import say, spent_on

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run


@command
def generate(
    prompt: Annotated[str, typer.Argument(help="What the picture shows.")],
    model: Annotated[str | None, typer.Option(help="Which model; see `imagegen models`.")] = None,
    style: Annotated[str | None, typer.Option(help="A prompt style; see `imagegen styles`.")] = None,
    size: Annotated[str | None, typer.Option(help="1024x768, 16:9 or 2K.")] = None,
    aspect_ratio: Annotated[str | None, typer.Option(help="16:9, beside a resolution.")] = None,
    seed: Annotated[int | None, typer.Option(help="Sent as seed + sample.")] = None,
    n: Annotated[int, typer.Option("--n", help="How many pictures.")] = 1,
    negative_prompt: Annotated[str | None, typer.Option(help="What to avoid.")] = None,
    reference: Annotated[list[Path] | None, typer.Option(help="A reference picture; may be given again.")] = None,
    library: Annotated[str | None, typer.Option(help="Folder of references to choose from, or shipped.")] = None,
    top_k: Annotated[int | None, typer.Option(help="How many of them; 3 if not said.")] = None,
    query_by: Annotated[str, typer.Option(help="Chosen by text, image or text+image.")] = "text",
    retriever: Annotated[str | None, typer.Option(help="Another way to choose them.")] = None,
    quality: Annotated[str | None, typer.Option(help="The model's own word for it.")] = None,
    sample: Annotated[int, typer.Option(help="Number of the first picture among equal asks.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="File or folder; else named by the prompt.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Make pictures of PROMPT and save each with its request inside. One line a picture: file, model, time, cost."""
    import imagegen_kit as ik
    from imagegen_kit.engine.sign import signed
    from imagegen_kit.views.words import STAND_IN, is_stand_in

    if out is not None and not out.expanduser().is_dir():
        check_file(out, "--out")
    result = ik.generate(
        prompt,
        model=model,
        style=style,
        references=list(reference) if reference else None,
        library=library,
        top_k=top_k,
        query_by=query_by,
        retriever=retriever,
        size=size,
        aspect_ratio=aspect_ratio,
        quality=quality,
        negative_prompt=negative_prompt,
        seed=seed,
        sample=sample,
        n=n,
    )
    taken: set[Path] = set()
    failed = 0
    for one in result:
        if not one.artifacts:
            say(f"no picture: {one.error}", err=True)
            failed += 1
            continue
        (picture,) = signed(one, result.run_id)
        path = _free(_target(out, prompt, picture.format), taken, force=force)
        taken.add(path)
        answered = one.model_used or one.request.model
        say(f"{picture.save(path)}  {spent_on(one)}")
        for found in (r for r in one.request.references if r.score is not None):
            say(f"  reference {found.origin}  {found.role}  score {found.score:.2f}")
        if is_stand_in(answered) and len(taken) == 1:
            say(f"({answered} is an {STAND_IN})", err=True)
    if failed:
        raise typer.Exit(FAILED)


def _target(out: Path | None, prompt: str, format: str) -> Path:
    """Return the wanted file: ``out``, or one in the folder ``out``, or here, that is named by the prompt."""
    import re

    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-")[:40].rstrip("-") or "picture"
    if re.fullmatch(r"con|prn|aux|nul|(com|lpt)[0-9¹²³]", words):  # Windows opens a device by such a name
        words = f"picture-{words}"
    name = f"{words}.{'jpg' if format == 'jpeg' else format}"
    if out is None:
        return Path(name)
    out = out.expanduser()
    if out.is_dir():
        return out / name
    return out if out.suffix else out.with_name(f"{out.name}{Path(name).suffix}")


def _free(path: Path, taken: set[Path], *, force: bool) -> Path:
    """Return ``path``, or it with -1, -2, … where it was taken; ``force`` replaces files of earlier commands."""
    free, number = path, 0
    while free in taken or (free.exists() and not force):
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


@command
def run(
    experiment: Annotated[Path, typer.Argument(help="An experiment as YAML.")],
    fresh: Annotated[bool, typer.Option("--fresh", help="Start another run instead of continuing.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Run the cells again in which something failed.")] = False,
    save: Annotated[
        Path | None, typer.Option(help="Also write pictures and metadata.json into this new folder.")
    ] = None,
) -> None:
    """Run, or continue, the experiment in a file: only what is missing is made."""
    from imagegen_kit.cli.printing import print_run
    from imagegen_kit.experiments.experiment import Experiment

    if save is not None:
        check_folder(save, "--save", new=True)
    done = Experiment.from_yaml(experiment).run(fresh=fresh)
    if retry:
        done.retry_failed()
    print_run(done, ["model"])
    say(f"run {done.id} in {done.path}; look at it with: imagegen show {done.id}")
    if save is not None:
        say(f"pictures and metadata.json in {done.save(save)}")
    failed, among = _failures(done)
    if failed:
        say(f"{failed} of {among} failed; --retry runs them again", err=True)
        raise typer.Exit(FAILED)


def _failures(done: Run) -> tuple[int, int]:
    """Return how many failed and of how many: pictures, or cells where no request of theirs came so far."""
    from imagegen_kit.views.rows import counted

    counts = counted(done).by_status
    made = sum(counts.get(status, 0) for status in ("ok", "cached", "fallback"))
    if failed := sum(counts.values()) - made:
        return failed, len(done)
    return len(done._failed_cells()), done.cells


@command
def plan(experiment: Annotated[Path, typer.Argument(help="An experiment as YAML.")]) -> None:
    """Say what an experiment would make, cost and adapt, cell by cell. Nothing is sent."""
    from imagegen_kit.cli.printing import MOST_LINES, parameters_in_words, print_table
    from imagegen_kit.experiments.experiment import Experiment
    from imagegen_kit.views.words import count, usd_sum

    frame = Experiment.from_yaml(experiment).plan()
    frame = parameters_in_words(frame)
    empty = [c for c in ("adaptations", "refused") if (frame[c] == "").all()]
    idle = [c for c in ("repeat", "cached", "lower_bound") if not frame[c].any()]
    print_table(frame.drop(columns=[*empty, *idle]).head(MOST_LINES), more=len(frame) - MOST_LINES)
    cost = usd_sum(float(frame["estimated_usd"].sum()), int(frame["estimated_usd"].isna().sum()))
    least = "at least " if frame["lower_bound"].any() else ""
    say(f"{count(len(frame), 'cell')}, {least}{count(int(frame['pictures'].sum()), 'picture')}, est. {cost}")

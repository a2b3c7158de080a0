"""The recipe ``avatars``: one persona, one selfie, and four or eight pictures of the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.recipe import brings
from imagegen_kit.imaging.grid import split_and_trim
from imagegen_kit.recipes.persona import WRITER, base_prompt, grid_prompts, read_persona, writer_prompt
from imagegen_kit.recipes.portfolio import PER_GRID, Avatars, avatar_faults, count_faults, model_faults, named, seconds

if TYPE_CHECKING:
    from imagegen_kit.engine.job import Job
    from imagegen_kit.types import Result


@brings(faults=avatar_faults)
async def avatars(
    job: Job,
    persona: Any,
    *,
    n: int = 4,
    model: str | None = None,
    writer: str | None = None,
    size: Any = "1:1",
    quality: str | None = None,
    seed: int | None = None,
    upload: bool | None = None,
    **options: Any,
) -> Avatars:
    """Make ``n`` (4 or 8) avatars of ``persona``: a selfie, of it one grid of four or two, cut, trimmed, uploaded.

    ``persona`` is a Persona or a mapping: firstname, lastname, gender, and the bios facebook, instagram, x, tiktok.
    ``writer`` is a text model that writes the prompt of the grids; None takes a template. ``upload`` None copies the
    pictures to ``avatars/<id>/img/`` where an object storage is set, False never. ``options`` are the model's own.

    A failed grid, or one that is none, is a failure in the result, which keeps what was paid for. Raises InvalidInput
    with every fault before anything is sent, what went wrong where no selfie or no grid came, StoreError where the
    storage fails to the end: the pictures are in the store then, and the same call again buys nothing twice.
    """
    faults = count_faults(n) + model_faults(job.spec(model), "model", "image", references=1)
    who = read_persona(persona, faults + (model_faults(job.spec(writer), "writer", "text") if writer else []))
    given = {"model": model, "size": size, "quality": quality, "seed": seed, **options}

    base = await job.image(base_prompt(who), **given, labels={"variant": "base"})
    written = [await job.ask(writer_prompt(who), model=writer, system=WRITER)] if writer else []
    prompts = grid_prompts(who, n // PER_GRID, written[0].text or "" if written else None, writer)
    grids = await job.images(prompts, references=[base.picture], **given, labels={"variant": "grid"})
    if not grids.pictures:
        raise grids.failure()

    cells: list[Result] = []
    for number, grid in enumerate(grids.results):
        labels = named(f"avatar {number * PER_GRID + k}" for k in range(1, PER_GRID + 1))
        if grid.artifacts:
            cells += (await job.derive(grid, split_and_trim, n=PER_GRID, labels=labels, rows=2, cols=2)).results
    stages = seconds(("prompt", written), ("base", base), ("grid", grids), ("split", cells))
    made = Avatars(who.slug, base, grids, tuple(cells), tuple(prompts), timings=stages)
    if made.pictures and (job.can_upload if upload is None else upload):
        with job.timed() as taken:
            names = [f"avatars/{who.slug}/img/{k}.png" for k, cell in enumerate(cells, 1) if cell.artifacts]
            urls = await job.upload(made.pictures, names=names)
        made = Avatars(who.slug, base, grids, made.cells, made.prompts, tuple(urls), {**stages, "upload": taken()})
    return made

"""What the recipe ``avatars`` returns: the pictures that came, in order, where they lie, and what each stage took."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.replay import answers_for
from imagegen_kit.engine.sign import signed
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.files import new_folder, write_whole
from imagegen_kit.lazy import Shown
from imagegen_kit.recipes.persona import read_persona
from imagegen_kit.settings import settings
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from imagegen_kit.engine.image_result import ImageResult
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.registry import Registry
    from imagegen_kit.types import Result

PER_GRID = 4
COUNTS = (4, 8)


@dataclass(frozen=True, slots=True, repr=False)
class Avatars(Shown):
    """The avatars of one persona. ``cells`` are all that were asked for, in order; failures are values among them.

    ``base`` and ``grids`` are what they were made of, kept also where a grid could not be split; ``prompts`` what each
    grid was asked for; ``urls`` those of the pictures that came, in order (none without an object storage);
    ``timings`` seconds by stage: prompt, base, grid (the longest), split, upload; 0 for what was there already.
    """

    persona: str
    base: ImageResult
    grids: ImageResult
    cells: tuple[Result, ...]
    prompts: tuple[str, ...]
    urls: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=empty, compare=False)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The avatars that came, in order, each with the record of its request and its parents."""
        return tuple(p for cell in self.cells if cell.status != "failed" for p in signed(cell, self.base.run_id))

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, each thing once; a grid that could not be split is in ``grids``."""
        wrong = [r.error for r in (*self.grids.results, *self.cells) if r.error and r.status != "fallback"]
        return tuple(dict.fromkeys(wrong))

    def save(self, folder: str | Path) -> Path:
        """Write the avatars as 1.png, 2.png … and ``metadata.json`` into ``folder``, which must be new or empty.

        They are numbered by their places, as what is uploaded is. Where one is missing the grids are written too, to
        be cut by hand. Returns the folder; raises InvalidInput where it is not empty, StoreError where writing fails.
        """
        target, urls, rows = new_folder(folder), iter(self.urls), list[dict[str, Any]]()
        for number, cell in enumerate(self.cells, 1):
            picture = next(iter(signed(cell, self.base.run_id)), None) if cell.status != "failed" else None
            file = picture.save(target / f"{number}.{picture.format}").name if picture is not None else None
            url = next(urls, None) if picture is not None else None
            rows.append({"number": number, "file": file, "url": url, "status": cell.status, "error": cell.error})
        if len(self) < len(self.cells):
            for number, grid in enumerate(self.grids.pictures, 1):
                grid.save(target / f"grid-{number}.{grid.format}")
        content = {
            "persona": self.persona, "run_id": self.base.run_id, "avatars": rows, "prompts": self.prompts,
            "failures": self.failures, "timings": dict(self.timings),
        }  # fmt: skip
        write_whole(target / "metadata.json", json.dumps(content, ensure_ascii=False, indent=1).encode(), "record")
        return target

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        urls = f", {len(self.urls)} URLs" if self.urls else ""
        failed = f", {len(self.failures)} failures" if self.failures else ""
        return f"Avatars({len(self)} of {len(self.cells)} pictures{urls}{failed})"


def count_faults(n: Any) -> list[Fault]:
    """Return what is wrong with how many avatars are wanted: 4 come from one grid, 8 from two."""
    if type(n) is int and n in COUNTS:
        return []
    return [Fault("n", f"{n!r:.80} is not {' or '.join(map(str, COUNTS))}.", "4 come from one grid, 8 from two.")]


def model_faults(spec: Any, where: str, kind: str, references: int = 0) -> list[Fault]:
    """Return what a model (as ``job.spec`` gives it; None: not known here) cannot do of what a recipe needs of it."""
    if spec is None:
        return []
    if spec.kind != kind:
        return [Fault(where, f"{spec.name} makes {spec.kind}, and {kind} is needed.", "See ik.models().")]
    if spec.can.references < references:
        what = f"{spec.name} takes no reference pictures, and the grids are made of the first picture."
        return [Fault(where, what, "Choose a model that does: ik.models().")]
    return []


def avatar_faults(params: Mapping[str, Any], registry: Registry) -> list[Fault]:
    """Return what is wrong with the parameters of the recipe ``avatars``, but for what is checked of any recipe."""
    faults, upload = count_faults(params.get("n", PER_GRID)), params.get("upload")
    for where, kind, references in (("model", "image", 1), ("writer", "text", 0)):
        name = params.get(where) or (settings().model if where == "model" else None)
        try:
            spec = registry.model(name, today=date.min).spec if name is not None else None
        except InvalidInput as error:  # of the model it is told with what is checked of any recipe
            faults += [] if where == "model" or answers_for(name) else [replace(f, where=where) for f in error.faults]
        else:
            faults += model_faults(spec, where, kind, references)
    if "persona" in params:
        try:
            read_persona(params["persona"])
        except InvalidInput as error:
            faults += error.faults
    if not (upload is None or isinstance(upload, bool)):
        faults.append(Fault("upload", f"{upload!r:.80} is not True, False or None.", "None: where a storage is set."))
    elif upload and not (settings().remote or settings().replay):
        hint = 'Set one: configure(remote="s3://bucket/prefix"), or the variable IMAGEGEN_REMOTE.'
        faults.append(Fault("upload", "there is no object storage to upload to.", hint))
    return faults


def named(labels: Iterable[str]) -> list[dict[str, str]]:
    """Return labels that name each picture of a set as a variant."""
    return [{"variant": label} for label in labels]


def seconds(*stages: tuple[str, Iterable[Result]]) -> dict[str, float]:
    """Return the longest call of each stage in seconds, as the journal has it."""
    parts = ("total", "derive")
    return {
        name: max((result.timings.get(part, 0.0) for result in results for part in parts), default=0.0)
        for name, results in stages
    }

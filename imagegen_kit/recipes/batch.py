"""What a batch of scenes gives back: pictures, failures and money by scene, and the lines that a log keeps of it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.engine.sign import signed
from imagegen_kit.lazy import Shown, upward
from imagegen_kit.tables.projection import projection_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from imagegen_kit.engine.image_result import ImageResult
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.recipes.scene_list import Scene
    from imagegen_kit.types import Result

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class SceneBatch(Shown):
    """The pictures of a script, scene by scene; failures are values among them."""

    scenes: tuple[Scene, ...]
    answer: ImageResult
    place: tuple[str, int] = field(compare=False)  # the run's id and the number of its cell

    @property
    def results(self) -> dict[int, Result]:
        """The result of each scene, by its number."""
        return {scene.number: result for scene, result in zip(self.scenes, self.answer.results, strict=True)}

    @property
    def pictures(self) -> dict[int, Picture]:
        """The picture of each scene that has one, placeholders too, by its number."""
        came = {n: signed(r, self.answer.run_id) for n, r in self.results.items() if r.ok or r.status == "placeholder"}
        return {number: pictures[0] for number, pictures in came.items() if pictures}

    @property
    def failed(self) -> dict[int, str]:
        """Why each scene without a picture of its own has none, by its number."""
        return {number: result.error or "" for number, result in self.results.items() if not result.ok}

    @property
    def cost(self) -> float | None:
        """What was spent on it now in USD (0 for what was there already), None where any of it is unknown."""
        return self.answer.cost.usd

    def projection(self, videos_per_month: int | Sequence[int], price_usd: float | None = None) -> pd.DataFrame:
        """Return USD a video and a month, one row for each of ``videos_per_month``: a video has scenes like these.

        What the pictures cost when they were bought counts, or ``price_usd`` for each; NA where a price is unknown.
        """
        prices = [result.cost.price_usd for result in self if result.ok]
        return projection_table(prices, len(prices), len(self), videos_per_month, price_usd)

    def table(self) -> pd.DataFrame:
        """Return one row a scene, with the columns of ``Run.table``."""
        return self.answer.table()

    def save(self, folder: str | Path) -> dict[int, Path]:
        """Write ``<folder>/<run id>/scene_{n}_{8 hex}.png`` with metadata beside each; return each scene's file.

        Scenes without a picture are left out; a placeholder has "placeholder" in its name. See ``Run.save``.
        """
        id, cell = self.place
        place = upward("open_run")(id).select(cell=cell).save(folder, layout="scenes")
        rows = json.loads((place / "metadata.json").read_text(encoding="utf-8"))["pictures"]
        return {row["scene_number"]: place / row["file"] for row in rows if row["file"] is not None}

    def __len__(self) -> int:
        return len(self.scenes)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.answer.results)

    def __getitem__(self, number: int) -> Result:
        return self.results[number]

    def __repr__(self) -> str:
        came = sum(result.ok for result in self)
        return f"SceneBatch({len(self)} scene{'s' if len(self) != 1 else ''}, {came} with a picture of their own)"


def log_scenes(batch: SceneBatch) -> None:
    """Say of each scene which model drew it, what it cost, and where it lies or why not; its prompt only at debug."""
    if not batch.place[0]:
        return  # a plan: nothing was made
    for number, result in batch.results.items():
        cost = "cost unknown" if result.cost.usd is None else f"{result.cost.usd:.4f} USD"
        what = result.artifacts[0].path if result.ok else f"no picture: {result.error}"
        log.info("scene %s: %s, %s, %s", number, result.model_used or result.request.model, cost, what)
        log.debug("scene %s was asked for with: %s", number, result.request.prompt)

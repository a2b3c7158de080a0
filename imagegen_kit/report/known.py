"""What several sections of a page need, read once: the table, the varied parameters, what is compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.recipe import read_recipe
from imagegen_kit.errors import ImagegenError, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.contenders import compared, parameters_of
from imagegen_kit.experiments.elsewhere import ELSEWHERE
from imagegen_kit.recipes.judging import judge_pair
from imagegen_kit.store.slices import Tidy

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.run import Run


@dataclass
class Known:
    """A run, what of it is compared (None: nothing can be) and how many pictures are shown at most."""

    run: Run
    by: str | None
    pictures: int

    @classmethod
    def of(cls, run: Run, by: str | None, pictures: int) -> Known:
        """Read what is compared. Raises InvalidInput for a parameter that the run has not."""
        run._flush()
        known = cls(run, by, pictures)
        if by is not None and by not in known.values:
            raise InvalidInput([unknown_name_fault("parameter of this run", by, known.values, where="by")])
        if by is None:
            known.by = known._compared()
        return known

    def _compared(self) -> str | None:
        try:
            by = compared(self.run, None)
        except ImagegenError:  # several parameters vary beside the prompt: the first of them
            by = next((n for n, v in self.axes.items() if v > 1 and n not in ("prompt", "file")), "")
        return by if self.axes.get(by, 0) > 1 else None

    @cached_property
    def table(self) -> pd.DataFrame:
        """The run's table."""
        return self.run.table()

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """The values of each parameter, as they are recorded, in the order of the grid."""
        found: dict[str, dict[str, Any]] = {}
        for _, params in sorted(parameters_of(self.run).items()):
            for name, value in params.items():
                found.setdefault(name, {}).setdefault(value, None)
        order = [n for n in self.run._spec.get("parameters", ()) if n in found]
        names = order + [n for n in found if n not in order]
        return {name: [json.loads(v) for v in found[name]] for name in names}

    @property
    def axes(self) -> dict[str, int]:
        """How many values each parameter takes."""
        return {name: len(values) for name, values in self.values.items()}

    @property
    def elsewhere(self) -> bool:
        """Whether the pictures were made elsewhere: then only what somebody told is known of their making."""
        return self.run._spec.get("recipe") == ELSEWHERE

    @property
    def judged(self) -> str | None:
        """The run whose pictures a judge looked at, where this run is its answers ("" if it was shared); else None."""
        if self.run._spec.get("recipe") != read_recipe(judge_pair).name:
            return None
        return str(self.values["about"][0].get("judged", ""))

    @property
    def survivors(self) -> bool:
        """Whether only pictures are here that came, and nobody told how many did not: then success says nothing."""
        return self.elsewhere and bool(self.table["status"].isin(["ok", "cached"]).all())

    @property
    def unit(self) -> str:
        """What is compared pair by pair, in words: the prompt, or of pictures without one the file."""
        return "prompt" if isinstance(self.comparison, str) else str(self.comparison.attrs.get("unit", "prompt"))

    @cached_property
    def tidy(self) -> Tidy:
        """What takes this machine out of texts."""
        return Tidy.of(self.run._store.path)

    @cached_property
    def comparison(self) -> pd.DataFrame | str:
        """What ``run.compare`` says, or in words why it says nothing."""
        if self.by is None:
            return "Nothing that is varied takes more than one value, so there is nothing to compare."
        try:
            return self.run.compare(self.by)
        except ImagegenError as error:
            return f"Not compared: {error}"

    @cached_property
    def ranking(self) -> pd.DataFrame | str:
        """What ``run.ranking`` makes of people's votes, or in words why it makes nothing of them."""
        rank = getattr(self.run, "ranking", None)
        if rank is None or self.by is None:
            return "Nothing is ranked."
        try:
            frame: pd.DataFrame = rank(self.by)
        except ImagegenError as error:
            return f"Not ranked: {error}"
        return frame

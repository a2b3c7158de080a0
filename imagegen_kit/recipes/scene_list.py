"""Lists of scenes, read from wherever they are written, and what a batch of them gives back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.lazy import Shown, upward

if TYPE_CHECKING:
    from imagegen_kit.engine.image_result import ImageResult
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.types import Result

NEGATIVE = "blurry, low quality, distorted, ugly, bad anatomy"
FIELDS = ("scene_number", "image_create_prompt", "image_style")
PLAIN = "high-quality"  # the style of a scene that names none
# Each tier's model, by style; system B's rule. None is the model in force.
TIERS: Mapping[str, Mapping[str, str]] = {
    "development": {"": "sdxl-turbo"},
    "production": {
        "cinematic": "stable-diffusion-xl",
        "close-up-reaction": "stable-diffusion-xl",
        "": "stable-diffusion-2",
    },
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene of a script: its number, its prompt and its prompt style's name."""

    number: int
    prompt: str
    style: str = PLAIN

    def model(self, tier: str | None) -> str | None:
        """Return the model of ``tier`` for this scene's style, None where no tier is asked for."""
        models = TIERS[tier] if tier is not None else {}
        return models.get(self.style, models.get(""))


@dataclass(frozen=True, slots=True)
class SceneBatch(Shown):
    """The pictures of a script, scene by scene; failures are values among them."""

    scenes: tuple[Scene, ...]
    answers: tuple[ImageResult, ...] = field(repr=False)
    place: tuple[str, int] = field(repr=False)  # the run's id and the number of its cell

    @property
    def results(self) -> dict[int, Result]:
        """The result of each scene, by its number."""
        return {scene.number: answer.results[0] for scene, answer in zip(self.scenes, self.answers, strict=True)}

    @property
    def pictures(self) -> dict[int, Picture]:
        """The picture of each scene that has one, placeholders too, by its number."""
        return {s.number: a.pictures[0] for s, a in zip(self.scenes, self.answers, strict=True) if a.pictures}

    @property
    def failed(self) -> dict[int, str]:
        """Why each scene without a picture of its own has none, by its number."""
        return {number: result.error or "" for number, result in self.results.items() if not result.ok}

    @property
    def cost(self) -> float | None:
        """What was spent on it now in USD, None where any of it is unknown."""
        spent = [result.cost.usd for result in self.results.values()]
        return None if None in spent else sum(usd for usd in spent if usd is not None)

    def __len__(self) -> int:
        return len(self.scenes)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results.values())

    def save(self, folder: str | Path) -> dict[int, Path]:
        """Write ``<folder>/<run id>/scene_{n}_{8 hex}.png`` with metadata beside each; return each scene's file.

        Scenes without a picture are left out; a placeholder has "placeholder" in its name. See ``Run.save``.
        """
        id, cell = self.place
        place = upward("open_run")(id).select(cell=cell).save(folder, layout="scenes")
        rows = json.loads((place / "metadata.json").read_text(encoding="utf-8"))["pictures"]
        return {row["scene_number"]: place / row["file"] for row in rows if row["file"] is not None}

    def __repr__(self) -> str:
        came = sum(result.ok for result in self.results.values())
        return f"SceneBatch({len(self)} scene{'s' if len(self) != 1 else ''}, {came} with a picture of their own)"


def read_scenes(source: Any) -> list[Scene]:
    """Read scenes from a list of mappings, a DataFrame, or a .csv or .json file; ``{"scenes": […]}`` is read too.

    Each has ``scene_number`` (its place from 1 where it is left out), ``image_create_prompt`` and, if it is not to be
    "high quality, detailed", ``image_style``: the name of a prompt style, also in capitals (CLOSE_UP_REACTION). Raises
    InvalidInput with every fault: no prompt, the same number twice, an unknown field, an unreadable file.
    """
    rows = _rows(source)
    if not rows:
        raise InvalidInput([Fault("scenes", "there is none.", f"Give mappings with {', '.join(FIELDS)}.")])
    faults: list[Fault] = []
    scenes = [_scene(row, place, faults) for place, row in enumerate(rows, 1)]
    seen: dict[int, int] = {}
    for place, scene in enumerate(scenes, 1):
        other = seen.setdefault(scene.number, place)
        if other != place:
            faults.append(Fault(f"scenes[{place}]", f"its scene_number {scene.number} is that of scenes[{other}] too."))
    if faults:
        raise InvalidInput(faults)
    return scenes


def _rows(source: Any) -> list[Any]:
    if isinstance(source, (str, Path)):
        return _rows(_read_file(Path(source).expanduser()))
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        return list(source.astype(object).where(source.notna(), None).to_dict("records"))
    if isinstance(source, Mapping):
        return _rows(source["scenes"]) if set(source) == {"scenes"} else [source]
    if isinstance(source, (list, tuple)):
        return list(source)
    what = f"a {type(source).__name__} is no list of scenes."
    raise InvalidInput([Fault("scenes", what, "Give a list of mappings, a DataFrame, or a .csv or .json file.")])


def _read_file(path: Path) -> Any:
    try:
        if path.suffix.lower() == ".csv":
            import pandas as pd

            return pd.read_csv(path, dtype={"image_create_prompt": str, "image_style": str})
        if path.suffix.lower() == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # pandas' and json's own errors are ValueErrors
        raise InvalidInput([Fault("scenes", f"{path} cannot be read: {error}.")]) from error
    raise InvalidInput([Fault("scenes", f"{path} is neither a .csv nor a .json file.")])


def _scene(row: Any, place: int, faults: list[Fault]) -> Scene:
    where = f"scenes[{place}]"
    if not isinstance(row, Mapping):
        faults.append(Fault(where, f"{row!r:.80} is not a mapping.", f"Give {', '.join(FIELDS)}."))
        return Scene(-place, "")
    faults += [unknown_name_fault("field", str(name), FIELDS, where=where) for name in row if name not in FIELDS]
    number, prompt, style = (row.get(name) for name in FIELDS)
    number = place if number is None else number
    if isinstance(number, float) and number.is_integer():  # a column with gaps holds floats
        number = int(number)
    if type(number) is not int or number < 0:
        faults.append(Fault(where, f"its scene_number {number!r:.80} is not a whole number from 0."))
        number = -place
    if not isinstance(prompt, str) or not prompt.strip():
        faults.append(Fault(where, "its image_create_prompt is missing or empty."))
    if style is not None and not isinstance(style, str):
        faults.append(Fault(where, f"its image_style {style!r:.80} is not a name."))
    name = style.strip().lower().replace("_", "-").replace(" ", "-") if isinstance(style, str) else ""
    return Scene(number, str(prompt), name or PLAIN)

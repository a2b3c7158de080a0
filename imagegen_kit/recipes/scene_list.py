"""Lists of scenes, read from wherever they are written; everything wrong with them is said at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imagegen_kit.engine.ask import check_values
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.recipes.scene_file import read_script

if TYPE_CHECKING:
    from imagegen_kit.registry import Registry

NEGATIVE: Final = "blurry, low quality, distorted, ugly, bad anatomy"
FIELDS: Final = ("scene_number", "image_create_prompt", "image_style")
PLAIN: Final = "high-quality"  # the style of a scene that names none
HIGHEST: Final = 999_999  # the number of a scene stands in its file's name
# Each tier's model, by style; system B's rule.
TIERS: Final[Mapping[str, Mapping[str, str]]] = {
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

    @property
    def labels(self) -> dict[str, Any]:
        """What names the scene in tables and files."""
        return {"scene": self.number, "variant": f"scene {self.number}"}

    def model(self, tier: str | None) -> str | None:
        """Return the model of ``tier`` for this scene's style, None where no tier is asked for."""
        models = TIERS[tier] if tier is not None else {}
        return models.get(self.style, models.get(""))

    def as_parameter(self) -> dict[str, Any]:
        """Return it as the mapping that is read, which a run records."""
        return dict(zip(FIELDS, (self.number, self.prompt, self.style), strict=True))


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


def scene_faults(params: Mapping[str, Any], registry: Registry) -> list[Fault]:
    """Return everything wrong with a batch: its tier, its scenes, and the styles that nobody knows."""
    faults = _tier_faults(params.get("tier"), params.get("model"))
    if params.get("scenes") is None:
        return faults + ([Fault("scenes", "there is none.")] if "scenes" in params else [])
    try:
        rows = _rows(params["scenes"])
    except InvalidInput as error:
        return faults + list(error.faults)
    try:
        read_scenes(rows)
    except InvalidInput as error:
        faults += error.faults
    for place, row in enumerate(rows, 1):
        scene = _scene(row, place, [])
        known = {"image_create_prompt": ("prompt", scene.prompt), "image_style": ("style", scene.style)}
        for name, (argument, value) in known.items():
            if value:  # what is missing was told just now
                found = check_values(argument, value, registry)
                faults += [Fault(f"scenes[{place}].{name}", fault.what, fault.hint) for fault in found]
    return faults


def scene_models(params: Mapping[str, Any]) -> list[str | None]:
    """Return the models that draw a batch, those of its tier by the styles of its scenes; none where it is faulty."""
    tier, model = params.get("tier"), params.get("model")
    if tier is None or _tier_faults(tier, model):
        return [model]
    try:
        return [scene.model(tier) for scene in read_scenes(params.get("scenes"))]
    except InvalidInput:
        return []


def check_tier(tier: Any, model: Any) -> None:
    """Raise InvalidInput for a tier that nobody knows, or that stands beside one model for all."""
    if faults := _tier_faults(tier, model):
        raise InvalidInput(faults)


def _tier_faults(tier: Any, model: Any) -> list[Fault]:
    if tier is None:
        return []
    if not isinstance(tier, str) or tier not in TIERS:
        return [unknown_name_fault("tier", str(tier), TIERS, where="tier")]
    hint = "Leave out one of them."
    return [] if model is None else [Fault("tier", "it chooses the models, and model names one for all.", hint)]


def _rows(source: Any) -> list[Any]:
    if isinstance(source, (str, Path)):
        source = read_script(Path(source).expanduser())
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        return list(source.astype(object).where(source.notna(), None).to_dict("records"))
    if isinstance(source, Mapping):
        if isinstance(source.get("scenes"), (list, tuple)) and len(source) > 1:
            beside = ", ".join(str(name)[:80] for name in source if name != "scenes")
            raise InvalidInput(
                [Fault("scenes", f"beside the list stands what is not read: {beside}.", "Leave it out.")]
            )
        source = source["scenes"] if set(source) == {"scenes"} else [source]
    if isinstance(source, (list, tuple)):
        return [row.as_parameter() if isinstance(row, Scene) else row for row in source]
    what = f"a {type(source).__name__} is no list of scenes."
    raise InvalidInput([Fault("scenes", what, "Give a list of mappings, a DataFrame, or a .csv or .json file.")])


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
    if isinstance(number, str) and number.strip().isascii() and number.strip().isdecimal():  # "02", as texts hold it
        number = int(number.strip()[:20])
    if type(number) is not int or not 0 <= number <= HIGHEST:
        faults.append(Fault(where, f"its scene_number {number!r:.80} is not a whole number from 0 to {HIGHEST:,}."))
        number = -place
    if not isinstance(prompt, str) or not prompt.strip():
        faults.append(Fault(where, "its image_create_prompt is missing or empty."))
        prompt = ""
    if style is not None and not isinstance(style, str):
        faults.append(Fault(where, f"its image_style {style!r:.80} is not a name."))
        style = None
    return Scene(number, prompt, _style_name(style) or PLAIN)


def _style_name(given: str | None) -> str:
    """Return a style's name, also for the way in which enumerations write it: CLOSE_UP_REACTION."""
    name = (given or "").strip()
    return name.lower().replace("_", "-").replace(" ", "-") if name.isupper() else name

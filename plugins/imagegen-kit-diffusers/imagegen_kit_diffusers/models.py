"""Which pipelines there are: the shipped list, and what the user names in a variable or a YAML file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from imagegen_kit import providers as kit
from imagegen_kit.catalog import load_yaml, validate
from imagegen_kit.errors import Fault, InvalidInput

MODELS = "IMAGEGEN_DIFFUSERS_MODELS"
DOWNLOAD = "IMAGEGEN_DIFFUSERS_DOWNLOAD"
DEVICE = "IMAGEGEN_DIFFUSERS_DEVICE"
BATCH = "IMAGEGEN_DIFFUSERS_BATCH"
SHIPPED = Path(__file__).with_name("models.yaml")
NAME = r"[a-z0-9][a-z0-9._-]*"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
FREE = kit.Price(0.0, source="drawn on this machine")
OPTIONS = {
    "steps": "denoising steps, from 1 to 500",
    "guidance": "how closely the prompt is followed; 1 or less switches the negative prompt off",
    "strength": "how much of the reference picture is redrawn, above 0 to 1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One pipeline: ``source`` is a folder in the layout of ``save_pretrained``, or a hub id.

    ``variant`` names the files of weights to take where there are several, such as "fp16".
    """

    name: str
    source: str
    revision: str | None = None
    variant: str | None = None
    card: str = ""
    default_side: int = 512
    max_side: int = 2048
    steps: int = 30
    guidance: float = 7.5
    timeout_s: float = 1800.0
    typical_seconds: float | None = None

    def spec(self, concurrency: int) -> kit.ModelSpec:
        """Return what the toolkit knows of the model before anything is loaded."""
        can = kit.Capabilities(
            seed=True,
            negative_prompt=self.guidance > 1,
            references=1,
            mask=True,
            multiple_of=8,
            max_side=self.max_side,
            default_side=self.default_side,
            options=OPTIONS,
        )
        return kit.ModelSpec(
            self.name,
            can=can,
            api="pipeline",
            remote_name=self.source,
            card=self.card or f"The diffusers pipeline {self.source}, on this machine.",
            price=FREE,
            timeout_s=self.timeout_s,
            typical_seconds=self.typical_seconds,
            concurrency=concurrency,
        )


class Entry(BaseModel):
    """What may stand under a model's name in a YAML file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    source: str = Field(min_length=1)
    revision: str | None = None
    variant: str | None = None
    card: str = ""
    default_side: Annotated[int, Field(ge=8, le=16384, multiple_of=8)] = 512
    max_side: Annotated[int, Field(ge=8, le=16384)] = 2048
    steps: Annotated[int, Field(ge=1, le=500)] = 30
    guidance: Annotated[float, Field(ge=0)] = 7.5
    timeout_s: Annotated[float, Field(gt=0)] = 1800.0
    typical_seconds: Annotated[float, Field(gt=0)] | None = None


class ModelsFile(BaseModel):
    """A YAML file of models."""

    model_config = ConfigDict(extra="forbid", strict=True)
    models: dict[Annotated[str, Field(pattern=f"^{NAME}$")], Entry]


def read_models(named: str | None) -> dict[str, Model]:
    """Return the shipped models and those that ``named`` adds or replaces, by name.

    ``named`` holds items between commas: ``name=folder-or-hub-id``, or the path of a YAML file in the form of the
    shipped one. Raises InvalidInput with everything that is wrong.
    """
    found = _file(SHIPPED)
    faults: list[Fault] = []
    for item in filter(None, (part.strip() for part in (named or "").split(","))):
        name, equals, source = (part.strip() for part in item.partition("="))
        if not equals and item.endswith((".yaml", ".yml")):
            try:
                found |= _file(Path(item).expanduser())
            except InvalidInput as error:
                faults += error.faults
        elif not (equals and source):
            hint = "Write name=folder-or-hub-id, or the path of a .yaml file."
            faults.append(Fault(MODELS, f"{item!r} names no model.", hint))
        elif not re.fullmatch(NAME, name):
            faults.append(
                Fault(MODELS, f"{name!r} is not a name.", "Use lower-case letters, digits, '.', '_' and '-'.")
            )
        else:
            found[name] = Model(name=name, source=source)
    if faults:
        raise InvalidInput(faults)
    return found


def batch_size(text: str | None) -> int:
    """Return how many pictures may be drawn at once (4 where nobody says). Raises InvalidInput."""
    if text is None:
        return 4
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise InvalidInput([Fault(BATCH, f"{text!r} is not a number from 1 to 64.")])
    return int(text)


def _file(path: Path) -> dict[str, Model]:
    document = load_yaml(path, where=path.name)
    entries = validate(document, ModelsFile).models
    return {name: Model(name=name, **entry.model_dump()) for name, entry in entries.items()}

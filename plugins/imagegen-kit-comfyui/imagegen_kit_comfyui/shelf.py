"""All workflows that are there: the shipped ones, and those in the folder that the user names.

They are read once in a process, so that the version under which pictures are cached is that of what really draws.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from imagegen_kit import providers as kit
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit_comfyui.reading import read_workflow
from imagegen_kit_comfyui.workflow import Workflow

VARIABLE = "IMAGEGEN_COMFYUI_WORKFLOWS"
SHIPPED = Path(__file__).with_name("workflows")
MAX_CARD_FAULTS = 2


@dataclass(frozen=True, slots=True)
class Shelf:
    """The workflows by model name; ``broken`` are those that cannot be used, with what is wrong in which line."""

    workflows: Mapping[str, Workflow]
    broken: Mapping[str, tuple[Fault, ...]]
    digest: str

    def specs(self) -> tuple[kit.ModelSpec, ...]:
        """Return a model for each workflow; a broken one stays visible, and says what to mend when it is asked."""
        return (*(w.spec() for w in self.workflows.values()), *map(self._broken_spec, self.broken))

    def workflow(self, name: str) -> Workflow:
        """Return the workflow behind a model. Raises InvalidInput with its faults where it cannot be used."""
        if name in self.broken:
            raise InvalidInput(self.broken[name])
        if name not in self.workflows:
            hint = f"Set {VARIABLE} to the folder that holds it, before the toolkit starts."
            raise InvalidInput([Fault("model", f"there is no workflow {name!r}.", hint)])
        return self.workflows[name]

    def _broken_spec(self, name: str) -> kit.ModelSpec:
        faults = self.broken[name]
        card = "Cannot be used: " + " ".join(map(str, faults[:MAX_CARD_FAULTS]))
        # It accepts everything, so that whatever is asked reaches the faults and not a refusal of the request.
        can = kit.Capabilities(references=16, mask=True, negative_prompt=True, seed=True)
        return kit.ModelSpec(name, can=can, card=card, price=kit.Price(0.0, source="drawn on your own server"))


@cache
def read_shelf(folder: str | None) -> Shelf:
    """Read the shipped workflows and those in ``folder``, which win where the names are the same.

    Raises InvalidInput where ``folder`` is no folder; a faulty workflow only breaks itself.
    """
    workflows: dict[str, Workflow] = {}
    broken: dict[str, tuple[Fault, ...]] = {}
    digest = hashlib.sha256()
    for path in (*_files(SHIPPED), *(_files(_folder(folder)) if folder else ())):
        mapping = next((p for p in (path.with_suffix(".yaml"), path.with_suffix(".yml")) if p.is_file()), None)
        name = model_name(path)
        for known in (workflows, broken):
            known.pop(name, None)
        try:
            workflows[name] = read_workflow(name, path, mapping)
        except InvalidInput as error:
            broken[name] = error.faults
            continue
        digest.update(name.encode() + b"\0")
        for part in (path, mapping):
            digest.update(b"\0" if part is None else part.read_bytes() + b"\1")
    return Shelf(workflows, broken, digest.hexdigest()[:16])


def model_name(path: Path) -> str:
    """Return the model's name of a workflow's file: "My Flow.json" is ``my-flow``."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._") or "workflow"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def _folder(given: str) -> Path:
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise InvalidInput([Fault(VARIABLE, f"{given!r} is no folder.", "It holds workflows, each NAME.json.")])
    return folder

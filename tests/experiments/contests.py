"""Runs whose winner is known: grey pictures, as light as the test says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine
from imagegen_kit.experiments.run import Run


def painter(name: str, light: Callable[[int, int], int | None]) -> None:
    """Register a model that answers "p 7" with the level ``light(7, repeat)``; None fails."""

    @ik.register(model=f"me/{name}", version="1", seed=True)
    def paint(request: Any) -> Image.Image:
        level = light(int(request.prompt.split()[1]), request.sample or 0)
        if level is None:
            raise RuntimeError("out of paint")
        return Image.new("L", (8, 8), level)


def scorer(better: str = "higher") -> None:
    @ik.register(scorer="light", version="1", better=better, unit="levels")
    def light(subject: Any) -> float:
        return float(np.asarray(subject.image.convert("L")).mean())


def contest(prompts: int = 20, models: tuple[str, ...] = ("dim", "bright"), **given: Any) -> Run:
    vary = {
        "prompt": given.pop("prompt", [f"p {i}" for i in range(prompts)]), "model": [f"me/{name}" for name in models],
        **given.pop("vary", {}),
    }  # fmt: skip
    return ik.Experiment(vary=vary, **{"name": "contest", **given}).run(progress=False)


_KEPT: dict[str, Path] = {}


def kept(name: str, make: Callable[[], Run], folder: Callable[[str], Path]) -> Run:
    """Return the run that ``make`` makes, in a store of the test's own: it is made once, and then only copied."""
    here = Path("imagegen-store")
    if name in _KEPT:
        shutil.copytree(_KEPT[name], here)
    else:
        make()
        close_default_engine()  # so that all of it is on the disk
        _KEPT[name] = Path(shutil.copytree(here, folder(name) / "store"))
    return ik.open_run("contest")

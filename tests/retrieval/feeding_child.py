"""A process that feeds a model from a library and hangs in the call; it is given a folder."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.types import Reply
from tests.engine.models import model, picture
from tests.retrieval.shelf import Shelf


def experiment(shelf: Any, log: Path, *, hang: bool) -> ik.Experiment:
    async def step(_script: Any, request: Any, _on_progress: Any) -> Reply:
        with log.open("a") as file:
            file.write(f"{request.prompt}: {', '.join(str(r.origin) for r in request.references)}\n")
        if hang:
            await asyncio.Event().wait()
        return Reply(pictures=(picture(len(request.prompt)),))

    model("lab/one", *[step] * 20, can=Capabilities(references=4))
    vary = {"prompt": ["a red cup", "a green cup", "a blue cup"]}
    return ik.Experiment(vary=vary, fixed={"model": "lab/one", "library": shelf, "top_k": 2}, name="killed")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    experiment(Shelf(folder / "refs"), folder / "calls.log", hang=True).run(progress=False)

"""A script that tests run in another process and kill: an experiment with a model that obeys files.

Arguments: what to do (run, resume or again), the log of calls, and how the model behaves. Each call of the model writes
one line to the log before it does anything.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.providers import Accepted, ModelSpec, Price, Reply
from tests.engine.models import picture

WHAT, LOG, HOW, PRICE = sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])


def say(line: str) -> None:
    with LOG.open("a") as file:
        file.write(f"{time.time()} {line}\n")


class Lab:
    def __init__(self, account: object) -> None:
        pass

    async def generate(self, request, on_progress):
        say(f"submit {request.prompt}")
        if HOW in ("job", "no-collect") and WHAT == "run":
            await on_progress(Accepted(f"id of {request.prompt}"))
            say(f"accepted {request.prompt}")
            await asyncio.sleep(600)
        if HOW == "hang" and WHAT == "run":
            await asyncio.sleep(600)
        if HOW == "slow":
            await asyncio.sleep(0.1)
        if HOW == "half" and WHAT == "run" and LOG.read_text().count("submit") > 6:
            await asyncio.sleep(600)
        return Reply(pictures=(picture(len(request.prompt)),))


class Collecting(Lab):
    async def collect(self, job_id, request, on_progress):
        say(f"collect {job_id}")
        return Reply(pictures=(picture(3),))


if __name__ == "__main__":
    spec = ModelSpec("one", price=Price(PRICE), can=Capabilities(seed=True))
    target = Lab if HOW == "no-collect" else Collecting
    ik.register(ProviderSpec("lab", models=(spec,), target=target, origin="simulated:lab"))
    prompts = ["a", "bb", "ccc"] if HOW != "slow" else [f"p{i}" for i in range(40)]
    if HOW == "half":
        prompts = ["x" * n for n in range(1, 11)]
    policy = ik.Policy(concurrency=4 if HOW == "slow" else 1 if HOW == "half" else None, cache=HOW != "half")
    exp = ik.Experiment(vary={"prompt": prompts}, fixed={"model": "lab/one"}, name="killed", policy=policy)
    say(f"started {os.getpid()}")
    if WHAT == "resume":
        ik.open_run("killed").resume()
    else:
        try:
            exp.run(progress=False)
        except KeyboardInterrupt:
            say("interrupted")
            raise
    say("ended")

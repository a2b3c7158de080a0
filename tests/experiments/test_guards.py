"""What keeps an experiment honest where people are careless: two processes, failing recipes, endless recipes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, UnsupportedRequest
from imagegen_kit.providers import ModelSpec, Price, ProviderSpec, Reply

pytestmark = pytest.mark.usefixtures("own_registry")

SCRIPT = """
    import sys, time
    import imagegen_kit as ik
    from PIL import Image

    @ik.register(model="me/paid", version="1", price_usd=0.01)
    def paid(request):
        with open("calls.txt", "a") as file:
            file.write(request.prompt + "\\n")
        time.sleep(0.2)
        return Image.new("RGB", (8, 8), (len(request.prompt) * 9, 3, 5))

    exp = ik.Experiment(vary={"prompt": [f"{'x' * i}" for i in range(1, 11)]}, fixed={"model": "me/paid"},
                        name="pair", policy=ik.Policy(concurrency=2))
    try:
        run = exp.run(progress=False)
        print("ran", len(run), run.table()["status"].eq("ok").all())
    except ik.errors.StoreError as error:
        print("refused", error)
"""


def test_two_processes_do_not_run_one_experiment_at_once_and_buy_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    both = [
        subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = sorted(p.communicate(timeout=60)[0].strip() for p in both)
    assert said[0] == "ran 10 True"
    assert said[1].startswith("refused another process is running Experiment('pair'") or said[1] == "ran 10 True"
    calls = (tmp_path / "calls.txt").read_text().split()
    assert len(calls) == len(set(calls)) == 10
    again = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert again.stdout.strip() == "ran 10 True"
    assert len((tmp_path / "calls.txt").read_text().split()) == 10


def test_a_cell_whose_recipe_raises_counts_as_failed_in_the_summary() -> None:
    async def broken(job, prompt):
        if prompt == "late":
            await job.image(prompt, model="offline/poster", size=64)
        if prompt != "fine":
            raise KeyError("hero")
        await job.image(prompt, model="offline/poster", size=64)

    run = ik.Experiment(broken, vary={"prompt": ["fine", "early", "late"]}).run(progress=False)
    summary = run.summary("prompt")
    assert summary["failed"].to_dict() == {"fine": 0, "early": 1, "late": 1}
    assert summary.loc["early", "success"] == 0.0
    assert run.table().query("status == 'failed'")["error"].tolist() == ["KeyError: 'hero'"] * 2
    assert ik.runs()["failed"].tolist() == [2]


def test_a_plan_of_a_recipe_that_never_ends_says_that_it_is_a_lower_bound() -> None:
    async def until_it_pleases(job, prompt):
        while True:
            try:
                await job.image(prompt)
            except Exception:
                return

    plan = ik.Experiment(until_it_pleases, vary={"prompt": ["a"]}).plan()
    assert plan["lower_bound"].tolist() == [True]
    assert plan["pictures"].tolist() == [1000]


def test_a_mask_needs_a_first_reference_of_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save("a.png")
    Image.new("L", (30, 40)).save("mask.png")
    with pytest.raises(InvalidInput, match="there is none"):
        ik.generate("a cat", mask="mask.png")
    with pytest.raises(InvalidInput, match="30×40, the first reference 40×30"):
        ik.generate("a cat", mask="mask.png", references="a.png")


class NeverCalled:
    def __init__(self, account: object) -> None:
        self.account = account

    async def generate(self, request: object, on_progress: object) -> Reply:
        raise AssertionError("it must not be called without its key")


def test_a_model_without_its_key_is_refused_before_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ProviderSpec(
        "keyed", models=(ModelSpec("m", price=Price(0.1)),), target=NeverCalled, key_env=("KEYED_API_KEY",)
    )
    ik.register(spec)
    monkeypatch.delenv("KEYED_API_KEY", raising=False)
    with pytest.raises(UnsupportedRequest, match=r"keyed/m is not ready\. Set KEYED_API_KEY"):
        ik.generate("a cat", model="keyed/m")


def test_numbers_of_numpy_and_pandas_are_numbers() -> None:
    frame = pd.DataFrame({"prompt": ["a cat", "a dog"], "seed": [1, None]})
    points = ik.Experiment(vary=frame, fixed={"size": 64}).run(progress=False).table()
    assert points["seed_sent"].tolist() == [1, pd.NA]
    axis = ik.Experiment(vary={"prompt": ["a cat"], "seed": np.arange(2)}, fixed={"size": 64}).run(progress=False)
    assert axis.table()["seed_sent"].tolist() == [0, 1]


@pytest.mark.parametrize("policy", [{"attempts": 3}, "fast"], ids=str)
def test_what_is_no_policy_is_refused(policy: object) -> None:
    with pytest.raises(InvalidInput, match="is not a policy"):
        ik.generate("a cat", policy=policy)
    with pytest.raises(InvalidInput, match="is not a policy"):
        ik.Experiment(vary={"prompt": ["a cat"]}, policy=policy)


def test_sizes_can_be_grouped_and_selected_by() -> None:
    run = ik.Experiment(vary={"prompt": ["a cat"], "size": [(64, 64), (64, 48)]}).run(progress=False)
    assert run.table().groupby("size").size().tolist() == [1, 1]
    assert len(run.select(size=(64, 48))) == 1


def test_an_emptied_file_in_the_store_is_made_again() -> None:
    first = ik.generate("a cat", size=64)
    Path(str(first.picture.path)).write_bytes(b"")
    assert ik.generate("a cat", size=64).status == "ok"


def test_every_fault_of_an_experiment_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        ik.Experiment(
            vary={"prompt": ["", 5], "model": ["offline/colage"], "foo": [1], "size": ["0x0"], "style": "noir"},
            fixed={"prompt": "x", "seed": "q"},
            repeats=0,
            budget_usd=-1,
        )
    where = [fault.where for fault in caught.value.faults]
    assert {"repeats", "fixed", "budget_usd", "model", "foo", "size", "seed", "prompt", "vary['style']"} <= set(where)

"""A run: its table, its summaries, its folder and its file."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, ProviderError
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.tables.columns import AFTER_PARAMETERS, BEFORE_PARAMETERS
from imagegen_kit.types import Prompt, Reference, Style
from tests.engine.models import Watch, model, picture, reply, rows

ONE = {"model": "lab/one"}


def small(**given):
    return ik.Experiment(**{"vary": {"prompt": ["a", "b"], "seed": [1, 2]}, "fixed": ONE, "name": "small", **given})


def test_columns_stand_in_the_documented_order_with_parameters_by_their_own_names():
    model()
    table = small().run(progress=False).table()
    expected = [c.name for c in BEFORE_PARAMETERS] + ["prompt", "seed", "model"] + [c.name for c in AFTER_PARAMETERS]
    assert table.columns.tolist() == expected
    assert table.cell.tolist() == [0, 1, 2, 3]
    assert table.prompt.tolist() == ["a", "a", "b", "b"]
    assert table.seed.tolist() == table.seed_sent.tolist() == [1, 2, 1, 2]


def test_columns_have_their_types_full_and_empty():
    model()
    full = small().run(progress=False).table()
    empty = small(name="never").start().stop()
    from imagegen_kit.tables.runs import run_table

    nothing = run_table(empty._store, ["no such run"])
    for table in (full, nothing):
        for column in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS):
            assert str(table[column.name].dtype) in (column.dtype, "string"), column.name
    assert str(full.created_at.dtype) == "datetime64[ms, UTC]"


def test_free_is_zero_and_unknown_is_not_available():
    model("lab/one", price=None)
    model("free/one", price=0.0)
    table = ik.Experiment(vary={"prompt": ["a"], "model": ["lab/one", "free/one"]}).run(progress=False).table()
    assert table.cost_usd.isna().tolist() == [True, False]
    assert table.cost_basis.tolist() == ["unknown", "table"]
    costs = ik.open_run("latest").costs()
    assert costs.unknown_costs.tolist() == [1, 0]
    assert costs.cost_usd.isna().tolist() == [True, False]
    assert costs.known_cost_usd.tolist() == [0.0, 0.0]


def test_a_cell_whose_recipe_fails_is_a_row_and_the_others_go_on():
    model()

    async def picky(job, prompt):
        if prompt == "bad":
            raise ValueError("I will not")
        return await job.image(prompt, model="lab/one")

    run = ik.Experiment(picky, vary={"prompt": ["a", "bad", "c"]}).run(progress=False)
    table = run.table()
    assert table.status.tolist() == ["ok", "failed", "ok"]
    assert table.error.tolist()[1] == "ValueError: I will not"
    assert table.prompt.tolist() == ["a", "bad", "c"]
    assert len(run) == 2
    assert repr(run) == "Run(3 of 3 cells, 1 failed)"
    assert ik.runs().done.tolist() == [3]


def test_saving_gives_every_row_its_own_file_also_beside_cells_that_failed(tmp_path):
    model()

    async def picky(job, prompt):
        if prompt == "bad":
            raise ValueError("I will not")
        return await job.image(prompt, model="lab/one")

    run = ik.Experiment(picky, vary={"prompt": ["bad", "a", "b"]}).run(progress=False)
    folder = run.save(tmp_path / "out")
    pictures = json.loads((folder / "metadata.json").read_text())["pictures"]
    assert [p["file"] for p in pictures] == [None, "0000-lab-one-a.png", "0001-lab-one-b.png"]
    for row in pictures[1:]:
        saved = Picture.open(folder / row["file"])
        assert saved.request["request"]["prompt"] == row["prompt"]
        with Image.open(folder / row["file"]) as image:
            assert image.size == (row["width"], row["height"])


def test_saving_refuses_a_folder_that_holds_something(tmp_path):
    model()
    run = small().run(progress=False)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(InvalidInput, match="not empty"):
        run.save(tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_named_instead_of_an_oserror(tmp_path):
    (tmp_path / "file").write_text("in the way")
    run = ik.Experiment(vary={"prompt": ["a"]}, fixed={"size": "64"}).run(progress=False)
    blocked = tmp_path / "file" / "below"
    with pytest.raises(InvalidInput, match=rf"folder: {blocked} cannot be written: .*\. Name a place"):
        run.save(blocked)
    with pytest.raises(InvalidInput, match=rf"path: {blocked}.yaml cannot be written: .*\. Name a place"):
        run.experiment.to_yaml(f"{blocked}.yaml")


def test_a_saved_folder_says_what_the_table_says(tmp_path):
    model("lab/one", ProviderError("no", paid=False), price=0.1)
    run = small(policy=ik.Policy(concurrency=1)).run(progress=False)
    content = json.loads((run.save(tmp_path / "out") / "metadata.json").read_text())
    assert (content["run_id"], content["name"]) == (run.id, "small")
    assert [p["status"] for p in content["pictures"]].count("failed") == 1
    assert [p["file"] is None for p in content["pictures"]] == [p["status"] == "failed" for p in content["pictures"]]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 10, 11, 29])
def test_quantiles_are_numpys_of_what_was_really_timed(count):
    watch = Watch()

    def taking(seconds):
        async def step(script, request, on_progress):
            await watch.sleep(seconds)
            return await script.play(None, request, on_progress)

        return step

    model("lab/one", *[taking((n * 37) % 23 + 1.0) for n in range(count)])
    policy = ik.Policy(clock=watch, concurrency=1)
    exp = ik.Experiment(vary={"prompt": [f"p{i}" for i in range(count)]}, fixed=ONE, policy=policy)
    run = exp.run(progress=False)
    seconds = run.table().seconds
    row = run.summary().loc["lab/one"]
    assert row.timed == count
    for name, q in (("seconds_p50", 0.5), ("seconds_p90", 0.9)):
        assert row[name] == pytest.approx(np.quantile(seconds.astype(float), q))
    assert row.seconds_max == seconds.max()
    cached = exp.run(progress=False, fresh=True).summary().loc["lab/one"]
    assert (cached.timed, cached.cached) == (0, count)
    assert pd.isna(cached.seconds_p50)


def test_summaries_group_by_any_column_in_the_order_of_the_grid():
    model("lab/one")
    model("able/two", ProviderError("no", paid=False), price=0.2)
    run = ik.Experiment(
        vary={"model": ["lab/one", "able/two"], "prompt": ["b", "a"], "style": [None, "vintage-mascot"]},
        policy=ik.Policy(concurrency=1),
    ).run(progress=False)
    assert run.summary().index.tolist() == ["lab/one", "able/two"]
    assert run.summary("prompt").index.tolist() == ["b", "a"]
    assert run.summary("style").index.tolist() == ["none", "vintage-mascot"]
    both = run.summary(["model", "status"])
    assert both.loc[("able/two", "failed"), "pictures"] == 1
    assert both.loc[("able/two", "ok"), "cost_usd"] == pytest.approx(0.6)
    success = run.summary().success
    assert success.tolist() == [1.0, 0.75]
    with pytest.raises(InvalidInput, match="Did you mean 'prompt'"):
        run.summary("promt")


def test_a_selection_is_a_smaller_run():
    model("lab/one", ProviderError("no", paid=False))
    run = small(policy=ik.Policy(concurrency=1)).run(progress=False)
    some = run.select(prompt="a", status=["ok", "cached"])
    assert len(some) == len(some.table()) == 1
    assert some.summary().pictures.tolist() == [1]
    assert {r.request.prompt for r in some} == {"a"}
    assert len(run.select(seed=[1, 2])) == 4
    assert len(run.select(error=None)) == 3
    assert len(some.select(prompt="b")) == 0
    with pytest.raises(InvalidInput, match="Did you mean 'prompt'"):
        run.select(promt="a")


def test_results_are_read_by_number_from_either_end():
    model()
    run = small().run(progress=False)
    assert [run[i].request.seed for i in (0, 1, -1)] == [1, 2, 2]
    assert run[-1].request.prompt == "b"
    with pytest.raises(IndexError, match="4 results"):
        run[4]
    assert [r.request.prompt for r in run] == ["a", "a", "b", "b"]


def test_two_results_differ_in_what_differs():
    model()
    run = small().run(progress=False)
    diff = run.diff(0, 3)
    assert diff.loc["prompt"].tolist() == ["a", "b"]
    assert diff.loc["seed"].tolist() == [1, 2]
    assert "model" not in diff.index
    assert run.diff(0, 0).empty


def test_costs_add_up_by_any_column():
    model("lab/one", reply(cost_usd=0.5), price=0.1)
    run = small(policy=ik.Policy(concurrency=1)).run(progress=False)
    assert run.costs().cost_usd.tolist() == pytest.approx([0.8])
    assert set(run.costs().basis.iloc[0].split(",")) == {"reported", "table"}
    again = small().run(progress=False, fresh=True).costs()
    assert (again.cost_usd.tolist(), again.cached.tolist()) == ([0.0], [4])


def test_a_run_is_opened_by_id_by_name_or_as_the_latest():
    model()
    first = small().run(progress=False)
    second = small(name="other").run(progress=False)
    assert ik.open_run(first.id).id == ik.open_run("small").id == first.id
    assert ik.open_run("latest").id == ik.open_run().id == second.id
    with pytest.raises(InvalidInput, match="Did you mean 'small'"):
        ik.open_run("smal")


def test_an_empty_store_says_so():
    with pytest.raises(InvalidInput, match="no run in this store"):
        ik.open_run()
    assert ik.runs().empty


def test_runs_lists_all_newest_first():
    model("lab/one", ProviderError("no", paid=False), price=0.1)
    small(policy=ik.Policy(concurrency=1)).run(progress=False)
    ik.generate("z", model="lab/one")
    runs = ik.runs()
    assert runs.pictures.tolist() == [1, 4]
    assert runs.ok.tolist() == [1, 3]
    assert runs.failed.tolist() == [0, 1]
    assert runs.cost_usd.tolist() == pytest.approx([0.1, 0.3])
    assert runs.name.isna().tolist() == [True, False]


def test_an_opened_run_knows_its_experiment():
    model()
    small(repeats=2, budget_usd=3, policy=ik.Policy(attempts=1)).run(progress=False)
    exp = ik.open_run("small").experiment
    assert (len(exp), exp.budget_usd, exp.policy.attempts, exp.grid.varied) == (8, 3, 1, ["prompt", "seed"])
    assert exp.run(progress=False).id == ik.open_run("small").id


CHANGES = {
    "prompt": {"vary": {"prompt": ["a", "c"], "seed": [1, 2]}},
    "order": {"vary": {"seed": [1, 2], "prompt": ["a", "b"]}},
    "fixed": {"fixed": {**ONE, "quality": "high"}},
    "repeats": {"repeats": 2},
    "name": {"name": "another"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_definition_is_another_run(change):
    model()
    assert small(**change).run(progress=False).id != small().run(progress=False).id


@pytest.mark.parametrize("change", [{"budget_usd": 9}, {"policy": ik.Policy(attempts=1)}], ids=["budget", "policy"])
def test_how_it_is_tried_does_not_make_another_run(change):
    model()
    assert small(**change).run(progress=False).id == small().run(progress=False).id


def test_a_style_model_or_reference_that_changes_makes_another_run(tmp_path):
    model()
    ik.register(Style("mine", text="red"))
    (tmp_path / "r.png").write_bytes(picture(1))
    given = {"fixed": {**ONE, "style": "mine", "references": "r.png"}}
    ids = [small(**given).run(progress=False).id]
    ids.append(small(**given).run(progress=False).id)
    assert ids[0] == ids[1]
    ik.register(Style("mine", text="blue"))
    ids.append(small(**given).run(progress=False).id)
    (tmp_path / "r.png").write_bytes(picture(2))
    ids.append(small(**given).run(progress=False).id)
    model(version="2")
    ids.append(small(**given).run(progress=False).id)
    assert len(set(ids)) == 4
    assert ik.open_run("latest").table().references.tolist() == ["r.png"] * 4


def test_another_configured_model_makes_another_run():
    model("lab/one")
    model("able/two")
    exp = small(fixed={})
    ik.configure(model="lab/one")
    first = exp.run(progress=False)
    ik.configure(model="able/two")
    second = exp.run(progress=False)
    assert first.id != second.id
    assert second.table().model_used.tolist() == ["able/two"] * 4


def test_a_model_may_be_called_by_its_short_name_or_alias():
    model(aliases=("uno",))
    run = ik.Experiment(vary={"prompt": ["a"], "model": ["one", "uno", "lab/one"]}).run(progress=False)
    assert run.table().model_used.tolist() == ["lab/one"] * 3
    assert run.summary().index.tolist() == ["one", "uno", "lab/one"]


def test_a_run_goes_on_though_its_reference_file_was_moved(tmp_path):
    script = model("lab/one", None, ProviderError("no", paid=False))
    path = tmp_path / "r.png"
    path.write_bytes(picture(1))
    small(fixed={**ONE, "references": str(path)}, policy=ik.Policy(concurrency=1)).run(progress=False)
    path.unlink()
    run = ik.open_run("small").retry_failed()
    assert set(run.table().status) == {"ok"}
    assert script.calls == 5


FILES = {
    "plain": {},
    "points": {"vary": [{"prompt": "a", "seed": 1}, {"prompt": "b", "seed": 2}]},
    "policy": {"policy": ik.Policy(attempts=2, fallback="lab/one", clock="simulated"), "budget_usd": 2.5, "repeats": 3},
    "prompts": {"vary": {"prompt": [Prompt("a", id="1", category="c", tags=("t",)), "b"]}},
    "sizes": {"vary": {"prompt": ["a"], "size": [(64, 32), "2K", None]}},
    "style": {"vary": {"prompt": ["a"], "style": [None, Style("noir", text="film noir", axes={"l": ("x", "y")})]}},
    "unicode": {"vary": {"prompt": ["ein Käfer: ‹grün›", "no", "12:30", "007"]}},
}


@pytest.mark.parametrize("given", FILES.values(), ids=FILES)
def test_an_experiment_comes_back_from_its_file_as_the_same_run(tmp_path, given):
    script = model()
    exp = small(**given)
    path = exp.to_yaml(tmp_path / "exp.yaml")
    again = ik.Experiment.from_yaml(path)
    assert (len(again), again.grid.varied, again.name, again.budget_usd) == (
        len(exp), exp.grid.varied, exp.name, exp.budget_usd,
    )  # fmt: skip
    assert again.policy == exp.policy
    run = exp.run(progress=False)
    calls = script.calls
    assert again.run(progress=False).id == run.id
    assert script.calls == calls


def test_a_reference_keeps_its_role_in_a_file(tmp_path):
    model()
    (tmp_path / "r.png").write_bytes(picture(1))
    exp = small(fixed={**ONE, "references": [Reference(tmp_path / "r.png", role="style", name="mug")]})
    again = ik.Experiment.from_yaml(exp.to_yaml(tmp_path / "exp.yaml"))
    (reference,) = again.grid.fixed["references"]
    assert (reference.role, reference.name) == ("style", "mug")
    assert again.run(progress=False).id == exp.run(progress=False).id


def test_what_a_file_cannot_hold_is_refused(tmp_path):
    async def local(job, prompt): ...

    local.__module__ = "__main__"
    with pytest.raises(InvalidInput, match="notebook"):
        ik.Experiment(local, vary={"prompt": ["a"]}).to_yaml(tmp_path / "e.yaml")
    with pytest.raises(InvalidInput, match="cannot stand in a text file"):
        small(fixed={"model": "offline/poster", "mask": picture()}).to_yaml(tmp_path / "e.yaml")


def test_suites_and_matrices_are_axes_of_a_file(tmp_path):
    (tmp_path / "e.yaml").write_text('vary:\n  prompt: {matrix: "a {red|blue} car"}\nfixed: {model: offline/poster}\n')
    assert len(ik.Experiment.from_yaml(tmp_path / "e.yaml")) == 2
    (tmp_path / "f.yaml").write_text("vary:\n  prompt: {suite: first}\nfixed: {model: offline/poster}\n")
    assert len(ik.Experiment.from_yaml(tmp_path / "f.yaml")) > 3


def test_a_live_run_is_there_at_once_and_started_only_once():
    script = model(seconds=0.05)
    first = small().start()
    second = small().start()
    assert first.id == second.id
    assert first.running
    first.wait()
    second.wait()
    assert (script.calls, first.done, first.running) == (4, 4, False)
    assert rows("SELECT COUNT(*) FROM runs") == [(1,)]


def test_the_repr_is_one_stable_line():
    model()
    exp = small()
    assert repr(exp) == "Experiment('small', 4 cells, varies prompt, seed)"
    assert repr(exp.run(progress=False)) == "Run('small', 4 of 4 cells)"
    assert repr(ik.open_run("small").select(prompt="a")) == "Run('small', 2 results selected)"


def test_with_changes_a_copy():
    model()
    exp = small()
    assert (len(exp.with_(repeats=3)), len(exp)) == (12, 4)


def test_a_retry_of_a_model_that_ignores_nothing_keeps_categories():
    model()
    prompts = [Prompt("a", category="still life"), Prompt("b", category="people")]
    run = ik.Experiment(vary={"prompt": prompts}, fixed=ONE).run(progress=False)
    assert run.table().category.tolist() == ["still life", "people"]
    assert run.summary("category").index.tolist() == ["still life", "people"]

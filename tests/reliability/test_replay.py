"""Promise 15: a run leaves as one file, opens anywhere as it was, and a notebook runs again from it, nothing sent."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import InvalidInput, NotInBundle, ProviderError
from imagegen_kit.store import Store
from tests.engine.models import model, picture

pytestmark = pytest.mark.usefixtures("own_registry")


def as_text(table):
    """All of a table but where its files lie, which no two machines share."""
    return table.drop(columns="path", errors="ignore").to_csv()


def experiment(**changes):
    given = {
        "vary": {"prompt": ["a red kite", "two boats"], "seed": [1, 2]},
        "fixed": {"model": "lab/one"},
        "name": "kites",
        "policy": ik.Policy(concurrency=1),
    }
    return ik.Experiment(**{**given, **changes})


def elsewhere(tmp_path, *bundles):
    """Another session: a store of its own, and only the bundles."""
    ik.configure(store=tmp_path / "another-store", replay=os.pathsep.join(map(str, bundles)))


TABLES = {
    "table": lambda run: run.table(),
    "summary": lambda run: run.summary(["model", "prompt"]),
    "costs": lambda run: run.costs(),
    "fairness": lambda run: run.fairness(),
    "projection": lambda run: run.projection(5, [100, 1000]),
    "diff": lambda run: run.diff(0, -1),
}


def make_run(tmp_path):
    """A run with everything in it: two models, a reference, a failure, money, adaptations."""
    model("lab/one", None, ProviderError("no", paid=False), price=0.02)
    model("able/two", price=None)
    (tmp_path / "mug.png").write_bytes(picture(3))
    return ik.Experiment(
        vary={"prompt": ["a red kite", "two boats"], "model": ["lab/one", "able/two", "offline/poster"]},
        fixed={"references": [tmp_path / "mug.png"], "seed": 4, "negative_prompt": "rain"},
        name="everything",
        policy=ik.Policy(concurrency=1, attempts=1),
    ).run(progress=False)


def test_an_opened_bundle_says_byte_for_byte_what_the_run_says(tmp_path):
    run = make_run(tmp_path)
    said = {name: as_text(of(run)) for name, of in TABLES.items()}
    facts = (run.id, len(run), repr(run))
    bundle = run.export(tmp_path / "run.zip")
    ik.configure(store=tmp_path / "another-store")
    opened = ik.open_run(bundle)
    assert {name: as_text(of(opened)) for name, of in TABLES.items()} == said
    assert (opened.id, len(opened), repr(opened)) == facts


def test_an_opened_bundle_holds_the_pictures_and_shows_itself(tmp_path):
    run = make_run(tmp_path)
    before = [r.artifacts[0].bytes for r in run if r.artifacts]
    opened = ik.open_run(str(run.export(tmp_path / "run.zip")))
    assert [r.artifacts[0].bytes for r in opened if r.artifacts] == before
    assert opened[0].request.references[0].picture.sha256 == run[0].request.references[0].picture.sha256
    sent = {r.request.prompt: r.artifacts[0].request["request"]["prompt"] for r in opened if r.artifacts}
    assert sent
    assert all(prompt == recorded for prompt, recorded in sent.items())
    assert opened._repr_html_().count("<img") == run._repr_html_().count("<img") > 0
    assert opened.experiment.grid.names == run.experiment.grid.names


def test_opening_leaves_the_journal_of_the_session_as_it_is(tmp_path):
    bundle = make_run(tmp_path).export(tmp_path / "run.zip")
    ik.configure(store=tmp_path / "another-store")
    ik.open_run(bundle)
    assert ik.runs().empty
    assert default_engine().store.journal.read("SELECT COUNT(*) FROM results") == [(0,)]


def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = make_run(tmp_path)
    first, second = run.export(tmp_path / "1.zip"), run.export(tmp_path / "2.zip")
    members = [dict_of(path) for path in (first, second)]
    for each in members:
        del each["README.txt"]  # names the file itself
    assert {n: b for n, b in members[0].items() if n != "manifest.json"} == {
        n: b for n, b in members[1].items() if n != "manifest.json"
    }
    again = tmp_path / "x" / "1.zip"
    assert run.export(again).read_bytes() == first.read_bytes()
    assert ik.open_run(first).export(tmp_path / "y" / "1.zip").read_bytes() == first.read_bytes()


def dict_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_bundle_of_thumbnails_is_small_and_shows_the_run(tmp_path):
    run = ik.Experiment(vary={"prompt": ["a cat"]}, fixed={"model": "offline/collage", "seed": 1}).run(progress=False)
    table, shown = as_text(run.table()), run._repr_html_().count("<img")
    full, small = run.export(tmp_path / "full.zip"), run.export(tmp_path / "small.zip", pictures="thumbnails")
    assert small.stat().st_size < full.stat().st_size / 4
    opened = ik.open_run(small)
    assert as_text(opened.table()) == table
    assert opened._repr_html_().count("<img") == shown == 1


def test_an_opened_run_is_not_added_to(tmp_path):
    script = model("lab/one", None, ProviderError("no", paid=False))
    run = experiment().run(progress=False)
    opened = ik.open_run(run.export(tmp_path / "run.zip"))
    calls = script.calls
    with pytest.raises(InvalidInput, match=r"1 of its cells failed, but it was opened from run\.zip"):
        opened.retry_failed()
    assert opened.resume() is opened  # all of its cells have ended
    assert script.calls == calls
    part = experiment(name="never started").start().stop()
    with pytest.raises(InvalidInput, match=r"of its 4 cells have ended.*run\.experiment\.run"):
        ik.open_run(part.export(tmp_path / "part.zip")).resume()


def test_a_run_whose_pictures_are_gone_is_not_exported_as_if_it_were_whole(tmp_path):
    model()
    run = experiment().run(progress=False)
    Path(run.table()["path"][0]).unlink()
    with pytest.raises(ik.errors.StoreError, match=r"1 of 4 files of this run are not in its store any more"):
        run.export(tmp_path / "run.zip")
    assert not list(tmp_path.glob("*.zip")) + list(tmp_path.glob(".*part"))
    assert len(ik.open_run(run.export(tmp_path / "small.zip", pictures="thumbnails"))) == 4


# ---------------------------------------------------------------- replay


def test_an_experiment_is_its_recorded_run_and_nothing_is_called(tmp_path):
    script = model("lab/one", price=0.04)
    exp = experiment()
    run = exp.run(progress=False)
    said, calls = as_text(run.table()), script.calls
    elsewhere(tmp_path, run.export(tmp_path / "run.zip"))
    again = exp.run()
    assert as_text(again.table()) == said
    assert again.id == run.id
    assert again.stop().resume().retry_failed().wait().id == run.id
    assert (ik.open_run("latest").id, ik.open_run("kites").id, list(ik.runs().index)) == (run.id, run.id, [run.id])
    assert script.calls == calls


def test_single_calls_get_what_they_got_also_the_second_time(tmp_path):
    script = model("lab/one", price=0.04)
    first, second = (ik.generate("a cup", model="lab/one", size=64) for _ in range(2))
    said = [as_text(r.table()) for r in (first, second)]
    bundles = [ik.open_run(r.run_id).export(tmp_path / f"{i}.zip") for i, r in enumerate((first, second))]
    elsewhere(tmp_path, *bundles)
    again = [ik.generate("a cup", model="lab/one", size=64) for _ in range(2)]
    assert [r.status for r in again] == ["ok", "cached"]
    assert [as_text(r.table()) for r in again] == said
    assert [r.picture.bytes for r in again] == [first.picture.bytes] * 2
    assert script.calls == 1


def test_a_recipe_with_several_steps_is_replayed_step_by_step(tmp_path):
    script = model()

    async def storyboard(job, hero):
        portrait = await job.image(f"portrait of {hero}", model="lab/one")
        return [portrait, await job.edit(portrait.picture, f"{hero} at sea", model="lab/one")]

    first = ik.run(storyboard, hero="a knight")
    elsewhere(tmp_path, ik.open_run("latest").export(tmp_path / "run.zip"))
    events = list(ik.stream(storyboard, hero="a knight"))
    again = events[-1].value
    assert [r.picture.sha256 for r in again] == [r.picture.sha256 for r in first]
    assert [type(e).__name__ for e in events] == ["Completed", "Completed", "Finished"]
    assert script.calls == 2


def test_a_parameter_that_is_a_path_is_known_again_on_another_machine(tmp_path, monkeypatch):
    model()

    async def own(job, photo):
        return await job.image(f"a picture of {photo}", model="lab/one")

    homes = [tmp_path / name for name in ("adas-home", "bobs-home")]
    monkeypatch.setenv("HOME", str(homes[0]))
    result = ik.run(own, photo=homes[0] / "me.png")
    run = ik.Experiment(own, vary={"photo": [homes[0] / "me.png"]}, name="own").run(progress=False)
    bundles = [ik.open_run(id).export(tmp_path / f"{id}.zip") for id in (result.run_id, run.id)]
    assert [path for path in bundles if b"adas-home" in b"".join(dict_of(path).values())] == []
    monkeypatch.setenv("HOME", str(homes[1]))
    elsewhere(tmp_path, *bundles)
    assert ik.run(own, photo=homes[1] / "me.png").run_id == result.run_id
    assert ik.Experiment(own, vary={"photo": [homes[1] / "me.png"]}, name="own").run(progress=False).id == run.id


def test_a_folder_of_bundles_is_a_replay_too(tmp_path):
    model()
    result = ik.generate("a cup", model="lab/one")
    run = experiment().run(progress=False)
    ik.open_run(result.run_id).export(tmp_path / "bundles" / "1.zip")
    run.export(tmp_path / "bundles" / "2.zip")
    elsewhere(tmp_path, tmp_path / "bundles")
    assert ik.generate("a cup", model="lab/one").run_id == result.run_id
    assert experiment().run(progress=False).id == run.id
    (tmp_path / "empty").mkdir()
    ik.configure(replay=tmp_path / "empty")
    with pytest.raises(InvalidInput, match="holds no bundle"):
        ik.generate("a cup", model="lab/one")


def test_a_missing_cell_is_named_and_nothing_is_sent(tmp_path):
    script = model()
    run = experiment().run(progress=False)
    elsewhere(tmp_path, run.export(tmp_path / "run.zip"))
    calls = script.calls
    more = experiment(vary={"prompt": ["a red kite", "a green bicycle"], "seed": [1, 2]})
    with pytest.raises(NotInBundle, match=r"run\.zip holds 2 of the 4 cells") as error:
        more.run(progress=False)
    assert "cell 2 (model='lab/one', prompt='a green bicycle', seed=1)" in str(error.value)
    assert "a red kite" not in str(error.value)
    with pytest.raises(NotInBundle, match=r"every cell of .* but of a run with another grid"):
        experiment(vary={"prompt": ["two boats", "a red kite"], "seed": [1, 2]}).run(progress=False)
    with pytest.raises(NotInBundle, match="no call of this: prompt='a cup'"):
        ik.generate("a cup", model="lab/one")
    assert script.calls == calls


@pytest.mark.alone
def test_a_run_that_was_stopped_says_which_cells_are_missing(tmp_path):
    model("lab/one", seconds=0.2)
    run = experiment().start()
    while run.done < 1:
        run._execution.wait(0.02)
    run.stop()
    done = run.done
    assert done < 4
    elsewhere(tmp_path, run.export(tmp_path / "run.zip"))
    with pytest.raises(NotInBundle, match=rf"holds {done} of the 4 cells"):
        experiment().run(progress=False)


def test_a_request_that_the_recipe_did_not_make_then_is_named(tmp_path):
    model()

    async def curious(job, brief):
        return [await job.image(f"{brief} {n}", model="lab/one") for n in range(count)]

    count = 1
    ik.run(curious, brief="a cup")
    elsewhere(tmp_path, ik.open_run("latest").export(tmp_path / "run.zip"))
    count = 2
    with pytest.raises(NotInBundle, match=r"run\.zip holds no answer to ImageRequest\(prompt='a cup 1'"):
        ik.run(curious, brief="a cup")


def test_a_stored_run_is_not_gone_on_with_while_a_replay_is_on(tmp_path):
    script = model()
    run = experiment().run(progress=False)
    bundle = run.export(tmp_path / "run.zip")
    experiment(name="other").start().stop()
    calls = script.calls
    ik.configure(replay=bundle)
    with pytest.raises(InvalidInput, match="replay is on, so nothing is sent"):
        ik.open_run("other").resume()
    assert script.calls == calls


def test_a_bundle_shared_without_prompts_answers_nothing(tmp_path):
    model()
    run = experiment().run(progress=False)
    ik.configure(replay=run.export(tmp_path / "shared.zip", share=True))
    with pytest.raises(InvalidInput, match=r"shared\.zip.*without its prompts"):
        experiment().run(progress=False)


def test_models_that_are_not_here_need_not_be(tmp_path):
    """No key, no plugin, no cell that registers: what a bundle holds is there."""
    model("guest/painter")
    exp = dict(vary={"prompt": ["a cup"], "mood": ["calm"]}, fixed={"model": "guest/painter"}, name="guest")
    said = as_text(ik.Experiment(**exp).run(progress=False).table())
    bundle = ik.open_run("guest").export(tmp_path / "run.zip")
    from imagegen_kit.registry import reset_registry

    reset_registry()
    elsewhere(tmp_path, bundle)
    with pytest.raises(InvalidInput, match="no model is called 'other/painter'"):
        ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "other/painter"})
    assert as_text(ik.Experiment(**exp).run(progress=False).table()) == said


NOTEBOOK = """
import sys
import imagegen_kit as ik

if "simulated" in sys.argv:
    clouds = ik.testing.simulated_clouds(look="plain", only=["gemini", "openai"])
    clouds.start()
exp = ik.Experiment(
    vary={"prompt": ["a red kite", "two boats"], "model": ["nano-banana", "openai/gpt-image-2.5-flare"]},
    fixed={"seed": 7, "aspect_ratio": "3:2"},
    name="clouds",
    budget_usd=1.0,
)
run = exp.run(progress=False)
one = ik.generate("a lighthouse", model="nano-banana")
for table in (run.table(), run.summary(), run.costs(), run.fairness(), one.table()):
    print(table.drop(columns="path", errors="ignore").to_csv())
if "simulated" in sys.argv:
    run.export("bundles/run.zip")
    ik.open_run(one.run_id).export("bundles/one.zip")
    clouds.stop()
else:
    assert not [m for m in sys.modules if m in ("openai", "google.genai")], "a provider was loaded"
    assert ik.usage().empty
"""


def test_a_whole_notebook_runs_again_without_keys_services_or_network(tmp_path):
    """Its tables are the same bytes, no SDK is even imported, and a socket that is opened would be an error."""
    (tmp_path / "notebook.py").write_text(NOTEBOOK)
    (tmp_path / "cut_off.py").write_text(
        textwrap.dedent("""
        import runpy, socket

        def refuse(*args, **kwargs):
            raise SystemExit("something wanted to connect")

        socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
        runpy.run_path("notebook.py", run_name="__main__")
        """)
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    first = run_python(tmp_path, environment, "notebook.py", "simulated")
    replayed = {**environment, "IMAGEGEN_REPLAY": str(tmp_path / "bundles"), "IMAGEGEN_STORE": str(tmp_path / "other")}
    assert run_python(tmp_path, replayed, "cut_off.py") == first
    assert "a lighthouse" in first
    store = Store(tmp_path / "other")
    assert store.journal.read("SELECT COUNT(*) FROM attempts") == [(0,)]
    store.close()


def run_python(folder, environment, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

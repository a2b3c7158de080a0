"""``avatars``: one persona, one selfie, four or eight clean pictures; what is paid for is not lost or bought twice."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import ContentBlocked, InvalidInput, ProviderError, RequestTimeout, StoreError
from imagegen_kit.store.remote import Remote
from imagegen_kit.testing.simulators import GeminiSimulator, OpenAISimulator
from imagegen_kit.types import Completed
from tests.engine.models import hang, model, rows
from tests.grids import draw
from tests.recipes_steps import as_asked, png
from tests.store.object_servers import make_bucket, moto, proxy_before
from tests.store.sending import URL, set_keys

pytestmark = pytest.mark.usefixtures("own_registry")

MIRA = {"firstname": "Mira", "lastname": "Holm", "gender": "woman", "facebook": "Architect, two cats.", "id": "mira"}
GIVEN = {"persona": MIRA}
ROOT = Path(__file__).resolve().parents[2]


def make(**params):
    policy = params.pop("policy", ik.Policy(attempts=1))
    return ik.run(ik.recipes.avatars, **{**GIVEN, "model": "lab/one", **params}, policy=policy)


def lab(*steps, **more):
    return model("lab/one", *(steps or [as_asked] * 9), **more)


def test_offline_four_clean_pictures_come_of_one_selfie():
    made = ik.run(ik.recipes.avatars, **GIVEN, size=320)
    assert repr(made) == "Avatars(4 of 4 pictures)"
    assert made.failures == ()
    assert made.urls == ()
    sizes = {(p.width, p.height) for p in made.pictures}
    assert max(max(s) for s in sizes) - min(min(s) for s in sizes) <= 3
    assert len({p.sha256 for p in made.pictures}) == 4


@pytest.mark.parametrize("gender", ["non-binary", "Frau", "w"])
def test_offline_a_gender_in_a_word_it_does_not_know_is_a_person_all_the_same(gender):
    made = ik.run(ik.recipes.avatars, persona={**MIRA, "gender": gender}, size=320)
    assert (len(made), made.failures) == (4, ())


def test_offline_the_cells_of_a_pencilled_grid_can_be_told_from_its_gutters():
    made = ik.run(ik.recipes.avatars, **GIVEN, model="offline/pencil", size=320)
    assert len(made) == 4
    assert min(p.image.convert("L").getpixel((0, 0)) for p in made.pictures) > 235  # paper, and nothing of a gutter


def test_eight_come_of_two_grids_of_the_same_selfie():
    script = lab()
    made = make(n=8)
    assert len(made) == 8
    assert script.calls == 3
    bases = {r.references[0].picture.sha256 for r in script.requests if r.references}
    assert bases == {made.base.picture.sha256}
    assert len({r.prompt for r in script.requests}) == 3


def test_each_avatar_names_its_grid_as_its_parent():
    lab()
    made = make(n=8)
    parents = [p.request["parents"] for p in made.pictures]
    assert parents == [[g.sha256] for g in made.grids.pictures for _ in range(4)]


def test_the_table_has_a_row_for_every_picture():
    lab(price=0.03)
    run = ik.Experiment(ik.recipes.avatars, vary={"model": ["lab/one"]}, fixed=GIVEN).run(progress=False)
    table = run.table()
    assert table.variant.tolist() == ["base", "grid", *(f"avatar {k}" for k in (1, 2, 3, 4))]
    assert table.cost_usd.tolist() == [0.03, 0.03, 0, 0, 0, 0]
    assert table.status.unique().tolist() == ["ok"]


def test_it_is_an_axis_over_personas_and_models():
    lab()
    two = [MIRA, ik.recipes.Persona("Jon", "Vik", "man")]
    run = ik.Experiment(ik.recipes.avatars, vary={"persona": two, "model": ["lab/one"]}).run(progress=False)
    assert run.table().groupby("cell").size().tolist() == [6, 6]


def test_a_plan_says_how_many_pictures_are_bought():
    script = lab(price=0.03)
    plan = ik.Experiment(ik.recipes.avatars, vary={"n": [4, 8]}, fixed={**GIVEN, "model": "lab/one"}).plan()
    assert plan.pictures.tolist() == [2, 3]
    assert plan.estimated_usd.tolist() == pytest.approx([0.06, 0.09])
    assert not plan.lower_bound.any()
    assert script.calls == 0


def test_avatars_are_streamed():
    lab()
    events = list(ik.stream(ik.recipes.avatars, **GIVEN, model="lab/one"))
    variants = [e.result.request.labels["variant"] for e in events if isinstance(e, Completed)]
    assert variants == ["base", "grid", "avatar 1", "avatar 2", "avatar 3", "avatar 4"]


def test_it_shows_itself():
    lab()
    html = make()._repr_html_()
    assert html.count("<img") == 6
    assert "mira: 4 of 4 pictures" in html


def test_the_seconds_of_each_stage_are_told(tmp_path):
    lab(seconds=0.05)
    ik.configure(remote=f"file://{tmp_path}/objects")
    timings = make().timings
    assert list(timings) == ["prompt", "base", "grid", "split", "upload"]
    assert timings["prompt"] == 0
    assert min(timings[name] for name in ("base", "grid", "split", "upload")) > 0
    again = make().timings
    assert (again["base"], again["grid"]) == (0, 0)


def test_avatars_are_saved_as_a_folder_and_a_full_one_is_refused(tmp_path):
    lab()
    made = make()
    folder = made.save(tmp_path / "mira")
    told = json.loads((folder / "metadata.json").read_text())
    assert [row["file"] for row in told["avatars"]] == ["1.png", "2.png", "3.png", "4.png"]
    assert [ik.Picture.open(folder / row["file"]).width for row in told["avatars"]] == [p.width for p in made.pictures]
    with pytest.raises(InvalidInput, match="is not empty"):
        made.save(folder)
    with pytest.raises(InvalidInput, match="is not a path"):
        made.save("")


# ---- what is wrong beforehand


def test_every_fault_is_told_before_anything_is_sent():
    script = model("lab/one", can=Capabilities())
    with pytest.raises(InvalidInput) as caught:
        make(n=6, persona={"firstname": "Mira", "x": 3}, writer="lab/one")
    assert sorted(f.where for f in caught.value.faults) == [
        "model", "n", "persona.gender", "persona.lastname", "persona.x", "writer",
    ]  # fmt: skip
    assert script.calls == 0


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (
            {"persona": {"firstname": "M"}, "n": 5, "writer": "q", "model": "z", "upload": True},
            ["model", "n", "persona.gender", "persona.lastname", "upload", "writer"],
        ),
        ({"persona": {}, "size": "h"}, ["persona.firstname", "persona.gender", "persona.lastname", "size"]),
        ({"upload": "yes"}, ["upload"]),
    ],
    ids=["names that are unknown", "a size", "no yes or no"],
)
def test_faults_of_any_argument_are_told_beside_those_of_the_persona(given, wrong):
    lab()
    with pytest.raises(InvalidInput) as caught:
        make(**given)
    assert sorted(f.where for f in caught.value.faults) == wrong


# ---- failures on the way


@pytest.mark.parametrize(
    ("failure", "timeout"),
    [
        (ContentBlocked("no", paid=False), None), (ProviderError("broken", paid=False, retryable=False), None),
        (hang, 0.2),
    ],
    ids=["refused", "failed", "timeout"],
)  # fmt: skip
@pytest.mark.parametrize("at", [0, 1], ids=["selfie", "grid"])
def test_refusal_timeout_and_failure_are_told_apart(failure, timeout, at):
    lab(*[as_asked] * at, failure)
    wanted = RequestTimeout if failure is hang else type(failure)
    with pytest.raises(ProviderError) as caught:
        make(policy=ik.Policy(attempts=1, timeout_s=timeout))
    assert type(caught.value) is wanted


def test_a_failed_grid_of_two_is_a_value_beside_the_other():
    lab(as_asked, as_asked, ContentBlocked("no cats", paid=False))
    made = make(n=8, policy=ik.Policy(attempts=1, concurrency=1))
    assert len(made) == 4
    assert len(made.failures) == 1
    assert "no cats" in made.failures[0]
    assert repr(made) == "Avatars(4 of 4 pictures, 1 failures)"


def test_a_grid_that_is_none_is_kept_and_told():
    plain = png(draw(size=(256, 256), rows=1, cols=1, kinds=["gradient"], seed=5).image)
    lab(as_asked, plain)
    made = make()
    assert made.pictures == ()
    assert made.grids.picture.bytes == plain
    assert len(made.failures) == 1
    assert "no grid of 2 × 2 pictures" in made.failures[0]
    assert ik.open_run("latest").table().status.tolist() == ["ok", "ok", *["failed"] * 4]


def test_bought_once_however_often_it_is_called():
    script = lab(price=0.03)
    first, second = make(), make()
    assert [p.sha256 for p in first.pictures] == [p.sha256 for p in second.pictures]
    assert script.calls == 2


# ---- over real HTTP


@pytest.fixture
def openai(monkeypatch):
    with OpenAISimulator(look="drawn") as simulator:
        monkeypatch.setenv("OPENAI_API_KEY", simulator.key)
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.base_url)
        yield simulator


@pytest.mark.parametrize("n", [4, pytest.param(8, marks=pytest.mark.soak)])
def test_end_to_end_against_openai(openai, n):
    made = ik.run(ik.recipes.avatars, **GIVEN, n=n, model="gpt-image-2.5-flare", size=832, quality="low")
    assert repr(made) == f"Avatars({n} of {n} pictures)"
    assert len({p.sha256 for p in made.pictures}) == n
    edits = [r for r in openai.ledger.submits if r.path == "/v1/images/edits"]
    assert [r.path for r in openai.ledger.submits if r not in edits] == ["/v1/images/generations"]
    selfie = made.base.picture.bytes
    assert [selfie in r.body for r in edits] == [True] * (n // 4)


@pytest.fixture
def gemini(monkeypatch):
    with GeminiSimulator(look="drawn") as simulator:
        monkeypatch.setenv("GEMINI_API_KEY", simulator.key)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", simulator.base_url)
        yield simulator


def test_a_gemini_model_writes_the_prompt(gemini):
    made = ik.run(ik.recipes.avatars, **GIVEN, writer="gemini-3.8-flash", size=256)
    (asked,) = gemini.ledger.submits
    said = json.dumps(asked.json)
    assert "Architect, two cats." in said
    assert "You write prompts for a model that edits pictures." in said
    assert rows("SELECT kind FROM requests ORDER BY step LIMIT 2") == [("image",), ("text",)]
    assert "For mood, not to be drawn" not in made.prompts[0]
    assert "2 × 2 grid" in made.prompts[0]
    assert len(made) == 4
    assert made.timings["prompt"] > 0


def test_a_language_model_writes_the_prompt(openai):
    made = ik.run(ik.recipes.avatars, **GIVEN, writer="gpt-6-luna", size=256)
    asked = next(r.json for r in openai.ledger.submits if r.path == "/v1/responses")
    said = json.dumps(asked)
    assert "Architect, two cats." in said
    assert "You write prompts for a model that edits pictures." in said
    assert rows("SELECT kind FROM requests ORDER BY step LIMIT 2") == [("image",), ("text",)]
    assert "2 × 2 grid" in made.prompts[0]
    assert "For mood, not to be drawn" not in made.prompts[0]


@pytest.mark.parametrize(
    ("mode", "error"), [("blocked_before", ContentBlocked), ("error_500", ProviderError)]
)  # fmt: skip
def test_failures_of_openai_come_through_typed(openai, mode, error):
    openai.play(mode)
    with pytest.raises(error):
        ik.run(ik.recipes.avatars, **GIVEN, model="gpt-image-2.5-flare", policy=ik.Policy(attempts=1))


@pytest.fixture(scope="module")
def s3():
    server = moto().start()
    make_bucket(server)
    yield server
    server.kill()


def test_urls_lie_in_order_below_the_personas_prefix(s3, monkeypatch):
    lab()
    set_keys(monkeypatch, s3.endpoint)
    ik.configure(remote=URL)
    made = make(n=8)
    assert [re.search(r"avatars/mira/img/\d\.png", url)[0] for url in made.urls] == [
        f"avatars/mira/img/{k}.png" for k in range(1, 9)
    ]
    assert [Remote(URL).get(f"avatars/mira/img/{k}.png") for k in range(1, 9)] == [p.bytes for p in made.pictures]
    close_default_engine()


def test_without_upload_there_are_no_urls(tmp_path):
    lab()
    ik.configure(remote=f"file://{tmp_path}/objects")
    assert make(upload=False).urls == ()
    assert not (tmp_path / "objects" / "avatars").exists()


@pytest.mark.parametrize("seconds", [0.3, pytest.param(10.0, marks=pytest.mark.soak)])
def test_a_storage_that_is_down_for_a_while_is_waited_for(s3, monkeypatch, seconds):
    script = lab(price=0.03)
    who = {**MIRA, "id": f"waits-{seconds:g}"}
    with proxy_before(s3) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        ik.configure(remote=URL)
        up_at: list[float] = []

        def fault(method, path):
            if method != "PUT" or "avatars" not in path:
                return None
            up_at.append(time.monotonic() + seconds)  # the outage begins with the first upload
            return 503 if time.monotonic() < up_at[0] else None

        proxy.fault = fault
        made = make(persona=who, policy=ik.Policy(attempts=20))
        assert time.monotonic() >= up_at[0]
        assert len(made.urls) == 4
        assert len(proxy.sent("PUT", f"avatars/{who['id']}")) > 4
        assert [Remote(URL).get(f"avatars/{who['id']}/img/{k}.png") for k in (1, 2, 3, 4)] == [
            p.bytes for p in made.pictures
        ]
        assert script.calls == 2
        close_default_engine()


def test_a_storage_that_stays_down_loses_nothing(s3, monkeypatch):
    script, who = lab(price=0.03), {**MIRA, "id": "stays"}
    with proxy_before(s3) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        ik.configure(remote=URL)
        proxy.fault = lambda method, path: 503 if method == "PUT" and "avatars" in path else None
        with pytest.raises(StoreError, match="The pictures are safe in the store"):
            make(persona=who)
        proxy.fault = lambda method, path: None
        made = make(persona=who)
        assert len(made.urls) == 4
        assert script.calls == 2
        close_default_engine()


def test_a_persona_that_is_written_down_is_read_back_for_a_resume():
    lab()
    ik.Experiment(ik.recipes.avatars, vary={"persona": [ik.recipes.Persona(**MIRA)]}, fixed={"model": "lab/one"}).run(
        progress=False
    )
    (stored,) = rows("SELECT value FROM cell_params WHERE name = 'persona'")[0]
    assert json.loads(stored) == MIRA
    assert default_engine().store.journal is not None

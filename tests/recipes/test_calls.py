"""``call_scene``: the picture of a call, under the name that a film of it finds; a default one is never mistaken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.engine.session import close_default_engine
from imagegen_kit.errors import ContentBlocked, InvalidInput, ProviderError, StoreError
from imagegen_kit.recipes.call_picture import LOOKS
from imagegen_kit.store.remote import Remote
from imagegen_kit.testing.simulators import JobApiSimulator
from tests.engine.models import model, rows, until
from tests.recipes_steps import gradient
from tests.store.object_servers import make_bucket, moto, opened, proxy_before
from tests.store.sending import URL, set_keys

pytestmark = pytest.mark.usefixtures("own_registry")

ROOT = Path(__file__).resolve().parents[2]
CALL = {"caller_name": "Ada", "caller_setting": "a library", "callee_name": "Ben", "callee_description": "an old man"}
POLICY = ik.recipes.call_scene.policy.with_(attempts=1, clock="simulated")


def make(**params):
    return ik.run(ik.recipes.call_scene, **{"policy": POLICY, "model": "lab/one", **params})


def lab(*steps, **more):
    return model("lab/one", *(steps or [gradient] * 9), **more)


@pytest.fixture
def place(tmp_path):
    url = f"file://{tmp_path}/objects"
    ik.configure(remote=url)
    return Remote(url)


def images(place):
    """The objects of calls, without the copies that the store keeps of every picture."""
    return sorted(name for name in place.list() if name.startswith("images/"))


# ---- what is asked


def test_offline_the_picture_is_a_split_screen():
    scene = ik.run(ik.recipes.call_scene, **CALL)
    assert repr(scene) == "CallScene(a picture)"
    assert (scene.picture.width, scene.picture.height) == (512, 512)
    column = scene.picture.image.convert("L").crop((254, 20, 258, 300))
    assert max(column.resize((4, 1), Image.Resampling.BOX).get_flattened_data()) > 240  # the bar between the halves
    assert (scene.url, scene.job_id, scene.error) == (None, None, None)


def test_a_side_of_which_something_is_known_enriches_that_side_alone():
    script = lab()
    make()
    make(callee_name="Ben", callee_description="an old man", callee_setting="a kitchen", callee_context="just woke up")
    basic, told = (request.prompt for request in script.requests)
    assert "split vertically in the middle" in basic
    assert told == f"{basic} On the right: Ben, an old man, in a kitchen, just woke up."


@pytest.mark.parametrize("look", [*LOOKS, "as in a spy film of the sixties"])
def test_a_look_is_a_variant_or_words_of_ones_own(look):
    script = lab()
    make(look=look)
    assert LOOKS.get(look, look) in script.requests[0].prompt


def test_negative_prompt_size_and_seed_have_defaults():
    script = lab()
    make()
    (asked,) = script.requests
    assert asked.negative_prompt == "blurry, low quality, distorted"
    assert str(asked.size) == "512x512"
    assert asked.seed is None


def test_profile_pictures_are_sent_as_references_that_say_whose_they_are():
    script = lab()
    make(**CALL, caller_picture=Image.new("RGB", (9, 9), "red"), callee_picture=Image.new("RGB", (9, 9), "blue"))
    seen = [(r.name, r.role, r.description) for r in script.requests[0].references]
    assert seen == [
        ("Ada", "character", "the caller, on the left"),
        ("Ben", "character", "the person called, on the right"),
    ]


def test_a_model_that_takes_no_pictures_is_not_asked_without_them():
    script = model("lab/one", can=Capabilities())
    with pytest.raises(InvalidInput, match="references"):
        make(caller_picture=Image.new("RGB", (9, 9)), policy=POLICY.with_(placeholder=False))
    assert script.calls == 0


def test_every_fault_is_told_before_anything_is_sent(tmp_path):
    script = lab()
    (tmp_path / "notes.jpg").write_text("no picture")
    with pytest.raises(InvalidInput) as caught:
        make(
            caller_name=7, look="", caller_picture="missing.png", own_picture=tmp_path / "notes.jpg", call_id="../up",
            reuse="always", size="huge", modle="x",
        )  # fmt: skip
    assert {f.where for f in caught.value.faults} == {
        "caller_name", "look", "caller_picture", "own_picture", "call_id", "reuse", "size", "modle",
    }  # fmt: skip
    assert script.calls == 0
    assert rows("SELECT COUNT(*) FROM runs") == [(0,)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"reuse": "call"}, 'reuse="call" keeps a picture for each call'),
        ({"reuse": "template", "caller_name": "Ada"}, "a template shows nobody in particular, and caller_name is"),
        ({"reuse": "template", "look": "like a spy film"}, "professional"),
        ({"expires_s": 60}, "there is no object storage"),
        ({"upload": True}, "there is no object storage"),
        ({"caller_name": "A" * 30_000}, "30,000 characters"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_bought(given, words):
    script = lab()
    with pytest.raises(InvalidInput, match=words):
        make(**given)
    assert script.calls == 0


def test_a_storage_that_gives_no_links_refuses_before_anything_is_bought(place):
    script = lab()
    with pytest.raises(InvalidInput, match="cannot sign links"):
        make(expires_s=60)
    assert script.calls == 0


# ---- reuse


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"reuse": "call", "call_id": "c-17", **CALL}, "images/c-17.jpg"),
        ({"reuse": "template", "look": "festive"}, "images/templates/split-screen-festive.jpg"),
    ],
    ids=["call", "template"],
)
def test_a_call_and_a_template_are_found_by_their_names(place, given, name):
    lab()
    scene = make(**given)
    assert (scene.object, scene.url) == (name, place.url(name))
    assert images(place) == [name]
    assert Image.open(BytesIO(place.get(name))).format == "JPEG"


def test_the_hybrid_name_begins_the_key_of_the_request(place):
    script = lab(price=0.03)
    first, again = make(**CALL), make(**CALL, call_id="another-call")
    assert first.object == f"images/cache/{first.result.key[:16]}.jpg"
    assert again.object == first.object
    assert images(place) == [first.object]
    assert script.calls == 1
    assert (again.result.status, again.result.cost.usd) == ("cached", 0)


def test_another_model_size_or_word_never_has_the_old_picture(place):
    lab()
    model("pen/two", gradient)
    found = {make(**CALL, **other).object for other in ({}, {"model": "pen/two"}, {"size": 640}, {"look": "casual"})}
    assert len(found) == 4
    assert images(place) == sorted(found)


def test_a_call_that_is_drawn_anew_replaces_its_object(place):
    lab()
    make(reuse="call", call_id="c-17")
    old = place.get("images/c-17.jpg")
    make(reuse="call", call_id="c-17", callee_name="Ben")
    assert images(place) == ["images/c-17.jpg"]
    assert place.get("images/c-17.jpg") != old


def test_without_upload_nothing_is_copied_below_images(place):
    lab()
    assert make(upload=False).url is None
    assert images(place) == []


def test_a_run_is_saved_under_the_same_names(tmp_path):
    lab()
    exp = ik.Experiment(ik.recipes.call_scene, vary={"callee_name": ["Ben", "Cy"]}, fixed={"model": "lab/one"})
    run = exp.run(progress=False)
    saved = run.save(tmp_path / "out", layout="calls")
    keys = [f"images/cache/{result.key[:16]}.jpg" for result in run]
    assert sorted(str(p.relative_to(saved)) for p in saved.rglob("*.jpg")) == sorted(keys)


# ---- one's own picture


def test_ones_own_picture_is_taken_and_nothing_is_asked_for(place, tmp_path):
    script = lab()
    Image.linear_gradient("L").save(tmp_path / "mine.png")
    scene = make(own_picture=tmp_path / "mine.png", reuse="call", call_id="c-17")
    assert script.calls == 0
    assert (scene.prompt, scene.is_default, scene.result.cost.usd) == (None, False, 0)
    assert Image.open(BytesIO(place.get("images/c-17.jpg"))).size == (256, 256)
    assert make(own_picture=tmp_path / "mine.png").object == make(own_picture=tmp_path / "mine.png").object


# ---- failures


def test_a_refusal_gives_a_default_picture_that_is_marked_and_never_cached(place):
    script = lab(ContentBlocked("no calls today", paid=False), price=0.03)
    failed = make(**CALL)
    assert failed.is_default
    assert "no calls today" in failed.error
    assert repr(failed) == f"CallScene(the default picture: {failed.error})"
    assert failed.object == f"images/default/split-screen-{failed.picture.sha256[:16]}.jpg"
    assert failed.result.cost.usd == 0
    script.steps += [gradient]
    better = make(**CALL)
    assert not better.is_default
    assert script.calls == 2
    assert better.object == f"images/cache/{better.result.key[:16]}.jpg"
    assert images(place) == sorted([failed.object, better.object])


@pytest.mark.parametrize(
    "given", [{"reuse": "call", "call_id": "c-17"}, {"reuse": "template"}], ids=["call", "template"]
)
def test_a_default_picture_never_takes_the_place_of_a_real_one(place, given):
    lab(ProviderError("broken", paid=False, retryable=False))
    make(**given)
    assert all(name.startswith("images/default/") for name in images(place))


def test_a_default_picture_of_ones_own(place, tmp_path):
    lab(ProviderError("broken", paid=False, retryable=False))
    Image.linear_gradient("L").save(tmp_path / "sorry.png")
    scene = make(policy=POLICY.with_(placeholder=tmp_path / "sorry.png"))
    assert scene.is_default
    assert scene.picture.bytes == (tmp_path / "sorry.png").read_bytes()


def test_a_blank_picture_is_paid_for_and_not_handed_on(place):
    lab(lambda script, request, on_progress: _blank(), price=0.03)
    scene = make(**CALL)
    assert scene.is_default
    assert "not_blank" in scene.error
    assert scene.result.cost.usd == 0.03
    assert all(name.startswith("images/default/") for name in images(place))


async def _blank():
    from imagegen_kit.types import Reply

    file = BytesIO()
    Image.new("RGB", (512, 512), "white").save(file, "PNG")
    return Reply(pictures=(file.getvalue(),))


def test_without_a_default_picture_the_failure_is_raised(place):
    lab(ContentBlocked("no calls today", paid=False))
    with pytest.raises(ContentBlocked, match="no calls today"):
        make(policy=POLICY.with_(placeholder=False))
    assert images(place) == []


# ---- handed on to a film


def test_a_film_gets_voices_call_picture_and_seconds(place):
    lab()
    scene = make(**CALL, call_id="c-17")
    assert scene.for_film("a.mp3", "b.mp3", 12.5) == {
        "caller_audio": "a.mp3", "callee_audio": "b.mp3", "call_id": "c-17", "image_url": scene.url,
        "audio_duration": 12.5,
    }  # fmt: skip


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "12"])
def test_a_film_without_id_address_or_length_is_refused_at_once(seconds):
    lab()
    with pytest.raises(InvalidInput) as caught:
        make().for_film("a.mp3", "b.mp3", seconds)
    assert [f.where for f in caught.value.faults] == ["call_id", "url", "audio_duration"]


# ---- as a part of the toolkit


def test_it_is_an_axis_and_a_plan_knows_its_price():
    script = lab(price=0.03)
    exp = ik.Experiment(ik.recipes.call_scene, vary={"look": list(LOOKS)}, fixed={**CALL, "model": "lab/one"})
    plan = exp.plan()
    assert plan.estimated_usd.tolist() == [0.03] * 4
    assert not plan.lower_bound.any()
    assert script.calls == 0
    table = exp.run(progress=False).table()
    assert table.look.tolist() == list(LOOKS)
    assert table.status.tolist() == ["ok"] * 4


def test_a_call_is_written_down_with_its_profile_pictures_and_read_back(tmp_path):
    lab()
    Image.linear_gradient("L").save(tmp_path / "ada.png")
    exp = ik.Experiment(
        ik.recipes.call_scene,
        vary={"caller_picture": [str(tmp_path / "ada.png")]},
        fixed={"model": "lab/one"},
        name="faces",
    )
    exp.run(progress=False)
    again = exp.run(progress=False)
    assert again.table().status.tolist() == ["ok"]
    assert len(again[0].request.references) == 1


def calls():
    """Two calls of one picture, which is bought once and lies under two names."""
    policy = ik.recipes.call_scene.policy.with_(attempts=20)
    fixed = {"model": "lab/one", "reuse": "call"}
    return ik.Experiment(ik.recipes.call_scene, vary={"call_id": ["a", "b"]}, fixed=fixed, policy=policy, name="calls")


CHILD = """
import sys
import imagegen_kit as ik
from tests.recipes.test_calls import calls, lab
lab(price=0.03)
ik.configure(remote=sys.argv[1])
calls().run(progress=False)
"""


def test_killed_while_it_uploads_nothing_is_bought_twice(s3, monkeypatch, tmp_path):
    with proxy_before(s3) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        proxy.fault = lambda method, path: 503 if method == "PUT" else None
        command = [sys.executable, "-c", CHILD, f"{URL}/killed"]
        first = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
        until(lambda: first.poll() is not None or len(proxy.sent("PUT", "/killed/images/")) >= 2)
        first.send_signal(signal.SIGKILL)
        first.wait()
        proxy.fault = lambda method, path: None
        script = lab(price=0.03)
        ik.configure(remote=f"{URL}/killed")
        assert sorted(calls().run(progress=False).table().status) == ["cached", "ok"]
        assert script.calls == 0  # the first process had bought it
        names = [name for name in Remote(f"{URL}/killed").list() if name.startswith("images/")]
        assert sorted(names) == ["images/a.jpg", "images/b.jpg"]
        close_default_engine()


# ---- over real HTTP: the job service, and the object storage


@pytest.fixture
def banana(monkeypatch):
    with JobApiSimulator("banana", look="drawn") as simulator:
        monkeypatch.setenv("BANANA_API_KEY", simulator.key)
        monkeypatch.setenv("BANANA_API_URL", simulator.base_url)
        monkeypatch.setenv("BANANA_MODEL_ID", "our/split-screen")
        yield simulator


@pytest.fixture(scope="module")
def s3():
    server = moto().start()
    make_bucket(server)
    yield server
    server.kill()


@pytest.fixture
def bucket(s3, monkeypatch):
    set_keys(monkeypatch, s3.endpoint)
    ik.configure(remote=URL)
    yield Remote(URL)
    close_default_engine()


def call(**params):
    return make(**{"model": "banana/default", "size": 128, **CALL, **params})


def test_end_to_end_from_the_job_service_to_a_link_that_opens(banana, bucket):
    scene = call(call_id="c-17", expires_s=600, size=(512, 512))
    (asked,) = banana.ledger.submits
    assert asked.path == "/v1/our/split-screen"
    assert asked.json == {
        "prompt": scene.prompt, "negative_prompt": "blurry, low quality, distorted", "width": 512, "height": 512,
        "seed": -1,
    }  # fmt: skip
    assert list(banana.jobs) == [scene.job_id]
    polled = [r.path for r in banana.ledger.requests if r.method == "GET"]
    assert polled[:3] == [f"/predictions/{scene.job_id}/result"] * 3
    assert opened(scene.url) == 200
    with urllib.request.urlopen(scene.url) as link:
        shown = Image.open(BytesIO(link.read()))
    assert (shown.format, shown.size) == ("JPEG", (512, 512))
    assert scene.for_film("a", "b", 9)["image_url"] == scene.url
    assert banana.leaks == []


def test_the_same_context_again_is_no_call_and_no_upload(banana, bucket):
    first = call()
    sent = len(bucket.list())
    again = call()
    assert len(banana.ledger.submits) == 1
    assert (again.object, again.url, again.job_id) == (first.object, first.url, None)
    assert len(bucket.list()) == sent


def test_a_given_seed_is_sent(banana, bucket):
    call(seed=41)
    assert banana.ledger.submits[0].json["seed"] == 41


@pytest.mark.parametrize(
    "mode", ["job_failed", "error_500", "unavailable", "quota", "no_picture", "wrong_content_type", "truncated"]
)
def test_what_fails_at_the_service_gives_a_default_picture_and_is_asked_for_again(banana, bucket, mode):
    banana.play(mode)
    failed = call(callee_name=mode)
    assert failed.is_default
    assert failed.object.startswith("images/default/")
    better = call(callee_name=mode)
    assert not better.is_default
    assert len(banana.ledger.submits) == 2


def test_a_job_that_never_ends_gives_a_default_picture(banana, bucket):
    banana.play("never_ends")
    scene = call(policy=POLICY.with_(timeout_s=0.3, clock="system"))
    assert scene.is_default
    assert "0.3 s" in scene.error


def test_a_wrong_key_gives_a_default_picture_that_says_where_the_key_stands(banana, monkeypatch):
    monkeypatch.setenv("BANANA_API_KEY", "wrong")
    scene = call()
    assert scene.is_default
    assert "BANANA_API_KEY" in scene.error


def test_a_storage_that_is_down_for_a_while_is_waited_for(banana, s3, monkeypatch):
    with proxy_before(s3) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        ik.configure(remote=URL)
        proxy.fault = lambda method, path: (
            503 if method == "PUT" and len(proxy.sent("PUT", "images/cache")) < 4 else None
        )
        scene = call(callee_name="waits", expires_s=60, policy=POLICY.with_(attempts=8))
        assert len(proxy.sent("PUT", scene.object)) > 1
        assert opened(scene.url) == 200
        close_default_engine()


def test_a_storage_that_stays_down_loses_nothing(banana, s3, monkeypatch):
    with proxy_before(s3) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        ik.configure(remote=URL)
        proxy.fault = lambda method, path: 503 if method == "PUT" else None
        with pytest.raises(StoreError, match="The pictures are safe in the store"):
            call(callee_name="stays")
        proxy.fault = lambda method, path: None
        assert opened(call(callee_name="stays", expires_s=60).url) == 200
        assert len(banana.ledger.submits) == 1
        close_default_engine()

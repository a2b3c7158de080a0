"""``scene_batch``: a script becomes one picture a scene; what fails is marked, told, and leaves the others alone."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import ContentBlocked, InvalidInput, ProviderError
from imagegen_kit.recipes.scene_list import Scene, read_scenes
from imagegen_kit.store.clean import clean
from imagegen_kit.testing.simulators import JobApiSimulator
from imagegen_kit.types import Completed
from tests.engine.models import Watch, model, rows
from tests.recipes_steps import gradient, png

pytestmark = pytest.mark.usefixtures("own_registry")

ROOT = Path(__file__).resolve().parents[2]
POLICY = ik.recipes.scene_batch.policy
SMALL = POLICY.with_(attempts=1, checks=["not_blank", "size"], clock="simulated")
SCRIPT = [
    {"scene_number": 1, "image_create_prompt": "a lighthouse in the fog", "image_style": "CINEMATIC"},
    {"scene_number": 2, "image_create_prompt": "the keeper at his desk", "image_style": "SINGLE_CHARACTER"},
    {"scene_number": 3, "image_create_prompt": "how a lamp turns", "image_style": "INFOGRAPHIC"},
    {"scene_number": 4, "image_create_prompt": "a gull steals the bread", "image_style": "COMIC_PANEL"},
    {"scene_number": 5, "image_create_prompt": "the keeper laughs"},
]


def make(scenes=SCRIPT, **params):
    given = {"policy": SMALL, "model": "lab/one", "size": (320, 180), **params}
    return ik.run(ik.recipes.scene_batch, scenes=scenes, **given)


def lab(*steps, **more):
    return model("lab/one", *(steps or [gradient] * 9), **more)


def faults(scenes, **params):
    with pytest.raises(InvalidInput) as caught:
        make(scenes, **params)
    return [f"{f.where}: {f.what}" for f in caught.value.faults]


# ---- reading scripts


def written(tmp_path, kind):
    if kind == "list":
        return SCRIPT
    if kind == "scenes":
        return read_scenes(SCRIPT)
    if kind == "frame":
        return pd.DataFrame(SCRIPT)
    path = tmp_path / f"script.{kind}"
    if kind == "csv":
        pd.DataFrame(SCRIPT).to_csv(path, index=False)
    else:
        path.write_text(json.dumps({"scenes": SCRIPT}))
    return path


@pytest.mark.parametrize("kind", ["list", "scenes", "frame", "csv", "json"])
def test_a_script_reads_the_same_however_it_is_given(tmp_path, kind):
    styles = ["cinematic", "single-character", "infographic", "comic-panel", "high-quality"]
    assert read_scenes(written(tmp_path, kind)) == [
        Scene(row["scene_number"], row["image_create_prompt"], style) for row, style in zip(SCRIPT, styles, strict=True)
    ]


def test_numbers_are_counted_where_none_is_given_and_styles_may_be_named_as_they_are():
    rows = [{"image_create_prompt": "a"}, {"image_create_prompt": "b", "image_style": "film-noir"}]
    assert read_scenes(rows) == [Scene(1, "a", "high-quality"), Scene(2, "b", "film-noir")]


def test_a_table_with_gaps_keeps_whole_numbers_and_words_that_look_like_gaps(tmp_path):
    (tmp_path / "script.csv").write_text("scene_number,image_create_prompt,image_style\n7,null,\n,None,CINEMATIC\n")
    assert read_scenes(str(tmp_path / "script.csv")) == [Scene(7, "null"), Scene(2, "None", "cinematic")]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("missing.csv", None, "cannot be read: there is no such file"),
        ("empty.csv", "", "cannot be read: it is empty"),
        ("empty.json", " ", "cannot be read: it is empty"),
        ("german.csv", "scene_number;image_create_prompt\n1;a fox\n", "by semicolons, not by commas.*sep=';'"),
        ("tabs.csv", "scene_number\timage_create_prompt\n1\ta fox\n", "by tabs, not by commas"),
        ("old.csv", b"image_create_prompt\na caf\xe9\n", "not written in UTF-8.*encoding='latin-1'"),
        ("old.json", b'[{"image_create_prompt": "a caf\xe9"}]', "not written in UTF-8"),
        ("loose.csv", "image_create_prompt\na fox\na hen, red\na cow, a, b, c\n", "into quotation marks"),
        ("looser.csv", "image_create_prompt\na hen, red\n", "more fields in its lines.*into quotation marks"),
        ("titled.json", '{"title": "T", "scenes": []}', "beside the list stands what is not read: title"),
        ("script.txt", "a fox", "neither a .csv nor a .json file"),
        ("broken.json", "[{", "cannot be read"),
        ("other.json", '"other.json"', "a str is no list of scenes"),
        ("none.json", "[]", "there is none"),
        ("list.json", '["a fox"]', "is not a mapping"),
    ],
)
def test_a_file_that_holds_no_script_is_refused(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInput, match=words):
        read_scenes(tmp_path / name)


def test_commas_that_a_spreadsheet_leaves_behind_are_no_scenes(tmp_path):
    (tmp_path / "script.csv").write_text(
        "\ufeffscene_number,image_create_prompt,\n1,a fox,\n,,\n2,a hen,\n,\n", "utf-8"
    )
    assert read_scenes(tmp_path / "script.csv") == [Scene(1, "a fox"), Scene(2, "a hen")]


def test_a_number_that_is_written_as_a_text_is_a_number():
    assert read_scenes([{"scene_number": "02", "image_create_prompt": "a fox"}]) == [Scene(2, "a fox")]


def test_every_fault_of_a_script_is_told_before_anything_is_sent():
    script = lab()
    told = faults(
        [
            {"scene_number": 1, "image_create_prompt": "a fox"},
            {"scene_number": 1, "image_create_prompt": " "},
            {"scene_number": -2, "image_create_prompt": "a hen", "image_style": "CINEMATICK"},
            {"scene_number": "four", "image_create_prompt": "x" * 40_000, "image_stile": "cinematic"},
            {"scene_number": 2_000_000, "image_create_prompt": "a \udcff", "image_style": 7},
        ],
        tier="trial", model="lab/none", size="huge",
    )  # fmt: skip
    words = "\n".join(told)
    for expected in (
        "tier: no tier is called 'trial'", "scenes[2]: its image_create_prompt is missing",
        "scenes[2]: its scene_number 1 is that of scenes[1] too", "scenes[3]: its scene_number -2",
        "scenes[3].image_style: no style is called 'cinematick'", "scenes[4]: its scene_number 'four'",
        "scenes[4].image_create_prompt: it has 40,000 characters", "scenes[4]: no field is called 'image_stile'",
        "scenes[5]: its scene_number 2000000", "scenes[5].image_create_prompt: character 3 is half",
        "scenes[5]: its image_style 7", "model: no model is called 'lab/none'", "size:",
    ):  # fmt: skip
        assert expected in words
    assert script.calls == 0
    assert rows("SELECT COUNT(*) FROM runs") == [(0,)]


@pytest.mark.parametrize("scenes", [None, [], 7, "nowhere.csv"])
def test_what_is_no_script_is_refused(scenes):
    assert any(line.startswith("scenes") for line in faults(scenes))


def test_a_tier_beside_a_model_is_refused():
    lab()
    assert faults(SCRIPT, tier="development") == ["tier: it chooses the models, and model names one for all."]


# ---- what is asked


def test_each_prompt_holds_its_text_its_style_a_quality_word_and_the_shape():
    script = lab()
    make(size=(1920, 1080), policy=POLICY.with_(checks=None))
    asked = {r.labels["scene"]: r for r in script.requests}
    for number, words in [(1, "cinematic lighting"), (2, "single character"), (3, "vector"), (4, "bold ink lines")]:
        prompt = asked[number].prompt
        assert prompt.startswith(SCRIPT[number - 1]["image_create_prompt"])
        assert words in prompt
        assert "4k" in prompt or "high quality" in prompt
        assert "16:9 widescreen" in prompt
    assert asked[5].prompt == "the keeper laughs, 16:9 widescreen, high quality, detailed"
    assert {r.negative_prompt for r in script.requests} == {"blurry, low quality, distorted, ugly, bad anatomy"}


def test_a_negative_prompt_goes_into_the_prompt_where_a_model_has_no_field_for_it():
    script = lab(can=Capabilities())
    batch = make(SCRIPT[:1])
    assert "ugly" in script.requests[0].prompt
    assert "negative_prompt put into the prompt" in batch[1].adaptations[0].__str__()


def test_the_size_is_full_hd_unless_another_is_asked_for():
    exp = ik.Experiment(ik.recipes.scene_batch, vary={"size": [(1920, 1080), "9:16"]}, fixed={"scenes": SCRIPT[:1]})
    lab()
    run = ik.Experiment(
        ik.recipes.scene_batch, vary={"scenes": [SCRIPT[:1]]}, fixed={"model": "lab/one"}, policy=POLICY
    ).run(progress=False)
    assert (run[0].artifacts[0].width, run[0].artifacts[0].height) == (1920, 1080)
    assert exp.plan().pictures.tolist() == [1, 1]


# ---- tiers and money


def styled(*styles):
    return [{"image_create_prompt": f"scene {n}", "image_style": style} for n, style in enumerate(styles)]


@pytest.mark.parametrize(
    ("tier", "styles", "usd"),
    [
        ("development", ["CINEMATIC", "INFOGRAPHIC", "COMIC_PANEL", "SINGLE_CHARACTER", None], 0.05),
        ("production", ["CINEMATIC", "INFOGRAPHIC", "COMIC_PANEL", "SINGLE_CHARACTER", None], 0.13),
        ("production", ["CINEMATIC", "CLOSE_UP_REACTION", "INFOGRAPHIC", "COMIC_PANEL", None], 0.16),
    ],
)
def test_a_video_of_five_scenes_costs_by_its_tier_and_its_styles(service, tier, styles, usd):
    fixed = {"scenes": styled(*styles)}
    exp = ik.Experiment(ik.recipes.scene_batch, vary={"tier": [tier]}, fixed=fixed)
    plan = exp.plan()
    assert plan.estimated_usd.tolist() == [pytest.approx(usd)]
    assert plan.pictures.tolist() == [5]
    assert not plan.lower_bound.any()
    assert service.ledger.requests == []


def test_what_a_tier_costs_is_known_before_there_is_a_key_or_an_address():
    scenes = {"scenes": SCRIPT, "size": "320x180"}
    plan = ik.Experiment(ik.recipes.scene_batch, vary={"tier": ["development"]}, fixed=scenes).plan()
    assert plan.pictures.tolist() == [len(SCRIPT)]
    assert plan.estimated_usd.tolist() == [pytest.approx(0.01 * len(SCRIPT))]
    (told,) = plan.refused
    assert told.startswith("nanobanana/sdxl-turbo is not ready. Set NANO_BANANA_API_KEY and set NANO_BANANA_API_URL")
    assert told.count("not ready") == 1


def test_a_plan_logs_nothing(caplog):
    caplog.set_level(logging.DEBUG, "imagegen_kit.recipes.batch")
    ik.Experiment(ik.recipes.scene_batch, vary={"tier": ["development"]}, fixed={"scenes": SCRIPT}).plan()
    assert caplog.records == []


def test_saved_twice_it_is_refused_in_one_sentence_and_a_blank_is_no_folder(tmp_path):
    lab()
    batch = make(SCRIPT[:2])
    batch.save(tmp_path)
    with pytest.raises(InvalidInput, match="and 4 more are there already") as caught:
        batch.save(tmp_path)
    assert len(caught.value.faults) == 1
    with pytest.raises(InvalidInput, match="is not a path"):
        batch.save("")


def test_a_month_is_projected_from_a_video_or_from_a_price():
    lab(price=0.01)
    batch = make()
    per_month = batch.projection([100, 1000, 10_000])
    assert per_month.usd_per_item.tolist() == pytest.approx([0.05] * 3)
    assert per_month.usd_per_month.tolist() == pytest.approx([5, 50, 500])
    mean = batch.projection([1000, 10_000], price_usd=0.03)
    assert mean.usd_per_month.tolist() == pytest.approx([150, 1500])


def test_an_unknown_price_stays_unknown():
    lab(price=None)
    batch = make(SCRIPT[:2])
    assert batch.cost is None
    assert batch.projection(100).usd_per_month.isna().all()


def test_a_part_of_a_video_is_refused_in_words():
    lab()
    with pytest.raises(InvalidInput, match=r"1\.5 is not a whole number of items"):
        make(SCRIPT[:1]).projection([1.5])


def test_the_same_scene_again_is_free():
    script = lab(price=0.02)
    make(SCRIPT[:2])
    again = make(SCRIPT[:3])
    assert script.calls == 3
    assert again.cost == 0.02
    assert [result.status for result in again] == ["cached", "cached", "ok"]


# ---- failures


def test_a_failing_scene_leaves_the_others_alone_and_has_a_placeholder():
    lab(*[_refuses("how a lamp turns")] * 9)
    batch = make()
    assert repr(batch) == "SceneBatch(5 scenes, 4 with a picture of their own)"
    assert list(batch.failed) == [3]
    assert "no lamps" in batch.failed[3]
    assert sorted(batch.pictures) == [1, 2, 3, 4, 5]
    assert (batch.pictures[3].width, batch.pictures[3].height) == (320, 180)


def _refuses(words):
    async def step(script, request, on_progress):
        if words in request.prompt:
            raise ContentBlocked("no lamps", paid=False)
        return await gradient(script, request, on_progress)

    return step


def test_it_is_tried_three_times_in_all():
    broken = ProviderError("busy", paid=False, retryable=True)
    script = lab(broken, broken, gradient)
    assert make(SCRIPT[:1], policy=POLICY.with_(checks=None, clock="simulated")).failed == {}
    assert script.calls == 3
    assert (POLICY.attempts, POLICY.timeout_s, POLICY.placeholder) == (3, 60, True)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (lambda: png(Image.new("RGB", (1920, 1080), "grey")), "not_blank"),
        (lambda: png(Image.linear_gradient("L").resize((1080, 1080))), "size"),
        (lambda: _encoded("WEBP"), "format"),
        (lambda: _encoded("GIF"), "Save it as PNG, JPEG or WebP"),
        (lambda: _two_tone(), "bytes_per_megapixel"),
    ],
    ids=["blank", "another shape", "WebP", "GIF", "under 10 KB"],
)
def test_a_picture_that_fails_a_check_is_paid_for_and_rejected(picture, words):
    data = picture()
    script = lab(data, price=0.05)
    batch = make(SCRIPT[:1], size=(1920, 1080), policy=POLICY.with_(clock="simulated"))
    assert words in batch.failed[1]
    assert batch.cost == 0.05
    assert script.calls == 1  # it was made and paid: it is not asked for again


def _encoded(format):
    file = BytesIO()
    Image.linear_gradient("L").resize((1920, 1080)).save(file, format)
    return file.getvalue()


def _two_tone():
    image = Image.new("L", (1920, 1080), 255)
    image.paste(0, (0, 0, 960, 1080))
    data = png(image)
    assert len(data) <= 10_240
    return data


# ---- files and logs


def test_files_are_named_by_scene_and_lie_by_run_with_what_is_known_beside_them(tmp_path):
    lab(*[_refuses("how a lamp turns")] * 9, price=0.02)
    batch = make()
    paths = batch.save(tmp_path / "out")
    assert sorted(paths) == [1, 2, 3, 4, 5]
    folder = tmp_path / "out" / batch.place[0]
    assert {path.parent for path in paths.values()} == {folder}
    assert "placeholder" in paths[3].name
    assert [n for n, path in paths.items() if "placeholder" in path.name] == [3]
    assert paths[1].name == f"scene_1_{batch.pictures[1].sha256[:8]}.png"
    beside = json.loads(paths[2].with_suffix(".json").read_text())
    assert (beside["scene_number"], beside["model_used"], beside["cost_usd"]) == (2, "lab/one", 0.02)
    assert beside["prompt"].startswith("the keeper at his desk")
    assert "no lamps" in json.loads((folder / "metadata.json").read_text())["pictures"][2]["error"]


def test_two_runs_of_a_script_never_share_a_folder(tmp_path):
    lab()
    first, second = make(SCRIPT[:1]).save(tmp_path), make(SCRIPT[:1]).save(tmp_path)
    assert first[1] != second[1]
    assert first[1].name == second[1].name


def test_a_log_has_a_line_a_scene_and_the_prompt_only_at_debug(caplog):
    caplog.set_level(logging.DEBUG, "imagegen_kit")
    lab(*[_refuses("how a lamp turns")] * 9, price=0.02)
    batch = make()
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.INFO]
    lines = [line for line in said if line.startswith("scene ")]
    assert lines[0] == f"scene 1: lab/one, 0.0200 USD, {batch[1].artifacts[0].path}"
    assert lines[2].startswith("scene 3: lab/one, 0.0000 USD, no picture: ")
    assert "no lamps" in lines[2]
    assert not any(row["image_create_prompt"] in line for line in said for row in SCRIPT)
    debug = [r.getMessage() for r in caplog.records if r.levelno == logging.DEBUG]
    assert any("the keeper laughs" in line for line in debug)


def test_old_pictures_go_by_age_and_by_size_and_a_dry_run_removes_nothing():
    lab()
    batch = make(SCRIPT[:3])
    store = default_engine().store
    stored = [Path(result.artifacts[0].path) for result in batch]
    a_month_on = datetime.now(UTC) + timedelta(days=31)
    assert clean(store, older_than="30d").goes.sum() == 0
    assert clean(store, older_than="30d", now=a_month_on).goes.sum() == 3
    assert clean(store, larger_than=1, now=a_month_on).goes.sum() == 3
    assert all(path.is_file() for path in stored)
    clean(store, older_than="30d", now=a_month_on, apply=True)
    assert not any(path.exists() for path in stored)


# ---- as a part of the toolkit


def test_the_table_has_a_row_a_scene():
    lab(price=0.02)
    batch = make(SCRIPT[:3])
    table = batch.table()
    assert table.variant.tolist() == ["scene 1", "scene 2", "scene 3"]
    assert table.step.tolist() == [0, 1, 2]
    assert table.cost_usd.tolist() == [0.02] * 3


def test_scripts_and_tables_of_scenes_are_axes_of_an_experiment():
    lab()
    two = [SCRIPT[:2], pd.DataFrame(SCRIPT[2:])]
    run = ik.Experiment(
        ik.recipes.scene_batch, vary={"scenes": two}, fixed={"model": "lab/one", "size": (320, 180)}, policy=SMALL
    ).run(progress=False)
    assert run.table().groupby("cell").size().tolist() == [2, 3]
    assert run.table().status.tolist() == ["ok"] * 5


def test_an_experiment_tries_as_the_recipe_says():
    exp = ik.Experiment(ik.recipes.scene_batch, vary={"scenes": [SCRIPT]})
    assert exp.policy == POLICY


@pytest.mark.parametrize("scenes", [SCRIPT, read_scenes(SCRIPT), pd.DataFrame(SCRIPT), "script.json"], ids=type)
def test_an_experiment_file_holds_a_script_however_it_was_given(tmp_path, scenes):
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    exp = ik.Experiment(ik.recipes.scene_batch, vary={"seed": [1, 2]}, fixed={"scenes": scenes})
    exp.to_yaml(tmp_path / "exp.yaml")
    again = ik.Experiment.from_yaml(tmp_path / "exp.yaml")
    assert read_scenes(again.grid.fixed["scenes"]) == read_scenes(scenes)
    assert again.policy == POLICY


def test_scenes_are_streamed_as_they_come():
    lab()
    events = list(ik.stream(ik.recipes.scene_batch, scenes=SCRIPT, model="lab/one", size=(320, 180), policy=SMALL))
    seen = {event.result.request.labels["scene"] for event in events if isinstance(event, Completed)}
    assert seen == {1, 2, 3, 4, 5}


def test_offline_a_script_needs_no_key():
    batch = ik.run(ik.recipes.scene_batch, scenes=SCRIPT[:2])
    assert batch.failed == {}
    assert {(p.width, p.height) for p in batch.pictures.values()} == {(1920, 1080)}
    assert min(p.size_bytes for p in batch.pictures.values()) > 10_240


# ---- over real HTTP


@pytest.fixture
def service(monkeypatch):
    with JobApiSimulator("nanobanana", polls=1) as simulator:
        monkeypatch.setenv("NANO_BANANA_API_KEY", simulator.key)
        monkeypatch.setenv("NANO_BANANA_API_URL", simulator.base_url)
        yield simulator


def batch_of(scenes, **params):
    given = {"tier": "production", "policy": POLICY.with_(clock="simulated"), **params}
    return ik.run(ik.recipes.scene_batch, scenes=scenes, **given)


def test_one_scene_is_one_picture(service):
    batch = batch_of(SCRIPT[:1])
    (asked,) = service.ledger.submits
    assert asked.path == "/generate"
    assert {k: v for k, v in asked.json.items() if k != "prompt"} == {
        "model": "stable-diffusion-xl", "width": 1920, "height": 1080, "num_images": 1,
    }  # fmt: skip
    assert "Avoid: blurry" in asked.json["prompt"]
    assert batch.failed == {}
    assert batch.cost == 0.05


def test_five_scenes_are_five_pictures_each_by_the_model_of_its_style(service, tmp_path):
    batch = batch_of(SCRIPT)
    assert batch.failed == {}
    assert len(set(batch.save(tmp_path).values())) == 5
    asked = [r.json["model"] for r in service.ledger.submits]
    assert sorted(asked) == ["stable-diffusion-2"] * 4 + ["stable-diffusion-xl"]
    assert batch.cost == pytest.approx(0.13)
    assert batch.table().seconds.quantile(0.95) < 30


def test_in_development_every_scene_is_drawn_by_the_fast_model(service):
    batch = batch_of(SCRIPT, tier="development")
    assert {r.json["model"] for r in service.ledger.submits} == {"sdxl-turbo"}
    assert batch.cost == pytest.approx(0.05)


def test_an_invalid_key_gives_a_placeholder_for_the_first_scene(service, monkeypatch, tmp_path):
    monkeypatch.setenv("NANO_BANANA_API_KEY", "wrong")
    batch = batch_of(SCRIPT[:1])
    assert "placeholder" in str(batch.save(tmp_path)[1])
    assert "NANO_BANANA_API_KEY" in batch.failed[1]
    assert service.ledger.accepted == []


def test_without_a_key_the_batch_is_refused_and_says_what_to_set(monkeypatch):
    monkeypatch.delenv("NANO_BANANA_API_KEY", raising=False)
    monkeypatch.setenv("NANO_BANANA_API_URL", "http://127.0.0.1:9")
    with pytest.raises(InvalidInput, match=r"not ready\. Set NANO_BANANA_API_KEY") as caught:
        batch_of(SCRIPT[:2])
    assert len(caught.value.faults) == 1


def test_a_wait_that_the_service_asks_for_is_honoured(service):
    service.play("rate_limited")
    watch = Watch()
    batch = batch_of(SCRIPT[:1], policy=POLICY.with_(clock=watch))
    assert batch.failed == {}
    assert len(batch[1].attempts) == 2
    assert max(watch.sleeps) >= 1.0
    assert len(service.ledger.accepted) == 1


@pytest.mark.parametrize("modes", [["unavailable"] * 2, ["unavailable", "rate_limited"]])
def test_what_was_not_paid_is_asked_for_up_to_three_times(service, modes):
    service.play(*modes)
    assert batch_of(SCRIPT[:1]).failed == {}
    assert len(service.ledger.submits) == 3


def test_what_may_have_been_paid_is_looked_up_and_never_sent_again(service):
    service.play("drop")
    batch = batch_of(SCRIPT[:1])
    assert list(batch.failed) == [1]
    assert len(service.ledger.submits) == 1


@pytest.mark.parametrize(
    ("mode", "words"),
    [("blocked_after", "refused"), ("job_failed", "the machine gave up"), ("no_picture", "names no picture")],
)
def test_what_the_service_flags_or_fails_is_told_for_that_scene_alone(service, mode, words):
    service.play(mode)
    batch = batch_of(SCRIPT[:3], policy=POLICY.with_(clock="simulated", concurrency=1))
    assert len(batch.failed) == 1
    assert words in next(iter(batch.failed.values()))
    assert len(service.ledger.submits) == 3

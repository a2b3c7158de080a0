"""``keyframes``: one character through a story, judged, tried again, filmed; nothing is lost or bought twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog import find_data, load_yaml
from imagegen_kit.errors import ContentBlocked, InvalidInput, ProviderError, UnsupportedRequest
from imagegen_kit.recipes import read_story
from imagegen_kit.testing.simulators import GeminiSimulator, JobApiSimulator
from imagegen_kit.types import Completed
from tests.engine.models import EVERYTHING, model
from tests.recipes.stories import FIGURE, scene, somebody_else, story, true_to_reference, write, write_figure

pytestmark = pytest.mark.usefixtures("own_registry")
ROOT = Path(__file__).resolve().parents[2]
CHAINED = {"sequential_generation": True}
ZOOM = {"default_backend": "offline/zoom", "seconds": 0.5, "film_size": "96x64"}


@pytest.fixture(autouse=True)
def _figure(tmp_path):
    write_figure(tmp_path)


def lab(*steps, **more):
    return model("lab/one", *(steps or [true_to_reference] * 20), **more)


def tell(content=None, **params):
    policy = params.pop("policy", ik.Policy(attempts=1))
    return ik.run(ik.recipes.keyframes, story=content or story(), policy=policy, **params)


class TestKeyframes:
    def test_each_is_an_edit_of_the_references_that_it_names(self):
        script = lab()
        content = story()
        content["segments"][1]["references"] = []
        told = tell(content)
        assert repr(told) == "Story('story', 3 of 3 keyframes)"
        assert [k.take.mode for k in told] == ["image-to-image", "text-to-image", "image-to-image"]
        assert [[r.name for r in k.result.request.references] for k in told] == [["ada"], [], ["ada"]]
        assert script.calls == 3

    def test_looks_are_said_again_in_every_prompt(self):
        lab()
        told = tell()
        for one in told:
            assert "exact same appearance as the reference" in one.result.request.prompt
            assert "a yellow head and a blue coat" in one.result.request.prompt
            assert "Same light and colour palette" in one.result.request.prompt

    def test_by_text_alone_they_are_described(self):
        script = lab()
        told = tell(story(settings={"mode": "text_to_image"}))
        assert {k.take.mode for k in told} == {"text-to-image"}
        assert all(not r.references and "a yellow head" in r.prompt for r in script.requests)
        assert all(k.score() is not None for k in told)  # held against the references all the same

    def test_an_input_image_is_what_is_edited(self, tmp_path):
        script = lab()
        (tmp_path / "first.png").write_bytes(scene(7, None))
        content = story(1)
        content["segments"][0] |= {"input_image": "first.png", "references": []}
        assert tell(content)[0].take.mode == "image-to-image"
        (sent,) = script.requests[0].references
        assert (sent.role, sent.picture.bytes) == ("content", scene(7, None))

    def test_a_record_tells_file_type_size_model_tokens_and_time(self):
        lab(seconds=0.01)
        record = tell()[0].record()
        assert (record["mime_type"], record["width"], record["height"]) == ("image/png", 128, 96)
        assert Path(record["file"]).is_file()
        assert record["model"] == "lab/one"
        assert record["milliseconds"] >= 10
        assert record["prompt_tokens"] is None  # this service counts none
        assert tell()[0].record()["milliseconds"] is None  # cached

    def test_a_changed_reference_makes_its_keyframes_anew(self, tmp_path):
        script = lab()
        tell()
        tell()
        assert script.calls == 3
        FIGURE.transpose(0).save(tmp_path / "ada.png")
        tell()
        assert script.calls == 6


class TestChains:
    def test_the_keyframe_before_is_a_reference_of_the_next(self):
        lab()
        told = tell(story(settings=CHAINED))
        sent = [[r.picture.sha256 for r in k.result.request.references] for k in told]
        figure = sent[0][0]
        assert sent == [[figure], [figure, told.pictures[0].sha256], [figure, told.pictures[1].sha256]]

    def test_without_other_references_it_is_the_picture_that_is_edited(self):
        lab()
        content = story(2, settings=CHAINED)
        for one in content["segments"]:
            del one["references"]
        told = tell(content)
        assert [r.role for r in told[1].result.request.references] == ["content"]

    def test_a_failed_one_is_passed_over(self):
        lab(true_to_reference, ContentBlocked("no", paid=False), true_to_reference)
        told = tell(story(settings=CHAINED))
        assert told.failures == ("keyframe scene 2: no",)
        assert told[2].result.request.references[-1].picture == told.pictures[0]

    def test_separate_chains_run_side_by_side_and_are_numbered_as_the_story(self):
        waiting = []

        async def together(script, request, progress):
            waiting.append(request)
            while len(waiting) < 2:  # the first of both chains are under way at once
                await asyncio.sleep(0.005)
            return await true_to_reference(script, request, progress)

        lab(together, together, *[true_to_reference] * 2)
        content = story(4)
        for number, one in enumerate(content["segments"]):
            one["chain"] = "even" if number % 2 else "odd"
        told = tell(content)
        assert [len(k.result.request.references) for k in told] == [1, 1, 2, 2]
        assert ik.open_run("latest").table().variant.tolist() == ["scene 1", "scene 3", "scene 2", "scene 4"]

    @pytest.mark.parametrize(("chained", "references"), [(True, [1, 2, 1]), (False, [1, 1, 1])])
    def test_it_can_be_asked_for_when_the_recipe_is_called(self, chained, references):
        lab()
        content = story(settings=CHAINED if not chained else {})
        content["segments"][2]["chain"] = False
        told = tell(content, chained=chained)
        assert [len(k.result.request.references) for k in told] == references


class TestJudging:
    LIMIT = {"consistency_threshold": 0.6, "max_tries": 3}

    def test_one_below_the_threshold_is_tried_again_and_the_better_one_kept(self):
        script = lab(somebody_else, true_to_reference)
        told = tell(story(1, settings=self.LIMIT))
        assert [round(t.value("presence"), 1) > 0.6 for t in told[0].takes] == [False, True]
        assert told[0].kept == 1
        assert told[0].score() > 0.8
        assert [r.sample for r in script.requests] == [0, 1000]
        assert "1 tried again" in repr(told)

    def test_where_none_is_good_enough_the_best_is_kept_and_all_are_recorded(self):
        lab(somebody_else, somebody_else, somebody_else)
        told = tell(story(1, settings=self.LIMIT))
        assert len(told[0].takes) == 3
        values = [t.value("presence") for t in told[0].takes]
        assert told[0].kept == values.index(max(values))
        table = ik.open_run("latest").table()
        assert table.variant.tolist() == ["scene 1", "scene 1, try 2", "scene 1, try 3"]
        assert table.score_presence.notna().all()
        assert told.metrics().value["below_threshold"] == 1

    def test_light_and_palette_have_a_limit_of_their_own(self):
        lab(scene(0, FIGURE), scene(120, FIGURE), scene(4, FIGURE))
        told = tell(story(2, settings={**CHAINED, "coherence_threshold": 0.5}))
        before, after = (t.value("coherence") for t in told[1].takes)
        assert before < 0.5 < after
        assert told[1].kept == 1

    def test_without_a_limit_nothing_is_tried_again(self):
        script = lab(*[somebody_else] * 3)
        tell()
        assert script.calls == 3

    def test_every_kept_keyframe_has_its_scores_in_the_table(self):
        lab()
        tell(story(settings=CHAINED))
        table = ik.open_run("latest").table()
        assert table.score_presence.min() > 0.7
        assert table.score_coherence.isna().tolist() == [True, False, False]
        assert table.score_consistency_similarity.notna().all()


class TestFallingBack:
    ALLOWED = {"fall_back_to_text": True}

    @pytest.mark.parametrize(
        "failure",
        [ContentBlocked("no", paid=False), ProviderError("broken", paid=False, retryable=False)],
        ids=["refused", "failed"],
    )
    def test_an_edit_that_fails_is_made_from_words_and_marked(self, failure):
        script = lab(failure, true_to_reference)
        told = tell(story(1, settings=self.ALLOWED))
        assert (told[0].take.mode, told[0].take.fell_back) == ("text-to-image", True)
        assert script.requests[1].references == ()
        assert "a yellow head and a blue coat" in script.requests[1].prompt
        assert ik.open_run("latest").table().variant.tolist() == ["scene 1", "scene 1, from words alone"]
        assert told.usage()["fell_back"].tolist() == [1]

    def test_not_where_it_is_not_allowed(self):
        script = lab(ContentBlocked("no", paid=False))
        told = tell(story(1))
        assert told.failures == ("keyframe scene 1: no",)
        assert script.calls == 1

    def test_a_model_that_takes_no_references_is_refused_unless_it_may_fall_back(self):
        lab(can=Capabilities())
        with pytest.raises(InvalidInput, match="lab/one takes no reference pictures"):
            tell()
        told = tell(story(settings=self.ALLOWED))
        assert all(k.take.fell_back and k.picture for k in told)


class TestFilms:
    def test_single_makes_a_clip_of_each_keyframe_and_one_film_of_all(self):
        lab()
        told = tell(story(**ZOOM))
        assert repr(told) == "Story('story', 3 of 3 keyframes, a film of 3 clips)"
        assert told.film.seconds == pytest.approx(1.5, abs=0.05)
        assert (told.film.width, told.film.height) == (96, 64)

    def test_paired_leads_from_each_keyframe_to_the_next(self):
        lab()
        told = tell(story(**{**ZOOM, "default_backend": "offline/fade"}))
        ends = [(r.request.first_frame, r.request.last_frame) for r in told.clips]
        assert ends == [tuple(told.pictures[k : k + 2]) for k in (0, 1)]
        assert told.clips[0].request.prompt == "Ada in scene 1; then Ada in scene 2"

    def test_the_camera_of_a_shot_moves_its_clip(self):
        lab()
        content = story(1, **ZOOM)
        content["segments"][0] |= {"camera": "slow pan left", "seconds": 1}
        clip = tell(content).clips[0].request
        assert clip.prompt == "Ada in scene 1, the camera: slow pan left"
        assert clip.seconds == 1

    def test_paired_with_one_keyframe_is_refused_before_anything_is_paid(self):
        script = lab()
        with pytest.raises(InvalidInput, match="makes a clip from one keyframe to the next"):
            tell(story(1, **{**ZOOM, "default_backend": "offline/fade"}))
        assert script.calls == 0

    def test_a_backend_that_starts_from_no_picture_is_refused_by_name(self):
        script = lab()
        model("reel/words", kind="video")
        with pytest.raises(InvalidInput, match="reel/words starts from no picture"):
            tell(story(default_backend="reel/words"))
        assert script.calls == 0

    def test_a_story_can_be_told_without_its_film(self):
        lab()
        assert tell(story(**ZOOM), film_model="none").film is None

    def test_clips_are_made_of_the_keyframes_that_came(self):
        lab(true_to_reference, ContentBlocked("no", paid=False), true_to_reference)
        told = tell(story(**ZOOM), policy=ik.Policy(attempts=1, concurrency=1))
        assert len(told.clips.films) == 2

    def test_without_any_keyframe_there_is_no_film(self):
        lab(*[ContentBlocked("no", paid=False)] * 3)
        told = tell(story(**ZOOM))
        assert told.clips is None
        assert len(told.failures) == 3


def test_a_film_that_fails_late_costs_its_clip_alone_and_is_made_the_next_time(monkeypatch):
    script = lab()
    content = story(default_backend="wavespeed/wan2.1")
    quick = ik.Policy(clock="simulated", attempts=1)
    with JobApiSimulator("wavespeed", polls=9).play("ok", "job_failed") as sim:
        monkeypatch.setenv("WAVESPEED_BASE_URL", sim.base_url)
        monkeypatch.setenv("WAVESPEED_API_KEY", sim.key)
        settings.reset()
        told = tell(content, policy=quick)
        assert len(told.clips.films) == 1
        assert len(told.failures) == 1
        assert told.film.seconds == told.clips.films[0].seconds
        again = tell(content, policy=quick)
        assert sorted(r.status for r in again.clips) == ["cached", "ok"]
        assert again.failures == ()
        assert len(sim.ledger.submits) == 3
    assert script.calls == 3


@pytest.mark.parametrize("name", ["default_backend", "film_model"])
def test_a_missing_key_is_told_before_anything_is_made(name):
    script = lab()
    given = (
        {"content": story(default_backend="gemini-omni")}
        if name == "default_backend"
        else {"film_model": "gemini-omni"}
    )
    with pytest.raises(InvalidInput, match="GEMINI_API_KEY") as caught:
        tell(**given)
    assert name in str(caught.value)
    assert script.calls == 0


@pytest.fixture
def gemini(monkeypatch):
    with GeminiSimulator(look="drawn") as simulator:
        monkeypatch.setenv("GEMINI_API_KEY", simulator.key)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", simulator.base_url)
        yield simulator


def test_end_to_end_with_gemini(gemini, tmp_path):
    content = story(2, settings={**CHAINED, "image_model": None, "size": "16:9"})
    content |= {"gemini_api_key": "${GEMINI_API_KEY}", "gemini_model": "gemini-2.5-flash-image"}
    content["segments"][0]["references"] = []
    told = tell(write(tmp_path / "story.yaml", content))
    assert [k.take.mode for k in told] == ["text-to-image", "image-to-image"]
    bodies = [r.json for r in gemini.ledger.submits]
    pictures = [sum("inlineData" in json.dumps(part) for part in b["contents"][0]["parts"]) for b in bodies]
    assert pictures == [0, 2]
    assert all(k.record()["prompt_tokens"] for k in told)
    everything = b"".join(p.read_bytes() for p in (tmp_path / "imagegen-store").rglob("*") if p.is_file())
    assert gemini.key.encode() not in everything
    assert (
        gemini.key
        not in repr(told) + told._repr_html_() + told.save(tmp_path / "out").joinpath("metadata.json").read_text()
    )


class TestAReferenceThatVanishes:
    def test_in_the_middle_of_a_run_it_stops_nothing(self, tmp_path):
        async def vanishing(script, request, progress):
            (tmp_path / "ada.png").unlink(missing_ok=True)
            return await true_to_reference(script, request, progress)

        lab(vanishing, *[true_to_reference] * 3)
        told = tell(story(settings=CHAINED))
        assert told.failures == ()
        assert [len(k.result.request.references) for k in told] == [1, 2, 2]

    def test_the_next_time_it_is_named_with_its_line_and_nothing_made_is_lost(self, tmp_path):
        script = lab()
        path = write(tmp_path / "story.yaml", story())
        tell(path)
        gone = (tmp_path / "ada.png").rename(tmp_path / "away.png")
        with pytest.raises(
            InvalidInput, match=r"story.yaml:\d+ keyframe_settings.reference_images.characters.ada.image"
        ):
            tell(path)
        gone.rename(tmp_path / "ada.png")
        assert tell(path).failures == ()
        assert script.calls == 3


class TestExperiments:
    def test_it_is_an_axis(self, tmp_path):
        lab()
        run = ik.Experiment(
            ik.recipes.keyframes,
            vary={"chained": [False, True]},
            fixed={"story": str(write(tmp_path / "story.yaml", story(2, **ZOOM)))},
        ).run(progress=False)
        table = run.table()
        assert table.groupby("chained").size().tolist() == [4, 4]
        first = table[~table.chained]
        assert first.variant.tolist() == ["scene 1", "scene 2", "clip from scene 1", "clip from scene 2"]

    def test_a_plan_is_exact_where_nothing_is_judged(self):
        script = lab(price=0.03)
        plan = ik.Experiment(ik.recipes.keyframes, vary={"chained": [True]}, fixed={"story": story(**ZOOM)}).plan()
        assert plan.pictures.tolist() == [6]
        assert plan.estimated_usd.tolist() == pytest.approx([0.09])
        assert not plan.lower_bound.any()
        assert script.calls == 0

    def test_where_keyframes_are_judged_it_is_a_lower_bound(self):
        lab(price=0.03)
        plan = ik.Experiment(ik.recipes.keyframes, vary={"threshold": [0.6]}, fixed={"story": story()}).plan()
        assert plan.pictures.tolist() == [3]
        assert plan.lower_bound.all()


def test_keyframes_and_clips_are_streamed():
    lab()
    events = list(ik.stream(ik.recipes.keyframes, story=story(2, settings=CHAINED, **ZOOM)))
    variants = [e.result.request.labels["variant"] for e in events if isinstance(e, Completed)]
    assert variants[:2] == ["scene 1", "scene 2"]
    assert sorted(variants[2:]) == ["clip from scene 1", "clip from scene 2"]


class TestWhatComesBack:
    def test_metrics_say_how_it_went_and_what_a_minute_costs(self):
        lab(price=0.05, seconds=0.01)
        numbers = tell(story(settings=CHAINED, **ZOOM)).metrics().value
        assert numbers[["keyframes", "success", "calls_that_succeeded"]].tolist() == [3, 1, 1]
        assert numbers["presence"] > 0.7
        assert abs(numbers["drift"]) < 0.1
        assert numbers["cost_usd"] == pytest.approx(0.15)
        assert numbers["usd_per_film_minute"] == pytest.approx(0.15 / 1.5 * 60, rel=0.05)
        assert numbers["seconds"] > 0.03

    def test_an_unknown_price_is_unknown_and_never_0(self):
        lab(price=None)
        numbers = tell(story(**ZOOM)).metrics().value
        assert numbers.isna()[["cost_usd", "usd_per_film_minute"]].all()

    def test_usage_counts_by_mode_and_model(self):
        lab(price=0.05)
        usage = tell(story(**ZOOM)).usage()
        assert usage.index.tolist() == [("image-to-image", "lab/one"), ("clip", "offline/zoom")]
        assert usage["made"].tolist() == [3, 3]
        assert usage["cost_usd"].tolist() == pytest.approx([0.15, 0])

    def test_it_shows_its_keyframes_in_order_and_the_film_plays(self):
        lab()
        html = tell(story(**ZOOM))._repr_html_()
        assert html.count("<img") == 4  # the film's poster too
        assert html.count("<video") == 1
        assert html.index("1. scene 1") < html.index("2. scene 2") < html.index("3. scene 3")
        assert "presence 0." in html

    def test_the_drift_curve_has_each_keyframe_and_says_the_slope(self):
        lab()
        curve = ik.plots.drift_curve(tell())
        assert curve.table().index.tolist() == ["scene 1", "scene 2", "scene 3"]
        assert curve.table()["line"].notna().all()
        assert "presence" in curve.alt
        assert curve.figure.axes
        with pytest.raises(InvalidInput, match="is no story"):
            ik.plots.drift_curve(3)

    def test_what_failed_is_said_where_it_would_stand(self):
        lab(ContentBlocked("no <b>robots</b>", paid=False))
        html = tell(story(1))._repr_html_()
        assert "no &lt;b&gt;robots&lt;/b&gt;" in html
        assert "0 of 1 keyframe" in html

    def test_it_is_saved_as_a_folder(self, tmp_path):
        lab()
        folder = tell(story(2, **ZOOM)).save(tmp_path / "out")
        assert sorted(p.name for p in folder.iterdir()) == [
            "clip_01.mp4", "clip_02.mp4", "keyframe_01.png", "keyframe_02.png", "metadata.json", "story.mp4",
        ]  # fmt: skip
        told = json.loads((folder / "metadata.json").read_text())
        assert [k["file"] for k in told["keyframes"]] == ["keyframe_01.png", "keyframe_02.png"]
        assert told["metrics"]["success"] == 1
        with pytest.raises(InvalidInput, match="is not empty"):
            tell(story(2, **ZOOM)).save(tmp_path / "out")

    def test_what_is_unknown_is_null_in_its_metadata(self, tmp_path):
        lab(price=None)
        text = (tell(story(1)).save(tmp_path / "out") / "metadata.json").read_text()
        metrics = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))["metrics"]
        assert (metrics["keyframes"], metrics["drift"], metrics["usd_per_film_minute"]) == (1, None, None)

    @pytest.mark.parametrize(
        ("film_model", "clips"),
        [("offline/zoom", ["clip_01.mp4", "clip_03.mp4"]), ("offline/fade", ["clip_01.mp4"])],
        ids=["single", "paired"],
    )
    def test_a_clip_has_the_number_of_the_keyframe_that_it_begins_with(self, tmp_path, film_model, clips):
        lab(true_to_reference, ContentBlocked("no", paid=False), true_to_reference)
        folder = tell(story(3, **ZOOM), film_model=film_model, chained=True).save(tmp_path / "out")
        assert sorted(path.name for path in folder.glob("clip_*")) == clips
        assert json.loads((folder / "metadata.json").read_text())["clips"] == clips


def test_the_shipped_story_is_one_character_in_five_places(tmp_path, monkeypatch):
    shipped = find_data("samples/story.yaml")
    assert read_story(shipped).film_model == "offline/zoom"
    content = {k: v for k, v in load_yaml(shipped).data.items() if k != "default_backend"}
    ik.configure(store=tmp_path / "imagegen-store")
    monkeypatch.chdir(shipped.parent)
    told = ik.run(ik.recipes.keyframes, story=content, size="256x144")
    assert len(told.pictures) == 5
    assert min(k.score() for k in told) > 0.65


def test_a_refusal_names_the_model_that_cannot_pair():
    model("reel/single", kind="video", can=Capabilities(first_frame=True, keyframes="single"))
    lab(can=EVERYTHING)
    with pytest.raises((InvalidInput, UnsupportedRequest), match="reel/single takes no last frame"):
        tell(story(default_backend="reel/single", keyframes="paired"))

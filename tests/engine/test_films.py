"""Films through the engine: asked for, kept, cached, resumed, planned, saved and handed on like pictures."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.engine.film_result import FilmResult
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import CheckFailed, ImagegenError, InvalidInput, InvalidReply, MissingDependency
from imagegen_kit.film import Clip, Film
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.types import Reply, VideoRequest
from tests.film.making import BLACK, BLUE, RED, near, small

SHORT: dict[str, Any] = {"size": (96, 64), "seconds": 0.5}


class Studio:
    """A provider of films whose answers a test writes down, one a call."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.requests = list(answers), list[VideoRequest]()

    def __call__(self, account: Any) -> Studio:
        return self

    async def animate(self, request: VideoRequest, on_progress: Any) -> Reply:
        self.requests.append(request)
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if self.answers else small(RED, BLUE)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(films=(answer,))


def studio(*answers: Any, **can: Any) -> Studio:
    """Register ``films/one``: a first and a last frame, at most 4 seconds, 0.1 USD a second."""
    made = Studio(*answers)
    capabilities = Capabilities(**{"first_frame": True, "last_frame": True, "max_seconds": 4, **can})
    price = Price(per_second=0.1, usual_seconds=2)
    model = ModelSpec("one", kind="video", can=capabilities, price=price)
    ik.register(ProviderSpec(name="films", models=(model,), target=made, output_version="1"))
    return made


def square(colour: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (64, 48), colour)


async def one_film(
    job: Any,
    prompt: str,
    model: str = "films/one",
    first_frame: Any = None,
    last_frame: Any = None,
    duration: float | None = None,
    size: Any = None,
    seed: int | None = None,
    sample: int = 0,
) -> Any:
    frames = {"first_frame": first_frame, "last_frame": last_frame}
    return await job.animate(prompt, model=model, seconds=duration, size=size, seed=seed, sample=sample, **frames)


async def two_clips(job: Any, prompt: str, model: str = "films/one") -> Any:
    clips = [Clip(f"{prompt} {n}", square(RED), square(BLUE), 1, {"segment": n}) for n in (1, 2)]
    return await job.films(clips, model=model, labels={"variant": "b"})


async def story(job: Any, prompt: str, model: str = "offline/fade") -> Any:
    """Two keyframes, the film between them, and that film twice as one."""
    frames = [(await job.image(f"{prompt} {n}", model="offline/poster", size="1:1")).picture for n in (1, 2)]
    film = await job.animate(prompt, model=model, first_frame=frames[0], last_frame=frames[1], **SHORT)
    return await job.join([film, film])


class TestAFilm:
    def test_it_comes_with_what_was_asked_what_it_cost_and_a_row(self) -> None:
        made = studio()
        answer = ik.run(one_film, prompt="a wave", first_frame=square(RED), last_frame=square(BLUE), duration=2)
        assert repr(answer) == "FilmResult(1 film, films/one, ok)"
        assert (answer.film.width, answer.film.height, answer.film.seconds) == (64, 48, pytest.approx(2.0))
        assert answer.cost.usd == pytest.approx(0.2)
        assert answer.usd_per_minute == pytest.approx(6.0)
        assert made.requests[0].first_frame is not None
        assert near(answer.image, RED)
        row = answer.table().iloc[0]
        assert (row.width, row.height, row.status, row.attempts) == (64, 48, "ok", 1)
        assert row.path.endswith(".mp4")
        assert row.sha256 == answer.film.sha256

    def test_the_same_is_asked_for_once(self) -> None:
        made = studio()
        first = ik.run(one_film, prompt="a wave", duration=2)
        second = ik.run(one_film, prompt="a wave", duration=2)
        assert (second.status, second.cost.usd, second.film) == ("cached", 0.0, first.film)
        assert second.film.seconds == pytest.approx(2.0)
        assert len(made.requests) == 1

    @pytest.mark.parametrize(
        "changes",
        [{"duration": 3}, {"sample": 1}, {"first_frame": square(BLUE)}, {"last_frame": square(BLACK)}],
        ids=lambda changes: next(iter(changes)),
    )
    def test_another_length_sample_or_frame_is_another_film(self, changes: dict[str, Any]) -> None:
        made = studio()
        asked = {"prompt": "a wave", "duration": 2, "first_frame": square(RED), "last_frame": square(RED)}
        ik.run(one_film, **asked)
        ik.run(one_film, **asked | changes)
        assert len(made.requests) == 2

    def test_again_asks_for_the_next_sample(self) -> None:
        made = studio()
        answer = ik.run(ik.recipes.film, prompt="a wave", model="films/one", duration=1)
        assert answer.again().status == "ok"
        assert [r.sample for r in made.requests] == [0, 1]

    def test_its_frames_and_poster_are_kept_in_the_store(self, tmp_path: Path) -> None:
        studio()
        square(RED).save(tmp_path / "first.png")
        answer = ik.run(one_film, prompt="a wave", first_frame=tmp_path / "first.png")
        (tmp_path / "first.png").unlink()
        blobs = answer.store.blobs
        frame = answer.request.first_frame
        assert blobs.size(frame.sha256, "png")
        assert blobs.thumbnail(answer.film.sha256) is not None

    def test_a_length_that_is_not_made_is_told(self) -> None:
        studio(durations=(2, 4))
        answer = ik.run(one_film, prompt="a wave", duration=2.8)
        assert answer.sent.seconds == 2
        assert [str(a) for a in answer.adaptations] == ["seconds 2.8 → 2"]

    def test_a_film_of_another_length_than_asked_says_so(self) -> None:
        studio(small(RED, each=4))
        answer = ik.run(one_film, prompt="a wave", duration=3)
        assert [str(a) for a in answer.adaptations] == ["seconds 3.0 → 0.5"]

    def test_it_is_saved_and_is_no_picture(self, tmp_path: Path) -> None:
        studio()
        answer = ik.run(one_film, prompt="a wave")
        saved = Film.open(answer.save(tmp_path / "wave.mp4"))
        assert (saved.facts, saved.request["parents"]) == (answer.film.facts, [answer.film.sha256])
        assert answer.pictures == ()
        with pytest.raises(ImagegenError, match="this is a film, not a picture"):
            answer.picture  # noqa: B018  # asking is the point


class TestSeveralClips:
    def test_failures_are_values_among_the_films(self) -> None:
        studio(small(RED), InvalidReply("broken"))
        answer = ik.run(two_clips, prompt="a wave")
        assert sorted(r.status for r in answer.results) == ["failed", "ok"]
        assert len(answer.films) == 1
        assert [r.request.labels for r in answer.results] == [{"variant": "b", "segment": n} for n in (1, 2)]

    def test_one_film_that_fails_raises(self) -> None:
        studio(InvalidReply("broken"))
        with pytest.raises(InvalidReply, match="broken"):
            ik.run(one_film, prompt="a wave")


class TestWhatCannotBe:
    def test_all_faults_are_told_before_anything_is_sent(self, tmp_path: Path) -> None:
        made = studio()

        async def recipe(job: Any, place: str) -> Any:
            wrong: dict[str, Any] = {"first_frame": f"{place}/gone.png", "seconds": -1, "seed": -5, "size": "wide"}
            return await job.animate(" ", model="films/one", **wrong)

        with pytest.raises(InvalidInput) as caught:
            ik.run(recipe, place=str(tmp_path))
        assert {f.where for f in caught.value.faults} >= {"prompt", "first_frame", "seconds", "seed", "size"}
        assert made.requests == []

    @pytest.mark.parametrize(
        ("ask", "words"),
        [
            ({"last_frame": square(RED)}, "last_frame given without a first_frame"),
            ({"model": "offline/zoom", "first_frame": square(RED), "last_frame": square(RED)}, "takes no last frame"),
            ({"model": "offline/collage"}, "offline/collage makes image, not video.*offline/zoom"),
            ({"mood": "glad"}, "mood is not an option of this model"),
            ({"first_frame": square(RED), "seconds": 601}, "not a number of seconds above 0"),
        ],
        ids=["last without first", "no last frame", "a model of pictures", "an option", "too long"],
    )
    def test_a_model_is_refused_by_name(self, ask: dict[str, Any], words: str) -> None:
        made = studio()

        async def recipe(job: Any, prompt: str) -> Any:
            return await job.animate(prompt, **{"model": "films/one", **ask})

        with pytest.raises(InvalidInput, match=f"(?s){words}"):
            ik.run(recipe, prompt="a wave")
        assert made.requests == []

    def test_clips_must_be_clips_and_a_model_named(self) -> None:
        async def recipe(job: Any, prompt: str) -> Any:
            return await job.films(prompt)

        async def nameless(job: Any, prompt: str) -> Any:
            return await job.animate(prompt)

        with pytest.raises(InvalidInput, match="these are no clips"):
            ik.run(recipe, prompt="x")
        with pytest.raises(InvalidInput, match="Name a model of films"):
            ik.run(nameless, prompt="x")

    @pytest.mark.parametrize(
        "answer", [b"not a film", small(RED)[:-400], Reply(films=())], ids=["bytes", "cut off", "nothing"]
    )
    def test_what_comes_back_and_is_no_film_is_a_failure(self, answer: Any) -> None:
        studio(answer)
        result = ik.run(ik.recipes.film, prompt="a wave", model="films/one").results[0]
        assert (result.status, result.film) == ("failed", None) or result.status == "unknown"

    def test_a_film_that_was_paid_and_is_broken_has_its_price(self) -> None:
        studio(b"not a film")
        answer = ik.run(ik.recipes.film, prompt="a wave", model="films/one", duration=2)
        assert answer.cost.usd == pytest.approx(0.2)

    def test_a_film_over_the_budget_is_not_asked_for(self) -> None:
        made = studio()
        ik.configure(budget_usd=0.15)
        answer = ik.run(ik.recipes.film, prompt="a wave", model="films/one", duration=2)
        assert answer.results[0].error_type == "BudgetExceeded"
        assert made.requests == []


class TestChecks:
    def test_they_look_at_the_middle_of_a_film(self) -> None:
        studio(small(BLACK, RED, BLACK, size=(64, 64)), small(BLACK, size=(64, 64)))
        policy = ik.Policy(checks={"format": ["png"], "size": None})
        answer = ik.run(one_film, prompt="a wave", size=(64, 64), policy=policy)
        assert [c.name for c in answer.checks] == ["size"]  # "png" is about the pictures of the same recipe

    def test_a_film_that_does_not_pass_is_a_failure(self) -> None:
        studio(small(RED))
        with pytest.raises(CheckFailed, match="format"):
            ik.run(one_film, prompt="a wave", policy=ik.Policy(checks={"format": ["webm"]}))


class TestRuns:
    def test_an_experiment_has_a_row_a_film_and_saves_them(self, tmp_path: Path) -> None:
        studio()
        exp = ik.Experiment(ik.recipes.film, vary={"prompt": ["a wave", "a hill"]}, fixed={"model": "films/one"})
        run = exp.run(progress=False)
        assert run.table().height.tolist() == [48, 48]
        folder = run.save(tmp_path / "out")
        assert sorted(p.suffix for p in folder.iterdir()) == [".json", ".mp4", ".mp4"]
        named = json.loads((folder / "metadata.json").read_text())["pictures"]
        saved = [Film.open(folder / row["file"]).request["parents"] for row in named]
        assert saved == [[sha256] for sha256 in run.table().sha256]

    def test_a_first_frame_can_be_varied_and_must_be_there(self, tmp_path: Path) -> None:
        made = studio()
        for name, colour in (("a", RED), ("b", BLUE)):
            square(colour).save(tmp_path / f"{name}.png")
        frames = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
        fixed = {"prompt": "a wave", "model": "films/one"}
        run = ik.Experiment(ik.recipes.film, vary={"first_frame": frames}, fixed=fixed).run(progress=False)
        assert run.table().status.tolist() == ["ok", "ok"]
        assert len({r.first_frame.sha256 for r in made.requests if r.first_frame}) == 2
        with pytest.raises(InvalidInput, match="there is no file"):
            ik.Experiment(ik.recipes.film, vary={"first_frame": [str(tmp_path / "c.png")]}, fixed=fixed)

    def test_a_plan_foresees_the_price_and_makes_nothing(self) -> None:
        made = studio()
        exp = ik.Experiment(two_clips, vary={"prompt": ["a wave"]})
        row = exp.plan().iloc[0]
        assert (row.pictures, row.estimated_usd, row.lower_bound) == (2, pytest.approx(0.2), False)
        assert made.requests == []

    def test_a_plan_of_joined_films_is_no_lower_bound(self) -> None:
        row = ik.Experiment(story, vary={"prompt": ["a wave"]}).plan().iloc[0]
        assert (row.pictures, row.lower_bound) == (3, False)

    def test_a_run_goes_on_without_asking_for_its_films_again(self) -> None:
        made = studio(small(RED), InvalidReply("broken"))
        run = ik.Experiment(two_clips, vary={"prompt": ["a wave"]}, policy=ik.Policy(cache=False)).run(progress=False)
        assert sorted(run.table().status) == ["failed", "ok"]
        assert sorted(run.retry_failed().table().status) == ["ok", "ok"]
        assert len(made.requests) == 3

    def test_a_bundle_holds_the_film_and_a_shared_one_nothing_of_its_maker(self, tmp_path: Path) -> None:
        run = ik.Experiment(story, vary={"prompt": ["a secret lighthouse"]}).run(progress=False)
        whole = ik.open_run(run.export(tmp_path / "whole.zip"))
        assert whole[2].film == run[2].film
        assert whole[2].film.facts == run[2].film.facts
        shared = ik.open_run(run.export(tmp_path / "shared.zip", share=True))
        assert b"an offline stand-in" in run[2].film.bytes
        assert b"an offline stand-in" not in shared[2].film.bytes
        assert shared[2].film.facts == run[2].film.facts
        assert b"secret" not in (tmp_path / "shared.zip").read_bytes()

    def test_films_are_uploaded_like_pictures(self, tmp_path: Path) -> None:
        studio()
        ik.configure(remote=f"file://{tmp_path}/objects")

        async def recipe(job: Any, prompt: str) -> Any:
            answer = await job.animate(prompt, model="films/one")
            return await job.upload([answer, await job.join([answer, answer])], "films")

        urls = ik.run(recipe, prompt="a wave")
        assert [url.rpartition("/objects/")[2] for url in urls] == ["films/1.mp4", "films/2.mp4"]
        whole = Film.open(tmp_path / "objects" / "films" / "2.mp4")
        assert whole.facts.frames == 32

    def test_a_recipe_is_the_same_when_it_runs_again(self) -> None:
        assert ik.run(story, prompt="a wave") == ik.run(story, prompt="a wave")


def test_without_pyav_a_film_that_was_paid_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    data = small(RED)
    studio(data)
    monkeypatch.setitem(sys.modules, "av", None)
    answer: FilmResult = ik.run(one_film, prompt="a wave")
    assert answer.film.bytes == data
    assert answer.film.width is None
    assert answer.table().iloc[0].status == "ok"
    result = ik.run(ik.recipes.film, prompt="a wave").results[0]
    assert result.status == "failed"
    assert "imagegen-kit[video]" in str(result.error)
    assert result.cost.usd == 0
    with pytest.raises(MissingDependency):
        answer.image  # noqa: B018  # asking is the point


def test_what_films_were_made_from_is_not_cleaned_up_while_an_experiment_holds_it() -> None:
    from imagegen_kit.store.referring import referring

    studio()
    run = ik.Experiment(two_clips, vary={"prompt": ["a wave"]}, name="waves").run(progress=False)
    store = default_engine().store
    first = run[0].request.first_frame
    assert referring(store.journal)[first.sha256] == "run waves used it as a frame of a film"

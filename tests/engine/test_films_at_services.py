"""Films from simulated services over real HTTP: Veo's operations, Omni's interactions, and the job API of wan."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.errors import ContentBlocked, ProviderError
from imagegen_kit.registry import get_registry, reset_registry
from imagegen_kit.testing.simulators import GeminiSimulator, JobApiSimulator
from imagegen_kit.testing.simulators.vertex import VertexSimulator
from tests.engine.models import until


@dataclass(frozen=True)
class Service:
    """A service of films: its simulator, a model, the length that is asked for, and what that costs in USD."""

    start: Callable[..., Any]
    model: str
    seconds: float
    usd: float | None
    keyframes: str
    environment: dict[str, str]
    fails: str  # the mode in which an accepted job ends in failure


SERVICES = {
    "veo": Service(
        VertexSimulator, "vertex/veo-3.1-fast-generate-001", 4, 0.40, "single",
        {"GOOGLE_VERTEX_BASE_URL": "url", "VERTEX_API_KEY": "key"}, "unknown_finish",
    ),
    "omni": Service(
        GeminiSimulator, "gemini/gemini-omni-1.1-flash", 3, None, "single",
        {"GOOGLE_GEMINI_BASE_URL": "url", "GEMINI_API_KEY": "key"}, "unknown_finish",
    ),
    "wan": Service(
        lambda **how: JobApiSimulator("wavespeed", **how), "wavespeed/wan2.1", 5, None, "paired",
        {"WAVESPEED_BASE_URL": "url", "WAVESPEED_API_KEY": "key"}, "job_failed",
    ),
}  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 28)
QUICK = ik.Policy(clock="simulated", attempts=1)


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    return SERVICES[request.param]


def reach(monkeypatch: pytest.MonkeyPatch, service: Service, sim: Any) -> None:
    """Let the provider of ``service`` find ``sim`` where the real one would be."""
    for name, what in service.environment.items():
        monkeypatch.setenv(name, sim.base_url if what == "url" else sim.key)
    settings.reset()
    reset_registry()


def frame(shade: int) -> Image.Image:
    return Image.linear_gradient("L").resize((640, 360)).point(lambda v: (v + shade) % 256).convert("RGB")


def ask(service: Service, **more: Any) -> Any:
    asked = {"prompt": "the tide comes in", "model": service.model, "duration": service.seconds, "size": "1280x720"}
    return ik.run(ik.recipes.film, first_frame=frame(0), policy=QUICK, **asked | more)


def test_a_film_is_asked_for_followed_and_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with service.start() as sim:
        reach(monkeypatch, service, sim)
        answer = ask(service)
        assert answer.status == "ok", answer.error
        assert (answer.film.width, answer.film.height) == (1280, 720)
        assert answer.film.seconds == pytest.approx(service.seconds)
        assert answer.adaptations == ()
        if service.usd is not None:
            assert answer.cost.usd == pytest.approx(service.usd)
        assert ask(service).status == "cached"
        assert len(sim.ledger.accepted) == 1


def test_a_last_frame_travels_with_the_first(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with service.start() as sim:
        reach(monkeypatch, service, sim)
        assert ask(service, last_frame=frame(90)).status == "ok"
        sent = next(r for r in sim.ledger.requests if r.method == "POST").body.decode()
    assert sent.count("iVBORw0KGgo") == 2  # how a PNG begins in base64


def test_a_film_that_fails_after_it_was_accepted_is_a_value(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with service.start(latency=0.2).play(service.fails) as sim:
        reach(monkeypatch, service, sim)
        answer = ask(service)
        assert answer.status in ("failed", "unknown")
        assert answer.films == ()
        assert isinstance(answer.failure(), ProviderError)
        assert len([r for r in sim.ledger.requests if r.method == "POST" and "Operation" not in r.path]) == 1


PROGRAM = """
import sys
import imagegen_kit as ik
ik.Experiment(
    ik.recipes.film,
    vary={"prompt": ["the tide comes in"]},
    fixed={"model": sys.argv[1], "duration": float(sys.argv[2]), "first_frame": "first.png"},
    policy=ik.Policy(attempts=1),
    name="tide",
).run(progress=False)
"""


@pytest.mark.parametrize(
    "service",
    [SERVICES["veo"], SERVICES["wan"], pytest.param(SERVICES["omni"], marks=pytest.mark.soak)],
    ids=["veo", "wan", "omni"],
)
def test_a_killed_process_leaves_a_job_that_is_collected_and_not_bought_again(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with service.start(latency=1.0) as sim:
        reach(monkeypatch, service, sim)
        frame(0).save(tmp_path / "first.png")
        command = [sys.executable, "-c", PROGRAM, service.model, str(service.seconds)]
        child = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            until(lambda: child.poll() is not None or _named_jobs(tmp_path) == 1)
            assert child.poll() is None
        finally:
            child.kill()
            child.wait()
        run = ik.open_run("tide").resume()
        assert run.table().status.tolist() == ["ok"]
        assert run[0].film.seconds == pytest.approx(service.seconds)
        assert len(sim.ledger.accepted) == 1
        assert ik.open_run("tide").resume().table().status.tolist() == ["ok"]
    submits = [r for r in sim.ledger.requests if r.method == "POST" and "Operation" not in r.path]
    assert len(submits) == 1


def _named_jobs(folder: Path) -> int:
    """How many attempts the other process has written down with the name of their job."""
    path = folder / "imagegen-store" / "journal.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        try:
            return int(connection.execute("SELECT COUNT(*) FROM attempts WHERE job_id IS NOT NULL").fetchone()[0])
        except sqlite3.OperationalError:  # its tables are not made yet
            return 0


def test_a_film_that_is_refused_when_it_is_done_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES["veo"]
    with service.start().play("blocked_after") as sim:
        reach(monkeypatch, service, sim)
        answer = ask(service)
    assert answer.status == "blocked"
    assert isinstance(answer.failure(), ContentBlocked)


def test_one_of_three_clips_fails_and_the_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES["wan"]

    async def story(job: Any, prompt: str, model: str) -> Any:
        found = job.clips([frame(n) for n in (0, 60, 120, 180)], prompt, model=model, seconds=5)
        return await job.films(found, model=model, size="1280x720")

    with service.start().play("ok", "job_failed") as sim:
        reach(monkeypatch, service, sim)
        answer = ik.run(story, prompt="the tide comes in", model=service.model, policy=QUICK)
        assert sorted(r.status for r in answer.results) == ["failed", "ok", "ok"]
        again = ik.run(story, prompt="the tide comes in", model=service.model, policy=QUICK)
    assert sorted(r.status for r in again.results) == ["cached", "cached", "ok"]


def test_every_model_of_films_says_what_it_does_with_keyframes(service: Service) -> None:
    can = get_registry().model(service.model, today=TODAY).spec.can
    assert (can.first_frame, can.last_frame, can.keyframes) == (True, True, service.keyframes)
    assert can.max_seconds is not None


@pytest.mark.parametrize(
    ("model", "asked", "last", "sent"),
    [
        ("vertex/veo-3.1-generate-001", 5, False, 6),
        ("gemini/gemini-omni-1.2-flash", 2, False, 3),
        ("gemini/gemini-omni-1.2-flash", 14, True, 10),
        ("wavespeed/wan2.1", 8, True, 10),
        ("wavespeed/wan2.1", 7, True, 5),
    ],
)
def test_lengths_are_those_that_the_service_makes(model: str, asked: float, last: bool, sent: float) -> None:
    from imagegen_kit.capabilities import fit
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.types import VideoRequest

    picture = Picture.from_image(frame(0))
    request = VideoRequest(
        prompt="x", model=model, seconds=asked, first_frame=picture, last_frame=picture if last else None
    )
    fitted = fit(request, get_registry().model(model, today=TODAY).spec.can)
    assert not isinstance(fitted, tuple)
    assert isinstance(fitted.sent, VideoRequest)
    assert fitted.sent.seconds == sent


def test_the_names_of_old_systems_lead_to_models_of_today() -> None:
    with pytest.warns(UserWarning, match="gemini-omni-1.1-flash"):
        assert get_registry().model("veo3", today=TODAY).id == "gemini/gemini-omni-1.1-flash"
    assert get_registry().model("wan2.1", today=TODAY).id == "wavespeed/wan2.1"

"""What all simulators share: serving, stopping, the script of modes, the ledger, and pictures of the size asked for."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from PIL import Image
from starlette.responses import JSONResponse
from starlette.routing import Route

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers.transport import certificates  # read once: to read them takes 50 ms a client
from imagegen_kit.testing import simulated_clouds
from imagegen_kit.testing.simulators import Charge, GeminiSimulator, Simulator, texts
from imagegen_kit.testing.simulators.drawing import cut, draw, partial, size_of
from imagegen_kit.testing.simulators.film import film
from imagegen_kit.testing.simulators.server import Dropped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Echo(Simulator):
    """Answers with the mode that was played."""

    def routes(self) -> list[Any]:
        async def answer(request: Any) -> Any:
            mode = self.next_mode()
            self.charge(mode, Charge("echo", usd=0.01))
            await self.work(mode)
            return Dropped() if mode == "drop" else JSONResponse({"mode": mode})

        return [Route("/say", answer, methods=["POST"])]


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as simulator:
        yield simulator


def said(simulator: Simulator, **more: Any) -> str:
    return str(httpx2.post(f"{simulator.base_url}/say", verify=certificates(), **more).json()["mode"])


def test_modes_are_played_one_a_call_and_then_all_goes_well(echo: Echo) -> None:
    echo.play("quota", "no_picture")
    assert [said(echo) for _ in range(3)] == ["quota", "no_picture", "ok"]


def test_an_unknown_mode_is_refused_with_what_is_near_and_nothing_is_played(echo: Echo) -> None:
    with pytest.raises(InvalidInput, match=r"'rate_limit'.*'rate_limited'"):
        echo.play("quota", "rate_limit")
    assert said(echo) == "ok"


def test_modes_in_a_list_are_refused_with_how_to_write_them(echo: Echo) -> None:
    with pytest.raises(InvalidInput, match=r'mode: the modes are .* not a list\. Write play\("ok", "quota"\)\.'):
        echo.play(["ok", "quota"])  # type: ignore[arg-type]


def test_a_mode_that_nothing_is_near_to_is_refused_with_all_that_there_are(echo: Echo) -> None:
    with pytest.raises(InvalidInput) as caught:
        echo.play("xyzzy")
    assert caught.value.faults[0].hint == "There are: " + ", ".join(Echo.modes) + "."


def test_modes_that_were_not_played_are_forgotten_when_it_stops() -> None:
    simulator = Echo()
    with simulator.play("quota", "unavailable"):
        assert said(simulator) == "quota"
    with simulator:
        assert said(simulator) == "ok"


def test_the_ledger_keeps_each_request_as_it_arrived(echo: Echo) -> None:
    said(echo, params={"a": "b"}, json={"x": 1}, headers={"Authorization": "Bearer s3cret"})
    (request,) = echo.ledger.requests
    assert (request.method, request.path, request.query, request.json) == ("POST", "/say", "a=b", {"x": 1})
    assert request.headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(request) + repr(echo.ledger) + repr(echo)


def test_a_body_may_come_in_chunks(echo: Echo) -> None:
    said(echo, content=iter([b'{"a":', b"[1, 2]}"]))
    (request,) = echo.ledger.requests
    assert request.headers["transfer-encoding"] == "chunked"
    assert request.json == {"a": [1, 2]}


def test_only_what_the_service_took_is_charged(echo: Echo) -> None:
    for mode in ("ok", "quota", "blocked_before", "blocked_after", "unavailable"):
        echo.play(mode)
        said(echo)
    echo.play("drop")
    with pytest.raises(httpx2.RemoteProtocolError):
        said(echo)
    assert len(echo.ledger.requests) == 6
    assert [charge.usd for charge in echo.ledger.accepted] == [0.01] * 3  # ok, blocked_after, drop


@pytest.mark.alone
def test_latency_is_how_long_a_call_takes() -> None:
    with Echo(latency=0.2) as simulator:
        before = time.perf_counter()
        said(simulator)
        assert 0.2 <= time.perf_counter() - before < 1.5


@pytest.mark.alone
def test_stopping_cuts_off_what_is_under_way_and_leaves_no_thread() -> None:
    threads = set(threading.enumerate())
    errors = []

    def ask() -> None:
        try:
            said(simulator, timeout=30)
        except httpx2.HTTPError as error:
            errors.append(type(error))

    with Echo() as simulator:
        simulator.play("slow")
        caller = threading.Thread(target=ask)
        caller.start()
        while not simulator.ledger.accepted:
            time.sleep(0.01)
        before = time.perf_counter()
    assert time.perf_counter() - before < 1.0
    caller.join(60)
    assert errors == [httpx2.RemoteProtocolError]
    assert set(threading.enumerate()) <= threads
    with pytest.raises(InvalidInput, match="not running"):
        _ = simulator.base_url


def test_it_starts_and_stops_more_than_once_and_keeps_its_ledger() -> None:
    simulator = Echo()
    for _ in range(2):
        stop = simulator.start()
        assert simulator.start() == stop  # already running
        said(simulator)
        stop()
        stop()
    assert len(simulator.ledger.requests) == 2


@pytest.mark.parametrize("look", ["plain", "drawn"])
@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_a_picture_has_the_size_and_format_asked_for_and_is_always_the_same(look: str, format: str) -> None:
    asked: dict[str, Any] = {"look": look, "format": format}
    picture = draw("a red car by the sea", 136, 64, 7, **asked)
    found = open_picture(picture)
    assert (found.image.size, found.format) == ((136, 64), format)
    assert picture == draw("a red car by the sea", 136, 64, 7, **asked)
    assert picture != draw("a red car by the sea", 136, 64, 8, **asked)


@pytest.mark.alone
def test_a_plain_picture_is_a_sound_png_that_takes_no_time() -> None:
    draw("warm", 1024, 1024)
    before = time.perf_counter()
    pictures = [draw(f"prompt {n}", 1024, 1024, n) for n in range(100)]
    assert time.perf_counter() - before < 0.5
    assert len(set(pictures)) == 100
    image = Image.open(io.BytesIO(pictures[0]))
    image.load()
    assert image.getpixel((0, 0)) == image.getpixel((0, 1023)) != image.getpixel((1023, 0))


def test_references_and_mask_show_in_a_drawn_picture() -> None:
    base = draw("a garden", 96, 96, look="drawn")
    mask = io.BytesIO()
    half = Image.new("RGB", (96, 96), "black")
    half.paste("white", (0, 0, 48, 96))
    half.save(mask, "PNG")
    edited = draw("a red car", 96, 96, references=(base,), mask=mask.getvalue(), look="drawn")
    kept = [Image.open(io.BytesIO(data)).convert("RGB").crop((56, 0, 96, 96)) for data in (base, edited)]
    assert kept[0].tobytes() == kept[1].tobytes()
    assert edited != base


def test_a_transparent_background_is_transparent() -> None:
    image = Image.open(io.BytesIO(draw("a cup", 64, 64, transparent=True)))
    assert image.mode == "RGBA"
    assert (image.getpixel((0, 0))[3], image.getpixel((32, 32))[3]) == (0, 255)


def test_partial_pictures_have_the_size_of_the_whole_and_cut_ones_none() -> None:
    picture = draw("a cup", 64, 48)
    assert size_of(partial(picture, 0.5)) == (64, 48)
    assert len(cut(picture)) == len(picture) // 2
    assert size_of(b"no picture") is None


def test_a_film_is_an_mp4_that_says_its_length() -> None:
    data = film("waves", 64, 36, seconds=5)
    assert data[4:12] == b"ftypisom"
    header = data[data.index(b"mvhd") :]
    scale, length = (int.from_bytes(header[at : at + 4], "big") for at in (16, 20))
    assert length / scale == 5


SCHEMAS = {
    "object": {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["a"],
    },
    "google's": {"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": 2}}},
    "choices": {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 3},
    "nothing or a number": {"anyOf": [{"type": "null"}, {"type": "number", "exclusiveMinimum": 0, "maximum": 1}]},
    "two types": {"type": ["string", "null"], "minLength": 30, "maxLength": 40},
    "references": {
        "$defs": {
            "tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}, "n": {"type": "boolean"}}}
        },
        "$ref": "#/$defs/tree",
    },
    "joined": {
        "allOf": [{"type": "object", "properties": {"a": {"const": 1}}}],
        "properties": {"b": {"type": "number"}},
    },
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_an_answer_fits_its_schema(schema: dict[str, Any]) -> None:
    import jsonschema

    value = json.loads(texts.answer("what?", schema=schema))
    plain = json.loads(
        json.dumps(schema).replace("OBJECT", "object").replace("ARRAY", "array").replace("STRING", "string")
    )
    jsonschema.validate(value, plain)


def test_importing_the_testing_package_loads_no_server() -> None:
    program = "import sys, imagegen_kit.testing, imagegen_kit.testing.simulators; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not [name for name in ("starlette", "uvicorn", "pytest", "PIL") if f"'{name}'" in done.stdout]


def test_without_starlette_the_error_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError('No module', name='starlette')")
    program = "from imagegen_kit.testing.simulators import OpenAISimulator"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)}, check=False
    )
    assert "MissingDependency" in done.stderr
    assert "pip install 'imagegen-kit[serve]'" in done.stderr


def test_simulated_clouds_stand_for_the_providers_and_leave_nothing_behind() -> None:
    before = threading.active_count()
    with simulated_clouds(look="plain") as clouds:
        assert settings.endpoint("gemini").origin == "simulated:gemini"
        assert settings.endpoint("fal").base_url == clouds["fal"].base_url
        assert clouds.openai.base_url.endswith("/v1")
        httpx2.post(f"{clouds.gemini.base_url}/v1/models/x:generateContent", json={})
        assert [r.path for r in clouds.ledger.requests] == ["/v1/models/x:generateContent"]
        assert clouds.ledger.requests == clouds.gemini.ledger.requests
    assert settings.endpoint("gemini") is None
    assert threading.active_count() == before


def test_simulated_clouds_stay_open_over_several_cells() -> None:
    clouds = simulated_clouds(only="gemini", look="plain")
    stop = clouds.start()
    first = ik.generate("a cup", model="gemini/gemini-2.5-flash-image")
    again = ik.generate("a cup", model="gemini/gemini-2.5-flash-image")
    stop()
    assert (first.status, again.status) == ("ok", "cached")
    assert first[0].origin == "simulated:gemini"
    assert len(clouds.ledger.accepted) == 1
    clouds.start()
    assert ik.generate("another cup", model="gemini/gemini-2.5-flash-image").status == "ok"
    clouds.stop()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"only": ["gemni"]}, "'gemni'. Did you mean 'gemini'"),
        ({"latency": {"opnai": 1.0}}, "'opnai'. Did you mean 'openai'"),
        ({"latency": -1}, "-1 is not a number of seconds"),
        ({"look": "pretty"}, "no look is called 'pretty'"),
    ],
    ids=["only", "latency's name", "latency", "look"],
)
def test_simulated_clouds_refuse_what_they_cannot_be(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words.replace("(", r"\(")):
        simulated_clouds(**given)


def test_latency_may_differ_by_provider() -> None:
    clouds = simulated_clouds(latency={"gemini": 0.5})
    assert (clouds.gemini.latency, clouds.openai.latency) == (0.5, 0.0)
    with pytest.raises(AttributeError, match="no simulated provider is called 'gemeni'"):
        _ = clouds.gemeni


@pytest.mark.alone
def test_500_calls_at_32_in_flight_cost_little() -> None:
    """The bound is twenty times what was measured (0.5 ms a call), for slow machines."""
    import asyncio

    body = {"contents": [{"parts": [{"text": "a cup"}]}], "generationConfig": {"seed": 1}}

    async def ask() -> None:
        async with httpx2.AsyncClient(headers={"x-goog-api-key": simulator.key}) as client:
            room = asyncio.Semaphore(32)

            async def one() -> None:
                async with room:
                    reply = await client.post(
                        f"{simulator.base_url}/v1/models/gemini-2.5-flash-image:generateContent", json=body
                    )
                    assert reply.status_code == 200

            await asyncio.gather(*(one() for _ in range(500)))

    with GeminiSimulator() as simulator:
        before = time.perf_counter()
        asyncio.run(ask())
        assert time.perf_counter() - before < 10
        assert len(simulator.ledger.accepted) == 500


def test_what_breaks_in_a_route_is_kept_and_connections_are_counted() -> None:
    class Breaks(Simulator):
        def routes(self) -> list[Any]:
            return [Route("/", self.answer)]

        async def answer(self, request: Any) -> Any:
            raise KeyError("no such shelf")

    with Breaks() as sim:
        assert (sim.broken, sim.connections) == ([], 0)
        with httpx2.Client(base_url=sim.base_url) as http:
            assert http.get("/").status_code == 500
        assert sim.broken[0].endswith("KeyError: 'no such shelf'\n")
        with socket.create_connection(("127.0.0.1", int(sim.base_url.rpartition(":")[2]))):
            deadline = time.monotonic() + 60
            while sim.connections != 1 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert sim.connections == 1
    assert sim.connections == 0

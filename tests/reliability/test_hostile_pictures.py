"""Promise 11: no bad picture becomes a result, and none costs more than a moment to refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from pydantic import SecretStr

import imagegen_kit as ik
from imagegen_kit.engine.keep import keep_picture, resized
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import CheckFailed, InvalidReply
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.settings import Endpoint, point_at
from imagegen_kit.store import Blobs
from imagegen_kit.testing.simulators import JobApiSimulator
from imagegen_kit.types import Artifact, ImageRequest, Size
from tests import corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SECONDS, MAX_MIB = 2.0, 512
CHILD = Path(corpus.__file__).with_name("decoding_child.py")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each hostile file, and of the largest honest ones, each kept in a process of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, data in {**corpus.hostile(), **corpus.largest()}.items():
        (folder / name).write_bytes(data)
    environment = {"PYTHONPATH": str(Path(ik.__file__).parents[1]), "PATH": ""}
    done = subprocess.run([sys.executable, CHILD, folder], capture_output=True, text=True, env=environment, check=True)
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


def test_sixty_hostile_files_are_refused_but_for_those_that_nothing_can_tell(outcomes: dict[str, Any]) -> None:
    files = corpus.hostile()
    assert len(files) >= 60
    kept = {name for name in files if outcomes[name]["outcome"].startswith("kept")}
    refused = {name for name in files if outcomes[name]["outcome"].startswith("refused: hostile/one: the picture")}
    assert kept == set(corpus.UNDETECTABLE)
    assert refused == set(files) - kept, "a child died instead of refusing"


def test_each_costs_less_than_two_seconds_and_512_mib(outcomes: dict[str, Any]) -> None:
    hostile = {name: outcomes[name]["seconds"] for name in corpus.hostile()}
    assert {name: seconds for name, seconds in hostile.items() if seconds >= MAX_SECONDS} == {}
    assert {name: line for name, line in outcomes.items() if line["mib"] >= MAX_MIB} == {}


def test_the_largest_honest_pictures_are_kept(outcomes: dict[str, Any]) -> None:
    assert {outcomes[name]["outcome"].split()[0] for name in corpus.largest()} == {"kept"}


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_a_picture_cut_at_any_of_forty_places_is_never_kept(format: str, tmp_path: Path) -> None:
    request, blobs = ImageRequest(prompt="a kite", model="hostile/one"), Blobs(tmp_path)
    for data in corpus.cuts(corpus.encoded(format)):
        with pytest.raises(InvalidReply):
            keep_picture(blobs, data, request, None)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("name", ["png and zip", "png and html", "jpeg and zip", "jpeg with a page as comment"])
def test_what_hides_behind_a_picture_is_gone_in_all_that_is_derived_from_it(name: str, tmp_path: Path) -> None:
    data = corpus.hostile()[name]
    payloads = (b"PK\x05\x06", b"<script>")
    assert any(payload in data for payload in payloads)
    derived = [thumbnail(open_sound(data))]
    for suffix in ("png", "jpg", "webp"):
        derived.append(ik.Picture.from_bytes(data).save(tmp_path / f"one.{suffix}", share=True).read_bytes())
    assert not any(payload in one for payload in payloads for one in derived)


# ------------------------------------------------------------------ through a service and the engine
class Handing(JobApiSimulator):
    """A job service that hands out ``data`` as its picture."""

    data = b""

    async def _picture(self, request: Any) -> Any:
        from starlette.responses import Response

        return Response(self.data, media_type="image/png")


@pytest.fixture
def service() -> Iterator[Handing]:
    """A simulated service that every model of ``fal`` is reached at."""
    with Handing("fal", polls=0) as sim:
        undo = point_at({"fal": Endpoint(sim.base_url, SecretStr(sim.key), "simulated:fal")})
        yield sim
        undo()


def model() -> str:
    return next(name for name in ik.models().query("kind == 'image'").index if name.startswith("fal/"))


@pytest.mark.parametrize(
    "name",
    ["page of a gateway", "flat bomb", "progressive bomb", "animated png", "ztxt bomb", "crowd of png chunks",
     "gif named png", "jpeg without its end", "png bit flip", "empty"],
)  # fmt: skip
def test_a_hostile_picture_of_a_service_is_a_paid_failure_and_the_next_one_is_kept(service: Handing, name: str) -> None:
    service.data = corpus.hostile()[name]
    with pytest.raises(InvalidReply) as caught:
        ik.generate("a kite", model=model(), policy=ik.Policy(attempts=1))
    assert caught.value.paid is True
    store = default_engine().store
    assert store.journal.read("SELECT state FROM attempts") == [("failed",)]
    assert [p for p in store.path.rglob("*") if p.suffix in (".png", ".jpeg", ".webp")] == []
    service.data = corpus.encoded("png")
    assert ik.generate("a kite", model=model()).picture.bytes == service.data
    assert len(service.ledger.accepted) == 2


# ------------------------------------------------------------------ another size than was asked
@pytest.mark.parametrize(
    ("asked", "came", "noted"),
    [
        (Size(1024, 768), (1024, 768), None),
        (Size(1024, 768), (1024, 760), ("1024x760", False)),
        (Size(1024, 768), (512, 384), ("512x384", True)),
        (Size(1024, 768), (768, 1024), ("768x1024", True)),
        (Size(ratio="16:9"), (1344, 768), None),
        (Size(ratio="16:9"), (640, 360), None),
        (Size(ratio="16:9"), (1024, 1024), ("1024x1024", True)),
        (Size(ratio="1:1", resolution="2K"), (2048, 2048), None),
        (Size(ratio="1:1", resolution="2K"), (1024, 1024), ("1024x1024", True)),
        (Size(resolution="1K"), (1344, 768), None),
        (None, (3, 5), None),
    ],
)
def test_another_size_than_asked_is_noted_and_unfair_where_shape_or_area_is_another(
    asked: Size | None, came: tuple[int, int], noted: tuple[str, bool] | None
) -> None:
    request = ImageRequest(prompt="a kite", model="x/y", size=asked)
    found = resized(request, Artifact("0" * 64, width=came[0], height=came[1]))
    assert [(note.field, note.sent, note.unfair) for note in found] == ([("size", *noted)] if noted else [])


def sized(width: int, height: int) -> bytes:
    return corpus.encoded("png", Image.effect_noise((width, height), 60).convert("RGB"))


def test_the_table_tells_that_a_service_made_another_size_than_it_was_asked_for(service: Handing) -> None:
    service.data = sized(512, 512)
    run = ik.Experiment(vary={"model": [model()]}, fixed={"prompt": "a kite", "size": "1024x768"}).run()
    for again in (False, True):
        row = (ik.open_run("latest") if again else run).table().iloc[0]
        assert (row["width"], row["height"], row["status"]) == (512, 512, "ok")
        assert "size 1024x768 → 512x512" in row["adaptations"]
        assert bool(row["unfair"]) is True
    cached = ik.generate("a kite", model=model(), size="1024x768")
    assert (cached.status, [str(note) for note in cached.adaptations]) == ("cached", ["size 1024x768 → 512x512"])


def test_a_policy_that_demands_the_size_makes_another_one_a_failure(service: Handing) -> None:
    service.data = sized(512, 512)
    with pytest.raises(CheckFailed, match="size is 512x512, must be 1024x768"):
        ik.generate("a kite", model=model(), size="1024x768", policy=ik.Policy(checks=["size"]))

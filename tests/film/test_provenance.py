"""A saved film says what made it, as a saved picture does: in its container's comment, its packets as they were."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import av
import pytest

import imagegen_kit as ik
from imagegen_kit.film import Film, join, provenance
from tests.film.making import BLUE, RED, small, sounding, webm

pytestmark = pytest.mark.usefixtures("own_registry")

RECORD = {
    "tool": "imagegen_kit 1",
    "request": {"prompt": "a blue sea – ünter “quotes” \n & <tags>"},
    "model_used": "x/y",
}


def packets(data: bytes) -> list[bytes]:
    from io import BytesIO

    with av.open(BytesIO(data)) as container:
        return [bytes(packet) for packet in container.demux() if packet.size]


@pytest.mark.parametrize("data", [small(RED, BLUE), sounding(RED), webm(RED)], ids=["mp4", "with sound", "webm"])
def test_a_record_is_read_back_and_every_packet_is_as_it_was(data: bytes) -> None:
    tagged = provenance.embed(data, RECORD)
    assert provenance.read(data) is None
    assert provenance.read(tagged) == RECORD
    assert sorted(packets(tagged)) == sorted(packets(data))
    assert provenance.embed(tagged, {**RECORD, "model_used": "a/b"}) == provenance.embed(
        data, {**RECORD, "model_used": "a/b"}
    )  # an earlier record is replaced


def test_a_title_stays_and_players_show_the_record_as_the_comment() -> None:
    from io import BytesIO

    with av.open(BytesIO(provenance.embed(webm(RED), RECORD))) as container:
        told = {name.lower(): text for name, text in container.metadata.items()}
    assert told["title"] == "a secret prompt"
    assert "a blue sea" in told["comment"]


def test_what_its_maker_signed_is_left_as_it_is() -> None:
    signed = small(RED) + b"\0\0\0\x1cuuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"\0" * 4
    assert provenance.embed(signed, RECORD) == signed


@pytest.mark.parametrize("comment", ["drawn by hand", "[1, 2]", "{", "[" * 5000], ids=["words", "list", "cut", "deep"])
def test_a_comment_of_somebody_else_is_no_record(comment: str) -> None:
    from PIL import Image

    from imagegen_kit.film.writing import write_film

    data = write_film([Image.new("RGB", (32, 32))], size=(32, 32), comment=comment)
    assert Film.from_bytes(data).request is None


def test_a_film_that_is_saved_tells_its_request_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "canary" + secrets.token_hex(16)
    for name in ("GEMINI_API_KEY", "OPENAI_API_KEY", "S3_SECRET_KEY"):
        monkeypatch.setenv(name, canary)
    answer = ik.run(ik.recipes.film, prompt="a lighthouse by the sea", size="96x64", duration=0.5, seed=3)
    saved = answer.film.save(tmp_path / "one")
    told = Film.open(saved).request
    assert told is not None
    assert told["request"]["prompt"] == "a lighthouse by the sea"
    assert told["request"]["seed"] == 3
    assert told["model_used"] == "offline/zoom"
    assert told["parents"] == [answer.film.sha256]
    assert told["run_id"] == answer.run_id
    assert canary.encode() not in saved.read_bytes()
    same = {"tool", "run_id", "request", "model", "model_used", "status", "price_usd", "cost_basis", "key"}
    picture = ik.generate("a lighthouse by the sea", size=64).picture.request
    assert picture is not None
    assert same <= set(told) & set(picture)
    (of_run,) = ik.open_run(answer.run_id).save(tmp_path / "run").glob("*.mp4")
    found = Film.open(of_run).request
    assert found is not None
    assert (found["request"], found["parents"]) == (told["request"], told["parents"])


def test_a_shared_copy_tells_nothing(tmp_path: Path) -> None:
    film = ik.run(ik.recipes.film, prompt="a lighthouse by the sea", size="96x64", duration=0.5).film
    shared = film.save(tmp_path / "shared", share=True)
    assert Film.open(shared).request is None
    assert b"lighthouse" not in shared.read_bytes()
    assert b"offline" not in shared.read_bytes()


def test_a_joined_film_tells_of_what_it_was_joined(tmp_path: Path) -> None:
    clips: list[Any] = [
        ik.run(ik.recipes.film, prompt=prompt, size="96x64", duration=0.5).film for prompt in ("a cat", "a dog")
    ]
    told = Film.open(join(clips).save(tmp_path / "both")).request
    assert told is not None
    assert [one["request"]["prompt"] for one in told["films"]] == ["a cat", "a dog"]
    assert told["parents"][:2] == [clip.sha256 for clip in clips]
    assert told["model_used"] == "offline/zoom"
    assert join([small(RED), small(BLUE)]).request is None

"""How films show themselves: playable where they are small, with a poster; in a run's grid as posters."""

from __future__ import annotations

import re
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.film import Film
from imagegen_kit.views import films
from tests.film.making import BLUE, RED, small, webm

VIDEO = re.compile(r"<video[^>]*>.*?</video>", re.DOTALL)


@pytest.fixture
def answer() -> Any:
    return ik.run(ik.recipes.film, prompt="a <b>lighthouse</b>, zoom out", size=(96, 64), duration=0.5)


def inside(shown: str, attribute: str) -> bytes:
    """What a data address of the page's player holds."""
    found = re.search(attribute + r'="data:[^;]+;base64,([^"]+)"', VIDEO.findall(shown)[0])
    assert found is not None
    return b64decode(found[1])


def test_a_film_is_part_of_the_page_with_a_poster(answer: Any) -> None:
    shown = answer._repr_html_()
    assert inside(shown, "src") == answer.film.bytes
    assert Image.open(BytesIO(inside(shown, "poster"))).size == (96, 64)
    assert " controls " in shown
    assert "MP4 film · 0.5 s · 96×64 · 24 fps" in shown
    assert "offline stand-in, not a generative model" in shown
    assert "<b>lighthouse" not in shown


def test_a_page_that_takes_players_away_still_has_a_picture(answer: Any) -> None:
    player = VIDEO.findall(answer._repr_html_())[0]
    assert re.search(r'<img src="data:image/webp[^>]+alt="first frame of a film, [^"]+"', player)


def test_a_film_of_its_own_and_a_webm_show_themselves() -> None:
    shown = Film.from_bytes(webm(RED))._repr_html_()
    assert shown is not None
    assert 'src="data:video/webm;base64,' in shown
    assert "WEBM film · 1 s · 64×48 · 8 fps" in shown


def test_one_that_is_too_large_shows_its_poster_and_where_it_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(films, "INLINE_BYTES", 100)
    film = Film.from_bytes(small(RED))
    assert "too large to be part of the page; film.save(…)" in films.played(film, "a wave", 64, None, room=100)
    here = Film.open(film.save(tmp_path / "out" / "a wave.mp4"))
    shown = films.played(here, "a wave", 64, None, room=100)
    assert '<a href="out/a wave.mp4"' in shown
    assert "<video" not in shown
    assert "<img" in shown


def test_a_run_shows_posters_with_a_play_sign(answer: Any) -> None:
    exp = ik.Experiment(ik.recipes.film, vary={"prompt": ["a wave"]}, fixed={"size": "96x64", "duration": 0.5})
    run = exp.run(progress=False)
    shown = run._repr_html_()
    assert "<video" not in shown
    (source,) = re.findall(r'<img src="data:image/webp;base64,([^"]+)"', shown)
    poster = Image.open(BytesIO(b64decode(source))).convert("RGB")
    assert poster.size == (96, 64)
    assert poster.getpixel((48, 32)) == pytest.approx((255, 255, 255), abs=40)
    assert poster.convert("L").getpixel((43, 32)) < 160  # the dark disc under the sign


def test_a_poster_that_is_missing_is_made_again(answer: Any) -> None:
    blobs = answer.store.blobs
    blobs.thumbnail_path(answer.film.sha256).unlink()
    ik.open_run(answer.run_id)._repr_html_()
    assert blobs.thumbnail(answer.film.sha256) is not None


def test_several_films_share_the_room_of_one_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    from imagegen_kit.views import pictures

    async def two(job: Any, prompt: str) -> Any:
        from imagegen_kit.film import Clip

        asked = [Clip(f"{prompt} {n}", seconds=0.5) for n in (1, 2)]
        return await job.films(asked, model="offline/zoom", size=(96, 64))

    found = ik.run(two, prompt="a wave")
    assert len(VIDEO.findall(found._repr_html_())) == 2
    monkeypatch.setattr(pictures, "INLINE_BYTES", 2 * max(len(f.bytes) for f in found.films) - 2)
    assert len(VIDEO.findall(found._repr_html_())) < 2


def test_without_pyav_a_film_is_played_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    film = Film.from_bytes(small(BLUE))
    monkeypatch.setitem(sys.modules, "av", None)
    shown = film._repr_html_()
    assert shown is not None
    assert inside(shown, "src") == film.bytes
    assert "needs the package" in shown


def test_a_panel_opens_a_film_as_its_poster(answer: Any) -> None:
    from imagegen_kit.panels.pictures import PictureSource

    told: list[tuple[str, Any, dict[str, Any]]] = []

    class Page:
        def tell(self, kind: str, buffers: Any, **what: Any) -> None:
            told.append((kind, buffers, what))

    source = PictureSource(lambda _: answer.film, answer.store.blobs)
    source.send_thumbnails(Page(), [answer.film.sha256])  # type: ignore[arg-type]  # what the source needs of a view
    source.send_picture(Page(), answer.film.sha256, original=True)  # type: ignore[arg-type]  # as above
    assert [kind for kind, _, _ in told] == ["thumbnails", "picture"]
    assert Image.open(BytesIO(told[1][1][0])).size == (96, 64)

"""Films play in a real Chromium: those that the offline models render, joined ones, and the players of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik
from imagegen_kit.film import join

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PLAYED = """async () => {
  const found = [];
  for (const video of document.querySelectorAll("video")) {
    await video.play();
    while (video.currentTime < 0.2) await new Promise(again => setTimeout(again, 20));
    found.push([video.videoWidth, video.videoHeight, Math.round(video.duration * 10) / 10]);
  }
  return found;
}"""


def test_the_players_of_cells_play(browser: Browser) -> None:
    asked: dict[str, Any] = {"prompt": "a lighthouse by the sea", "duration": 1, "size": "160x90"}
    made = [ik.run(ik.recipes.film, model=model, **asked) for model in ("offline/zoom", "offline/fade")]
    views = [*made, join([one.film for one in made]), join([one.film for one in made], size=(64, 64))]
    page = browser.new_page()
    try:
        if not page.evaluate("""document.createElement("video").canPlayType('video/mp4; codecs="avc1.64001f"')"""):
            pytest.skip("this Chromium has no decoder for H.264")
        page.set_content("".join(str(view._repr_html_()) for view in views))
        assert page.evaluate(PLAYED) == [[160, 90, 1], [160, 90, 1], [160, 90, 2], [64, 64, 2]]
    finally:
        page.close()

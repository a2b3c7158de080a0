"""A report in a real browser: axe finds nothing, nothing is fetched, it fits a telephone and a sheet of paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import imagegen_kit as ik
from imagegen_kit.experiments.voting import Ballot
from tests.experiments.ballots import models, run_of

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs `pip install axe-playwright-python`")
EVIL = '<img src=x onerror="window.hacked = 1"> a kite'
CUT_OFF = """
() => [...document.querySelectorAll("img")].filter((i) => !i.complete || !i.naturalWidth
  || i.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length"""


@pytest.fixture
def page_file(own_registry: None) -> Path:
    """A page with every section: pictures, placeholders, scores, votes, plots, code."""
    models(failing={"quokka/two": [1]})
    prompts = [EVIL, *(ik.types.Prompt(f"prompt {i}", category="plain") for i in range(5))]
    run = run_of(6, vary={"prompt": prompts}, policy=ik.Policy(attempts=1, placeholder=True))
    run.score("technical", progress=False)
    ballot = Ballot(run, "model", "someone")
    for pair in ballot.open():
        ballot.choose(pair, "left")
    return run.report("page.html").resolve()


def faults_of(page: Page) -> list[tuple[str, str, str]]:
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 20  # it has looked
    grave = ("serious", "critical")
    return [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found["violations"] if v["impact"] in grave]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_axe_finds_nothing_serious_and_nothing_is_fetched_or_cut_off(
    browser: Browser, page_file: Path, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.goto(page_file.as_uri())
    assert [url for url in asked if not url.startswith("data:image/webp")] == [page_file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CUT_OFF) == 0
    assert faults_of(page) == []
    assert told == []
    assert page.evaluate("window.hacked") is None
    if scheme == "light":
        page.locator("a.none, .shot a").first.click()
        assert page.url.endswith("#recipe-1")
        printed = page.pdf(prefer_css_page_size=True, print_background=True)
        assert 5 <= printed.count(b"/Type /Page\n") <= 20
    context.close()

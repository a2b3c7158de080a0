"""The service's page in a real browser: sketches appear one by one, in light and dark, on a telephone too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imagegen_kit.errors import ContentBlocked
from tests.engine.models import model
from tests.serve.served import service

if TYPE_CHECKING:
    from playwright.sync_api import Browser

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs `pip install axe-playwright-python`")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_sketches_appear_one_by_one(browser: Browser, own_registry: None, scheme: str, width: int) -> None:
    with service() as (client, _):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(str(client.base_url))
        page.get_by_label("Sketches").select_option("3")
        seen = page.evaluate_handle(
            """() => { const seen = []; new MutationObserver(() => {
                 const n = document.querySelectorAll("figure img").length; if (seen.at(-1) !== n) seen.push(n);
               }).observe(document.getElementById("sketches"), {childList: true, subtree: true}); return seen; }"""
        )
        page.get_by_role("button", name="Draw").click()
        page.get_by_text("3 of 3").wait_for(timeout=60_000)
        page.get_by_text("keeps every rule").nth(2).wait_for()
        assert seen.json_value() == [0, 1, 2, 3]
        assert page.evaluate("[...document.images].every((i) => i.naturalWidth === 1024)")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        found = axe.Axe().run(page).response
        assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
        assert told == []
        context.close()


def test_what_fails_is_said_where_it_failed_and_never_as_markup(browser: Browser, own_registry: None) -> None:
    model("lab/one", ContentBlocked("<img src=x onerror='window.hacked = 1'> is refused"))
    with service() as (client, _):
        page = browser.new_page()
        page.goto(str(client.base_url))
        page.locator("#model option[value='lab/one']").wait_for(state="attached")
        page.get_by_label("Model").select_option("lab/one")
        page.get_by_role("button", name="Draw").click()
        page.get_by_text("is refused").wait_for(timeout=60_000)
        page.get_by_text("3 of 4").wait_for()
        assert page.evaluate("window.hacked") is None
        page.close()

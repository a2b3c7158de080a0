"""The prompt lab as somebody uses it: type, see what it will do, generate, take it along, bring it back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.opening import THEMES

if TYPE_CHECKING:
    from tests.browser.conftest import Open

EVIL = "<img src=x onerror=alert(1)> a cat & 'more'"
LAB = ["import imagegen_kit as ik", "lab = ik.prompt_lab()\nlab"]


@pytest.mark.parametrize("theme", THEMES)
def test_a_prompt_is_seen_compiled_and_priced_then_made_taken_along_and_restored(notebook: Open, theme: str) -> None:
    book = notebook(LAB, theme=theme)
    book.run_all()
    out = book.output(1)
    expect(out.locator(".igk-lab-headline")).to_have_text("write a prompt to begin")
    expect(out.get_by_role("button", name="Generate")).to_be_disabled()

    prompt = out.get_by_label("Prompt", exact=True)
    prompt.fill(f"a happy cat in the rain\n{EVIL}")
    out.get_by_label("Styles", exact=True).select_option(label="watercolor")
    out.get_by_label("Models", exact=True).select_option(label=["offline/collage · free", "offline/poster · free"])
    out.get_by_label("Seed", exact=True).fill("7")
    expect(out.get_by_role("button", name="Generate 4")).to_be_enabled(timeout=15_000)
    spec = out.get_by_role("region", name="Compiled prompt")
    expect(spec.locator("mark").first).to_contain_text("watercolour painting")
    spec.get_by_role("combobox").select_option(index=1)
    expect(spec).to_contain_text(EVIL)
    expect(out.get_by_role("region", name="What each model will do")).to_contain_text("seed 7 ignored")
    assert book.page.locator("img[src='x']").count() == 0

    out.get_by_label("Size", exact=True).fill("9x")
    expect(out.locator(".igk-lab-told-size")).to_contain_text("'9x' is not a size", timeout=15_000)
    expect(out.get_by_role("button", name="Generate", exact=True)).to_be_disabled()
    out.get_by_label("Size", exact=True).fill("256x256")
    expect(out.get_by_role("button", name="Generate 4")).to_be_enabled(timeout=15_000)
    book.screenshot(f"before-{theme}")

    prompt.press("Control+Enter")
    expect(out.locator(".igk-lab-progress")).to_contain_text("4 of 4 cells", timeout=60_000)
    expect(out.get_by_role("img", name="offline/collage, style watercolor")).to_have_count(2, timeout=15_000)
    assert book.page.locator(".jp-Notebook .jp-Cell").count() == 2  # the keys were the form's

    out.get_by_role("button", name="Save as experiment").click()
    expect(out.get_by_role("textbox", name="code cell")).to_have_value(re.compile(r"^exp = ik\.Experiment\("))
    out.get_by_role("button", name="Write file").click()
    expect(out.get_by_text("Written to experiment.yaml.")).to_be_visible(timeout=15_000)
    out.get_by_role("button", name="Write file").click()
    expect(out.get_by_role("button", name="Replace it")).to_be_visible(timeout=15_000)
    assert "seed: 7" in book.file.with_name("experiment.yaml").read_text(encoding="utf-8")
    out.get_by_role("button", name="Close").click()

    prompt.fill("something else")
    out.get_by_role("button", name="Restore").click()
    expect(prompt).to_have_value(f"a happy cat in the rain\n{EVIL}", timeout=15_000)
    expect(out.get_by_label("Seed", exact=True)).to_have_value("7")
    book.screenshot(f"after-{theme}")
    book.assert_clean()


def test_what_was_made_stays_without_a_kernel(notebook: Open) -> None:
    book = notebook([LAB[0], 'lab = ik.prompt_lab("a red kite", size=256)\nlab'], app="notebook", width=900)
    book.run_all()
    out = book.output(1)
    out.get_by_role("button", name="Generate 1").click()
    expect(out.locator(".igk-lab-progress")).to_contain_text("1 of 1 cell", timeout=60_000)
    book.assert_clean()
    book.screenshot("narrow")
    kept = book.static_html()
    expect(kept.get_by_role("img", name="a red kite")).to_be_visible()
    expect(kept.get_by_text("your brief")).to_be_visible()

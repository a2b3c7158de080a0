"""The harness drives a panel as a user does, and sees what a user does not: shown on a tiny one, and on bad output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.opening import notebooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.book import Book
    from tests.browser.conftest import Open

TINY = """
from imagegen_kit.panels.assets import script, styles
from imagegen_kit.panels.panel import Panel
from imagegen_kit.panels.view import View

class TinyView(View):
    _esm = script() + '''
    export default panel((view) => {
      const told = el("output", {}, "nothing yet");
      view.on("count", ({n}) => { told.textContent = `asked ${n} times`; });
      view.root.append(el("button", {onclick: () => view.ask("more")}, "Ask"), told);
    });'''
    _css = styles()

class Tiny(Panel):
    actions = {"ready": "tell", "more": "more"}
    n = 0
    def __repr__(self):
        return "Tiny"
    def static(self):
        return f"<p>kept: asked {self.n} times</p>"
    def _make(self):
        return TinyView(receive=self.receive, panel=self.id)
    def tell(self, message, buffers):
        self.widget.tell("count", n=self.n)
    def more(self, message, buffers):
        self.n += 1
        self.tell(message, buffers)
        self.refresh()

tiny = Tiny()
tiny
"""

BAD = """
import ipywidgets
from IPython.display import HTML, display
button = ipywidgets.Button(description="Fail")
button.on_click(lambda _: 1 / 0)
display(button, HTML('<img src="http://example.com/pixel.png">'), HTML('<button></button>'),
        HTML('<script>console.error("said by the page")</script>'))
"""


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_panel_answers_clicks_and_its_last_state_stays_in_the_saved_notebook(notebook: Open, app: str) -> None:
    book = notebook([TINY], app=app)
    book.run_all()
    book.output(0).get_by_role("button", name="Ask").click()
    expect(book.output(0).get_by_role("status").first).to_have_text("asked 1 times")
    expect(book.output(0).get_by_text("kept:")).to_be_hidden()
    book.assert_clean()
    for again in (book.reopen(), book.reopen(trusted=False)):
        expect(again.output(0).get_by_text("kept: asked 1 times")).to_be_visible()
        again.assert_clean()
    expect(book.static_html().get_by_text("kept: asked 1 times")).to_be_visible()


def test_what_goes_wrong_behind_the_users_back_is_found(notebook: Open) -> None:
    book = notebook([BAD])
    book.run_all()
    book.output(0).get_by_role("button", name="Fail").click()
    book.wait(lambda: book.kernel_errors)
    assert [e.split("\n")[0] for e in book.kernel_errors] == ["ZeroDivisionError: division by zero"]
    assert [e[:16] for e in book.console_errors] == ["said by the page"]
    assert set(book.refused_requests) == {"http://example.com/pixel.png"}
    assert book.images_without_alt() == ['<img src="http://example.com/pixel.png" alt="Image">']
    assert book.unnamed_controls() == ["button: <button></button>"]
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        book.assert_clean()


@pytest.fixture(scope="module")
def plain(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Book]:
    """One notebook for all that needs none of its own: its cells are run by the tests."""
    shown = "import ipywidgets; ipywidgets.Image(value=b'x' * 100_000)"
    with notebooks(browser, request.getfixturevalue("jupyter"), "plain") as opened:
        yield opened(["import ipywidgets", shown, "x = 1", "1 / x - nothing_of_this_name"])


def test_bytes_are_counted_as_the_kernel_sends_them(plain: Book) -> None:
    plain.run(0)
    traffic = plain.fresh_traffic()
    plain.run(1)
    plain.settle()
    assert 100_000 <= traffic.binary <= 101_000
    assert traffic.json < 40_000


def test_a_cell_that_fails_fails_the_test_with_its_traceback(plain: Book) -> None:
    with pytest.raises(AssertionError, match="NameError: name 'nothing_of_this_name'"):
        plain.run_all()


def test_the_theme_is_the_one_that_was_asked_for(notebook: Open, plain: Book) -> None:
    for book, light in ((plain, "true"), (notebook(["1"], theme="dark"), "false")):
        expect(book.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
        assert book.screenshot("page").stat().st_size > 5_000

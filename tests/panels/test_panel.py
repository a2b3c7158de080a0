"""What every panel does by itself: it is made anew where the page could not start it, and not where it could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen_kit.panels.panel import Panel


class Handle:
    """A place of the page, which remembers what was put there."""

    def __init__(self) -> None:
        self.models: list[str] = []

    def update(self, bundle: Any, raw: bool = False) -> None:
        self.models.append(bundle["application/vnd.jupyter.widget-view+json"]["model_id"])


def run() -> Any:
    models = ["offline/collage", "offline/pencil"]
    return ik.Experiment(vary={"prompt": ["a red kite"], "model": models}, fixed={"size": 64}).run(progress=False)


PANELS: dict[str, Callable[[], Panel]] = {
    "compare": lambda: run().panel(),
    "vote": lambda: run().vote(),
    "gallery": lambda: ik.gallery(run()),
    "prompt lab": lambda: ik.prompt_lab("a red kite"),
    "library": lambda: ik.Library.open("refs").panel(),
}


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_that_the_page_did_not_start_gets_a_new_widget(name: str) -> None:
    panel, place = PANELS[name](), Handle()
    first = panel.widget
    panel._shown.append((None, place))
    panel._renew()
    assert place.models == [panel.widget.model_id]
    assert panel.widget is not first
    assert panel.errors == []
    panel.widget.close()


def test_every_view_of_a_lab_answers_its_page_at_once() -> None:
    lab = ik.prompt_lab("a red kite")
    assert lab.widget is not None
    page = lab._page
    assert page is not None
    for view in (page.references, page.outlook, page.saved):
        told: list[str] = []
        view.send = lambda content, buffers=None, told=told: told.append(content["kind"])
        view._came(view, {"kind": "ready"}, None)
        assert told[0] == "here"
    lab.widget.close()


def test_a_panel_that_was_heard_of_keeps_its_widget() -> None:
    panel, place = run().panel(), Handle()
    first = panel.widget
    panel._shown.append((None, place))
    panel.receive({"kind": "ready"})
    panel._renew()
    assert panel.widget is first
    assert place.models == []

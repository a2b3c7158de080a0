"""The lab's widgets put together: the form, what will happen beside it, the buttons, history and results below.

Import it inside functions: it brings ipywidgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w  # type: ignore[import-untyped]  # it brings no types

from imagegen_kit.lazy import upward
from imagegen_kit.panels.lab.form import Form
from imagegen_kit.panels.lab.outlook import as_plain
from imagegen_kit.panels.view import view_class
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.panels.lab.foresight import Foresight
    from imagegen_kit.panels.lab.panel import PromptLab

OLDER = 12  # comparisons that stay in the page below the newest; more are in ik.gallery() and in the history


class LabPage:
    """What is on the page. Made when the panel is shown; ``widget`` is the whole."""

    def __init__(self, lab: PromptLab) -> None:
        self._lab = lab
        self.references = view_class("lab_references")(receive=lab.receive)
        self.outlook = view_class("lab_outlook")(receive=lab.receive, panel=lab.id)
        self.saved = view_class("lab_saved")(receive=lab.receive)
        self.form = Form(lab.draft, lab._edited, self.references)
        self._generate = w.Button(
            description="Generate …", button_style="primary", disabled=True, layout=_button("220px")
        )
        self._stop = w.Button(description="Stop", disabled=True, layout=_button("80px"))
        self._save = w.Button(description="Save as experiment", disabled=True, layout=_button("170px"))
        self._history = w.Dropdown(description="History", layout=w.Layout(flex="1 1 300px", min_width="220px"))
        self._restore = w.Button(description="Restore", layout=_button("90px"))
        self._progress = w.HTML("", layout=w.Layout(margin="0 8px"))
        self._progress.add_class("igk-lab-progress")
        for button, kind in ((self._generate, "generate"), (self._stop, "stop"), (self._save, "save")):
            button.on_click(lambda _button, kind=kind: lab.receive({"kind": kind}))
        self._restore.on_click(lambda _button: lab.receive({"kind": "restore", "number": self._history.value}))
        self.seen = False  # whether the outlook is on a page: until then nobody has been told the cost
        self._panels: list[tuple[Any, str]] = []  # comparisons, newest first, and what they are called
        self._results = w.VBox([])
        self.widget = self._laid_out()
        self.widget.lab_page = self
        self.show_history()

    def _laid_out(self) -> Any:
        wrap = w.Layout(flex_flow="row wrap", width="100%", align_items="center")
        right = w.VBox([self.outlook], layout=w.Layout(flex="1 1 420px", min_width="320px", overflow="hidden"))
        columns = w.HBox([self.form.box, right], layout=w.Layout(flex_flow="row wrap", width="100%", grid_gap="20px"))
        buttons = w.HBox([self._generate, self._stop, self._save, self._history, self._restore], layout=wrap)
        top = w.VBox([columns, buttons, self._progress, self.saved])
        top.add_class("igk-lab-top")
        whole = w.VBox([top, self._results])
        whole.add_class("igk-lab")
        return whole

    def show(self, found: Foresight) -> None:
        """Show what is foreseen, at the fields, on the button and beside the form."""
        self.form.tell(found)
        if self.seen:
            self._generate.description = found.button
            self._generate.disabled = bool(found.faults) or self._lab.running
            self._save.disabled = bool(found.faults)
        self.outlook.tell("foresight", **as_plain(found))

    def say(self, words: str) -> None:
        """Show a sentence below the buttons."""
        self._progress.value = words_in_html(words)
        self.outlook.tell("say", text=words)

    def progress(self, words: str, *, under_way: bool) -> None:
        """Show how far the run is."""
        if self._stop.disabled == under_way:
            self._stop.disabled = not under_way
            self._generate.disabled = under_way
        self._progress.value = words_in_html(words)
        if not under_way:
            self.outlook.tell("say", text=f"done: {words}")
            self.show_history()

    def show_history(self) -> None:
        """Offer what was generated before."""
        found = [(entry.label, entry.number) for entry in self._lab.history]
        self._history.options = found or [("nothing was generated yet", 0)]
        self._history.value = self._history.options[0][1]
        self._restore.disabled = not found

    def add(self, run: Run) -> None:
        """Show the comparison of ``run`` above those of earlier runs, which are folded."""
        draft = self._lab.draft
        across = "style" if len(draft.models) == 1 and len(draft.styles) > 1 else None
        panel = upward("compare")(run, columns=across)
        panel._displayed()  # it is shown inside this one
        label = f"{len(self._lab.runs)} · {shortened(draft.prompts[0], 60)}"
        self._panels = [(panel, label), *self._panels][: OLDER + 1]
        self.outlook.tell("clear")
        (newest, _), *older = self._panels
        folded = w.Accordion([p.widget for p, _ in older], titles=[label for _, label in older], selected_index=None)
        self._results.children = (newest.widget, folded) if older else (newest.widget,)

    def marked(self) -> pd.DataFrame | None:
        """Return the marked rows of the newest comparison, None where none is marked."""
        found = self._panels[0][0].value if self._panels else None
        return found if found is not None and len(found) else None


def words_in_html(words: str) -> str:
    """Return words for an HTML widget, as text."""
    from imagegen_kit.views.markup import text

    return f'<span style="color:var(--jp-content-font-color1)">{text(words)}</span>'


def _button(width: str) -> dict[str, str]:
    return {"width": "auto", "min_width": width, "margin": "2px 6px 2px 0"}

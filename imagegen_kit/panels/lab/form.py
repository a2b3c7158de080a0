"""The lab's form: ipywidgets with a name each, what is wrong beside the field, and the draft that they hold.

Import it inside functions: it brings ipywidgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w  # type: ignore[import-untyped]  # it brings no types

from imagegen_kit.panels.lab.draft import MODEL, Draft
from imagegen_kit.retrieval.place import SHIPPED
from imagegen_kit.tables.names import models, styles
from imagegen_kit.views.markup import lines, text
from imagegen_kit.views.words import shortened, usd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imagegen_kit.panels.lab.foresight import Foresight

RATIOS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9")
SIZES = ("512x512", "1024x1024", "1536x1024", "1024x1536", "1K", "2K", "4K")
PROMPT_HINT = "What the pictures shall show. Each line is a prompt of its own. {a|b} is sent as it stands."
NO_STYLE = "none: the prompt as it is"
ALARM = "color:var(--jp-error-color1, #c62828)"
LABELS = {
    "prompt": "Prompt", "negative_prompt": "Avoid", "styles": "Styles", "models": "Models", "size": "Size",
    "aspect_ratio": "Aspect ratio", "seed": "Seed", "sample": "Sample", "repeats": "Repeats",
    "library": "Library", "top_k": "Top k", "budget_usd": "Budget $",
}  # fmt: skip
# Rows with a line for faults below.
TOLD = ("prompt", "styles", "models", "size", "seed", "references", "library", "budget_usd")
SHARES = {  # fields that stand in the same row
    "negative_prompt": "prompt", "aspect_ratio": "size", "sample": "seed", "repeats": "seed", "top_k": "library",
}  # fmt: skip


class Form:
    """The widgets of a draft. ``changed(draft)`` is called when somebody changes a field; ``fill`` does not call it."""

    def __init__(self, draft: Draft, changed: Callable[[Draft], None], references: Any) -> None:
        self.draft = draft
        self._changed, self._filling = changed, False
        self.fields = _fields()
        self.told = {name: _html("", f"igk-lab-told-{name}") for name in TOLD}
        self.fill(draft)
        for field in self.fields.values():
            field.observe(self._typed, "value")
        self.box = self._laid_out(references)

    def _laid_out(self, references: Any) -> Any:
        f, told = self.fields, self.told

        def row(*names: str) -> Any:
            return w.HBox([f[name] for name in names], layout=w.Layout(flex_flow="row wrap", width="100%"))

        # fmt: off
        parts = [
            f["prompt"], f["negative_prompt"], told["prompt"], f["models"], told["models"], f["styles"], told["styles"],
            row("size", "aspect_ratio"), told["size"], row("seed", "sample", "repeats"), told["seed"],
            references, told["references"], row("library", "top_k"), told["library"],
            f["budget_usd"], told["budget_usd"],
        ]
        # fmt: on
        return w.VBox(parts, layout=w.Layout(flex="1 1 400px", min_width="320px", overflow="hidden"))

    def read(self) -> Draft:
        """Return the draft as the widgets hold it; what they do not show (references) stays."""
        values: dict[str, Any] = {name: field.value for name, field in self.fields.items()}
        if values["library"] == library_words(self.draft.library):  # its embedder is not in the words
            values["library"] = self.draft.library
        return self.draft.with_(**values)

    def fill(self, draft: Draft) -> None:
        """Show ``draft``: what the widgets do not offer is added to them."""
        self._filling = True
        try:
            self.draft = draft
            self._offer("models", _model_options(draft.models), draft.models)
            self._offer("styles", _style_options(draft.styles), draft.styles)
            ratios = dict.fromkeys((*RATIOS, *filter(None, [draft.aspect_ratio])))
            self._offer("aspect_ratio", [("the model's own", ""), *((r, r) for r in ratios)], draft.aspect_ratio or "")
            values = {"library": library_words(draft.library)} | {
                name: "" if (value := getattr(draft, name)) is None else str(value)
                for name in ("prompt", "negative_prompt", "size", "seed", "sample", "repeats", "top_k", "budget_usd")
            }
            for name, value in values.items():
                # half of a character cannot be sent to the page; what is wrong with the draft tells of it
                self.fields[name].value = value.encode("utf-8", "replace").decode()
        finally:
            self._filling = False

    def _offer(self, name: str, options: Sequence[tuple[str, Any]], value: Any) -> None:
        field = self.fields[name]
        if tuple(options) != field.options:
            field.options = tuple(options)
        field.value = value

    def _typed(self, _change: Mapping[str, Any]) -> None:
        if not self._filling:
            self.draft = self.read()
            self._changed(self.draft)

    def tell(self, found: Foresight) -> None:
        """Show what is wrong at the fields concerned; an empty form is not blamed."""
        for name, line in self.told.items():
            here = [name, *(other for other, place in SHARES.items() if place == name)]
            faults = [fault for one in here for fault in found.faults_of(one)] if found.draft.prompts else []
            line.value = _in_red(str(fault) for fault in faults) if faults else ""
            line.layout.display = "" if faults else "none"


def _in_red(said: Any) -> str:
    return str(lines(*(f'<span style="{ALARM};line-height:1.4">⚠ {text(one)}</span>' for one in said)))


def library_words(library: Any) -> str:
    """Return a library as its field shows it."""
    return str(library["path"] if isinstance(library, dict) else library or "")


def _model_options(chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Return the models of pictures: chosen and offline ones, then ready, untried, and other ones with why."""
    table = models(retired=False)
    table = table[table["kind"] == "image"]
    known = [
        (str(name), bool(line["ready"]), line["price_usd"], str(line["fix"] or line["untried"]))
        for name, line in table.iterrows()
    ]
    known += [(name, False, None, "") for name in chosen if name not in table.index]
    offline = MODEL.partition("/")[0]

    def rank(one: tuple[str, bool, Any, str]) -> tuple[bool, bool, bool, str]:
        name, ready, _, fix = one
        return (name not in chosen and not name.startswith(offline), not ready, ready and bool(fix), name)

    known.sort(key=rank)
    return [(_model_words(*one), one[0]) for one in known]


def _model_words(name: str, ready: bool, price: Any, fix: str) -> str:
    """Return a line of the list; ``fix`` is what a model needs, or why nobody knows whether it works."""
    if fix or not ready:
        return f"{name} ({shortened(fix.partition(' (get one')[0], 60)})" if fix else name
    if str(price) in ("None", "nan", "<NA>"):
        return f"{name} · price unknown"
    return f"{name} · {'free' if float(price) == 0 else usd(float(price))}"


def _style_options(chosen: Sequence[str | None]) -> list[tuple[str, str | None]]:
    names = dict.fromkeys([*styles().index, *(name for name in chosen if name is not None)])
    return [(NO_STYLE, None), *((name, name) for name in names)]


def _fields() -> dict[str, Any]:
    """Return the widgets by the name of their field."""

    def field(kind: Any, name: str, width: str = "100%", **more: Any) -> Any:
        style = more.pop("label_width", "92px")
        layout = w.Layout(width=width, margin="2px 0", **more.pop("layout", {}))
        return kind(description=LABELS[name], style={"description_width": style}, layout=layout, **more)

    wide = {"flex": "1 1 180px", "min_width": "150px"}
    short: dict[str, Any] = {"flex": "1 1 110px", "min_width": "100px"}
    return {
        "prompt": field(w.Textarea, "prompt", rows=4, placeholder=PROMPT_HINT),
        "negative_prompt": field(w.Text, "negative_prompt", placeholder="what shall not be there"),
        "models": field(w.SelectMultiple, "models", rows=6, tooltip="Ctrl-click or Shift-click for several"),
        "styles": field(w.SelectMultiple, "styles", rows=5, tooltip="Ctrl-click or Shift-click for several"),
        "size": field(w.Combobox, "size", "auto", options=SIZES, placeholder="the model's own", layout=wide),
        "aspect_ratio": field(w.Dropdown, "aspect_ratio", "auto", label_width="90px", layout=wide),
        "seed": field(w.Text, "seed", "auto", placeholder="none", layout={"flex": "1.6 1 150px", "min_width": "150px"}),
        "sample": field(w.Text, "sample", "auto", label_width="56px", layout=short,
                        tooltip="The same ask with another sample number is another picture."),
        "repeats": field(w.Text, "repeats", "auto", label_width="62px", layout=short),
        "library": field(
            w.Combobox, "library", "auto", options=(SHIPPED,), placeholder="none", layout={**wide, "flex": "2 1 220px"},
            tooltip='A path, or "shipped": the references that suit each prompt best go with it',
        ),
        "top_k": field(w.Text, "top_k", "auto", label_width="56px", layout=short,
                       tooltip="How many references of the library go with each prompt"),
        "budget_usd": field(w.Text, "budget_usd", placeholder="none: the most that one Generate may spend"),
    }  # fmt: skip


def _html(value: str, name: str) -> Any:
    box = w.HTML(value, layout=w.Layout(display="none", margin="0 0 4px 96px"))
    box.add_class(name)
    return box

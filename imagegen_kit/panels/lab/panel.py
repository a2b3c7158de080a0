"""The prompt lab: write a prompt, see what will happen and what it costs, generate, compare, keep what was good."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.progress import line
from imagegen_kit.panels.aside import AsidePanel
from imagegen_kit.panels.lab import code as draft_code
from imagegen_kit.panels.lab.draft import Draft
from imagegen_kit.panels.lab.foresight import Foresight, foresee
from imagegen_kit.panels.lab.history import Entry, entries
from imagegen_kit.panels.lab.references import ReferenceActions
from imagegen_kit.panels.lab.static import show_lab
from imagegen_kit.panels.worker import worker
from imagegen_kit.views.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.experiments.experiment import Experiment
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.panels.lab.page import LabPage
    from imagegen_kit.panels.view import View

QUIET_S = 0.3  # after the last change of a field: typing must not be answered letter by letter
FOLLOW_S = 0.2
LOOKING = "lab"  # the thread that looks ahead: a library may take seconds to open


class PromptLab(ReferenceActions, AsidePanel):
    """The panel of ``ik.prompt_lab``. ``draft`` holds the fields, ``runs`` what was generated here."""

    threads = (LOOKING,)
    actions: ClassVar[dict[str, str]] = {
        "ready": "_tell_all", "generate": "_asked", "stop": "_stop", "save": "_save", "write": "_write",
        "restore": "_restore", **ReferenceActions.actions,
    }  # fmt: skip

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self._draft, self._foresight = draft, None  # type: Draft, Foresight | None
        self._edited_at, self._waiting = 0.0, False
        self._following: Run | None = None

    def __repr__(self) -> str:
        return f"PromptLab({count(len(self.runs), 'run')})"

    # ------------------------------------------------------------------ the fields, and what follows from them
    @property
    def draft(self) -> Draft:
        """The fields as they are. Setting them changes the form: ``lab.draft = lab.draft.with_(seed=7)``."""
        return self._draft

    @draft.setter
    def draft(self, draft: Draft) -> None:
        if not isinstance(draft, Draft):
            what = f"{type(draft).__name__} is no draft."
            raise InvalidInput([Fault("draft", what, "Change this one: lab.draft = lab.draft.with_(seed=7).")])
        self._draft = draft
        if self._page is not None:
            self._page.form.fill(draft)
            self._tell_references()
        self._edited(draft)

    @property
    def experiment(self) -> Experiment:
        """The experiment as it stands. Raises InvalidInput with everything wrong."""
        return self._draft.experiment()

    @property
    def foresight(self) -> Foresight:
        """What generating would do, as the fields are now; nothing is sent."""
        found = self._foresight
        if found is None or found.draft != self._draft:
            found = self._foresight = foresee(self._draft, default_engine())
        return found

    def code(self) -> str:
        """Return the cell that makes the same experiment. Raises InvalidInput with everything wrong."""
        return draft_code.code(self._draft)

    def yaml(self) -> str:
        """Return the file that ``Experiment.from_yaml`` and ``imagegen run`` read. Raises InvalidInput likewise."""
        return draft_code.yaml(self._draft)

    @property
    def history(self) -> list[Entry]:
        """What was generated in the lab, here or in earlier sessions of this store, newest first."""
        return entries(default_engine().store)

    def restore(self, number: int) -> None:
        """Bring the fields of a former run back. Raises InvalidInput where there is none of that number."""
        found = next((entry for entry in self.history if entry.number == number), None)
        if found is None:
            raise InvalidInput([Fault("history", f"there is no run {number} of the lab in this store.")])
        self.draft = found.draft

    # ------------------------------------------------------------------ generating
    @property
    def running(self) -> bool:
        """Whether the last run is under way."""
        return bool(self.runs) and self.runs[-1].running

    @property
    def busy(self) -> bool:
        """Whether a run is followed, or what was edited last is still to be looked at."""
        return self._following is not None or self._waiting or self._asides[LOOKING].busy

    def generate(self) -> Run:
        """Start what the fields say and return the live run; pictures that are in the cache cost nothing.

        Raises InvalidInput with everything wrong, and while another run is under way.
        """
        found = self.foresight
        if found.faults:
            raise InvalidInput(found.faults)
        if self.running:
            raise InvalidInput([Fault("generate", "a run is under way.", "Stop it, or wait for its end.")])
        run = self._draft.experiment().start(fresh=True)
        self.runs.append(run)
        self._following = run
        if self._page is not None:
            self._page.add(run)
        worker().follow(lambda: self.guard("follow the run", self._follow, run) is True, FOLLOW_S)
        return run

    def stop(self) -> None:
        """Cancel what was not sent yet, at once; what was sent is kept."""
        execution = self.runs[-1]._execution if self.runs else None
        if execution is not None:
            execution.cancel()

    def _follow(self, run: Run) -> bool:
        under_way = run.running
        if self._page is not None and run is self.runs[-1]:
            execution = run._execution
            words = line(run, execution) if execution is not None else repr(run)
            waiting = execution.waiting if execution is not None else ""
            self._page.progress(words.partition(": ")[2] + (f" · {waiting}" if waiting else ""), under_way=under_way)
        if not under_way:
            self._foresight = None  # what was made is in the cache now
            self._edited(self._draft)
            self.refresh()
            self._following = None
        return under_way

    # ------------------------------------------------------------------ what it gives back
    def table(self) -> pd.DataFrame:
        """Return the rows of all runs that were made here, oldest first."""
        import pandas as pd

        from imagegen_kit.tables.runs import run_table

        store = default_engine().store
        store.journal.flush().result()
        tables = [run.table() for run in self.runs]
        return pd.concat(tables, ignore_index=True) if tables else run_table(store, [])

    @property
    def value(self) -> pd.DataFrame:
        """The rows that are marked in the newest comparison, else all rows of the last run."""
        if self._page is not None and (marked := self._page.marked()) is not None:
            return marked
        return self.runs[-1].table() if self.runs else self.table()

    def static(self) -> str:
        """Return the last prompt compiled, what it would do, and the pictures of the last run."""
        return show_lab(self.foresight, self.runs)

    # ------------------------------------------------------------------ the page
    @property
    def _page(self) -> LabPage | None:
        return getattr(self._made, "lab_page", None)

    def _make(self) -> Any:
        from imagegen_kit.panels.lab.page import LabPage

        page = LabPage(self)
        for run in self.runs:
            page.add(run)
        return page.widget

    def _views(self) -> Sequence[View]:
        return [self._page.outlook] if self._page is not None else []

    def _displayed(self) -> None:
        self._edited(self._draft)

    def _edited(self, draft: Draft) -> None:
        """Take the fields; look ahead when nothing has changed for a while."""
        self._draft, self._edited_at = draft, time.monotonic()
        if self._page is not None and not self._waiting:
            self._waiting = True
            worker().follow(self._when_quiet)

    def _when_quiet(self) -> bool:
        if time.monotonic() - self._edited_at < QUIET_S:
            return True
        self._waiting = False
        draft, engine = self._draft, default_engine()
        self._apart(LOOKING, "look ahead", lambda: foresee(draft, engine), self._foreseen, slot="draft")
        return False

    def _foreseen(self, found: Foresight) -> None:
        if found.draft != self._draft:  # changed since; the next look is on its way
            return
        self._foresight = found
        if self._page is not None:
            self._page.show(found)
        if not self.runs:
            self.refresh()

    # ------------------------------------------------------------------ messages
    def receive(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Take a message of the page; Stop acts at once, before whatever the worker has still to do."""
        if message.get("kind") == "stop":
            self.stop()
        super().receive(message, buffers)

    def _tell_all(self, _message: Any, _buffers: Any) -> None:
        if self._page is not None:
            self._tell_references()
            found = self.foresight
            self._page.seen = True
            self._page.show(found)

    def _asked(self, message: dict[str, Any], _buffers: Any) -> None:
        """Generate, but never for more than the button said."""
        prompt = message.get("prompt")
        if isinstance(prompt, str) and prompt != self._draft.prompt:  # a key may overtake the text that it follows
            self.draft = self._draft.with_(prompt=prompt)
        before, found = self._foresight, self.foresight
        if self._page is not None and found is not before:
            self._page.show(found)
            if not found.free and (before is None or found.button != before.button):
                self._page.say(f"This is new: {found.headline}. Press Generate again if you want it.")
                return
        self.generate()

    def _stop(self, _message: Any, _buffers: Any) -> None:
        self.stop()

    def _restore(self, message: dict[str, Any], _buffers: Any) -> None:
        self.restore(int(message["number"]))

    def _save(self, _message: Any, _buffers: Any) -> None:
        if self._page is not None:
            self._page.saved.tell("saved", code=self.code(), yaml=self.yaml())

    def _write(self, message: dict[str, Any], _buffers: Any) -> None:
        """Write the YAML file; one that is there already only when that was asked for by name."""
        path = Path(str(message.get("path", "")).strip() or "experiment.yaml").expanduser()
        path = path if path.suffix else path.with_suffix(".yaml")
        if path.exists() and message.get("replace") != str(path):
            kind = "exists"
        else:
            self._draft.experiment(name=None).to_yaml(path)
            kind = "written"
        if self._page is not None:
            self._page.saved.tell(kind, path=str(path))


def prompt_lab(
    prompt: str | Sequence[str] | None = None,
    *,
    model: str | Sequence[str] | None = None,
    style: str | Sequence[str | None] | None = None,
    negative_prompt: str | None = None,
    references: Any = None,
    library: Any = None,
    top_k: int | None = None,
    size: Any = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    sample: int = 0,
    repeats: int = 1,
    budget_usd: float | None = None,
) -> PromptLab:
    """Return a panel to try prompts in: what will be sent, what is not honoured and what it costs, before Generate.

    All arguments are what the form begins with; ``prompt`` may be several, ``model`` and ``style`` too. The model is an
    offline one where none is named. The panel's ``draft`` holds the fields, ``experiment`` what they amount to,
    ``table()`` the rows of all runs made in it, ``value`` those marked or of the last run. Raises InvalidInput for
    references that cannot be read; all else that is wrong is shown in the form.
    """
    given = {
        "prompt": prompt, "models": model, "styles": style, "negative_prompt": negative_prompt,
        "references": references, "library": library, "top_k": top_k, "size": size, "aspect_ratio": aspect_ratio,
        "seed": seed, "sample": sample, "repeats": repeats, "budget_usd": budget_usd,
    }  # fmt: skip
    return PromptLab(Draft().with_(**{name: value for name, value in given.items() if value is not None}))

"""``lib.panel()``: look a library of references over, search it by words and pictures, and choose what to use."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.errors import ImagegenError, InvalidInput, printable
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.panels.library.answer import answered, next_page
from imagegen_kit.panels.library.ask import asked
from imagegen_kit.panels.library.checked import asked_in_python
from imagegen_kit.panels.library.desk import DRAWING, SEARCHING, LibraryDesk
from imagegen_kit.panels.library.static import show_chosen, show_hit_table, show_whole
from imagegen_kit.panels.pictures import PictureSource
from imagegen_kit.panels.worker import worker
from imagegen_kit.types import Reference
from imagegen_kit.views.markup import box, lines, text
from imagegen_kit.views.words import count, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


WATCH_S = 2.0  # how often a displayed panel looks whether another process has changed the library


class LibraryPanel(LibraryDesk):
    """A panel over ``library``. ``where`` is a filter that always holds, as for ``library.search``.

    ``references`` are those chosen with "use", ready for ``references=``; ``value`` is the same as a DataFrame, and
    ``table()`` the current hits. What takes long (searching, opening pictures) runs in two threads of the panel's own.
    """

    actions: ClassVar[dict[str, str]] = {
        "ready": "_ready", "search": "_search", "query_picture": "_query_picture", "similar": "_similar",
        "more": "_more", "again": "_again", "pin": "_pin", "exclude": "_exclude", "use": "_use", "role": "_role",
        "thumbnails": "_thumbnails", "open": "_open",
    }  # fmt: skip

    # ------------------------------------------------------------------ what people ask in Python
    @property
    def references(self) -> list[Reference]:
        """The chosen references, in the order chosen, with their roles: give them as ``references=``."""
        return list(self.marks.chosen.values())

    @property
    def value(self) -> pd.DataFrame:
        """One row a chosen reference: id, name, role, score (NA where it was not found by a search), path."""
        return self.marks.frame()

    def table(self) -> pd.DataFrame:
        """Return the current hits as ``hits.table()`` does; the library's own table where nothing is looked for."""
        answer = self.answer
        return self.library.table() if answer is None or answer.hits is None else answer.hits.table()

    def search(self, text: str | None = None, *, image: Any = None, **how: Any) -> Any:
        """Ask now and show the answer in the panel; return the hits, None where neither words nor a picture is given.

        ``image`` is whatever ``library.search`` takes one picture from. ``how``: negative (words), top_k (1 to 60),
        balance (0 to 1, the words' share; None leaves it to the retriever), roles, tags, diversity (0 to 1), dedup.
        The panel's fields show what was asked: what a call does not name goes back to how the panel began, a picture
        that was dropped in too. Raises InvalidInput with everything wrong with the call.
        """
        ask = asked_in_python(self._first, text, image, how)
        with self._lock:
            self._turn += 1
            answer = answered(self.library, ask, self.where, self.marks.without)
            if answer.problem and not ask.empty:
                raise InvalidInput(answer.problem)
            self.ask = ask
            self._tell_asked()
            self._took(self._turn, answer)
        return answer.hits

    def pin(self, *ids: str) -> None:
        """Keep pictures of the library on top of whatever is shown. Raises InvalidInput for an unknown id."""
        for id in ids:
            self._mark("pin", {"id": id, "on": True})

    def exclude(self, *ids: str) -> None:
        """Never show these pictures, and never find them. Raises InvalidInput for an unknown id.

        One that was chosen or pinned is so no longer, not even when it is shown again: a UserWarning tells it.
        """
        lost = {}
        for id in ids:
            held = id in self.marks.chosen or id in self.marks.pinned
            self._mark("exclude", {"id": id, "on": True})
            if held:
                lost[id] = self.marks.dropped[id]
        if lost:
            told = "; ".join(f"{shortened(id, 80)} is excluded, and {words}" for id, words in lost.items())
            warnings.warn(f"{told}.", stacklevel=2)

    def use(self, id: str, role: str | None = None) -> None:
        """Choose a picture as a reference; ``role`` None is its own. Raises InvalidInput."""
        self._mark("use", {"id": id, "on": True, "role": role})

    def forget(self, *ids: str) -> None:
        """Undo ``pin``, ``exclude`` and ``use`` of these pictures."""
        for id in ids:
            for kind in ("pin", "exclude", "use"):
                self._mark(kind, {"id": id, "on": False})

    def __repr__(self) -> str:
        return printable(f"LibraryPanel({self.library.name}, {count(len(self.library), 'reference')})")

    # ------------------------------------------------------------------ how it is shown
    def static(self) -> str:
        """Return the last hits as a table with small pictures, or the library itself, and what was chosen."""
        rows = [(id, r.name or "", r.role) for id, r in self.marks.chosen.items()]
        chosen = show_chosen(rows, self.code)
        answer = self.answer
        if answer is None or answer.hits is None:
            problem = answer.problem if answer is not None else ""
            return box(show_whole(self.library), lines(text(problem) if problem and not self.ask.empty else ""), chosen)
        hits = sorted(answer.cards, key=lambda card: card["id"] not in self.marks.pinned)
        told = (self.library, answer.ask.words, hits, list(self.marks.pinned), answer.notes, self._thumbs.small)
        return box(show_hit_table(*told), chosen)

    def _make(self) -> Any:
        from imagegen_kit.panels.view import view_class

        return view_class("library_controls", "library_cards", "library")(receive=self.receive, panel=self.id)

    def _displayed(self) -> None:
        if not self._watching:
            self._watching = True
            worker().follow(self._watch, WATCH_S)

    def _watch(self) -> bool:
        """Tell the page when another process has changed the library; ends with the widget."""
        if self._made is None:
            self._watching = False
            return False
        try:
            state, held = self.library.state, len(self.library)
        except ImagegenError as error:
            self.fail("look whether the library has changed", error)
            self._watching = False
            return False
        if self.answer is not None and state != self.answer.about["state"]:
            self._tell("changed", count=held)
        return True

    # ------------------------------------------------------------------ messages of the page
    def _ready(self, _message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        self._tell_asked()
        self._tell_marks()
        if self.answer is None:
            self._ask_for(self.ask)
        else:
            self._tell_answer()

    def _search(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        self._ask_for(asked(self.ask, message))

    def _again(self, _message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        self._ask_for(self.ask)

    def _query_picture(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        if not buffers:
            self._with_picture(None, "")
            return
        called = shortened(message.get("name") or "picture", 80)

        def opened() -> Picture | str:
            try:
                return open_picture(buffers[0], where=called)
            except InvalidInput as error:
                return error.message

        def took(found: Picture | str) -> None:
            if isinstance(found, str):
                self._tell("asked_picture", refused=found)
            else:
                self._with_picture(found, called)

        self._apart(SEARCHING, "open the picture", opened, took, slot="picture")

    def _similar(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        reference = self._reference(str(message.get("id")))
        self._with_picture(open_picture(reference.picture), str(reference.name or reference.origin))

    def _with_picture(self, picture: Picture | None, called: str) -> None:
        ask = replace(self.ask, picture=picture, called=called)
        if picture is not None:
            self._thumbs.known[picture.sha256] = picture
        self.ask = ask
        self._tell_asked()
        self._ask_for(ask)

    def _more(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        answer, turn = self.answer, self._turn
        if answer is None or message.get("shown") != len(answer.cards) or not answer.left:
            return

        def took(_new: list[dict[str, Any]]) -> None:
            if turn == self._turn:
                self._know(answer)
                self._tell_answer(first=int(message["shown"]))

        self._apart(SEARCHING, "show more", lambda: next_page(self.library, answer), took, slot="more")

    def _pin(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        self._mark("pin", message)

    def _exclude(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        self._mark("exclude", message)

    def _use(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        self._mark("use", message)

    def _role(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        if (id := str(message.get("id"))) in self.marks.chosen:
            self._mark("use", {"id": id, "on": True, "role": str(message.get("role"))})

    def _thumbnails(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        hashes = [str(sha256) for sha256 in message.get("shas", ())]

        def draw() -> None:
            for told in self._thumbs.several(hashes):
                worker().submit(partial(self._tell_thumbnails, *told))

        self._apart(DRAWING, "draw thumbnails", draw, lambda _: None)

    def _tell_thumbnails(self, found: list[str], copies: list[bytes], missing: dict[str, str]) -> None:
        self._tell("thumbnails", copies, shas=found, missing=missing)

    def _open(self, message: Mapping[str, Any], _buffers: Sequence[bytes]) -> None:
        sha256, original = str(message.get("sha")), bool(message.get("original"))
        source = PictureSource(self._thumbs.known.get, None)

        def send() -> None:
            for view in self._views():
                source.send_picture(view, sha256, original=original)

        self._apart(DRAWING, "open the picture", send, lambda _: None)

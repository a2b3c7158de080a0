"""What the library panel knows and does, whoever asks for it: questions, answers, marks, and telling the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.panels.aside import AsidePanel
from imagegen_kit.panels.library.answer import Answer, answered
from imagegen_kit.panels.library.ask import Ask
from imagegen_kit.panels.library.cards import card_of
from imagegen_kit.panels.library.checked import first_ask
from imagegen_kit.panels.library.code import code_for
from imagegen_kit.panels.library.marks import Marks
from imagegen_kit.panels.library.pictures import Thumbnails
from imagegen_kit.panels.library.static import SMALL_PX
from imagegen_kit.types.common import ROLES
from imagegen_kit.views.pictures import AT_MOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.retrieval.library import Library
    from imagegen_kit.types import Reference

SEARCHING, DRAWING = "library-search", "library-pictures"  # threads


class LibraryDesk(AsidePanel):
    """The panel's state: ``ask`` is the last question, ``answer`` what is shown, ``marks`` what people marked."""

    threads = (SEARCHING, DRAWING)

    def __init__(
        self, library: Library, *, where: Mapping[str, Any] | None = None, top_k: int = 12, **others: Any
    ) -> None:
        first = first_ask(library, where, top_k, others)
        super().__init__()
        self.library = library
        self.where = dict(where or {})
        self.ask = self._first = first
        self.answer: Answer | None = None
        self.marks = Marks()
        self._thumbs = Thumbnails()
        self._turn = 0
        self._watching = False

    @property
    def code(self) -> str:
        """The code that uses the chosen references; empty where none is chosen."""
        return code_for(self, self.library, self.marks.chosen, self.marks.own_roles)

    # ------------------------------------------------------------------ marks
    def _mark(self, kind: str, message: Mapping[str, Any]) -> None:
        id, on = str(message.get("id")), bool(message.get("on"))
        with self._lock:
            if on:
                card, reference = self._card(id), self._reference(id)
                self._thumbs.known[reference.picture.sha256] = reference.picture
                self.marks.put(kind, card, reference, message.get("role"))
            elif not self.marks.take(kind, id):
                return
            self._tell_marks()
            if kind == "exclude":
                self._ask_for(self.ask)
            else:
                self._freshen()

    def _reference(self, id: str) -> Reference:
        found = self.answer.references.get(id) if self.answer is not None else None
        return found or self.library.get(id)

    def _card(self, id: str) -> dict[str, Any]:
        cards = self.answer.cards if self.answer is not None else []
        shown = next((card for card in cards if card["id"] == id), None)
        if shown is None:
            numbers = self.library.numbers({"id": id})
            if not len(numbers):
                raise InvalidInput([Fault("id", f"there is no picture {id!r} in this library.")])
            shown = card_of(self.library.items(numbers)[0])
        return {name: value for name, value in shown.items() if name not in ("rank", "score", "why")}

    # ------------------------------------------------------------------ asking and telling
    def _ask_for(self, ask: Ask) -> None:
        self.ask = ask
        self._turn += 1
        turn, without = self._turn, self.marks.without
        self._tell("busy", text="looking …")
        self._apart(
            SEARCHING,
            "search",
            lambda: answered(self.library, ask, self.where, without),
            lambda answer: self._took(turn, answer),
            slot="search",
        )

    def _took(self, turn: int, answer: Answer) -> None:
        if turn != self._turn:
            return  # a newer question is on its way
        self.answer = answer
        self._know(answer)
        self._tell_answer()
        self._freshen()

    def _know(self, answer: Answer) -> None:
        for reference in answer.references.values():
            self._thumbs.known[reference.picture.sha256] = reference.picture

    def _freshen(self) -> None:
        """Bring the static copies up to date, their pictures made beside the worker."""
        if not self._shown:
            return
        cards = self.answer.cards[:AT_MOST] if self.answer is not None and self.answer.hits is not None else []

        hashes = [card["sha"] for card in cards]
        self._apart(
            DRAWING,
            "draw the static copy",
            lambda: self._thumbs.ahead(hashes, SMALL_PX),
            lambda _: self.refresh(),
            slot="static",
        )

    def _failed(self, doing: str, error: Exception) -> None:
        self.fail(doing, error)
        self._tell("busy", text="")

    def _tell_asked(self) -> None:
        ask = self.ask
        self._tell("asked", ask=ask.plain())
        picture = ask.picture
        self._tell("asked_picture", sha=picture.sha256 if picture else "", name=ask.called, refused="")

    def _tell_marks(self) -> None:
        self._tell("marks", **self.marks.plain(), code=self.code, roles=list(ROLES))

    def _tell_answer(self, first: int = 0) -> None:
        answer = self.answer
        assert answer is not None
        told: dict[str, Any] = {"title": answer.title, "notes": answer.notes, "problem": answer.problem}
        told |= {"left": answer.left, "browsing": answer.hits is None, "about": answer.about, "facets": answer.facets}
        self._tell("found", cards=answer.cards[first:], first=first, **told)

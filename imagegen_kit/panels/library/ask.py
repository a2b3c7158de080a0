"""What the library panel is asked: from the page's controls to the arguments of a search."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.retrieval.base import IMAGE, TEXT, TEXT_TO_IMAGE
from imagegen_kit.retrieval.retrievers.briefs import MOST_LETTERS
from imagegen_kit.types.common import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.retrieval.library import Library

MOST_HITS = 60  # that the slider goes to; each is a card with a picture
MOST_TAGS = 20  # that may be asked for together


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. ``balance`` is the words' share of the weights, from 0 to 1; None leaves them to the retriever.

    ``called`` is the name of the picture's file, or of the library's picture that it is.
    """

    text: str = ""
    negative: str = ""
    picture: Picture | None = field(default=None, compare=False)
    called: str = ""
    top_k: int = 12
    balance: float | None = None
    roles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    diversity: float = 0.0
    dedup: bool = True

    @property
    def empty(self) -> bool:
        """Whether nothing is looked for: then the library itself is shown."""
        return not self.text.strip() and self.picture is None

    @property
    def filters(self) -> dict[str, Any]:
        """What the facets ask of an item, as ``where=``."""
        roles = {"role": list(self.roles)} if self.roles else {}
        return {**roles, **({"tags": list(self.tags)} if self.tags else {})}

    def arguments(self, library: Library) -> dict[str, Any]:
        """Return what ``library.search`` takes, but for ``where``."""
        given: dict[str, Any] = {"top_k": self.top_k, "dedup": self.dedup, "diversity": self.diversity}
        if self.text.strip():
            given["text"] = self.text
        if self.picture is not None:
            given["image"] = self.picture
        if self.negative.strip():
            given["negative"] = self.negative
        if self.balance is not None and self.text.strip() and self.picture is not None:
            given["weights"] = {TEXT: self.balance, IMAGE: 1 - self.balance}
            if "text" in library.embedder.modalities:
                given["weights"][TEXT_TO_IMAGE] = self.balance
        return given

    @property
    def words(self) -> str:
        """What was looked for, in one line."""
        parts = [f"“{self.text.strip()}”"] if self.text.strip() else []
        if self.picture is not None:
            parts.append(f"the picture {self.called}".strip())
        said = " and ".join(parts) or "everything"
        if self.negative.strip():
            said += f", without “{self.negative.strip()}”"
        only = [*self.roles, *(f"tag {tag}" for tag in self.tags)]
        return said + (f", only {', '.join(only)}" if only else "")

    def plain(self) -> dict[str, Any]:
        """Return what the page's controls show."""
        names = ("text", "negative", "top_k", "balance", "diversity", "dedup")
        told = {name: getattr(self, name) for name in names}
        return {**told, "roles": list(self.roles), "tags": list(self.tags)}


def asked(before: Ask, message: Mapping[str, Any]) -> Ask:
    """Return ``before`` with what a message of the page changes; what is out of range is brought into it."""
    given: dict[str, Any] = {}
    for name in ("text", "negative"):
        if name in message:
            given[name] = str(message[name])[: MOST_LETTERS + 1]  # one letter more is refused in words
    if "top_k" in message:
        given["top_k"] = round(_between(message["top_k"], 1, MOST_HITS, before.top_k))
    if "diversity" in message:
        given["diversity"] = _between(message["diversity"], 0, 1, before.diversity)
    if "balance" in message:
        value = message["balance"]
        given["balance"] = None if value is None else _between(value, 0, 1, 0.5)
    if "dedup" in message:
        given["dedup"] = bool(message["dedup"])
    if "roles" in message:
        given["roles"] = tuple(role for role in ROLES if role in _texts(message["roles"]))
    if "tags" in message:
        given["tags"] = tuple(dict.fromkeys(_texts(message["tags"])))[:MOST_TAGS]
    return replace(before, **given)


def _texts(given: Any) -> list[str]:
    listed: Iterable[Any] = given if isinstance(given, (list, tuple)) else ()
    return [str(one) for one in listed]


def _between(given: Any, least: float, most: float, otherwise: float) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        return otherwise
    return min(max(float(given), least), most)

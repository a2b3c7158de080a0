"""What was marked in the library panel: pinned on top, excluded, and chosen as references."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput, unknown_name_fault
from imagegen_kit.types.common import ROLES
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.types import Reference


@dataclass(slots=True)
class Marks:
    """Pinned and excluded cards, and chosen references, by id; what is pinned is not excluded, and the other way."""

    pinned: dict[str, dict[str, Any]] = field(default_factory=dict)
    excluded: dict[str, dict[str, Any]] = field(default_factory=dict)
    chosen: dict[str, Reference] = field(default_factory=dict)
    own_roles: dict[str, str] = field(default_factory=dict)  # that the chosen have in the library
    dropped: dict[str, str] = field(default_factory=dict)  # what it cost an excluded one, in words

    def put(self, kind: str, card: dict[str, Any], reference: Reference, role: Any = None) -> None:
        """Mark one; ``kind``: pin, exclude, or use (in ``role``, or its own for None). Raises InvalidInput."""
        id = card["id"]
        if kind == "pin":
            self.take("exclude", id)
            self.pinned[id] = card
        elif kind == "exclude":
            was = {"a reference": self.chosen.pop(id, None), "pinned": self.pinned.pop(id, None)}
            if lost := [words for words, mark in was.items() if mark is not None]:
                self.dropped[id] = f"no longer {' or '.join(lost)}"
            self.excluded[id] = card
        else:
            if role is not None and role not in ROLES:
                raise InvalidInput([unknown_name_fault("role", str(role), ROLES, where="role")])
            self.dropped.pop(id, None)
            self.own_roles.setdefault(id, reference.role)
            known = self.chosen.get(id, reference)
            self.chosen[id] = replace(known, role=role or known.role)

    def take(self, kind: str, id: str) -> bool:
        """Undo a mark; return whether it was there."""
        if kind == "exclude":
            self.dropped.pop(id, None)
        kept: dict[str, Any] = {"pin": self.pinned, "exclude": self.excluded}.get(kind, self.chosen)
        return kept.pop(id, None) is not None

    @property
    def without(self) -> list[int]:
        """The numbers of the excluded items."""
        return [card["number"] for card in self.excluded.values()]

    def frame(self) -> pd.DataFrame:
        """Return one row a chosen reference."""
        import pandas as pd

        rows = [(id, r.name, r.role, r.score, r.picture.path) for id, r in self.chosen.items()]
        types = {"id": "str", "name": "str", "role": "str", "score": "Float64", "path": "str"}
        return pd.DataFrame(rows, columns=list(types)).astype(types)

    def plain(self) -> dict[str, Any]:
        """Return what the page shows."""
        chosen = [
            {"id": id, "sha": r.picture.sha256, "name": shortened(r.name or id, 80), "role": r.role}
            for id, r in self.chosen.items()
        ]
        excluded = [{**card, "dropped": self.dropped.get(id, "")} for id, card in self.excluded.items()]
        return {"pinned": list(self.pinned.values()), "excluded": excluded, "chosen": chosen}

"""The line of code that uses what was chosen in the library panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.retrieval.library import Library
    from imagegen_kit.types import Reference


def code_for(panel: Any, library: Library, chosen: Mapping[str, Reference], own_roles: Mapping[str, str]) -> str:
    """Return code that works in the notebook as it is: by the panel's name, or by ids where no name holds the panel.

    ``own_roles`` are the roles that the items have in the library.
    """
    if not chosen:
        return ""
    name = name_of(panel)
    if name:
        return f'ik.generate(\n    "…",\n    references={name}.references,\n)'
    held = name_of(library)
    called = held or "lib"
    parts = [f"        {_one(called, id, r, r.role != own_roles.get(id))},\n" for id, r in chosen.items()]
    opened = "" if held else f"lib = ik.Library.open({library.source!r}{_embedder(library)})\n"
    return f'{opened}ik.generate(\n    "…",\n    references=[\n{"".join(parts)}    ],\n)'


def _one(library: str, id: str, reference: Reference, changed: bool) -> str:
    got = f"{library}.get({id!r})"
    if not changed:
        return got
    named = f", name={reference.name!r}" if reference.name else ""
    return f"ik.Reference({got}.picture, role={reference.role!r}{named})"


def _embedder(library: Library) -> str:
    return "" if library.embedder.name == "offline" else f", embedder={library.embedder.name!r}"


def name_of(thing: Any) -> str:
    """Return the notebook's own name for ``thing``; "" where it has none, or where there is no notebook."""
    try:
        from IPython import get_ipython
    except ImportError:  # pragma: no cover  # IPython comes with ipywidgets
        return ""
    shell = get_ipython()
    names = dict(shell.user_ns) if shell is not None else {}
    return next((name for name, value in names.items() if value is thing and not name.startswith("_")), "")

"""``${NAME}`` in a story's file: settings are filled in from the environment, keys are only looked for and never read.

A key is named so that the file says where it comes from. It stays where the provider finds it by itself (the
environment, ``.env``, ``ik.configure(keys=…)``): nothing that is returned, recorded or told here holds it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imagegen_kit.settings import variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen_kit.registry import Registry

    Refuse = Callable[[tuple[Any, ...], str, str], None]

_NAME = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_SECRET = re.compile(r"key|secret|token|password|credential", re.I)
_KEY = re.compile(r"(\w+)_api_key")


def without_keys(plain: dict[str, Any], registry: Registry, refuse: Refuse) -> dict[str, Any]:
    """Return a story's mapping without its keys (``gemini_api_key`` …), each of which must name its variable.

    What is wrong is told by ``refuse(path, what, hint)``; the value of a key is never repeated.
    """
    known = {m.provider.name: m.provider.key_env for m in registry.models() if m.provider.key_env}
    rest: dict[str, Any] = {}
    for name, value in plain.items():
        found = _KEY.fullmatch(name)
        if found is None:
            rest[name] = value
            continue
        names = known.get(found[1], ())
        named = _NAME.fullmatch(value.strip()) if isinstance(value, str) else None
        if not names:
            refuse((name,), f"no provider called {found[1]!r} takes a key.", f"There are: {', '.join(sorted(known))}.")
        elif named is None:
            what = "a key does not belong into this file (what stands here is not repeated)."
            refuse((name,), what, f"Write {name}: ${{{names[0]}}} and set that variable.")
        elif named[1] not in names:
            what = f"the key of {found[1]} is not looked for under {named[1]}."
            refuse((name,), what, f"Use {' or '.join(names)}; further keys that take turns are {names[0]}_2, …")
    return rest


def filled_in(value: Any, path: tuple[Any, ...], refuse: Refuse) -> Any:
    """Return ``value`` with every ``${NAME}`` in its texts replaced; unset variables and those of keys are refused."""
    if isinstance(value, dict):
        return {name: filled_in(one, (*path, name), refuse) for name, one in value.items()}
    if isinstance(value, list):
        return [filled_in(one, (*path, place), refuse) for place, one in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value

    def fill(found: re.Match[str]) -> str:
        if _SECRET.search(found[1]):
            refuse(path, f"{found[1]} names a secret, which may stand only where a key is asked for.", "")
            return ""
        known = variable(found[1])
        if known is None:
            refuse(path, f"the variable {found[1]} is not set.", "Set it, or write the value itself.")
        return known or ""

    return _NAME.sub(fill, value)

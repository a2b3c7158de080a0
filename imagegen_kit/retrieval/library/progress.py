"""How far adding is: a bar, a function that is told, or nothing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def telling(progress: bool | Callable[[int, int], None] | None, total: int) -> Iterator[Callable[[int, int], None]]:
    """Hand out a function of (pictures done, of how many)."""
    if callable(progress):
        yield progress
    elif progress:
        from tqdm.auto import tqdm

        with tqdm(total=total, unit="picture") as bar:
            yield lambda done, of: (bar.update(done - bar.n), None)[1]
    else:
        yield lambda done, of: None


@contextlib.contextmanager
def telling_a_terminal(what: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """Hand out a function of (pictures done, of how many), with a bar where somebody sits before a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=what, unit="picture", leave=False) as bar:
        yield lambda done, of: (bar.update(done - bar.n), None)[1]

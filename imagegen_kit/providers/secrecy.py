"""The one place where what a provider raised, or a service said, is freed of keys before anything else sees it.

A verbose traceback shows the locals of every frame, an HTTP exception its request with all headers, and some services
repeat the key in their words. So the engine lets no exception of a provider pass as it is: its finished frames forget
their locals (file and line stay), what is not ours keeps its class and its words but no attributes, and all words are
searched for every key that this session has handed out, as it is or in part.
"""

from __future__ import annotations

import base64
import traceback
from functools import lru_cache
from urllib.parse import quote

from imagegen_kit.errors import ImagegenError
from imagegen_kit.settings import known_keys

MARK = "…"
SHORTEST = 8  # characters: what is shorter is no key of a service, and may be a word
PIECE = 12  # so many characters in a row of a key are no coincidence; services show four to eight of them on purpose
LONGEST = 20_000  # characters that are searched for pieces; beyond that only whole keys are


def redacted(text: str) -> str:
    """Return ``text`` with every key in it, plain, percent-encoded, in base64 or in part, replaced by ``…``."""
    for key in known_keys():
        for form in _forms(key):
            text = text.replace(form, MARK)
        if len(key) >= 2 * PIECE and len(text) <= LONGEST:
            text = _without_pieces(text, key)
    return text


def cleaned(error: BaseException) -> BaseException:
    """Return ``error`` freed of keys, with all that it is chained to; what is under way in its frames goes on.

    It is the same object unless its class insists on showing what was taken from it.
    """
    return _cleaned(error, set())


def _cleaned(error: BaseException, seen: set[int]) -> BaseException:
    if id(error) in seen:
        return error
    seen.add(id(error))
    traceback.clear_frames(error.__traceback__)
    kept = _bare(error)
    silent = error.__suppress_context__
    cause, context = error.__cause__, error.__context__
    if cause is not None:
        kept.__cause__ = _cleaned(cause, seen)
    if context is not None:
        kept.__context__ = _cleaned(context, seen)
    kept.__suppress_context__ = silent
    for inner in getattr(error, "exceptions", ()):  # of an exception group
        _cleaned(inner, seen)
    return kept


def _bare(error: BaseException) -> BaseException:
    if isinstance(error, ImagegenError):  # its attributes are a list that we know
        error.message = redacted(error.message)
        error.args = tuple(redacted(one) if isinstance(one, str) else one for one in error.args)
        return error
    try:
        vars(error).clear()
        error.args = tuple(redacted(one) if isinstance(one, str) else _plain(one) for one in error.args)
        said = str(error) + repr(error)
        if isinstance(error, UnicodeError) or redacted(said) != said:  # they hold the whole text beside their words
            raise ValueError
    except Exception:
        made = RuntimeError(f"{type(error).__module__}.{type(error).__name__}")
        return made.with_traceback(error.__traceback__)
    return error


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float, type(None))) else redacted(str(value)[:LONGEST])


@lru_cache(maxsize=64)
def _forms(key: str) -> tuple[str, ...]:
    """Return how a text may spell ``key``, the longest first; none for what is too short to be one."""
    if len(key) < SHORTEST:
        return ()
    plain = key.encode()
    found = {key, quote(key, safe=""), quote(key)}
    for before in range(3):  # base64 of a longer text that holds the key, by where it begins in a group of three
        text = base64.b64encode(b"\0" * before + plain).decode()
        inner = text[(8 * before + 5) // 6 : (before + len(plain)) * 8 // 6]
        found |= {inner, inner.translate({43: "-", 47: "_"})}
    return tuple(sorted(found, key=len, reverse=True))


def _without_pieces(text: str, key: str) -> str:
    at = 0
    while at + PIECE <= len(text):
        if text[at : at + PIECE] not in key:
            at += 1
            continue
        end = at + PIECE
        while end < len(text) and text[at : end + 1] in key:
            end += 1
        text = text[:at] + MARK + text[end:]
        at += len(MARK)
    return text

"""What Google's two APIs answer, in one form; and the reply, or the typed error, that it comes to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen_kit.errors import ContentBlocked, InvalidReply, NoPictureReturned, ProviderError
from imagegen_kit.providers.faults import shortened, unreadable
from imagegen_kit.types import Adaptation, Reply

if TYPE_CHECKING:
    from collections.abc import Collection

    from imagegen_kit.types import TextRequest, Usage

# Words of the service, compared as they are sent: new ones appear without notice and are told as they are.
REFUSALS = frozenset(
    (
        "SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION",
        "IMAGE_RECITATION", "MODEL_ARMOR", "JAILBREAK",
    )
)  # fmt: skip
NOTHING_MADE = frozenset(("", "STOP", "COMPLETED", "NO_IMAGE", "IMAGE_OTHER", "OTHER", "MALFORMED_RESPONSE"))
_VERSION = re.compile(r"(-preview)?(-\d\d-\d{2,4}|-\d{3}|-\d{4}-\d\d-\d\d|@\d+)?$")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it holds, and why it ended.

    ``reason`` is the service's word for the end of the answer, ``refused`` its word for a prompt that it did not take,
    ``words`` what it says of it. ``other`` is the media type of something sent where a picture was due, ``address``
    where a film lies that was not sent itself. ``paid`` is True where the service reports output that it made, None
    where it reports nothing.
    """

    pictures: tuple[bytes, ...] = ()
    films: tuple[bytes, ...] = ()
    text: str = ""
    thoughts: tuple[str, ...] = ()
    drafts: tuple[bytes, ...] = ()
    other: str = ""
    address: str = ""
    reason: str = ""
    refused: str = ""
    words: str = ""
    usage: Usage | None = None
    paid: bool | None = None
    version: str = ""


def picture_reply(answer: Answer, model: str, names: Collection[str]) -> Reply:
    """Return the reply with the picture; ``names`` are those under which the service knows ``model``.

    Raises ContentBlocked, NoPictureReturned, InvalidReply or ProviderError where there is none.
    """
    if answer.pictures:
        text = answer.text or None
        return Reply(pictures=answer.pictures, text=text, usage=answer.usage, model_used=_other(answer, model, names))
    _raise_refusal(answer, model)
    if answer.other:
        raise unreadable(f"the service sent {answer.other} where a picture was due", model=model)
    said = _said(answer)
    if answer.reason in NOTHING_MADE:
        why = f" ({answer.reason})" if answer.reason else ""
        # Without any count of tokens nobody can tell whether it is charged.
        paid = None if answer.usage is None and not answer.reason else True
        raise NoPictureReturned(f"{model} answered without a picture{why}{said}", model=model, paid=paid)
    raise _ended(answer, model)


def text_reply(answer: Answer, request: TextRequest, names: Collection[str]) -> Reply:
    """Return the reply with the text. Raises as ``picture_reply`` does; JSON that a schema demands must be whole."""
    model = request.model
    if not answer.text.strip():
        _raise_refusal(answer, model)
        if answer.reason not in NOTHING_MADE:
            raise _ended(answer, model)
        raise InvalidReply(f"{model} answered without text", model=model)
    if request.schema is not None:
        try:
            json.loads(answer.text)
        except ValueError:
            cut = f" It ended with {answer.reason}." if answer.reason not in NOTHING_MADE else ""
            raise InvalidReply(f"{model} answered with text that is not JSON.{cut}", model=model) from None
    whole = answer.reason in NOTHING_MADE
    return Reply(
        text=answer.text,
        usage=answer.usage,
        model_used=_other(answer, model, names),
        adaptations=(Adaptation("text", "whole", f"cut off ({answer.reason})", "clamped"),) if not whole else (),
    )


def _raise_refusal(answer: Answer, model: str) -> None:
    said = _said(answer)
    if answer.refused:
        text = f"{model} refused the prompt ({answer.refused}){said}. Change the prompt or the references."
        raise ContentBlocked(text, model=model, status=answer.refused)
    if answer.reason in REFUSALS:
        text = f"{model} refused what it made of the prompt ({answer.reason}){said}. Change the prompt."
        raise ContentBlocked(text, model=model, status=answer.reason, paid=bool(answer.paid))


def _ended(answer: Answer, model: str) -> ProviderError:
    text = f"{model} ended with {answer.reason}{_said(answer)}"
    return ProviderError(text, model=model, status=answer.reason, paid=answer.paid)


def _said(answer: Answer) -> str:
    words = answer.words or answer.text
    return f": {shortened(words).rstrip('.')}" if words else ""


def _other(answer: Answer, model: str, names: Collection[str]) -> str | None:
    """Return the id of the model that answered where it is another one; a dated version of the same is not."""
    name = answer.version.rpartition("/")[2]
    if not name or {name, _VERSION.sub("", name)} & {*names, *(_VERSION.sub("", n) for n in names)}:
        return None
    return f"{model.partition('/')[0]}/{name}"

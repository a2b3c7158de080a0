"""The key of a request: the positive list of everything that changes the pixels.

In the key: kind, resolved model, the provider's origin (scheme, host and API version, or ``simulated:<name>``: a
simulated picture is never served as a real one) and output version, prompt, negative prompt, the bytes of references
and mask with their roles, size, seed, quality, options, sample (repeats are different pictures even where a model
ignores seeds), and for text and film the fields that shape the answer.

Out of the key, with the reason: account (which key pays does not change pixels), policy, timeout and attempts (how to
try), labels and names of references (what people call things), paths (where bytes lie), retrieval scores (how a
reference was found).
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.types import Artifact

if TYPE_CHECKING:
    from imagegen_kit.types import Request

KEY_VERSION = 1
_ENCODE = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode
_PLAIN = ("prompt", "negative_prompt", "seed", "sample", "quality", "system", "seconds")


def request_key(sent: Request, *, model: str, origin: str, output_version: str) -> str:
    """Return the 64 hex digits that identify the picture that ``sent`` asks of ``model`` at ``origin``."""
    parts: dict[str, Any] = {
        "v": KEY_VERSION,
        "kind": sent.kind,
        "model": model,
        "origin": origin,
        "output": output_version,
    }
    for name in _PLAIN:
        value = getattr(sent, name, None)
        if value is not None:
            parts[name] = value
    size = getattr(sent, "size", None)
    if size is not None:
        parts["size"] = str(size)
    if sent.references:
        parts["references"] = [(r.picture.sha256, r.role, r.description) for r in sent.references]
    for name in ("mask", "first_frame", "last_frame"):
        value = getattr(sent, name, None)
        if isinstance(value, Artifact):
            parts[name] = value.sha256
    schema = getattr(sent, "schema", None)
    if schema is not None:
        parts["schema"] = schema
    if sent.options:
        parts["options"] = dict(sent.options)
    return hashlib.sha256(_ENCODE(parts).encode()).hexdigest()

"""What people should know of a library before they believe its hits: where it is, and what its embedder can."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.retrieval.embedders.model_folder import has_random_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.library import Library

OFFLINE = (
    "Pictures are compared by colours, layout and outlines. Words find what somebody wrote: names, captions, tags, "
    "descriptions and folders. What nobody wrote down cannot be found by words."
)
CLIP = 'To find by meaning, open the library with embedder="clip".'
RANDOM = (
    "This embedder is a test model with random weights: what it says of pictures means nothing. Only words against "
    "captions, names and tags can be believed."
)


def about(library: Library, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the library is, how much it holds, and by what it is searched."""
    embedder, path, here = library.embedder, library.path, Path.cwd()
    return {
        "name": library.name,
        "path": str(path.relative_to(here) if path.is_relative_to(here) else path),
        "count": len(library),
        "embedder": embedder.name,
        "fingerprint": embedder.fingerprint[:12],
        "dimension": int(embedder.dimension),
        "reads": "pictures and words" if "text" in embedder.modalities else "pictures",
        "only": ", ".join(f"{name} = {value}" for name, value in base.items()),
        "state": library.state,
        **warning(embedder),
    }


def warning(embedder: Embedder) -> dict[str, str]:
    """Return what to warn of, and its one word; a hint where there is nothing to warn of but something to know."""
    folder = getattr(embedder, "folder", None)
    if isinstance(folder, Path) and has_random_weights(folder):
        return {"level": "warning", "told": RANDOM}
    if embedder.name == "offline":
        return {"level": "offline", "told": f"{OFFLINE} {CLIP}"}
    return {"level": "", "told": ""}

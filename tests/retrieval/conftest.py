"""A library of a dozen drawings that the tests of searching look into."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.retrieval.small_library import SmallLibrary, shape

DRAWINGS = {
    "ball-red": ("red", "white", "circle", "red ball", "a red ball on white paper", ("ball", "toy")),
    "ball-blue": ("blue", "white", "circle", "blue ball", "a blue ball on white paper", ("ball", "toy")),
    "ball-green": ("green", "white", "circle", "green ball", "a green ball for the garden", ("ball",)),
    "box-red": ("red", "white", "box", "red box", "a red box with nothing in it", ("box",)),
    "box-blue": ("blue", "white", "box", "blue box", "a photo of a blue box", ("box", "photo")),
    "flag-red": ("red", "yellow", "bar", "red flag", "a flag with a red bar", ("flag",)),
    "flag-blue": ("blue", "yellow", "bar", "blue flag", "a flag with a blue bar", ("flag",)),
    "roof-brown": ("brown", "skyblue", "corner", "brown roof", "a brown roof under the sky", ("house",)),
    "roof-grey": ("grey", "skyblue", "corner", "grey roof", "a grey roof under the sky", ("house",)),
    "night": ("black", "navy", "circle", "night", "a dark night", ()),
}


def filled(library: SmallLibrary) -> SmallLibrary:
    for place, (id, (ink, paper, form, name, caption, tags)) in enumerate(DRAWINGS.items()):
        role = "setting" if form == "corner" else "content"
        size = (64 + 8 * place, 64)
        library.add(shape(ink, paper, form, size), id, name=name, caption=caption, tags=tags, role=role)
    return library


@pytest.fixture
def small(tmp_path: Path) -> SmallLibrary:
    """Ten drawings with names and captions; the embedder knows pictures only."""
    (tmp_path / "drawings").mkdir()
    return filled(SmallLibrary(tmp_path / "drawings"))


@pytest.fixture
def wordy(tmp_path: Path) -> SmallLibrary:
    """The same drawings; the embedder knows words for colours too."""
    (tmp_path / "wordy").mkdir()
    return filled(SmallLibrary(tmp_path / "wordy", wordy=True))

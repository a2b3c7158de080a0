"""The panels' scripts are put together from files, so no two of them may name the same thing."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from imagegen_kit.panels.assets import VIEWER, script, styles

VIEWS = [
    (*VIEWER, "compare"),
    (*VIEWER, "shelf", "choices", "gallery"),
    ("vote_face", "vote"),
    ("vote_face", "vote_page"),
    ("library_controls", "library_cards", "library"),
    ("lab_references",),
    ("lab_outlook",),
    ("lab_saved",),
]
DECLARED = re.compile(r"^(?:export\s+)?(?:async\s+)?(?:const|let|var|class|function\*?)\s+(\w+)", re.M)


@pytest.mark.parametrize("names", VIEWS, ids=lambda names: names[-1])
def test_no_two_files_of_a_view_declare_the_same_name(names: tuple[str, ...]) -> None:
    declared = Counter(DECLARED.findall(script(*names)))
    assert declared["panel"] == 1
    assert [name for name, times in declared.items() if times > 1] == []


@pytest.mark.parametrize("name", ["compare", "gallery", "library", "viewer", "vote"])
def test_a_sheet_asks_for_nothing_outside(name: str) -> None:
    assert not re.search(r"@import|url\(", styles(name))

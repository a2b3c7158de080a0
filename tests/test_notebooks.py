"""What is committed of a notebook: outputs that show something, small, without errors, paths of a machine or keys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    return [c for c in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.name)
class TestEveryNotebook:
    def test_it_is_small_and_keeps_no_widget_state(self, notebook: Path) -> None:
        assert notebook.stat().st_size <= 3_000_000
        assert "widgets" not in json.loads(notebook.read_text(encoding="utf-8"))["metadata"]

    def test_it_was_run_from_top_to_bottom_without_an_error(self, notebook: Path) -> None:
        cells = code_cells(notebook)
        assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1))
        assert not [o for c in cells for o in c["outputs"] if o["output_type"] == "error"]
        assert any(c["outputs"] for c in cells)

    def test_its_outputs_hold_no_path_of_a_machine_and_nothing_like_a_key(self, notebook: Path) -> None:
        outputs = json.dumps([c["outputs"] for c in code_cells(notebook)])
        outputs = re.sub(r"base64,[A-Za-z0-9+/=]+", "", outputs)
        assert not re.findall(
            r"(?:/home|/root|/tmp|/Users|C:\\\\)[^\s\"<]*|sk-[A-Za-z0-9_-]{20,}|AIza[\w-]{30,}", outputs
        )

    def test_each_picture_in_it_has_words_for_those_who_cannot_see_it(self, notebook: Path) -> None:
        html = "".join(
            "".join(o["data"]["text/html"])
            for c in code_cells(notebook)
            for o in c["outputs"]
            if "text/html" in o.get("data", {})
        )
        pictures = re.findall(r"<img [^>]*>", html)
        assert pictures
        assert not [p[:80] for p in pictures if not re.search(r'alt="[^"]+"', p)]

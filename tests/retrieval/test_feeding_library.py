"""The whole way with a real library: added, searched, fed, moved away, changed, and named in files."""

from __future__ import annotations

import copy
import pickle

import pytest
from PIL import Image, ImageDraw

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.place import close_libraries
from tests.engine.models import model, rows

pytestmark = pytest.mark.usefixtures("own_registry")
DRAWINGS = {
    "ann": ("red", "a woman in a red raincoat", "character"),
    "bob": ("blue", "a man with a blue hat", "character"),
    "harbour": ("navy", "a harbour in the evening", "setting"),
    "mug": ("green", "a green mug", "content"),
}


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model("lab/one", can=Capabilities(references=3, seed=True))
    (tmp_path / "drawn").mkdir()
    library = ik.Library.open(tmp_path / "refs")
    for number, (id, (colour, caption, role)) in enumerate(DRAWINGS.items()):
        picture = Image.new("RGB", (96, 96), "white")
        ImageDraw.Draw(picture).regular_polygon((48, 48, 30), 3 + number, fill=colour)
        picture.save(tmp_path / "drawn" / f"{id}.png")
        library.add(tmp_path / "drawn" / f"{id}.png", id=id, name=id, caption=caption, description=caption, role=role)
    yield library
    library.close()
    close_libraries()


def test_a_library_feeds_an_experiment_by_words_by_pictures_and_by_both(library):
    exp = ik.Experiment(
        vary={"query_by": ["text", "image", "text+image"], "prompt": ["a green mug", "the harbour in the evening"]},
        fixed={"model": "lab/one", "library": library, "top_k": 1, "references": [library.get("ann")]},
    )
    assert exp.plan().lower_bound.tolist() == [False] * 6
    table = exp.run(progress=False).table()
    assert set(table.status) <= {"ok", "cached"}
    assert [ids[0] for ids in table.reference_ids] == ["ann"] * 6
    assert [ids[1] for ids in table.reference_ids[:2]] == ["mug", "harbour"]
    assert table.library.tolist() == ["refs"] * 6
    assert all(0 <= score <= 1 for scores in table.reference_scores for score in scores[1:])


def test_named_characters_and_a_place_found_by_the_prompt_stand_together(library):
    result = ik.generate(
        "ann waits at the harbour", model="lab/one", style="consistent-character",
        references=[library.get("ann"), library.query(top_k=1, where={"role": "setting"})],
    )  # fmt: skip
    assert [(r.origin, r.role) for r in result.sent.references] == [("ann", "character"), ("harbour", "setting")]
    assert "(ann: a woman in a red raincoat; harbour: a harbour in the evening)" in result.sent.prompt


def test_a_path_and_the_opened_library_are_the_same_experiment(library):
    given = {"vary": {"top_k": [0, 1]}, "fixed": {"model": "lab/one", "prompt": "a mug", "library": library}}
    run = ik.Experiment(**given).run(progress=False)
    given["fixed"]["library"] = str(library.path)
    assert ik.Experiment(**given).run(progress=False).id == run.id
    library.update("mug", caption="a cracked mug")
    assert ik.Experiment(**given).run(progress=False).id != run.id


def test_a_moved_picture_stops_the_ask_and_says_how_to_find_out(library, tmp_path):
    (tmp_path / "drawn" / "mug.png").rename(tmp_path / "mug.png")
    with pytest.raises(StoreError, match=r"'mug' in the library refs .*lib\.verify\(\)"):
        ik.generate("a green mug", model="lab/one", library=library, top_k=1)
    assert rows("SELECT COUNT(*) FROM requests") == [(0,)]
    assert not library.verify().ok


def test_more_than_the_library_holds_is_told_and_an_empty_library_is_refused(library, tmp_path):
    result = ik.generate("a mug", model="lab/one", library=library, top_k=9)
    assert any(str(a).startswith("top_k 9 → ") for a in result.adaptations)
    empty = ik.Library.open(tmp_path / "empty")
    with pytest.raises(InvalidInput, match="holds no pictures"):
        ik.generate("a mug", model="lab/one", library=empty, top_k=1)


def test_the_shipped_library_is_named_by_its_word_everywhere(tmp_path, monkeypatch, library):
    assert pickle.loads(pickle.dumps(library)).path == library.path
    assert copy.deepcopy(library) is library
    assert (library.source, ik.Library.open(library.path).source) == (str(library.path), str(library.path))


def test_references_in_yaml_are_a_library_that_can_be_named_by_its_file(library, tmp_path):
    path = tmp_path / "drawn" / "cast.yaml"
    path.write_text("characters: [{path: ann.png, name: ann, description: a woman in red}]\n")
    cast = ik.Library.open(path)
    assert cast.source == str(path)
    result = ik.generate("a woman in red", model="lab/one", library=cast, top_k=1)
    again = ik.generate("a woman in red", model="lab/one", library=str(path), top_k=1)
    assert [r.name for r in result.sent.references] == [r.name for r in again.sent.references] == ["ann"]
    cast.close()

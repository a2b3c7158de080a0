"""What the offline models draw with references shows them; results, folders and cells name them with their scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import imagegen_kit as ik
from imagegen_kit.catalog.files import find_data
from imagegen_kit.retrieval.place import close_libraries
from tests.retrieval.shelf import make_shelf

PICTURES = find_data("references") / "pictures"


def grey(name: str, role: str, model: str, prompt: str) -> np.ndarray:
    references = [ik.Reference(PICTURES / f"{name}.webp", role=role)] if name else None
    image = ik.generate(prompt, model=model, references=references, size=(256, 256), seed=3).image
    return np.asarray(image.convert("L")).astype(float)


@pytest.mark.parametrize("model", ["offline/collage", "offline/pencil"])
@pytest.mark.parametrize(
    ("name", "role"), [("dragon-green", "character"), ("sailing-sunset", "setting"), ("sailboat", "content")]
)
def test_an_offline_picture_shows_its_reference(model, name, role):
    without, with_it = (grey(n, role, model, "a quiet evening") for n in ("", name))
    other = grey("castle" if role == "setting" else "tiger", role, model, "a quiet evening")
    assert (np.abs(with_it - without) > 40).mean() > 0.04
    assert (np.abs(with_it - other) > 40).mean() > 0.04


def test_a_sketch_of_a_place_and_a_figure_shows_both(tmp_path):
    place, figure = tmp_path / "place.png", tmp_path / "figure.png"
    sheet = Image.new("RGBA", (400, 300))
    ImageDraw.Draw(sheet).rectangle((20, 40, 380, 290), fill=(120, 90, 60))
    sheet.save(place)
    sheet = Image.new("RGBA", (100, 100))
    ImageDraw.Draw(sheet).ellipse((5, 5, 95, 95), fill=(240, 240, 240), outline=(0, 0, 0), width=4)
    sheet.save(figure)
    references = [ik.Reference(place, role="setting"), ik.Reference(figure, role="character")]
    image = ik.generate("a ball", model="offline/pencil", references=references, size=(256, 256), seed=1).image
    ink = np.asarray(image.convert("L")) < 150
    left = ink[60:220, :24].any(axis=1).mean()  # the left edge of the place
    middle = ink[100:240, 60:200].mean()
    assert left > 0.6
    assert middle > 0.01


def test_a_result_names_its_references_with_their_scores_wherever_it_is_shown(tmp_path):
    shelf = make_shelf(tmp_path / "refs")
    try:
        result = ik.generate("a red cup", library=shelf, top_k=1, size=(64, 64))
        assert "references: Red 1.00" in result._repr_html_()
        assert result.request.to_plain()["references"][0]["score"] == 1.0
        saved = ik.Picture.open(result.save(tmp_path / "cup.png"))
        assert saved.request["request"]["references"][0]["origin"] == "red-cup"
        assert b"red-cup" not in Path(result.picture.save(tmp_path / "public.png", share=True)).read_bytes()
        exp = ik.Experiment(vary={"top_k": [0, 1]}, fixed={"prompt": "a red cup", "library": shelf, "size": "64x64"})
        run = exp.run(progress=False)
        flat = json.loads((run.save(tmp_path / "flat") / "metadata.json").read_text())["pictures"]
        scenes = json.loads((run.save(tmp_path / "scenes", layout="scenes") / "metadata.json").read_text())["pictures"]
        for rows in (flat, scenes):
            assert [row["reference_ids"] for row in rows] == [[], ["red-cup"]]
            assert [row["reference_scores"] for row in rows] == [[], [1.0]]
    finally:
        close_libraries()


def test_a_named_character_is_described_in_the_prompt_of_a_style_that_asks_for_it(tmp_path):
    shelf = make_shelf(tmp_path / "refs")
    mug = shelf.get("red-cup")
    result = ik.generate("a cup on a shelf", references=mug, style="consistent-character", size=(64, 64))
    assert "exact same appearance as the reference pictures (Red: the red cup)" in result.sent.prompt
    assert result.sent.references[0].role == "character"
    plain = ik.generate("a cup on a shelf", references=mug, size=(64, 64))
    assert plain.sent.prompt == "a cup on a shelf"

"""Stories in files: three spellings of references, templates, variables of the environment; all faults at once."""

from __future__ import annotations

import json

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.recipes import read_story
from tests.engine.models import model
from tests.recipes.stories import FIGURE, story, write, write_figure

pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.fixture(autouse=True)
def _lab(own_registry, tmp_path):
    write_figure(tmp_path)
    return model("lab/one")


def faults_of(source, **changes):
    with pytest.raises(InvalidInput) as caught:
        read_story(source, **changes)
    return [str(fault) for fault in caught.value.faults]


SPELLINGS = {
    "lists": {"characters": [{"path": "ada.png", "name": "ada", "description": "a robot"}], "settings": []},
    "flat": [{"path": "ada.png", "id": "ada", "description": "a robot"}],
    "by id": {"characters": {"ada": {"image": "ada.png", "description": "a robot"}}, "settings": {"lab": "ada.png"}},
}


class TestWhatIsRead:
    @pytest.mark.parametrize("where", ["reference_images", "reference_library"])
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_references_in_each_spelling(self, spelling, where):
        settings = {"reference_images": None, where: SPELLINGS[spelling]}
        (reference,) = read_story(story(1, settings=settings)).shots[0].references
        assert (reference.name, reference.description) == ("ada", "a robot")
        assert reference.role == ("content" if spelling == "flat" else "character")

    def test_a_variation_is_another_picture_of_the_same_character(self, tmp_path):
        FIGURE.transpose(0).save(tmp_path / "ada_left.png")
        ada = {"image": "ada.png", "description": "a robot", "variations": ["ada_left.png"]}
        content = story(1, settings={"reference_images": {"characters": {"ada": ada}}})
        content["segments"][0]["references"] = ["ada", "ada/left"]
        shot = read_story(content).shots[0]
        assert [len(pictures) for pictures in shot.characters.values()] == [2]

    @pytest.mark.parametrize("suffix", [".yaml", ".json"])
    def test_files_whose_paths_start_beside_them(self, tmp_path, suffix, monkeypatch):
        (tmp_path / "far").mkdir()
        write_figure(tmp_path / "far", "ben.png")
        content = story(settings={"reference_images": {"characters": {"ada": "ben.png"}}})
        path = tmp_path / "far" / f"story{suffix}"
        path.write_text(json.dumps(content)) if suffix == ".json" else write(path, content)
        assert len(read_story(path).shots) == 3

    def test_shipped_templates_and_those_of_the_story(self):
        own = {"mine": "{{ who }} waves{% if where %} in {{ where }}{% endif %}", "old": "{who} runs"}
        own["mine"] = {"text": own["mine"], "optional": ["where"]}
        content = story(3, settings={"prompt_templates": own})
        for one, (name, fields) in zip(
            content["segments"],
            [
                ("mine", {"who": "Ada"}),
                ("old", {"who": "Ada"}),
                ("character_action", {"character": "Ada", "action": "sings", "setting": "a hall"}),
            ],
            strict=True,
        ):
            del one["prompt"]
            one |= {"template": name, "fields": fields}
        assert [s.prompt for s in read_story(content).shots] == ["Ada waves", "Ada runs", "Ada sings in a hall."]

    def test_the_names_of_old_systems(self):
        content = story(settings={"mode": "gemini", "image_model": None})
        content |= {"pipeline_mode": "keyframe", "gemini_model": "lab/one", "default_backend": "offline/zoom"}
        board = read_story(content)
        assert (board.model, board.film_model, board.mode) == ("lab/one", "offline/zoom", "image-to-image")

    def test_chains_by_name_by_default_and_none(self):
        content = story(5, settings={"sequential_generation": True})
        for place, chain in ((1, "b"), (3, "b"), (4, False)):
            content["segments"][place]["chain"] = chain
        assert [[s.number for s in chain] for chain in read_story(content).chains] == [[1, 3], [2, 4], [5]]
        assert [len(chain) for chain in read_story(content, chained=False).chains] == [1] * 5


class TestVariables:
    def test_settings_are_filled_in_from_the_environment(self, monkeypatch):
        monkeypatch.setenv("STORY_MODEL", "lab/one")
        assert read_story(story(settings={"image_model": "${STORY_MODEL}"})).model == "lab/one"

    def test_an_unset_one_is_a_fault_with_its_line(self, tmp_path):
        path = write(tmp_path / "story.yaml", story(settings={"image_model": "${STORY_MODEL}"}))
        assert faults_of(path)[0].startswith(
            f"{path}:2 keyframe_settings.image_model: the variable STORY_MODEL is not set."
        )

    def test_a_key_in_the_file_is_refused_and_not_repeated(self, tmp_path):
        secret = "canary" + "0123456789" * 3
        path = write(tmp_path / "story.yaml", {**story(), "gemini_api_key": secret})
        (fault,) = faults_of(path)
        assert "gemini_api_key: a key does not belong into this file" in fault
        assert "${GEMINI_API_KEY}" in fault
        assert secret not in fault
        with pytest.raises(InvalidInput) as caught:
            ik.run(ik.recipes.keyframes, story={**story(), "gemini_api_key": secret})
        assert secret not in str(caught.value)
        assert not (tmp_path / "imagegen-store").exists() or secret.encode() not in b"".join(
            p.read_bytes() for p in (tmp_path / "imagegen-store").rglob("*") if p.is_file()
        )

    @pytest.mark.parametrize(
        ("name", "value", "wrong"),
        [
            ("gemini_api_key", "${MY_KEY}", "is not looked for under MY_KEY"),
            ("nobody_api_key", "${X}", "no provider called 'nobody' takes a key"),
            ("gemini_api_key", 17, "does not belong into this file"),
        ],
    )
    def test_a_key_names_the_variable_where_it_is_looked_for(self, name, value, wrong):
        (fault,) = faults_of({**story(), name: value})
        assert wrong in fault
        assert "17" not in fault

    def test_a_named_key_is_not_read(self, monkeypatch):
        monkeypatch.setenv("GEMINI_API_KEY", "canary" + "9" * 20)
        board = read_story({**story(), "gemini_api_key": "${GEMINI_API_KEY}"})
        assert "canary" not in repr(board)

    def test_a_secret_cannot_be_put_into_a_prompt(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", "canary" + "9" * 20)
        content = story(1)
        content["segments"][0]["prompt"] = "a robot ${OPENAI_API_KEY}"
        (fault,) = faults_of(content)
        assert "names a secret" in fault
        assert "canary" not in fault


WRONG = """\
pipeline_mode: dreams
default_backend: lab/one
colour: red
gemini_api_key: ${MY_KEY}
keyframe_settings:
  mode: telepathy
  image_model: lab/two
  maintain_consistency: perhaps
  consistency_threshold: 7
  size: huge
  style: no-such
  reference_images:
    characters:
      ada: {image: ada.png, description: 3}
      ben: {image: gone.png}
      eva: {image: broken.png}
  prompt_templates:
    bad: "{{ who.name }} waves"
segments:
  - prompt: a robot
    template: character_action
  - references: [ada]
  - template: character_action
    fields: {character: Ada, mod: merry}
  - template: no_such_template
  - prompt: a robot
    references: [adda]
    seconds: -1
    input_image: gone.png
  - {prompt: a robot, fields: {a: 1}}
"""


def test_every_kind_of_fault_is_told_at_once_with_its_line(tmp_path):
    (tmp_path / "story.yaml").write_text(WRONG)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    told = [fault.removeprefix("story.yaml:") for fault in faults_of("story.yaml")]
    for line, words in [
        (1, "pipeline_mode: should be 'keyframe' or 'keyframes'"),
        (2, "default_backend: lab/one makes image, and video is needed"),
        (3, "colour: 'colour' is not a key here"),
        (4, "gemini_api_key: the key of gemini is not looked for under MY_KEY"),
        (6, "keyframe_settings.mode: no mode is called 'telepathy'"),
        (7, "keyframe_settings.image_model: no model is called 'lab/two'. Did you mean 'lab/one'?"),
        (8, "keyframe_settings.maintain_consistency: should be a valid boolean"),
        (9, "keyframe_settings.consistency_threshold: should be less than or equal to 1"),
        (10, "keyframe_settings.size"),
        (11, "keyframe_settings.style: no style is called 'no-such'"),
        (14, "keyframe_settings.reference_images.characters.ada.description: '3' is no text"),
        (15, "keyframe_settings.reference_images.characters.ben.image: there is no file"),
        (16, "keyframe_settings.reference_images.characters.eva.image"),
        (18, "keyframe_settings.prompt_templates.bad"),
        (20, "segments.0: it has a prompt and a template"),
        (22, "segments.1: it has neither prompt nor template"),
        (24, "segments.2.fields: character_action: the field 'action' is missing"),
        (24, "segments.2.fields: character_action: the field 'setting' is missing"),
        (24, "segments.2.fields: character_action: no field is called 'mod'. Did you mean 'mood'?"),
        (25, "segments.3.template: template: no template is called 'no_such_template'"),
        (27, "segments.4.references.0: no reference is called 'adda'. Did you mean 'ada'?"),
        (28, "segments.4.seconds: should be greater than 0"),
        (29, "segments.4.input_image"),
        (30, "segments.5.fields: these fill in a template, and none is named"),
    ]:
        assert [t for t in told if t.startswith(f"{line} {words}")], (line, words, told)
    assert len(told) == len(set(told)) == 24


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("gone.yaml", "does not exist"),
        (17, "17 is no story"),
        ("a robot walks", "is no story"),
        ({}, "segments: is missing"),
        ({"segments": []}, "at least 1 item"),
        ({"segments": "ada"}, "not 'ada'"),
        ({"segments": ["ada"]}, "segments.0"),
    ],
    ids=str,
)
def test_what_is_no_story_is_refused(source, words):
    assert words in faults_of(source)[0]


@pytest.mark.parametrize("text", ["- a list", "segments: [", "a: &x 1\nb: *x"], ids=["list", "broken", "alias"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    (tmp_path / "story.yaml").write_text(text)
    assert faults_of("story.yaml")[0].startswith("story.yaml:")


def test_arguments_are_checked_with_the_story_and_named_as_they_were_given():
    faults = faults_of(story(), threshold=3, tries=0, size="huge", model="lab/two", film_model="lab/one")
    assert [f.split(":")[0] for f in faults] == ["model", "size", "threshold", "tries", "film_model"]


@pytest.mark.parametrize(
    ("content", "given", "told"),
    [
        (story(), {"kind": "foo", "film_model": "offline/zoom"}, "kind: no kind is called 'foo'"),
        (story(), {"kind": "paired"}, "kind: there is no film whose clips it could be of"),
        (story(), {"threshold": True}, "threshold: True is not a number"),
        ({"segments": [{"prompt": "a hill"}]}, {"threshold": 0.9}, "threshold: no keyframe names a character"),
        ({"segments": [{"prompt": "a hill {{ y }}"}]}, {}, "it has fields to be filled in, and is no template"),
    ],
    ids=["unknown kind", "no film", "no number", "nobody to be found", "no template"],
)
def test_what_would_do_nothing_is_told(content, given, told):
    assert any(told in fault for fault in faults_of(content, **given))


def test_the_recipe_tells_each_fault_once():
    with pytest.raises(InvalidInput) as caught:
        ik.run(ik.recipes.keyframes, story=story(), model="lab/two", size="huge", tries=0)
    assert sorted(f.where for f in caught.value.faults) == ["model", "size", "tries"]

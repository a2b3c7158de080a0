"""Scorers whose weights the user has, with small models of random weights, against transformers asked directly.

All tests of scorers that import torch stand in this file, so that it is imported once.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.hookspecs import ScorerSpec
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.registry import get_registry
from imagegen_kit.retrieval.embedders.clip import ClipEmbedder
from imagegen_kit.retrieval.embedders.samples import sample_pictures
from imagegen_kit.scorers import Subject
from imagegen_kit.scorers.aesthetic import Aesthetic
from imagegen_kit.scorers.clip_score import ClipScore
from imagegen_kit.scorers.identity import Identity
from imagegen_kit.scorers.preference import Preference
from imagegen_kit.testing import tiny_clip, tiny_siglip
from imagegen_kit.testing.contracts import ScorerContract
from imagegen_kit.types import ImageRequest, Reference
from tests.scorers.seeing_model import WORDS, tiny_llava

LONG = "a red kite " * 40
LAION = {0: (24, 64), 2: (16, 24), 4: (8, 16), 6: (4, 8), 7: (1, 4)}


def about(number: int, prompt: str = "a red kite", references: Sequence[Any] = ()) -> Subject:
    request = ImageRequest(prompt=prompt, model="offline/collage", references=tuple(references))
    return Subject(Picture.from_image(sample_pictures()[number]), request)


def shown(number: int, role: str = "character", **more: Any) -> Reference:
    return Reference(Picture.from_image(sample_pictures()[number]), role=role, **more)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("models")
    return {  # of the CLIP's seeds, one under which cosines are above zero
        "clip": tiny_clip(home / "clip", seed=4),
        "siglip": tiny_siglip(home / "siglip"),
        "dino": tiny_dino(home / "dino"),
    }


def tiny_dino(folder: Path) -> Path:
    import torch
    import transformers
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8
    )
    transformers.utils.logging.disable_progress_bar()
    transformers.Dinov2Model(config).eval().save_pretrained(folder)
    transformers.utils.logging.enable_progress_bar()
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llava(tmp_path_factory.mktemp("models") / "llava")


@pytest.fixture(scope="session")
def clip(models: dict[str, Path]) -> ClipEmbedder:
    return ClipEmbedder(models["clip"])


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("heads") / "head.npz"
    np.savez(path, weight=np.random.default_rng(1).normal(size=(1, 64)), bias=np.array([5.0]))
    return path


# the contract ---------------------------------------------------------------------------------------------------------


class OfTheKit(ScorerContract):
    module = "imagegen_kit.scorers.plugin"
    needs = ("sentence_transformers", "torch", "transformers")

    @pytest.fixture(autouse=True)
    def _asked(self, models: dict[str, Path], seeing: Path, head: Path) -> None:
        clip = f"clip:{models['clip']}"
        self.options = {  # type: ignore[misc]  # of this object, not of the class: the models are made by fixtures
            "aesthetic": {"head": str(head), "embedder": clip},
            "clip_score": {"embedder": clip},
            "identity": {"embedder": clip},
            "preference": {"model": str(seeing if self.seeing else models["clip"])},
        }[self.scorer]

    seeing = False
    made: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def subject(self, spec: ScorerSpec) -> Any:
        """Made once: a model takes a while to load."""
        name = type(self).__name__
        if name not in self.made:
            self.made[name] = self.make(spec)
        return self.made[name]


class TestAesthetic(OfTheKit):
    scorer = "aesthetic"


class TestClipScore(OfTheKit):
    scorer = "clip_score"


class TestIdentity(OfTheKit):
    scorer = "identity"


class TestPreferenceOfADualEncoder(OfTheKit):
    scorer = "preference"


class TestPreferenceOfAModelThatAnswers(OfTheKit):
    scorer = "preference"
    seeing = True


def test_an_identity_by_the_offline_embedder_needs_no_weights() -> None:
    scorer = Identity("offline")
    (found,) = scorer.score([about(0, references=[shown(0)])])
    assert found.value == pytest.approx(1.0)
    assert scorer.feature.startswith("offline ")


# CLIPScore ------------------------------------------------------------------------------------------------------------


def by_hand(folder: Path, number: int, text: str) -> tuple[float, float]:
    """Return the cosine of picture and text, and the logit, of transformers itself."""
    import torch
    import transformers

    model: Any = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
    processor: Any = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
    given = processor(
        text=[text],
        images=[sample_pictures()[number]],
        return_tensors="pt",
        padding="max_length" if "siglip" in model.config.model_type else True,
        truncation=True,
    )
    with torch.inference_mode():
        out = model(**given)
    return float((out.image_embeds @ out.text_embeds.T)[0, 0]), float(out.logits_per_image[0, 0])


@pytest.mark.parametrize("which", ["clip", "siglip"])
def test_a_clip_score_is_that_of_transformers(models: dict[str, Path], which: str) -> None:
    pairs = [(0, "a red kite"), (1, "two foxes"), (5, LONG)]
    found = ClipScore(f"clip:{models[which]}").score([about(n, text) for n, text in pairs])
    wanted = [max(100 * by_hand(models[which], n, text)[0], 0.0) for n, text in pairs]
    assert [m.value for m in found] == pytest.approx(wanted, abs=1e-3)
    assert max(wanted) > 0


def test_a_negative_cosine_is_zero(clip: ClipEmbedder) -> None:
    class Opposite:
        name, fingerprint, dimension, modalities = "opposite", "0" * 64, 64, frozenset({"image", "text"})

        def embed_images(self, images: Sequence[Any]) -> Any:
            return clip.embed_images(images)

        def embed_texts(self, texts: Sequence[str]) -> Any:
            return -clip.embed_images([sample_pictures()[0]] * len(texts))

    assert [m.value for m in ClipScore(Opposite()).score([about(0)])] == [0.0]


def test_a_prompt_that_the_model_does_not_read_to_its_end_is_told(models: dict[str, Path]) -> None:
    short, long, none = ClipScore(f"clip:{models['clip']}").score([about(0, "kite"), about(0, LONG), about(0, " ")])
    assert dict(short.details) == {"tokens": 6, "tokens_read": 6}  # four letters and two marks
    assert long.details["tokens"] > long.details["tokens_read"] == 32
    assert (none.value, none.reason) == (None, "has no prompt")


def test_the_feature_names_model_and_fingerprint_and_no_folder(models: dict[str, Path], clip: ClipEmbedder) -> None:
    feature = ClipScore(f"clip:{models['clip']}").feature
    assert feature == f"clip:clip (random weights, for tests) {clip.fingerprint[:12]}"
    assert ClipScore(f"clip:{models['siglip']}").feature != feature


def test_an_embedder_without_texts_has_no_clip_score() -> None:
    with pytest.raises(InvalidInput, match=r"clip_score embedder: offline embeds pictures only\. Name a CLIP"):
        ClipScore("offline")


# identity -------------------------------------------------------------------------------------------------------------


def test_clip_i_is_the_mean_cosine_to_the_references_of_the_role(clip: ClipEmbedder) -> None:
    references = [shown(1, name="Mina"), shown(2), shown(3, role="style")]
    (found,) = Identity(clip).score([about(0, references=references)])
    vectors = clip.embed_images(sample_pictures()[:4])
    assert found.value == pytest.approx((vectors[0] @ vectors[1] + vectors[0] @ vectors[2]) / 2, abs=1e-6)
    first, second = found.details["references"]
    assert first == {"name": "Mina", "cosine": pytest.approx(vectors[0] @ vectors[1], abs=1e-6)}
    assert second["name"] == references[1].picture.sha256[:8]


def test_a_dino_score_is_of_the_first_token(models: dict[str, Path]) -> None:
    import torch
    import transformers

    model: Any = transformers.Dinov2Model.from_pretrained(models["dino"], local_files_only=True).eval()
    processor: Any = transformers.AutoImageProcessor.from_pretrained(models["dino"], local_files_only=True)
    with torch.inference_mode():
        given = processor(images=sample_pictures()[:2], return_tensors="pt")
        tokens = model(**given).last_hidden_state[:, 0]
    wanted = float(torch.nn.functional.cosine_similarity(tokens[0], tokens[1], dim=0))
    scorer = Identity(f"clip:{models['dino']}")
    (found,) = scorer.score([about(0, references=[shown(1)])])
    assert found.value == pytest.approx(wanted, abs=1e-5)
    mean = ClipEmbedder(models["dino"]).embed_images(sample_pictures()[:2])
    assert abs(float(mean[0] @ mean[1]) - wanted) > 1e-4, "the embedder's own vectors are the mean of all tokens"
    assert scorer.feature.startswith("clip:dino ")


def test_a_picture_without_a_reference_of_the_role_says_which_it_has(clip: ClipEmbedder) -> None:
    none, other = Identity(clip).score([about(0), about(0, references=[shown(1, role="style")])])
    assert (none.value, none.reason) == (None, "has no reference")
    assert other.reason == "has no reference of the role character (they are style; role=None takes all)"
    (found,) = Identity(clip, role=None).score([about(0, references=[shown(0, role="style")])])
    assert found.value == pytest.approx(1.0)


def test_a_set_takes_the_place_of_references_and_is_part_of_the_feature(clip: ClipEmbedder, tmp_path: Path) -> None:
    for number in (4, 5):
        sample_pictures()[number].save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    scorer = Identity(clip, against=str(tmp_path))
    (found,) = scorer.score([about(0)])
    vectors = clip.embed_images([sample_pictures()[n] for n in (0, 4, 5)])
    assert found.value == pytest.approx((vectors[0] @ vectors[1] + vectors[0] @ vectors[2]) / 2, abs=1e-6)
    assert dict(found.details) == {"set": 2}
    assert "against 2 pictures" in scorer.feature
    sample_pictures()[6].save(tmp_path / "6.png")
    assert Identity(clip, against=str(tmp_path)).feature != scorer.feature


def test_a_set_that_cannot_be_read_is_refused_with_every_fault(clip: ClipEmbedder, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        Identity(clip, against=[str(tmp_path / "a.png"), 7])
    assert [fault.where for fault in caught.value.faults] == ["identity against[0]", "identity against[1]"]
    with pytest.raises(InvalidInput, match="holds no pictures"):
        Identity(clip, against=str(tmp_path))
    with pytest.raises(InvalidInput, match="Did you mean 'character'"):
        Identity(clip, role="charakter")


# in a run -------------------------------------------------------------------------------------------------------------


def test_a_run_is_scored_by_a_model_of_the_users_and_says_by_which(models: dict[str, Path], clip: ClipEmbedder) -> None:
    run = ik.Experiment(
        vary={"prompt": ["a red kite", "two foxes"]},
        fixed={"model": "offline/collage", "size": 64, "references": [shown(1)]},
    ).run(progress=False)
    embedder = f"clip:{models['clip']}"
    run.score({"clip_score": {"embedder": embedder}, "identity": {"embedder": embedder}})
    table, told = run.table(), run.scores()
    for row in table.to_dict("records"):
        (seen,) = clip.embed_images([Image.open(row["path"])])
        text, reference = clip.embed_texts([row["prompt"]])[0], clip.embed_images([sample_pictures()[1]])[0]
        assert row["score_clip_score"] == pytest.approx(max(100 * float(seen @ text), 0), abs=1e-3)
        assert row["score_identity"] == pytest.approx(float(seen @ reference), abs=1e-5)
    assert set(told["feature"]) == {f"clip:clip (random weights, for tests) {clip.fingerprint[:12]}"}


# aesthetic heads ------------------------------------------------------------------------------------------------------


def test_an_aesthetic_score_is_the_linear_head_of_the_features(clip: ClipEmbedder, head: Path) -> None:
    (found,) = Aesthetic(head, clip).score([about(3)])
    with np.load(head) as stored:
        wanted = stored["weight"][0] @ clip.embed_images([sample_pictures()[3]])[0] + 5.0
    assert found.value == pytest.approx(float(wanted), abs=1e-5)


def test_a_head_may_be_of_safetensors_under_any_prefix(clip: ClipEmbedder, tmp_path: Path, head: Path) -> None:
    from safetensors.numpy import save_file

    with np.load(head) as stored:
        save_file(
            {"linear.weight": stored["weight"].astype(np.float32), "linear.bias": stored["bias"].astype(np.float32)},
            tmp_path / "head.safetensors",
        )
    one, other = Aesthetic(tmp_path / "head.safetensors", clip), Aesthetic(head, clip)
    assert one.score([about(3)])[0].value == pytest.approx(other.score([about(3)])[0].value, abs=1e-5)
    assert ", head.safetensors " in one.feature


def test_the_five_layers_of_laion_are_one_linear_map(clip: ClipEmbedder, tmp_path: Path) -> None:
    """Against torch's own layers, in the order and with the names that LAION's file has."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    sizes = [64, *(rows for rows, _ in LAION.values())]
    linear = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    gaps = [torch.nn.Dropout(0.2), torch.nn.Dropout(0.2), torch.nn.Dropout(0.1)]
    layers = torch.nn.Sequential(linear[0], gaps[0], linear[1], gaps[1], linear[2], gaps[2], linear[3], linear[4])
    save_file({f"layers.{name}": value for name, value in layers.state_dict().items()}, tmp_path / "laion.safetensors")
    (found,) = Aesthetic(tmp_path / "laion.safetensors", clip).score([about(3)])
    with torch.inference_mode():
        wanted = layers.eval()(torch.from_numpy(clip.embed_images([sample_pictures()[3]])))
    assert found.value == pytest.approx(float(wanted[0, 0]), abs=1e-4)


class Alarm:
    """Writes a file when it is unpickled: what a head from the network could do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "hit")


@pytest.mark.parametrize("name", ["head.pth", "head.bin", "head.npy", "head.pkl", "head.npz", "head.safetensors"])
def test_a_pickle_is_never_read_whatever_it_is_called(clip: ClipEmbedder, tmp_path: Path, name: str) -> None:
    hit = tmp_path / "hit"
    if name.endswith(".npz"):
        np.savez(tmp_path / name, weight=np.array([Alarm(hit)], dtype=object), allow_pickle=True)
    else:
        (tmp_path / name).write_bytes(pickle.dumps(Alarm(hit)))
    with pytest.raises(InvalidInput, match="aesthetic head"):
        Aesthetic(tmp_path / name, clip)
    assert not hit.exists()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"weight": np.ones((1, 32))}, "head.npz is for 32 features, and clip:.* has 64"),
        ({"weight": np.ones((2, 64))}, r"is no linear head: it holds weight \(2, 64\)"),
        ({"weight": np.ones((1, 64)), "scale": np.ones(1)}, "is no linear head"),
        ({"layers.0.weight": np.ones((8, 64)), "layers.3.weight": np.ones((1, 8))}, "is no linear head"),
        ({"weight": np.full((1, 64), np.nan)}, "not finite"),
        ({}, "it holds nothing"),
    ],
    ids=["another model's", "two outputs", "something more", "activations between", "NaN", "empty"],
)
def test_what_is_no_head_of_this_model_is_refused(
    clip: ClipEmbedder, tmp_path: Path, parts: dict[str, Any], words: str
) -> None:
    np.savez(tmp_path / "head.npz", **parts)
    with pytest.raises(InvalidInput, match=words):
        Aesthetic(tmp_path / "head.npz", clip)


# preference models ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["clip", "siglip"])
def test_a_preference_is_the_logit_of_a_dual_encoder(models: dict[str, Path], which: str) -> None:
    pairs = [(0, "a red kite"), (1, "two foxes"), (5, LONG)]
    found = Preference(str(models[which])).score([about(n, text) for n, text in pairs])
    assert [m.value for m in found] == pytest.approx([by_hand(models[which], *pair)[1] for pair in pairs], abs=1e-3)


def test_a_model_that_answers_gives_the_probability_of_yes(seeing: Path) -> None:
    import torch
    import transformers

    model: Any = transformers.LlavaForConditionalGeneration.from_pretrained(seeing, local_files_only=True).eval()
    processor: Any = transformers.AutoProcessor.from_pretrained(seeing, local_files_only=True)
    scorer = Preference(seeing)
    found = scorer.score([about(0, "a red kite"), about(1, "a blue fox"), about(1, "")])
    for number, prompt in enumerate(("a red kite", "a blue fox")):
        text = f'USER: <image> Does this figure show "{prompt}"? Please answer yes or no. ASSISTANT:'
        given = processor(text=text, images=sample_pictures()[number], return_tensors="pt")
        with torch.inference_mode():
            likely = model(**given).logits[0, -1].softmax(-1)
        spelt = [i for i in processor.tokenizer.convert_tokens_to_ids(["Yes", "yes"]) if i]
        assert found[number].value == pytest.approx(float(likely[spelt].sum()), abs=1e-5)
    assert (found[2].value, found[2].reason) == (None, "has no prompt")
    assert scorer.feature.startswith("llava ")
    assert scorer.feature.endswith(", P(yes)")


def test_a_prompt_cannot_stand_for_a_picture_or_end_the_turn(seeing: Path) -> None:
    marked, plain = Preference(seeing).score([about(0, "a <image> red </s> kite"), about(0, "a   red   kite")])
    assert marked.value == pytest.approx(plain.value)


def test_another_question_gives_another_number_and_another_feature(seeing: Path) -> None:
    usual, other = Preference(seeing), Preference(seeing, question="Please show {} yes or no.")
    assert usual.feature != other.feature
    assert usual.score([about(0)])[0].value != other.score([about(0)])[0].value
    with pytest.raises(InvalidInput, match="does not hold"):
        Preference(seeing, question="Is it nice?")


def test_a_model_that_cannot_be_asked_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has no chat template"):
        Preference(tiny_llava(tmp_path / "bare", template=None))
    with pytest.raises(InvalidInput, match='has no token for "yes"'):
        Preference(tiny_llava(tmp_path / "mute", words=tuple(w for w in WORDS if w.lower() != "yes")))
    with pytest.raises(InvalidInput, match="is asked nothing"):
        Preference(str(models["clip"]), question="Is {} there?")
    with pytest.raises(InvalidInput, match="embeds pictures only"):
        Preference(str(models["dino"]))


def test_weights_that_lack_a_part_are_refused(seeing: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(seeing, tmp_path / "torn"))
    whole = load_file(folder / "model.safetensors")
    save_file(dict(list(whole.items())[:-3]), folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InvalidInput, match="lack parts of the model"):
        Preference(folder)


# what is missing ------------------------------------------------------------------------------------------------------

MISSING = """
import json, sys, time
calls = []
sys.addaudithook(lambda event, a: calls.append(event) if event.startswith("socket.") else None)
from imagegen_kit.registry import get_registry
found = {}
for name, options in json.loads(sys.argv[1]).items():
    target, spent = get_registry().scorer_target(name), time.process_time()
    try:
        target(**options)
    except Exception as error:
        found[name] = [type(error).__name__, str(error), time.process_time() - spent]
print(json.dumps([found, "torch" in sys.modules, calls]))
"""


def test_a_model_that_is_not_there_is_told_at_once_with_the_command_that_fetches_it(head: Path, tmp_path: Path) -> None:
    nowhere = {"embedder": "clip:nobody/has-this"}
    asked = {
        "clip_score": nowhere,
        "identity": nowhere,
        "aesthetic": {"head": str(head), **nowhere},
        "preference": {"model": "nobody/has-this"},
    }
    done = subprocess.run(
        [sys.executable, "-c", MISSING, json.dumps(asked)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    found, torch, calls = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(asked)
    for kind, words, seconds in found.values():
        assert kind == "InvalidInput"
        assert "hf download nobody/has-this" in words
        assert seconds < 1
    assert (torch, calls) == (False, []), "nothing big is loaded, and nobody is asked"


def test_each_of_them_says_how_it_is_installed_and_loads_nothing_until_it_is_made() -> None:
    for name in ("aesthetic", "clip_score", "identity", "preference"):
        spec: ScorerSpec = get_registry().scorer(name)
        assert spec.install == 'pip install "imagegen-kit[clip]"'
    program = (
        "import sys; from imagegen_kit.registry import get_registry as r; "
        "[r().scorer_target(n) for n in r().scorers()]; print({'torch', 'transformers', 'faiss'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

"""CLIP and SigLIP by the real sentence-transformers, with small models of random weights that are made here.

All tests that import torch stand in this file, so that it is imported once.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput, PluginError
from imagegen_kit.retrieval.embedders import load_embedder
from imagegen_kit.retrieval.embedders.clip import ClipEmbedder
from imagegen_kit.retrieval.embedders.samples import sample_pictures
from imagegen_kit.retrieval.embedders.towers import TowersReport, export_towers
from imagegen_kit.testing import tiny_clip, tiny_siglip
from imagegen_kit.testing.contracts import EmbedderContract

PAYLOADS = Path(__file__).parents[1] / "payloads.py"
WORDS = ("a red kite", "a fox under an old crane, painted from above by the sea at night", "")


def payloads(canary: str) -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("payloads", PAYLOADS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = module.payloads(canary)
    return found


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two CLIPs and a SigLIP in sentence-transformers' layout, and the first two other layouts of the first."""
    home = tmp_path_factory.mktemp("models")
    found = {name: tiny_clip(home / name, seed=seed) for seed, name in enumerate(("clip", "other"))}
    found["siglip"] = tiny_siglip(home / "siglip")
    own = ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json")
    found["bare"] = Path(shutil.copytree(found["clip"], home / "bare", ignore=shutil.ignore_patterns(*own)))
    old = home / "old"
    shutil.copytree(found["bare"], old / "0_CLIPModel")
    module = {"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}
    (old / "modules.json").write_text(json.dumps([module]))
    return {**found, "old": old}


@pytest.fixture(scope="session")
def clip(models: dict[str, Path]) -> ClipEmbedder:
    return ClipEmbedder(models["clip"])


@pytest.fixture(scope="session")
def siglip(models: dict[str, Path]) -> ClipEmbedder:
    return ClipEmbedder(models["siglip"], batch_size=4)


@pytest.fixture(scope="session")
def exported(clip: ClipEmbedder, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, TowersReport]:
    """The towers of the first CLIP, by whether they are int8."""
    home = tmp_path_factory.mktemp("towers")
    return {int8: export_towers(clip, home / f"int8-{int8}", int8=int8) for int8 in (False, True)}


class TestClip(EmbedderContract):
    @pytest.fixture
    def subject(self, clip: ClipEmbedder) -> ClipEmbedder:
        return clip

    @pytest.fixture
    def again(self, models: dict[str, Path]) -> Any:
        return load_embedder(f"clip:{models['clip']}")

    @pytest.fixture
    def changed(self, models: dict[str, Path]) -> Any:
        return load_embedder(f"clip:{models['other']}")


class TestSiglip(EmbedderContract):
    @pytest.fixture
    def subject(self, siglip: ClipEmbedder) -> ClipEmbedder:
        return siglip


class TestExportedTowers(EmbedderContract):
    @pytest.fixture
    def subject(self, exported: dict[bool, TowersReport]) -> ClipEmbedder:
        return ClipEmbedder(exported[False].folder)

    @pytest.fixture
    def changed(self, exported: dict[bool, TowersReport]) -> ClipEmbedder:
        return ClipEmbedder(exported[True].folder)


# the same vectors as the library's own -------------------------------------------------------------------------------


def test_vectors_are_those_of_sentence_transformers(clip: ClipEmbedder) -> None:
    own = clip.towers.model
    pictures = sample_pictures()
    wanted = own.encode(pictures, normalize_embeddings=True), own.encode(list(WORDS), normalize_embeddings=True)
    assert np.abs(clip.embed_images(pictures) - wanted[0]).max() < 1e-5
    assert np.abs(clip.embed_texts(WORDS) - wanted[1]).max() < 1e-5


def test_the_texts_of_siglip_are_padded_to_the_end_which_sentence_transformers_does_not(siglip: ClipEmbedder) -> None:
    import torch

    front, inner = siglip.towers.front, siglip.towers.model[0].auto_model
    tokens = front.tokenizer(["a red kite"], padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        wanted = inner.get_text_features(**tokens).pooler_output.numpy()
    wanted /= np.linalg.norm(wanted)
    assert np.abs(siglip.embed_texts(["a red kite"]) - wanted).max() < 1e-5
    unpadded = siglip.towers.model.encode(["a red kite"], normalize_embeddings=True)
    assert np.abs(unpadded - wanted).max() > 0.01, "sentence-transformers pads them now: take our own padding away"


@pytest.mark.parametrize("layout", ["bare", "old"])
def test_the_other_layouts_of_a_folder_give_the_same_vectors(
    models: dict[str, Path], clip: ClipEmbedder, layout: str
) -> None:
    other = ClipEmbedder(models[layout])
    assert np.array_equal(other.embed_images(sample_pictures()), clip.embed_images(sample_pictures()))
    assert np.array_equal(other.embed_texts(WORDS), clip.embed_texts(WORDS))


def test_a_strip_is_seen_in_its_middle_without_growing_to_hundreds_of_megapixels(clip: ClipEmbedder) -> None:
    strip = Image.new("RGB", (3, 30_000), "red")
    strip.paste("blue", (0, 14_000, 3, 16_000))
    seen, blue, red = clip.embed_images([strip, Image.new("RGB", (40, 40), "blue"), Image.new("RGB", (40, 40), "red")])
    assert seen @ blue > 0.9999
    assert seen @ red < 0.999


def test_texts_in_one_call_come_back_in_their_own_order(models: dict[str, Path]) -> None:
    small = ClipEmbedder(models["clip"], batch_size=2)
    texts = ["a b c d e", "a", "a b c", "a b", "a b c d"]
    assert np.abs(small.embed_texts(texts) - np.stack([small.embed_texts([t])[0] for t in texts])).max() < 1e-5


# texts stay texts ----------------------------------------------------------------------------------------------------


def test_no_hostile_text_opens_a_file_or_a_connection(clip: ClipEmbedder, tmp_path: Path) -> None:
    """Told by a listening socket, and by a file of which every look would leave a trace: a pipe that nobody writes."""
    knocks: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"http://127.0.0.1:{door.getsockname()[1]}"

        def listen() -> None:
            while True:
                try:
                    caller, _ = door.accept()
                except OSError:
                    return
                knocks.append(caller.recv(200))
                caller.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        pipe, picture = tmp_path / "pipe.png", tmp_path / "canary.png"
        os.mkfifo(pipe)  # who opens it for reading waits for ever
        Image.new("RGB", (64, 64), "red").save(picture)
        hostile = [*payloads(address).values(), f"{address}/a.png", f"{address}/a.jpg?x=1", str(pipe), str(picture)]
        hostile += [picture.name, picture.as_uri(), f"data:image/png;base64,{'iVBORw0KGgo=' * 3}", "s3://bucket/a.png"]
        vectors = clip.embed_texts(hostile)
        door.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert len(hostile) > 40
    assert knocks == []
    assert np.isfinite(vectors).all()
    (red,) = clip.embed_images([Image.open(picture)])
    assert np.abs(vectors - red).max(axis=1).min() > 1e-3


# what is missing or broken -------------------------------------------------------------------------------------------

MISSING = """
import os, sys, time
before = dict(os.environ)
calls = []
sys.addaudithook(lambda event, a: calls.append(event) if event.startswith("socket.") else None)
from imagegen_kit.retrieval.embedders.clip import ClipEmbedder
begin, spent = time.perf_counter(), time.process_time()
try:
    ClipEmbedder(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
print(time.process_time() - spent, "torch" in sys.modules, dict(os.environ) == before, calls)
"""


def test_a_missing_model_fails_at_once_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    """In a fresh process: without torch, without a connection, and without a change of the environment."""
    environ = {**os.environ, "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", MISSING, "clip-ViT-B-32"], capture_output=True, text=True, check=True, env=environ
    )
    said, end = done.stdout.splitlines()
    assert said.startswith("InvalidInput model: there is no folder 'clip-ViT-B-32'")
    assert "hf download sentence-transformers/clip-ViT-B-32" in said
    seconds, rest = end.split(" ", 1)
    assert float(seconds) < 1.0
    assert rest == "False True []"


def test_a_model_in_the_cache_is_found_by_its_id(
    models: dict[str, Path], tmp_path: Path, clip: ClipEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache's own layout: a reference to a commit, and the commit's files."""
    place = tmp_path / "models--sentence-transformers--tiny"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("c0ffee")
    shutil.copytree(models["clip"], place / "snapshots" / "c0ffee")
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    found = load_embedder("clip:tiny")
    assert (found.name, found.fingerprint) == ("clip:tiny", clip.fingerprint)
    (place / "snapshots" / "c0ffee" / "model.safetensors").unlink()
    with pytest.raises(InvalidInput, match=r"holds no weights .* hf download sentence-transformers/tiny"):
        load_embedder("clip:tiny")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("../../etc", "no id of a model"),
        ("http://127.0.0.1:9/model", "no id of a model"),
        ("a/b/c", "no id of a model"),
        ("x\0y", "no id of a model"),
        ("--help", "is no id of a model"),
        ("a" * 300, "is no id of a model"),
        (".", "holds no weights"),
    ],
)
def test_what_names_no_model_is_refused(model: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        ClipEmbedder(model)


def test_a_file_in_place_of_a_folder_is_refused(models: dict[str, Path]) -> None:
    with pytest.raises(InvalidInput, match=r"is a file\. Give the folder that it lies in"):
        ClipEmbedder(models["clip"] / "config.json")


def changed_weights(models: dict[str, Path], folder: Path, change: Any) -> Path:
    from safetensors.numpy import load_file, save_file

    shutil.copytree(models["clip"], folder)
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_weights_that_lack_a_part_are_refused_and_not_filled_with_random_numbers(
    models: dict[str, Path], tmp_path: Path
) -> None:
    folder = changed_weights(models, tmp_path / "part", lambda w: w.pop("visual_projection.weight"))
    with pytest.raises(InvalidInput, match="lack parts of the model"):
        ClipEmbedder(folder)


def test_weights_that_give_nan_are_an_error(models: dict[str, Path], tmp_path: Path) -> None:
    def spoil(weights: dict[str, np.ndarray]) -> None:
        weights["text_projection.weight"] = np.full_like(weights["text_projection.weight"], np.nan)

    broken = ClipEmbedder(changed_weights(models, tmp_path / "nan", spoil))
    assert np.isfinite(broken.embed_images(sample_pictures())).all()
    with pytest.raises(PluginError, match=r"no direction .* for 3 of 3 inputs, the first of them number 0"):
        broken.embed_texts(WORDS)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "processor_config.json"])
def test_half_a_file_is_refused_with_the_folders_name(models: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(models["clip"], tmp_path / "half"))
    (folder / name).write_bytes((folder / name).read_bytes()[:100])
    with pytest.raises(InvalidInput, match="half cannot be loaded"):
        ClipEmbedder(folder)


def test_a_model_that_brings_code_of_its_own_is_refused_and_its_code_does_not_run(
    models: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(models["clip"], tmp_path / "own"))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": "mine.Module"}]))
    with pytest.raises(InvalidInput, match="own cannot be loaded"):
        ClipEmbedder(folder)
    assert not (tmp_path / "ran").exists()


def test_pictures_that_are_too_large_are_refused_by_their_header(clip: ClipEmbedder, tmp_path: Path) -> None:
    Image.new("1", (9000, 9000)).save(tmp_path / "large.png")
    with Image.open(tmp_path / "large.png") as large:
        with pytest.raises(InvalidInput, match=r"images\[1\]: has 9000 × 9000 pixels"):
            clip.embed_images([Image.new("RGB", (8, 8)), large])
        assert getattr(large, "_im", None) is None, "it was decoded"


def test_half_a_picture_that_is_read_late_is_named(clip: ClipEmbedder, tmp_path: Path) -> None:
    sample_pictures()[0].save(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "half.png").read_bytes()[:500])
    with Image.open(tmp_path / "half.png") as half, pytest.raises(InvalidInput, match=r"half\.png cannot be decoded"):
        clip.embed_images([half])


def test_a_model_without_pictures_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(models["clip"], tmp_path / "words"))
    settings = json.loads((folder / "sentence_bert_config.json").read_text())
    del settings["modality_config"]["image"]
    (folder / "sentence_bert_config.json").write_text(json.dumps(settings))
    with pytest.raises(InvalidInput, match="words takes text, not pictures each by itself"):
        ClipEmbedder(folder)


def test_a_model_without_texts_embeds_pictures_only(
    models: dict[str, Path], tmp_path: Path, clip: ClipEmbedder
) -> None:
    folder = Path(shutil.copytree(models["clip"], tmp_path / "pictures"))
    settings = json.loads((folder / "sentence_bert_config.json").read_text())
    del settings["modality_config"]["text"]
    (folder / "sentence_bert_config.json").write_text(json.dumps(settings))
    found = ClipEmbedder(folder)
    assert found.modalities == {"image"}
    assert np.array_equal(found.embed_images(sample_pictures()), clip.embed_images(sample_pictures()))
    with pytest.raises(InvalidInput, match="embeds pictures only"):
        found.embed_texts(["a kite"])
    report = export_towers(found, tmp_path / "towers")
    assert report.texts == ()
    assert ClipEmbedder(report.folder).modalities == {"image"}


@pytest.mark.parametrize("texts", ["a kite", b"a kite", [b"a kite"], [None]], ids=repr)
def test_what_is_no_list_of_texts_is_refused(clip: ClipEmbedder, texts: Any) -> None:
    with pytest.raises(InvalidInput, match="texts"):
        clip.embed_texts(texts)


# fingerprints --------------------------------------------------------------------------------------------------------


def test_a_copy_has_the_same_fingerprint_and_a_readme_changes_nothing(
    models: dict[str, Path], tmp_path: Path, clip: ClipEmbedder
) -> None:
    folder = Path(shutil.copytree(models["clip"], tmp_path / "copy"))
    (folder / "README.md").write_text("# Tiny")
    (folder / "pytorch_model.bin").write_bytes(b"another form of the weights, which is not read")
    assert ClipEmbedder(folder).fingerprint == clip.fingerprint


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("processor_config.json", "0.48145466", "0.5"),
        ("tokenizer.json", '"!</w>"', '"?!</w>"'),
        ("config.json", '"gelu"', '"relu"'),
    ],
)
def test_whatever_changes_a_vector_changes_the_fingerprint(
    models: dict[str, Path], tmp_path: Path, clip: ClipEmbedder, name: str, old: str, new: str
) -> None:
    folder = Path(shutil.copytree(models["clip"], tmp_path / "changed"))
    text = (folder / name).read_text(encoding="utf-8")
    old = old if old in text else old.replace("gelu", "quick_gelu")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert ClipEmbedder(folder).fingerprint != clip.fingerprint


# exported towers -----------------------------------------------------------------------------------------------------


def test_exported_towers_give_the_vectors_of_torch(exported: dict[bool, TowersReport]) -> None:
    report = exported[False]
    assert report.runtime == "onnx"
    assert len(report.pictures) == 12
    assert min(report.pictures + report.texts) > 0.99999
    assert str(report).startswith("onnx towers in int8-False (")


def test_the_report_on_int8_towers_says_how_far_they_are_from_torch(
    clip: ClipEmbedder, exported: dict[bool, TowersReport]
) -> None:
    report = exported[True]
    small = ClipEmbedder(report.folder)
    assert small.runtime == report.runtime == "onnx-int8"
    cosines = (small.embed_images(sample_pictures()) * clip.embed_images(sample_pictures())).sum(axis=1)
    assert report.pictures == pytest.approx(cosines, abs=1e-6)
    assert 0.9 < min(report.pictures) < 0.99999
    assert report.bytes < exported[False].bytes


def test_torch_int8_and_float_towers_have_fingerprints_of_their_own(
    clip: ClipEmbedder, exported: dict[bool, TowersReport]
) -> None:
    assert len({clip.fingerprint, *(ClipEmbedder(r.folder).fingerprint for r in exported.values())}) == 3


def test_the_texts_of_exported_siglip_are_padded_as_well(siglip: ClipEmbedder, tmp_path: Path) -> None:
    report = export_towers(siglip, tmp_path / "siglip", pictures=[Image.new("RGBA", (40, 30))])
    assert len(report.pictures) == 1
    assert min(report.pictures + report.texts) > 0.99999
    texts = ["a red kite", "a large fox beside the boat"]
    assert np.abs(ClipEmbedder(tmp_path / "siglip").embed_texts(texts) - siglip.embed_texts(texts)).max() < 1e-4


def test_a_runtime_that_was_not_exported_says_how_to_export_it(
    models: dict[str, Path], exported: dict[bool, TowersReport]
) -> None:
    with pytest.raises(InvalidInput, match=r"is not exported for \'onnx-int8\'. Export it once: export_towers\("):
        ClipEmbedder(models["clip"], runtime="onnx-int8")
    with pytest.raises(InvalidInput, match="was exported for 'onnx', not for 'onnx-int8'"):
        ClipEmbedder(exported[False].folder, runtime="onnx-int8")
    assert ClipEmbedder(exported[True].folder, runtime="onnx-int8").runtime == "onnx-int8"


def test_towers_are_written_into_a_new_folder_only_and_never_from_towers(
    clip: ClipEmbedder, exported: dict[bool, TowersReport], tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="'full' is there and not empty"):
        export_towers(clip, tmp_path / "full")
    with pytest.raises(InvalidInput, match="is exported already"):
        export_towers(exported[False].folder, tmp_path / "again")


def test_a_broken_tower_is_refused(exported: dict[bool, TowersReport], tmp_path: Path) -> None:
    for name, why in (("vision.onnx", "vision.onnx cannot be loaded"), ("towers.json", "cannot be read")):
        folder = Path(shutil.copytree(exported[False].folder, tmp_path / name.replace(".", "-")))
        (folder / name).write_bytes((folder / name).read_bytes()[:50])
        with pytest.raises(InvalidInput, match=why):
            ClipEmbedder(folder)

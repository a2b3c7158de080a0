"""The fingerprint of a model's files, and the hashes that are kept so that large ones are read once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from imagegen_kit.retrieval.embedders import model_hash
from imagegen_kit.retrieval.embedders.model_folder import weights_of


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where hashes are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "imagegen-kit" / "hashes.json"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that is large enough to be worth it."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(model_hash.LARGE))
    return path


def test_the_hash_of_a_large_file_is_kept_and_taken_again(cache: Path, large: Path) -> None:
    wanted = hashlib.sha256(large.read_bytes()).hexdigest()
    assert model_hash.sha256_of(large) == wanted
    cache.write_text(cache.read_text().replace(wanted, "kept"))
    assert model_hash.sha256_of(large) == "kept"


def test_a_file_that_was_changed_is_hashed_again_even_when_its_time_was_set_back(cache: Path, large: Path) -> None:
    first, times = model_hash.sha256_of(large), os.stat(large)
    with large.open("r+b") as file:
        file.seek(1000)
        file.write(b"\1")
    os.utime(large, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert model_hash.sha256_of(large) == hashlib.sha256(large.read_bytes()).hexdigest() != first


@pytest.mark.parametrize("text", ["{", "[]", '{"x": 1}', "null"])
def test_a_broken_cache_is_passed_over_and_written_anew(cache: Path, large: Path, text: str) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(text)
    wanted = model_hash.sha256_of(large)
    assert wanted in cache.read_text()


def test_where_nothing_can_be_kept_it_is_hashed_each_time(cache: Path, large: Path) -> None:
    cache.parent.parent.write_text("a file where the folder should be")
    assert model_hash.sha256_of(large) == model_hash.sha256_of(large) == hashlib.sha256(large.read_bytes()).hexdigest()


def test_small_files_leave_nothing_behind(cache: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"x")
    assert model_hash.sha256_of(small) == hashlib.sha256(b"x").hexdigest()
    assert not cache.exists()


def test_the_weights_of_a_folder_are_those_that_are_read(tmp_path: Path) -> None:
    for name in ("1_Dense", "0_CLIPModel", "onnx"):
        (tmp_path / name).mkdir()
    for name in ("0_CLIPModel/model.safetensors", "0_CLIPModel/pytorch_model.bin", "1_Dense/pytorch_model.bin"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "onnx" / "model.safetensors").write_bytes(b"x")
    found = [p.relative_to(tmp_path).as_posix() for p in weights_of(tmp_path)]
    assert found == ["0_CLIPModel/model.safetensors", "1_Dense/pytorch_model.bin"]


def test_a_fingerprint_is_of_the_files_and_what_is_said_besides(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    first = model_hash.fingerprint_of(tmp_path, weights_of(tmp_path), runtime="torch")
    assert first == model_hash.fingerprint_of(tmp_path, weights_of(tmp_path), runtime="torch")
    assert first != model_hash.fingerprint_of(tmp_path, weights_of(tmp_path), runtime="onnx")
    (tmp_path / "tokenizer.json").write_text("{}")
    with_tokenizer = model_hash.fingerprint_of(tmp_path, weights_of(tmp_path), runtime="torch")
    (tmp_path / "vocab.json").write_text("an older form of the same tokenizer")
    assert first != with_tokenizer == model_hash.fingerprint_of(tmp_path, weights_of(tmp_path), runtime="torch")

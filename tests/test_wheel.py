"""What is built is whole: the wheel works in a folder where no checkout is near."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", out, ROOT],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_code_styles_schema_and_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "imagegen_kit/py.typed",
        "imagegen_kit/store/schema.sql",
        "imagegen_kit/catalog/models/gemini.yaml",
        "imagegen_kit/catalog/prices.yaml",
        "imagegen_kit/catalog/styles/cinematic.yaml",
        "imagegen_kit/_data/references/library.jsonl",
        "imagegen_kit/_data/prompts/first.yaml",
    ):
        assert part in names
    assert sum(n.endswith(".webp") for n in names) >= 150
    assert wheel.stat().st_size < 8_000_000


def test_the_installed_wheel_makes_a_picture_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    """Only the package itself comes from the wheel; what it depends on is what this environment has."""
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel],
        check=True,
        capture_output=True,
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = "import imagegen_kit; print(imagegen_kit.__file__)"
    where = subprocess.run([sys.executable, "-c", code], cwd=empty, env=environment, capture_output=True, text=True)
    assert str(site) in where.stdout
    command = [
        site / "bin/imagegen",
        "generate",
        "a happy cat drinking coffee",
        "--model",
        "offline/collage",
        "-o",
        "cat.png",
    ]
    done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (empty / "cat.png").read_bytes().startswith(b"\x89PNG")
    assert (empty / "imagegen-store" / "journal.sqlite").is_file()

"""``imagegen plugin``: what it writes works, what it refuses is said with the reason, what it checks is told."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from imagegen_kit.cli import app
from imagegen_kit.providers import Capabilities, ModelSpec, ProviderSpec, Reply
from imagegen_kit.testing.scaffold import render

ROOT = Path(__file__).parents[1]
GOOD_STYLE = "name: woodcut\ntext: as a woodcut\n"
GOOD_MODELS = 'models:\n  mine/one: {card: One of mine., as_of: "2026-01-01", source: me}\n'


def imagegen(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["plugin", *arguments])
    return done.exit_code, done.stdout, done.stderr


class TestNew:
    def test_it_writes_a_whole_distribution_and_says_what_to_do_next(self) -> None:
        status, out, _ = imagegen("new", "sunny-day", "--author", "Ada Example")
        assert status == 0
        made = Path("imagegen-kit-sunny-day")
        assert sorted(str(p.relative_to(made)) for p in made.rglob("*") if p.is_file()) == [
            ".github/workflows/test.yml", ".gitignore", "LICENSE", "README.md",
            "imagegen_kit_sunny_day/__init__.py", "imagegen_kit_sunny_day/provider.py", "pyproject.toml",
            "tests/test_sunny_day.py",
        ]  # fmt: skip
        assert [line.strip() for line in out.splitlines()[-3:]] == [
            "cd imagegen-kit-sunny-day",
            "pip install -e . --group test",
            "pytest",
        ]
        project = tomllib.loads((made / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["entry-points"]["imagegen_kit"] == {"sunny-day": "imagegen_kit_sunny_day"}
        assert project["authors"] == [{"name": "Ada Example"}]
        assert "Copyright (c) Ada Example" in (made / "LICENSE").read_text(encoding="utf-8")

    def test_its_files_are_sound(self) -> None:
        for path, text in render("sunny-day").items():
            assert "[=" not in text, path
            if path.endswith(".py"):
                ast.parse(text)
            if path.endswith(".yml"):
                assert yaml.safe_load(text)["jobs"]["test"]["steps"][1]["with"] == {
                    "python-version": "${{ matrix.python }}"
                }

    def test_its_code_is_formatted_as_ours_is(self) -> None:
        imagegen("new", "sunny-day")
        settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
        for check in (["check", "--ignore", "I001,D101"], ["format", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *check, *settings, "imagegen-kit-sunny-day"],
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout

    def test_a_folder_can_be_chosen_and_the_prefix_may_be_written(self) -> None:
        assert imagegen("new", "imagegen-kit-sunny", "--folder", "elsewhere")[0] == 0
        assert (Path("elsewhere") / "imagegen_kit_sunny/__init__.py").is_file()

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("Sunny", "is no name for a provider"),
            ("sunny_day", "is no name for a provider"),
            ("9lives", "is no name for a provider"),
            ("../up", "is no name for a provider"),
            ("", "is no name for a provider"),
            ("offline", "belongs to"),
            ("echo", "belongs to echo of imagegen-kit-echo"),
        ],
    )
    def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(self, name: str, words: str) -> None:
        status, _, err = imagegen("new", name)
        assert status == 2
        assert words in err
        assert list(Path().iterdir()) == []

    def test_a_folder_that_is_there_is_left_alone_and_all_faults_are_told(self) -> None:
        Path("mine").mkdir()
        Path("mine/kept.txt").write_text("mine")
        status, _, err = imagegen("new", "Sunny", "--folder", "mine", "--author", 'Q"')
        assert status == 2
        assert "3 things to mend" in err
        assert [p.name for p in Path("mine").iterdir()] == ["kept.txt"]


@pytest.mark.slow
def test_a_new_plugin_is_installed_and_passes_its_own_tests(tmp_path: Path) -> None:
    """Installed from its folder into a place of its own, its tests run as its author runs them."""
    assert imagegen("new", "sunny-day")[0] == 0
    folder, site = tmp_path / "imagegen-kit-sunny-day", tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", site, folder], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "failed" not in done.stdout
    ask = "ik.generate('a kite', model='sunny-day/first', seed=7, size=64)"
    program = f"import imagegen_kit as ik; {ask}.picture.save('k.png')"
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, env=environment, capture_output=True
    )
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "k.png").read_bytes().startswith(b"\x89PNG")
    check = [sys.executable, "-m", "imagegen_kit.cli", "plugin", "check", "sunny-day"]
    told = subprocess.run(check, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "imagegen-kit-sunny-day 0.1.0): ok" in told.stdout
    assert "sunny-day/first  ready" in told.stdout


class TestCheck:
    @pytest.mark.parametrize("name", ["echo", "imagegen-kit-echo"], ids=["provider", "distribution"])
    def test_a_plugin_is_told_with_what_it_offers(self, name: str) -> None:
        status, out, _ = imagegen("check", name)
        assert status == 0
        assert out.startswith("echo (imagegen-kit-echo 0.1.0): ")
        assert "  echo/text  ready" in out

    def test_without_a_name_every_plugin_is_told(self) -> None:
        out = imagegen("check")[1]
        assert "providers.offline" in out
        assert "style:cinematic" in out

    def test_an_unknown_name_suggests_the_nearest(self) -> None:
        status, _, err = imagegen("check", "ecco")
        assert status == 2
        assert "Did you mean 'echo'" in err

    @pytest.mark.parametrize(
        ("text", "words"),
        [(GOOD_STYLE, "the style woodcut"), (GOOD_MODELS, "models and prices of 1 model")],
        ids=["style", "models"],
    )
    def test_a_sound_file_is_told_with_how_to_use_it(self, text: str, words: str) -> None:
        Path("mine.yaml").write_text(text)
        status, out, _ = imagegen("check", "mine.yaml")
        assert status == 0
        assert words in out
        assert "use it: " in out

    def test_a_service_is_read_with_its_models(self) -> None:
        status, out, _ = imagegen("check", str(ROOT / "imagegen_kit/catalog/job_apis/fal.yaml"))
        assert status == 0
        assert "the service fal" in out

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (GOOD_STYLE + "txt: in oil\n", "mine.yaml:3 txt"),
            (GOOD_MODELS.replace("card", "crad"), "mine.yaml:2"),
            ("name: mine\nsubmit: {url: 7}\n", "mine.yaml"),
            ("name: [\n", "mine.yaml"),
        ],
        ids=["style", "models", "service", "no-yaml"],
    )
    def test_a_file_with_faults_is_refused_with_its_lines(self, text: str, words: str) -> None:
        Path("mine.yaml").write_text(text)
        status, _, err = imagegen("check", "mine.yaml")
        assert status == 2
        assert words in err

    def test_a_missing_file_is_said_plainly(self) -> None:
        status, _, err = imagegen("check", "nowhere.yaml")
        assert status == 2
        assert "nowhere.yaml" in err


@pytest.mark.parametrize("spec", [ProviderSpec, ModelSpec, Capabilities, Reply], ids=lambda spec: spec.__name__)
def test_every_field_of_a_spec_is_in_the_reference(spec: type) -> None:
    text = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[`(]([a-z_]+)", text))
    assert [f.name for f in fields(spec) if f.name not in named] == []


class TestThePageOnPlugins:
    """``docs/write-a-plugin.md`` shows what ``plugin new`` writes, and what it builds keeps the contract."""

    text = (ROOT / "docs/write-a-plugin.md").read_text(encoding="utf-8")

    def test_it_shows_each_file_as_it_is_written(self) -> None:
        written = render("gradient")
        shown = dict(re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", self.text, re.S))
        assert shown == {path: text for path, text in written.items() if path.endswith(".py")}
        (section,) = re.findall(r"```toml\n(.*?)```", self.text, re.S)
        assert section in written["pyproject.toml"]

    def test_the_provider_of_a_service_keeps_the_contract(self, tmp_path: Path) -> None:
        page = tmp_path / "test_page.py"
        page.write_text("\n".join(re.findall(r"```python\n(.*?)```", self.text, re.S)), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-W",
            "error",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "TestPainter",
            page,
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 40

"""``imagegen plugin``: what it writes works, what it refuses is said with the reason, what it checks is told."""

from __future__ import annotations

import ast
import importlib
import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from imagegen_kit.catalog.job_api import load_job_api
from imagegen_kit.cli import app
from imagegen_kit.providers import Capabilities, ImageRequest, ModelSpec, ProviderSpec, Reply
from imagegen_kit.registry import reset_registry
from imagegen_kit.scorers import Measure, Measurement, ScorerSpec
from imagegen_kit.testing.contracts.failing import EXPECTED
from imagegen_kit.testing.scaffold import render
from imagegen_kit.testing.simulators.modes import MODES, UNCHARGED
from imagegen_kit.types import Reference

ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:nbval"]  # nbval takes seconds to load
_numbers = itertools.count()
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
        assert [line.strip() for line in out.splitlines()[-4:]] == [
            "cd imagegen-kit-sunny-day",
            "python -m pip install -U pip",
            "python -m pip install -e . --group test",
            "pytest",
        ]
        project = tomllib.loads((made / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["entry-points"]["imagegen_kit"] == {"sunny-day": "imagegen_kit_sunny_day"}
        assert project["authors"] == [{"name": "Ada Example"}]
        assert re.search(r"Copyright \(c\) 20\d\d Ada Example\n", (made / "LICENSE").read_text(encoding="utf-8"))

    def test_the_way_to_install_it_is_the_same_everywhere(self) -> None:
        written = render("gradient", None, 2031)
        steps = "python -m pip install -U pip\npython -m pip install -e . --group test\n"
        assert steps in written["README.md"]
        assert steps in TestThePageOnPlugins.text
        runs = [
            step.get("run") for step in yaml.safe_load(written[".github/workflows/test.yml"])["jobs"]["test"]["steps"]
        ]
        assert runs[2:] == [*steps.splitlines(), "python -m pytest"]

    def test_the_licence_has_the_year_it_is_given(self) -> None:
        assert "Copyright (c) 2031 the authors of imagegen-kit-sunny" in render("sunny", None, 2031)["LICENSE"]

    @pytest.mark.parametrize("kind", ["provider", "scorer"])
    def test_its_files_are_sound(self, kind: str) -> None:
        for path, text in render("sunny-day", None, 2031, kind).items():
            assert "[=" not in text, path
            if path.endswith(".py"):
                ast.parse(text)
            if path.endswith(".yml"):
                assert yaml.safe_load(text)["jobs"]["test"]["steps"][1]["with"] == {
                    "python-version": "${{ matrix.python }}"
                }

    def test_it_writes_a_scorer_too(self) -> None:
        status, out, _ = imagegen("new", "sunny-day", "--kind", "scorer")
        assert status == 0
        assert out.splitlines()[-1].strip() == "pytest"
        made = Path("imagegen-kit-sunny-day")
        assert sorted(p.name for p in made.rglob("*.py")) == ["__init__.py", "scorer.py", "test_sunny_day.py"]
        project = tomllib.loads((made / "pyproject.toml").read_text(encoding="utf-8"))
        assert project["project"]["description"] == "The scorer sunny-day for imagegen-kit."
        assert project["dependency-groups"]["test"] == ["pytest>=9.0", "imagegen-kit"]
        assert 'run.score("sunny-day")' in (made / "README.md").read_text(encoding="utf-8")

    def test_another_kind_is_refused_with_the_near_one(self) -> None:
        status, _, err = imagegen("new", "sunny", "--kind", "scorers")
        assert status == 2
        assert "Did you mean 'scorer'" in err
        assert list(Path().iterdir()) == []

    def test_a_scorer_may_have_a_providers_name_and_not_another_scorers(self) -> None:
        assert imagegen("new", "offline", "--kind", "scorer")[0] == 0
        assert (
            "the scorer 'identity' belongs to scorers of imagegen-kit"
            in imagegen("new", "identity", "--kind", "scorer")[2]
        )

    @pytest.mark.parametrize("kind", ["provider", "scorer"])
    def test_its_code_is_formatted_as_ours_is(self, kind: str) -> None:
        imagegen("new", "sunny-day", "--kind", kind)
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


Install = Callable[..., None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_registry: None) -> Install:
    """Put a distribution on the path whose plugin offers one provider, or what another hook returns, as Python."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "needs_more.py").write_text("import nowhere_at_all")
    monkeypatch.syspath_prepend(site)

    def install(name: str, spec: str, hook: str = "providers", more: str = "") -> None:
        kit, hook = hook, f"{more}\n@kit.hookimpl\ndef imagegen_{hook}():\n    return [{spec}]\n"
        module = f"plugin_to_check_{name}_{next(_numbers)}"
        (site / f"{module}.py").write_text(f"from imagegen_kit import {kit} as kit\n\n{hook}")
        info = site / f"imagegen_kit_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: imagegen-kit-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[imagegen_kit]\n{name} = {module}\n")
        importlib.invalidate_caches()
        reset_registry()

    return install


@pytest.mark.slow
def test_a_new_plugin_is_installed_and_passes_its_own_tests(tmp_path: Path) -> None:
    """Installed from its folder into a place of its own, its tests run as its author runs them."""
    assert imagegen("new", "sunny-day")[0] == 0
    folder, site = tmp_path / "imagegen-kit-sunny-day", tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", site, folder], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [*PYTEST]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    passed, skipped = (int(re.findall(rf"(\d+) {word}", done.stdout)[0]) for word in ("passed", "skipped"))
    assert "failed" not in done.stdout
    assert passed + skipped > 60, "the README promises so many"
    assert skipped > passed, "and that more than half are skipped"
    assert "SKIPPED [" in done.stdout, "each reason is told"
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


def test_a_new_scorer_passes_its_own_tests(tmp_path: Path) -> None:
    """Its tests run as its author runs them, and find it by the entry point of its pyproject."""
    assert imagegen("new", "sunny-day", "--kind", "scorer")[0] == 0
    folder = tmp_path / "imagegen-kit-sunny-day"
    (entry,) = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "entry-points"
    ].values()
    info = tmp_path / "site" / "imagegen_kit_sunny_day-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imagegen-kit-sunny-day\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[imagegen_kit]\nsunny-day = {entry['sunny-day']}\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(folder), *sys.path])}
    done = subprocess.run(PYTEST, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 20, "the README promises so many"


class TestCheck:
    @pytest.mark.parametrize("name", ["echo", "imagegen-kit-echo"], ids=["provider", "distribution"])
    def test_a_plugin_is_told_with_what_it_offers(self, name: str) -> None:
        status, out, _ = imagegen("check", name)
        assert status == 0
        assert out.startswith("echo (imagegen-kit-echo 0.1.0): ")
        assert "  echo/text  ready" in out

    def test_without_a_name_built_in_plugins_are_told_in_a_line_each(self) -> None:
        status, out, _ = imagegen("check")
        assert status == 0
        assert "style:" not in out
        assert len(re.findall(r"^providers\.offline .*: ok; 5 models$", out, re.M)) == 1
        assert "  echo/text  ready" in out
        assert re.fullmatch(r"None of \d+ plugins need mending\.", out.splitlines()[-1])

    @pytest.mark.parametrize(
        ("spec", "words"),
        [
            ('target="nowhere_at_all:Any", origin="local:mine"', "loading nowhere_at_all:Any raised"),
            ('target="needs_more:Any", origin="local:mine"', "needs the package 'nowhere_at_all'"),
            ('target="imagegen_kit.errors:Painter", origin="local:mine"', "AttributeError"),
            ('target="imagegen_kit.providers:__name__", origin="local:mine"', "is no class"),
            ('target="imagegen_kit.providers:Reply"', "says nowhere where its pictures come from"),
        ],
        ids=["no-module", "missing-package", "no-class", "not-callable", "no-address"],
    )
    def test_a_provider_that_could_never_draw_is_told(self, installed: Install, spec: str, words: str) -> None:
        installed("mine", f'kit.ProviderSpec("mine", models=(kit.ModelSpec("one"),), {spec})')
        status, out, _ = imagegen("check", "mine")
        assert status == 1
        assert out.startswith("mine (imagegen-kit-mine 1.0): failed: ")
        assert words in out
        assert "To mend it: " in out
        assert out.endswith("\n  mine/one\n"), "and nothing says that it is ready"

    def test_what_install_brings_is_needed_and_no_fault(self, installed: Install) -> None:
        spec = 'target="needs_more:Any", origin="local:mine", install="pip install nowhere"'
        installed("mine", f'kit.ProviderSpec("mine", models=(kit.ModelSpec("one"),), {spec})')
        status, out, _ = imagegen("check", "mine")
        assert status == 0
        assert "  mine/one  pip install nowhere" in out

    @pytest.mark.parametrize(
        ("score", "status", "words"),
        [
            ("[float(s.rgb.mean()) / 255 for s in subjects]", 0, "scorer mine: it keeps the contract ("),
            ("[float(s.rgb.mean()) for s in subjects]", 1, "over `high`, which is 1.0"),
        ],
        ids=["sound", "out of its range"],
    )
    def test_a_scorer_is_held_to_the_contract(
        self, installed: Install, score: str, status: int, words: str, tmp_path: Path
    ) -> None:
        source = f"class Mine:\n    def score(self, subjects):\n        return {score}\n"
        (tmp_path / "site" / "of_mine.py").write_text(source)
        spec = 'kit.ScorerSpec("mine", target="of_mine:Mine", low=0.0, high=1.0, card="Light.")'
        installed("mine", spec, hook="scorers")
        found, out, _ = imagegen("check", "mine")
        assert found == status, out
        assert words in out
        assert out.rstrip().endswith("scorer:mine")
        assert ("does not keep the contract of scorers. To mend it: " in out) == bool(status)

    def test_a_scorer_that_cannot_be_made_without_options_is_told(self, installed: Install, tmp_path: Path) -> None:
        (tmp_path / "site" / "of_head.py").write_text("class Mine:\n    def __init__(self, head): ...\n")
        installed("mine", 'kit.ScorerSpec("mine", target="of_head:Mine", card="x")', hook="scorers")
        status, out, _ = imagegen("check", "mine")
        assert status == 0
        assert "scorer mine: the contract was not tried: it needs head; its own tests give them." in out

    def test_a_scorer_whose_target_is_not_there_needs_mending(self, installed: Install) -> None:
        installed("mine", 'kit.ScorerSpec("mine", target="nowhere_at_all:Mine")', hook="scorers")
        status, out, _ = imagegen("check", "mine")
        assert status == 1
        assert "loading nowhere_at_all:Mine raised" in out

    def test_broken_plugins_come_last_and_are_counted(self, installed: Install) -> None:
        installed("aa", 'kit.ProviderSpec("aa", models=(kit.ModelSpec("one"),), target="nowhere_at_all:Any")')
        installed("bb", 'kit.ProviderSpec("bb", models=(), target="nowhere_at_all:Any")')
        status, out, _ = imagegen("check")
        assert status == 1
        heads = [line for line in out.splitlines() if not line.startswith(" ")]
        assert [line.partition(" ")[0] for line in heads[-3:-1]] == ["aa", "bb"]
        assert re.fullmatch(r"2 of \d+ plugins need mending: aa, bb\.", heads[-1])

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


@pytest.mark.parametrize(
    "spec",
    [ProviderSpec, ModelSpec, Capabilities, Reply, ScorerSpec, Measure, Measurement],
    ids=lambda spec: spec.__name__,
)
def test_every_field_of_a_spec_is_in_the_reference(spec: type) -> None:
    text = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[`(]([a-z_]+)", text))
    assert [f.name for f in fields(spec) if f.name not in named] == []


def test_the_reference_has_a_row_for_each_field_of_a_request() -> None:
    text = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    section = text.partition("## The request")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.M)
    assert {n for row in rows for n in re.findall(r"`(\w+)`", row)} == {f.name for f in fields(ImageRequest)}


def test_the_reference_names_the_modes_of_a_simulator_for_jobs_and_the_uncharged_ones() -> None:
    text = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    section = text.partition("## The simulator")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == set(EXPECTED) - set(MODES)
    words = section.partition("`UNCHARGED`, in")[2]
    assert {mode for mode in MODES if re.search(rf"\b{mode}\b", words)} == UNCHARGED


def test_the_bytes_of_a_picture_come_from_one_function() -> None:
    from imagegen_kit import providers as kit

    Image.new("RGB", (8, 8), "red").save("red.png")
    picture = Reference("red.png").picture
    assert kit.open_picture(picture).bytes == Path("red.png").read_bytes()
    with pytest.raises(AttributeError, match="open_pictures"):
        kit.open_pictures  # noqa: B018  # the look-up itself is what fails


def test_a_hook_does_not_load_pillow() -> None:
    program = "import sys, imagegen_kit.providers; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


def test_the_example_of_a_service_is_sound_and_has_a_price() -> None:
    page = (ROOT / "docs/job-apis.md").read_text(encoding="utf-8")
    Path("my_service.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.S)[0])
    (model,) = load_job_api("my_service.yaml").models
    assert model.price is not None
    assert model.price.per_picture == 0.02
    assert model.card


class TestThePageOnPlugins:
    """``docs/write-a-plugin.md`` shows what ``plugin new`` writes, and what it builds keeps the contract."""

    text = (ROOT / "docs/write-a-plugin.md").read_text(encoding="utf-8")

    def test_it_shows_each_file_as_it_is_written(self) -> None:
        written = render("gradient", None, 2031)
        shown = dict(re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", self.text, re.S))
        shown = {path: text for path, text in shown.items() if not path.endswith("painter.py")}
        assert shown == {path: text for path, text in written.items() if path.endswith(".py")}
        (section,) = re.findall(r"```toml\n(.*?)```", self.text, re.S)
        assert section in written["pyproject.toml"]

    def test_the_provider_of_a_service_keeps_the_contract(self, tmp_path: Path) -> None:
        """The two files of sections 5 and 6, saved and run as the page says."""
        shown = dict(re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", self.text, re.S))
        for name in ("painter.py", "test_painter.py"):
            (tmp_path / name).write_text(shown[name], encoding="utf-8")
        command = [*PYTEST, "-W", "error", "-rs", "test_painter.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 45

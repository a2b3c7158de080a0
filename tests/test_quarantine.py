"""One bad plugin never hides the good ones, and never disappears: installed distributions, in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

GOOD = """
from imagegen_kit.providers import Capabilities, ModelSpec, ProviderSpec, Reply, Style, hookimpl

@hookimpl
def imagegen_providers():
    return [ProviderSpec("{name}", models=(ModelSpec("plain"),), target="{module}:Plain", origin="local:{name}")]

@hookimpl
def imagegen_styles():
    return [Style("{name}-look", text="plain")]

class Plain:
    def __init__(self, account): pass
    async def generate(self, request, on_progress): return Reply(pictures=(b"{name}",))
"""
HOOK = "from imagegen_kit.providers import *\n"

# distribution: (entry-point name, source of its one module)
DISTRIBUTIONS = {
    "good-first": ("good-first", GOOD.format(name="good", module="good_first")),
    "import-error": ("import-error", "import a_package_that_nobody_has\n"),
    "exits-at-import": ("exits-at-import", "import sys\nsys.exit(3)\n"),
    "raising-hook": ("raising-hook", HOOK + "@hookimpl\ndef imagegen_providers():\n    return [1 / 0]\n"),
    "wrong-arguments": ("wrong-arguments", HOOK + "@hookimpl\ndef imagegen_styles(config):\n    return []\n"),
    "misspelt-hook": ("misspelt-hook", HOOK + "@hookimpl\ndef imagegen_provider():\n    return []\n"),
    "misnamed-hook": ("misnamed-hook", HOOK + "def imagegen_style():\n    return []\n"),
    "unmarked-hook": ("unmarked-hook", HOOK + "def imagegen_styles():\n    return []\n"),
    "other-hook": ("other-hook", HOOK + "@hookimpl\ndef providers():\n    return []\n"),
    "same-provider": ("same-provider", GOOD.format(name="good", module="same_provider")),
    "same-style": (
        "same-style",
        HOOK + "@hookimpl\ndef imagegen_styles():\n    return [Style('good-look'), Style('never-seen')]\n",
    ),
    "same-entry-point": ("good-first", GOOD.format(name="unreached", module="same_entry_point")),
    "newer-api": ("newer-api", HOOK + "@hookimpl\ndef imagegen_styles():\n    return [Style('new', api_version=99)]\n"),
    "newer-module-api": ("newer-module-api", "imagegen_api_version = 2\n"),
    "returns-junk": ("returns-junk", HOOK + "@hookimpl\ndef imagegen_providers():\n    return ['offline', 7]\n"),
    "returns-none": ("returns-none", HOOK + "@hookimpl\ndef imagegen_providers():\n    pass\n"),
    "returns-coroutine": ("returns-coroutine", HOOK + "@hookimpl\nasync def imagegen_styles():\n    return []\n"),
    "bad-name": (
        "bad-name",
        HOOK + "@hookimpl\ndef imagegen_providers():\n"
        "    return [ProviderSpec('Bad Name', models=(ModelSpec('m'),), target='m:C')]\n",
    ),
    "half-bad": (
        "half-bad",
        HOOK + "@hookimpl\ndef imagegen_styles():\n    return [Style('half')]\n"
        "@hookimpl\ndef imagegen_scorers():\n    raise SystemExit\n",
    ),
    "no-hooks": ("no-hooks", "x = 1\n"),
    "asks-registry": ("asks-registry", "from imagegen_kit.registry import get_registry\nget_registry()\n"),
    "slow-import": ("slow-import", "import time\ntime.sleep(1.1)\n" + GOOD.format(name="slow", module="slow_import")),
    "zz-good-last": ("zz-good-last", GOOD.format(name="last", module="zz_good_last")),
}

REPORT = """
import asyncio, dataclasses, json, sys, warnings
from datetime import date
from imagegen_kit.providers import Account, ImageRequest
from imagegen_kit.registry import get_registry
registry = get_registry()
drawn = {}
for model in registry.models():
    if model.spec.name == "plain":
        provider = registry.provider_target(model.provider.name)(Account())
        request = ImageRequest(prompt="a cat", model=model.id)
        drawn[model.id] = asyncio.run(provider.generate(request, None)).pictures[0].decode()
records = [dataclasses.asdict(record) for record in registry.plugins()]
imported = sorted(name for name in sys.modules if "_" in name)
print(json.dumps({"records": records, "drawn": drawn, "styles": list(registry.styles()), "imported": imported}))
"""


def write_distribution(folder: Path, name: str, entry: str, source: str, *, entry_points: str | None = None) -> None:
    """Lay out what an installer leaves behind: the module and NAME-VERSION.dist-info."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points or f"[imagegen_kit]\n{entry} = {module}\n")
    (info / "RECORD").write_text(f"{module}.py,,\n{info.name}/METADATA,,\n{info.name}/entry_points.txt,,\n")


def fresh_process(folder: Path, code: str = REPORT, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEGEN_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "PYTHONPATH": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def report(folder: Path, **environment: str) -> dict[str, Any]:
    done = fresh_process(folder, **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    found["by"] = {record["distribution"]: record for record in found["records"]}
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name, (entry, source) in DISTRIBUTIONS.items():
        write_distribution(folder, name, entry, source)
    return folder


@pytest.fixture(scope="module")
def everything(site: Path) -> dict[str, Any]:
    return report(site)


# distribution: (status, part of the reason)
EXPECTED = {
    "import-error": ("failed", "ModuleNotFoundError: No module named 'a_package_that_nobody_has' (site"),
    "exits-at-import": ("failed", "importing it raised SystemExit: 3"),
    "raising-hook": ("failed", "imagegen_providers raised ZeroDivisionError: division by zero"),
    "wrong-arguments": ("failed", "{'config'} are declared in the hookimpl but can not be found"),
    "misspelt-hook": ("failed", "imagegen_provider is no hook. Did you mean imagegen_providers?"),
    "misnamed-hook": ("failed", "imagegen_style is no hook. Did you mean imagegen_styles?"),
    "unmarked-hook": ("failed", "imagegen_styles is not marked as a hook. Write @hookimpl"),
    "other-hook": ("failed", "unknown hook 'providers'"),
    "same-provider": ("clash", "both good-first and same-provider offer the provider 'good'"),
    "same-style": ("clash", "both good-first and same-style offer the style 'good-look'"),
    "same-entry-point": ("clash", "both good-first and same-entry-point offer the plugin name 'good-first'"),
    "newer-api": ("failed", "imagegen_styles: 'new' is written for version 99 of the plugin contract"),
    "newer-module-api": ("failed", "the plugin is written for version 2"),
    "returns-junk": ("failed", "imagegen_providers returned a str in its list, not ProviderSpec"),
    "returns-none": ("failed", "imagegen_providers returned None, not a list of ProviderSpec"),
    "returns-coroutine": ("failed", "imagegen_styles is async"),
    "bad-name": ("failed", "'Bad Name' is not a name"),
    "half-bad": ("failed", "imagegen_scorers raised SystemExit"),
    "no-hooks": ("failed", "it implements none of the hooks"),
    "asks-registry": ("failed", "a plugin asked for the registry while it was being loaded"),
    "slow-import": ("slow", "importing it took 1."),
}


@pytest.mark.parametrize("distribution", EXPECTED)
def test_a_bad_plugin_is_shown_with_its_reason(everything: dict[str, Any], distribution: str) -> None:
    status, reason = EXPECTED[distribution]
    record = everything["by"][distribution]
    assert record["status"] == status
    assert reason in record["reason"]


def test_every_bad_distribution_of_this_file_has_an_expectation() -> None:
    assert set(DISTRIBUTIONS) - set(EXPECTED) == {"good-first", "zz-good-last"}


def test_the_good_plugins_still_draw(everything: dict[str, Any]) -> None:
    assert everything["drawn"] == {"good/plain": "good", "last/plain": "last", "slow/plain": "slow"}
    assert [everything["by"][name]["status"] for name in ("good-first", "zz-good-last")] == ["ok", "ok"]
    assert everything["by"]["good-first"]["offers"] == ["good/plain", "style:good-look"]


def test_nothing_of_a_refused_plugin_is_left(everything: dict[str, Any]) -> None:
    assert {"good-look", "last-look", "slow-look"} <= set(everything["styles"])
    assert not {"half", "never-seen", "new", "unreached-look"} & set(everything["styles"])


def test_the_built_in_plugins_come_first_and_through_the_same_door(everything: dict[str, Any]) -> None:
    names = [(record["name"], record["distribution"]) for record in everything["records"][:2]]
    assert names == [("providers.offline", "imagegen-kit"), ("prompts.styles", "imagegen-kit")]


def test_every_fix_speaks_pip_and_names_the_setting(everything: dict[str, Any]) -> None:
    for name in EXPECTED:
        fix = everything["by"][name]["fix"]
        assert f"pip uninstall {name}" in fix
        assert f"IMAGEGEN_BLOCK_PLUGINS={name}" in fix
    assert "pip install -U import-error" in everything["by"]["import-error"]["fix"]
    assert "pip install -U imagegen-kit." in everything["by"]["newer-api"]["fix"]


def test_a_clash_loads_by_distribution_name_not_by_order_on_disk(everything: dict[str, Any]) -> None:
    third_party = [r["distribution"] for r in everything["records"][2:] if r["distribution"] in DISTRIBUTIONS]
    assert third_party == sorted(third_party)
    assert "same_entry_point" not in everything["imported"]


def test_a_blocked_plugin_is_not_even_imported(site: Path) -> None:
    found = report(site, IMAGEGEN_BLOCK_PLUGINS=" Exits_At_Import , good-first,slow-import")
    blocked = {name for name, record in found["by"].items() if record["status"] == "blocked"}
    assert blocked == {"exits-at-import", "good-first", "slow-import"}
    assert not {"exits_at_import", "good_first", "slow_import"} & set(found["imported"])
    assert found["by"]["good-first"]["seconds"] is None
    assert found["drawn"]["unreached/plain"] == "unreached"  # the name is free now


def test_the_allow_list_loads_only_what_it_names_and_reports_what_is_not_there(site: Path) -> None:
    found = report(site, IMAGEGEN_LOAD_PLUGINS=" zz-good-last , not-installed")
    assert found["drawn"] == {"last/plain": "last"}
    assert found["by"]["good-first"]["status"] == "blocked"
    assert found["by"]["not-installed"]["status"] == "failed"
    assert "IMAGEGEN_LOAD_PLUGINS names 'not-installed'" in found["by"]["not-installed"]["reason"]


def test_an_empty_allow_list_loads_no_plugin_but_the_built_in_ones(site: Path) -> None:
    found = report(site, IMAGEGEN_LOAD_PLUGINS="")
    assert found["drawn"] == {}
    assert all(r["status"] == "blocked" for name, r in found["by"].items() if name in DISTRIBUTIONS)
    assert {r["status"] for r in found["records"][:2]} <= {"ok", "slow"}


def test_strict_mode_raises_with_the_whole_report(site: Path) -> None:
    done = fresh_process(site, IMAGEGEN_STRICT_PLUGINS="1", IMAGEGEN_BLOCK_PLUGINS="slow-import")
    assert done.returncode == 1
    assert "imagegen_kit.errors.PluginError" in done.stderr
    for name in ("import-error", "same-provider", "wrong-arguments"):
        assert f"({name} 1.0): " in done.stderr


def test_strict_mode_is_content_with_good_plugins(site: Path) -> None:
    found = report(site, IMAGEGEN_STRICT_PLUGINS="1", IMAGEGEN_LOAD_PLUGINS="good-first,zz-good-last")
    assert found["drawn"] == {"good/plain": "good", "last/plain": "last"}


def test_unreadable_metadata_hides_no_other_plugin(tmp_path: Path) -> None:
    write_distribution(tmp_path, "garbled", "x", "", entry_points="[imagegen_kit]\nthis is no entry point\n")
    write_distribution(tmp_path, "zz-good-last", *DISTRIBUTIONS["zz-good-last"])
    found = report(tmp_path)
    assert "its metadata cannot be read" in found["by"]["garbled"]["reason"]
    assert found["drawn"] == {"last/plain": "last"}


def test_an_interrupt_at_import_is_not_swallowed(tmp_path: Path) -> None:
    write_distribution(tmp_path, "interrupted", "interrupted", "raise KeyboardInterrupt\n")
    done = fresh_process(tmp_path)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr


def test_of_a_distribution_installed_twice_only_the_one_that_imports_counts(tmp_path: Path) -> None:
    for place in ("front", "back"):
        (tmp_path / place).mkdir()
        write_distribution(tmp_path / place, "twice", f"twice-{place}", GOOD.format(name=place, module="twice"))
    both = os.pathsep.join([str(tmp_path / "front"), str(tmp_path / "back")])
    found = report(tmp_path, PYTHONPATH=both)
    assert [r["name"] for r in found["records"] if r["distribution"] == "twice"] == ["twice-front"]
    assert found["drawn"] == {"front/plain": "front"}


def test_a_plugin_that_pip_installs_is_found(tmp_path: Path) -> None:
    project, target = tmp_path / "project", tmp_path / "target"
    project.mkdir()
    (project / "by_pip.py").write_text(GOOD.format(name="by-pip", module="by_pip"))
    (project / "pyproject.toml").write_text(
        textwrap.dedent("""
            [build-system]
            requires = ["hatchling"]
            build-backend = "hatchling.build"
            [project]
            name = "by-pip"
            version = "2.5"
            [project.entry-points.imagegen_kit]
            by-pip = "by_pip"
            [tool.hatch.build.targets.wheel]
            only-include = ["by_pip.py"]
        """)
    )
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(project)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    found = report(target)
    assert found["by"]["by-pip"]["version"] == "2.5"
    assert found["drawn"] == {"by-pip/plain": "by-pip"}

"""The documentation is true: its code runs, and every hook, setting, column and command stands in it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import imagegen_kit as ik
from imagegen_kit import hookspecs
from imagegen_kit.engine.policy import Policy
from imagegen_kit.experiments.run import Run
from imagegen_kit.settings import Settings
from imagegen_kit.tables.columns import COLUMN_NAMES
from tests.warm import Warm

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LOADED = [
    *("pandas", "openai", "google.genai.types", "scipy.stats", "scipy.ndimage", "imagegen_kit.recipes"),
    *("imagegen_kit.engine.session", "imagegen_kit.experiments.experiment", "imagegen_kit.experiments.comparing"),
    *("imagegen_kit.scorers.technical", "imagegen_kit.testing.contracts", "imagegen_kit.testing.simulators"),
    *("imagegen_kit.panels", "imagegen_kit.retrieval", "imagegen_kit.providers.gemini.provider"),
]
# Half of what the pages take is the drawing of pictures of 768 × 768, which is shown elsewhere to work.
SMALLER = "from imagegen_kit.providers.offline import brief\nbrief.DEFAULT_SIDE = 256\ndel brief\n"


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


def write_files(page: Path, folder: Path) -> list[str]:
    """Write each block that a comment gives a file's name, as it is printed; return the names."""
    named = dict(re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S))
    for name, text in named.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return list(named)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Has imported what the pages do: that is half of what they take."""
    begun = Warm(tmp_path_factory.mktemp("warm"), LOADED)
    yield begun
    begun.close()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: p.name)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, warm: Warm) -> None:
    code = SMALLER + "\n".join(blocks(page))
    write_files(page, tmp_path)
    done = warm.run(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_each_block_of_the_page_on_plugins_is_complete(tmp_path: Path, warm: Warm) -> None:
    """A block runs as it is printed, with nothing of another but the files that the page has named until then."""
    page = ROOT / "docs/write-a-plugin.md"
    assert write_files(page, tmp_path)[-2:] == ["painter.py", "test_painter.py"]
    for code in [f"import {name}" for name in ("painter", "test_painter")] + blocks(page):
        done = warm.run(code, tmp_path)
        assert done.returncode == 0, done.stderr


def test_the_last_block_of_the_page_on_plugins_runs_where_a_picture_is_cached(tmp_path: Path, warm: Warm) -> None:
    page = ROOT / "docs/write-a-plugin.md"
    write_files(page, tmp_path)
    before = "import imagegen_kit as ik\nik.generate('a red kite', model='offline/collage', size=256, seed=7)\n"
    code = before + blocks(page)[-1] + 'print(run.table()["status"].tolist())'
    done = warm.run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['ok', 'cached']"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_hook_is_documented() -> None:
    text = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    hooks = [name for name in vars(hookspecs) if name.startswith("imagegen_")]
    assert len(hooks) == 4
    assert [h for h in hooks if f"`{h}()`" not in text] == []


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert [n for n in Settings.model_fields if f"`IMAGEGEN_{n.upper()}`" not in text] == []


def test_every_column_of_the_table_is_documented() -> None:
    text = (ROOT / "docs/table.md").read_text(encoding="utf-8")
    assert [n for n in COLUMN_NAMES if f"| `{n}` |" not in text] == []


def test_every_part_of_a_policy_is_documented() -> None:
    text = (ROOT / "docs/using.md").read_text(encoding="utf-8")
    assert [n for n in Policy.__dataclass_fields__ if f"{n}=" not in text] == []


def test_every_method_of_a_run_and_every_public_name_is_documented() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    methods = [name for name, value in inspect.getmembers(Run, callable) if not name.startswith("_")]
    assert {"judge", "scores", "aspects", "head_to_head", "raters", "export_votes", "export_table"} <= set(methods)
    assert [name for name in methods if not re.search(rf"\.{name}\(", text)] == []
    assert [name for name in ik.__all__ if not re.search(rf"\bik\.{name}\b", text)] == []


def test_every_command_is_documented() -> None:
    listed = subprocess.run([sys.executable, "-m", "imagegen_kit.cli", "--help"], capture_output=True, text=True)
    commands = re.findall(r"^  ([a-z]+)  ", listed.stdout.split("Commands:")[-1], re.M)
    text = (ROOT / "docs/using.md").read_text(encoding="utf-8")
    assert commands
    assert [c for c in commands if f"`imagegen {c}" not in text] == []


def test_the_repository_speaks_of_the_project_alone() -> None:
    """No path of a machine and nothing that looks like a key in any file that git tracks."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for name in tracked.stdout.split():
        path = ROOT / name
        if path.suffix in (".webp", ".png", ".jpg", ".npz") or name == "tests/test_docs.py" or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        found += [(name, m) for m in re.findall(r"sk-[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{30,}|/home/\w+|/root/", text)]
    assert found == []

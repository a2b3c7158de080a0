"""Imports go downward only: the house plan as data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import imagegen_kit

PACKAGE = Path(imagegen_kit.__file__).parent
# A line imports from the lines above it, never from those below; one package freely within itself.
HOUSE = [
    ("errors", 0),
    ("lazy", 0),
    ("types", 0),
    ("settings", 0),
    ("clusters", 1),
    ("capabilities", 1),
    ("imaging", 1),
    ("checks", 1),
    ("fingerprint", 1),
    ("catalog", 1),
    ("hookspecs", 2),
    ("registry", 2),
    ("film", 3),
    ("retrieval", 3),
    ("providers", 3),
    ("prompts", 3),
    ("store", 3),
    ("scorers", 4),
    ("tables", 4),
    ("engine", 5),
    ("recipes", 6),
    ("experiments", 7),
    ("views", 8),
    ("plots", 8),
    ("panels", 9),
    ("report", 9),
    ("serve", 9),
    ("testing", 9),
    ("cli", 9),
]
ORDER = {name: place for place, (name, _) in enumerate(HOUSE)}
AT_THE_TOP = ORDER["cli"]  # only the command line may use the public names, as a user does
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "_data" not in p.parts)


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path: Path) -> list[tuple[str, int]]:
    """Every imagegen_kit module that a file imports, wherever the import stands, with its line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("imagegen_kit"):
            names = [f"imagegen_kit.{a.name}" for a in node.names] if node.module == "imagegen_kit" else [node.module]
            found += [(name, node.lineno) for name in names]
        elif isinstance(node, ast.Import):
            found += [(a.name, node.lineno) for a in node.names if a.name.startswith("imagegen_kit")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_rooms_above_it(path: Path) -> None:
    here = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if here == "__init__":
        return
    assert here in ORDER, f"{here} has no place in the house"
    wrong = [
        f"line {line}: {module}"
        for module, line in imports_of(path)
        if room(module) not in ("__version__", here) and ORDER.get(room(module), AT_THE_TOP - 1) >= ORDER[here]
    ]
    assert not wrong, f"{here} reaches up: {wrong}"


def test_every_room_of_the_plan_exists() -> None:
    missing = [name for name in ORDER if not (PACKAGE / name).is_dir() and not (PACKAGE / f"{name}.py").is_file()]
    assert not missing


# Besides the lazy table and the public names, these name a room below their own, each as a provider's target is named.
LEAD_UP_BY_NAME = {
    "engine/recipe.py": {"imagegen_kit.recipes:"},  # a recipe by its bare name, as files write it
    "registry/loading.py": {  # built-in plugins
        "imagegen_kit.prompts.styles",
        "imagegen_kit.providers.gemini.plugin",
        "imagegen_kit.providers.job_api.own:OwnFile",  # the plugin that a user's file is
        "imagegen_kit.providers.job_api.plugin",
        "imagegen_kit.providers.offline.plugin",
        "imagegen_kit.providers.openai.plugin",
        "imagegen_kit.retrieval.plugin",
        "imagegen_kit.scorers.plugin",
    },
    "registry/measuring.py": {"imagegen_kit.scorers.function:FunctionScorer"},  # the target of registered functions
    "registry/session.py": {
        "imagegen_kit.providers.function:LocalProvider",  # the target of registered functions
        "imagegen_kit.providers.job_api.plugin:provider_of_file",  # what reads a job API that is registered by its file
    },
}


def test_what_leads_upward_is_written_down() -> None:
    found: dict[str, set[str]] = {}
    for path in FILES:
        name = str(path.relative_to(PACKAGE))
        here = ORDER.get(name.split("/", maxsplit=1)[0].removesuffix(".py"))
        if here is None or name == "lazy.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = node.value if isinstance(node, ast.Constant) else None
            names_us = isinstance(value, str) and value.startswith("imagegen_kit.") and " " not in value
            if names_us and ORDER.get(room(value.split(":")[0]), -1) > here:
                found.setdefault(name, set()).add(value)
    assert found == LEAD_UP_BY_NAME


def test_files_stay_small() -> None:
    lengths = sorted(len(p.read_text(encoding="utf-8").splitlines()) for p in FILES)
    assert lengths[len(lengths) // 2] <= 120
    assert sum(n > 300 for n in lengths) <= 4, [n for n in lengths if n > 300]

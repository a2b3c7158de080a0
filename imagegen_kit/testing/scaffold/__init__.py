"""Templates of a plugin's distribution, and ``write_plugin``, which fills them in."""

from __future__ import annotations

import re
from datetime import date
from importlib import metadata
from pathlib import Path

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.registry import get_registry

HERE = Path(__file__).parent
PREFIX = "imagegen-kit-"
FILES = {
    "pyproject.toml": "pyproject.toml",
    "LICENSE": "LICENSE",
    ".gitignore": "gitignore",
    ".github/workflows/test.yml": "test.yml",
}
OF_A_KIND = {
    "provider": {
        "README.md": "README.md",
        "[= package =]/__init__.py": "hooks.py",
        "[= package =]/provider.py": "provider.py",
        "tests/test_[= module =].py": "test_provider.py",
    },
    "scorer": {
        "README.md": "README_scorer.md",
        "[= package =]/__init__.py": "hooks_scorer.py",
        "[= package =]/scorer.py": "scorer.py",
        "tests/test_[= module =].py": "test_scorer.py",
    },
}
EXTRAS = {"provider": "[serve]", "scorer": ""}  # what the contract of a kind needs


def write_plugin(name: str, folder: Path | None = None, author: str | None = None, *, kind: str = "provider") -> Path:
    """Write a whole distribution for the provider or scorer ``name`` and return its folder.

    ``folder`` None is ``imagegen-kit-<name>`` here; ``author`` None is "the authors of" it. Raises InvalidInput, with
    all faults and before anything is written, for a name that cannot be used or is taken, another ``kind``, and a
    folder that is there.
    """
    if kind not in OF_A_KIND:
        raise InvalidInput([unknown_name_fault("kind", kind, OF_A_KIND)])
    name = name.removeprefix(PREFIX)
    folder = Path(f"{PREFIX}{name}") if folder is None else folder.expanduser()
    faults = [*_name_faults(name, kind), *_folder_faults(folder)]
    if author is not None and (not author.strip() or not author.isprintable() or set(author) & set('"\\')):
        faults.append(Fault("author", f"{author!r} is not a name.", "Write it without quotes and backslashes."))
    if faults:
        raise InvalidInput(faults)
    for path, text in render(name, author, date.today().year, kind).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def render(name: str, author: str | None, year: int, kind: str = "provider") -> dict[str, str]:
    """Return the files of the distribution for ``name``, by their paths in it; ``year`` stands in its LICENSE."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    jinja = Environment(  # noqa: S701  # makes Python and TOML, not HTML
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        variable_start_string="[=",
        variable_end_string="=]",
    )
    distribution, module = PREFIX + name, name.replace("-", "_")
    values = {
        "name": name,
        "module": module,
        "distribution": distribution,
        "package": f"imagegen_kit_{module}",
        "class_name": "".join(part.capitalize() for part in name.split("-")),
        "author": author or f"the authors of {distribution}",
        "year": str(year),
        "kind": kind,
        "extras": EXTRAS[kind],
    }
    return {
        jinja.from_string(path).render(values): jinja.get_template(f"{template}.jinja").render(values)
        for path, template in {**FILES, **OF_A_KIND[kind]}.items()
    }


def _name_faults(name: str, kind: str) -> list[Fault]:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 40:
        hint = "Use up to 40 lower-case letters and digits, with single hyphens between words, like 'my-model'."
        return [Fault("name", f"{name!r} is no name for a {kind}.", hint)]
    owner = get_registry().owner(kind, name)
    if owner:
        return [Fault("name", f"the {kind} {name!r} belongs to {owner}.", "Choose another name.")]
    try:
        version = metadata.version(PREFIX + name)
    except metadata.PackageNotFoundError:
        return []
    return [Fault("name", f"{PREFIX}{name} {version} is installed.", "Choose another name, or uninstall it.")]


def _folder_faults(folder: Path) -> list[Fault]:
    if folder.is_dir() and not any(folder.iterdir()):
        return []
    if folder.exists():
        return [
            Fault("folder", f"{folder.name!r} is there already.", "Nothing was written. Name another one: --folder.")
        ]
    return []

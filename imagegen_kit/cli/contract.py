"""``plugin check`` holds each scorer of a plugin to the contract, in a process of its own."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagegen_kit.registry import PluginRecord

_TEST = """from imagegen_kit.testing.contracts import ScorerContract


class TestScorer(ScorerContract):
    scorer = {name!r}
    module = {module!r}

    def test_a_missing_package_is_told_with_the_command(self, spec):
        import pytest

        pytest.skip("its own tests say what it needs")
"""
_PYTEST = ("-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:nbval", "--import-mode=importlib", "-c")


def scorers_of(record: PluginRecord) -> list[str]:
    """Return the names of the scorers that a plugin offers."""
    return [offer.removeprefix("scorer:") for offer in record.offers if offer.startswith("scorer:")]


def kept_by_scorers(record: PluginRecord, say: Callable[[str], None]) -> PluginRecord:
    """Return ``record``, as failed where one of its scorers does not keep the contract; tell what was tried."""
    broken = []
    for name in scorers_of(record):
        kept, words = _tried(name)
        say(f"scorer {name}: {words}")
        if not kept:
            broken.append(name)
    if not broken:
        return record
    reason = f"{', '.join(broken)} does not keep the contract of scorers."
    return replace(
        record, status="failed", reason=reason, fix="mend what is said above; docs/plugins.md has the rules."
    )


def _tried(name: str) -> tuple[bool, str]:
    """Return whether a scorer keeps the contract, as far as it was tried, and the outcome in words."""
    from imagegen_kit.errors import ImagegenError, MissingDependency
    from imagegen_kit.registry import get_registry

    registry = get_registry()
    try:
        target = registry.scorer_target(name)
        needed = [p.name for p in inspect.signature(target).parameters.values() if _must_be_given(p)]
        if needed:
            return True, f"the contract was not tried: it needs {', '.join(needed)}; its own tests give them."
        target()
    except MissingDependency as error:
        return True, f"the contract was not tried: {error.message}"
    except ImagegenError as error:
        return True, f"the contract was not tried: {error.message}"
    try:
        import pytest  # noqa: F401  # asked for here, so that its absence is told in plain words
    except ImportError:
        return True, "the contract was not tried: pip install pytest"
    owner = registry.owner("scorer", name) or ""
    module = "imagegen_kit.scorers.plugin" if owner.endswith(" of imagegen-kit") else ""
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "test_scorer.py"
        test.write_text(_TEST.format(name=name, module=module), encoding="utf-8")
        (settings := Path(folder) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", *_PYTEST, str(settings), "--rootdir", folder, str(test)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603  # our own
    if done.returncode == 0:
        return True, f"it keeps the contract ({done.stdout.strip().splitlines()[-1]})."
    said = [line.removeprefix("E ").strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    told = "\n  ".join(dict.fromkeys(line for line in said if "Error: " in line or line.startswith("Failed: ")))
    return (
        False,
        f"it does not keep the contract:\n  {told or done.stdout.strip()[-800:] or done.stderr.strip()[-800:]}",
    )


def _must_be_given(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )

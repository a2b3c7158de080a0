"""Checks of what a provider says of itself, before it is asked for anything."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from imagegen_kit.providers.base import VERBS
from imagegen_kit.registry.faults import spec_faults
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.words import sentence

if TYPE_CHECKING:
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.testing.contracts.trial import Trial

PLAIN = (str, int, float, bool, type(None), date)
HEAVY = (
    "aiohttp", "boto3", "diffusers", "fastapi", "google.genai", "httpx", "httpx2", "numpy", "openai", "pandas", "PIL",
    "pydantic", "requests", "starlette", "tensorflow", "torch", "transformers", "uvicorn",
)  # fmt: skip


class Described(Subject):
    """The spec is cheap data, and the object is built without work."""

    module: ClassVar[str] = ""

    def test_the_spec_is_faultless_data(self, spec: ProviderSpec) -> None:
        """A spec is immutable plain data: the registry takes it, and nothing in it is loaded or runs."""
        assert not (faults := spec_faults(spec)), "mend the spec: " + " ".join(map(str, faults))
        odd = [where for name in _names(spec) if name != "target" for where in _odd(getattr(spec, name), name)]
        assert not odd, f"not plain data in the spec: {', '.join(odd)}. Name it in `target` and load it there."

    def test_importing_the_plugin_loads_nothing_heavy(self, spec: ProviderSpec) -> None:
        """Every session imports every plugin, so its module imports no SDK and no big package."""
        module = self.module or (
            spec.target.partition(".")[0].partition(":")[0] if isinstance(spec.target, str) else ""
        )
        if not module or importlib.util.find_spec(module) is None:
            pytest.skip("the plugin's module cannot be imported by name; set `module`")
        loaded = _loaded_by(f"import {module}") - _loaded_by("import imagegen_kit.providers")
        heavy = sorted(loaded & set(HEAVY))
        assert not heavy, f"importing {module} loads {', '.join(heavy)}: import that inside the class that needs it"

    def test_every_model_has_a_card(self, trial: Trial) -> None:
        """A user reads in ``ik.models()`` what a model is: one sentence, in ``ModelSpec.card``."""
        without = [m.name for m in trial.spec.models if not m.card.strip()]
        assert not without, f"no card says what {', '.join(without)} is: give ModelSpec.card a sentence"

    def test_the_target_loads(self, trial: Trial) -> None:
        """The spec's ``target`` can be imported, and is a class that has one of the verbs."""
        assert callable(trial.target())

    def test_what_must_be_set_can_be_found(self, spec: ProviderSpec) -> None:
        """Who needs a key says where to get one; where the pictures come from (their origin) is said in any case."""
        if spec.key_env and spec.base_url.startswith("https:"):
            assert spec.key_url, f"{spec.name} needs {spec.key_env[0]}: say in key_url where to get one"
        assert spec.origin or spec.base_url or spec.base_url_env, (
            f"{spec.name} does not say where its pictures come from: set base_url, or origin='local:{spec.name}'"
        )

    def test_a_verb_is_there_for_each_kind_of_model(self, trial: Trial) -> None:
        """Pictures need ``generate``, text ``ask``, films ``animate``, all of them coroutines."""
        built = trial.build()
        for kind in sorted({m.kind for m in trial.spec.models}):
            verb = getattr(built, VERBS[kind], None)
            assert callable(verb), f"{type(built).__name__} offers {kind} models: write `async def {VERBS[kind]}`"

    def test_building_it_does_no_work(self, trial: Trial) -> None:
        """The object is built outside any event loop, even without a key, and opens no connection."""
        from imagegen_kit.providers.base import Account

        target = trial.target()
        try:
            target(Account())
            trial.build()
        except Exception as error:
            pytest.fail(
                f"building it raised {type(error).__name__}: {sentence(error)} Keep the account, "
                f"and raise in generate()."
            )
        if trial.simulator is not None:
            assert not trial.simulator.ledger.requests, "it calls the service when it is built: wait for generate()"


def _names(spec: ProviderSpec) -> list[str]:
    return [f.name for f in fields(spec)]


def _odd(value: Any, where: str) -> Iterator[str]:
    """Yield where ``value`` holds something that is no plain data."""
    if isinstance(value, PLAIN):
        return
    if isinstance(value, (tuple, list)):
        for number, inner in enumerate(value):
            yield from _odd(inner, f"{where}[{number}]")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _odd(inner, f"{where}[{name!r}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for f in fields(value):
            yield from _odd(getattr(value, f.name), f"{where}.{f.name}")
    else:
        yield f"{where} is a {type(value).__name__}"


def _loaded_by(code: str) -> frozenset[str]:
    """Return which modules a new process has loaded after ``code``."""
    return _modules_after(code, os.pathsep.join(p for p in sys.path if p))


@cache  # many providers of one plugin ask the same, and all of them what the kit loads by itself
def _modules_after(code: str, path: str) -> frozenset[str]:
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, f"{code} failed in a new process: {done.stderr.strip().splitlines()[-1:]}"
    return frozenset(json.loads(done.stdout.splitlines()[-1]))

"""The import is light, and the public names are what the documentation says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import imagegen_kit as ik

HEAVY = [
    "torch",
    "openai",
    "google.genai",
    "faiss",
    "sentence_transformers",
    "pandas",
    "ipywidgets",
    "pyarrow",
    "pydantic",
    "numpy",
    "obstore",
    "ray",
]
PUBLIC = [
    *("generate", "run", "arun", "stream", "astream", "Experiment", "runs", "open_run", "Policy", "RayEngine"),
    *("prompt_suite", "prompt_matrix", "compile_prompt", "Style", "Library", "Reference", "Picture"),
    *(
        "models",
        "styles",
        "plugins",
        "usage",
        "register",
        "configure",
        "recipes",
        "errors",
        "plots",
        "scorers",
        "testing",
    ),
    *("gallery", "prompt_lab"),
]

NAMES = [n for n in PUBLIC if n != "recipes"]

# Starts one interpreter with what the names may load, and looks each of them up in a copy of it that knows nothing of
# the others: what is loaded already would be the same in all of them.
EACH_NAME = """
import json, os, sys
import imagegen_kit
import numpy, PIL.Image, pydantic_settings, pluggy, yaml
assert not set(sys.modules) & set(json.loads(sys.argv[2]))
for name in json.loads(sys.argv[1]):
    if os.fork():
        _, status = os.wait()
        assert status == 0, name
        continue
    getattr(imagegen_kit, name)
    print(json.dumps([name, sorted(sys.modules)]), flush=True)
    os._exit(0)
"""
NEVER = {"torch", "openai", "google.genai", "faiss", "sentence_transformers", "pandas", "ipywidgets", "obstore", "ray"}


def loaded_after(code: str) -> set[str]:
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_kit_loads_nothing_heavy() -> None:
    assert not loaded_after("import imagegen_kit") & set(HEAVY)


@pytest.fixture(scope="module")
def loaded_by_name() -> dict[str, set[str]]:
    command = [sys.executable, "-c", EACH_NAME, json.dumps(NAMES), json.dumps(sorted(NEVER))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name: set(modules) for name, modules in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", NAMES)
def test_looking_a_name_up_loads_no_sdk_and_no_model(name: str, loaded_by_name: dict[str, set[str]]) -> None:
    assert not loaded_by_name[name] & NEVER


def test_the_command_line_starts_without_the_rest_of_the_kit() -> None:
    loaded = loaded_after("import imagegen_kit.cli")
    assert not loaded & set(HEAVY)
    assert not any(m.startswith("imagegen_kit.") and m.split(".")[1] not in ("cli", "errors", "lazy") for m in loaded)


def test_the_public_names_are_those_of_the_documentation() -> None:
    assert sorted(ik.__all__) == sorted(PUBLIC)
    assert len([n for n in PUBLIC if n not in ("recipes", "errors", "plots", "scorers", "testing")]) <= 25
    assert set(ik.__all__) <= set(dir(ik))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_resolves_and_is_documented(name: str) -> None:
    thing = getattr(ik, name)
    assert thing.__doc__
    assert thing.__doc__.strip()


def test_no_callable_shares_its_name_with_a_module_of_its_package() -> None:
    """With lazy resolution such a name works once and then is a module."""
    import pkgutil

    modules = {m.name for m in pkgutil.iter_modules(ik.__path__)}
    assert not modules & {n for n in PUBLIC if n not in ("recipes", "errors", "plots", "scorers", "testing")}
    inside = {m.name for m in pkgutil.iter_modules(ik.recipes.__path__)}
    assert not inside & set(ik.recipes.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="DaskEngine"):
        _ = ik.DaskEngine

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
]
PUBLIC = [
    *("generate", "run", "arun", "stream", "astream", "Experiment", "runs", "open_run", "Policy"),
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


def loaded_after(code: str) -> set[str]:
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_kit_loads_nothing_heavy() -> None:
    assert not loaded_after("import imagegen_kit") & set(HEAVY)


@pytest.mark.parametrize("name", [n for n in PUBLIC if n not in ("recipes",)])
def test_looking_a_name_up_loads_no_sdk_and_no_model(name: str) -> None:
    loaded = loaded_after(f"import imagegen_kit; imagegen_kit.{name}")
    assert not loaded & {
        "torch",
        "openai",
        "google.genai",
        "faiss",
        "sentence_transformers",
        "pandas",
        "ipywidgets",
        "obstore",
    }


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
    with pytest.raises(AttributeError, match="RayEngine"):
        _ = ik.RayEngine

"""Each check of the contract of embedders can fail: embedders that are broken in one way are caught by that check."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from imagegen_kit.testing.contracts import EmbedderContract

ROOT = Path(__file__).parents[2]
CHECKS = sorted(n.removeprefix("test_") for n in dir(EmbedderContract) if n.startswith("test_"))
# What goes wrong in one place may be seen in others.
SEEN_TOO = {
    "a_vector_depends_on_its_picture_alone": {"threads_get_the_vectors_of_their_own_pictures"},
    "pictures_become_vectors_of_length_1": {
        "a_vector_depends_on_its_picture_alone",
        "different_pictures_have_different_vectors",
    },
    "different_pictures_have_different_vectors": {"what_is_transparent_is_white"},
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What failed of each class of ``broken_embedders``, by check."""
    report = tmp_path_factory.mktemp("report") / "report.xml"
    broken = str(Path(__file__).with_name("broken_embedders.py"))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", broken]
    command.append(f"--basetemp={report.parent / 'nested'}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]  # they fail, and the run itself does not
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        checks = found[case.attrib["classname"].rpartition(".")[2]]
        if case.find("failure") is not None or case.find("error") is not None:
            checks.add(case.attrib["name"].partition("[")[0].removeprefix("test_"))
    return dict(found)


@pytest.mark.parametrize("name", ["TestSound", "TestPicturesOnly"])
def test_a_sound_embedder_of_somebody_else_passes(failed: dict[str, set[str]], name: str) -> None:
    assert failed[name] == set()


@pytest.mark.parametrize("check", CHECKS)
def test_a_broken_one_is_caught_by_the_check_that_names_it(failed: dict[str, set[str]], check: str) -> None:
    found = failed[f"Test_{check}"]
    assert check in found
    assert found - {check} <= SEEN_TOO.get(check, set())


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_says_in_a_sentence_what_it_demands(check: str) -> None:
    words = getattr(EmbedderContract, f"test_{check}").__doc__ or ""
    assert words.split("\n")[0].endswith(".")
    assert len(words.split()) >= 6

"""Each check of the contract of scorers can fail: scorers that are broken in one way are caught by that check."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from imagegen_kit.testing.contracts import ScorerContract

ROOT = Path(__file__).parents[2]
CHECKS = sorted(n.removeprefix("test_") for n in dir(ScorerContract) if n.startswith("test_"))
SOUND = ("TestSound", "TestSoundNeedingAPackage", "TestSoundOfTwoMeasures", "TestSoundOfSets", "TestSoundOfSequences")
# What goes wrong in one place may be seen in others.
SEEN_TOO = {
    "the_company_changes_no_number": {"threads_get_their_own_answers"},
}
# Other ways to fail: the class, one check that it fails, and what its message says.
OTHER_WAYS = [
    ("TestTooFew", "it_gives_one_answer_a_picture", "5 answers came about 6 pictures"),
    ("TestMappingOfPictures", "it_gives_one_answer_a_picture", "score() returned a dict: return a list"),
    (
        "TestUndeclaredMeasure",
        "it_gives_one_answer_a_picture",
        "the measures 'blue' came, which the spec does",
    ),
    ("TestLackingMeasure", "it_gives_one_answer_a_picture", "the measures ['cold'] did not come"),
    ("TestYesOrNo", "it_gives_one_answer_a_picture", "a bool is no number"),
    ("TestNotANumber", "numbers_lie_in_the_declared_range", "redness of example 0 is nan: return Measurement(None"),
    ("TestByTheModelsName", "it_reads_only_what_it_declares", "it gives other numbers: it may not"),
    ("TestOverTheBack", "it_reads_only_what_it_declares", "with other labels, prompt, negative_prompt, references"),
    ("TestMisspelt", "numbers_lie_in_the_declared_range", "has no attribute 'Rednes'"),
    ("TestNoScore", "numbers_lie_in_the_declared_range", "broken has no method `score(subjects)`"),
    ("TestNoVersion", "the_spec_is_faultless_data", 'give ScorerSpec.version="1"'),
    ("TestMeasureWithoutACard", "the_spec_is_faultless_data", "redness_warm are: give each Measure a sentence"),
    ("TestSilentAboutWhatItNeeds", "a_missing_package_is_told_with_the_command", "name in `needs` which packages"),
    ("TestMadeWithoutLooking", "a_missing_package_is_told_with_the_command", "without yaml making it went well"),
    ("TestFeatureNoText", "what_it_tells_beside_is_plain", "`feature` is a int, not a text"),
    ("TestTurnedSets", "the_company_changes_no_number", "the order changes the numbers"),
]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What failed of each class of ``scorers_broken``, by check, with its words."""
    report = tmp_path_factory.mktemp("report") / "report.xml"
    broken = str(Path(__file__).with_name("scorers_broken.py"))
    asked = [f"{broken}::{name}" for name in (*SOUND, *(f"Test_{check}" for check in CHECKS))]
    asked += [f"{broken}::{name}::test_{check}" for name, check, _ in OTHER_WAYS]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *asked]
    command.append(f"--basetemp={report.parent / 'nested'}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]  # they fail, and the run itself does not
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):
        checks = found[case.attrib["classname"].rpartition(".")[2]]
        for problem in (*case.iter("failure"), *case.iter("error")):
            name = case.attrib["name"].partition("[")[0].removeprefix("test_")
            checks[name] = f"{problem.attrib.get('message', '')} {problem.text}"
    return dict(found)


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_scorer_of_somebody_else_passes(failed: dict[str, dict[str, str]], name: str) -> None:
    assert failed[name] == {}


@pytest.mark.parametrize("check", CHECKS)
def test_a_broken_one_is_caught_by_the_check_that_names_it(failed: dict[str, dict[str, str]], check: str) -> None:
    found = failed[f"Test_{check}"]
    assert check in found, found
    assert set(found) - {check} <= SEEN_TOO.get(check, set()), found


@pytest.mark.parametrize(("name", "check", "words"), OTHER_WAYS, ids=[name for name, *_ in OTHER_WAYS])
def test_another_way_to_break_it_is_told_in_words_of_its_own(
    failed: dict[str, dict[str, str]], name: str, check: str, words: str
) -> None:
    assert words in failed[name].get(check, ""), failed[name]


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_says_in_a_sentence_what_it_demands(check: str) -> None:
    words = getattr(ScorerContract, f"test_{check}").__doc__ or ""
    assert words.split("\n")[0].endswith(".")
    assert len(words.split()) >= 6

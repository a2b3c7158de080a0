"""Each check of the contracts can fail, and fails alone: providers broken in one way are caught by that check."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from imagegen_kit.testing.contracts import ProviderContract, StyleContract
from imagegen_kit.testing.contracts.words import sentence
from tests.testing import contract_broken

pytestmark = [pytest.mark.slow, pytest.mark.alone]  # some of the checks look how long things take

ROOT = Path(__file__).parents[2]
INTERNAL_ERROR = int(pytest.ExitCode.INTERNAL_ERROR)
BROKEN = sorted(name for name in vars(contract_broken) if name.startswith("Test_"))
# What goes wrong in one place may be seen in others: these fail too, and say the same.
SEEN_TOO = {
    "building_it_does_no_work": {"a_wrong_key_is_told"},
    "a_fault_is_a_typed_error": {"nothing_is_sent_twice"},
    "nothing_is_sent_twice": {"a_fault_is_a_typed_error"},
    "a_picture_is_kept_with_its_origin": {"the_same_ask_is_bought_once"},
    "the_key_is_stored_nowhere": {"the_key_is_shown_nowhere"},
    "every_size_is_drawn": {"what_a_model_cannot_do_never_reaches_it"},
}
UNLOADABLE = "the_target_loads"  # then nothing else can be tried: every check says so in the same words
# Other ways to fail a check: the class, the check, and what its message says.
OTHER_WAYS = [
    ("TestOpenConnections", "it_is_closed_twice_without_harm", "write aclose()"),
    ("TestHeldByGenerate", "the_event_loop_is_never_held", "generate() held the event loop for 0.4 s: use await"),
    ("TestWaitsByItself", "a_job_is_named_before_the_first_look", "await on_progress.clock.sleep(seconds)"),
    (
        "TestBrokenSimulator",
        "a_job_is_cancelled_at_the_service",
        "The simulator itself broke: KeyError: 'no such shelf'",
    ),
]
NOT_BROKEN_HERE = {
    "the_same_ask_is_bought_once",  # the engine's doing; it fails with the origin's, above
    "what_it_cannot_do_is_refused_before_it_is_sent",  # `fit` refuses, whatever the provider does
    "the_brief_stays_as_it_was_written",  # `compile_prompt` keeps these four, whatever the style says
    "no_style_leaves_the_brief_alone",
    "it_is_the_same_every_time",
    "its_negative_prompt_is_kept",
    "references_are_named_where_it_asks_for_them",
    "text_models_answer",  # of other kinds of models; the adapters' own tests hold them
    "text_models_keep_to_a_schema",
    "film_models_make_films",
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What failed of each class of ``contract_broken``, by check, with its words."""
    report = tmp_path_factory.mktemp("report") / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}"]
    command.append(
        f"--basetemp={report.parent / 'nested'}"
    )  # the shared folder is tidied by whoever ends: not under us
    command += ["--numprocesses", "2", "--dist", "loadscope", contract_broken.__file__]
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != INTERNAL_ERROR:  # seen once: xdist took a worker that had ended for one that crashed
            break
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]  # they fail, and the run itself does not
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["classname"].rpartition(".")[2]
        found[name]
        for problem in (*case.iter("failure"), *case.iter("error")):
            check = case.attrib["name"].partition("[")[0].removeprefix("test_")
            found[name][check] = problem.attrib.get("message", "")
    return dict(found)


@pytest.mark.parametrize("name", ["TestSound", "TestSoundOffline", "TestSlowOnceOnly"])
def test_a_sound_provider_passes(failed: dict[str, dict[str, str]], name: str) -> None:
    assert failed[name] == {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_caught_by_the_check_that_names_it(failed: dict[str, dict[str, str]], name: str) -> None:
    check = name.removeprefix("Test_")
    assert check in failed[name], f"{name} passed: {failed[name]}"
    if check == UNLOADABLE:
        words = (
            "does not load, AttributeError: module 'tests.testing.contract_broken' has no attribute 'Misspelt'. Write"
        )
        assert all(words in said for said in failed[name].values()), failed[name]
        return
    assert set(failed[name]) - {check} <= SEEN_TOO.get(check, set()), failed[name]


@pytest.mark.parametrize(("name", "check", "words"), OTHER_WAYS, ids=[name for name, *_ in OTHER_WAYS])
def test_another_way_to_break_it_is_told_in_words_of_its_own(
    failed: dict[str, dict[str, str]], name: str, check: str, words: str
) -> None:
    assert set(failed[name]) == {check}, failed[name]
    assert words in failed[name][check]


@pytest.mark.parametrize("said", ["it broke", "it broke.", "it broke. ", "it broke.."])
def test_a_sentence_has_one_full_stop(said: str) -> None:
    assert sentence(said) == "it broke."


def test_every_check_is_proved() -> None:
    checks = {
        n.removeprefix("test_") for c in (ProviderContract, StyleContract) for n in dir(c) if n.startswith("test_")
    }
    proved = {n.removeprefix("Test_") for n in BROKEN}
    assert checks - proved == NOT_BROKEN_HERE


def test_every_check_says_in_a_sentence_what_it_demands() -> None:
    for contract in (ProviderContract, StyleContract):
        for name in (n for n in dir(contract) if n.startswith("test_")):
            words = getattr(contract, name).__doc__ or ""
            assert words.split("\n")[0].endswith("."), name
            assert len(words.split()) >= 6, name

"""Models that judged stand on the page with what is known of them; one that judged nothing is said to have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import imagegen_kit as ik
from imagegen_kit.report.known import Known
from imagegen_kit.report.parts import Items
from imagegen_kit.report.voted import votes
from imagegen_kit.testing.simulators.judges import Broken, Honest, Refusing
from tests.experiments.judging.bench import GEMINI, judged_by, run_of, vote
from tests.report.reading import Page

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen_kit.testing.simulators.judges import Reader

pytestmark = pytest.mark.usefixtures("own_registry")


def judged_page(reader: Reader) -> Page:
    run = run_of(3)
    with judged_by(reader):
        run.judge(GEMINI, progress=False)
    return Page(run.report("page.html"))


def test_a_judge_stands_apart_from_people_with_its_controls_and_its_agreement() -> None:
    run = run_of(3)
    vote(run, "sharp")
    with judged_by(Honest()):
        run.judge(GEMINI, progress=False)
    said = Page(run.report("page.html")).said_in("votes")
    assert "Votes of people" in said
    assert "Verdicts of models, which are no votes of people" in said
    assert "Controls: 6 of 6 right" in said
    assert "Not calibrated: fewer than 50 votes (3). The judge agrees with people on 100% of 3 pairs" in said
    # what a ranking says of its votes stands beside it
    known = Known.of(run, None, 0)
    known.ranking = run.ranking(raters="all")
    lines = [line for block in votes(known).blocks if isinstance(block, Items) for line in block.lines]
    assert "3 of these 6 votes are of machine judges, not of people; raters=None counts people alone." in lines


def test_a_judge_without_votes_of_people_is_called_uncalibrated() -> None:
    assert "Not calibrated: people have not voted on these pairs" in judged_page(Honest()).said_in("votes")


@pytest.mark.parametrize(
    ("reader", "why"),
    [(Refusing(), "3 refused by the judge"), (Broken(), "3 the judge gave no verdict in the form")],
    ids=["refused", "broken"],
)
def test_a_judge_that_judged_nothing_is_on_the_page_with_what_failed(reader: Reader, why: str) -> None:
    said = judged_page(reader).said_in("votes")
    assert f"Nothing was judged by {GEMINI}. 3 of 3 pairs have no verdict: {why}" in said
    assert "6 of 6 controls" in said
    for blame in ("Change the prompt", "Do not trust", "Not calibrated"):
        assert blame not in said


def test_the_answers_of_a_judge_are_reported_with_what_was_judged(tmp_path: Path) -> None:
    run = run_of(3)
    with judged_by(Honest()):
        judging = run.judge(GEMINI, progress=False).judging
    with pytest.raises(ik.errors.InvalidInput, match=rf"judge's answers .* Report ik.open_run\('{run.id}'\)"):
        judging.report("page.html")
    shared = ik.open_run(judging.export("shared.zip", share=True))
    with pytest.raises(ik.errors.InvalidInput, match="Report the run that was judged"):
        shared.report("page.html")
    assert not (tmp_path / "page.html").exists()

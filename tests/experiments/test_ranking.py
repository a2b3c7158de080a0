"""Votes into a ranking: who may be told apart, how many votes are missing, and whether raters can be trusted."""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

import pandas as pd
import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.experiments.run import Run
from imagegen_kit.experiments.voting import Ballot
from tests.experiments.contests import contest, kept, painter

STRENGTH = {'"me/dim"': 0.0, '"me/grey"': 1.2, '"me/bright"': 2.4}


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    for number, name in enumerate(("dim", "grey", "bright")):
        painter(name, lambda i, _, number=number: 5 * i % 200 + 7 * number)
    return kept("ranking", lambda: contest(24, models=("dim", "grey", "bright")), tmp_path_factory.mktemp)


def vote(run: Run, rater: str = "anna", *, noise: float = 1.0, left: float = 0.0, repeats: float = 0.2) -> Ballot:
    """Let somebody vote on all pairs, who prefers by STRENGTH, with noise, and leans to the left."""
    ballot = Ballot(run, rater=rater, repeats=repeats)
    for pair in ballot.open():
        likes = random.Random(f"{rater} {pair.key}").gauss(0, noise)  # the first made, whichever side it lies on
        likes = likes if pair.left.request < pair.right.request else -likes
        leans = STRENGTH[pair.left.value] - STRENGTH[pair.right.value] + left + likes
        ballot.choose(pair, "tie" if abs(leans) < 0.15 else "left" if leans > 0 else "right")
    return ballot


def test_the_strongest_comes_first_in_a_tier_of_its_own(run):
    vote(run)
    frame = run.ranking()
    assert list(frame.index) == ["me/bright", "me/grey", "me/dim"]
    assert list(frame.tier) == [1, 2, 3]
    assert list(frame.votes_missing) == [0, 0, 0]
    assert frame.strength.mean() == pytest.approx(1000)
    assert (frame.low < frame.strength).all()
    assert (frame.strength < frame.high).all()
    assert (frame.wins + frame.losses + frame.ties == frame.votes).all()
    assert frame.votes.sum() == 2 * 72


def test_few_votes_are_one_tier_and_say_how_many_are_missing(run):
    ballot = Ballot(run, repeats=0)
    for pair in ballot.plan:
        if pair.left.prompt in ("p 1", "p 2"):  # on the one prompt the first made wins, on the other the last
            first = pair.left.request < pair.right.request
            ballot.choose(pair, "left" if first == (pair.left.prompt == "p 1") else "right")
    frame = run.ranking()
    assert set(frame.tier) == {1}
    assert frame.votes.sum() == 2 * 6
    assert (frame.votes_missing > 100).all()
    assert (frame.votes_missing <= 194).all()
    easier = run.ranking(win_rate=0.75)
    assert (easier.votes_missing <= 29).all()


def test_skipped_pairs_and_repeats_are_not_counted_and_both_bad_is_a_tie(run):
    ballot = Ballot(run, rater="anna", repeats=0.1)
    for pair, choice in zip(ballot.plan, ["left", "tie", "both_bad", "skip"] * 30, strict=False):
        ballot.choose(pair, choice)
    frame = run.ranking()
    votes = [v for v in ballot.votes() if v.choice != "skip" and not v.pair.endswith(" again")]
    assert frame.votes.sum() == 2 * len(votes)
    assert frame.ties.sum() == 2 * sum(v.choice in ("tie", "both_bad") for v in votes)
    assert frame.both_bad.sum() == 2 * sum(v.choice == "both_bad" for v in votes)
    assert frame.attrs["left_out"].keys() == {"skipped", "repeats"}


def test_of_two_the_strength_is_the_odds_of_their_votes(run):
    ballot = vote(run.select(model=["me/dim", "me/bright"]), repeats=0, noise=3)
    frame = ballot.run.ranking()
    won, lost, ties = (float(frame[name].iloc[0]) for name in ("wins", "losses", "ties"))
    odds = (won + ties / 2 + 0.1) / (lost + ties / 2 + 0.1)
    assert frame.strength.iloc[0] - frame.strength.iloc[1] == pytest.approx(400 * math.log10(odds))


def test_votes_after_the_names_were_known_count_only_where_asked(run):
    ballot = vote(run.select(prompt=["p 1"]))
    ballot.reveal()
    later = Ballot(run, rater="anna", repeats=0)
    for pair in later.open()[:10]:
        later.choose(pair, "left")
    assert run.ranking().votes.sum() == 2 * 3
    assert run.ranking().attrs["left_out"]["not blind"] == 10
    assert run.ranking(blind=False).votes.sum() == 2 * 13


def test_raters_agree_in_the_ranking_as_much_as_in_their_own_table(run):
    for rater in ("anna", "bert"):
        vote(run.select(prompt=["p 1", "p 2"]), rater, repeats=0)
    ballot = Ballot(run, rater="anna", repeats=0)
    ballot.reveal()
    for pair in ballot.open()[:9]:
        ballot.choose(pair, "both_bad")
    vote(run.select(prompt=[f"p {i}" for i in range(3, 24)]), "bert", repeats=0)
    frame = run.raters()
    assert frame.attrs["alpha"] == run.ranking().attrs["alpha"]
    assert frame.attrs["alpha"] != run.ranking(blind=False).attrs["alpha"]
    assert "Among these are 9 votes of people who knew whose picture was whose" in repr(frame)
    both = run.ranking(blind=False)
    assert both.ties.sum() == 2 * frame.ties.sum()


def judge(run: Run) -> None:
    """Record what a machine judge said, as ``run.judge`` does."""
    sql = "UPDATE votes SET rater = 'judge:me/eye' WHERE rater = 'eye'"
    vote(run, "eye", repeats=0)
    run._store.journal.write([(sql, ())]).result()


def test_judges_are_left_out_unless_asked(run):
    vote(run, repeats=0)
    judge(run)
    assert run.ranking().attrs["left_out"] == {"of judges": 72}
    assert run.ranking(raters="judges").votes.sum() == 144
    assert run.ranking(raters="all").votes.sum() == 288
    assert run.ranking(raters=["judge:me/eye"]).attrs["left_out"] == {"of other raters": 72}


def test_votes_that_do_not_count_say_what_counts_them(run):
    judge(run)
    with pytest.raises(InvalidInput, match=r'72 of judges.*raters="judges" counts those of judges') as raised:
        run.ranking()
    assert "blind" not in str(raised.value)
    run._store.journal.write([("UPDATE votes SET rater = 'anna'", ())])
    with pytest.raises(InvalidInput, match=r"72 of people.*raters=None counts those of people"):
        run.ranking(raters="judges")
    run._store.journal.write([("UPDATE votes SET blind = 0", ())])
    with pytest.raises(InvalidInput, match=r"72 not blind.*blind=False counts"):
        run.ranking()


def test_a_rater_who_leans_to_one_side_is_found_out(run):
    vote(run, "straight", noise=0.3)
    vote(run, "leaning", noise=0.3, left=9)
    frame = run.raters()
    leaning, straight = frame.loc["leaning"], frame.loc["straight"]
    assert leaning.left_share == 1
    assert leaning.self_agreement == 0
    assert leaning.same_side == leaning.repeated > 10
    assert straight.left_low < 0.5 < straight.left_high
    assert straight.self_agreement > 0.9
    assert straight.same_side <= 1


def test_raters_who_want_the_same_agree(run):
    for rater in ("anna", "bert"):
        vote(run, rater, noise=0.01, repeats=0)
    frame = run.raters()
    assert list(frame.agreement) == [1, 1]
    assert list(frame.kappa) == [1, 1]
    assert list(frame.shared) == [72, 72]
    assert frame.attrs["alpha"] == run.ranking().attrs["alpha"] == 1
    vote(run, "chance", noise=50, repeats=0)
    assert run.raters().loc["chance", "kappa"] < 0.3
    assert run.raters().attrs["alpha"] < 0.8


def test_it_shows_tiers_and_what_to_think_of_the_raters(run):
    vote(run)
    words = repr(run.ranking())
    assert words.startswith("72 votes · 1 rater · 24 prompts · ")
    assert "left side won" in words
    assert "enough" in words
    assert "me/bright" in run.ranking()._repr_html_()
    assert "the same again" in repr(run.raters())
    assert isinstance(run.ranking(), pd.DataFrame)


WRONG = {
    "a parameter that was not voted on": (dict(by="prompt"), "no parameter that was voted on"),
    "a rater who is none": (dict(raters="ana"), "Did you mean 'anna'"),
    "raters that are none": (dict(raters=3), "a int names no raters"),
    "a win rate of a half": (dict(win_rate=0.5), "is no win rate"),
    "all power": (dict(power=1), "is no power"),
    "no judge": (dict(raters="judges"), "no vote on model can be counted"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_ranked_is_said(run, what):
    vote(run.select(prompt=["p 1"]))
    given, words = WRONG[what]
    with pytest.raises(InvalidInput, match=words):
        run.ranking(**given)


def test_without_votes_there_is_nothing_to_rank(run):
    for call in (run.ranking, run.raters, lambda: run.export_votes("v.csv")):
        with pytest.raises(InvalidInput, match="nobody has voted"):
            call()


# ---------------------------------------------------------------------- votes as CSV
def test_votes_go_out_as_csv_and_come_back_where_the_run_is_opened(run, tmp_path):
    vote(run)
    judge(run)
    file = run.export_votes(tmp_path / "votes.csv")
    lines = read(file)
    assert len(lines) == 72 + 14 + 72
    assert lines[0].keys() >= {"rater", "prompt", "left", "right", "choice", "again", "left_sha256"}
    assert set(run.import_votes(file).duplicates) == {86, 72}
    before = pd.DataFrame(run.ranking(raters="all"))
    run._store.journal.write([("DELETE FROM votes", ())]).result()
    opened = ik.open_run(run.export(tmp_path / "run.zip"))
    assert list(opened.import_votes(file).added) == [86, 72]
    pd.testing.assert_frame_equal(pd.DataFrame(opened.ranking(raters="all")), before)


def test_votes_in_a_bundle_that_was_shared_still_rank_and_name_nobody(run, tmp_path):
    vote(run, repeats=0)
    judge(run)
    shared = ik.open_run(run.export(tmp_path / "shared.zip", share=True))
    for raters in ("people", "judges"):
        pd.testing.assert_frame_equal(
            pd.DataFrame(shared.ranking(raters=raters)), pd.DataFrame(run.ranking(raters=raters))
        )
    assert list(shared.raters().index) == ["rater 1", "judge:model 1"]


def test_a_name_that_a_spreadsheet_would_compute_is_only_text(run, tmp_path):
    vote(run.select(prompt=["p 1"]), "=2+3")
    file = run.export_votes(tmp_path / "votes.csv")
    assert read(file)[0]["rater"] == "'=2+3"
    assert list(run.import_votes(file).rater) == ["=2+3"]


CHANGED = {
    "choice": ("much", "is no choice"),
    "run_id": ("other", "a vote on the run 'other'"),
    "left_cell": ("999", "there is no picture at left_cell 999"),
    "right_step": ("x", "right_step 'x' is no number"),
    "left_sha256": ("0" * 64, "its hash differs"),
    "by": ("style", "has no 'style'"),
    "created_at": ("soon", "Invalid isoformat"),
    "seconds": ("-1", "seconds are negative"),
    "again": ("2", "0 or 1"),
    "rater": (" ", "is no name"),
}


def test_all_that_is_wrong_with_a_file_is_said_at_once_and_nothing_is_added(run, tmp_path):
    vote(run)
    file = run.export_votes(tmp_path / "votes.csv")
    run._store.journal.write([("DELETE FROM votes", ())]).result()
    lines = read(file)
    for line, (name, (value, _)) in zip(lines[1:], CHANGED.items(), strict=False):
        line[name] = value
    lines[20] = lines[19]
    write(file, lines)
    with pytest.raises(InvalidInput) as caught:
        run.import_votes(file)
    assert [fault.where for fault in caught.value.faults] == [f"votes.csv line {n}" for n in [*range(3, 13), 22]]
    for fault, (_, words) in zip(caught.value.faults, CHANGED.values(), strict=False):
        assert words in str(fault)
    assert "a second vote" in str(caught.value.faults[-1])
    with pytest.raises(InvalidInput, match="nobody has voted"):
        run.ranking()


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def write(file: Path, lines: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "lacks the columns run_id"), ("a,b\n1,2\n", "lacks the columns"), ("\udcff", "no CSV")],
    ids=["empty", "other columns", "no text"],
)
def test_what_is_no_file_of_votes_is_refused(run, tmp_path, text, words):
    file = tmp_path / "votes.csv"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidInput, match=words):
        run.import_votes(file)
    with pytest.raises(InvalidInput, match="cannot be read"):
        run.import_votes(tmp_path / "none.csv")


def test_another_kind_of_file_is_not_written(run, tmp_path):
    vote(run.select(prompt=["p 1"]))
    with pytest.raises(InvalidInput, match=r"does not end in \.csv"):
        run.export_votes(tmp_path / "votes.xlsx")


def test_only_a_file_of_votes_is_replaced_and_a_missing_folder_is_made(run, tmp_path):
    vote(run.select(prompt=["p 1"]), repeats=0)
    file = run.export_votes(tmp_path / "new" / "votes.csv")
    assert len(read(file)) == 3
    vote(run.select(prompt=["p 2"]), repeats=0)
    assert len(read(run.export_votes(file))) == 6
    for foreign in ("name,age\nanna,7\n", "", "\udcff"):
        file.write_bytes(foreign.encode("utf-8", "surrogateescape"))
        with pytest.raises(InvalidInput, match=r"'votes\.csv' is there and no file of votes\. Name another file"):
            run.export_votes(file)
        assert file.read_bytes().decode("utf-8", "surrogateescape") == foreign
    assert list(file.parent.iterdir()) == [file]


def test_a_file_of_votes_that_cannot_be_written_is_an_error_in_words(run, tmp_path):
    vote(run.select(prompt=["p 1"]))
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match=r"The file of votes .* cannot be written"):
        run.export_votes(tmp_path / "taken" / "votes.csv")

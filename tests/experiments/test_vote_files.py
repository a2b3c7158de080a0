"""Votes that come back from pages: added once, and refused in words where they are not what the page saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagegen_kit.errors import InvalidInput
from imagegen_kit.experiments.vote_files import Page, check_of, record_page, votes_file
from imagegen_kit.experiments.voting import Ballot
from imagegen_kit.store.values import dumps
from tests.engine.models import rows
from tests.experiments.ballots import models, run_of

AT = "2026-11-20T10:00:00.000Z"


@pytest.fixture
def ballot() -> Ballot:
    models()
    return Ballot(run_of(6), rater="anna", repeats=0)


@pytest.fixture
def page(ballot: Ballot) -> Page:
    return record_page(ballot, ballot.plan)


def saved(page: Page, name: str = "votes.json", rater: str = "anna", **votes: str) -> Path:
    """Write a file as the page saves it: ``t0="left"`` is a vote on the first pair."""
    made = [[page.tokens[int(pair[1:])], choice, 1200, AT] for pair, choice in votes.items()]
    path = Path(name)
    path.write_text(votes_file(page, rater, made), encoding="utf-8")
    return path


def test_votes_are_added_with_their_sides_and_times(ballot, page):
    report = ballot.run.import_votes(saved(page, t0="left", t3="both_bad"))
    assert report.to_dict("records") == [
        {"file": "votes.json", "rater": "anna", "votes": 2, "added": 2, "duplicates": 0, "refused": 0, "why": ""}
    ]
    first = ballot.votes()[0]
    pair = ballot.plan[0]
    assert (first.pair, first.left_request, first.right_request) == (pair.key, pair.left.request, pair.right.request)
    assert (first.choice, first.milliseconds, first.blind) == ("left", 1200, True)
    assert first.created_at == "2026-11-20T10:00:00.000+00:00"
    assert len(ballot.open()) == 4


def test_the_same_file_again_adds_nothing_and_a_longer_one_what_is_new(ballot, page):
    ballot.run.import_votes(saved(page, t0="left"))
    again = ballot.run.import_votes([saved(page, t0="left"), saved(page, "more.json", t0="left", t1="tie")])
    assert again[["added", "duplicates", "refused"]].to_numpy().tolist() == [[0, 1, 0], [1, 1, 0]]
    ballot.undo()
    assert ballot.run.import_votes("more.json").duplicates.tolist() == [2]
    assert [v.choice for v in ballot.votes()] == ["left"]


def test_another_vote_on_the_same_pair_is_refused_and_said(ballot, page):
    ballot.run.import_votes(saved(page, t0="left"))
    report = ballot.run.import_votes(saved(page, t0="right", t1="left"))
    assert report[["added", "refused"]].to_numpy().tolist() == [[1, 1]]
    assert report.why.tolist() == ["voted on already by this rater"]
    assert [v.choice for v in ballot.votes()] == ["left", "left"]


def test_several_raters_may_use_one_page(ballot, page):
    files = [saved(page, f"{name}.json", name, t0="left") for name in ("anna", "José ☕")]
    assert ballot.run.import_votes(files).added.tolist() == [1, 1]
    assert rows("SELECT DISTINCT rater FROM votes ORDER BY rater") == [("José ☕",), ("anna",)]


def test_what_was_voted_after_its_rater_saw_the_names_is_marked(ballot, page):
    ballot.reveal()
    later = [[page.tokens[0], "left", 5, "2999-01-01T00:00:00Z"], [page.tokens[1], "left", 5, AT]]
    Path("votes.json").write_text(votes_file(page, "anna", later), encoding="utf-8")
    ballot.run.import_votes("votes.json")
    assert [v.blind for v in ballot.votes()] == [False, True]


def changed(content: dict, **parts: object) -> dict:
    return {**content, **parts}


def signed(page: Page, votes: list, rater: str = "anna") -> dict:
    """Return a file whose check is right, whatever its votes are."""
    return json.loads(votes_file(page, rater, votes))


WRONG = {
    "a vote that was edited": (lambda c, p: changed(c, votes=[[c["votes"][0][0], "right", 1200, AT]]), "was changed"),
    "another rater": (lambda c, p: changed(c, rater="bert"), "was changed"),
    "a page that is not known": (lambda c, p: changed(c, page="0" * 16), "of another run"),
    "other pairs": (lambda c, p: changed(c, pairs="0" * 32), "not those of its page"),
    "a later version": (lambda c, p: changed(c, version=2), "later version"),
    "something else": (lambda c, p: {"cells": []}, "no file of votes"),
    "a list": (lambda c, p: [], "no file of votes"),
    "votes that are none": (lambda c, p: changed(c, votes="x"), "was changed"),
    "an unknown pair": (lambda c, p: signed(p, [["x", "left", 5, AT]]), "vote 1 cannot be read"),
    "an unknown choice": (lambda c, p: signed(p, [[p.tokens[0], "much", 5, AT]]), "vote 1 cannot be read"),
    "no time": (lambda c, p: signed(p, [[p.tokens[0], "left", 5, "soon"]]), "vote 1 cannot be read"),
    "a time before all": (lambda c, p: signed(p, [[p.tokens[0], "left", 5, "0001-01-01T00:00:00+14:00"]]), "vote 1"),
    "negative milliseconds": (lambda c, p: signed(p, [[p.tokens[0], "left", -5, AT]]), "vote 1 cannot be read"),
    "too few values": (lambda c, p: signed(p, [[p.tokens[0]]]), "vote 1 cannot be read"),
    "two votes on a pair": (lambda c, p: signed(p, [[p.tokens[0], "left", 5, AT]] * 2), "two votes on one pair"),
    "a rater without a name": (lambda c, p: signed(p, [], " "), "is no name"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_file_that_is_not_what_a_page_of_this_run_saved_is_refused_whole(ballot, page, what):
    change, words = WRONG[what]
    content = json.loads(saved(page, t0="left").read_text(encoding="utf-8"))
    Path("wrong.json").write_text(dumps(change(content, page)), encoding="utf-8")
    with pytest.raises(InvalidInput, match=words):
        ballot.run.import_votes([saved(page, t0="left"), Path("wrong.json")])
    assert not ballot.votes()  # of the good file neither


@pytest.mark.parametrize("text", ["", "{", "\0", "[" * 100_000, '{"what": NaN'], ids=lambda t: t[:8])
def test_what_is_no_json_is_refused(ballot, page, text):
    Path("wrong.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"wrong\.json: it is no file of votes"):
        ballot.run.import_votes("wrong.json")


def test_a_file_that_is_not_there_is_named(ballot):
    with pytest.raises(InvalidInput, match=r"none\.json: it cannot be read"):
        ballot.run.import_votes("none.json")


def test_a_page_of_another_run_is_foreign(ballot, page):
    other = run_of(1, name="other")
    with pytest.raises(InvalidInput, match="of another run"):
        other.import_votes(saved(page, t0="left"))


def test_the_check_is_fnv_1a_over_compact_json():
    assert check_of("k", "é", [["t", "left", 1, AT]]) == check_of("k", "é", [["t", "left", 1, AT]])
    assert check_of("k", "e", []) != check_of("k", "é", [])
    # FNV-1a 64 of the 11 bytes ["","é",[]], worked out apart from the code under test.
    value = 0xCBF29CE484222325
    for byte in b'["","\xc3\xa9",[]]':
        value = (value ^ byte) * 0x100000001B3 % 2**64
    assert check_of("", "é", []) == f"{value:016x}"


@pytest.mark.parametrize("given", [None, 3, [None]], ids=str)
def test_what_is_no_path_is_refused_in_words(ballot, given):
    with pytest.raises(InvalidInput, match=r"is no path\. Give the file that a voting page saved"):
        ballot.run.import_votes(given)

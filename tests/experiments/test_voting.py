"""A ballot: which pictures are voted on, and that no vote is lost, doubled or changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.experiments.vote_files import record_page, votes_file
from imagegen_kit.experiments.voting import CHOICES, Ballot, in_words
from tests.engine.models import picture, rows
from tests.experiments.ballots import MODELS, models, run_of

ROOT = Path(__file__).parents[2]


def child(rater: str) -> subprocess.Popen[str]:
    """Start another process that votes in this session's store."""
    close_default_engine()
    return subprocess.Popen(
        [sys.executable, "-m", "tests.experiments.voting_child", rater],
        env={**os.environ, "PYTHONPATH": str(ROOT), "IMAGEGEN_STORE": str(Path.cwd() / "imagegen-store")},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


# ---------------------------------------------------------------------- which pictures
def test_pairs_differ_in_the_parameter_alone():
    models()
    run = run_of(4, vary={"seed": [1, 2]}, repeats=2)
    ballot = Ballot(run, repeats=0)
    assert len(ballot.plan) == 4 * 2 * 2
    table = run.table()
    known = dict(zip(rows_of(run), table.to_dict("records"), strict=True))
    for pair in ballot.plan:
        left, right = known[pair.left.request], known[pair.right.request]
        assert {left["model"], right["model"]} == set(MODELS)
        assert [left[n] for n in ("prompt", "seed", "repeat")] == [right[n] for n in ("prompt", "seed", "repeat")]
        assert pair.left.prompt == left["prompt"]


def rows_of(run):
    return [id for (id,) in rows("SELECT id FROM requests ORDER BY cell, step")]


def test_failures_placeholders_and_answers_of_other_models_are_never_voted_on():
    models(failing={"zebra/one": [0], "quokka/two": [1]})
    run = run_of(6)
    request = "(SELECT MAX(request) FROM results WHERE status = 'ok')"
    default_engine().store.journal.write(
        [(f"UPDATE results SET status = 'fallback', same_model = 0 WHERE request = {request}", ())]
    ).result()
    ballot = Ballot(run, repeats=0)
    assert len(ballot.plan) == 3
    assert in_words(ballot.left_out) == "3 without a counterpart, 2 failed, 1 answered by another model"


def test_placeholders_are_left_out_and_said():
    models(failing={"quokka/two": [0, 1]})
    run = run_of(4, policy=ik.Policy(placeholder=True))
    assert run.table().status.tolist().count("placeholder") == 2
    ballot = Ballot(run, repeats=0)
    assert len(ballot.plan) == 2
    assert ballot.left_out == {"placeholder": 2, "without a counterpart": 2}


def test_cached_pictures_are_voted_on_like_others():
    models()
    run_of(3)
    again = ik.Experiment(vary={"prompt": ["prompt 0", "prompt 1"], "model": list(MODELS)}, name="b").run(
        progress=False
    )
    assert set(again.table().status) == {"cached"}
    assert len(Ballot(again, repeats=0).plan) == 2


def test_a_picture_that_was_removed_is_left_out():
    models()
    run = run_of(2)
    sql = "UPDATE artifacts SET removed_at = 'now' WHERE sha256 = ?"
    run._store.journal.write([(sql, (run[0].artifacts[0].sha256,))]).result()
    assert Ballot(run).left_out == {"removed from the store or damaged": 1, "without a counterpart": 1}


def test_a_smaller_run_has_fewer_pairs():
    models()
    run = run_of(4)
    assert len(Ballot(run.select(prompt=["prompt 1", "prompt 2"]), repeats=0).plan) == 2


def test_pictures_made_elsewhere_are_paired_by_their_prompt_or_their_name(tmp_path):
    from io import BytesIO

    from PIL import Image

    frame = pd.DataFrame(
        [
            {"picture": Image.open(BytesIO(picture(10 * p + m))), "model": f"m{m}", "prompt": f"p{p}"}
            for p in range(3)
            for m in range(2)
        ]
    )
    assert len(Ballot(ik.open_run(frame), repeats=0).plan) == 3
    for number, name in enumerate(["one/cup.png", "two/cup.png", "one/hat.png", "two/hat.png", "one/tie.png"]):
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / name).write_bytes(picture(number))
    ballot = Ballot(ik.open_run(tmp_path / "made"), by="label", repeats=0)
    assert len(ballot.plan) == 2
    assert ballot.left_out == {"without a counterpart": 1}


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("seed", "have the seed '7'.*What varies here: model, prompt"),
        ("modle", "Did you mean 'model'"),
    ],
)
def test_a_parameter_that_cannot_be_compared_is_refused_in_words(by, words):
    models()
    run = run_of(2, fixed={"seed": 7})
    with pytest.raises(InvalidInput, match=words):
        Ballot(run, by)


def test_a_run_without_pairs_says_why():
    models(failing={"zebra/one": [0, 1], "quokka/two": [0, 1]})
    with pytest.raises(InvalidInput, match="all failed"):
        Ballot(run_of(2))
    models()
    points = [{"prompt": "a", "model": MODELS[0]}, {"prompt": "b", "model": MODELS[1]}]
    run = ik.Experiment(vary=points, name="apart").run(progress=False)
    with pytest.raises(InvalidInput, match=r"no two pictures differ in model alone.*2 without a counterpart"):
        Ballot(run)


@pytest.mark.parametrize(
    "given",
    [{"pairs": 0}, {"pairs": True}, {"repeats": 0.6}, {"repeats": "x"}, {"rater": ""}, {"rater": "a\nb"}, {"rater": 5}],
    ids=str,
)
def test_what_is_no_number_or_name_is_refused(given):
    models()
    with pytest.raises(InvalidInput):
        Ballot(run_of(2), **given)


def test_what_is_compared_is_not_told_by_the_words_above():
    models()
    run = run_of(3)
    assert {p.left.prompt for p in Ballot(run, "prompt", repeats=0).plan} == {""}


# ---------------------------------------------------------------------- votes
def test_the_same_rater_goes_on_in_another_session_and_others_have_their_own_order():
    models()
    run = run_of(12)
    mine, hers = Ballot(run), Ballot(run, rater="anna")
    assert mine.rater == "me"
    assert [p.key for p in mine.plan] != [p.key for p in hers.plan]
    for pair in mine.open()[:4]:
        assert mine.choose(pair, "left", 900)
    order = [(p.key, p.left.request) for p in mine.open()]
    close_default_engine()
    again = Ballot(ik.open_run("ballots"))
    assert [(p.key, p.left.request) for p in again.open()] == order
    assert len(order) == len(again.plan) - 4
    assert len(Ballot(again.run, rater="anna").open()) == len(hers.plan)


def test_a_pair_is_voted_on_once():
    models()
    run = run_of(2)
    one, two = Ballot(run), Ballot(run)
    assert one.choose(one.plan[0], "left")
    assert not two.choose(two.plan[0], "right")
    assert [v.choice for v in two.votes()] == ["left"]


def test_an_undone_vote_keeps_its_row_and_its_pair_is_open_again():
    models()
    ballot = Ballot(run_of(3))
    assert ballot.undo() is None
    first = ballot.open()[0]
    ballot.choose(first, "tie")
    assert ballot.undo().choice == "tie"
    assert ballot.open()[0] == first
    assert ballot.choose(first, "right")
    assert rows("SELECT choice, undone_at IS NULL FROM votes ORDER BY id") == [("tie", 0), ("right", 1)]


@pytest.mark.parametrize(("said", "side"), [("A", "left"), ("a is better", "left"), ("B is better", "right")])
def test_the_words_of_a_button_lead_to_its_side(said, side):
    models()
    ballot = Ballot(run_of(2))
    with pytest.raises(InvalidInput, match=f"Choose '{side}'"):
        ballot.choose(ballot.plan[0], said)


def test_a_choice_that_there_is_not_is_refused():
    models()
    ballot = Ballot(run_of(2))
    with pytest.raises(InvalidInput, match="Choose left, right, tie, both_bad or skip"):
        ballot.choose(ballot.plan[0], "a lot")
    assert not ballot.votes()


def test_nothing_tells_the_models_before_reveal_and_counts_are_plain():
    models()
    ballot = Ballot(run_of(5), repeats=0)
    for pair, choice in zip(ballot.open(), CHOICES, strict=True):
        ballot.choose(pair, choice, 1500)
    assert ballot.table().columns.tolist() == ["pair", "again", "choice", "seconds"]
    assert ballot.table().pair.tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(InvalidInput, match="reveal"):
        ballot.counts()
    ballot.reveal()
    ballot.reveal()
    assert rows("SELECT COUNT(*) FROM events WHERE name = 'votes revealed'") == [(1,)]
    table = ballot.table()
    first, second = ballot.plan[0], ballot.plan[1]
    assert f'"{table.left[0]}"' == first.left.value
    assert table.preferred.tolist()[:2] == [first.left.value.strip('"'), second.right.value.strip('"')]
    assert table.preferred.isna().tolist() == [False, False, True, True, True]
    counts = ballot.counts().iloc[0]
    assert (counts.a, counts.b) == tuple(sorted(MODELS))
    assert (counts.votes, counts.ties, counts.both_bad, counts.skipped) == (4, 1, 1, 1)
    assert counts.a_wins + counts.b_wins == 2


def test_after_reveal_blind_votes_stand_and_later_ones_are_marked():
    models()
    run = run_of(4)
    ballot = Ballot(run, repeats=0)
    ballot.choose(ballot.open()[0], "left")
    ballot.reveal()
    with pytest.raises(InvalidInput, match="before the names were revealed"):
        ballot.undo()
    again = Ballot(ik.open_run("ballots"), repeats=0)
    again.choose(again.open()[0], "right")
    assert again.table().blind.tolist() == [True, False]
    assert again.counts().votes.tolist() == [1]
    assert again.undo().choice == "right"
    hers = Ballot(run, rater="anna", repeats=0)
    hers.choose(hers.open()[0], "left")
    assert [v.blind for v in hers.votes()] == [True]


def test_votes_on_one_parameter_are_apart_from_those_on_another():
    models()
    run = run_of(2, vary={"seed": [1, 2]})
    by_model, by_seed = Ballot(run), Ballot(run, "seed")
    by_model.choose(by_model.plan[0], "left")
    by_model.reveal()
    assert not by_seed.votes()
    assert not by_seed.revealed


def test_a_store_that_cannot_be_written_says_so():
    models()
    run = run_of(2)
    ballot = Ballot(run)
    run._store.journal._connection.execute("PRAGMA query_only=ON")
    with pytest.raises(StoreError):
        ballot.choose(ballot.plan[0], "left")
    assert not ballot.votes()


def test_an_opened_bundle_takes_votes_which_stay_with_it(tmp_path):
    models()
    run = run_of(3)
    mine = Ballot(run)
    mine.choose(mine.plan[0], "left")
    bundle = run.export(tmp_path / "b.zip")
    ik.configure(store=tmp_path / "other")
    opened = Ballot(ik.open_run(bundle))
    assert [v.choice for v in opened.votes()] == ["left"]
    assert opened.choose(opened.open()[0], "right")
    close_default_engine()
    assert [v.choice for v in Ballot(ik.open_run(bundle)).votes()] == ["left", "right"]
    assert rows("SELECT COUNT(*) FROM votes") == [(0,)]


def test_a_vote_goes_on_in_a_bundle_in_its_order_and_knows_what_was_revealed(tmp_path):
    models()
    run = run_of(8)
    mine, hers = Ballot(run), Ballot(run, rater="anna")
    page = record_page(hers, hers.plan)
    mine.choose(mine.plan[0], "left")
    mine.reveal()
    bundle = run.export(tmp_path / "b.zip")
    ik.configure(store=tmp_path / "other")
    opened = ik.open_run(bundle)
    again = Ballot(opened)
    assert (again.seed, again.plan) == (mine.seed, mine.plan)
    assert again.open() == mine.open()
    assert again.revealed
    assert not Ballot(opened, rater="anna").revealed
    assert Ballot(opened, rater="anna").plan == hers.plan
    voted = tmp_path / "votes.json"
    voted.write_text(votes_file(page, "anna", [[page.tokens[0], "tie", 900, "2026-01-02T03:04:05Z"]]), encoding="utf-8")
    assert opened.import_votes(voted)["added"].tolist() == [1]


def test_a_shared_bundle_names_no_rater_and_no_seed(tmp_path):
    models()
    run = run_of(3)
    ballot = Ballot(run, rater="canary-rater")
    ballot.choose(ballot.plan[0], "left")
    ballot.reveal()
    record_page(ballot, ballot.plan)
    for path, told in ((run.export(tmp_path / "whole.zip"), True), (run.export(tmp_path / "s.zip", share=True), False)):
        with zipfile.ZipFile(path) as archive:
            everything = b"\n".join(archive.read(name) for name in archive.namelist())
        assert (b"canary-rater" in everything) is told
        assert (str(ballot.seed).encode() in everything) is told


def test_a_shared_bundle_can_be_voted_on_too(tmp_path):
    models()
    shared = ik.open_run(run_of(3).export(tmp_path / "b.zip", share=True))
    assert {p.left.prompt for p in Ballot(shared, repeats=0).plan} == {"prompt 1", "prompt 2", "prompt 3"}


# ---------------------------------------------------------------------- other processes
def test_a_process_that_is_killed_loses_no_vote_that_it_was_told_is_stored():
    models()
    run_of(30)
    voting = child("anna")
    stored = []
    for line in voting.stdout:
        stored.append(line.rstrip("\n").split("\t"))
        if len(stored) > 10:
            voting.send_signal(signal.SIGKILL)
            break
    rest = [line.rstrip("\n").split("\t") for line in voting.stdout if line.endswith("\n")]
    assert voting.wait() == -signal.SIGKILL
    voting.stdout.close()
    ballot = Ballot(ik.open_run("ballots"), rater="anna")
    kept = [[v.pair, v.choice] for v in ballot.votes()]
    told = [*stored[1:], *rest]
    assert kept[: len(told)] == told
    assert len(kept) <= len(told) + 1  # one may have been stored and not yet told
    assert [p.key for p in ballot.open()] == [p.key for p in ballot.plan][len(kept) :]


def test_two_processes_of_one_rater_never_vote_twice_on_a_pair():
    models()
    run_of(12)
    two = [child("anna"), child("anna")]
    said = [line for voting in two for line in voting.communicate()[0].splitlines() if "\t" in line]
    assert [voting.returncode for voting in two] == [0, 0]
    ballot = Ballot(ik.open_run("ballots"), rater="anna")
    assert sorted(line.split("\t")[0] for line in said) == sorted(p.key for p in ballot.plan)
    assert len(ballot.votes()) == len(ballot.plan)


def test_without_a_name_the_model_is_compared_or_what_alone_varies():
    models()
    styled = run_of(2, (MODELS[0],), vary={"style": ["watercolor", "film-noir"]})
    assert Ballot(styled, repeats=0).by == "style"
    assert Ballot(run_of(2, vary={"style": ["watercolor", "film-noir"]}), repeats=0).by == "model"


def test_where_several_vary_and_no_model_one_has_to_be_named():
    models()
    run = run_of(2, (MODELS[0],), vary={"style": ["watercolor", "film-noir"], "seed": [1, 2]})
    with pytest.raises(InvalidInput, match=r"Here vary prompt, seed, style.*Name what to compare: by='seed'"):
        run.vote()
    with pytest.raises(InvalidInput, match="a list names no parameter"):
        run.vote(by=["style"])


def test_an_argument_that_is_none_is_told_with_the_near_one():
    models()
    with pytest.raises(InvalidInput, match=r"no argument of vote is called 'raters'.*Did you mean 'rater'"):
        run_of(2).vote(raters="anna")

"""The fairness ledger, before and after, and what pictures come to by the month."""

from __future__ import annotations

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import InvalidInput
from imagegen_kit.tables.fairness import Sent, fairness_table
from imagegen_kit.types import Adaptation
from tests.engine.models import model, picture

pytestmark = pytest.mark.usefixtures("own_registry")
SEED = Adaptation("seed", 7, None, "dropped")
SIZE = Adaptation("size", "1920x1080", "1920x1088", "changed", unfair=False)


def rows(table):
    return [tuple(row) for row in table.astype(object).itertuples(index=False)]


def test_each_pair_of_models_has_a_row_for_each_field_that_either_did_not_honour():
    sent = [Sent(i, "a", (SEED,)) for i in range(3)] + [Sent(i, "b", (SIZE,) if i == 0 else ()) for i in range(3)]
    assert rows(fairness_table(sent)) == [
        ("a", "b", "seed", "7 ignored", "as asked", 3, 3, True),
        ("a", "b", "size", "as asked", "1920x1080 → 1920x1088 (comparable)", 1, 3, False),
    ]


def test_a_harmless_change_does_not_hide_a_harmful_one():
    harmful = Adaptation("size", "2000x1000", "1024x512", "changed")
    sent = [Sent(i, "a", (harmful,) if i == 0 else (SIZE,)) for i in range(3)] + [Sent(i, "b") for i in range(3)]
    assert rows(fairness_table(sent)) == [("a", "b", "size", "2000x1000 → 1024x512", "as asked", 3, 3, True)]


def test_what_both_could_not_do_weakens_no_comparison():
    table = fairness_table([Sent(0, "a", (SEED,)), Sent(0, "b", (SEED,))])
    assert rows(table) == [("a", "b", "seed", "7 ignored", "7 ignored", 1, 1, False)]


def test_requests_without_a_partner_are_not_compared():
    table = fairness_table([Sent(0, "a", (SEED,)), Sent(1, "b")])
    assert len(table) == 0
    assert list(table.columns) == ["a", "b", "field", "a_sent", "b_sent", "pairs", "of", "unfair"]


def test_a_refusal_is_the_greatest_difference():
    table = fairness_table([Sent(0, "a", refused=True), Sent(0, "b")])
    assert rows(table) == [("a", "b", "request", "refused", "as asked", 1, 1, True)]


@pytest.fixture
def three():
    model("sea/all", can=Capabilities(seed=True, negative_prompt=True, multiple_of=16), price=0.02)
    model("hill/none", can=Capabilities(ratios=("1:1",)), price=0.05)
    model("moor/mask", can=Capabilities(seed=True, mask=True), price=None)
    return ik.Experiment(
        vary={"prompt": ["a cup", "a mug"], "model": ["sea/all", "hill/none", "moor/mask"]},
        fixed={"seed": 7, "size": (1920, 1080), "negative_prompt": "rain"},
        repeats=2,
    )


def test_what_is_foreseen_is_what_is_found(three):
    before, after = three.fairness(), three.run(progress=False).fairness()
    assert rows(before) == rows(after)
    first = before[(before.a == "sea/all") & (before.b == "hill/none")].set_index("field")
    assert first.loc["seed", ["a_sent", "b_sent", "pairs", "of"]].tolist() == ["as asked", "7 ignored", 4, 4]
    assert first["unfair"].to_dict() == {"seed": True, "size": True, "negative_prompt": False}
    assert first.loc["size", "a_sent"] == "1920x1080 → 1920x1088 (comparable)"


def test_the_column_unfair_knows_harmless_changes_from_harmful_ones(three):
    table = three.run(progress=False).table()
    assert table.groupby("model")["unfair"].all().to_dict() == {
        "sea/all": False, "hill/none": True, "moor/mask": False,
    }  # fmt: skip


def test_a_selection_compares_only_what_was_selected(three):
    run = three.run(progress=False)
    assert set(run.select(model=["sea/all", "moor/mask"]).fairness()["b"]) == {"moor/mask"}


def test_a_refused_request_is_told_before_and_after():
    model("sea/eyes", can=Capabilities(references=1))
    model("hill/blind", can=Capabilities())
    exp = ik.Experiment(
        vary={"prompt": ["a cup"], "model": ["sea/eyes", "hill/blind"]}, fixed={"references": [picture()]}
    )
    told = [("sea/eyes", "hill/blind", "request", "as asked", "refused", 1, 1, True)]
    assert rows(exp.fairness()) == rows(exp.run(progress=False).fairness()) == told


def test_a_projection_is_the_mean_price_times_items_and_months(three):
    run = three.run(progress=False).select(model=["sea/all", "hill/none"])
    table = run.projection(pictures_per_item=5, items_per_month=[100, 1000])
    assert table["price_usd"].tolist() == pytest.approx([0.035, 0.035])
    assert table["usd_per_item"].tolist() == pytest.approx([0.175, 0.175])
    assert table["usd_per_month"].tolist() == pytest.approx([17.5, 175.0])
    assert table.index.name == "items_per_month"


def test_an_unknown_price_makes_a_projection_unknown_unless_one_is_given(three):
    table = three.projection(5, 100)
    assert table["usd_per_month"].isna().all()
    assert table["unknown_prices"].tolist() == [4]
    given = three.projection(5, [100, 1000, 10_000], price_usd=0.03)
    assert given["usd_per_month"].tolist() == pytest.approx([15, 150, 1500])


def test_a_projection_says_what_is_wrong_with_its_numbers(three):
    with pytest.raises(InvalidInput) as raised:
        three.projection(0, [100, -1], price_usd=-2)
    assert [f.where for f in raised.value.faults] == ["pictures_per_item", "items_per_month", "price_usd"]


def test_a_plan_foresees_the_same_price_whether_or_not_a_picture_is_cached(three):
    only = three.with_(vary={"prompt": ["a cup"], "model": ["sea/all"]}, repeats=1)
    before = only.projection(1, 1)["price_usd"].tolist()
    only.run(progress=False)
    assert only.plan()["estimated_usd"].tolist() == [0]
    assert only.projection(1, 1)["price_usd"].tolist() == before == pytest.approx([0.02])

"""Numbers in words: three figures, unknown said, intervals the right way round."""

from __future__ import annotations

import pandas as pd
import pytest

from imagegen_kit.report.answer import claim
from imagegen_kit.report.frames import figures, heading, interval, number, share_interval, table_of


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.1234, "0.123"), (12.345, "12.3"), (1234.5, "1,234"), (-0.02, "−0.02"), (0.00001, "1.0e−05"), (0.0, "0")],
)
def test_figures_are_three(value: float, words: str) -> None:
    assert figures(value) == words


def test_what_is_missing_is_unknown_of_dollars_and_a_dash_elsewhere() -> None:
    assert [number(pd.NA, "cost_usd"), number(None, "seconds"), number(float("nan"))] == ["unknown", "–", "–"]


def test_an_interval_is_turned_with_its_effect() -> None:
    assert interval(-0.19, -0.05, -1) == "[0.05,\N{NO-BREAK SPACE}0.19]"
    assert interval(None, 0.2) == "[no interval]"


def test_shares_have_their_interval_in_percent() -> None:
    assert share_interval(5.6e-17, 0.354) == "[0%,\N{NO-BREAK SPACE}35%]"
    assert share_interval(pd.NA, 0.4) == "[no interval]"


def test_the_better_one_stands_first_with_its_gain() -> None:
    frame = pd.DataFrame(
        {"a": ["x"], "b": ["y"], "metric": ["score_m"], "unit": ["share"], "effect": [-0.12], "low": [-0.19],
         "high": [-0.05], "n": [40], "verdict": ["b is better"]}
    )  # fmt: skip
    said = claim(next(frame.itertuples(index=False)))
    assert said == "y is better than x on score_m: +0.12 share [0.05,\N{NO-BREAK SPACE}0.19], 40 prompts."


def test_long_tables_are_cut_and_say_so() -> None:
    table = table_of(pd.DataFrame({"cost_usd": [0.5] * 250}), "Costs", index=False)
    assert len(table.rows) == 200
    assert table.notes == ["The first 200 of 250 rows."]
    assert (table.head, table.rows[0]) == (["cost (USD)"], ["$0.50"])


def test_scores_keep_their_name() -> None:
    assert heading("score_technical_sharpness") == "score_technical_sharpness"

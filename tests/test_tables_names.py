"""``models()``, ``styles()`` and ``plugins()`` as DataFrames."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest

from imagegen_kit.providers import Capabilities, ModelSpec, Price, ProviderSpec, Style
from imagegen_kit.registry import get_registry, register, reset_registry
from imagegen_kit.tables import names

SHOP = ProviderSpec(
    "shop",
    key_env=("SHOP_KEY",),
    target="anything:Any",
    models=(
        ModelSpec(
            "fine",
            aliases=("f", "fin"),
            can=Capabilities(references=3, seed=True, ratios=("1:1", "16:9"), resolutions=("1K", "2K")),
            price=Price(0.04),
            typical_seconds=8,
            card="A fine model.",
            api="images",
            status="preview",
            as_of="2026-01-01",
            source="the shop's window",
        ),
        ModelSpec("plain"),
        ModelSpec("old", retires_on=date(2026, 3, 31), replacement="fine"),
    ),
)


@pytest.fixture(autouse=True)
def _shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    monkeypatch.setenv("IMAGEGEN_LOAD_PLUGINS", "")
    reset_registry()
    register(SHOP)
    yield
    reset_registry()


def test_models_show_capabilities_price_and_life() -> None:
    table = names.models(today=date(2026, 1, 1))
    fine = table.loc["shop/fine"]
    assert table.index.name == "name"
    assert fine["provider"] == "shop"
    assert fine["aliases"] == "f, fin"
    assert fine["sizes"] == "1:1, 16:9 at 1K, 2K"
    assert fine[["references", "seed", "mask", "negative_prompt"]].tolist() == [3, True, False, False]
    assert fine[["price_usd", "typical_seconds"]].tolist() == [0.04, 8]
    assert fine["card"] == "A fine model."
    assert fine[["price_unit", "api", "status"]].tolist() == ["per picture", "images", "preview"]
    assert fine[["as_of", "source"]].tolist() == ["2026-01-01", "the shop's window"]
    assert table.loc["shop/old", "retires_on"] == pd.Timestamp(2026, 3, 31)
    assert table.loc["shop/old", "replacement"] == "fine"


def test_retired_models_can_be_left_out() -> None:
    day = date(2026, 3, 31)
    assert "shop/old" in names.models(today=day).index
    assert "shop/old" not in names.models(today=day, retired=False).index
    assert "shop/old" in names.models(today=date(2026, 3, 30), retired=False).index


def test_a_price_by_tokens_shows_a_typical_picture_and_a_film_its_second() -> None:
    rates = {"output_image": 30.0, "output_video": 10.0}
    by_tokens = Price(per_mtok=rates, output_tokens=1290)
    by_second = Price(per_second={"720p": 0.4, "2160p": 0.6}, usual_seconds=8)
    models = (ModelSpec("t", price=by_tokens), ModelSpec("v", kind="video", price=by_second))
    register(ProviderSpec("studio", target="anything:Any", models=models))
    table = names.models()[["price_usd", "price_unit"]]
    assert table.loc["studio/t"].tolist() == [pytest.approx(0.0387), "tokens"]
    assert table.loc["studio/v"].tolist() == [0.4, "per second"]


def test_an_unknown_price_is_na_and_a_free_one_is_zero() -> None:
    table = names.models()
    assert pd.isna(table.loc["shop/plain", "price_usd"])
    assert (table[table.provider == "offline"].price_usd == 0).all()


def test_a_model_that_is_not_ready_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = names.models().loc["shop/fine", ["ready", "fix"]].tolist()
    monkeypatch.setenv("SHOP_KEY", "secret")
    after = names.models().loc["shop/fine", ["ready", "fix"]].tolist()
    assert (before, after) == ([False, "set SHOP_KEY"], [True, ""])


def test_a_model_that_needs_a_server_says_so_and_stands_behind_the_offline_ones() -> None:
    address = "http://me:secret@127.0.0.1:7000"
    register(ProviderSpec("near", target="anything:Any", models=(ModelSpec("m"),), base_url=address))
    table = names.models()
    assert table.loc["near/m", ["ready", "fix"]].tolist() == [True, ""]
    assert table.loc["near/m", "untried"] == "needs a server at http://127.0.0.1:7000; not tried"
    offline = int((table["provider"] == "offline").sum())
    assert (table["provider"].iloc[:offline] == "offline").all()
    assert (table.loc[table["provider"] == "offline", "untried"] == "").all()


@pytest.mark.parametrize(
    ("today", "fix"),
    [(date(2026, 3, 30), ""), (date(2026, 3, 31), "retired on 2026-03-31; use fine")],
    ids=["the day before", "on the day"],
)
def test_a_retired_model_names_its_successor(monkeypatch: pytest.MonkeyPatch, today: date, fix: str) -> None:
    monkeypatch.setenv("SHOP_KEY", "secret")
    row = names.models(today=today).loc["shop/old"]
    assert (row["ready"], row["fix"]) == (not fix, fix)


@pytest.mark.parametrize(
    ("can", "words"),
    [
        (Capabilities(), "any"),
        (Capabilities(sizes=((512, 512), (1024, 768))), "512x512, 1024x768"),
        (Capabilities(max_side=2048, multiple_of=8), "up to 2048 px in steps of 8 px"),
        (Capabilities(ratios=("1:1",)), "1:1"),
    ],
    ids=["no limit", "exact sizes", "a limit", "ratios"],
)
def test_sizes_are_said_in_words(can: Capabilities, words: str) -> None:
    assert names.sizes_in_words(can) == words


def test_styles_show_their_parts() -> None:
    axes = {"layout": ("centred", "in a corner")}
    register(Style("noir", text="film noir", negative="colour", suffix="4k", axes=axes, checks={"grey": 0.1}))
    row = names.styles().loc["noir"]
    assert row[["text", "negative", "suffix"]].tolist() == ["film noir", "colour", "4k"]
    assert row["axes"] == "layout: centred | in a corner"
    assert row["checks"] == "grey: 0.1"


def test_plugins_show_every_record_with_reason_and_fix() -> None:
    table = names.plugins()
    assert table.loc["providers.offline", "distribution"] == "imagegen-kit"
    assert table.loc["providers.offline", "status"] in ("ok", "slow")
    assert "offline/collage" in table.loc["providers.offline", "offers"]
    blocked = table[table.status == "blocked"]
    assert blocked.seconds.isna().all()
    assert list(table.columns) == ["distribution", "version", "status", "reason", "fix", "offers", "seconds"]


@pytest.mark.parametrize("table", [names.models, names.styles, names.plugins], ids=["models", "styles", "plugins"])
def test_an_empty_table_has_the_same_columns_and_dtypes(table: object, monkeypatch: pytest.MonkeyPatch) -> None:
    full = table()  # type: ignore[operator]
    registry = get_registry()
    for name in ("models", "plugins"):
        monkeypatch.setattr(registry, name, list)
    monkeypatch.setattr(registry, "styles", dict)
    empty = table()  # type: ignore[operator]
    assert len(full) > len(empty) == 0
    assert dict(full.dtypes) == dict(empty.dtypes)
    assert (empty.index.name, empty.index.dtype) == ("name", full.index.dtype)

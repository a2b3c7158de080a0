"""What a price a picture comes to by the item and by the month."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def prices_of(rows: pd.DataFrame) -> tuple[list[float | None], int]:
    """Return what each answer among ``rows`` of a run's table cost when it was bought, and how many pictures came."""
    came = rows[rows["status"].isin(["ok", "cached", "fallback"])]
    prices = came["price_usd"].astype(object).where(came["price_usd"].notna(), None).tolist()
    return prices, int(came["width"].notna().sum())


def months_of(items_per_month: int | Sequence[int]) -> list[int]:
    """Return the items a month as a list; what is no number is told by ``projection_table``."""
    several = isinstance(items_per_month, Iterable) and not isinstance(items_per_month, (str, bytes))
    return list(items_per_month) if several else [items_per_month]  # type: ignore[arg-type, list-item]


def projection_table(
    prices: Sequence[float | None],
    pictures: int,
    pictures_per_item: float,
    items_per_month: int | Sequence[int],
    price_usd: float | None,
) -> pd.DataFrame:
    """Return one row for each of ``items_per_month``: USD an item and a month.

    ``prices`` are those of all answers that ``pictures`` came of, texts too; their sum over ``pictures`` is the price
    of one, unless ``price_usd`` takes its place. Where a price is unknown and none is given, the sums are NA;
    ``unknown_prices`` counts them. Raises InvalidInput for numbers that are not above 0.
    """
    import pandas as pd

    months = months_of(items_per_month)
    faults = [
        Fault(name, f"{value!r} is not a number above 0.")
        for name, values in (("pictures_per_item", [pictures_per_item]), ("items_per_month", months))
        for value in values
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0
    ]
    if not faults:
        what = "is not a whole number of items."
        faults = [Fault("items_per_month", f"{value!r} {what}") for value in months if not float(value).is_integer()]
    if price_usd is not None and (
        isinstance(price_usd, bool) or not isinstance(price_usd, (int, float)) or price_usd < 0
    ):
        faults.append(Fault("price_usd", f"{price_usd!r} is not a price in USD."))
    if faults:
        raise InvalidInput(faults)
    unknown = sum(price is None for price in prices)
    known = [price for price in prices if price is not None]
    mean = price_usd if price_usd is not None else None if unknown or not pictures else sum(known) / pictures
    item = None if mean is None else mean * pictures_per_item
    columns: dict[str, list[float | None]] = {
        "pictures_per_item": [pictures_per_item] * len(months),
        "price_usd": [mean] * len(months),
        "usd_per_item": [item] * len(months),
        "usd_per_month": [None if item is None else item * count for count in months],
    }
    frame = pd.DataFrame(
        {name: pd.array(values, dtype="Float64") for name, values in columns.items()},
        index=pd.Index(months, name="items_per_month", dtype="Int64"),
    )
    return frame.assign(unknown_prices=pd.array([unknown] * len(months), dtype="Int64"))

"""Tables of what is there (models, plugins, styles, runs): DataFrames that show in words what matters.

``Listing`` is made at first use, because pandas is not imported before; pickles and copies find it by its name here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from imagegen_kit.lazy import upward

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd


def listing(frame: pd.DataFrame, kind: str, day: date | None = None) -> pd.DataFrame:
    """Return ``frame`` as one that shows itself as ``kind`` (models, runs, comparison …) does, and loses nothing.

    ``day`` is what "soon" is told from. What is filtered, sorted or sliced from it shows itself in the same way as long
    as it has the columns for it and no others; else as pandas does.
    """
    made = _listing_class()(frame)
    object.__setattr__(made, "_listing", kind)
    object.__setattr__(made, "_day", day)
    made.attrs.update(frame.attrs)
    found: pd.DataFrame = made
    return found


def __getattr__(name: str) -> Any:
    if name == "Listing":
        return _listing_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _listing_class() -> Any:
    import pandas as pd

    class Listing(pd.DataFrame):
        """A DataFrame with a view of its own; ``pandas.DataFrame(listing)`` shows it as pandas does."""

        _metadata = ["_listing", "_day"]  # noqa: RUF012  # pandas wants a list
        _listing: str | None = None
        _day: date | None = None

        @property
        def _constructor(self) -> type[pd.DataFrame]:
            return Listing

        def _shown(self, form: str) -> str | None:
            if self._listing is None:
                return None
            plain = pd.DataFrame(self)
            plain.attrs.update(self.attrs)
            shown: str | None = upward("listing")(plain, self._listing, form, self._day)
            return shown

        def _repr_html_(self) -> str | None:
            return self._shown("html") or pd.DataFrame(self)._repr_html_()  # type: ignore[operator]

        def __repr__(self) -> str:
            return self._shown("text") or pd.DataFrame(self).__repr__()

    Listing.__module__, Listing.__qualname__ = __name__, "Listing"
    return Listing

"""The results of one ask: what ``generate`` and the job's verbs return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit import errors
from imagegen_kit.engine.sign import signed
from imagegen_kit.errors import ImagegenError
from imagegen_kit.lazy import Shown, upward
from imagegen_kit.tables.diff import diff_results
from imagegen_kit.tables.runs import run_table
from imagegen_kit.types import EMPTY, Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd
    from PIL import Image

    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.store import Store
    from imagegen_kit.types import Adaptation, Attempt, Check, Request, Result, Status, Usage

# From best to worst: one failure among four pictures must not hide behind the three.
_WORST_LAST = ("ok", "cached", "fallback", "placeholder", "cancelled", "blocked", "failed", "unknown", "pending")


@dataclass(frozen=True, slots=True, repr=False)
class ImageResult(Shown):
    """The results of one ask, ``n`` of them. ``asked`` holds the arguments it was made with, for ``again``."""

    results: tuple[Result, ...]
    run_id: str = ""
    asked: Mapping[str, Any] = field(default_factory=lambda: EMPTY, compare=False)
    store: Store | None = field(default=None, compare=False)
    policy: Policy | None = field(default=None, compare=False)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that came, in order, each with the record of its request; failed ones are left out."""
        came = (r for r in self.results if r.ok or r.status == "placeholder")
        return tuple(p for r in came for p in signed(r, self.run_id))

    @property
    def image(self) -> Image.Image:
        """The first picture as a PIL image. Raises what went wrong where none came."""
        if not self.pictures:
            raise self.failure()
        return self.pictures[0].image

    @property
    def picture(self) -> Picture:
        """The only picture. Raises ImagegenError where there are several, and what went wrong where none came."""
        self._only("picture")
        if not self.pictures:
            raise self.failure()
        return self.pictures[0]

    def failure(self) -> BaseException:
        """Return the first error of the results, as an exception."""
        return failure_of(*self.results)

    def _only(self, name: str) -> Result:
        if len(self.results) != 1:
            raise ImagegenError(f"there are {len(self.results)} pictures: use .results[i].{name}, or .results for all")
        return self.results[0]

    @property
    def status(self) -> Status:
        """The worst status of the results."""
        return max((r.status for r in self.results), key=_WORST_LAST.index)

    @property
    def cost(self) -> Cost:
        """The sum of the costs; None (NA) where any is unknown."""
        costs = [r.cost for r in self.results]
        usd = None if any(c.usd is None for c in costs) else sum(c.usd or 0.0 for c in costs)
        price = None if any(c.price_usd is None for c in costs) else sum(c.price_usd or 0.0 for c in costs)
        bases = {c.basis for c in costs}
        lists = ", ".join(dict.fromkeys(c.prices for c in costs if c.prices))
        return Cost(usd, price, bases.pop() if len(bases) == 1 else "mixed", lists)

    @property
    def request(self) -> Request:
        """What was asked, of the only picture."""
        return self._only("request").request

    @property
    def sent(self) -> Request | None:
        """What was really sent, of the only picture; None where nothing was."""
        return self._only("sent").sent

    @property
    def timings(self) -> Mapping[str, float]:
        """Seconds by part, of the only picture."""
        return self._only("timings").timings

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """The differences between asked and sent, of the only picture."""
        return self._only("adaptations").adaptations

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The calls that were made, of the only picture."""
        return self._only("attempts").attempts

    @property
    def usage(self) -> Usage | None:
        """What the service reported as consumed, of the only picture."""
        return self._only("usage").usage

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks that were made, of the only picture."""
        return self._only("checks").checks

    @property
    def error(self) -> str | None:
        """What went wrong, of the only picture."""
        return self._only("error").error

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __getitem__(self, index: int) -> Result:
        return self.results[index]

    def again(self, **changes: Any) -> ImageResult:
        """Make the same ask, under the same policy, with ``changes``; with none, the next ``n`` samples of it."""
        asked = {**self.asked, "policy": self.policy}
        if not set(changes) - {"policy"}:
            changes = {**changes, "sample": (asked.get("sample") or 0) + len(self.results)}
        result: ImageResult = upward("generate")(**{**asked, **changes})
        return result

    def diff(self, other: ImageResult) -> pd.DataFrame:
        """Return what differs between the two requests, one row a field: here, there."""
        return diff_results(self.results[0], other.results[0])

    def save(self, path: str | Path) -> Path | list[Path]:
        """Write the picture to ``path`` with its request embedded; several get -1, -2, … before the suffix."""
        from pathlib import Path

        target = Path(path).expanduser()
        if not self.pictures:
            raise self.failure()
        if len(self.pictures) == 1:
            return self.pictures[0].save(target)
        return [p.save(target.with_stem(f"{target.stem}-{i}")) for i, p in enumerate(self.pictures, 1)]

    def table(self) -> pd.DataFrame:
        """Return one row a picture, with the columns of ``Run.table``."""
        if self.store is None:
            raise ImagegenError("this result was not made by an engine, so there is no journal to read it from")
        self.store.journal.flush().result()
        steps = {r.step for r in self.results}
        frame = run_table(self.store, [self.run_id])
        return frame[frame["step"].isin(steps)].reset_index(drop=True)

    def __repr__(self) -> str:
        count = len(self.results)
        models = ", ".join(dict.fromkeys(r.request.model for r in self.results))
        return f"ImageResult({count} picture{'s' if count != 1 else ''}, {models}, {self.status})"


def failure_of(*results: Result) -> BaseException:
    """Return the first error of ``results`` as an exception."""
    for result in results:
        if result.exception is not None:
            return result.exception
        if result.error:  # read back from the journal
            kind = getattr(errors, result.error_type or "", ImagegenError)
            if kind in (errors.UnknownName, errors.MissingDependency):  # these are made of parts
                kind = kind.__mro__[1]
            error: BaseException = kind(result.error, model=result.request.model, request=result.request)
            return error
    return ImagegenError("nothing came, and no error was recorded")

"""The films of one ask: what ``job.animate`` and ``job.films`` return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.image_result import ImageResult
from imagegen_kit.engine.sign import signed_films
from imagegen_kit.errors import ImagegenError
from imagegen_kit.lazy import upward

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from imagegen_kit.film import Film
    from imagegen_kit.imaging.picture import Picture


@dataclass(frozen=True, slots=True, repr=False)
class FilmResult(ImageResult):
    """The results of one ask for films; ``asked`` holds the arguments of the recipe ``film``, for ``again``."""

    @property
    def films(self) -> tuple[Film, ...]:
        """The films that came, in order, each with the record of its request; failed ones are left out."""
        return tuple(film for r in self.results if r.ok for film in signed_films(r, self.run_id))

    @property
    def film(self) -> Film:
        """The only film. Raises ImagegenError where there are several, and what went wrong where none came."""
        self._only("film")
        if not self.films:
            raise self.failure()
        return self.films[0]

    @property
    def image(self) -> Image.Image:
        """The first frame of the first film as a PIL image. Raises what went wrong where none came."""
        if not self.films:
            raise self.failure()
        return self.films[0].first_frame

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Nothing: these are films. ``film.first_frame`` and ``film.last_frame`` are pictures."""
        return ()

    @property
    def picture(self) -> Picture:
        """Raises ImagegenError: this is a film."""
        raise ImagegenError("this is a film, not a picture: use .film, or .film.first_frame")

    @property
    def usd_per_minute(self) -> float | None:
        """What these films cost when they were bought, in USD for a minute of film; None where that is unknown.

        Needs PyAV, which reads how long they are.
        """
        came = [r for r in self.results if r.ok and r.film is not None]
        prices = [r.cost.price_usd for r in came]
        seconds = sum(r.film.seconds for r in came)
        if not seconds or None in prices:
            return None
        return float(60 * sum(price or 0.0 for price in prices) / seconds)

    def again(self, **changes: Any) -> FilmResult:
        """Ask for the same film again, under the same policy, with ``changes``; with none, for the next sample."""
        from imagegen_kit.engine.execute import run

        if not self.asked:
            raise ImagegenError("these are several clips of one ask: run its recipe again instead")
        asked = {**self.asked, "policy": self.policy}
        if not set(changes) - {"policy"}:
            changes = {**changes, "sample": (asked.get("sample") or 0) + 1}
        result: FilmResult = run(upward("film"), **{**asked, **changes})
        return result

    def save(self, path: str | Path) -> Path | list[Path]:
        """Write the film to ``path``; several get -1, -2, … before the suffix."""
        from pathlib import Path

        target = Path(path).expanduser()
        if not self.films:
            raise self.failure()
        if len(self.films) == 1:
            return self.films[0].save(target)
        return [f.save(target.with_stem(f"{target.stem}-{i}")) for i, f in enumerate(self.films, 1)]

    def __repr__(self) -> str:
        count = len(self.results)
        models = ", ".join(dict.fromkeys(r.request.model for r in self.results))
        return f"FilmResult({count} film{'s' if count != 1 else ''}, {models}, {self.status})"

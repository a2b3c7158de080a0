"""What the recipe ``keyframes`` returns: the keyframes in order with their scores, the clips and the joined film."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.sign import signed, signed_films
from imagegen_kit.imaging.files import new_folder, write_whole
from imagegen_kit.lazy import Shown
from imagegen_kit.recipes.story_numbers import metrics, milliseconds, prompt_tokens, usage
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from imagegen_kit.engine.film_result import FilmResult
    from imagegen_kit.film import Film
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.recipes.storyboard import Shot
    from imagegen_kit.scorers.base import Measurement
    from imagegen_kit.types import Result

MEASURES = (
    "presence",
    "consistency",
    "consistency_similarity",
    "consistency_first",
    "consistency_previous",
    "coherence",
)


@dataclass(frozen=True, slots=True)
class Take:
    """One try of a keyframe: what came, by which mode, and whether that was not the mode that was asked for."""

    result: Result
    mode: str
    fell_back: bool = False
    measures: Mapping[str, Measurement] = field(default_factory=empty, compare=False)

    def value(self, name: str) -> float | None:
        """Return a number that was measured when it was judged; None where it was not."""
        found = self.measures.get(name)
        return found.value if found is not None else None


@dataclass(frozen=True, slots=True)
class Keyframe:
    """One keyframe: its shot, all that was tried, and which of it is kept. ``measures`` are those of the whole set."""

    shot: Shot
    takes: tuple[Take, ...]
    kept: int = 0
    run_id: str = field(default="", compare=False)
    measures: Mapping[str, Measurement] = field(default_factory=empty, compare=False)

    @property
    def take(self) -> Take:
        """The try that is kept."""
        return self.takes[self.kept]

    @property
    def result(self) -> Result:
        """The answer that is kept."""
        return self.take.result

    @property
    def picture(self) -> Picture | None:
        """The keyframe with the record of its request; None where none came. A placeholder is none."""
        return next(iter(signed(self.result, self.run_id)), None) if self.result.ok else None

    def score(self, name: str = "presence") -> float | None:
        """Return a number: presence and coherence (0 to 1), consistency (%), consistency_first …; None if unknown."""
        found = self.measures.get(name)
        return found.value if found is not None else None

    def record(self) -> dict[str, Any]:
        """Return what is known of it, JSON-ready: file, MIME type, dimensions, model, prompt tokens, milliseconds …"""
        result, artifact = self.result, next(iter(self.result.artifacts), None) if self.result.ok else None
        return {
            "number": self.shot.number, "name": self.shot.name, "chain": self.shot.chain, "mode": self.take.mode,
            "fell_back": self.take.fell_back, "tries": len(self.takes), "status": result.status,
            **{name: self.score(name) for name in MEASURES},
            "mime_type": f"image/{artifact.format}" if artifact else None,
            "width": artifact.width if artifact else None, "height": artifact.height if artifact else None,
            "model": result.model_used or result.request.model, "prompt_tokens": prompt_tokens(result),
            "milliseconds": milliseconds(result), "cost_usd": result.cost.usd,
            "file": artifact.path if artifact else None, "error": result.error,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Story(Shown):
    """A story in keyframes. ``clips`` are the films between them, ``film`` is all of those that came, joined.

    Both are None where no film was asked for, or too few keyframes came. Failures are values among keyframes and clips.
    """

    name: str
    keyframes: tuple[Keyframe, ...]
    clips: FilmResult | None = None
    film: Film | None = None
    threshold: float | None = None
    run_id: str = field(default="", compare=False)

    def __iter__(self) -> Iterator[Keyframe]:
        return iter(self.keyframes)

    def __len__(self) -> int:
        return len(self.keyframes)

    def __getitem__(self, place: int) -> Keyframe:
        return self.keyframes[place]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The keyframes that came, in order."""
        return tuple(picture for one in self.keyframes if (picture := one.picture) is not None)

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong and was not made good, in order."""
        frames = [f"keyframe {k.shot.name}: {k.result.error}" for k in self.keyframes if not k.result.ok]
        films = [f"clip {_begins(r)}: {r.error}" for r in self.clips or () if not r.ok]
        return (*frames, *films)

    def table(self) -> pd.DataFrame:
        """Return one row a keyframe: its record, by its number."""
        import pandas as pd

        frame = pd.DataFrame([one.record() for one in self.keyframes]).set_index("number")
        whole = ("width", "height", "prompt_tokens", "milliseconds")
        return frame.astype(dict.fromkeys((*MEASURES, "cost_usd"), "Float64") | dict.fromkeys(whole, "Int64"))

    def metrics(self) -> pd.DataFrame:
        """Return success, consistency, coherence, drift, time and cost in numbers, one row each; NA is unknown."""
        return metrics(self)

    def usage(self) -> pd.DataFrame:
        """Return by mode and model how often it was asked, what came, and what that took; cached answers are free."""
        return usage(self)

    def save(self, folder: str | Path) -> Path:
        """Write keyframes, clips, the film and ``metadata.json`` into ``folder``, which must be new or empty.

        A clip has the number of the keyframe that it begins with.
        """
        target = new_folder(folder)
        records = [one.record() for one in self.keyframes]
        for one, record in zip(self.keyframes, records, strict=True):
            if (picture := one.picture) is not None:
                record["file"] = picture.save(target / f"keyframe_{one.shot.number:02}.{picture.format}").name
        films = [
            film.save(target / f"clip_{_begins(result):02}").name
            for result in self.clips or ()
            for film in signed_films(result, self.run_id)
        ]
        whole = self.film.save(target / "story").name if self.film is not None else None
        content: dict[str, Any] = {
            "name": self.name, "run_id": self.run_id, "keyframes": records, "clips": films, "film": whole,
        }  # fmt: skip
        values = self.metrics()["value"]
        known = values.notna().tolist()
        content["metrics"] = {
            name: value if there else None for name, value, there in zip(values.index, values, known, strict=True)
        }
        text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
        write_whole(target / "metadata.json", text.encode(), "record")
        return target

    def __repr__(self) -> str:
        again = sum(len(one.takes) > 1 for one in self.keyframes)
        words = [f"{len(self.pictures)} of {len(self)} keyframes"]
        words += [f"{again} tried again"] if again else []
        words += [f"a film of {len(self.clips.films)} clips"] if self.film is not None and self.clips else []
        words += [f"{len(self.failures)} failures"] if self.failures else []
        return f"Story({self.name!r}, {', '.join(words)})"


def _begins(clip: Result) -> int:
    """Return the number of the keyframe that a clip begins with."""
    return int(clip.request.labels["segment"])

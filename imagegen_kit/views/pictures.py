"""Pictures in a cell: one large, several side by side, each with what is known of it in words below."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError, StoreError
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.imaging.thumbnail import shrink, thumbnail
from imagegen_kit.views.films import INLINE_BYTES, about, as_film, film_poster, played
from imagegen_kit.views.markup import Markup, box, figure, image, lines, notice, text
from imagegen_kit.views.words import SIMULATION, STAND_IN, is_stand_in, said, seconds, shortened, usd

if TYPE_CHECKING:
    from imagegen_kit.engine.image_result import ImageResult
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Artifact, Reference, Result

ONE_PX = 512  # a picture shown alone
THUMBNAIL_PX = 256  # what the store keeps beside each picture
AT_MOST = 48  # pictures in one cell: about half a megabyte in the saved notebook


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request, as the captions need it."""

    status: str
    model: str
    model_used: str | None
    prompt: str
    style: str | None
    seed: int | None
    seconds: float | None
    usd: float | None
    adaptations: tuple[str, ...]  # only those that weaken a comparison
    error: str | None
    simulated: bool = False
    answer: str | None = None  # of a text model
    references: tuple[str, ...] = ()  # that were sent, with their scores

    @property
    def alt(self) -> str:
        """Model, style, the first 80 characters of the prompt and the seed: what a screen reader says."""
        parts = [self.model_used or self.model, self.style and f"style {self.style}", shortened(self.prompt, 80)]
        if self.seed is not None:
            parts.append(f"seed {self.seed}")
        if self.status == "placeholder":
            parts.insert(0, "placeholder")
        return ", ".join(p for p in parts if p)

    @property
    def failed(self) -> str:
        """The words that stand where the picture would: a text model's answer, or ``failed: the reason``."""
        if self.answer is not None:
            return shortened(self.answer, 400)
        word = {"blocked": "blocked", "unknown": "outcome unknown", "cancelled": "cancelled"}.get(self.status, "failed")
        return f"{word}: {shortened(self.error, 160)}" if self.error else word

    @property
    def facts(self) -> list[str]:
        """Seconds, cost, seed and whether it is cached or simulated, in words."""
        facts = []
        if self.seconds is not None and self.status != "cached":
            facts.append(seconds(self.seconds))
        facts.append(usd(self.usd) if self.usd is not None else "cost unknown")
        if self.seed is not None:
            facts.append(f"seed {self.seed}")
        if self.status == "cached":
            facts.append("cached")
        if self.simulated:
            facts.append("simulated")
        return facts

    @property
    def notes(self) -> list[str]:
        """Whatever makes this picture another than asked, in words."""
        notes = [
            f"placeholder, no picture came: {shortened(self.error or 'no reason given', 120)}"
            if self.status == "placeholder"
            else "",
            f"fallback: {self.model_used} answered for {self.model}" if self.status == "fallback" else "",
            f"references: {shortened(', '.join(self.references), 160)}" if self.references else "",
            f"adapted: {shortened('; '.join(self.adaptations), 100)}" if self.adaptations else "",
        ]
        return [note for note in notes if note]

    def badges(self, *, named: bool = False) -> Markup:
        """Return the caption: facts, and below each other the notes; ``named`` begins with the model."""
        facts, notes = self.facts, self.notes
        if named:
            facts = [self.model_used or self.model, *(fact for fact in facts if fact != "simulated")]
            notes = [
                *notes,
                *([SIMULATION] if self.simulated else []),
                *([STAND_IN] if is_stand_in(self.model_used or self.model) else []),
            ]
        return Markup(" · ".join(map(text, facts)) + "".join(f"<br>{text(note)}" for note in notes))


def outcome_of(result: Result) -> Outcome:
    """Return a result in the form that captions read."""
    style = result.request.labels.get("style")
    return Outcome(
        status=result.status,
        model=result.request.model,
        model_used=result.model_used,
        prompt=result.request.prompt,
        style=str(style) if style else None,
        seed=result.sent.seed if result.sent is not None else None,
        seconds=result.seconds,
        usd=result.cost.usd,
        adaptations=tuple(str(a) for a in result.adaptations if a.unfair),
        error=result.error,
        simulated=result.simulated,
        answer=result.text,
        references=tuple(map(_named, result.sent.references)) if result.sent is not None else (),
    )


def _named(reference: Reference) -> str:
    return named(reference.name, reference.origin, reference.role, reference.picture.sha256, reference.score)


def named(name: str | None, origin: str | None, role: str, sha256: str, score: float | None) -> str:
    """Return what captions call a reference, with its score where it was found by a search."""
    called = name or origin or f"{role} {sha256[:8]}"
    return called if score is None else f"{called} {score:.2f}"


def small_copy(artifact: Artifact, px: int, blobs: Blobs | None = None) -> bytes:
    """Return a WebP copy of at most ``px`` pixels a side; up to 256 the store's own, made where it is missing.

    Of a film it is the poster. Raises ImagegenError where the picture cannot be read.
    """
    if (film := as_film(artifact)) is not None:
        return film_poster(film, px, blobs)
    if px <= THUMBNAIL_PX and blobs is not None:
        small = blobs.thumbnail(artifact.sha256)
        if small is None:  # not made yet, or cut
            small = thumbnail(open_picture(artifact).image)
            with contextlib.suppress(StoreError):  # a store that can only be read
                blobs.put_thumbnail(artifact.sha256, small)
        return small
    out = io.BytesIO()
    shrink(open_picture(artifact).image, px).save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def shown(
    artifact: Artifact, alt: str, px: int, width: int, blobs: Blobs | None, *, dashed: bool = False, known: bool = False
) -> Markup:
    """Return the picture, or a notice that says why it cannot be shown; ``known`` tells a panel which one it is."""
    try:
        return image(
            small_copy(artifact, px, blobs),
            alt=alt,
            width=width,
            dashed=dashed,
            sha256=artifact.sha256 if known else "",
        )
    except (ImagegenError, OSError) as error:
        return notice(f"the picture cannot be shown: {shortened(error, 160)}", width)


def _width(artifact: Artifact, px: int) -> int:
    """Return how wide a copy with sides of at most ``px`` is; small pictures are not blown up."""
    width, height = artifact.width or px, artifact.height or px
    return max(1, round(width * min(1.0, px / max(width, height))))


def _figure(
    result: Result, artifact: Artifact | None, px: int, blobs: Blobs | None, room: int = INLINE_BYTES
) -> Markup:
    outcome = outcome_of(result)
    if artifact is None:
        width = min(px, 320)
        return figure(notice(outcome.failed, width), outcome.badges(named=True), width)
    width = _width(artifact, px)
    if (film := as_film(artifact)) is not None:
        caption = Markup(f"{outcome.badges(named=True)}<br>{text(about(film))}")
        return figure(played(film, outcome.alt, width, blobs, room=room), caption, width)
    picture = shown(artifact, outcome.alt, px, width, blobs, dashed=outcome.status == "placeholder")
    return figure(picture, outcome.badges(named=True), width)


def show_image_result(result: ImageResult) -> str:
    """Show the pictures of one ask, each with model, seconds, cost and seed."""
    blobs = result.store.blobs if result.store is not None else None
    pairs = [(r, a) for r in result.results for a in (r.artifacts or (None,))]
    px = ONE_PX if len(pairs) == 1 else THUMBNAIL_PX
    left = len(pairs) - AT_MOST
    more = f"… and {left} more; .pictures has them all" if left > 0 else ""
    room = INLINE_BYTES // max(1, len(pairs[:AT_MOST]))
    return box(*(_figure(r, a, px, blobs, room) for r, a in pairs[:AT_MOST]), lines(more))


def show_result(result: Result) -> str:
    """Show one result like the ask that it is part of."""
    artifacts: tuple[Any, ...] = result.artifacts or (None,)
    return box(*(_figure(result, a, ONE_PX if len(artifacts) == 1 else THUMBNAIL_PX, None) for a in artifacts))


def show_picture(picture: Picture) -> str:
    """Show a picture with its format and size, and the prompt and model where it knows them."""
    try:
        record = picture.request or {}
    except ImagegenError:
        record = {}
    about = [str(record[key]) for key in ("model", "prompt") if record.get(key)]
    facts = f"{picture.format.upper()} · {picture.width}×{picture.height} pixels"
    caption = text(facts) + "".join(f"<br>{text(shortened(line, 200))}" for line in about)
    width = _width(picture, ONE_PX)
    alt = ", ".join(shortened(line, 80) for line in about) or f"{picture.format} picture"
    return box(figure(shown(picture, alt, ONE_PX, width, None), caption, width))


def reference_figure(reference: Reference, px: int = THUMBNAIL_PX) -> Markup:
    """Return a reference as a small picture with its role, name and score."""
    name = reference.name or reference.origin
    facts = [reference.role, *([name] if name else [])]
    if reference.score is not None:
        facts.append(f"score {reference.score:.2f}")
    about = [shortened(said(reference.description), 160)] if reference.description else []
    caption = " · ".join(map(text, facts)) + "".join(f"<br>{text(line)}" for line in about)
    alt = f"{reference.role} reference" + (f", {name}" if name else "") + "".join(f", {a[:80]}" for a in about)
    width = _width(reference.picture, px)
    return figure(shown(reference.picture, alt, px, width, None), caption, width)


def show_reference(reference: Reference) -> str:
    """Show a reference as a small picture with what it is for."""
    return box(reference_figure(reference))

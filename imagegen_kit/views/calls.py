"""The picture of a call with what is known of it, and the scenes of a batch side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.views.markup import Markup, box, figure, lines, notice, text
from imagegen_kit.views.pictures import outcome_of, shown
from imagegen_kit.views.words import count, shortened, usd, usd_sum

if TYPE_CHECKING:
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.recipes.batch import SceneBatch
    from imagegen_kit.recipes.call_picture import CallScene
    from imagegen_kit.recipes.scene_list import Scene
    from imagegen_kit.types import Result

CALL_PX, SCENE_PX = 384, 256


def show_call(call: CallScene) -> str:
    """Show the picture of a call with its object, what made it, and whether it is a default one."""
    outcome = outcome_of(call.result)
    facts = [f"call {call.call_id}" if call.call_id else "", call.object, "uploaded" if call.url else ""]
    made = text("a picture of one's own") if call.prompt is None else outcome.badges(named=True)
    caption = Markup(f"{text(' · '.join(fact for fact in facts if fact))}<br>{made}")
    pictures = call.answer.pictures
    if not pictures:
        return box(figure(notice(outcome.failed, CALL_PX), caption, CALL_PX))
    words = f"call picture: {shortened(call.prompt or 'one of their own', 80)}"
    return box(_figure(pictures[0], words, CALL_PX, caption, dashed=call.is_default))


def show_batch(batch: SceneBatch) -> str:
    """Show every scene with its number, style, model and price; what failed says why."""
    pictures = batch.pictures
    figures = [_scene(s, batch[s.number], pictures.get(s.number)) for s in batch.scenes]
    costs = [result.cost.usd for result in batch]
    known = sum(cost for cost in costs if cost is not None)
    head = f"{count(len(batch), 'scene')} · {len(batch) - len(batch.failed)} with a picture of their own"
    return box(lines(text(f"{head} · cost {usd_sum(known, costs.count(None))}")), *figures)


def _scene(scene: Scene, result: Result, picture: Picture | None) -> Markup:
    outcome = outcome_of(result)
    price = "price unknown" if result.cost.price_usd is None else usd(result.cost.price_usd)
    facts = [scene.number, scene.style, result.model_used or result.request.model, *([price] if result.ok else [])]
    title = " · ".join(map(str, facts))
    words = [title, shortened(scene.prompt, 80), *outcome.notes]
    if picture is None:
        return figure(notice(outcome.failed, SCENE_PX), Markup("<br>".join(map(text, words))), SCENE_PX)
    caption = Markup("<br>".join(map(text, words)))
    said = f"scene {scene.number}: {shortened(scene.prompt, 80)}"
    return _figure(picture, said, SCENE_PX, caption, dashed=outcome.status == "placeholder")


def _figure(picture: Picture, words: str, px: int, caption: Markup, *, dashed: bool) -> Markup:
    width, height = picture.width or px, picture.height or px
    fitted = max(1, round(width * min(1.0, px / max(width, height))))
    return figure(shown(picture, words, px, fitted, None, dashed=dashed), caption, px)

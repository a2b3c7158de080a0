"""``concept_sketches``: a brief becomes three to six sketches that differ in named ways and keep the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.recipe import brings
from imagegen_kit.recipes.sketched import Sketch, Sketches, mended, rules_of
from imagegen_kit.recipes.variants import plan_variants, sketch_model, variant_faults

if TYPE_CHECKING:
    from imagegen_kit.engine.job import Job
    from imagegen_kit.types import Style


@brings(faults=variant_faults, models=lambda params: [sketch_model(params.get("model"))])
async def concept_sketches(
    job: Job,
    brief: str,
    *,
    style: str | Style | None = "vintage-mascot",
    n: int = 4,
    model: str | None = None,
    library: Any = None,
    top_k: int | None = None,
    retriever: str | None = None,
    query_by: str = "text",
    references: Any = None,
    axes: Any = None,
    size: Any = "1024x1024",
    quality: str | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    rules: bool = True,
    auto_fix: bool = False,
    **options: Any,
) -> Sketches:
    """Draw ``n`` sketches (3 to 6) of ``brief`` that differ on ``axes`` (layout × exaggeration).

    Without ``model`` the variable GEMINI_MODEL names it, else the session's own, else the offline pencil draws. A
    ``library`` lends its ``top_k`` (3) best references to all sketches. ``rules`` measures each sketch; ``auto_fix``
    keeps a mended copy of those that break a rule, and needs them. Failures are values. Raises InvalidInput before
    anything is sent.
    """
    plan = plan_variants(style, n, axes, seed)
    lent = list(references) if isinstance(references, (list, tuple)) else [r for r in (references,) if r is not None]
    if library is not None and top_k != 0:
        many = 3 if top_k is None else top_k
        by = {"image": lent or None, "query_by": query_by, "retriever": retriever}
        lent += await job.retrieve(brief, library=library, top_k=many, **by)  # type: ignore[arg-type]  # each its own
    answer = await job.images(
        [brief] * n, style=plan.style, variation=list(plan.variations), labels=plan.labels, references=lent or None,
        model=sketch_model(model), size=size, quality=quality, negative_prompt=negative_prompt, seed=seed, **options,
    )  # fmt: skip
    measured = await job.score(answer, {"sketch": {"style": plan.style}}) if rules or auto_fix else [None] * n
    sketches = []
    for i, (variation, result, told) in enumerate(zip(plan.variations, answer.results, measured, strict=True)):
        kept = rules_of(told)
        broken = auto_fix and any(not rule["pass"] for rule in kept.values())
        fixed = await mended(job, result, plan.style) if broken else None
        sketches.append(Sketch(i, variation, result, kept, fixed, answer.run_id))
    sent = answer.results[0].request.references
    return Sketches(str(brief), plan.style.name if style else None, tuple(sketches), sent, answer.run_id)

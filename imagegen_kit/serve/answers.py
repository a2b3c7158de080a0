"""From the journal to answers: runs that were ordered here, and their pictures. All of it reads files: use threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.run import Run
from imagegen_kit.serve.access import NAMED, Refusal
from imagegen_kit.serve.orders import Answer, Made, State

if TYPE_CHECKING:
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.types import Result

_RUN = "SELECT recipe, created_at, number FROM runs WHERE id = ? AND name = ?"
_ENDS = "SELECT e.status, e.error FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 WHERE c.run = ?"


def made(run_id: str, result: Result, failed_rules: list[str] | None = None) -> Made:
    """Return what is told of one result."""
    picture = result.artifacts[0] if result.artifacts and result.artifacts[0].kind == "picture" else None
    derived = result.request.labels.get("derived") or {}
    return Made(
        index=result.step,
        path=f"/runs/{run_id}/pictures/{picture.sha256}" if picture else None,
        error=result.error,
        status=result.status,
        variant=result.request.labels.get("variant"),
        sha256=picture.sha256 if picture else None,
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        model=result.model_used,
        seconds=result.seconds,
        cost_usd=result.cost.usd,
        mended_of=next(iter(derived.get("of") or ()), None),
        failed_rules=failed_rules,
    )


def answer_of(engine: Engine, holder: str, run_id: str, under_way: frozenset[str], rules: Any = None) -> Answer:
    """Return what came of a run so far. Raises Refusal (404) for one that ``holder`` has not ordered."""
    recipe, created_at, number = _look(engine, holder, run_id)
    ends = engine.store.journal.read(_ENDS, (number,))
    results = list(Run(engine.store, run_id, engine=engine))
    costs = [result.cost.usd for result in results]
    state: State = "stopped"
    if run_id in under_way:
        state = "running"
    elif ends:  # a picture that failed is told in its place
        state = "failed" if ends[0][1] else "done"
    return Answer(
        run_id=run_id,
        recipe=recipe.rpartition(":")[2],
        created_at=created_at,
        state=state,
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        error=ends[0][1] if ends else None,
        pictures=[made(run_id, result, (rules or {}).get(result.step)) for result in results],
    )


def picture_of(engine: Engine, holder: str, run_id: str, sha256: str) -> Picture:
    """Return a picture of a run. Raises Refusal (404) where it holds none of that hash."""
    _look(engine, holder, run_id)
    for result in Run(engine.store, run_id, engine=engine):
        for artifact in result.artifacts:
            if artifact.sha256 == sha256 and artifact.kind == "picture":
                return artifact  # type: ignore[return-value]  # results of pictures hold Pictures
    raise Refusal(404, "sha256", "this run has no such picture.")


def _look(engine: Engine, holder: str, run_id: str) -> Any:
    engine.store.journal.flush().result()
    rows = engine.store.journal.read(_RUN, (run_id, NAMED + holder))
    if not rows:
        raise Refusal(404, "run_id", "there is no such run.")  # nor is it told that somebody else's is there
    return rows[0]

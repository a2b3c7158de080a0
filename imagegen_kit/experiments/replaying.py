"""An experiment under a replay: the run that a bundle holds of it, or which of its cells no bundle holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.replay import HOW
from imagegen_kit.errors import NotInBundle
from imagegen_kit.experiments.run import Run
from imagegen_kit.store.slices import Tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.replay import Replay
    from imagegen_kit.experiments.experiment import Experiment

_NAMED = 5  # missing cells in one message


def replayed_run(
    experiment: Experiment, replay: Replay, engine: Engine, asks: str, plain: Mapping[str, Any], *, fresh: bool
) -> Run:
    """Return the recorded run of ``experiment``. Raises NotInBundle, which names the cells that are missing."""
    bundle = replay.experiment(asks, fresh=fresh)
    cells = [(cell.repeat, cell.encoded) for cell in experiment.grid.cells(plain)]
    if bundle is not None:
        run = Run(bundle.store, bundle.run_id, experiment=experiment, engine=engine, sealed=bundle.file)
        if run.done == run.cells:
            return run
    missing = replay.missing(experiment.recipe.name, cells, Tidy.of(engine.store.path))
    if missing:
        named = "\n".join(f"  - {cell}" for cell in missing[:_NAMED])
        more = f"\n  … and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        raise NotInBundle(
            f"{replay} {len(cells) - len(missing):,} of the {len(cells):,} cells of {experiment!r}. Missing:\n"
            f"{named}{more}\n{HOW}"
        )
    raise NotInBundle(
        f"{replay} every cell of {experiment!r}, but of a run with another grid, name, style, default model or recipe "
        f"code. Run the experiment as it was exported. {HOW}"
    )

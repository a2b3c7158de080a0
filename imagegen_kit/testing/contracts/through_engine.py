"""The provider under test as a user meets it: found by name, asked through an engine with a store of its own."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.engine import Engine
from imagegen_kit.engine.execute import run
from imagegen_kit.engine.policy import Policy
from imagegen_kit.recipes.picture import image
from imagegen_kit.registry import get_registry, register
from imagegen_kit.settings import point_at
from imagegen_kit.store import Store
from imagegen_kit.testing.contracts.clock import HurriedClock
from imagegen_kit.testing.contracts.trial import reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.testing.contracts.trial import Trial
    from imagegen_kit.types import Result


@contextmanager
def own_engine(trial: Trial, folder: Path) -> Iterator[Engine]:
    """Lend an engine with a store in ``folder`` that knows the provider and reaches it at the simulator."""
    trial.account()  # skips the check where a service would be called
    with ExitStack() as undo:
        if trial.spec.name not in {m.provider.name for m in get_registry().models()}:
            undo.callback(register(trial.spec))
        if endpoint := trial.endpoint():
            undo.callback(point_at({trial.spec.name: endpoint}))
        engine = Engine(Store(folder))
        undo.callback(engine.close)
        yield engine


def ask_engine(
    engine: Engine, trial: Trial, model: ModelSpec, prompt: str = "a red kite over a green hill", **fields: Any
) -> Result:
    """Return the result of one ask; failures are values in it."""
    if trial.size is not None:
        fields.setdefault("size", trial.size)
    if model.can.min_references:
        fields.setdefault("references", [reference(n) for n in range(model.can.min_references)])
    policy = Policy(clock=HurriedClock())
    asked = {"prompt": prompt, "model": f"{trial.spec.name}/{model.name}", **fields}
    found: Result = run(image, engine=engine, policy=policy, **asked).results[0]
    return found

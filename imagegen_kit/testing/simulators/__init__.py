"""Services on this machine that behave as the real ones were captured to: ``with GeminiSimulator() as sim: …``.

The names below are resolved at first use; they need starlette and uvicorn (``pip install 'imagegen-kit[serve]'``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import MissingDependency

_NAMES = {
    "Simulator": "server",
    "Ledger": "ledger",
    "Recorded": "ledger",
    "Charge": "ledger",
    "GeminiSimulator": "gemini",
    "VertexSimulator": "vertex",
    "OpenAISimulator": "openai",
    "JobApiSimulator": "job_api",
    "ComfyUISimulator": "comfyui",
}

if TYPE_CHECKING:
    from imagegen_kit.testing.simulators.comfyui import ComfyUISimulator
    from imagegen_kit.testing.simulators.gemini import GeminiSimulator
    from imagegen_kit.testing.simulators.job_api import JobApiSimulator
    from imagegen_kit.testing.simulators.ledger import Charge, Ledger, Recorded
    from imagegen_kit.testing.simulators.openai import OpenAISimulator
    from imagegen_kit.testing.simulators.server import Simulator
    from imagegen_kit.testing.simulators.vertex import VertexSimulator

__all__ = [
    "Charge",
    "ComfyUISimulator",
    "GeminiSimulator",
    "JobApiSimulator",
    "Ledger",
    "OpenAISimulator",
    "Recorded",
    "Simulator",
    "VertexSimulator",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "python_multipart"):
            raise
        install = "pip install 'imagegen-kit[serve]'"
        raise MissingDependency("a simulator", error.name or "starlette", install) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""A provider made of a function: what ``register`` builds of a notebook cell."""

from __future__ import annotations

import asyncio
import inspect
import io
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from imagegen_kit.errors import InvalidReply, ProviderError
from imagegen_kit.types import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.Image import Image

    from imagegen_kit.providers.base import Account, OnProgress, ProviderClock
    from imagegen_kit.types import Accepted, ImageRequest, Progress

T = TypeVar("T")
CALLS_AT_ONCE = 128  # how many are open is the policy's business; this only must not be what limits them
_PNG_MODES = {"1", "L", "LA", "I;16", "P", "RGB", "RGBA"}
_NEAREST_MODE = {"RGBa": "RGBA", "La": "LA", "PA": "RGBA", "F": "L", "I": "I;16"}


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="imagegen-function")


def in_own_thread(call: Callable[[], T]) -> asyncio.Future[T]:
    """Run ``call`` in a thread that nothing else waits for.

    Python's own pool has few (cores + 4): there a slow function would hold up the answers of all other models, and
    each of its own calls would count the wait for a thread as its latency.
    """
    return asyncio.get_running_loop().run_in_executor(_threads(), copy_context().run, call)


class FunctionProvider:
    """Turns a function ``(request)`` or ``(request, on_progress)`` into a provider of pictures.

    The function may be sync (it runs in a thread, and calls ``on_progress`` as an ordinary function) or async. It
    returns a PIL image, encoded bytes or a ``Reply``.
    """

    def __init__(self, function: Callable[..., Any], account: Account) -> None:
        self._function = function
        self.account = account

    async def generate(self, request: ImageRequest, on_progress: OnProgress) -> Reply:
        """Return the function's picture. What it raises becomes a ProviderError (its own ProviderErrors pass)."""
        name = getattr(self._function, "__name__", type(self._function).__name__)
        try:
            value = await self._call(request, on_progress)
        except ProviderError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            text = f"{name} raised {type(error).__name__}: {error}"
            raise ProviderError(text, paid=False, model=request.model) from error
        return await _reply(value, name, request.model)

    async def _call(self, request: ImageRequest, on_progress: OnProgress) -> Any:
        if inspect.iscoroutinefunction(self._function):
            return await self._function(*_arguments(self._function, request, on_progress))
        progress = _FromThread(on_progress, asyncio.get_running_loop())
        arguments = _arguments(self._function, request, progress)

        def call() -> tuple[Any, BaseException | None]:
            try:
                return self._function(*arguments), None
            except BaseException as error:  # KeyboardInterrupt too; as a value: a future cannot carry StopIteration
                return None, error

        value, error = await in_own_thread(call)
        if error is not None:
            raise error if not isinstance(error, StopIteration) else RuntimeError("StopIteration") from error
        return await value if inspect.isawaitable(value) else value


class LocalProvider:
    """Several functions under one provider name; looked up at each call, so that a cell that runs again counts."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]], account: Account) -> None:
        self._functions = functions
        self.account = account

    async def generate(self, request: ImageRequest, on_progress: OnProgress) -> Reply:
        """Return the picture of the function that ``request.model`` names (with or without the provider's name)."""
        function = self._functions.get(request.model.rpartition("/")[2])
        if function is None:
            text = f"{request.model} is no longer registered. Run the cell that registers it again."
            raise ProviderError(text, paid=False, model=request.model)
        return await FunctionProvider(function, self.account).generate(request, on_progress)


class _FromThread:
    """``on_progress`` for a sync function: an ordinary call from a worker thread, which waits for the event loop."""

    def __init__(self, on_progress: OnProgress, loop: asyncio.AbstractEventLoop) -> None:
        self._on_progress, self._loop = on_progress, loop

    @property
    def clock(self) -> ProviderClock:
        return self._on_progress.clock

    def __call__(self, event: Accepted | Progress) -> None:
        asyncio.run_coroutine_threadsafe(self._send(event), self._loop).result()

    async def _send(self, event: Accepted | Progress) -> None:
        await self._on_progress(event)


def _arguments(function: Callable[..., Any], request: ImageRequest, on_progress: Any) -> tuple[Any, ...]:
    """Pass ``on_progress`` where the function asks for it; a second parameter with a default is the function's own."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C have no signature
        return (request,)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    asks = len(positional) > 1 and (
        positional[1].default is inspect.Parameter.empty or positional[1].name == "on_progress"
    )
    return (request, on_progress) if asks else (request,)


async def _reply(value: object, name: str, model: str) -> Reply:
    if isinstance(value, Reply):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Reply(pictures=(bytes(value),))
    from PIL import Image

    if not isinstance(value, Image.Image):
        text = f"{name} returned a {type(value).__name__}; return a PIL image, encoded bytes or a Reply."
        raise InvalidReply(text, model=model)
    try:
        return Reply(pictures=(await in_own_thread(partial(_png, value)),))
    except Exception as error:
        text = f"{name} returned a PIL image that cannot be written as PNG ({value.mode}, {value.size}): {error}"
        raise InvalidReply(text, model=model) from error


def _png(image: Image) -> bytes:
    if image.mode not in _PNG_MODES:
        image = image.convert(_NEAREST_MODE.get(image.mode, "RGB"))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()

"""``register``: what a notebook cell adds, replaces and takes away."""

from __future__ import annotations

import asyncio
import importlib
import io
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.errors import ContentBlocked, InvalidInput, InvalidReply, PluginError, ProviderError, UnknownName
from imagegen_kit.providers import (
    Account,
    Capabilities,
    ImageRequest,
    ModelSpec,
    Price,
    Progress,
    ProviderSpec,
    Reply,
    RetrieverSpec,
    ScorerSpec,
    Style,
    hookimpl,
)
from imagegen_kit.providers.function import FunctionProvider
from imagegen_kit.registry import ResolvedModel, get_registry, register, reset_registry

TODAY = date(2026, 6, 1)


@pytest.fixture(autouse=True)
def _fresh_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IMAGEGEN_LOAD_PLUGINS", "")
    reset_registry()
    yield
    reset_registry()


def white(request: ImageRequest) -> Image.Image:
    """A white picture.

    Nothing else.
    """
    return Image.new("RGB", (8, 8), "white")


def model(name: str) -> ResolvedModel:
    return get_registry().model(name, today=TODAY)


class Listener:
    """An ``on_progress`` that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.clock = SimpleNamespace(name="the policy's clock")

    async def __call__(self, event: Any) -> None:
        self.events.append(event)


def draw(name: str, on_progress: Any = None) -> Reply:
    found = model(name)
    provider = get_registry().provider_target(found.provider.name)(Account())
    return asyncio.run(provider.generate(ImageRequest(prompt="a cat", model=found.id, seed=7), on_progress))


def opened(reply: Reply) -> Image.Image:
    return Image.open(io.BytesIO(reply.pictures[0]))


# functions ------------------------------------------------------------------------------------------------------------


def test_the_decorator_returns_the_function_itself_and_makes_a_model_of_it() -> None:
    decorated = register(model="me/white", seed=True, version="3")(white)
    found = model("me/white")
    assert decorated is white
    assert (found.spec.can, found.spec.card) == (Capabilities(seed=True), "A white picture.")
    assert found.spec.price == Price(0.0, source="registered in this session")
    assert (found.provider.origin, found.provider.output_version) == ("local:me/white", "3")
    assert opened(draw("me/white")).size == (8, 8)


def test_without_a_version_nothing_is_cached() -> None:
    register(model="me/white")(white)
    assert model("me/white").provider.output_version is None


def test_a_price_may_be_given() -> None:
    register(white, model="me/white", price_usd=0.02)
    price = model("me/white").spec.price
    assert price is not None
    assert price.per_picture == 0.02


def test_lists_among_the_capabilities_become_tuples() -> None:
    register(white, model="me/white", sizes=[[512, 512]], qualities=["low", "high"])
    can = model("me/white").spec.can
    assert (can.sizes, can.qualities) == (((512, 512),), ("low", "high"))


def test_both_forms_can_be_undone() -> None:
    register(model="me/one")(white)
    undo = register(white, model="me/two")
    white.unregister()  # type: ignore[attr-defined]
    undo()
    undo()  # twice does no harm
    for name in ("me/one", "me/two"):
        with pytest.raises(UnknownName):
            model(name)


def test_one_provider_name_holds_several_functions_each_with_its_own_version() -> None:
    register(lambda request: b"one", model="me/one", version="1")
    undo = register(lambda request: b"two", model="me/two")
    assert (draw("me/one").pictures, draw("me/two").pictures) == ((b"one",), (b"two",))
    assert (model("me/one").provider.output_version, model("me/two").provider.output_version) == ("1", None)
    undo()
    assert draw("one").pictures == (b"one",)


def test_a_cell_that_runs_again_replaces_also_for_a_provider_in_use() -> None:
    register(lambda request: b"before", model="me/one")
    provider = get_registry().provider_target("me")(Account())
    register(lambda request: b"after", model="me/one")
    reply = asyncio.run(provider.generate(ImageRequest(prompt="x", model="me/one"), None))
    assert reply.pictures == (b"after",)
    assert [m.id for m in get_registry().models() if m.provider.name == "me"] == ["me/one"]


def test_the_undo_of_a_replaced_registration_leaves_its_successor() -> None:
    undo = register(lambda request: b"before", model="me/one")
    register(lambda request: b"after", model="me/one")
    undo()
    assert draw("me/one").pictures == (b"after",)


def test_a_function_taken_away_while_in_use_is_a_failure_that_cost_nothing() -> None:
    undo = register(white, model="me/one")
    provider = get_registry().provider_target("me")(Account())
    undo()
    with pytest.raises(ProviderError, match="me/one is no longer registered") as error:
        asyncio.run(provider.generate(ImageRequest(prompt="x", model="me/one"), None))
    assert error.value.paid is False


def test_threads_that_register_at_once_lose_nothing() -> None:
    get_registry()
    names = [f"me/m{number}" for number in range(40)]
    threads = [threading.Thread(target=register, args=(white,), kwargs={"model": name}) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {m.id for m in get_registry().models() if m.provider.name == "me"} == set(names)
    assert all(draw(name).pictures for name in names[:3])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "me/x", "sed": True}, "no capability is called 'sed'. Did you mean 'seed'"),
        ({"model": "me/x", "seed": 1}, "seed: '1' is not True or False"),
        ({"model": "me/x", "references": -1}, "references: '-1' is not a whole number from 0"),
        ({"model": "me/x", "n_per_call": 0}, "n_per_call: '0' is not a whole number from 1"),
        ({"model": "me/x", "sizes": [512]}, r"sizes: '\[512\]' is not a tuple of \(width, height\)"),
        ({"model": "me/x", "ratios": "16:9"}, "ratios: '16:9' is not a tuple of texts"),
        ({"model": "me/x", "options": ["a"]}, "is not a mapping"),
        ({"model": "gradient"}, "'gradient' is not a model name. Write \"provider/name\""),
        ({"model": "me/"}, "'' is not a name"),
        ({"model": "Me/x"}, "'Me' is not a name"),
        ({"model": "me/a/b"}, "'a/b' is not a name"),
        ({"model": 3}, "3 is not a model name"),
        ({"model": "me/x", "version": 1}, '1 is not text. Write version="1"'),
        ({"model": "me/x", "price_usd": -0.1}, "-0.1 is not an amount of USD"),
        ({"model": "me/x", "price_usd": float("nan")}, "nan is not an amount of USD"),
        ({"model": "offline/mine"}, "the provider 'offline' belongs to providers.offline of imagegen-kit.*me/mine"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_faulty_registration_is_refused(arguments: dict[str, Any], said: str) -> None:
    before = [m.id for m in get_registry().models()]
    with pytest.raises(InvalidInput, match=said):
        register(**arguments)(white)
    assert [m.id for m in get_registry().models()] == before


def test_all_faults_of_one_call_come_together() -> None:
    with pytest.raises(InvalidInput) as error:
        register(model="Me", version="", price_usd=-1, sed=True, references=-1)
    assert {fault.where for fault in error.value.faults} == {"model", "version", "price_usd", "sed", "references"}


def test_a_function_without_a_model_name_is_told_how_to_write_it() -> None:
    with pytest.raises(InvalidInput, match=r'the function white needs a model name. Write @register\(model="me/white"'):
        register(white)


@pytest.mark.parametrize("function", [lambda: 1, lambda a, b, c: 1, lambda *, request: 1], ids=["none", "3", "keyword"])
def test_a_function_of_the_wrong_shape_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInput, match=r"takes neither \(request\) nor \(request, on_progress\)"):
        register(function, model="me/x")


NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]*", fullmatch=True)


@given(NAMES, NAMES)
def test_any_name_of_the_allowed_letters_is_found_again_under_its_id(provider: str, name: str) -> None:
    assume(provider != "offline")
    undo = register(white, model=f"{provider}/{name}")
    assert model(f"{provider}/{name}").id == f"{provider}/{name}"
    undo()
    with pytest.raises(UnknownName):
        model(f"{provider}/{name}")


@given(st.text().filter(lambda text: not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", text)))
def test_any_other_text_is_refused_as_a_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not a name"):
        register(white, model=f"me/{name}")


# what a function may do -----------------------------------------------------------------------------------------------


async def run_async(request: ImageRequest) -> bytes:
    await asyncio.sleep(0)
    return b"async"


class Callable_:
    async def __call__(self, request: ImageRequest) -> bytes:
        return b"object"


@pytest.mark.parametrize(
    ("function", "picture"),
    [
        (run_async, b"async"),
        (Callable_(), b"object"),
        (lambda request: bytearray(b"bytes"), b"bytes"),
        (lambda request: Reply(pictures=(b"reply",)), b"reply"),
        (lambda request, strength=0.5: str(strength).encode(), b"0.5"),
        (lambda request: str(request.seed).encode(), b"7"),
    ],
    ids=["async", "async object", "bytearray", "Reply", "own default", "seed"],
)
def test_a_function_may_be_or_return(function: Callable[..., Any], picture: bytes) -> None:
    register(function, model="me/x")
    assert draw("me/x").pictures == (picture,)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "F", "I", "I;16", "La"])
def test_a_picture_of_any_pil_mode_becomes_a_png(mode: str) -> None:
    register(lambda request: Image.new(mode, (5, 4)), model="me/x")
    with opened(draw("me/x")) as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (5, 4))


def test_a_sync_function_runs_beside_the_loop_and_reports_progress() -> None:
    threads: list[threading.Thread] = []

    def slow(request: ImageRequest, on_progress: Any) -> bytes:
        threads.append(threading.current_thread())
        on_progress(Progress(0.5, on_progress.clock.name))
        return b"x"

    register(slow, model="me/x")
    listener = Listener()
    draw("me/x", listener)
    assert listener.events == [Progress(0.5, "the policy's clock")]
    assert threads[0] is not threading.main_thread()


def test_an_async_function_awaits_on_progress() -> None:
    async def slow(request: ImageRequest, on_progress: Any) -> bytes:
        await on_progress(Progress(0.25))
        return b"x"

    register(slow, model="me/x")
    listener = Listener()
    draw("me/x", listener)
    assert listener.events == [Progress(0.25)]


@pytest.mark.parametrize("value", [None, "text", 3, [b"a"], (b"a",)], ids=repr)
def test_anything_else_is_an_invalid_reply_that_names_the_type(value: object) -> None:
    register(lambda request: value, model="me/x")
    with pytest.raises(InvalidReply, match=f"returned a {type(value).__name__}; return a PIL image") as error:
        draw("me/x")
    assert error.value.model == "me/x"


def test_a_picture_that_cannot_be_encoded_is_an_invalid_reply() -> None:
    register(lambda request: Image.new("RGB", (0, 5)), model="me/x")
    with pytest.raises(InvalidReply, match=r"cannot be written as PNG \(RGB, \(0, 5\)\)"):
        draw("me/x")


@pytest.mark.parametrize("error", [ValueError("no ink"), StopIteration(), SystemExit(2)], ids=["error", "stop", "exit"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_what_a_function_raises_is_a_failure_that_cost_nothing(error: BaseException, is_async: bool) -> None:
    def fail(request: ImageRequest) -> bytes:
        raise error

    async def fail_async(request: ImageRequest) -> bytes:
        raise error

    register(fail_async if is_async else fail, model="me/x")
    with pytest.raises(ProviderError) as caught:
        draw("me/x")
    assert (caught.value.paid, caught.value.retryable, caught.value.model) == (False, False, "me/x")
    assert caught.value.__cause__ is not None
    if isinstance(error, ValueError):
        assert caught.value.__cause__ is error
        assert str(caught.value) == f"{'fail_async' if is_async else 'fail'} raised ValueError: no ink"


def test_a_provider_error_of_the_function_passes_as_it_is() -> None:
    blocked = ContentBlocked("not this")

    def refuse(request: ImageRequest) -> bytes:
        raise blocked

    register(refuse, model="me/x")
    with pytest.raises(ContentBlocked) as caught:
        draw("me/x")
    assert caught.value is blocked


def test_a_function_provider_stands_on_its_own() -> None:
    reply = asyncio.run(FunctionProvider(white, Account()).generate(ImageRequest(prompt="x", model="a/b"), Listener()))
    assert opened(reply).getpixel((0, 0)) == (255, 255, 255)


# specs, classes and modules -------------------------------------------------------------------------------------------


def test_a_style_is_registered_replaced_and_taken_away() -> None:
    undo_first = register(Style("noir", text="film noir"))
    undo = register(Style("noir", text="darker"))
    assert get_registry().style("noir").text == "darker"
    undo_first()
    assert get_registry().style("noir").text == "darker"
    undo()
    with pytest.raises(UnknownName):
        get_registry().style("noir")


def test_retrievers_and_scorers_are_registered_by_their_specs() -> None:
    register(RetrieverSpec("mine", target=white))
    register(ScorerSpec("mine", target="a:b"))
    assert get_registry().retrievers()["mine"].target is white
    assert get_registry().scorers()["mine"].better == "higher"


def test_a_name_of_a_built_in_style_is_refused_naming_its_owner() -> None:
    name = next(iter(get_registry().styles()))
    with pytest.raises(InvalidInput, match=f"the name '{name}' belongs to prompts.styles of imagegen-kit"):
        register(Style(name))


class Painter:
    models = (ModelSpec("oil"), ModelSpec("chalk"))

    def __init__(self, account: Account) -> None:
        self.account = account

    async def generate(self, request: ImageRequest, on_progress: Any) -> Reply:
        return Reply(pictures=(request.model.encode(),))


def test_a_class_with_models_is_a_provider_named_like_itself() -> None:
    undo = register(Painter, version="2")
    assert draw("painter/chalk").pictures == (b"painter/chalk",)
    assert model("oil").provider.output_version == "2"
    undo()
    with pytest.raises(UnknownName):
        model("painter/oil")


def test_a_class_with_a_spec_keeps_it_and_may_be_decorated() -> None:
    @register(version="9")
    class Spelled(Painter):
        spec = ProviderSpec("spelled", models=(ModelSpec("m"),), target="replaced:ByTheClass", origin="local:here")

    found = model("spelled/m")
    assert (found.provider.target, found.provider.origin, found.provider.output_version) == (Spelled, "local:here", "9")
    Spelled.unregister()  # type: ignore[attr-defined]
    with pytest.raises(UnknownName):
        model("spelled/m")


def test_a_class_and_functions_of_one_provider_name_replace_each_other() -> None:
    register(white, model="painter/white")
    register(Painter)
    assert [m.id for m in get_registry().models() if m.provider.name == "painter"] == ["painter/chalk", "painter/oil"]
    register(white, model="painter/white")
    assert [m.id for m in get_registry().models() if m.provider.name == "painter"] == ["painter/white"]


class Silent:
    models = (ModelSpec("m"), ModelSpec("t", kind="text"))


class Wordless:
    pass


@pytest.mark.parametrize(
    ("thing", "arguments", "said"),
    [
        (Silent, {}, "image models but no method `generate`.*\n.*text models but no method `ask`"),
        (Wordless, {}, "the class Wordless says nothing of its models"),
        (Painter, {"model": "me/x", "seed": True}, "applies only to a function, not to a type"),
        (Style("x"), {"version": "1"}, "version: applies only to a function, not to a Style"),
        (ProviderSpec("p", models=(), target="a:B"), {}, "names no models"),
        (ProviderSpec("offline", models=(ModelSpec("m"),), target="a:B"), {}, "'offline' belongs to"),
        ("offline/collage", {}, "a str cannot be registered. Give a ProviderSpec"),
        (7, {}, "a int cannot be registered"),
    ],
    ids=["no verbs", "no models", "class with capabilities", "style", "empty spec", "owned", "text", "number"],
)
def test_what_cannot_be_registered_is_refused(thing: object, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        register(thing, **arguments)


MODULE = """
from imagegen_kit.providers import Style, hookimpl

@hookimpl
def imagegen_styles():
    return [Style("from-a-module"), Style("second")]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    monkeypatch.syspath_prepend(tmp_path)

    def load(source: str) -> Any:
        (tmp_path / "module_in_a_cell.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module("module_in_a_cell")

    yield load
    sys.modules.pop("module_in_a_cell", None)


def test_a_module_with_hooks_registers_all_that_it_offers(module: Callable[[str], Any]) -> None:
    undo = register(module(MODULE))
    assert {"from-a-module", "second"} <= set(get_registry().styles())
    undo()
    assert not {"from-a-module", "second"} & set(get_registry().styles())


def test_a_module_with_a_misspelt_hook_is_refused_whole(module: Callable[[str], Any]) -> None:
    with pytest.raises(PluginError, match=r"imagegen_style is no hook. Did you mean imagegen_styles"):
        register(module(MODULE + "def imagegen_style(): pass\n"))
    assert "second" not in get_registry().styles()


def test_an_object_with_hooks_is_like_a_module() -> None:
    class Plugin:
        @hookimpl
        def imagegen_styles(self) -> list[Style]:
            return [Style("of-an-object")]

    register(Plugin())
    assert get_registry().style("of-an-object").name == "of-an-object"


def test_resetting_the_registry_forgets_the_session() -> None:
    register(Style("noir"))
    reset_registry()
    assert "noir" not in get_registry().styles()

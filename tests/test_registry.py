"""Names become models, providers and styles; retired models are replaced or refused; settings and threads."""

from __future__ import annotations

import importlib
import itertools
import sys
import threading
import timeit
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from imagegen_kit.errors import InvalidInput, MissingDependency, PluginError, UnknownName
from imagegen_kit.providers import Account, ProviderSpec
from imagegen_kit.providers.accounts import not_ready
from imagegen_kit.registry import BUILTINS, PluginRecord, Registry, get_registry, reset_registry
from imagegen_kit.types import Adaptation

TODAY = date(2026, 6, 1)
HEAD = """
from datetime import date
from imagegen_kit.providers import *

def models(*specs):
    return tuple(specs)
"""
PROVIDERS = (
    HEAD
    + """
@hookimpl
def imagegen_providers():
    return [
        ProviderSpec("sky", target="anything:Any", models=(
            ModelSpec("blue", aliases=("azure", "sky-blue")),
            ModelSpec("old", retires_on=date(2026, 5, 31), replacement="middle", aliases=("classic",)),
            ModelSpec("middle", retires_on=date(2026, 6, 1), replacement="sea/new"),
            ModelSpec("gone", retires_on=date(2026, 6, 1)),
            ModelSpec("dead-end", retires_on=date(2026, 1, 1), replacement="gone"),
            ModelSpec("loop", retires_on=date(2026, 1, 1), replacement="loop"),
            ModelSpec("lost", retires_on=date(2026, 1, 1), replacement="never/heard-of"),
            ModelSpec("tomorrow", retires_on=date(2026, 6, 2)),
            ModelSpec("talk", kind="text"),
        )),
        ProviderSpec("sea", target="anything:Any", key_env=("SEA_KEY", "SEA_TOKEN"), models=(
            ModelSpec("new"), ModelSpec("blue"), ModelSpec("azure"),
        )),
    ]

@hookimpl
def imagegen_styles():
    return [Style("zebra"), Style("ant")]

@hookimpl
def imagegen_retrievers():
    return [RetrieverSpec("words", target="anything:Any"), RetrieverSpec("vectors", target="x:y", kind="embedder")]

@hookimpl
def imagegen_scorers():
    return iter([ScorerSpec("sharpness", target="anything:Any")])
"""
)
_numbers = itertools.count()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write source as an importable module and return its dotted name."""
    monkeypatch.syspath_prepend(tmp_path)
    written: list[str] = []

    def write(source: str) -> str:
        name = f"plugin_under_test_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


@pytest.fixture
def registry(module: Callable[[str], str]) -> Registry:
    return alone(module(PROVIDERS))


def alone(*builtins: str, **settings: object) -> Registry:
    return Registry(builtins=builtins, load=[], environ={}, **settings)


def built_in(registry: Registry) -> list[PluginRecord]:
    """Leave out what happens to be installed beside; ``alone`` does not load it."""
    return [record for record in registry.plugins() if record.distribution == "imagegen-kit"]


# names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "id_"),
    [("sky/blue", "sky/blue"), ("sky-blue", "sky/blue"), ("azure", "sky/blue"), ("new", "sea/new")],
    ids=["full id", "alias", "an alias before a bare name", "a bare name that is unique"],
)
def test_a_model_is_found_by(registry: Registry, name: str, id_: str) -> None:
    found = registry.model(name, today=TODAY)
    assert found.id == id_
    assert f"{found.provider.name}/{found.spec.name}" == id_
    assert found.adaptations == ()


def test_a_bare_name_of_two_models_is_refused_naming_both(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match=r"'blue' names 2 models. Write sea/blue or sky/blue"):
        registry.model("blue", today=TODAY)


def test_an_unknown_model_is_refused_with_near_names(registry: Registry) -> None:
    with pytest.raises(UnknownName, match=r"no model is called 'sky/bleu'.*'sky/blue'"):
        registry.model("sky/bleu", today=TODAY)


@pytest.mark.parametrize("name", [None, 3, ["sky/blue"]], ids=repr)
def test_what_is_no_text_is_no_model(registry: Registry, name: object) -> None:
    with pytest.raises(UnknownName):
        registry.model(name, today=TODAY)  # type: ignore[arg-type]


def test_models_are_sorted_by_id_and_hold_retired_ones_too(registry: Registry) -> None:
    ids = [model.id for model in registry.models()]
    assert ids == sorted(ids)
    assert "sky/gone" in ids
    assert len(ids) == 12


def test_ten_thousand_look_ups_take_less_than_a_tenth_of_a_second(registry: Registry) -> None:
    assert min(timeit.repeat(lambda: registry.model("sky-blue", today=TODAY), number=10_000, repeat=3)) < 0.1


def test_styles_retrievers_and_scorers_come_by_name(registry: Registry) -> None:
    assert list(registry.styles()) == ["ant", "zebra"]
    assert registry.style("ant").name == "ant"
    assert {n: r.kind for n, r in registry.retrievers().items()} == {"vectors": "embedder", "words": "retriever"}
    assert list(registry.scorers()) == ["sharpness"]
    with pytest.raises(UnknownName, match=r"no style is called 'zebre'. Did you mean 'zebra'"):
        registry.style("zebre")


def test_the_record_says_what_a_plugin_offers(registry: Registry) -> None:
    (record,) = built_in(registry)
    assert record.status == "ok"
    assert {"sky/blue", "style:ant", "retriever:words", "embedder:vectors", "scorer:sharpness"} <= set(record.offers)
    assert record.seconds is not None
    assert record.seconds > 0


# retirement -----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:sky/")
@pytest.mark.parametrize("name", ["sky/old", "old", "classic"])
def test_a_retired_model_is_followed_to_its_living_successor(registry: Registry, name: str) -> None:
    found = registry.model(name, today=TODAY)
    assert found.id == "sea/new"
    assert found.adaptations == (Adaptation("model", name, "sea/new", "replaced"),)


def test_a_replacement_warns_once_with_dates_and_names(registry: Registry) -> None:
    text = r"sky/old was retired on 2026-05-31 \(today is 2026-06-01\); sea/new takes its place"
    with pytest.warns(UserWarning, match=text) as caught:
        registry.model("sky/old", today=TODAY)
    assert caught[0].filename == "imagegen_kit"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert registry.model("classic", today=TODAY).id == "sea/new"


def test_the_warning_says_until_when_a_successor_is_there_that_ends_too(registry: Registry) -> None:
    text = r"retired on 2026-05-31 \(today is 2026-05-31\); sky/middle takes its place, itself until 2026-06-01\."
    with pytest.warns(UserWarning, match=text):
        assert registry.model("sky/old", today=date(2026, 5, 31)).id == "sky/middle"


def test_the_day_decides_not_the_clock_of_the_machine(registry: Registry) -> None:
    assert registry.model("sky/old", today=date(2026, 5, 30)).id == "sky/old"
    assert registry.model("sky/tomorrow", today=TODAY).id == "sky/tomorrow"


@pytest.mark.parametrize("name", ["sky/gone", "sky/dead-end", "sky/loop", "sky/lost"])
def test_a_retired_model_without_a_living_successor_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} was retired on 2026-") as error:
        registry.model(name, today=TODAY)
    living = "sky/blue, sky/tomorrow, sea/azure, sea/blue, sea/new"
    assert error.value.faults[0].hint == f"Use another image model: {living}."


# providers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "said"),
    [({}, "set SEA_KEY or SEA_TOKEN"), ({"SEA_KEY": " "}, "set SEA_KEY or SEA_TOKEN"), ({"SEA_TOKEN": "x"}, None)],
    ids=["nothing set", "blank", "one set"],
)
def test_a_provider_is_ready_when_one_of_its_keys_is_set(
    registry: Registry, env: dict[str, str], said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEA_KEY", "SEA_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert not_ready(registry.model("sea/new", today=TODAY).provider) == said


def target_registry(
    module: Callable[[str], str], target_source: str, install: str = "", name: str = "Made"
) -> Registry:
    target = module(target_source)
    source = HEAD + (
        "@hookimpl\ndef imagegen_providers():\n"
        f"    return [ProviderSpec('p', models=(ModelSpec('m'),), target='{target}:{name}', install='{install}')]\n"
    )
    return alone(module(source))


def test_a_target_is_imported_when_it_is_asked_for_and_not_before(module: Callable[[str], str]) -> None:
    registry = target_registry(module, "class Made:\n    def __init__(self, account): self.account = account\n")
    target = registry.model("p/m", today=TODAY).provider.target
    assert target.partition(":")[0] not in sys.modules
    provider = registry.provider_target("p")(Account("me"))
    assert provider.account.name == "me"


@pytest.mark.parametrize(
    ("install", "said"),
    [("pip install drawing[all]", "pip install drawing[all]"), ("", "pip install a_package_that_nobody_has")],
    ids=["the plugin says how", "the package's own name"],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    module: Callable[[str], str], install: str, said: str
) -> None:
    registry = target_registry(module, "import a_package_that_nobody_has.inner\n", install)
    with pytest.raises(MissingDependency) as error:
        registry.provider_target("p")
    assert (error.value.package, error.value.install) == ("a_package_that_nobody_has", said)
    assert isinstance(error.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0\n", "ZeroDivisionError"),
        ("import sys\nsys.exit()\n", "SystemExit"),
        ("Other = 1\n", "AttributeError"),
        ("from os import nothing_of_that_name\n", "cannot import name .*Run: pip install it"),
        ("Made = 3\n", "is no class"),
    ],
    ids=["raises", "exits", "lacks the class", "wrong version of a package", "is no class"],
)
def test_a_broken_target_is_a_plugin_error(module: Callable[[str], str], source: str, said: str) -> None:
    registry = target_registry(module, source, install="pip install it")
    with pytest.raises(PluginError, match=said) as error:
        registry.provider_target("p")
    assert error.value.provider == "p"
    assert not isinstance(error.value, MissingDependency)


def test_a_target_whose_own_module_is_missing_blames_the_plugin(module: Callable[[str], str]) -> None:
    source = HEAD + (
        "@hookimpl\ndef imagegen_providers():\n"
        "    return [ProviderSpec('p', models=(ModelSpec('m'),), target='nobody_wrote.this:Made')]\n"
    )
    with pytest.raises(PluginError, match=r"of imagegen-kit\): loading nobody_wrote.this:Made") as error:
        alone(module(source)).provider_target("p")
    assert not isinstance(error.value, MissingDependency)


def test_an_unknown_provider_is_refused_with_near_names(registry: Registry) -> None:
    with pytest.raises(UnknownName, match=r"no provider is called 'sae'. Did you mean 'sea'"):
        registry.provider_target("sae")


# what a plugin may return ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ProviderSpec('p', models=(), target='a:B')", "names no models"),
        ("ProviderSpec('p', models=('m',), target='a:B')", "holds a str, not a ModelSpec"),
        ("ProviderSpec('p', models=(ModelSpec('m'), ModelSpec('m')), target='a:B')", "names 'm' twice"),
        ("ProviderSpec('p', models=(ModelSpec('a/b'),), target='a:B')", "'a/b' is not a name"),
        ("ProviderSpec('p', models=(ModelSpec('m', aliases=('A B',)),), target='a:B')", "'A B' is not a name"),
        ("ProviderSpec('p', models=(ModelSpec('m', aliases='ab'),), target='a:B')", "aliases is not a tuple"),
        ("ProviderSpec('p', models=(ModelSpec('m', kind='smell'),), target='a:B')", "kind 'smell' is not one of"),
        ("ProviderSpec('p', models=(ModelSpec('m', retires_on='2026'),), target='a:B')", "is not a datetime.date"),
        ("ProviderSpec('p', models=(ModelSpec('m', price=0.1),), target='a:B')", "price is not a Price"),
        ("ProviderSpec('p', models=(ModelSpec('m', price=Price(-1)),), target='a:B')", "price is not a Price"),
        ("ProviderSpec('p', models=(ModelSpec('m', timeout_s=0),), target='a:B')", "timeout_s 0 is not"),
        ("ProviderSpec('p', models=(ModelSpec('m', can={}),), target='a:B')", "can is a dict, not Capabilities"),
        (
            "ProviderSpec('p', models=(ModelSpec('m', can=Capabilities(seed=1)),), target='a:B')",
            "seed: '1' is not True",
        ),
        ("ProviderSpec('p', models=(ModelSpec('m'),), target='no target')", "'no target' is no target"),
        ("ProviderSpec('p', models=(ModelSpec('m'),), target=3)", "neither a dotted name nor a class"),
        ("ProviderSpec('p', models=(ModelSpec('m'),), target='a:B', key_env='KEY')", "key_env"),
        ("ProviderSpec('p', models=(ModelSpec('m'),), target='a:B', output_version=1)", "neither text nor None"),
        ("ProviderSpec('P!', models=(ModelSpec('m'),), target='a:B')", "'P!' is not a name"),
        ("ProviderSpec('p', models=(ModelSpec('m'),), target='a:B', api_version=True)", "version True"),
    ],
    ids=lambda value: "spec" if value.startswith("ProviderSpec") else value,
)
def test_a_faulty_spec_quarantines_its_plugin(module: Callable[[str], str], spec: str, said: str) -> None:
    registry = alone(module(HEAD + f"@hookimpl\ndef imagegen_providers():\n    return [{spec}]\n"), module(PROVIDERS))
    bad, good = built_in(registry)
    assert (bad.status, good.status) == ("failed", "ok")
    assert said in bad.reason


def test_a_plugin_that_offers_one_name_twice_is_refused(module: Callable[[str], str]) -> None:
    source = HEAD + "@hookimpl\ndef imagegen_styles():\n    return [Style('a'), Style('a')]\n"
    (record,) = built_in(alone(module(source)))
    assert (record.status, record.reason) == ("failed", "it offers the style 'a' twice.")


def test_an_alias_stays_with_the_first_and_the_second_is_told(module: Callable[[str], str]) -> None:
    template = "@hookimpl\ndef imagegen_providers():\n    return [ProviderSpec('{0}', models=({1},), target='a:B')]\n"
    first = module(HEAD + template.format("p", "ModelSpec('one', aliases=('nickname',))"))
    second = module(HEAD + template.format("q", "ModelSpec('two', aliases=('nickname',))"))
    registry = alone(first, second)
    assert registry.model("nickname", today=TODAY).id == "p/one"
    assert registry.model("q/two", today=TODAY).id == "q/two"
    assert [r.status for r in built_in(registry)] == ["ok", "ok"]
    assert built_in(registry)[1].reason == "the alias 'nickname' belongs to p/one; ask for q/two by its full name."


def test_one_record_reads_as_one_line(module: Callable[[str], str]) -> None:
    name = module("raise ValueError('two\\nlines')\n")
    (record,) = built_in(alone(name))
    assert str(record).startswith(f"{name} (imagegen-kit")
    assert "failed: importing it raised" in str(record)
    assert f"{name}.py:1) To mend it: pip install --force-reinstall imagegen-kit." in str(record)
    assert "\n" not in str(record)


# settings and the process ---------------------------------------------------------------------------------------------


def test_strict_mode_may_be_an_argument_or_a_setting(module: Callable[[str], str]) -> None:
    broken = module("1 / 0\n")
    for arguments in ({"strict": True, "environ": {}}, {"environ": {"IMAGEGEN_STRICT_PLUGINS": "1"}}):
        with pytest.raises(PluginError, match=f"1 plugins cannot be used .*\n.*{broken}"):
            Registry(builtins=[broken], load=[], **arguments)  # type: ignore[arg-type]
    settings = {"IMAGEGEN_STRICT_PLUGINS": "1"}
    assert Registry(builtins=[broken], load=[], strict=False, environ=settings).plugins()[0].status == "failed"


def test_the_built_in_plugins_load_and_are_ready() -> None:
    registry = alone(*BUILTINS)
    assert {record.status for record in built_in(registry)} <= {"ok", "slow"}
    assert len(built_in(registry)) == len(BUILTINS)
    offline = [m for m in registry.models() if m.provider.name == "offline"]
    assert offline
    assert all(not_ready(m.provider) is None for m in offline)
    assert registry.styles()


def test_all_threads_get_one_registry_built_once() -> None:
    reset_registry()
    found: list[Registry] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        found.append(get_registry())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(registry) for registry in found}) == 1
    reset_registry()
    assert get_registry() is not found[0]


def test_a_provider_spec_of_the_session_may_hold_the_class_itself(registry: Registry) -> None:
    class Made:
        pass

    spec = ProviderSpec("here", models=registry.model("sea/new", today=TODAY).provider.models, target=Made)
    undo = registry.put({("provider", "here"): spec})
    assert registry.provider_target("here") is Made
    undo()
    with pytest.raises(UnknownName):
        registry.provider_target("here")

"""The shipped catalogue as it stands on given days, and what the user's own files make of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.catalog import load_models, load_yaml
from imagegen_kit.catalog.entries import MODELS, PRICES
from imagegen_kit.catalog.models import ModelSpec, retirement_notice
from imagegen_kit.catalog.prices import Price, cost_of
from imagegen_kit.errors import InvalidInput
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.registry import Registry, get_registry, reset_registry
from imagegen_kit.settings import reset, settings
from imagegen_kit.types import ImageRequest, Reply, Usage

PROVIDERS = sorted(path.stem for path in MODELS.glob("*.yaml"))
SHIPPED = {f"{provider}/{m.name}": m for provider in PROVIDERS for m in load_models(provider)}
NOW, DECEMBER, NEXT_YEAR = date(2026, 11, 21), date(2026, 12, 2), date(2027, 6, 1)
quiet = pytest.mark.filterwarnings("ignore:.* was retired on ")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(load=[], environ={})


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """Return a file that the setting ``catalogue`` names."""
    path = tmp_path / "mine.yaml"
    path.touch()
    ik.configure(catalogue=path)
    yield path
    reset()
    reset_registry()


# what ships -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_file_holds_the_models_of_its_provider_each_with_day_source_and_card(provider: str) -> None:
    ids = load_yaml(MODELS / f"{provider}.yaml").data["models"]
    assert {full.partition("/")[0] for full in ids} == {provider}
    assert len(ids) == len(load_models(provider))
    for model in load_models(provider):
        assert (model.card, model.as_of, model.source) > ("", "2026-11-01", "")
        assert model.status in ("stable", "preview", "deprecated", "retired")
        assert model.api or provider == "offline"
        assert set(model.can.choices) <= set(model.can.options)
        assert "output_format" not in model.can.options


def test_no_two_models_claim_one_alias() -> None:
    claimed = [alias for model in SHIPPED.values() for alias in model.aliases]
    assert sorted(set(claimed)) == sorted(claimed)


@pytest.mark.parametrize("full", load_yaml(PRICES).data["prices"])
def test_every_price_belongs_to_a_model_that_can_be_asked(full: str) -> None:
    price = SHIPPED[full].price
    assert price is not None
    assert (price.book, SHIPPED[full].status != "retired") == ("prices.yaml", True)
    assert price.as_of >= "2026-11-20"
    assert price.source
    assert price.unit


@quiet
@pytest.mark.parametrize("today", [NOW, DECEMBER, NEXT_YEAR], ids=str)
@pytest.mark.parametrize("full", SHIPPED)
def test_every_model_is_alive_or_followed_by_one_of_its_kind(registry: Registry, full: str, today: date) -> None:
    found = registry.model(full, today=today)
    assert found.spec.retires_on is None or found.spec.retires_on > today
    assert found.spec.kind == SHIPPED[full].kind


GEMINI, OMNI, FLARE = "gemini/gemini-nano-banana-2.1", "gemini/gemini-omni-1.1-flash", "openai/gpt-image-2.5-flare"


@quiet
@pytest.mark.parametrize(
    ("name", "now", "december", "next_year"),
    [
        ("gemini-2.5-flash-image-preview", *["gemini/gemini-2.5-flash-image"] * 2, GEMINI),
        ("gemini-3-pro-image-preview", *["gemini/gemini-3-pro-image"] * 2, GEMINI),
        ("gpt-image-1.5", "openai/gpt-image-1.5", FLARE, FLARE),
        ("gpt-image-1", FLARE, FLARE, FLARE),
        ("veo3", OMNI, OMNI, OMNI),
        ("veo-3.0-generate-preview", OMNI, OMNI, OMNI),
        ("wan2.1", *["wavespeed/wan2.1"] * 3),
        ("sdxl-turbo", *["nanobanana/sdxl-turbo"] * 3),
        ("stable-diffusion-2", *["nanobanana/stable-diffusion-2"] * 3),
        ("stable-diffusion-xl", *["nanobanana/stable-diffusion-xl"] * 3),
        ("nano-banana", *["gemini/gemini-2.5-flash-image"] * 2, GEMINI),
        ("gemini-2.5-flash-image", *["gemini/gemini-2.5-flash-image"] * 2, GEMINI),
        ("nano-banana-2", *["gemini/gemini-3.1-flash-image"] * 2, GEMINI),
        ("nano-banana-pro", *["gemini/gemini-3-pro-image"] * 2, GEMINI),
        ("nano-banana-pro-preview", *["gemini/gemini-3-pro-image"] * 2, GEMINI),
        ("nano-banana-2.1", GEMINI, GEMINI, GEMINI),
    ],
    ids=lambda value: value if "/" not in value else "",
)
def test_the_names_of_older_systems_lead_to_a_model(
    registry: Registry, name: str, now: str, december: str, next_year: str
) -> None:
    found = [registry.model(name, today=day).id for day in (NOW, DECEMBER, NEXT_YEAR)]
    assert found == [now, december, next_year]


def test_gpt_image_15_is_itself_until_the_last_day_and_replaced_with_a_note_after_it() -> None:
    registry = Registry(load=[], environ={})  # it warns once
    assert registry.model("gpt-image-1.5", today=date(2026, 11, 30)).adaptations == ()
    with pytest.warns(UserWarning, match=r"retired on 2026-12-01 \(today is 2026-12-01\); openai/gpt-image-2.5-flare"):
        found = registry.model("gpt-image-1.5", today=date(2026, 12, 1))
    assert [str(note) for note in found.adaptations] == ["model gpt-image-1.5 → openai/gpt-image-2.5-flare"]


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2026, 10, 31), None),
        (date(2026, 11, 1), "m ends on 2026-12-01, in 30 days; n takes its place then."),
        (date(2026, 11, 30), "m ends on 2026-12-01, tomorrow; n takes its place then."),
        (date(2026, 12, 1), None),
    ],
    ids=["31 days before", "30 days before", "the last day", "past"],
)
def test_an_end_is_told_thirty_days_before(today: date, said: str | None) -> None:
    assert retirement_notice(ModelSpec("m", retires_on=date(2026, 12, 1), replacement="n"), today) == said


def test_an_end_without_a_successor_says_so() -> None:
    notice = retirement_notice(ModelSpec("m", retires_on=date(2026, 12, 1)), date(2026, 11, 21))
    assert notice == "m ends on 2026-12-01, in 10 days and no successor of it is known."


# the user's own -------------------------------------------------------------------------------------------------------


def test_an_own_price_goes_before_every_list(own: Path) -> None:
    own.write_text(
        "prices:\n  gemini/gemini-2.5-flash-image:\n    per_mtok: {input_text: 1, output_image: 10}\n"
        "    as_of: '2026-12-01'\n    source: our contract\n"
    )
    price = next(m.price for m in load_models("gemini") if m.name == "gemini-2.5-flash-image")
    reply = Reply((b"a picture",), usage=Usage(input_text_tokens=100, output_image_tokens=1000))
    found = cost_of(reply, ImageRequest(prompt="", model="any"), price, None, today=NOW)
    assert found.usd == pytest.approx(0.0101)
    assert (found.basis, found.prices) == ("usage", "own mine.yaml 2026-12-01")


def test_an_own_entry_changes_what_it_gives_and_a_new_one_may_be_like_another(own: Path) -> None:
    own.write_text(
        "models:\n"
        "  openai/gpt-image-2: {can: {references: 2}, as_of: '2026-12-01', source: our rules}\n"
        "  openai/ours: {like: openai/gpt-image-2, remote_name: tuned-1, as_of: '2026-12-01', source: us}\n"
    )
    found = {m.name: m for m in load_models("openai")}
    assert found["gpt-image-2"].can.references == 2
    assert found["gpt-image-2"].price == SHIPPED["openai/gpt-image-2"].price
    assert found["ours"].can == found["gpt-image-2"].can
    assert (found["ours"].remote_name, found["ours"].aliases, found["ours"].price) == ("tuned-1", (), None)
    assert list(load_models("gemini")) == [m for f, m in SHIPPED.items() if f.startswith("gemini/")]


def test_a_folder_of_files_counts_and_a_changed_file_is_read_again(tmp_path: Path) -> None:
    def write(name: str, usd: float, stamp: int) -> None:
        path = tmp_path / name
        path.write_text(f"prices:\n  fal/{path.stem}: {{per_picture: {usd}, as_of: '2026-12-01', source: us}}\n")
        os.utime(path, ns=(stamp, stamp))

    def prices() -> list[float]:
        found = {m.name: m.price for m in load_models("fal", tmp_path)}
        return [p.per_picture for p in (found["flux-dev"], found["flux-schnell"]) if isinstance(p, Price)]

    write("flux-dev.yaml", 0.5, 1)
    write("flux-schnell.yml", 0.6, 1)
    assert prices() == [0.5, 0.6]
    write("flux-dev.yaml", 0.7, 2)
    assert prices() == [0.7, 0.6]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices:\n  openai/gpt-image-3: {per_picture: 1}", r"yaml:2 prices\.openai/gpt-image-3\.as_of: is missing"),
        (
            "prices:\n  openai/gpt-image-3: {per_picture: 1, as_of: '2026-12-01', source: us}",
            r"yaml:2 prices\.openai/gpt-image-3: no model is called 'openai/gpt-image-3'.*'openai/gpt-image-2'",
        ),
        (
            "prices:\n  openai/gpt-image-2:\n    per_mtok: {output_pictures: 1}\n    as_of: '2026-12-01'",
            r"yaml:3 prices\.openai/gpt-image-2\.per_mtok\.output_pictures: .*should match pattern",
        ),
        (
            "models:\n  me/a: {like: me/b, as_of: '2026-12-01', source: us}",
            r"yaml:2 models\.me/a\.like: no entry is called",
        ),
        ("prises: {}", "'prises' is not a key here.*'prices'"),
        ("{}", "names neither models nor prices"),
    ],
    ids=["no day", "no such model", "a rate of nothing", "like nothing", "a misspelt key", "empty"],
)
def test_a_fault_in_an_own_file_is_named_by_file_line_and_key(own: Path, text: str, said: str) -> None:
    own.write_text(text + "\n")
    with pytest.raises(InvalidInput, match=said):
        load_models("openai")


def test_a_catalogue_that_is_gone_is_told_with_the_setting(own: Path) -> None:
    own.unlink()
    with pytest.raises(InvalidInput, match=r"mine\.yaml: cannot be read: No such file.*IMAGEGEN_CATALOGUE"):
        load_models("openai")


def test_a_faulty_catalogue_is_told_at_the_first_use_instead_of_hiding_every_model(own: Path) -> None:
    own.write_text("models:\n  openai/gpt-image-2: {card: 5}\n")
    reset_registry()
    with pytest.raises(InvalidInput, match=r"mine\.yaml:2 models\.openai/gpt-image-2\.card: should be a valid string"):
        ik.models()


def test_an_own_model_of_a_built_in_provider_can_be_asked_for(own: Path) -> None:
    own.write_text("models:\n  offline/mine: {like: offline/collage, as_of: '2026-12-01', source: us}\n")
    reset_registry()
    assert ik.models().loc["offline/mine", "source"] == "us"


ENTRY = "models:\n  offline/{}: {{like: offline/collage, as_of: '2026-12-01', source: us}}\n"


@pytest.mark.usefixtures("own_registry")
def test_a_catalogue_is_in_force_at_once_and_what_the_session_registered_stays(tmp_path: Path) -> None:
    take_away = ik.register(model="me/plain")(lambda request: None).unregister
    assert "offline/mine" not in ik.models().index
    (tmp_path / "a.yaml").write_text(ENTRY.format("mine"))
    ik.configure(catalogue=tmp_path / "a.yaml")
    assert {"offline/mine", "me/plain"} <= set(ik.models().index)
    before = get_registry().model("offline/mine", today=NOW)
    ik.configure(model="offline/mine")
    assert get_registry().model("offline/mine", today=NOW) is before, "nothing that it is made of has changed"
    (tmp_path / "b.yaml").write_text(ENTRY.format("other"))
    ik.configure(catalogue=tmp_path / "b.yaml")
    assert {"offline/mine", "offline/other", "me/plain"} & set(ik.models().index) == {"offline/other", "me/plain"}
    take_away()
    assert "me/plain" not in ik.models().index


@pytest.mark.usefixtures("own_registry")
def test_a_faulty_catalogue_is_told_until_it_is_mended(tmp_path: Path) -> None:
    assert "offline/collage" in ik.models().index
    path = tmp_path / "a.yaml"
    path.write_text("modles: {}\n")
    ik.configure(catalogue=path)
    for _ in range(2):
        with pytest.raises(InvalidInput, match="'modles' is not a key here"):
            ik.models()
    path.write_text(ENTRY.format("mine"))
    assert "offline/mine" in ik.models().index


def test_asking_for_the_registry_again_costs_next_to_nothing() -> None:
    import timeit

    get_registry()
    assert min(timeit.repeat(get_registry, number=10_000, repeat=3)) < 0.1


def test_a_catalogue_that_does_not_exist_is_refused_and_changes_nothing() -> None:
    with pytest.raises(InvalidInput, match=r"catalogue: there is no file or folder 'nofile\.yaml'\. Name a YAML file"):
        ik.configure(catalogue="nofile.yaml", model="a/b")
    assert settings().model == "offline/collage"


SERVICE = Path(__file__).parents[1] / "docs" / "job-apis.md"


@pytest.mark.usefixtures("own_registry")
def test_entries_that_nothing_reads_are_shown_with_their_lines_and_the_rest_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SERVICE.read_text(encoding="utf-8")
    (tmp_path / "service.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    monkeypatch.setenv("IMAGEGEN_JOB_APIS", str(tmp_path / "service.yaml"))
    path = tmp_path / "mine.yaml"
    path.write_text(
        ENTRY.format("mine")
        + "  offlien/one: {as_of: '2026-12-01', source: us}\n"
        + "  my-service/quick: {as_of: '2026-12-01', source: us}\n"
        + "prices:\n  my-service/quick: {per_picture: 0.5, as_of: '2026-12-01', source: us}\n"
    )
    ik.configure(catalogue=path)
    record = ik.plugins().loc["catalogue"]
    assert record.status == "failed"
    assert record.reason == (
        f"{path}:3 models.offlien/one: no plugin offers the provider 'offlien'. Did you mean 'offline'? "
        f"{path}:4 models.my-service/quick: service.yaml of imagegen-kit does not read the catalogue; "
        "state this where its models stand."
    )
    assert record.fix.startswith("correct the entries that the reason names")
    assert "offline/mine" in ik.models().index
    path.write_text(ENTRY.format("mine"))
    reset_registry()
    assert "catalogue" not in ik.plugins().index


def test_the_ways_to_reach_a_model_are_those_of_the_shipped_files(own: Path) -> None:
    own.write_text("models:\n  openai/x: {api: nonsense, as_of: '2026-12-01', source: us}\n")
    with pytest.raises(InvalidInput) as caught:
        load_models("openai")
    (fault,) = caught.value.faults
    assert fault.where.endswith("mine.yaml:2 models.openai/x.api")
    known = sorted({"chat", *(model.api for model in SHIPPED.values() if model.api)})  # chat: servers of one's own
    listed = ", ".join(map(repr, known[:-1])) + f" or {known[-1]!r}"
    assert fault.what == f"should be {listed}, not 'nonsense'."


def test_the_setting_comes_from_the_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("models:\n  me/a: {card: Mine., as_of: '2026-12-01', source: us}\n")
    monkeypatch.setenv("IMAGEGEN_CATALOGUE", str(tmp_path))
    assert [m.name for m in load_models("me")] == ["a"]
    with pytest.raises(InvalidInput, match="catalogue: 5 is not the path"):
        ik.configure(catalogue=5)  # type: ignore[arg-type]


def test_asking_for_models_again_costs_microseconds() -> None:
    import timeit

    load_models("openai")
    assert min(timeit.repeat(lambda: load_models("openai"), number=100, repeat=3)) < 0.05


def test_a_price_of_the_users_own_counts_for_the_models_of_plugins_too(tmp_path, own_registry):
    ik.register(ProviderSpec("hut", models=(ModelSpec("one", price=Price(0.01)),), target="hut:Hut"))
    path = tmp_path / "mine.yaml"
    path.write_text("prices:\n  hut/one: {per_picture: 0.5, as_of: '2026-11-20', source: our contract}\n")
    ik.configure(catalogue=path)
    assert ik.models().loc["hut/one", "price_usd"] == 0.5
    assert "catalogue" not in ik.plugins().index

"""Which models there are, before anything is loaded; and one picture through the whole toolkit."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest
from imagegen_kit_diffusers.models import batch_size, read_models

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.engine import session
from imagegen_kit.errors import InvalidInput
from imagegen_kit.registry import Registry, reset_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHIPPED = ["stable-diffusion-v1-5", "stable-diffusion-xl-base-1.0", "sd-turbo", "sdxl-turbo"]


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    settings.reset()
    reset_registry()
    yield
    session.close_default_engine()
    reset_registry()


def test_the_distribution_declares_the_entry_point() -> None:
    (entry,) = [e for e in entry_points(group="imagegen_kit") if e.dist and e.dist.name == "imagegen-kit-diffusers"]
    assert (entry.name, entry.value) == ("diffusers", "imagegen_kit_diffusers")


def test_the_registry_lists_the_shipped_models_and_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEGEN_DIFFUSERS_MODELS", "house=~/models/house")
    registry = Registry(load=["imagegen-kit-diffusers"], block=[], strict=True, builtins=())
    (record,) = [r for r in registry.plugins() if r.distribution == "imagegen-kit-diffusers"]
    assert record.offers == tuple(f"diffusers/{name}" for name in [*SHIPPED, "house"])
    assert all(model.spec.price.per_picture == 0 for model in registry.models())


def test_no_shipped_model_claims_an_alias() -> None:
    assert all(model.spec(concurrency=1).aliases == () for model in read_models(None).values())


def test_a_model_without_guidance_takes_no_negative_prompt() -> None:
    can = {name: model.spec(concurrency=1).can.negative_prompt for name, model in read_models(None).items()}
    assert can == dict(zip(SHIPPED, [True, True, False, False], strict=True))


def test_a_file_of_models_is_read_and_wins_over_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("models:\n  sd-turbo: {source: me/mine, steps: 2}\n  new: {source: x/y}\n")
    found = read_models(f"{tmp_path}/mine.yaml, other=/weights")
    assert (found["sd-turbo"].source, found["sd-turbo"].steps) == ("me/mine", 2)
    assert {"new", "other"} < set(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models:\n  a: {steps: 2}\n", r"mine.yaml:2 models.a.source: is missing"),
        ("models:\n  a:\n    source: x/y\n    step: 3\n", r"mine.yaml:4 models.a.step: .*Did you mean 'steps'"),
        ("models:\n  a: {source: x/y, default_side: 500}\n", r"mine.yaml:2 .*default_side: .*multiple of 8"),
        ("models:\n  A B: {source: x/y}\n", r"mine.yaml:2 models.A B"),
    ],
    ids=["missing", "unknown", "side", "name"],
)
def test_a_mistake_in_the_file_is_told_with_line_and_field(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=words):
        read_models(str(tmp_path / "mine.yaml"))


def test_all_mistakes_in_the_variable_are_told_together() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_models("nothing, Upper=x/y, =z, absent.yaml")
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize("text", ["0", "65", "many", "-1"])
def test_a_batch_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="IMAGEGEN_DIFFUSERS_BATCH"):
        batch_size(text)


def test_other_models_or_another_device_are_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from imagegen_kit_diffusers import imagegen_providers

    versions = set()
    for variable, value in (("MODELS", ""), ("MODELS", "a=x/y"), ("MODELS", "a=x/z"), ("DEVICE", "cpu")):
        monkeypatch.setenv(f"IMAGEGEN_DIFFUSERS_{variable}", value)
        versions.add(imagegen_providers()[0].output_version)
    assert len(versions) == 4


def test_a_picture_through_the_whole_toolkit_costs_nothing_and_prints_nothing(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGEGEN_DIFFUSERS_MODELS", f"tiny={tiny}")
    capfd.readouterr()
    result = ik.generate("a cat", model="diffusers/tiny", size=(70, 64), seed=7, steps=2, n=3)
    assert [picture.width for picture in result.pictures] == [72, 72, 72]
    assert len({picture.sha256 for picture in result.pictures}) == 3
    assert result.cost.usd == 0
    assert capfd.readouterr() == ("", "")
    again = ik.generate("a cat", model="diffusers/tiny", size=(70, 64), seed=7, steps=2)
    assert again.pictures[0] == result.pictures[0]

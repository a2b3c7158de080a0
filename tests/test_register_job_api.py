"""A service of one's own, from a YAML file: in a cell, through a setting, and end to end over real HTTP."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.catalog.job_api import load_job_api
from imagegen_kit.errors import InvalidInput
from imagegen_kit.registry import get_registry, reset_registry
from imagegen_kit.testing.simulators.job_api import JobApiSimulator

pytestmark = pytest.mark.usefixtures("own_registry")
PAGE = Path(__file__).parents[1] / "docs" / "job-apis.md"
EXAMPLE = re.search(r"```yaml\n# my_service.yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]  # type: ignore[index]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_service.yaml"
    path.write_text(EXAMPLE.replace("every: 2", "every: 0.01"), encoding="utf-8")
    return path


def ids() -> set[str]:
    return {m.id for m in get_registry().models()}


@pytest.mark.parametrize("form", [str, Path], ids=["text", "path"])
def test_a_file_is_registered_and_taken_away_again(file: Path, form: type) -> None:
    take_away = ik.register(form(file))
    assert "my-service/quick" in ids()
    take_away()
    assert "my-service/quick" not in ids()


def test_a_file_that_is_registered_again_replaces_itself(file: Path) -> None:
    ik.register(file)
    file.write_text(EXAMPLE.replace("quick", "slow"), encoding="utf-8")
    ik.register(file)
    assert {name for name in ids() if name.startswith("my-service/")} == {"my-service/slow"}


def test_a_picture_is_asked_for_waited_for_paid_and_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with JobApiSimulator(load_job_api(file)) as sim:
        monkeypatch.setenv("MY_SERVICE_URL", sim.base_url)
        monkeypatch.setenv("MY_SERVICE_KEY", sim.key)
        ik.register(file)
        result = ik.generate("a red cup", model="my-service/quick", size=(320, 256), seed=5).results[0]
        again = ik.generate("a red cup", model="my-service/quick", size=(320, 256), seed=5).results[0]
        sent = sim.ledger.submits[0].json
        charges = len(sim.ledger.accepted)
    assert (result.artifacts[0].width, result.artifacts[0].height) == (320, 256)
    assert (result.status, again.status) == ("ok", "cached")
    assert (result.cost.usd, result.cost.basis) == (0.02, "reported")
    assert charges == 1
    assert sent == {"model": "quick", "prompt": "a red cup", "seed": 5, "width": 320, "height": 256}
    assert str(result.origin).startswith("http://127.0.0.1:")


def test_a_missing_key_is_named_with_where_to_get_one(file: Path) -> None:
    ik.register(file)
    with pytest.raises(InvalidInput, match=r"MY_SERVICE_KEY \(get one at https://example.com/keys\)"):
        ik.generate("a red cup", model="my-service/quick")


def test_a_failing_job_is_tried_no_second_time_and_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with JobApiSimulator(load_job_api(file)).play("job_failed") as sim:
        monkeypatch.setenv("MY_SERVICE_URL", sim.base_url)
        monkeypatch.setenv("MY_SERVICE_KEY", sim.key)
        ik.register(file)
        with pytest.raises(ik.errors.ProviderError, match="the machine gave up"):
            ik.generate("a red cup", model="my-service/quick")
        assert len(sim.ledger.submits) == 1


def test_a_connection_that_breaks_after_the_job_was_named_costs_no_second_picture(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JobApiSimulator(load_job_api(file)).play("rate_limited", "expired_result") as sim:
        monkeypatch.setenv("MY_SERVICE_URL", sim.base_url)
        monkeypatch.setenv("MY_SERVICE_KEY", sim.key)
        ik.register(file)
        result = ik.generate("a red cup", model="my-service/quick").results[0]
        assert result.ok
        assert len(sim.ledger.submits) == 2, "one was refused unpaid, one was taken"
        assert len(sim.ledger.accepted) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (EXAMPLE.replace("pending:", "pendign:"), r"my_service.yaml:\d+ poll.pendign: .* Did you mean 'pending'"),
        (re.sub(r"models:\n(  .*\n)+", "", EXAMPLE), "my_service.yaml models: are missing"),
        (EXAMPLE.replace("my-service", "fal"), "'fal' is a service that the toolkit knows"),
        ("- a\n- b\n", "my_service.yaml:1"),
    ],
    ids=["unknown key", "no models", "taken name", "no mapping"],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(file: Path, text: str, said: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=said):
        ik.register(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere.yaml: does not exist"):
        ik.register(tmp_path / "nowhere.yaml")


def test_a_setting_names_files_and_folders(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "other.yml").write_text(EXAMPLE.replace("my-service", "other-service"), encoding="utf-8")
    (folder / "notes.txt").write_text("not a service", encoding="utf-8")
    monkeypatch.setenv("IMAGEGEN_JOB_APIS", os.pathsep.join([str(file), str(folder)]))
    reset_registry()
    assert {"my-service/quick", "other-service/quick"} <= ids()
    assert "fal/flux-dev" in ids()


def test_each_file_in_the_setting_is_a_plugin_so_that_a_bad_one_takes_nothing_else_away(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(EXAMPLE.replace("pending:", "pendign:"), encoding="utf-8")
    gone = tmp_path / "gone.yaml"
    monkeypatch.setenv("IMAGEGEN_JOB_APIS", os.pathsep.join(map(str, [bad, file, gone, file])))
    reset_registry()
    found = {record.name: record for record in get_registry().plugins()}
    assert [found[name].status for name in ("bad.yaml", "my_service.yaml", "gone.yaml")] == ["failed", "ok", "failed"]
    assert found["bad.yaml"].reason.startswith("bad.yaml:")
    assert "pendign" in found["bad.yaml"].reason
    assert found["bad.yaml"].fix == f"mend the file {bad}, or take it out of IMAGEGEN_JOB_APIS."
    assert found["gone.yaml"].reason == "gone.yaml: does not exist."
    assert found["my_service.yaml"].offers == ("my-service/quick",)
    assert {"my-service/quick", "fal/flux-dev", "offline/collage"} <= ids()


def test_two_files_of_one_service_clash_and_two_of_one_name_do_not(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "my_service.yaml").write_text(EXAMPLE.replace("my-service", "other-service"), encoding="utf-8")
    (folder / "zweitens.yaml").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.setenv("IMAGEGEN_JOB_APIS", os.pathsep.join([str(file), str(folder)]))
    reset_registry()
    found = {record.name: record for record in get_registry().plugins()}
    assert found[str(folder / "my_service.yaml")].offers == ("other-service/quick",)
    assert found["zweitens.yaml"].status == "clash"
    first = "both my_service.yaml and zweitens.yaml offer the provider 'my-service'; my_service.yaml comes first"
    assert found["zweitens.yaml"].reason == f"{first} and keeps it."
    assert "zweitens.yaml, or take it out of IMAGEGEN_JOB_APIS" in found["zweitens.yaml"].fix

"""The validator of job-API files: every fault is named with file, line and key, and what to write instead."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from imagegen_kit.catalog.job_api import FOLDER, JobApi, load_job_api, shipped_job_apis
from imagegen_kit.errors import InvalidInput
from tests.providers.job_api_calls import SERVICES, spec_of

PAGE = Path(__file__).parents[2] / "docs" / "job-apis.md"
EXAMPLE = re.search(r"```yaml\n# my_service.yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]  # type: ignore[index]


def loaded(text: str, tmp_path: Path) -> JobApi:
    path = tmp_path / "my_service.yaml"
    path.write_text(text, encoding="utf-8")
    return load_job_api(path)


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_example_of_the_page_is_sound_and_short(tmp_path: Path) -> None:
    api = loaded(EXAMPLE, tmp_path)
    assert len(EXAMPLE.splitlines()) <= 40
    assert [m.name for m in api.models] == ["quick"]
    assert api.models[0].can.references == 4


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("every: 2", "evry: 2", "poll.evry", "'evry' is not a key here. Did you mean 'every'?"),
        ("id: job.id", "identifier: job.id", "identifier", "'identifier' is not a key here."),
        ("done: succeeded", "done: running", "poll.done", "'running' is also in pending."),
        ("done: succeeded", "done: []", "poll.done", "is missing."),
        ('"{prompt}"', '"{promt}"', "submit.0.json.prompt", "{promt} is not a placeholder here. Did you mean 'prompt'"),
        ('"{seed}"', '"{options}"', "submit.0.json.seed", "{options} stands for several fields."),
        ('"{seed}"', '"{id}"', "submit.0.json.seed", "{id} is not a placeholder here."),
        ("references.data_uri", "references.url", "submit.0.json.images", "{references.url} needs an upload."),
        ("references.data_uri", "references.file", "submit.0.json.images", "only multipart can carry."),
        ('prompt: "{prompt}"', 'prompt: "{prompt}, not {negative_prompt}"', "submit.0.json.prompt", "would be dropped"),
        ('prompt: "{prompt}"', "prompt: a cup", "submit.0", "sends no {prompt}."),
        ('"job.images[*].url"', '"job.images["', "output.path", "cannot be read"),
        ("kind: url", "kind: link", "output.kind", "should be 'auto', 'url'"),
        ("kind: url", "kind: ref", "output.url", "and kind: ref belong together."),
        ('headers: {Authorization: "Bearer {key}"}', "headers: {}", "headers", "no header and no body sends {key}."),
        ("key_env: MY_SERVICE_KEY\n", "", "headers.Authorization", "no key_env says which variable holds it."),
        ("key_env: MY_SERVICE_KEY", "key_env: my key", "key_env.0", "is no name of an environment variable."),
        ('"{base}/jobs"', '"{base}/jobs?k={key}"', "submit.0.url", "puts the key into an address"),
        ('"{base}/jobs"', '"{base}/{settings.WORD}"', "submit.0.url", "not in settings_env. Add WORD"),
        ('"{base}/jobs"', '"https://other.example/jobs"', "submit.0.url", "is on other.example"),
        ("id: job.id\n", "", "id", "is missing, so a job cannot be polled."),
        ("jobs/{id}", "jobs/last", "poll.url", "names no job."),
        ("base_url: https://api.example.com/v1", "base_url: api.example.com", "base_url", "is no address."),
        ("my-service/quick", "other/quick", "models", "holds models of another provider"),
        ("max_side: 2048", "max_sid: 2048", "models.my-service/quick.can.max_sid", "Did you mean 'max_side'"),
        ("every: 2", "every: soon", "poll.every", "valid number"),
        ("name: my-service", "name: My Service", "name", "pattern"),
        ("cancel: {url", "cancel: {addr", "cancel.addr", "is not a key here."),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_line_and_key(old: str, new: str, key: str, said: str, tmp_path: Path) -> None:
    text = EXAMPLE.replace(old, new, 1)
    assert text != EXAMPLE
    with pytest.raises(InvalidInput) as caught:
        loaded(text, tmp_path)
    faults = [str(fault) for fault in caught.value.faults]
    fitting = [fault for fault in faults if said in fault]
    assert fitting, faults
    assert re.match(rf"my_service\.yaml:\d+ {re.escape(key)}\b", fitting[0]), fitting
    if new and "\n" not in old:
        assert f"my_service.yaml:{line_of(text, new.strip())} " in " ".join(fitting) or key in (
            "poll.done",
            "models",
            "submit.0",
        )


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = EXAMPLE.replace("{seed}", "{sed}").replace("{width}", "{wide}").replace("job.id", "job..id")
    with pytest.raises(InvalidInput) as caught:
        loaded(text, tmp_path)
    assert len(caught.value.faults) == 3


def test_a_poll_is_needed_where_a_job_is_named(tmp_path: Path) -> None:
    text = re.sub(r"poll:\n(  .*\n)+", "", EXAMPLE)
    with pytest.raises(InvalidInput, match="id: is given, but poll is missing"):
        loaded(text, tmp_path)


def test_every_key_and_placeholder_is_documented() -> None:
    from dataclasses import fields

    from imagegen_kit.catalog import job_api

    text = PAGE.read_text(encoding="utf-8")
    for part in ("JobApi", "Submit", "Upload", "Call", "Poll", "Output", "Blocked", "Code", "Charge"):
        for name in (f.name for f in fields(getattr(job_api, part))):
            assert f"`{name}`" in text or f"`{name}:" in text or f"{name}:" in text, (part, name)
    assert all(name in text for name in SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_immutable_data_that_can_be_pickled(service: str) -> None:
    api = replace(shipped_job_apis()[service], models=())  # they come from the catalogue
    assert pickle.loads(pickle.dumps(api)) == api
    with pytest.raises(AttributeError):
        api.name = "other"  # type: ignore[misc]  # it is frozen


def test_each_file_is_a_service_of_its_own() -> None:
    assert len(list(FOLDER.glob("*.yaml"))) == len(SERVICES)
    assert spec_of("fal").target.api.name == "fal"

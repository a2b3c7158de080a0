"""A service that ignores repetitions is sent the same request again, under one idempotency key."""

from __future__ import annotations

import pytest

import imagegen_kit as ik
from imagegen_kit.catalog.job_api import load_job_api
from imagegen_kit.testing.simulators import JobApiSimulator
from tests.engine.models import ledger

FILE = """
name: sure
as_of: "2026-11-27"
source: a test
base_url_env: SURE_URL
key_env: SURE_KEY
headers: {Authorization: "Bearer {key}"}
submit:
  url: "{base}/generate"
  headers: {Idempotency-Key: "{idempotency_key}"}
  json: {prompt: "{prompt}", width: "{width}", height: "{height}"}
output: {path: image_url, kind: auto}
models:
  sure/one:
    can: {IDEMPOTENT}
    price: {per_picture: 0.04}
    as_of: "2026-11-27"
    source: a test
"""


@pytest.mark.parametrize(("idempotent", "submits", "status"), [(True, 3, "ok"), (False, 1, "unknown")])
def test_a_lost_answer_is_asked_for_again_only_where_the_service_ignores_repetitions(
    tmp_path, monkeypatch, own_registry, idempotent, submits, status
):
    file = tmp_path / "sure.yaml"
    file.write_text(FILE.replace("IDEMPOTENT", f"idempotent: {str(idempotent).lower()}"))
    with JobApiSimulator(load_job_api(file)) as service:
        monkeypatch.setenv("SURE_URL", service.base_url)
        monkeypatch.setenv("SURE_KEY", service.key)
        ik.register(file)
        service.play("drop", "error_500")
        run = ik.Experiment(vary={"prompt": ["a cup"]}, fixed={"model": "sure/one"}).run(progress=False)
        assert run.table().status.tolist() == [status]
        sent = [request.headers["idempotency-key"] for request in service.ledger.submits]
    assert len(sent) == submits
    assert len(set(sent)) == 1
    assert len(sent[0]) == 32
    assert ledger() == [("settled", 0.04, 0.04) if idempotent else ("unknown", 0.04, None)]

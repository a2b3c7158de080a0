"""The OpenAPI of the service holds for whatever a client sends: schemathesis makes orders up, good and bad ones."""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

import imagegen_kit as ik
from imagegen_kit.serve import create_app
from tests.engine.models import model
from tests.serve.served import service

TOKEN = "the-token-of-this-test"
EXAMPLES = hypothesis.settings(
    max_examples=5, deadline=None, database=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
)


@pytest.fixture
def api() -> dict[str, object]:
    return create_app().openapi()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/generate"),
        ("POST", "/generate-stream"),
        ("GET", "/runs/{run_id}"),
        ("GET", "/runs/{run_id}/pictures/{sha256}"),
        ("GET", "/choices"),
        ("GET", "/health"),
        ("GET", "/metrics"),
    ],
    ids=lambda v: v,
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_answer_is_one_that_the_description_foretells(api, method, path, monkeypatch):
    model("lab/one")
    monkeypatch.setenv("IMAGEGEN_MODEL", "lab/one")
    ik.configure(keys={"IMAGEGEN_SERVE_TOKEN": TOKEN})
    schema = schemathesis.openapi.from_dict(api, config=SchemathesisConfig())
    operation = schema[path][method]
    with service() as (client, _):

        @hypothesis.given(case=operation.as_strategy())
        @EXAMPLES
        def holds(case):
            case.call_and_validate(
                base_url=str(client.base_url),
                headers={"Authorization": f"Bearer {TOKEN}"},
                excluded_checks=[positive_data_acceptance],  # which names there are is no matter of the description
            )

        holds()


def test_the_description_names_the_bearer_token_and_every_refusal(api):
    order = api["paths"]["/generate"]["post"]
    assert order["security"] == [{"HTTPBearer": []}]
    assert {"200", "401", "402", "413", "422", "429", "502", "503"} <= set(order["responses"])

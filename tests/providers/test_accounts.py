"""Which key and address are in force, and by which origin pictures are known."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.errors import BudgetExceeded, InvalidInput, UnsupportedRequest
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.providers.accounts import account_of, cacheable, not_ready, origin_of
from imagegen_kit.settings import Endpoint
from imagegen_kit.types import Reply
from tests.engine.models import picture

SEA = ProviderSpec(
    "sea", models=(), target="sea:Sea", key_env=("SEA_KEY", "SEA_TOKEN"), key_url="https://sea.example/keys",
    base_url="https://sea.example/v1", base_url_env=("SEA_URL",), settings_env=("SEA_PROJECT",),
)  # fmt: skip
OWN_HOST = ProviderSpec("hut", models=(), target="hut:Hut", base_url_env=("HUT_URL",))


def test_the_first_key_that_is_set_is_used(monkeypatch):
    monkeypatch.setenv("SEA_TOKEN", "second")
    assert account_of(SEA).key.get_secret_value() == "second"
    ik.configure(keys={"SEA_KEY": "first"})
    assert account_of(SEA).key.get_secret_value() == "first"


def test_a_key_may_stand_in_a_dotenv_file_and_is_not_exported(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("SEA_KEY=hidden\nSEA_URL=https://mirror.example\nSEA_PROJECT=deep\n")
    account = account_of(SEA)
    assert (account.key.get_secret_value(), account.base_url) == ("hidden", "https://mirror.example")
    assert account.settings == {"SEA_PROJECT": "deep"}
    with pytest.raises(KeyError):
        __import__("os").environ["SEA_KEY"]


def test_an_account_never_shows_its_key(monkeypatch):
    monkeypatch.setenv("SEA_KEY", "very-secret")
    monkeypatch.setenv("SEA_PROJECT", "quiet")
    assert "very-secret" not in repr(account_of(SEA)) + str(account_of(SEA))


def test_what_is_missing_is_said_with_where_to_get_it(monkeypatch):
    assert not_ready(SEA) == "set SEA_KEY or SEA_TOKEN (get one at https://sea.example/keys)"
    monkeypatch.setenv("SEA_KEY", "x")
    assert not_ready(SEA) is None
    assert not_ready(OWN_HOST) == "set HUT_URL to the service's address"
    monkeypatch.setenv("HUT_URL", "http://127.0.0.1:9")
    assert not_ready(OWN_HOST) is None


@pytest.mark.parametrize("key", ["two words", "line\nend", "schlüssel", "tab\there"], ids=ascii)
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key):
    ik.configure(keys={"SEA_KEY": key})
    said = not_ready(SEA)
    assert said.startswith("set SEA_KEY again")
    assert key not in said


@pytest.mark.parametrize("address", ["sea.example", "ftp://sea.example", "http://", "http://sea.example:99999"])
def test_an_address_that_is_none_is_refused(address, monkeypatch):
    monkeypatch.setenv("SEA_KEY", "x")
    monkeypatch.setenv("SEA_URL", address)
    assert not_ready(SEA) == "set SEA_URL to an address like https://example.org/v1"


def test_another_address_is_another_origin_without_its_user_and_query(monkeypatch):
    assert origin_of(SEA) == "https://sea.example/v1"
    monkeypatch.setenv("SEA_URL", "https://me:pw@mirror.example:8443/v2/?token=1")
    assert origin_of(SEA) == "https://mirror.example:8443/v2"


def test_a_provider_that_is_pointed_elsewhere_needs_no_key_and_is_known_as_what_stands_there():
    undo = settings.point_at({"sea": Endpoint("http://127.0.0.1:9/v1", SecretStr("k"), "simulated:sea")})
    assert not_ready(SEA) is None
    assert origin_of(SEA) == "simulated:sea"
    assert account_of(SEA).base_url == "http://127.0.0.1:9/v1"
    undo()
    assert origin_of(SEA) == "https://sea.example/v1"


def test_what_decides_which_model_draws_is_part_of_the_origin_and_lets_pictures_be_kept(monkeypatch):
    hut = ProviderSpec("hut", models=(), target="hut:Hut", base_url="http://127.0.0.1:1", origin_env=("HUT_MODEL",))
    assert (origin_of(hut), cacheable(hut)) == ("http://127.0.0.1:1", False)
    monkeypatch.setenv("HUT_MODEL", "xl")
    assert (origin_of(hut), cacheable(hut)) == ("http://127.0.0.1:1?HUT_MODEL=xl", True)
    assert cacheable(SEA)


class Painter:
    """Tells by its picture which account it was made with."""

    made: list[str] = []

    def __init__(self, account):
        self.account = account
        Painter.made.append(account.key.get_secret_value())

    async def generate(self, request, on_progress):
        return Reply(pictures=(picture(len(Painter.made)),))


@pytest.fixture
def painter(own_registry):
    Painter.made = []
    spec = ProviderSpec(
        "sea", models=(ModelSpec("one"),), target=Painter, key_env=("SEA_KEY",), base_url="https://sea.example",
        base_url_env=("SEA_URL",),
    )  # fmt: skip
    ik.register(spec)
    return spec


def test_without_a_key_nothing_is_sent_and_the_variable_is_named(painter):
    with pytest.raises(UnsupportedRequest, match="Set SEA_KEY"):
        ik.generate("a cup", model="sea/one")
    assert Painter.made == []


def test_a_new_key_gives_a_new_provider_object(painter):
    ik.configure(keys={"SEA_KEY": "a"})
    ik.generate("a cup", model="sea/one")
    ik.configure(keys={"SEA_KEY": "b"})
    ik.generate("a mug", model="sea/one")
    ik.generate("a jug", model="sea/one")
    assert Painter.made == ["a", "b"]


def test_a_simulated_picture_is_never_served_as_a_real_one(painter):
    ik.configure(keys={"SEA_KEY": "real"})
    undo = settings.point_at({"sea": Endpoint("http://127.0.0.1:9", SecretStr("k"), "simulated:sea")})
    simulated = ik.generate("a cup", model="sea/one")
    undo()
    real = ik.generate("a cup", model="sea/one")
    assert (simulated.status, real.status) == ("ok", "ok")
    assert simulated.results[0].simulated
    assert not real.results[0].simulated
    assert [simulated.table()["origin"][0], real.table()["origin"][0]] == ["simulated:sea", "https://sea.example"]
    assert ik.generate("a cup", model="sea/one").table()["origin"][0] == "https://sea.example"


def test_a_simulated_run_does_not_go_on_with_the_real_service(painter):
    ik.configure(keys={"SEA_KEY": "real"})
    undo = settings.point_at({"sea": Endpoint("http://127.0.0.1:9", SecretStr("k"), "simulated:sea")})
    run = ik.Experiment(vary={"prompt": ["a cup", "a mug"]}, fixed={"model": "sea/one"}).run(progress=False)
    undo()
    with pytest.raises(InvalidInput, match="simulated_clouds"):
        run.resume()
    assert Painter.made == ["k"]


def test_simulated_money_is_counted_apart_and_never_takes_from_a_real_budget(own_registry):
    Painter.made = []
    model = ModelSpec("one", price=Price(0.06))
    ik.register(
        ProviderSpec("sea", models=(model,), target=Painter, key_env=("SEA_KEY",), base_url="https://sea.example")
    )
    ik.configure(keys={"SEA_KEY": "real"}, budget_usd_per_day=0.10)
    undo = settings.point_at({"sea": Endpoint("http://127.0.0.1:9", SecretStr("k"), "simulated:sea")})
    assert ik.generate("a cup", model="sea/one").status == "ok"
    with pytest.raises(BudgetExceeded):  # the limit holds for simulated money too
        ik.generate("a mug", model="sea/one")
    undo()
    assert ik.generate("a cup", model="sea/one").status == "ok"
    spent = ik.usage().iloc[0]
    assert (spent["calls"], spent["simulated"]) == (2, 1)
    assert (spent["spent_usd"], spent["simulated_usd"]) == (pytest.approx(0.06), pytest.approx(0.06))
    assert set(ik.usage(by="account").index) == {"default", "simulated"}

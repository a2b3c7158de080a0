"""Every setting once: from configure(), the environment, a .env file, or its default."""

from __future__ import annotations

import os

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.settings import reset, secret, settings, variable


def test_configure_wins_over_the_environment_which_wins_over_the_file(tmp_path, monkeypatch):
    assert settings().model == "offline/collage"
    (tmp_path / ".env").write_text("IMAGEGEN_MODEL=from/file\nIMAGEGEN_BUDGET_USD=3\n")
    assert settings().model == "from/file"
    monkeypatch.setenv("IMAGEGEN_MODEL", "from/environment")
    assert (settings().model, settings().budget_usd) == ("from/environment", 3)
    ik.configure(model="from/call")
    assert settings().model == "from/call"
    shown = repr(ik.configure())
    assert "from/call  (configure())" in shown
    assert "3.0  (.env: IMAGEGEN_BUDGET_USD)" in shown
    reset()
    assert "(environment: IMAGEGEN_MODEL)" in repr(ik.configure())


def test_the_file_is_read_and_never_exported(tmp_path):
    (tmp_path / ".env").write_text("IMAGEGEN_MODEL=a/b\nGEMINI_API_KEY=canary-1\n")
    assert secret("GEMINI_API_KEY").get_secret_value() == "canary-1"
    assert settings().model == "a/b"
    assert "IMAGEGEN_MODEL" not in os.environ
    assert "GEMINI_API_KEY" not in os.environ


def test_a_file_that_changes_or_comes_with_another_folder_is_read_anew(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("GEMINI_API_KEY=canary-1\n")
    assert variable("GEMINI_API_KEY") == "canary-1"
    (tmp_path / ".env").write_text("GEMINI_API_KEY=canary-22\n")
    assert variable("GEMINI_API_KEY") == "canary-22"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".env").write_text("GEMINI_API_KEY=canary-33\n")
    monkeypatch.chdir(tmp_path / "other")
    assert variable("GEMINI_API_KEY") == "canary-33"
    (tmp_path / "other" / ".env").unlink()
    assert variable("GEMINI_API_KEY") is None


def test_keys_are_only_ever_shown_as_set(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "canary-2")
    view = ik.configure(keys={"GEMINI_API_KEY": "canary-3"})
    assert "GEMINI_API_KEY" in repr(view)
    assert "canary" not in repr(view) + str(secret("OPENAI_API_KEY")) + repr(secret("GEMINI_API_KEY")) + repr(
        settings()
    )
    assert secret("OPENAI_API_KEY").get_secret_value() == "canary-2"
    assert secret("NOBODY_SET_THIS") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"budget_usd": -1},
        {"budget_usd": True},
        {"budget_usd_per_day": "lots"},
        {"budget_usd_per_day": False},
        {"env_file": "gone.env"},
    ],
    ids=str,
)
def test_a_value_that_cannot_be_used_changes_nothing(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        ik.configure(model="changed/model", **wrong)
    assert settings().model == "offline/collage"


def test_a_variable_that_cannot_be_read_is_named(monkeypatch):
    monkeypatch.setenv("IMAGEGEN_BUDGET_USD", "plenty")
    with pytest.raises(InvalidInput, match="IMAGEGEN_BUDGET_USD"):
        settings()


def test_another_file_may_be_named(tmp_path):
    (tmp_path / "lab.env").write_text("IMAGEGEN_MODEL=lab/env\n")
    ik.configure(env_file=tmp_path / "lab.env")
    assert settings().model == "lab/env"


def test_the_store_follows_configure(tmp_path):
    from imagegen_kit.engine.session import default_engine

    ik.configure(store=tmp_path / "one")
    assert default_engine().store.path == tmp_path / "one"
    ik.configure(store=tmp_path / "two")
    assert default_engine().store.path == tmp_path / "two"


def test_a_store_that_is_no_path_and_keys_that_are_no_texts_are_refused_together():
    with pytest.raises(InvalidInput) as caught:
        ik.configure(store=5, keys={"A": 3})
    assert [fault.where for fault in caught.value.faults] == ["store", "keys"]


def test_an_object_storage_is_set_by_its_address_which_is_never_repeated_where_it_may_hold_a_key(monkeypatch):
    assert "remote " in repr(ik.configure())
    assert "s3://bucket/x" in repr(ik.configure(remote="s3://bucket/x"))
    with pytest.raises(InvalidInput, match="not the address of an object storage") as caught:
        ik.configure(remote="s3://key:canary-9@bucket/x")
    assert "canary-9" not in str(caught.value)
    assert settings().remote == "s3://bucket/x"
    reset()
    monkeypatch.setenv("IMAGEGEN_REMOTE", "s3://key:canary-9@bucket/x")
    assert "canary-9" not in repr(ik.configure())
    with pytest.raises(InvalidInput) as caught:
        ik.generate("a red kite", model="offline/collage", size=64)
    assert "canary-9" not in str(caught.value)


def test_keys_that_are_none_are_refused_and_change_nothing():
    for keys in ({5: "x"}, {"A_KEY": 5}, {"A_KEY": []}, ["A_KEY"]):
        with pytest.raises(InvalidInput, match="names and texts"):
            ik.configure(keys=keys)
    assert "A_KEY" not in repr(ik.configure())


def test_copying_can_be_switched_off_again(tmp_path):
    ik.configure(remote=f"file://{tmp_path}/copies")
    assert "copies" in repr(ik.configure())
    assert "copies" not in repr(ik.configure(remote=""))

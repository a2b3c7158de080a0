"""Promise 9: no key is ever written: not in an error, a log, a pickle, a picture, a page, a notebook or the journal."""

from __future__ import annotations

import base64
import copy
import io
import json
import logging
import os
import pickle
import re
import socket
import sqlite3
import subprocess
import sys
import traceback
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from PIL import Image, PngImagePlugin

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import ImagegenError, InvalidInput
from imagegen_kit.providers.accounts import account_of
from imagegen_kit.providers.secrecy import cleaned, redacted
from imagegen_kit.registry import get_registry
from imagegen_kit.testing import simulators
from imagegen_kit.testing.simulators.job_api import FACTS
from tests.hostile_hosts import Host, answer
from tests.secret_scan import SecretScan, canary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.testing.simulators.server import Simulator

ROOT = Path(__file__).parents[2]
CLOUDS: dict[str, Callable[..., Any]] = {
    "gemini": simulators.GeminiSimulator,
    "vertex": simulators.VertexSimulator,
    "openai": simulators.OpenAISimulator,
}
SERVICES = [*CLOUDS, *sorted(FACTS)]
# What no clock of ours ends soon; the others are over at once. ``drop`` and ``slow`` are cut by the policy's timeout.
TIMEOUT_S = 3.0


def spec_of(name: str) -> ProviderSpec:
    return next(model.provider for model in get_registry().models() if model.provider.name == name)


# ------------------------------------------------------------------ the scanner finds what it should
def _in_a_picture(key: str, folder: Path, suffix: str) -> Path:
    path = folder / f"one.{suffix}"
    info = PngImagePlugin.PngInfo()
    info.add_text("note", f"Bearer {key}", zip=suffix == "png")
    more: dict[str, Any] = {"pnginfo": info} if suffix == "png" else {"xmp": f"<x>{key}</x>".encode()}
    Image.new("RGB", (8, 8)).save(path, **more)
    return path


def _in_sqlite(key: str, folder: Path) -> Path:
    path = folder / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (text)")
        connection.execute("INSERT INTO events VALUES (?)", (f"asked with {key}",))
    connection.close()
    return path


def _in_a_zip(key: str, folder: Path) -> Path:
    path = folder / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.json", json.dumps({"headers": {"Authorization": key}}) * 50)
    return path


def _in_a_notebook(key: str, folder: Path) -> Path:
    path = folder / "one.ipynb"
    path.write_text(json.dumps({"cells": [{"outputs": [{"traceback": [f"key = '{key}'"]}]}]}))
    return path


PLANTED: dict[str, Callable[[str, Path], Path | str | bytes]] = {
    "a log record": lambda key, _: f"DEBUG request headers {{'Authorization': 'Bearer {key}'}}",
    "locals of a traceback": lambda key, _: _verbose(_raised_with(key)),
    "a repr": lambda key, _: repr({"key": key}),
    "a pickle": lambda key, _: pickle.dumps({"key": key}),
    "an address": lambda key, _: f"https://example.com/?key={quote(key, safe='')}",
    "a form": lambda key, _: f"key={quote(key, safe='').lower()}",
    "basic authentication, 0 behind": lambda key, _: base64.b64encode(key.encode()).decode(),
    "basic authentication, 1 behind": lambda key, _: base64.b64encode(f"a:{key}".encode() + b"x").decode(),
    "basic authentication, 2 behind": lambda key, _: base64.b64encode(f":{key}!!".encode()).decode(),
    "base64 for addresses": lambda key, _: base64.urlsafe_b64encode(f"user:{key}".encode()),
    "half of it": lambda key, _: f"Incorrect API key provided: {key[: len(key) // 2]}***",
    "the other half": lambda key, _: f"***{key[len(key) // 2 :]}",
    "JSON with escaped slashes": lambda key, _: json.dumps({"k": key}).replace("/", "\\/"),
    "UTF-16": lambda key, _: key.encode("utf-16"),
    "the text of a PNG": lambda key, folder: _in_a_picture(key, folder, "png"),
    "the XMP of a JPEG": lambda key, folder: _in_a_picture(key, folder, "jpg"),
    "the XMP of a WebP": lambda key, folder: _in_a_picture(key, folder, "webp"),
    "a journal": _in_sqlite,
    "a bundle": _in_a_zip,
    "a notebook": _in_a_notebook,
}


def _raised_with(key: str) -> BaseException:
    try:
        held = key
        raise ValueError(len(held))
    except ValueError as error:
        return error


@pytest.mark.parametrize("sink", PLANTED)
def test_the_scanner_finds_a_key_that_was_planted(sink: str, tmp_path: Path) -> None:
    key, other = canary(), canary()
    planted = PLANTED[sink](key, tmp_path)
    scan, control = SecretScan({"key": key}), SecretScan({"other": other})
    found = scan.find_in(planted) if isinstance(planted, Path) else scan.find(planted)
    clean = control.find_in(planted) if isinstance(planted, Path) else control.find(planted)
    assert found
    assert not clean, "the scanner finds keys that are not there"


# ------------------------------------------------------------------ what frees words and errors of keys
@pytest.mark.parametrize(
    "written",
    ["{key}", "a{half}b", "{other}", "?key={quoted}", "{basic}", "Bearer {key}, {key}", "Incorrect key: {key:.30}***"],
)
def test_words_of_a_service_that_repeat_a_key_lose_it(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = canary()
    monkeypatch.setenv("FAL_KEY", key)
    account_of(spec_of("fal"))
    half, other = key[: len(key) // 2], key[len(key) // 2 :]
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    text = (
        "before " + written.format(key=key, half=half, other=other, quoted=quote(key, safe=""), basic=basic) + " after"
    )
    assert SecretScan({"key": key}).find(text)
    freed = redacted(text)
    assert SecretScan({"key": key}).find(freed) == []
    assert freed.startswith("before ")
    assert freed.endswith(" after")


def test_words_that_merely_resemble_a_key_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "simulated-key")
    account_of(spec_of("fal"))
    assert redacted("the simulated service is busy, its keys are simulated") == (
        "the simulated service is busy, its keys are simulated"
    )


def test_a_foreign_error_keeps_its_class_and_words_and_loses_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx2

    key = canary()
    monkeypatch.setenv("FAL_KEY", key)
    account_of(spec_of("fal"))
    request = httpx2.Request("GET", "https://example.com", headers={"Authorization": f"Key {key}"})

    def call(secret: str) -> None:
        try:
            raise httpx2.ConnectError(f"refused {secret}", request=request)
        except httpx2.ConnectError as error:
            raise ImagegenError(f"not with {secret}") from error

    with pytest.raises(ImagegenError) as caught:
        call(key)
    error = cleaned(caught.value)
    assert error is caught.value
    error.__traceback__ = error.__traceback__.tb_next  # this test's own frame knows the key
    assert isinstance(error.__cause__, httpx2.ConnectError)
    assert str(error.__cause__) == "refused …"
    told = _told(error)
    assert 'raise httpx2.ConnectError(f"refused {secret}"' in told[0][1], "the line stays in the traceback"
    assert SecretScan({"key": key}).find_among(told) == {}


# ------------------------------------------------------------------ every provider through every failure
@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """Yield a file that every record of every logger is written to, as DEBUG would."""
    text = io.StringIO()
    keep = logging.StreamHandler(text)
    keep.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    root = logging.getLogger()
    named = [logging.getLogger(n) for n in ("httpx2", "httpcore2", "openai", "google_genai", "asyncio", "httpx")]
    levels = [(one, one.level) for one in (root, *named)]
    root.addHandler(keep)
    for one, _ in levels:
        one.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.removeHandler(keep)
        for one, level in levels:
            one.setLevel(level)


def _verbose(error: BaseException) -> str:
    """Return the traceback with the locals of every frame, as verbose tools print it."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True, compact=False).format())


def _as_ipython_shows(error: BaseException) -> str:
    from IPython.core.ultratb import VerboseTB

    parts = VerboseTB(theme_name="nocolor", include_vars=True).structured_traceback(
        type(error), error, error.__traceback__
    )
    return "\n".join(map(str, parts))


def _told(error: BaseException) -> list[tuple[str, str | bytes]]:
    """Return everything that a program may show of an error and of what it is chained to."""
    texts: list[tuple[str, str | bytes]] = [("verbose traceback", _verbose(error))]
    chain: list[BaseException] = [error]
    while chain:
        one = chain.pop()
        held = {name: getattr(one, name, None) for name in dir(one) if not name.startswith("__")}
        texts += [("error", f"{one!r} {one} {one.args!r} {vars(one)!r}"), ("attributes", repr(held))]
        for name in ("request", "response"):
            with suppress(AttributeError, RuntimeError):
                texts.append((f"headers of the {name}", repr(dict(getattr(one, name).headers))))
        chain += [other for other in (one.__cause__, one.__context__) if other is not None]
    return texts


def sim_of(name: str, key: str) -> Simulator:
    made: Simulator = CLOUDS[name](key=key) if name in CLOUDS else simulators.JobApiSimulator(name, key=key, polls=0)
    return made


def request_for(name: str, spec: ProviderSpec) -> dict[str, Any]:
    model = next(model for model in spec.models if model.kind == "image")
    given: dict[str, Any] = {"prompt": "a kite", "model": f"{name}/{model.name}"}
    if model.can.min_references:
        given["references"] = [ik.Reference(Image.new("RGB", (64, 64), (9, 80, 70)))]
    return given


class Watched:
    """One provider at its simulator with a canary as its key, and everything that was told of it so far."""

    def __init__(self, name: str, sim: Simulator, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spec = spec_of(name)
        self.keys = {"key": key}
        monkeypatch.setenv(self.spec.base_url_env[0], sim.base_url)
        if self.spec.key_env:
            monkeypatch.setenv(self.spec.key_env[0], key)
        for setting in self.spec.settings_env:
            if setting.endswith(("_MODEL", "_MODEL_ID")):
                monkeypatch.setenv(setting, "some-model")
        self.name, self.sim = name, sim
        self.texts: list[tuple[str, str | bytes]] = []
        self.statuses: dict[str, str] = {}

    def play(self, mode: str) -> None:
        self.sim.play(mode)
        policy = ik.Policy(attempts=1, timeout_s=TIMEOUT_S, cache=False, clock="simulated")
        given = request_for(self.name, self.spec)
        result = ik.run(ik.recipes.image, policy=policy, **given).results[0]
        self.statuses[mode] = result.status
        self.texts += [(f"{mode}: result", repr(result)), (f"{mode}: its parts", repr([vars_of(result)]))]
        self.texts.append((f"{mode}: copy", repr(copy.copy(result.request))))
        self.texts.append((f"{mode}: display", result._repr_html_() or ""))
        if result.exception is not None:
            self.texts += [(f"{mode}: {what}", text) for what, text in _told(result.exception)]
            if mode in ("not_json", "no_picture", "drop"):  # half a second each
                self.texts.append((f"{mode}: IPython", _as_ipython_shows(result.exception)))
            alone = copy.copy(result.exception)
            alone.request = None  # type: ignore[attr-defined]  # a request cannot be pickled
            self.texts.append((f"{mode}: pickled error", pickle.dumps(alone)))
            try:
                ik.generate(policy=policy, **given) if mode == "quota" else result.unwrap()
            except (ImagegenError, AttributeError) as error:
                self.texts += [(f"{mode}: raised, {what}", text) for what, text in _told(error)]

    def look_around(self, folder: Path) -> None:
        """Note what is shown apart from single results: the account, the provider object, tables, exports."""
        account = account_of(self.spec)
        self.texts += [("account", f"{account!r} {copy.deepcopy(account)!r}"), ("its pickle", pickle.dumps(account))]
        provider = get_registry().provider_target(self.name)(account)
        self.texts += [("provider", repr(provider)), ("its attributes", repr(vars(provider)))]
        self.texts += [("what it holds", repr(getattr(held, "__dict__", held))) for held in vars(provider).values()]
        run = ik.open_run("latest")
        for frame in (run.table(), ik.usage(), ik.models(), ik.plugins()):
            self.texts += [("table", frame.to_csv()), ("table in a cell", frame._repr_html_() or "")]
        self.texts += [
            ("run", repr(run)),
            ("run in a cell", run._repr_html_() or ""),
            ("settings", repr(ik.configure())),
        ]
        self.texts.append(("settings in a cell", ik.configure()._repr_html_() or ""))
        run.save(folder / "saved")
        for picture in [p for result in run for p in result.artifacts]:
            for suffix in ("png", "jpg", "webp"):
                picture.save(folder / "exports" / f"{picture.sha256[:8]}.{suffix}")


def vars_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name, None) for name in getattr(value, "__slots__", ()) or vars(value)}


DIFFERENT = ("rate_limited", "not_json", "no_picture", "drop", "blocked_before", "job_failed")


def different_modes(sim: Simulator) -> list[str]:
    """Return one failure of each kind that the service has a way to show; ``make soak`` goes through all of them."""
    return [mode for mode in DIFFERENT if mode in sim.modes] + ["ok"]


def watch(name: str, modes: Callable[[Simulator], list[str]], folder: Path, monkeypatch: Any) -> Watched:
    key = canary()
    with everything_logged() as logged, sim_of(name, key) as sim:
        watched = Watched(name, sim, key, monkeypatch)
        for mode in modes(sim):
            watched.play(mode)
        watched.look_around(folder)
        store = default_engine().store.path
        close_default_engine()
    assert (
        all(key in str(r.headers) + r.query for r in sim.ledger.requests if r.method == "POST")
        or not watched.spec.key_env
    )
    watched.texts.append(("what was logged", logged.getvalue()))
    assert logged.getvalue().count("\n") > 10, "nothing was logged, so nothing was looked at"
    scan = SecretScan(watched.keys)
    assert scan.find_among(watched.texts) == {}
    assert scan.find_in(store, folder) == {}
    return watched


@pytest.mark.parametrize("name", SERVICES)
def test_a_provider_writes_its_key_nowhere_however_it_fails(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    watched = watch(name, different_modes, tmp_path / "out", monkeypatch)
    out, err = capfd.readouterr()
    assert SecretScan(watched.keys).find(out + err) == []
    assert watched.statuses["ok"] == "ok"
    assert {status for mode, status in watched.statuses.items() if mode != "ok"} & {"failed", "unknown", "blocked"}


@pytest.mark.soak
@pytest.mark.parametrize("name", SERVICES)
def test_a_provider_writes_its_key_nowhere_in_any_mode(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(name, lambda sim: [*(m for m in sim.modes if m != "ok"), "ok"], tmp_path / "out", monkeypatch)
    assert watched.statuses["ok"] == "ok"


# ------------------------------------------------------------------ services that repeat the key
ECHOES = {
    "as it is": lambda key: key,
    "cut off": lambda key: key[:30],
    "masked": lambda key: f"{key[:20]}****{key[-4:]}",
    "the end": lambda key: f"***{key[21:]}",
    "in base64": lambda key: base64.b64encode(f"x:{key}".encode()).decode(),
    "in an address": lambda key: quote(f"https://example.com/?key={key}", safe=""),
    "many times": lambda key: " ".join([key] * 40),
}


@pytest.mark.parametrize("name", ["gemini", "openai", "openai-compatible", "bfl"])
@pytest.mark.parametrize("echo", ECHOES)
def test_a_service_that_repeats_the_key_does_not_get_it_written(
    name: str, echo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = canary()
    words = ECHOES[echo](key)
    bodies = [
        json.dumps(
            {"error": {"message": f"Incorrect API key provided: {words}.", "code": 401}, "detail": words}
        ).encode(),
        f"no JSON but {words}".encode(),
        json.dumps({"id": "1", "error": words, "data": [{"url": f"http://127.0.0.1/{words}"}], words: words}).encode(),
    ]
    replies = [
        answer(bodies[0], "Content-Type: application/json", status="401 Unauthorized"),
        answer(bodies[1], "Content-Type: text/plain", f"X-Key: {words}"),
        answer(bodies[0], f"Location: http://example.com/{quote(words)}", status="302 Found"),
        answer(bodies[2], "Content-Type: application/json"),
        answer(bodies[1], status="500 Oops"),
    ]
    asked = iter(range(1000))

    def repeat(connection: socket.socket, head: bytes) -> None:
        connection.sendall(replies[next(asked) % len(replies)])

    with Host(repeat) as host, everything_logged() as logged:
        spec = spec_of(name)
        monkeypatch.setenv(spec.base_url_env[0], f"http://127.0.0.1:{host.port}")
        monkeypatch.setenv(spec.key_env[0], key)
        for setting in spec.settings_env:
            if setting.endswith("_MODEL"):
                monkeypatch.setenv(setting, "some-model")
        texts: list[tuple[str, str | bytes]] = []
        for _ in replies:
            policy = ik.Policy(attempts=1, timeout_s=TIMEOUT_S, cache=False, clock="simulated")
            result = ik.run(ik.recipes.image, policy=policy, **request_for(name, spec)).results[0]
            assert result.exception is not None
            texts += [("result", repr(result)), ("display", result._repr_html_() or ""), *_told(result.exception)]
        texts.append(("table", ik.open_run("latest").table().to_csv()))
        store = default_engine().store.path
        close_default_engine()
    scan = SecretScan({"key": key})
    assert scan.find_among(texts) == {}
    assert scan.find_in(store) == {}
    assert next(asked) >= len(replies)
    assert "openai" not in name or logged.getvalue()


# ------------------------------------------------------------------ keys by every way they may be given
def test_keys_given_to_configure_are_not_in_the_error_that_it_raises() -> None:
    keys = {"FAL_KEY": canary(), "GEMINI_API_KEY": canary()}

    def configure(**more: Any) -> BaseException:
        try:
            ik.configure(keys=_read_keys(), **more)
        except InvalidInput as error:
            return error
        raise AssertionError("nothing was raised")

    def _read_keys() -> dict[str, str]:
        return dict(keys)

    scan = SecretScan(keys)
    for more in ({"budget_usd": True}, {"budget_usd": -1}, {"catalogue": "nowhere.yaml"}, {"env_file": "nowhere"}):
        error = configure(**more)
        frames = list(traceback.walk_tb(error.__traceback__))[1:]  # the test's own frame knows the keys
        shown = [repr(dict(frame.f_locals)) for frame, _ in frames]
        assert len(frames) >= 1
        assert scan.find(" ".join(shown)) == []


def test_a_key_file_that_is_no_mapping_is_not_shown() -> None:
    key = canary()
    with pytest.raises(InvalidInput) as caught:
        ik.configure(keys=key)  # type: ignore[arg-type]
    frames = [repr(dict(f.f_locals)) for f, _ in list(traceback.walk_tb(caught.value.__traceback__))[1:]]
    assert SecretScan({"key": key}).find(f"{caught.value} {frames}") == []


def test_a_dotenv_file_with_keys_is_not_shown_where_a_setting_in_it_is_wrong(tmp_path: Path) -> None:
    key = canary()
    (tmp_path / ".env").write_text(f"FAL_KEY={key}\nIMAGEGEN_BUDGET_USD=lots\n")
    with pytest.raises(InvalidInput, match="IMAGEGEN_BUDGET_USD") as caught:
        ik.configure(store="here")
    caught.value.__traceback__ = caught.value.__traceback__.tb_next  # this test's own frame knows the key
    assert SecretScan({"key": key}).find_among(_told(caught.value)) == {}


def test_the_command_line_prints_no_key_and_keeps_none(tmp_path: Path) -> None:
    key, other = canary(), canary()
    with simulators.OpenAISimulator(key=key) as sim:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.endswith("_KEY")},
            "PYTHONPATH": str(Path(ik.__file__).parents[1]),
            "OPENAI_API_KEY": other,  # a wrong one: the service repeats it
            "OPENAI_BASE_URL": sim.base_url,
            "S3_SECRET_ACCESS_KEY": key,
            "S3_ACCESS_KEY_ID": canary(),
        }
        (tmp_path / ".env").write_text(f"FAL_KEY={key}\n")
        printed = ""
        for arguments in (["generate", "a kite", "--model", "openai/gpt-image-2"], ["usage"]):
            command = [sys.executable, "-m", "imagegen_kit.cli", *arguments]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
            printed += done.stdout + done.stderr
        assert [r.headers["authorization"] for r in sim.ledger.requests if r.method == "POST"] == [f"Bearer {other}"]
    assert "the service" in printed
    (tmp_path / ".env").unlink()
    scan = SecretScan({"right": key, "wrong": other, "id": environment["S3_ACCESS_KEY_ID"]})
    assert scan.find(printed) == []
    assert scan.find_in(tmp_path) == {}


NOTEBOOK = """
%xmode Verbose
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, force=True)
import imagegen_kit as ik
print(ik.configure())
---
run = ik.Experiment(vary={"model": ["openai/gpt-image-2", "fal/flux-schnell"]}, fixed={"prompt": "a kite"}).run()
run
---
run.table()
---
ik.generate("a kite", model="openai/gpt-image-2", policy=ik.Policy(attempts=1))
---
run.results if hasattr(run, "results") else [r.exception for r in run]
"""


@pytest.mark.slow
def test_an_executed_notebook_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real kernel with verbose tracebacks and DEBUG logs, in front of services that refuse and break off."""
    import nbformat
    from nbclient import NotebookClient

    keys = {"openai": canary(), "fal": canary()}
    monkeypatch.setenv("PYTHONPATH", str(Path(ik.__file__).parents[1]))
    monkeypatch.setenv("OPENAI_API_KEY", keys["openai"])
    (tmp_path / ".env").write_text(f"FAL_KEY={keys['fal']}\n")
    openai, fal = simulators.OpenAISimulator(key=keys["openai"]), simulators.JobApiSimulator("fal", key=keys["fal"])
    with openai, fal:
        openai.play("quota", "not_json", "html_502")
        fal.play("drop")
        monkeypatch.setenv("OPENAI_BASE_URL", openai.base_url)
        monkeypatch.setenv("FAL_BASE_URL", fal.base_url)
        cells = [nbformat.v4.new_code_cell(code.strip()) for code in NOTEBOOK.split("---")]
        book = nbformat.v4.new_notebook(cells=cells)
        client = NotebookClient(book, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}})
        client.execute()
    (tmp_path / ".env").unlink()
    nbformat.write(book, tmp_path / "done.ipynb")
    text = (tmp_path / "done.ipynb").read_text()
    assert "Traceback" in text
    assert "DEBUG:" in text
    assert openai.ledger.requests
    assert SecretScan(keys).find_in(tmp_path) == {}


# ------------------------------------------------------------------ the repository
LOOKS_LIKE_A_KEY = re.compile(
    r"sk-[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}"
    r"|hf_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|xox[abp]-[0-9A-Za-z-]{20,}|ya29\.[0-9A-Za-z_-]{30,}"
)


def test_no_file_of_the_repository_looks_as_if_it_held_a_key() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in tracked.split("\0") if name and (ROOT / name).is_file()]
    assert sum(name.endswith(".ipynb") for name in names) >= 3
    found = {}
    for name in names:
        data = (ROOT / name).read_bytes().decode("latin-1")
        if hits := LOOKS_LIKE_A_KEY.findall(data):
            found[name] = hits
    assert found == {}


@pytest.mark.parametrize("start", ["sk-", "AIza", "ghp_", "r8_", "hf_", "AKIA"])
def test_the_look_for_keys_in_the_repository_would_find_one(start: str) -> None:
    made = start + "Q7" * 20
    assert LOOKS_LIKE_A_KEY.findall(f"key = '{made if start != 'AKIA' else start + 'Q7' * 8}'")

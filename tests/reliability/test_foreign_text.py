"""Promise 12: foreign text is data. It draws no live HTML, runs no code, leaves no folder and commands no terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from PIL import Image
from pydantic import SecretStr

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.catalog import load_yaml
from imagegen_kit.catalog.job_api import shipped_job_apis
from imagegen_kit.engine.session import close_default_engine
from imagegen_kit.errors import ImagegenError, InvalidInput, ProviderError, printable
from imagegen_kit.experiments.files import read_experiment
from imagegen_kit.prompts import templates
from imagegen_kit.providers.base import Account
from imagegen_kit.providers.job_api.job import Job
from imagegen_kit.providers.job_api.service import Service
from imagegen_kit.registry import reset_registry
from imagegen_kit.types import Accepted, Prompt, Reply
from tests.engine.models import model, picture
from tests.hostile_hosts import Host
from tests.payloads import HOSTILE_YAML, PAYLOADS, payloads

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(ik.__file__).parents[1]
NAMES = list(PAYLOADS)
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), "")
LIVE = ("script", "iframe", "object", "embed", "link", "meta", "base", "form", "svg", "math", "style", "video", "audio")


def refusing(text: str) -> Any:
    async def step(script: Any, request: Any, on_progress: Any) -> Reply:
        await on_progress(Accepted("".join(text.split()) or "x", f"https://example.org/{text}"))
        raise ProviderError(f"the service says: {text}", paid=True, status=text)

    return step


class Shown:
    """A run in which everything that others may name is foreign text, and all that is shown of it."""

    def __init__(self, folder: Path, canary: Host) -> None:
        self.folder, self.canary = folder, canary
        self.texts = payloads(f"http://127.0.0.1:{canary.port}")
        values = [ik.Reference(Image.new("RGB", (9, 9)), name=t, description=t) for t in self.texts.values()]
        model("sea/good")
        model("hill/bad", *(refusing(text) for text in self.texts.values()))
        prompts = [Prompt(t, id=t, category=t, tags=(t,)) for t in self.texts.values()]
        self.experiment = ik.Experiment(
            vary={"prompt": prompts, "model": ["sea/good", "hill/bad"]},
            fixed={"style": ik.Style("one", text=self.texts["script"], negative=self.texts["svg"])},
            name=self.texts["handler that breaks out of double quotes"],
            policy=ik.Policy(attempts=1, concurrency=1),
        )
        self.run = self.experiment.run(progress=False)
        self.references = values

    def html(self) -> dict[str, str]:
        """Return every page that the run and its parts show of themselves."""
        run = self.run
        shown: dict[str, Any] = {"run": run, "experiment": self.experiment, "settings": ik.configure()}
        shown |= {f"result {n}": result for n, result in enumerate(run)}
        shown |= {f"request {n}": result.request for n, result in enumerate(run)}
        shown |= {f"reference {n}": one for n, one in enumerate(self.references)}
        shown |= {f"style {n}": ik.Style("one", text=text, suffix=text) for n, text in enumerate(self.texts.values())}
        shown |= {f"prompt {n}": ik.compile_prompt(text) for n, text in enumerate(self.texts.values())}
        shown |= {"table": run.table(), "summary": run.summary(), "by prompt": run.summary("prompt")}
        shown |= {"fairness": run.fairness(), "costs": run.costs("prompt"), "runs": ik.runs(), "usage": ik.usage("run")}
        shown |= {
            "plan": self.experiment.plan(),
            "diff": run.diff(0, 1),
            "styles": ik.styles(),
            "plugins": ik.plugins(),
        }
        return {name: html for name, one in shown.items() if (html := one._repr_html_())}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("foreign")
    before = Path.cwd()
    reset_registry()
    os.chdir(folder)
    with Host() as canary:
        made = Shown(folder, canary)
        made.pages = made.html()  # type: ignore[attr-defined]  # made while the engine of this session is open
        made.table = made.run.table()  # type: ignore[attr-defined]
        made.results = list(made.run)  # type: ignore[attr-defined]
        made.saved = made.run.save(folder / "saved")  # type: ignore[attr-defined]
        made.experiment.to_yaml(folder / "experiment.yaml")
        close_default_engine()
        settings.reset()
        os.chdir(before)
        yield made
    reset_registry()


# ------------------------------------------------------------------ pages
def live_parts(html: str) -> list[str]:
    """Return every node of a page that could run, load or send something."""
    found = []
    for tag in BeautifulSoup(html, "html.parser").find_all(True):
        found += [str(tag)[:80]] if tag.name in LIVE and not _of_pandas(tag) else []
        for name, value in tag.attrs.items():
            text = " ".join(value) if isinstance(value, list) else str(value)
            acts = name.startswith("on") or name in ("srcdoc", "formaction", "data-commandlinker-command")
            loads = name in ("src", "href", "action", "srcset", "poster", "data") and not text.startswith("data:image/")
            styled = name == "style" and re.search(r"url\(|expression|@import", text)
            found += [f"{name}={text[:60]}"] if acts or loads or styled else []
    return found


def _of_pandas(tag: Any) -> bool:
    """Whether a style sheet is the one that pandas puts before each table."""
    return tag.name == "style" and "scoped" in tag.attrs and "dataframe" in tag.get_text()


def test_no_page_holds_a_node_that_could_run_or_load(shown: Any) -> None:
    assert len(PAYLOADS) >= 40
    assert len(shown.pages) > 4 * len(PAYLOADS)
    assert {name: parts for name, page in shown.pages.items() if (parts := live_parts(page))} == {}


@pytest.mark.parametrize("name", ["script", "handler", "svg", "frame", "picture from elsewhere", "style attribute"])
def test_the_look_for_live_nodes_finds_them_where_nothing_is_escaped(name: str) -> None:
    text = payloads("http://127.0.0.1:9")[name]
    assert live_parts(f'<div title="{text}">{text}</div>')


def test_no_page_holds_a_character_that_commands_something(shown: Any) -> None:
    ours = {name: page for name, page in shown.pages.items() if "dataframe" not in page}  # pandas writes its own
    assert len(ours) > 4 * len(PAYLOADS)
    assert [name for name, page in ours.items() if COMMANDS.search(page)] == []


def in_chromium(page: Path, folder: Path) -> str:
    """Return the page as it is after a real browser has loaded it and run what it would run."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio"]
    command += [f"--user-data-dir={folder}", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=90).stdout


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; the parser looks at the same pages")
def test_in_a_real_browser_nothing_runs_and_nothing_is_loaded(shown: Any, tmp_path: Path) -> None:
    head = "<!doctype html><meta charset=utf-8><title>quiet</title>"
    pages = {"ours": "".join(shown.pages.values()), "bare": "".join(f"<div>{t}</div>" for t in shown.texts.values())}
    dumped, fetched = {}, {}
    for name, body in pages.items():
        before = shown.canary.connections
        (tmp_path / f"{name}.html").write_bytes((head + body).encode("utf-8", "replace"))
        dumped[name] = in_chromium(tmp_path / f"{name}.html", tmp_path / "profile")
        fetched[name] = shown.canary.connections - before
    assert "<title>quiet</title>" in dumped["ours"]
    assert fetched["ours"] == 0
    assert "<title>hit</title>" in dumped["bare"] or fetched["bare"], "the browser runs nothing at all"


# ------------------------------------------------------------------ what is kept
def test_what_was_written_is_what_is_read_back(shown: Any) -> None:
    texts = list(shown.texts.values())
    asked = [result.request.prompt for result in shown.results[::2]]
    assert [p for p, text in zip(asked, texts, strict=True) if not p.startswith(text.strip())] == []
    assert set(shown.table["prompt"]) == set(texts)
    assert shown.table["status"].value_counts().to_dict() == {"ok": len(texts), "failed": len(texts)}


def test_a_saved_picture_tells_its_prompt_as_it_was(shown: Any, tmp_path: Path) -> None:
    for name, result in zip(NAMES, shown.results[::2], strict=True):
        for suffix in ("png", "jpg", "webp"):
            record = ik.Picture.open(result.artifacts[0].save(tmp_path / f"one.{suffix}")).request
            assert record is not None, name
            assert record["request"]["prompt"] == result.request.prompt, name


def test_every_file_lies_under_the_folder_and_has_a_plain_short_name(shown: Any) -> None:
    files = [path for path in shown.folder.rglob("*") if path.is_file()]
    assert len([path for path in files if path.parent == shown.saved]) == len(PAYLOADS) + 1
    for path in files:
        assert path.resolve().is_relative_to(shown.folder.resolve())
        assert not path.is_symlink()
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,140}", path.name), path.name
        assert path.stem.upper() not in ("CON", "NUL", "AUX", "PRN", "COM1", "LPT1")
    assert not [path for path in files if path.name == "hit"]
    listed = json.loads((shown.saved / "metadata.json").read_text(encoding="utf-8"))["pictures"]
    assert all(row["file"] is None or (shown.saved / row["file"]).is_file() for row in listed)


def test_an_experiment_goes_through_its_file_unchanged(shown: Any) -> None:
    read = read_experiment(shown.folder / "experiment.yaml")
    assert [str(prompt) for prompt in read["vary"]["prompt"]] == list(shown.texts.values())
    assert [prompt.id for prompt in read["vary"]["prompt"]] == list(shown.texts.values())
    assert read["name"] == shown.experiment.name
    assert not (shown.folder / "hit").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_path_made_of_foreign_text_is_written_where_it_says_or_refused(name: str, tmp_path: Path) -> None:
    """Whoever names a path himself gets exactly that path, or is told why not; nothing else breaks."""
    text = payloads("http://127.0.0.1:9")[name].lstrip("/\\~").replace("../", "").replace("..", "up") or "x"
    shot = ik.Picture.from_bytes(picture())
    with suppress(ImagegenError):
        made = shot.save(tmp_path / "inside" / text)
        assert made.read_bytes()[:4] == b"\x89PNG"
        assert made.is_relative_to(tmp_path / "inside")
    assert [p for p in tmp_path.rglob("*.part")] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_names_files_by_prompts_safely(name: str, tmp_path: Path) -> None:
    from imagegen_kit.cli.making import _target

    path = _target(tmp_path, payloads("http://127.0.0.1:9")[name], "png")
    assert path.parent == tmp_path
    assert re.fullmatch(r"\w[\w-]{0,48}\.png", path.name)
    assert len(path.name.encode()) < 200
    assert path.stem.upper() not in ("CON", "NUL")


# ------------------------------------------------------------------ terminals and messages
def test_the_command_line_prints_no_command_to_the_terminal(shown: Any, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    store = str(shown.run.path)
    printed = ""
    for arguments in (["show", "latest", "--by", "prompt", "--table"], ["show", "\x1b[31mno such run\x07"]):
        command = [sys.executable, "-m", "imagegen_kit.cli", "--store", store, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
        printed += (done.stdout + done.stderr).decode("utf-8")
    assert COMMANDS.findall(printed) == []
    assert r"\x1b[31mred" in printed
    assert "the service says: <script>" in printed


@pytest.mark.parametrize("name", NAMES)
def test_a_message_commands_no_terminal(name: str) -> None:
    text = payloads("http://127.0.0.1:9")[name]
    error = ProviderError(f"the service says: {text}", model=text, status=text)
    assert not COMMANDS.search(str(error))
    assert not COMMANDS.search(f"{error!r}")
    assert printable("Umlaute: äöü, 画, עברית, 👩‍👧\n\tindented") == "Umlaute: äöü, 画, עברית, 👩‍👧\n\tindented"


# ------------------------------------------------------------------ templates and YAML
@pytest.mark.parametrize("name", NAMES)
def test_foreign_text_in_a_field_is_written_as_it_is_and_as_a_template_runs_nothing(name: str) -> None:
    text = payloads("http://127.0.0.1:9")[name]
    assert templates.render("a {{ thing }} b", thing=text) == f"a {text} b".strip()
    began = time.process_time()
    with suppress(InvalidInput):
        made = templates.render(f"x {text} y")
        assert len(made) <= 20_000
        assert "<class" not in made
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", NAMES)
def test_foreign_text_as_a_pattern_of_prompts_is_bounded(name: str) -> None:
    text = payloads("http://127.0.0.1:9")[name]
    began = time.process_time()
    with suppress(InvalidInput):
        assert len(ik.prompt_matrix(text)) <= 10_000
    assert time.process_time() - began < 5


def _as_catalogue(path: Path) -> object:
    ik.configure(catalogue=path)
    return ik.models()


READERS: dict[str, Any] = {
    "yaml": load_yaml,
    "experiment": read_experiment,
    "suite": ik.prompt_suite,
    "catalogue": _as_catalogue,
    "job api": lambda path: ik.register(path),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", HOSTILE_YAML)
@pytest.mark.usefixtures("own_registry")
def test_hostile_yaml_is_refused_by_every_reader(name: str, reader: str, tmp_path: Path) -> None:
    text, said = HOSTILE_YAML[name]
    path = tmp_path / "file.yaml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(InvalidInput, match=re.escape(said)):
        READERS[reader](path)
    assert time.process_time() - began < 5
    assert not (tmp_path / "hit").exists()


# ------------------------------------------------------------------ ids that a service names
@pytest.mark.parametrize("name", NAMES)
def test_a_job_id_leads_to_no_other_address_of_the_service(name: str) -> None:
    import httpx2

    text = payloads("http://127.0.0.1:9")[name]
    api = shipped_job_apis()["replicate"]
    service = Service(api, Account(key=SecretStr("x"), base_url="https://api.example.com/v1"))
    job = Job.of_reply(api, {"id": text, "urls": {}})
    assert job is not None
    assert Job.of_token(job.token(api)).id == job.id
    assert not re.search(r"\s", job.id)
    try:
        built = httpx2.URL(service.address("{base}/predictions/{id}/cancel", {"id": job.id}, model="x/y"))
    except (ProviderError, httpx2.InvalidURL):
        return
    assert (built.scheme, built.host, built.userinfo, built.query) == ("https", "api.example.com", b"", b"")
    assert built.raw_path.startswith(b"/v1/predictions/")
    assert built.raw_path.endswith(b"/cancel")
    assert built.raw_path.count(b"/") == 4


@pytest.mark.parametrize("id", ["..", ".", "../..", "x/../../admin"])
def test_an_id_that_would_lead_elsewhere_is_refused(id: str) -> None:
    service = Service(shipped_job_apis()["replicate"], Account(base_url="https://api.example.com/v1"))
    with pytest.raises(ProviderError, match="cannot be built") as caught:
        service.address("{base}/predictions/{id}", {"id": id}, model="x/y")
    assert caught.value.paid is None

"""The command line: what it prints, writes and answers with."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

import imagegen_kit as ik
from imagegen_kit.cli import app

EXPERIMENT = """\
name: from a file
vary:
  prompt: [a red car, a storm]
  style: [null, film-noir]
fixed: {model: offline/collage, seed: 4, size: 64x64}
"""


def imagegen(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; return exit status, standard output and standard error."""
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def experiment(tmp_path: Path) -> str:
    path = tmp_path / "experiment.yaml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return str(path)


@pytest.fixture
def moody(own_registry: None) -> None:
    @ik.register(model="me/moody", version="1")
    def moody(request: object) -> Image.Image:
        if "storm" in str(request):
            raise ValueError("the sky fell")
        return Image.new("RGB", (64, 64))


class TestGenerate:
    def test_each_picture_is_a_file_and_a_line(self) -> None:
        status, out, err = imagegen("generate", "A red car!", "--n", "2", "--size", "64x64", "--seed", "3")
        assert status == 0
        assert [line.split("  ")[:2] for line in out.splitlines()] == [
            ["a-red-car.png", "offline/collage"],
            ["a-red-car-1.png", "offline/collage"],
        ]
        assert all(line.endswith("$0.00") for line in out.splitlines())
        assert "offline stand-in, not a generative model" in err
        assert ik.Picture.open("a-red-car-1.png").width == 64

    def test_a_file_that_is_there_is_kept_unless_forced(self) -> None:
        Path("car.png").write_bytes(b"mine")
        assert imagegen("generate", "a car", "--size", "64", "-o", "car.png")[1].startswith("car-1.png")
        assert Path("car.png").read_bytes() == b"mine"
        assert imagegen("generate", "a car", "--size", "64", "-o", "car.png", "--force")[1].startswith("car.png")
        assert Path("car.png").read_bytes() != b"mine"

    def test_a_folder_takes_the_picture_under_its_own_name(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        assert imagegen("generate", "a car", "--size", "64", "-o", "out")[0] == 0
        assert (tmp_path / "out" / "a-car.png").is_file()

    def test_all_faults_are_told_at_once_without_a_traceback(self) -> None:
        status, out, err = imagegen("generate", "a car", "--model", "nope", "--size", "0x0", "--reference", "none.png")
        assert status == 2
        assert out == ""
        assert "no model is called 'nope'" in err
        assert "width 0" in err
        assert "none.png" in err
        assert "Traceback" not in err

    @pytest.mark.usefixtures("moody")
    def test_a_failure_of_the_model_is_told_with_status_1(self) -> None:
        status, _, err = imagegen("generate", "a storm", "--model", "me/moody")
        assert status == 1
        assert "the sky fell" in err


class TestRun:
    def test_a_run_is_summed_up_and_can_be_shown_again(self, experiment: str) -> None:
        status, out, _ = imagegen("run", experiment, "--save", "out")
        assert status == 0
        assert "from a file: 4 cells · 4 ok · cost $0.00" in out
        assert len(list(Path("out").glob("*.png"))) == 4
        assert f"run {ik.open_run().id} in " in out
        status, out, _ = imagegen("show", "--table", "--by", "style")
        assert status == 0
        assert [line.split()[0] for line in out.splitlines()[1:4]] == ["style", "none", "film-noir"]
        assert out.splitlines()[4].split() == ["cell", "prompt", "style", "status", "seconds", "cost_usd", "sha256"]

    def test_the_same_file_continues_its_run_and_fresh_starts_another(self, experiment: str) -> None:
        for arguments in ((), (), ("--fresh",)):
            assert imagegen("run", experiment, *arguments)[0] == 0
        assert len(ik.runs()) == 2
        assert "from a file" in imagegen("runs")[1]

    @pytest.mark.usefixtures("moody")
    def test_failures_are_counted_and_the_status_is_1(self, experiment: str) -> None:
        Path(experiment).write_text(EXPERIMENT.replace("offline/collage", "me/moody"), encoding="utf-8")
        status, out, err = imagegen("run", experiment)
        assert status == 1
        assert "2 ok, 2 failed" in out
        assert "2 of 4 failed" in err

    def test_a_plan_names_each_cell_and_sends_nothing(self, experiment: str) -> None:
        status, out, _ = imagegen("plan", experiment)
        assert status == 0
        assert "4 cells, 4 pictures, est. $0.00" in out
        assert len(ik.runs()) == 0

    def test_a_file_with_faults_is_refused_with_its_lines(self, tmp_path: Path) -> None:
        (tmp_path / "bad.yaml").write_text("vary: {prompt: [a]}\nrepeat: 3\n", encoding="utf-8")
        status, _, err = imagegen("plan", "bad.yaml")
        assert status == 2
        assert "bad.yaml:2" in err
        assert "repeats" in err

    def test_ctrl_c_stops_with_a_hint_and_status_130(self, experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
        from imagegen_kit.experiments.experiment import Experiment

        def interrupted(self: Experiment, **_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Experiment, "run", interrupted)
        status, _, err = imagegen("run", experiment)
        assert (status, err) == (130, "stopped; run it again to go on\n")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("models",), "offline/collage"),
        (("models", "--all"), "ready"),
        (("styles",), "film-noir"),
        (("plugins",), "offline/collage"),
        (("runs",), "no runs yet"),
        (("usage",), "nothing was called yet"),
        (("--version",), ik.__version__),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_lists_are_whole_where_they_are_piped(arguments: tuple[str, ...], wanted: str) -> None:
    status, out, _ = imagegen(*arguments)
    assert status == 0
    assert wanted in out
    assert "…" not in out


def in_a_terminal(*arguments: str) -> list[str]:
    """Run the command with a pseudo-terminal as its standard output; return the lines."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "imagegen_kit.cli", *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        chunks: list[bytes] = []
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while chunk := os.read(ours, 65536):
                chunks.append(chunk)
        os.close(ours)
    assert process.returncode == 0
    return b"".join(chunks).decode().splitlines()


def test_on_a_terminal_lines_have_120_characters_and_what_to_mend_stands_whole_below(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("models:\n  acme/one: {as_of: '2026-12-01', source: us}\n", encoding="utf-8")
    (tmp_path / ".env").write_text(f"IMAGEGEN_CATALOGUE={mine}\n", encoding="utf-8")
    lines = in_a_terminal("plugins")
    assert max(map(len, lines)) <= 120
    row = next(n for n, line in enumerate(lines) if line.startswith("catalogue "))
    below = list(itertools.takewhile(lambda line: line.startswith("    "), lines[row + 1 :]))
    said = " ".join(" ".join(below).split())
    record = ik.plugins().loc["catalogue"]
    assert said == f"reason: {record.reason} fix: {record.fix}"
    for arguments in (("models",), ("models", "--all")):
        lines = in_a_terminal(*arguments)
        assert max(map(len, lines)) <= 120
        assert any(line.strip().startswith("fix: ") for line in lines)


def test_all_models_are_listed_with_what_the_retired_ones_need() -> None:
    out = imagegen("models", "--all")[1]
    assert out.splitlines()[0].split()[-1] == "fix"
    assert len(out.splitlines()) == len(ik.models()) + 1
    assert len(imagegen("models")[1].splitlines()) == len(ik.models(retired=False)) + 1


def test_usage_counts_what_was_called() -> None:
    imagegen("generate", "a car", "--size", "64")
    status, out, _ = imagegen("usage", "--by", "model")
    assert status == 0
    assert out.splitlines()[0].split()[:3] == ["model", "calls", "stored"]
    assert out.splitlines()[1].split()[:3] == ["offline/collage", "1", "1"]
    assert imagegen("usage", "--by", "moon")[0] == 2


def test_show_without_any_run_says_so() -> None:
    status, _, err = imagegen("show")
    assert status == 2
    assert "no run in this store yet" in err


class TestProcess:
    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "imagegen_kit.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def test_a_store_named_on_the_command_line_holds_what_was_made(self, tmp_path: Path) -> None:
        made = self.command("--store", "elsewhere", "generate", "a red car", "--size", "64")
        assert (made.returncode, made.stdout.split()[0]) == (0, "a-red-car.png")
        assert (tmp_path / "elsewhere" / "journal.sqlite").is_file()
        assert not (tmp_path / "imagegen-store").exists()

    def test_bad_input_ends_with_status_2_and_one_message(self) -> None:
        failed = self.command("generate", "a red car", "--model", "nope")
        assert (failed.returncode, failed.stdout) == (2, "")
        assert failed.stderr.startswith("imagegen: model: no model is called 'nope'.")
        assert "Traceback" not in failed.stderr

    def test_help_imports_neither_pandas_nor_pydantic_nor_pillow(self) -> None:
        code = (
            "import sys; from imagegen_kit.cli import app; app(['--help'], standalone_mode=False); "
            "print([m for m in ('pandas', 'pydantic', 'PIL', 'numpy', 'rich') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


class TestExport:
    def test_a_run_leaves_as_a_file_and_is_shown_from_it(self, experiment: str) -> None:
        assert imagegen("run", experiment)[0] == 0
        assert imagegen("export", "from a file", "run.zip") == (0, "run.zip\n", "")
        status, out, _ = imagegen("--store", "another", "show", "run.zip")
        assert (status, out.splitlines()[0]) == (0, "from a file: 4 cells · 4 ok · cost $0.00")

    def test_what_is_shared_and_small_says_so(self, experiment: str) -> None:
        imagegen("run", experiment)
        assert imagegen("export", "latest", "small.zip", "--share", "--thumbnails")[0] == 0
        assert "prompt 1" in imagegen("show", "small.zip", "--table")[1]
        assert Path("small.zip").stat().st_size < 60_000

    def test_a_layout_is_named_or_refused(self, experiment: str) -> None:
        imagegen("run", experiment)
        assert imagegen("show", "--save", "films", "--layout", "scenes")[0] == 0
        assert len(list(Path("films").rglob("scene_*.png"))) == 4
        status, _, err = imagegen("show", "--save", "films", "--layout", "reel")
        assert (status, "no layout is called 'reel'" in err) == (2, True)

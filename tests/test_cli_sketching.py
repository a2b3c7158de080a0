"""``imagegen sketches`` and ``imagegen serve`` at the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from imagegen_kit.errors import ContentBlocked
from tests.engine.models import model
from tests.reliability.children import ROOT
from tests.test_cli import imagegen


def test_a_line_comes_for_each_sketch_and_the_directory_last():
    status, out, err = imagegen("sketches", "a golf mascot", "--n", "3", "--size", "512x512")
    *lines, folder = out.splitlines()
    assert (status, err) == (0, "") or "breaks" in err
    assert sorted(line.split("  ")[0] for line in lines) == ["0", "1", "2"]
    assert all(" × " in line and "offline/pencil" in line for line in lines)
    assert Path(folder).parent == Path("sketches")
    assert len(json.loads((Path(folder) / "metadata.json").read_text())["images"]) == 3


def test_a_sketch_that_fails_is_said_and_the_others_are_kept(own_registry):
    model("lab/one", ContentBlocked("not this one"))
    status, out, err = imagegen("sketches", "a fox", "--model", "lab/one", "-o", "out")
    assert status == 1
    assert "no sketch: not this one" in err
    assert len(list(Path("out").glob("*/sketch_*.png"))) == 3
    assert len(out.splitlines()) == 4


def test_a_mended_copy_has_no_line_of_its_own_and_is_told_with_its_sketch(own_registry):
    model("lab/one", price=0.01)
    status, out, err = imagegen(
        "sketches", "a fox", "--model", "lab/one", "--n", "3", "--size", "256x256", "--auto-fix"
    )
    *lines, folder = out.splitlines()
    assert (status, sorted(line.split("  ")[0] for line in lines)) == (0, ["0", "1", "2"])
    copied = [line for line in err.splitlines() if line.endswith("; a mended copy is kept")]
    assert copied
    assert len(copied) == len(list(Path(folder).glob("sketch_*_as_drawn.png")))
    assert all(", as it came, breaks: " in line for line in copied)


@pytest.mark.parametrize("n", ["2", "7"])
def test_two_or_seven_sketches_are_bad_input(n):
    status, out, err = imagegen("sketches", "a fox", "--n", n)
    assert (status, out) == (2, "")
    assert "Ask for 3 to 6" in err


def test_the_service_is_not_opened_to_others_without_a_token():
    status, _out, err = imagegen("serve", "--host", "0.0.0.0")
    assert status == 2
    assert "IMAGEGEN_SERVE_TOKEN" in err


def test_the_service_says_its_address_once_it_answers_there_and_ends_quietly():
    command = [sys.executable, "-m", "imagegen_kit.cli", "serve", "--port", "0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().split("  ")[0]
            assert httpx2.get(f"{address}health").json()["status"] == "ok"
            server.send_signal(signal.SIGINT)
            _, err = server.communicate(timeout=40)
        finally:
            server.kill()
    assert (server.returncode, err) == (130, "stopped\n")


def test_a_port_in_use_is_bad_input_and_no_address_is_said():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, out, err = imagegen("serve", "--port", str(port))
    assert (status, out) == (2, "")
    assert f"cannot listen at http://127.0.0.1:{port}/: Address already in use." in err
    assert "0 for any free one" in err


def test_a_library_that_is_not_there_is_said_before_any_address():
    status, out, err = imagegen("serve", "--port", "0", "--library", "nope")
    assert (status, out) == (2, "")
    assert "there is no folder nope" in err

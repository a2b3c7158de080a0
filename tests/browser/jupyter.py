"""A Jupyter server of the tests' own: JupyterLab and Notebook 7 on 127.0.0.1, with nobody's settings."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from pathlib import Path

START_S = 90  # a machine that also runs everything else
SETTINGS: dict[str, dict[str, Any]] = {
    # nothing may pop up over what a test clicks
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    # "full" leaves what is off the screen unclickable; 0 for "all outputs" hides all of them (4.6.6)
    "notebook-extension/tracker": {"windowingMode": "none", "maxNumberOutputs": 100_000, "scrollPastEnd": False},
    "docmanager-extension/plugin": {"autosave": False},
}


class Jupyter:
    """A running server; ``folder/books`` is its root. ``stop()`` ends it and its kernels."""

    def __init__(self, folder: Path) -> None:
        self.books, self.settings, self._log = folder / "books", folder / "settings", folder / "jupyter.log"
        self.books.mkdir(parents=True)
        for name, value in SETTINGS.items():
            self.put_setting(name, value)
        self.token, self.port = secrets.token_hex(16), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = os.environ | {
            "JUPYTER_NO_CONFIG": "1",  # only what is written here holds
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "jupyter-data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONUNBUFFERED": "1",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", *self._options()],
                env=self.env, cwd=self.books, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _options(self) -> list[str]:
        extensions = ("jupyterlab", "notebook", "notebook_shim")
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.books,
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,
            "ServerApp.terminals_enabled": False,
            "ServerApp.iopub_data_rate_limit": 1e9,
            "IdentityProvider.token": self.token,
            "LabApp.expose_app_in_browser": True,
            "LabApp.news_url": None,
            "LabApp.extension_manager": "readonly",
            "JupyterNotebookApp.expose_app_in_browser": True,
        }
        enabled = [f"--ServerApp.jpserver_extensions={name}=True" for name in extensions]
        return [*enabled, *(f"--{name}={value}" for name, value in options.items())]

    def put_setting(self, name: str, value: dict[str, Any]) -> None:
        """Write what a page that is opened from now on finds as the user's setting ``@jupyterlab/<name>``."""
        path = self.settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")

    def ask(self, method: str, path: str, what: dict[str, Any] | None = None) -> Any:
        """Return what the server's own interface answers."""
        allowed = {"Authorization": f"token {self.token}"}
        answer = httpx2.request(method, self.url + path, headers=allowed, json=what, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def begin_kernel(self, path: str) -> None:
        """Start a notebook's kernel, so that it is there by the time the page is: the page takes what runs."""
        session = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        self.ask("POST", "/api/sessions", session)

    def end_kernels(self, folder: str) -> None:
        """End the kernels of the notebooks in a folder."""
        for session in self.ask("GET", "/api/sessions"):
            if session["path"].startswith(f"{folder}/"):
                self.ask("DELETE", f"/api/sessions/{session['id']}")

    def stop(self) -> None:
        """End the server, which ends its kernels; a kernel without its server ends itself."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while True:
            try:
                self.ask("GET", "/api/status")
                return
            except httpx2.TransportError:
                if self._process.poll() is not None or time.monotonic() > end:
                    log = self._log.read_text(encoding="utf-8", errors="replace")
                    raise AssertionError(f"the Jupyter server did not come up:\n{log[-3000:]}") from None
                time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

"""A notebook in a real browser: run it, look at it, save it, open it again without its kernel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from tests.browser import looking
from tests.browser.frames import KernelLog, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Locator, Page

    from tests.browser.jupyter import Jupyter

RUN_S = 120
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
# What JupyterLab, Notebook 7 and Chromium say on their own, with an empty notebook too.
NOISE = re.compile(
    r"ResizeObserver loop|/lsp/status|favicon|ERR_BLOCKED_BY_CLIENT"
    r"|static/notebook/\w+\.woff"  # its fonts for mathematics
    r"|reading 'kernel'[^$]*jupyterlab-manager/static"  # a notebook with widgets that is opened without a kernel
    r"|reading 'schema'[^$]*static/notebook/notebook_core",  # Notebook 7.6 while it loads its settings
    re.IGNORECASE,
)

# The same, of a saved widget whose kernel is gone.
NOISE_WITHOUT_ITS_KERNEL = re.compile(r"widget model not found")


class Book:
    """An open notebook. Everything it records is of this notebook alone, from its opening on."""

    def __init__(self, jupyter: Jupyter, context: BrowserContext, file: Path, app: str) -> None:
        self.jupyter, self.context, self.file, self.app = jupyter, context, file, app
        self.kernel = True
        self.console_errors: list[str] = []
        self.refused_requests: list[str] = []
        self._log = KernelLog()
        self.page: Page = self._recorded(context.new_page())

    # ------------------------------------------------------------------ what is recorded
    @property
    def kernel_errors(self) -> list[str]:
        """Errors of callbacks and threads, which no cell shows."""
        return self._log.hidden_errors

    @property
    def cell_errors(self) -> list[str]:
        return self._log.cell_errors

    @property
    def traffic(self) -> Traffic:
        """What came from the kernel since the notebook was opened, or since ``fresh_traffic()``."""
        return self._log.traffic

    def fresh_traffic(self) -> Traffic:
        self._log.traffic = Traffic()
        return self._log.traffic

    def _recorded(self, page: Page) -> Page:
        def told(words: str) -> None:
            if not NOISE.search(words) and (self.kernel or not NOISE_WITHOUT_ITS_KERNEL.search(words)):
                self.console_errors.append(words)

        def console(message: Any) -> None:
            if message.type == "error":
                told(f"{message.text} {message.location.get('url', '')}")

        def websocket(socket: Any) -> None:
            if "/api/kernels/" in socket.url:
                socket.on("framereceived", self._log.read)

        def elsewhere(route: Any) -> None:
            self.refused_requests.append(route.request.url)
            route.abort("blockedbyclient")

        page.on("console", console)
        page.on("pageerror", lambda error: told(f"{error.message}\n{error.stack}"))
        page.on("websocket", websocket)
        page.route(re.compile(rf"^(?:https?|wss?)://(?!127\.0\.0\.1:{self.jupyter.port}/)"), elsewhere)
        return page

    # ------------------------------------------------------------------ opening
    @property
    def _path(self) -> str:
        return self.file.relative_to(self.jupyter.books).as_posix()

    def open(self, *, kernel: bool = True) -> Book:
        """Open the file: with a kernel of its own, or (``kernel=False``) as a file whose kernel is gone.

        JupyterLab then starts none; Notebook 7 has no way to say so and starts a new one, as for its users.
        """
        self.kernel = kernel
        if kernel:
            self.jupyter.begin_kernel(self._path)
        if self.app == "lab":
            self.page.goto(
                f"{self.jupyter.url}/lab/workspaces/{self.file.parent.name}?reset&token={self.jupyter.token}"
            )
            self.page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)", timeout=60_000)
            self.page.evaluate(looking.OPEN, {"path": self._path, "kernel": kernel})
        else:
            self.page.goto(f"{self.jupyter.url}/notebooks/{self._path}?token={self.jupyter.token}")
        self.page.wait_for_selector(f"{PANEL} .jp-Cell", timeout=60_000)
        if kernel:
            self.page.wait_for_function(looking.KERNEL_IS_IDLE, timeout=60_000)
        else:
            self.page.wait_for_timeout(500)
        return self

    def close(self) -> None:
        self.context.close()

    def wear(self, theme: str) -> None:
        """Change the theme ("JupyterLab Dark") while the notebook is open."""
        self.page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        light = str("Light" in theme).lower()
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")

    # ------------------------------------------------------------------ running
    def run_all(self) -> None:
        """Run all cells and wait for their end. What fails is raised, with the cell's traceback."""
        self._run("notebook:run-all-cells", None)

    def run(self, i: int) -> None:
        """Run the i-th cell (0 is the first) and wait for its end."""
        self._run("notebook:run-cell", i)

    def start(self, i: int) -> None:
        """Begin to run the i-th cell, and go on at once."""
        self.page.evaluate(looking.RUN, {"command": "notebook:run-cell", "index": i})

    def wait_run(self, timeout_s: float = RUN_S) -> None:
        """Wait until what was started has ended and the kernel is idle."""
        self.page.wait_for_function(looking.RAN, timeout=timeout_s * 1000)

    def _run(self, command: str, index: int | None) -> None:
        before = len(self.cell_errors)
        self.page.evaluate(looking.RUN, {"command": command, "index": index})
        self.wait_run()
        if len(self.cell_errors) > before:
            raise AssertionError("a cell failed: " + re.sub(r"\x1b\[[0-9;]*m", "", self.cell_errors[before]))

    # ------------------------------------------------------------------ looking
    def output(self, i: int) -> Locator:
        """The output area of the i-th cell."""
        return self.page.locator(f"{PANEL} .jp-Notebook .jp-Cell").nth(i).locator(".jp-Cell-outputArea")

    def settle(self, still_s: float = 0.4, timeout_s: float = 20) -> None:
        """Wait until nothing has changed in the page for a while and all pictures in sight are drawn."""
        self.page.evaluate(looking.WATCH)
        self.page.wait_for_function(looking.STILL, arg=still_s * 1000, timeout=timeout_s * 1000)

    def wait(self, happened: Callable[[], object], timeout_s: float = 20) -> None:
        """Wait until ``happened()`` is true, while the browser goes on."""
        end = time.monotonic() + timeout_s
        while not happened():
            assert time.monotonic() < end, f"has not happened in {timeout_s} s"
            self.page.wait_for_timeout(50)

    def unnamed_controls(self) -> list[str]:
        """Controls and pictures by role that Chromium's accessibility tree has no name for, as their HTML."""
        return looking.unnamed(self.page)

    def images_without_alt(self) -> list[str]:
        return list(self.page.evaluate(looking.WITHOUT_ALT))

    def heap_mb(self) -> float:
        """The page's JavaScript heap after a collection, in MB."""
        with_cdp = self.context.new_cdp_session(self.page)
        with_cdp.send("HeapProfiler.collectGarbage")
        used = with_cdp.send("Runtime.getHeapUsage")["usedSize"]
        with_cdp.detach()
        return float(used) / 1e6

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Save ``<name>.png`` of the whole notebook, or of one part; return its path."""
        self.settle()
        path = self.file.with_name(f"{name}.png")
        if of is not None:
            of.screenshot(path=path)
            return path
        before = self.page.viewport_size
        height = min(int(self.page.evaluate(looking.HEIGHT)), 12_000)  # above 16,000 Chromium returns blank strips
        self.page.set_viewport_size({"width": before["width"], "height": max(height, before["height"])})
        self.settle()
        self.page.screenshot(path=path)
        self.page.set_viewport_size(before)
        return path

    def assert_clean(self) -> None:
        """Nothing failed behind the user's back, left this machine, or cannot be read out."""
        self.settle()
        found = {
            "console errors": self.console_errors,
            "errors of callbacks and threads": self.kernel_errors,
            "requests refused": self.refused_requests,
            "pictures without alt": self.images_without_alt(),
            "controls without a name": self.unnamed_controls(),
            "broken pictures": list(self.page.evaluate(looking.BROKEN)),
        }
        assert not any(found.values()), json.dumps({k: v for k, v in found.items() if v}, indent=1)

    # ------------------------------------------------------------------ what stays
    def save(self) -> Path:
        """Save the notebook as a user does; return its path."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save').then(() => true)")
        return self.file

    def reopen(self, *, trusted: bool = True) -> Book:
        """Save, and open a copy without a kernel, as its author (trusted) or as somebody who was sent it."""
        saved = nbformat.read(self.save(), as_version=4)
        copy = self.file.with_name(f"reopened-{'trusted' if trusted else 'untrusted'}-{time.time_ns()}.ipynb")
        if trusted:  # the signature is of the contents
            copy.write_bytes(self.file.read_bytes())
        else:
            saved.metadata["sent_by"] = copy.name
            nbformat.write(saved, copy)
        return Book(self.jupyter, self.context, copy, self.app).open(kernel=False)

    def static_html(self) -> Page:
        """Save, convert with nbconvert, and open the page as a file."""
        page = self.file.with_suffix(".html")
        made = subprocess.run(
            [sys.executable, "-m", "nbconvert", "--log-level=ERROR", "--to=html", f"--output={page}", self.save()],
            env=self.jupyter.env, capture_output=True, text=True,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        opened = self.context.new_page()
        opened.goto(page.as_uri())
        return opened

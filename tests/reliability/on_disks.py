"""What a process does on a disk that is full, limited or read-only.

``python -m tests.reliability.on_disks NAME FOLDER``. Each function prints one JSON object. They run as
children in a mount namespace of their own, so that the disk is real.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from imagegen_kit.errors import StoreError
from imagegen_kit.store import Store
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.store.journal import Journal

INSERT = "INSERT INTO events (name, detail, created_at) VALUES (?, ?, 'now')"


def fill(journal: Journal) -> tuple[list[str], list[str]]:
    """Write rows of 10 kB until the disk refuses, four callers at once; what was acknowledged, and the errors."""
    said: list[str] = []
    errors: list[str] = []
    while not errors and len(said) < 2000:
        waiting = {}
        for _ in range(4):
            name = f"row {len(said) + len(waiting)}"
            waiting[name] = journal.write([(INSERT, (name, "x" * 10_000)), (INSERT, (f"{name} too", None))])
        for name, future in waiting.items():
            error = future.exception(timeout=30)
            if error is None:
                said.append(name)
            else:
                errors.append(f"{type(error).__name__}: {error}")
    return said, errors


def after(journal: Journal) -> dict[str, object]:
    """Write once more, and return what a fresh look at the file finds."""
    journal.write([(INSERT, ("later", None))]).result(timeout=30)
    journal.close()
    again = Journal(journal.path)
    names = [name for (name,) in again.read("SELECT name FROM events")]
    sound = again.read("PRAGMA integrity_check")
    again.close()
    return {"names": names, "sound": sound == [("ok",)]}


def full(folder: Path) -> dict[str, object]:
    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * 300_000)
    journal = Journal(folder / "s" / "journal.sqlite")
    said, errors = fill(journal)
    data = os.urandom(200_000)
    try:
        Blobs(folder / "s").put(data, hashlib.sha256(data).hexdigest(), "png")
        picture = "stored"
    except StoreError as error:
        picture = str(error)
    left = [p.name for p in (folder / "s").rglob("*") if p.is_file() and "journal" not in p.name]
    ballast.unlink()
    return {"said": said, "errors": errors, "picture": picture, "left": left, **after(journal)}


def opened_on_full_disk(folder: Path) -> dict[str, object]:
    journal = Journal(folder / "s" / "journal.sqlite")
    journal.write([(INSERT, ("kept", None))]).result()
    journal.close()
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    journal = Journal(folder / "s" / "journal.sqlite")
    read = journal.read("SELECT name FROM events")
    error = journal.write([(INSERT, ("refused", None))]).exception(timeout=30)
    ballast.unlink()
    return {"read": read, "error": str(error), **after(journal)}


def limited(folder: Path) -> dict[str, object]:
    journal = Journal(folder / "s" / "journal.sqlite")
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    said, errors = fill(journal)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return {"said": said, "errors": errors, **after(journal)}


def read_only(folder: Path) -> dict[str, object]:
    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine

    ik.configure(store=folder / "s", model="offline/collage")
    ik.generate("a red kite", size=64)
    made = ik.open_run("latest").table()
    close_default_engine()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    run = ik.open_run("latest")
    table, runs, usage = run.table(), ik.runs(), ik.usage()
    found = {
        "same": table.equals(made), "runs": len(runs), "calls": int(usage["calls"].sum()), "done": run.done,
        "picture": list(run[0].artifacts[0].image.size), "html": "<img" in run[0]._repr_html_(),
    }  # fmt: skip
    try:
        ik.generate("a blue kite", size=64)
        refused = ""
    except StoreError as error:
        refused = str(error)
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    later = ik.generate("a blue kite", size=64).status
    return {**found, "refused": refused, "later": later, "rows": len(ik.runs())}


def killed_then_read_only(folder: Path) -> dict[str, object]:
    path = folder / "s" / "journal.sqlite"
    said = []
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(path), "w", "0"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = [child.stdout.readline().strip() for _ in range(20)]
    child.send_signal(signal.SIGKILL)
    said += [line for line in child.communicate()[0].split("\n")[:-1] if line]
    wal = path.with_name("journal.sqlite-wal").stat().st_size
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    journal = Journal(path)
    here = {name for (name,) in journal.read("SELECT name FROM events")}
    journal.close()  # a disk with open files that are deleted cannot become read-only
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    path.with_name("journal.sqlite-shm").unlink()  # as a copy of the folder may lack it
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    copied = {name for (name,) in Journal(path).read("SELECT name FROM events")}
    return {"wal": wal, "lost": sorted(set(said) - here), "lost in the copy": sorted(set(said) - copied)}


def of_another(folder: Path) -> dict[str, object]:
    """Open, as a user who may only read, what somebody else has made."""
    store = Store(folder / "s")
    store.journal.write([(INSERT, ("kept", None))]).result()
    store.close()
    for path in (folder / "s", *(folder / "s").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    os.setgid(65534)
    os.setuid(65534)
    store = Store(folder / "s")
    error = store.journal.write([(INSERT, ("refused", None))]).exception(timeout=30)
    found = {"read": store.journal.read("SELECT name FROM events"), "error": str(error)}
    store.close()
    return found


def hold(folder: Path) -> dict[str, object]:
    """Keep the journal locked for the seconds that the environment says."""
    import sqlite3

    connection = sqlite3.connect(folder / "journal.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    sys.stdout.write("held\n")
    sys.stdout.flush()
    time.sleep(float(os.environ["HOLD_S"]))
    connection.execute("ROLLBACK")
    connection.close()
    return {}


def answers(folder: Path) -> dict[str, object]:
    """Buy pictures of 60 kB until the disk is full, make room while answers are held, and go on."""
    from io import BytesIO

    from PIL import Image

    import imagegen_kit as ik
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.providers import ModelSpec, Price, Reply

    calls: list[str] = []

    class Noise:
        def __init__(self, account: object) -> None:
            pass

        async def generate(self, request: object, on_progress: object) -> Reply:
            calls.append(request.prompt)  # type: ignore[attr-defined]
            file = BytesIO()
            Image.frombytes("RGB", (140, 140), os.urandom(140 * 140 * 3)).save(file, "PNG")
            return Reply(pictures=(file.getvalue(),))

    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * 14_500_000)
    ik.configure(store=folder / "store")
    ik.register(
        ProviderSpec("noise", models=(ModelSpec("one", price=Price(0.1)),), target=Noise, origin="https://n.example")
    )
    exp = ik.Experiment(
        vary={"prompt": [f"picture {n}" for n in range(40)]},
        fixed={"model": "noise/one"},
        policy=ik.Policy(concurrency=4),
    )
    run = exp.start()
    told = ""
    deadline = time.monotonic() + 30
    while not told and time.monotonic() < deadline:
        told = run._execution.waiting if "disk is full" in run._execution.waiting else ""
        time.sleep(0.01)
    bought = len(calls)
    ballast.unlink()
    with contextlib.suppress(StoreError):  # cells whose intent found no room: nothing of them was sent
        run.wait()
    done = exp.run(progress=False)
    refused = len(done) - done.table()["status"].tolist().count("ok")  # their intent found no room
    done.retry_failed()
    return {
        "refused": refused, "told": told, "bought": bought, "calls": calls, "statuses": done.table()["status"].tolist(),
        "errors": sorted({str(error) for error in done.table()["error"].dropna()}),
        "at_risk": done.costs()["at_risk_usd"].tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))) + "\n")

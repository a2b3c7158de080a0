"""CLIP of full size (a ViT-B/32 with random weights): our way to a vector against the bare ``encode``, int8 against
torch, and what a search costs beside the model."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, ratios

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path(tempfile.gettempdir()) / "imagegen-kit-benchmarks"
WORDS = (
    "a",
    "quiet",
    "harbour",
    "at",
    "night",
    "with",
    "red",
    "kites",
    "over",
    "old",
    "boats",
    "under",
    "the",
    "crane",
)


def captions(count: int) -> list[str]:
    """Return texts of 6 to 12 words, always the same."""
    random = np.random.default_rng(0)
    return [" ".join(random.choice(WORDS, random.integers(6, 13))) for _ in range(count)]


def pictures(count: int, side: int = 512) -> list[Image.Image]:
    """Return soft noise in colours, all different."""
    random = np.random.default_rng(1)
    small = (random.integers(0, 256, (9, 9, 3), dtype=np.uint8) for _ in range(count))
    return [Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC) for pixels in small]


def model() -> Path:
    """Return the folder of the model, made once a machine (600 MB)."""
    from imagegen_kit.testing import tiny_clip

    folder = HOME / "clip-full-1"
    if not (folder / "modules.json").exists():
        tiny_clip(folder, full=True, captions=captions(500))
    return folder


def made() -> dict[str, str]:
    """Make the model, in a process that is gone after."""
    return {"folder": str(model())}


def timed(call: Callable[[], Any]) -> dict[str, float]:
    """Return the wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def embedding(count: int, runs: int) -> dict[str, Any]:
    """Compare our embedder with the bare ``encode`` of the same model, in one process."""
    from imagegen_kit.retrieval.embedders.clip import ClipEmbedder

    start = time.perf_counter()
    ours = ClipEmbedder(model())
    loading = time.perf_counter() - start
    bare = ours.towers.model
    how = {"batch_size": 32, "normalize_embeddings": True, "show_progress_bar": False}
    things = {"pictures": (pictures(count), ours.embed_images), "texts": (captions(4 * count), ours.embed_texts)}
    found: dict[str, Any] = {"loading": loading}
    for name, (given, embed) in things.items():
        apart = np.abs(embed(given[:8]) - bare.encode(given[:8], **how)).max()
        assert apart < 1e-5, f"{name}: the vectors are not the same ({apart})"
        arms = {
            "ours": lambda given=given, embed=embed: timed(lambda: embed(given)),
            "bare": lambda given=given: timed(lambda: bare.encode(given, **how)),
        }
        found[name] = {**interleaved(arms, runs), "count": len(given)}
    return found


def runtimes(count: int, runs: int) -> dict[str, Any]:
    """Compare the exported towers with torch, pictures only, and tell how far their vectors are."""
    import shutil

    from imagegen_kit.retrieval.embedders.clip import ClipEmbedder
    from imagegen_kit.retrieval.embedders.towers import export_towers

    arms = {"torch": ClipEmbedder(model())}
    reports = {}
    for name, int8 in (("onnx", False), ("onnx-int8", True)):
        folder = Path.cwd() / name
        shutil.rmtree(folder, ignore_errors=True)
        reports[name] = str(export_towers(arms["torch"], folder, int8=int8, pictures=pictures(16)))
        arms[name] = ClipEmbedder(folder)
    given = pictures(count)
    calls = {name: lambda e=embedder: timed(lambda: e.embed_images(given)) for name, embedder in arms.items()}
    return {"times": interleaved(calls, runs), "reports": reports, "count": count}


def searching(count: int, runs: int) -> dict[str, Any]:
    """Search a library by text; the model's own forward is timed inside of each search."""
    from imagegen_kit.retrieval.library import Library

    folder = Path.cwd() / "pictures"
    folder.mkdir()
    for number, picture in enumerate(pictures(count, 128)):
        picture.save(folder / f"{number:04}.png")
    library = Library.open(Path.cwd() / "refs", embedder=f"clip:{model()}")
    library.add(folder)
    begun, spent = [0.0], []
    inner: Any = library.embedder
    inner.towers.model.register_forward_pre_hook(lambda *_: begun.__setitem__(0, time.perf_counter()))
    inner.towers.model.register_forward_hook(lambda *_: spent.append(time.perf_counter() - begun[0]))
    library.search("the first one builds what is built once", top_k=10)
    shares = []
    for text in captions(runs):
        spent.clear()
        whole = timed(lambda text=text: library.search(text, top_k=10))["wall"]
        shares.append({"forward": sum(spent), "rest": whole - sum(spent), "forwards": len(spent)})
    return {"searches": shares}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Run all three, each in a fresh process."""
    count, runs = (32, 3) if quick else (96, 7)
    outcome = Outcome()
    fresh(made)
    found = fresh(embedding, count=count, runs=runs)
    for name in ("pictures", "texts"):
        rows, each = found[name], found[name]["count"]
        for clock, target in (("cpu", 1.05), ("wall", None)):
            pairs = ratios(column(rows["ours"], clock), column(rows["bare"], clock))
            outcome.figures.append(Figure(f"{name}: ours / bare encode, {clock}", "x", pairs, target))
        cpu = [1e3 * s / each for s in column(rows["ours"], "cpu")]
        outcome.figures.append(Figure(f"{name}: CPU of one", "ms", cpu))
    outcome.figures.append(Figure("loading (imports, weights, hash)", "s", [found["loading"]]))
    found = fresh(runtimes, count=count, runs=runs)
    for name in ("onnx", "onnx-int8"):
        pairs = ratios(column(found["times"][name], "wall"), column(found["times"]["torch"], "wall"))
        outcome.figures.append(Figure(f"pictures: {name} / torch, wall", "x", pairs, 0.25 if "int8" in name else None))
        pairs = ratios(column(found["times"][name], "cpu"), column(found["times"]["torch"], "cpu"))
        outcome.figures.append(Figure(f"pictures: {name} / torch, cpu", "x", pairs))
        outcome.notes.append(f"{found['reports'][name]} (random weights: only the way to measure it is shown)")
    found = fresh(searching, count=count, runs=10 * runs)
    shares = found["searches"]
    assert {row["forwards"] for row in shares} == {1}, "a search asks the model once"
    outcome.figures.append(Figure("search: the model's forward", "ms", [1e3 * row["forward"] for row in shares]))
    outcome.figures.append(Figure("search: all the rest", "ms", [1e3 * row["rest"] for row in shares]))
    outcome.figures.append(Figure("search: rest / forward", "x", [r["rest"] / r["forward"] for r in shares], 0.05))
    return outcome

"""Reading a run: ``run.table()`` beside bare ``pandas.read_sql`` of the same columns, ``summary`` beside GROUP BY."""

from __future__ import annotations

import cProfile
import gc
import io
import pstats
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, peak_rss_mb, ratios

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen_kit.store import Journal

TARGET = 1.3
MODELS, STYLES, REPEATS, AXES = 4, 5, 5, ("prompt", "model", "style", "seed")
AT = "2026-11-21T00:00:00.000+00:00"


def fill(journal: Journal, rows: int) -> str:
    """Write a finished run of ``rows`` cells, four parameters each, through the store's own statements; its id."""
    from imagegen_kit.engine.rows import (
        INSERT_CELL,
        INSERT_CELL_END,
        INSERT_PARAM,
        INSERT_REQUEST,
        INSERT_RESULT,
        Place,
        request_row,
        result_row,
    )
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.store.values import CELLS_PER_RUN, dumps
    from imagegen_kit.types import Attempt, Cost, ImageRequest, Result

    number, id = journal.new_id(), "20261121-000000-000000"
    points = rows // REPEATS
    spec = {"recipe": "imagegen_kit.recipes.picture.image", "parameters": list(AXES), "vary": {}, "repeats": REPEATS}
    run = (number, id, "table", spec["recipe"], "", dumps(spec), rows, "benchmark", "{}", AT)
    statements: list[Any] = [("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", run)]
    for position in range(rows):
        repeat, point = divmod(position, points)
        values: dict[str, Any] = {
            "prompt": f"a lighthouse on a rock, seen from the sea, number {point // (MODELS * STYLES)}",
            "model": f"bench/still-{point % MODELS}",
            "style": f"style-{point // MODELS % STYLES}",
            "seed": 7,
        }
        cell = number * CELLS_PER_RUN + position
        asked = ImageRequest(prompt=values["prompt"], model=values["model"], seed=7, sample=repeat)
        failed = position % 50 == 0
        picture = Picture(f"{position:064x}", format="png", width=1024, height=1024)
        result = Result(
            request=asked, sent=asked, status="failed" if failed else "ok", artifacts=() if failed else (picture,),
            attempts=(Attempt(1, "stored", "default", "simulated:bench"),), cost=Cost(0.04, 0.04, "table"),
            timings={"total": 1 + position % 97 / 97, "queue": 0.1, "keep": 0.02}, model_used=values["model"],
            key=f"{position:064x}", error="the service is busy" if failed else None,
            error_type="ServerError" if failed else None,
        )  # fmt: skip
        request = journal.new_id()
        place = Place(number, cell, 0, 0)
        statements += [
            (INSERT_CELL, (cell, number, position, repeat, None, AT)),
            *((INSERT_PARAM, (cell, name, dumps(value))) for name, value in values.items()),
            (INSERT_CELL_END, (cell, result.status, None, None, AT)),
            (INSERT_REQUEST, request_row(request, place, asked, asked, result.key, (), AT)),
            (INSERT_RESULT, result_row(request, place, result, AT)),
        ]
        if len(statements) > 50_000:
            journal.write(statements).result()
            statements = []
    journal.write(statements).result()
    return id


def bare(journal: Journal, run_id: str) -> list[Any]:
    """Read the stored columns and the parameters as pandas does it: no types, no parameter columns."""
    import pandas as pd

    from imagegen_kit.tables.columns import AFTER_PARAMETERS, BEFORE_PARAMETERS

    stored = ", ".join(f"{c.sql} AS {c.name}" for c in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS) if c.sql is not None)
    results = (
        f"SELECT {stored} FROM results s JOIN requests r ON r.id = s.request JOIN cells c ON c.id = r.cell "
        "JOIN runs u ON u.number = r.run WHERE s.replaced = 0 AND u.id = ? ORDER BY c.position, r.step"
    )
    parameters = (
        "SELECT p.cell, p.name, p.value FROM cell_params p JOIN cells c ON c.id = p.cell "
        "JOIN runs u ON u.number = c.run WHERE u.id = ?"
    )
    return [pd.read_sql(query, journal.reader(), params=(run_id,)) for query in (results, parameters)]


GROUP_BY = (
    "SELECT r.model, COUNT(*), SUM(s.status = 'ok'), SUM(s.status = 'cached'), SUM(s.cost_usd), AVG(s.price_usd), "
    "MAX(s.seconds) FROM results s JOIN requests r ON r.id = s.request JOIN runs u ON u.number = r.run "
    "WHERE s.replaced = 0 AND u.id = ? GROUP BY r.model"
)


def timed(function: Callable[[], Any]) -> dict[str, Any]:
    """Return what one call takes; garbage of the one before is not its."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def arm(rows: int, runs: int, profile: bool) -> dict[str, Any]:
    """Fill a journal and read it in all ways, interleaved."""
    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine

    journal = default_engine().store.journal
    start = time.perf_counter()
    run_id = fill(journal, rows)
    filled = time.perf_counter() - start
    run = ik.open_run(run_id)
    ways: dict[str, Callable[[], Any]] = {
        "table": run.table,
        "bare": lambda: bare(journal, run_id),
        "summary": lambda: run.summary(by="model"),
        "group": lambda: journal.read(GROUP_BY, (run_id,)),
    }
    frame, (results, parameters) = run.table(), bare(journal, run_id)
    assert len(frame) == len(results) == rows
    assert len(parameters) == rows * len(AXES)
    assert frame["prompt"].nunique() == rows // REPEATS // (MODELS * STYLES)
    assert list(run.summary(by="model")["pictures"]) == [rows // MODELS] * MODELS
    del frame, results, parameters
    found: dict[str, Any] = interleaved({name: partial(timed, way) for name, way in ways.items()}, runs)
    tables = {}
    if profile:
        for name in ("table", "summary"):
            seen = cProfile.Profile()
            seen.runcall(ways[name])
            text = io.StringIO()
            pstats.Stats(seen, stream=text).strip_dirs().sort_stats("tottime").print_stats(25)
            tables[name] = text.getvalue()
    close_default_engine()
    return {**found, "filled": filled, "rss": peak_rss_mb(), "profile": tables}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure it at one size."""
    out = Outcome()
    rows, runs = (10_000, 3) if quick else (100_000, 5)
    found = fresh(arm, rows=rows, runs=runs, profile=profile)
    wall = {name: column(found[name], "wall") for name in ("table", "bare", "summary", "group")}
    cpu = {name: column(found[name], "cpu") for name in ("table", "bare")}
    out.figures += [
        Figure(f"table() of {rows} rows / read_sql", "x", ratios(wall["table"], wall["bare"]), TARGET),
        Figure("the same by CPU", "x", ratios(cpu["table"], cpu["bare"])),
        Figure("table()", "s", wall["table"]),
        Figure("read_sql of results and parameters", "s", wall["bare"]),
        Figure('summary(by="model") / GROUP BY', "x", ratios(wall["summary"], wall["group"])),
        Figure('summary(by="model")', "s", wall["summary"]),
        Figure("GROUP BY without quantiles", "s", wall["group"]),
        Figure("peak RSS of the process", "MB", [found["rss"]]),
    ]
    for name, text in found["profile"].items():
        out.notes.append(f"profile of {name}():\n{text}")
    return out

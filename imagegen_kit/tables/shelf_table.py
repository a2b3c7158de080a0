"""The rows of some pictures of many runs, with the columns of ``run.table()``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.tables.columns import AFTER_PARAMETERS, BEFORE_PARAMETERS
from imagegen_kit.tables.pictures import PART
from imagegen_kit.tables.runs import run_table
from imagegen_kit.tables.scores import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.tables.shelf import Shelf


def shelf_table(shelf: Shelf, places: Sequence[int]) -> pd.DataFrame:
    """Return the rows at ``places`` of the shelf, in that order; runs that have none of them are not read."""
    import pandas as pd

    wanted = [shelf.items[place] for place in places]
    frames, row_of, start = [], {}, 0
    for number, part in enumerate(shelf.parts):
        runs = dict.fromkeys(item.run for item in wanted if item.part == number)
        ids = [shelf._runs[number][run][0] for run in runs]
        if not ids:
            continue
        frame = run_table(part.store, ids, keep_request=True)
        of_id = dict(zip(ids, runs, strict=True))
        requests = frame["request"].astype(object).where(frame["request"].notna(), None)
        for place, (id, request, cell) in enumerate(zip(frame["run_id"], requests, frame["cell"], strict=True), start):
            row_of[number, of_id[id], request if request is not None else f"cell {cell}"] = place
        frames.append(frame)
        start += len(frame)
    if not frames:
        return run_table(shelf.parts[0].store, [""])
    found = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    keys = [(i.part, i.run, i.request if i.request is not None else f"cell {i.position}") for i in wanted]
    rows = found.iloc[[row_of[key] for key in keys if key in row_of]].reset_index(drop=True)
    before, after = [c.name for c in BEFORE_PARAMETERS], [c.name for c in AFTER_PARAMETERS]
    others = [str(name) for name in rows if name not in {*before, *after, "request"}]
    told = [name for name in others if name.startswith((PART, PREFIX))]
    between = [name for name in others if name not in told]
    where = after.index("attempts")
    return rows[[*before, *between, *after[:where], *told, *after[where:]]]

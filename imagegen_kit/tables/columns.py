"""The columns of ``Run.table()``: each with where it comes from, its dtype and its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``sql`` reads it (r requests, s results, c cells), None where it is made from others."""

    name: str
    dtype: str
    about: str
    sql: str | None = None
    unit: str = ""


ADAPTATIONS = "CASE WHEN s.told IS NULL THEN r.adaptations ELSE COALESCE(r.adaptations || char(10), '') || s.told END"
BEFORE_PARAMETERS = (
    Column("run_id", "str", "the run", "u.id"),
    Column("cell", "Int64", "position of the cell in the grid, from 0", "c.position"),
)
AFTER_PARAMETERS = (
    Column("repeat", "Int64", "repeat of the cell, from 0", "c.repeat"),
    Column("step", "Int64", "number of the request within its cell, from 0", "r.step"),
    Column("variant", "str", "value of a controlled variation", "r.variant"),
    Column("category", "str", "category of the prompt", "COALESCE(r.category, c.category)"),
    Column("model_used", "str", "model that answered", "s.model_used"),
    Column("origin", "str", "where it was asked for: host and API version, local:… or simulated:…", "s.origin"),
    Column("status", "str", "ok, cached, fallback, placeholder, blocked, failed, unknown or cancelled", "s.status"),
    Column("error", "str", "what went wrong", "s.error"),
    Column("seed_sent", "Int64", "seed that was sent", "r.seed_sent"),
    Column("adaptations", "str", "differences between asked and sent, one a line", ADAPTATIONS),
    Column("unfair", "boolean", "an adaptation weakens the comparison", "MAX(r.unfair, s.told_unfair)"),
    Column("reference_ids", "object", "reference pictures: library item or short hash"),
    Column("reference_scores", "object", "how well each reference matched, NA for those given by hand"),
    Column("cost_usd", "Float64", "spent now; 0 when cached, NA unknown", "s.cost_usd", "USD"),
    Column("price_usd", "Float64", "what the picture cost when it was bought", "s.price_usd", "USD"),
    Column("cost_basis", "str", "reported, usage, table, estimate, assumed, derived or unknown", "s.cost_basis"),
    Column("prices", "str", "price list that was used, and its day", "s.prices"),
    Column("seconds", "Float64", "from sending to the answer; NA when nothing was called", "s.seconds", "s"),
    Column("seconds_queue", "Float64", "waiting for a free call", "s.seconds_queue", "s"),
    Column("seconds_keep", "Float64", "checking and storing", "s.seconds_keep", "s"),
    Column("attempts", "Int64", "calls that were made", "s.attempts"),
    Column("sha256", "str", "hash of the picture's bytes", "s.sha256"),
    Column("width", "Int64", "width of the picture", "s.width", "px"),
    Column("height", "Int64", "height of the picture", "s.height", "px"),
    Column("path", "str", "file of the picture"),
    Column("created_at", "datetime64[ms, UTC]", "when the result was recorded", "s.created_at"),
)
COLUMN_NAMES = tuple(c.name for c in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS))
COLUMN_TYPES = {c.name: c.dtype for c in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS)}

# No request of the cell tells that it failed.
BROKEN = (
    "NOT EXISTS (SELECT 1 FROM requests r CROSS JOIN results s ON s.run = r.run AND s.request = r.id "
    "WHERE r.run = c.run AND r.cell = c.id AND s.replaced = 0 AND s.error_type NOT NULL)"
)

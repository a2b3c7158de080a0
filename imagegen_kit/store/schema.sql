-- The journal: the record of all that happened. Rows are inserted and stay; only attempts, uploads and ledger move, by
-- the table of states in states.py; limits and leases are overwritten in one short transaction; clean-up adds a mark.

CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sequences (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT,
    recipe TEXT NOT NULL,
    definition TEXT NOT NULL,        -- hash: the same experiment continues the same run
    spec TEXT NOT NULL,              -- JSON: recipe, vary, fixed, repeats, policy, budget
    cells INTEGER NOT NULL,          -- how many the grid has
    session TEXT NOT NULL,
    versions TEXT NOT NULL,          -- JSON: the kit and its plugins
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_definition ON runs (definition);

CREATE TABLE IF NOT EXISTS cells (
    id INTEGER PRIMARY KEY,          -- run number × 2^32 + position in the grid
    run INTEGER NOT NULL REFERENCES runs (number),
    position INTEGER NOT NULL,
    repeat INTEGER NOT NULL,
    category TEXT,
    started_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS cells_run ON cells (run, position);

CREATE TABLE IF NOT EXISTS cell_params (
    cell INTEGER NOT NULL REFERENCES cells (id),
    name TEXT NOT NULL,
    value TEXT,                      -- JSON
    PRIMARY KEY (cell, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS cell_ends (
    id INTEGER PRIMARY KEY,
    cell INTEGER NOT NULL REFERENCES cells (id),
    status TEXT NOT NULL,            -- ok | failed
    error_type TEXT,
    error TEXT,
    finished_at TEXT NOT NULL,
    replaced INTEGER NOT NULL DEFAULT 0  -- a later end of the same cell stands in its place
);
CREATE INDEX IF NOT EXISTS cell_ends_cell ON cell_ends (cell) WHERE replaced = 0;

CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (number),
    cell INTEGER NOT NULL REFERENCES cells (id),
    step INTEGER NOT NULL,
    occurrence INTEGER NOT NULL,     -- the how-manieth equal request of its cell
    kind TEXT NOT NULL,
    key TEXT,                        -- NULL: it could not be sent at all
    model TEXT NOT NULL,             -- as asked
    asked TEXT NOT NULL,             -- JSON
    sent TEXT,                       -- JSON, NULL where it equals asked
    adaptations TEXT,                -- in words, one a line
    unfair INTEGER NOT NULL DEFAULT 0,
    sample INTEGER NOT NULL,
    seed_sent INTEGER,
    category TEXT,
    variant TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_cell ON requests (run, cell, step);

CREATE TABLE IF NOT EXISTS results (
    request INTEGER NOT NULL REFERENCES requests (id),
    run INTEGER NOT NULL,
    key TEXT,                        -- of what answered (a fallback has its own)
    status TEXT NOT NULL,
    model_used TEXT,
    sha256 TEXT,
    width INTEGER,
    height INTEGER,
    format TEXT,
    text TEXT,
    cost_usd REAL,
    price_usd REAL,
    cost_basis TEXT NOT NULL,
    same_model INTEGER NOT NULL,     -- 1: answered by the model that was asked, aliases resolved
    seconds REAL,                    -- from sending to the answer
    seconds_queue REAL,              -- waiting for a free call
    seconds_keep REAL,               -- checking and storing
    timings TEXT,                    -- JSON: seconds by part as the provider told them
    attempts INTEGER NOT NULL,
    error_type TEXT,
    error TEXT,
    usage TEXT,                      -- JSON
    told TEXT,                       -- adaptations that the service told of, beside those of the request, one a line
    told_unfair INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    replaced INTEGER NOT NULL DEFAULT 0,
    prices TEXT,                     -- which price list, of which day
    origin TEXT                      -- where it was asked for: scheme, host and API version, local:… or simulated:…
);
CREATE INDEX IF NOT EXISTS results_run ON results (run, request);
CREATE INDEX IF NOT EXISTS results_key ON results (key) WHERE status IN ('ok', 'fallback');

CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY,
    request INTEGER NOT NULL REFERENCES requests (id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    account TEXT NOT NULL,
    origin TEXT NOT NULL,
    key TEXT NOT NULL,
    sent TEXT,                       -- JSON of a fallback's own request, NULL where it is the request's
    job_id TEXT,
    poll_url TEXT,
    reserved_usd REAL,
    error_type TEXT,
    error TEXT,
    timings TEXT,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    key_id TEXT                      -- which API key paid: a salted fingerprint, NULL where none is needed
);
CREATE INDEX IF NOT EXISTS attempts_request ON attempts (request);
CREATE INDEX IF NOT EXISTS attempts_open ON attempts (state) WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS attempts_found ON attempts (key)
    WHERE state IN ('submitting', 'submitted', 'running', 'ready', 'unknown');

CREATE TABLE IF NOT EXISTS artifacts (
    sha256 TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    width INTEGER,
    height INTEGER,
    size_bytes INTEGER NOT NULL,
    parents TEXT,                    -- JSON list of sha256
    created_at TEXT NOT NULL,
    removed_at TEXT,                 -- clean-up took the bytes away
    damaged_at TEXT                  -- the bytes had changed: they were put into quarantine
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS uploads (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL,
    format TEXT NOT NULL,
    target TEXT NOT NULL,            -- the object store, without keys: s3://bucket/prefix
    name TEXT NOT NULL,              -- the object's name below it
    state TEXT NOT NULL,             -- planned | running | done | failed
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    started_at TEXT NOT NULL,
    finished_at TEXT
);
CREATE INDEX IF NOT EXISTS uploads_open ON uploads (state) WHERE state != 'done';
CREATE UNIQUE INDEX IF NOT EXISTS uploads_object ON uploads (target, name, sha256);

CREATE TABLE IF NOT EXISTS request_refs (
    request INTEGER NOT NULL REFERENCES requests (id),
    rank INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    role TEXT NOT NULL,
    item TEXT,                       -- the library item, NULL for pictures given by hand
    score REAL,
    PRIMARY KEY (request, rank)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS retrievals (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (number),
    cell INTEGER NOT NULL REFERENCES cells (id),
    occurrence INTEGER NOT NULL,     -- the how-manieth equal retrieval of its cell
    asked TEXT NOT NULL,             -- JSON: library, embedder, words, pictures by hash, top_k …
    found TEXT NOT NULL,             -- JSON: references with their scores, best first; their pictures are stored
    state TEXT,                      -- digest of what the library held then
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS retrievals_cell ON retrievals (run, cell);

CREATE TABLE IF NOT EXISTS checks (
    request INTEGER NOT NULL REFERENCES requests (id),
    name TEXT NOT NULL,
    passed INTEGER,
    value TEXT,
    allowed TEXT,
    PRIMARY KEY (request, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS scores (
    sha256 TEXT NOT NULL,
    scorer TEXT NOT NULL,
    version TEXT NOT NULL,
    inputs TEXT NOT NULL,            -- digest of all else that the scorer read
    value REAL,
    reason TEXT,                     -- why there is no value
    created_at TEXT NOT NULL,
    feature TEXT,                    -- by what it was measured, where that can differ
    details TEXT,                    -- JSON: further facts
    PRIMARY KEY (sha256, scorer, version, inputs)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS request_scores (
    id INTEGER PRIMARY KEY,          -- of several of one request and scorer the last counts
    run INTEGER NOT NULL REFERENCES runs (number),
    request INTEGER NOT NULL,
    scorer TEXT NOT NULL,            -- these four name the row of scores
    sha256 TEXT NOT NULL,
    version TEXT NOT NULL,
    inputs TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS request_scores_run ON request_scores (run, scorer, request);

CREATE TABLE IF NOT EXISTS measures (
    scorer TEXT NOT NULL,            -- as in scores: the name of the column without "score_"
    version TEXT NOT NULL,
    about TEXT NOT NULL,             -- JSON: better, unit, low, high, card
    PRIMARY KEY (scorer, version)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS votes (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (number),
    rater TEXT NOT NULL,
    pair TEXT NOT NULL,              -- what was compared and two requests, lower first: "model 17 23", " again" mirrored
    left_request INTEGER NOT NULL,
    right_request INTEGER NOT NULL,
    choice TEXT NOT NULL,            -- left | right | tie | both_bad | skip
    milliseconds INTEGER,            -- from seeing the pair to choosing
    created_at TEXT NOT NULL,
    undone_at TEXT,
    blind INTEGER NOT NULL DEFAULT 1 -- 0: the rater had seen the names by then
);
CREATE INDEX IF NOT EXISTS votes_run ON votes (run, rater, pair);

CREATE TABLE IF NOT EXISTS ledger (
    attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
    run INTEGER NOT NULL,
    session TEXT NOT NULL,
    account TEXT NOT NULL,
    model TEXT NOT NULL,
    day TEXT NOT NULL,               -- UTC
    state TEXT NOT NULL,             -- reserved | settled | released | unknown
    reserved_usd REAL,               -- NULL: no price was known and no budget was set
    spent_usd REAL,
    key_id TEXT                      -- as in attempts
);
CREATE INDEX IF NOT EXISTS ledger_open ON ledger (session) WHERE state IN ('reserved', 'unknown');

CREATE TABLE IF NOT EXISTS spending (
    scope TEXT NOT NULL,             -- run 5, session 3f9a…, day 2026-11-21, key-3f9a12bc, no key of me
    simulated INTEGER NOT NULL,
    usd REAL NOT NULL,               -- spent, or reserved and not released: what budgets are held against
    PRIMARY KEY (scope, simulated)
) WITHOUT ROWID;
-- Kept by the ledger itself: adding its rows up at every call would make a long run slower and slower.
CREATE TRIGGER IF NOT EXISTS ledger_entered AFTER INSERT ON ledger BEGIN
    INSERT INTO spending
        SELECT column1, NEW.account = 'simulated', COALESCE(CASE NEW.state WHEN 'released' THEN 0 WHEN 'settled' THEN NEW.spent_usd ELSE NEW.reserved_usd END, 0)
        FROM (VALUES
            ('run ' || NEW.run), ('session ' || NEW.session), ('day ' || NEW.day),
            (COALESCE(NEW.key_id, 'no key of ' || substr(NEW.model, 1, instr(NEW.model, '/') - 1))))
        WHERE true ON CONFLICT (scope, simulated) DO UPDATE SET usd = usd + excluded.usd;
END;
CREATE TRIGGER IF NOT EXISTS ledger_moved AFTER UPDATE ON ledger BEGIN
    INSERT INTO spending
        SELECT column1, OLD.account = 'simulated', -COALESCE(CASE OLD.state WHEN 'released' THEN 0 WHEN 'settled' THEN OLD.spent_usd ELSE OLD.reserved_usd END, 0)
        FROM (VALUES
            ('run ' || OLD.run), ('session ' || OLD.session), ('day ' || OLD.day),
            (COALESCE(OLD.key_id, 'no key of ' || substr(OLD.model, 1, instr(OLD.model, '/') - 1))))
        WHERE true ON CONFLICT (scope, simulated) DO UPDATE SET usd = usd + excluded.usd;
    INSERT INTO spending
        SELECT column1, NEW.account = 'simulated', COALESCE(CASE NEW.state WHEN 'released' THEN 0 WHEN 'settled' THEN NEW.spent_usd ELSE NEW.reserved_usd END, 0)
        FROM (VALUES
            ('run ' || NEW.run), ('session ' || NEW.session), ('day ' || NEW.day),
            (COALESCE(NEW.key_id, 'no key of ' || substr(NEW.model, 1, instr(NEW.model, '/') - 1))))
        WHERE true ON CONFLICT (scope, simulated) DO UPDATE SET usd = usd + excluded.usd;
END;

CREATE TABLE IF NOT EXISTS limits (
    name TEXT PRIMARY KEY,           -- a key ("gemini key-3f9a12bc") or a key at one model ("gemini/x key-3f9a12bc")
    state TEXT NOT NULL,             -- ok | dead: the service refuses the key, or its credit is used up
    not_before REAL NOT NULL,        -- nobody calls before; seconds since 1970, like all times here
    rate REAL,                       -- calls a second at rate_at, from where it grows; NULL: no limit has shown
    rate_at REAL NOT NULL,
    next_at REAL NOT NULL,           -- when the next call is due at this rate
    recent REAL NOT NULL,            -- calls, fading away, at recent_at: tells the rate at which a limit shows
    recent_at REAL NOT NULL,
    share REAL NOT NULL DEFAULT 0,   -- of the last calls, fading away, that were refused for their rate
    searching INTEGER NOT NULL DEFAULT 0,  -- the rate is a first guess and grows quickly
    reason TEXT,                     -- why it is dead, or rests
    updated_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY,           -- what is held: "session <id>", by which other processes know that it lives
    owner TEXT NOT NULL,             -- the session that holds it
    expires_at REAL NOT NULL         -- seconds since 1970
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    run INTEGER,
    cell INTEGER,
    name TEXT NOT NULL,
    detail TEXT,                     -- JSON
    created_at TEXT NOT NULL
);

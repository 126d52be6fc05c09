-- What an evaluator must not forget. Times are microseconds since 1970 in UTC, documents are JSON text; plain SQL
-- that SQLite and PostgreSQL understand alike.

CREATE TABLE evaluator (
    id BIGINT PRIMARY KEY,
    committed_at BIGINT,
    pruned_at BIGINT,
    last_outbox_id BIGINT NOT NULL
);

INSERT INTO evaluator (id, committed_at, pruned_at, last_outbox_id) VALUES (1, NULL, NULL, 0);

CREATE TABLE alerts (
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (rule, labels)
);

CREATE TABLE episodes (
    dedup_key TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    severity TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    fired_at BIGINT,
    resolved_at BIGINT,
    seen TEXT NOT NULL
);

CREATE INDEX episodes_by_start ON episodes (started_at);
CREATE INDEX episodes_by_end ON episodes (resolved_at);

CREATE TABLE conversations (
    channel TEXT NOT NULL,
    route TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (channel, route, labels)
);

CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    channel TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    action TEXT NOT NULL,
    urgency BIGINT NOT NULL,
    message TEXT NOT NULL,
    status TEXT NOT NULL,
    first_due BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    leased_until BIGINT,
    token BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    unknowns BIGINT NOT NULL,
    settled_at BIGINT,
    detail TEXT NOT NULL,
    UNIQUE (channel, dedup_key, seq)
);

CREATE INDEX outbox_due ON outbox (channel, status, urgency, next_at, id);
CREATE INDEX outbox_settled ON outbox (settled_at);

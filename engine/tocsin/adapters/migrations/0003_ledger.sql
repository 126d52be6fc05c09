-- Good and bad events of each objective, a day in one row (tocsin.ledger.chunk); *day* counts days since 1970 in UTC.
-- The statement that holds has no *superseded_at*. BYTEA is PostgreSQL's; SQLite keeps bytes under any name of a type.

CREATE TABLE ledger (
    ref TEXT NOT NULL,
    day BIGINT NOT NULL,
    version BIGINT NOT NULL,
    step BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    superseded_at BIGINT,
    chunk BYTEA NOT NULL,
    PRIMARY KEY (ref, day, version)
);

CREATE INDEX ledger_by_day ON ledger (day);

-- Who has taken up which episode.

CREATE TABLE acknowledgements (
    dedup_key TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    acknowledgement TEXT NOT NULL
);

-- What senders said last of each alert that they evaluate; `fingerprint` is Alertmanager's.

CREATE TABLE received (
    fingerprint TEXT PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    claim TEXT NOT NULL
);

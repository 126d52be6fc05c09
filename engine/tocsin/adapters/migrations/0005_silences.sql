-- Silences, as Alertmanager has them. One that has ended stays for a while; `silence` is the whole of it.

CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    silence TEXT NOT NULL
);

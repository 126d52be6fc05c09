-- Who of several evaluators on one database tells people. `token` grows with every change of hands: what an earlier
-- holder still wants to write is refused by it. `until` is by the database's own clock.

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL,
    until BIGINT NOT NULL
);

INSERT INTO leases (name, holder, token, until) VALUES ('evaluator', '', 0, 0);

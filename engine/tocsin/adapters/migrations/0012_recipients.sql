-- A message to several people is one for each of them: whoever does not take it costs nobody else a page, and who has it
-- outlives the process. Empty is everybody that the channel writes to, before anybody has looked who that is. A message
-- that was never tried goes before one that failed, within an urgency.

CREATE TABLE outbox_by_recipient (
    id BIGINT PRIMARY KEY,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL DEFAULT '',
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
    turn BIGINT NOT NULL DEFAULT 0,
    receipt TEXT NOT NULL DEFAULT '',
    fell_to TEXT,
    fell_alone BIGINT NOT NULL DEFAULT 0,
    UNIQUE (channel, dedup_key, seq, recipient)
);

INSERT INTO outbox_by_recipient (id, channel, dedup_key, seq, action, urgency, message, status, first_due, next_at,
    leased_until, token, attempts, unknowns, settled_at, detail, turn, receipt, fell_to, fell_alone)
SELECT id, channel, dedup_key, seq, action, urgency, message, status, first_due, next_at,
    leased_until, token, attempts, unknowns, settled_at, detail, turn, receipt, fell_to, fell_alone
FROM outbox;

DROP TABLE outbox;
ALTER TABLE outbox_by_recipient RENAME TO outbox;

CREATE INDEX outbox_due ON outbox (channel, status, recipient, urgency, (attempts > 0), turn, next_at, id);
CREATE INDEX outbox_settled ON outbox (settled_at);

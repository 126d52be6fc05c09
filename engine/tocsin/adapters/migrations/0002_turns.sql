-- A storm of one group does not hold up the others: within an urgency, messages go by turns.

ALTER TABLE outbox ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;

DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (channel, status, urgency, turn, next_at, id);

-- What the receiver calls a message, so that later ones of its conversation can follow it (Slack's `ts`); and where a
-- message went that was given up, with whether each of its alerts is an incident of its own there.

ALTER TABLE outbox ADD COLUMN receipt TEXT NOT NULL DEFAULT '';

ALTER TABLE outbox ADD COLUMN fell_to TEXT;

ALTER TABLE outbox ADD COLUMN fell_alone BIGINT NOT NULL DEFAULT 0;

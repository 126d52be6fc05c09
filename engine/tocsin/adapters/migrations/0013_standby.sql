-- Who of those that stand by can see, and until when that holds by the database's own clock: a leader that cannot see, or
-- reaches nobody, gives the lease to that one.

ALTER TABLE leases ADD COLUMN standby TEXT NOT NULL DEFAULT '';
ALTER TABLE leases ADD COLUMN standby_until BIGINT NOT NULL DEFAULT 0;

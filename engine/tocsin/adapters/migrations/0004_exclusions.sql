-- What each exclusion of a contract took out of a period: milliseconds removed, forgiven, and how many of both had been
-- downtime. A line that is not agreed any more stays, with the time at which it was withdrawn.

CREATE TABLE exclusions (
    sla TEXT NOT NULL,
    period_start BIGINT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    treat TEXT NOT NULL,
    reason TEXT NOT NULL,
    removed BIGINT NOT NULL,
    forgiven BIGINT NOT NULL,
    spared BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    PRIMARY KEY (sla, period_start, starts_at, ends_at, treat, reason)
);

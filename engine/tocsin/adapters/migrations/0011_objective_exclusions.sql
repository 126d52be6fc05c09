-- What each exclusion of an objective took out of its budget: events (or slices) removed, forgiven, and how many of both
-- had been bad, over the whole of the exclusion and whatever the window. A line that is not agreed any more stays, with
-- the time at which it was withdrawn.

CREATE TABLE objective_exclusions (
    ref TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    treat TEXT NOT NULL,
    reason TEXT NOT NULL,
    removed DOUBLE PRECISION NOT NULL,
    forgiven DOUBLE PRECISION NOT NULL,
    spared DOUBLE PRECISION NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    PRIMARY KEY (ref, starts_at, ends_at, treat, reason)
);

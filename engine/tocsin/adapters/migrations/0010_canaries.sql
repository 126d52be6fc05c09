-- The last test message through each channel. `open`: the receiver has an incident of it that is still to be closed.

CREATE TABLE canaries (
    channel TEXT PRIMARY KEY,
    sent_at BIGINT NOT NULL,
    delivered_at BIGINT,
    open BIGINT NOT NULL
);

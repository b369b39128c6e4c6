-- Deliveries that wait or are under way while what they rest on changed: decided anew at once,
-- whenever their next attempt is due. A row goes when the delivery was claimed or has ended.
CREATE TABLE rejudge (
    delivery_id BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

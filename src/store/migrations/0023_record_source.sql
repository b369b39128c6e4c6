-- Which records any version of a record was made from: a correction that no longer says so does not
-- make it another thing.
CREATE TABLE record_source (
    record_id BLOB NOT NULL,
    source BLOB NOT NULL,
    PRIMARY KEY (record_id, source)
) WITHOUT ROWID, STRICT;

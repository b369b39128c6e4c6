-- Joining two persons can be taken back. A row keeps whose it was before: `own` is set where the
-- person it is counted to is another one, because the two were joined.
ALTER TABLE person_identifier ADD COLUMN own BLOB;
ALTER TABLE record_person ADD COLUMN own BLOB;
ALTER TABLE consent ADD COLUMN own BLOB;
ALTER TABLE person_disclosure ADD COLUMN own BLOB;
CREATE INDEX person_identifier_own ON person_identifier (own) WHERE own IS NOT NULL;
CREATE INDEX record_person_own ON record_person (own) WHERE own IS NOT NULL;
CREATE INDEX consent_own ON consent (own) WHERE own IS NOT NULL;
CREATE INDEX person_disclosure_own ON person_disclosure (own) WHERE own IS NOT NULL;

-- Who joined whom and when, and who took it back.
CREATE TABLE person_join (
    other BLOB NOT NULL,
    joined_at INTEGER NOT NULL,
    kept BLOB NOT NULL,
    joined_by TEXT NOT NULL,
    parted_at INTEGER,
    parted_by TEXT,
    PRIMARY KEY (other, joined_at)
) WITHOUT ROWID, STRICT;

-- What a batch has learned is found through its records' persons: no index of its own.
DROP INDEX person_identifier_from;

-- Reviews that are due after a release, obligations a person has discharged, emergency access.

-- When an item has to be done, and since when it is overdue.
ALTER TABLE work_item ADD COLUMN due_at INTEGER;
ALTER TABLE work_item ADD COLUMN overdue_at INTEGER;
-- The emergency access it is about.
ALTER TABLE work_item ADD COLUMN emergency_id BLOB;
CREATE INDEX work_item_due ON work_item (due_at) WHERE state = 0 AND due_at IS NOT NULL;

-- Obligations a person has said are done for this delivery, one bit each.
ALTER TABLE delivery ADD COLUMN done INTEGER NOT NULL DEFAULT 0;

-- One request at the emergency door, whatever it was answered with. `request` is sealed under a key
-- derived for the row: who asked, why, and what 42 CFR 2.51 wants written down.
CREATE TABLE emergency_access (
    emergency_id BLOB PRIMARY KEY NOT NULL,
    requester TEXT NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    test INTEGER NOT NULL,
    at INTEGER NOT NULL,
    received_month INTEGER NOT NULL,
    rule_set TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    request BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- What it was answered with, record by record. `output` is a keyed digest of the bytes.
CREATE TABLE emergency_disclosure (
    disclosure_id BLOB PRIMARY KEY NOT NULL,
    emergency_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    row_id BLOB NOT NULL,
    output BLOB NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX emergency_disclosure_of ON emergency_disclosure (emergency_id);

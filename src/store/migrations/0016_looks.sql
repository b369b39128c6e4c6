-- A look counts only while nothing changed about any person of what was looked at. Where it is kept
-- stands where in the ledger it was given, to be greater than person.consents_changed as long as
-- it counts, and 0 where nobody looked. In delivery.reviewed a 1 of before stands before any change.
ALTER TABLE work_item ADD COLUMN looked INTEGER NOT NULL DEFAULT 0;
UPDATE work_item SET looked = 1 WHERE state = 1;

-- Work items a pull has raised: of each version, requester and cause one that is open, and those
-- that were resolved before.
ALTER TABLE extract_work RENAME TO extract_work_once;
CREATE TABLE extract_work (
    work_item_id BLOB PRIMARY KEY NOT NULL,
    requester TEXT NOT NULL,
    row_id BLOB NOT NULL,
    cause TEXT NOT NULL
) WITHOUT ROWID, STRICT;
INSERT INTO extract_work (work_item_id, requester, row_id, cause)
    SELECT work_item_id, requester, row_id, cause FROM extract_work_once;
DROP TABLE extract_work_once;
CREATE INDEX extract_work_of ON extract_work (row_id, requester, cause);

-- What was given at the emergency door is looked at again when something happens to it.
CREATE INDEX emergency_disclosure_row ON emergency_disclosure (row_id);

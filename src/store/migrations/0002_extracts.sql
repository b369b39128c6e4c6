-- Extracts keep every row they decided on and serve exactly the rows they gave, file by file.

-- One more than the ledger entries that stood before this person's consents or identity last
-- changed; 0 when they never did. A job whose position is smaller knows an older state of things.
-- A trigger, so that no way of raising the epoch can forget it.
ALTER TABLE person ADD COLUMN consents_changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX person_consents_changed ON person (consents_changed) WHERE consents_changed > 0;
CREATE TRIGGER person_epoch_raised AFTER UPDATE OF consent_epoch ON person BEGIN
    UPDATE person SET consents_changed =
        (SELECT coalesce(max(position), -1) + 2 FROM ledger_entry) WHERE person = NEW.person;
END;
UPDATE person SET consents_changed = (SELECT coalesce(max(position), -1) + 2 FROM ledger_entry)
    WHERE consent_epoch > 0;

-- The persons of what was given. Their epochs follow from the job's position.
ALTER TABLE extract_person DROP COLUMN epoch;

-- One file of a job. exposure: 0 nothing left, 1 it may have, 2 handed over whole.
CREATE TABLE extract_file (
    extract_id BLOB NOT NULL,
    file INTEGER NOT NULL,
    exposure INTEGER NOT NULL,
    PRIMARY KEY (extract_id, file)
) WITHOUT ROWID, STRICT;
INSERT INTO extract_file (extract_id, file, exposure) SELECT extract_id, 0, exposure FROM extract;

-- Every record a job decided on. outcome: 0 given, 1 withheld, 2 held. output: keyed digest of the
-- bytes it adds to its file, from starts_at up to ends_at. sent_at: when its bytes first left.
ALTER TABLE extract_record ADD COLUMN file INTEGER NOT NULL DEFAULT 0;
ALTER TABLE extract_record ADD COLUMN outcome INTEGER NOT NULL DEFAULT 0;
ALTER TABLE extract_record ADD COLUMN output BLOB;
ALTER TABLE extract_record ADD COLUMN starts_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE extract_record ADD COLUMN ends_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE extract_record ADD COLUMN sent_at INTEGER;
UPDATE extract_record SET sent_at = (SELECT x.updated_at FROM extract x
    WHERE x.extract_id = extract_record.extract_id AND x.exposure > 0);
CREATE INDEX extract_record_file ON extract_record (extract_id, file, ends_at);

-- Work items a pull has raised: one for each version, requester and cause.
CREATE TABLE extract_work (
    requester TEXT NOT NULL,
    row_id BLOB NOT NULL,
    cause TEXT NOT NULL,
    work_item_id BLOB NOT NULL,
    PRIMARY KEY (requester, row_id, cause)
) WITHOUT ROWID, STRICT;
CREATE INDEX extract_work_item ON extract_work (work_item_id);

-- state: 0 being written, 1 ready, 2 given up, 3 stale. Jobs of before kept no rows to serve.
UPDATE extract SET state = 3 WHERE state < 2;
ALTER TABLE extract DROP COLUMN exposure;
CREATE INDEX extract_under_way ON extract (requester) WHERE state = 0;

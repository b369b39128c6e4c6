-- Whether something was let go under a decision: one that was taken after an attempt, and held or
-- withheld the rest, says nothing of what had left before. Of what is older it cannot be told.
ALTER TABLE decision ADD COLUMN authorised INTEGER NOT NULL DEFAULT 0;
UPDATE decision SET authorised = 1;
-- What a partner was given at the emergency door, found by the record.
CREATE INDEX emergency_disclosure_record ON emergency_disclosure (record_id);
-- Who was taken for somebody.
CREATE INDEX person_join_kept ON person_join (kept);

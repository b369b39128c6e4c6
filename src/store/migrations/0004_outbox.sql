-- When a delivery was queued or last brought up again: giving up is counted from then.
ALTER TABLE delivery ADD COLUMN due_since INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET due_since = queued_at;

-- Older versions wait for nothing any more.
UPDATE delivery SET state = 9 WHERE state IN (0, 4, 6, 7, 10) AND row_id <>
    (SELECT r.current_row FROM record r WHERE r.record_id = delivery.record_id);

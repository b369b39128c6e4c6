-- The newest versions that speak of a person: committed, and not voided.
CREATE VIEW newest_of_person AS
    SELECT p.person, v.row_id, v.record_type, v.partner, v.test, v.held_until, v.received_at,
        v.county_fips, v.service_source
    FROM record_person p
    JOIN record_version v ON v.row_id = p.row_id
    JOIN record r ON r.record_id = v.record_id AND r.current_row = v.row_id
    JOIN submission s ON s.submission_id = v.submission_id AND s.state = 1
    WHERE v.void = 0;
-- What waits for a person, in the order of the list of all.
CREATE INDEX work_item_waiting ON work_item (work_item_id) WHERE state = 0;

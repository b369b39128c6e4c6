-- Where people live that must not get out: what records state of it, as keyed digests only.

-- Versions that state a protected address of a person. A statement stands while its version is
-- sealed, no void, and not replaced by a later one that is sealed and not held.
CREATE TABLE protection (
    person BLOB NOT NULL,
    row_id BLOB NOT NULL,
    PRIMARY KEY (person, row_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX protection_row ON protection (row_id);

-- Who was ever said to belong to a household, as one sender names it. It is never unlearned: it
-- closes nothing by itself.
CREATE TABLE household_member (
    household BLOB NOT NULL,
    person BLOB NOT NULL,
    PRIMARY KEY (household, person)
) WITHOUT ROWID, STRICT;
CREATE INDEX household_member_person ON household_member (person, household);

-- Lines of protected addresses, and the versions that state them.
CREATE TABLE protected_line (
    line BLOB NOT NULL,
    row_id BLOB NOT NULL,
    PRIMARY KEY (line, row_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX protected_line_row ON protected_line (row_id);

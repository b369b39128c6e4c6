-- Facts partners assert of persons: every change is a new row, the head says which is the newest.
-- own: whose it was asserted of, where the person it is counted to is another one.
CREATE TABLE fact (
    fact_key BLOB PRIMARY KEY NOT NULL,
    asserter TEXT NOT NULL,
    subject BLOB NOT NULL,
    revision INTEGER NOT NULL,
    own BLOB
) WITHOUT ROWID, STRICT;
CREATE INDEX fact_subject ON fact (subject);
CREATE INDEX fact_own ON fact (own) WHERE own IS NOT NULL;
CREATE TABLE fact_revision (
    fact_key BLOB NOT NULL,
    revision INTEGER NOT NULL,
    row_id BLOB NOT NULL,
    subject BLOB NOT NULL,
    entered_at INTEGER NOT NULL,
    ended_at INTEGER,
    key_id INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (fact_key, revision)
) STRICT;
CREATE UNIQUE INDEX fact_revision_row ON fact_revision (row_id);

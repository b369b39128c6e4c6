-- A delivery with recall_of is a notice: what that delivery brought may not be used any further.
-- recall_reason is the one word the recipient is told.
ALTER TABLE delivery ADD COLUMN recall_of BLOB;
ALTER TABLE delivery ADD COLUMN recall_reason TEXT;
CREATE UNIQUE INDEX delivery_recall ON delivery (recall_of) WHERE recall_of IS NOT NULL;

-- What happened after something had left, and is to be held against it. subject: a person, or the
-- record of `voided`. since: the persons were taken for one from then on. reached: the delivery up
-- to which this has been done.
CREATE TABLE recall_due (
    subject BLOB NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    since INTEGER,
    reached BLOB NOT NULL,
    next_at INTEGER NOT NULL,
    PRIMARY KEY (subject, reason, at)
) WITHOUT ROWID, STRICT;
CREATE INDEX recall_due_next ON recall_due (next_at);

-- What a person has to tell a recipient whose channel takes no notice; one work item per recipient.
CREATE TABLE recall_by_hand (
    delivery_id BLOB PRIMARY KEY NOT NULL,
    work_item_id BLOB NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX recall_by_hand_item ON recall_by_hand (work_item_id, delivery_id);

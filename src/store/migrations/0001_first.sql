-- The first schema of the embedded store. Times are i64 microseconds UTC, ids 16 bytes, digests 32.
-- No personal value stands here in the clear: payloads are sealed, searchable values are keyed
-- digests (HMAC), persons are minted ids.

-- Keys of the store itself, wrapped (AES-KWP) by the master key: the newest generation of a name
-- seals and signs, older ones open and prove what they made. Then facts anybody may read.
CREATE TABLE store_secret (
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (name, generation)
) WITHOUT ROWID, STRICT;
CREATE TABLE store_fact (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- Keys per partner, wrapped by the master key; the newest wraps the data keys of its records.
CREATE TABLE partner_key (
    partner TEXT NOT NULL,
    key_id INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (partner, key_id)
) WITHOUT ROWID, STRICT;

-- Rule sets that were used, so that any past decision can be taken again.
CREATE TABLE rule_set (
    rule_set TEXT PRIMARY KEY NOT NULL,
    stored_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- state: 0 receiving (invisible to everybody), 1 sealed. body_digest is sealed, by a key derived
-- for the row: a plain digest of a body would confirm a guess of it.
CREATE TABLE submission (
    submission_id BLOB PRIMARY KEY NOT NULL,
    partner TEXT NOT NULL,
    channel TEXT NOT NULL,
    test INTEGER NOT NULL,
    state INTEGER NOT NULL,
    body_digest BLOB NOT NULL,
    rule_set TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    received_month INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    held INTEGER NOT NULL,
    records_hash BLOB NOT NULL,
    deadline INTEGER,
    position INTEGER,
    entry_id BLOB,
    leaf_hash BLOB,
    checkpoint_size INTEGER
) WITHOUT ROWID, STRICT;
CREATE INDEX submission_open ON submission (deadline) WHERE state = 0;

-- An idempotency key is bound by a receipt and by nothing else. body_digest is keyed.
CREATE TABLE idempotency (
    key BLOB PRIMARY KEY NOT NULL,
    body_digest BLOB NOT NULL,
    submission_id BLOB NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- One row per record over all its versions. current_row counts only once its submission is sealed.
CREATE TABLE record (
    record_id BLOB PRIMARY KEY NOT NULL,
    source_key BLOB NOT NULL UNIQUE,
    partner TEXT NOT NULL,
    record_type TEXT NOT NULL,
    current_row BLOB,
    revision INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- One row per version. payload and meta are sealed by the row's data key. held_until: the ledger
-- position from which the version may be seen; 0 when it was never held, the greatest integer
-- while it is.
CREATE TABLE record_version (
    row_id BLOB PRIMARY KEY NOT NULL,
    record_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    version BLOB NOT NULL,
    content BLOB NOT NULL,
    record_type TEXT NOT NULL,
    partner TEXT NOT NULL,
    channel TEXT NOT NULL,
    submission_id BLOB NOT NULL,
    correlation_id TEXT NOT NULL,
    test INTEGER NOT NULL,
    void INTEGER NOT NULL,
    held_until INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    received_month INTEGER NOT NULL,
    county_fips TEXT,
    service_source TEXT,
    case_key BLOB,
    commitment BLOB NOT NULL,
    meta BLOB NOT NULL,
    payload BLOB NOT NULL
) STRICT;
-- The type is the record's; it stands here so that one type is paged over without its rows.
CREATE UNIQUE INDEX record_version_order ON record_version (record_id, revision, record_type);

-- The data key of one version, wrapped by the partner's key: deleting the row shreds the version.
CREATE TABLE record_key (
    row_id BLOB PRIMARY KEY NOT NULL,
    partner TEXT NOT NULL,
    key_id INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- The verdict on every record of a submission. status: 0 accepted, 1 duplicate, 2 rejected, 3 held.
-- correction: 1 when the version replaced another one. findings are sealed: those of a stored
-- version by its data key, those of a refused record or a repeated one by a key derived for the
-- submission (whoever shreds a record empties them in the rows that name it).
CREATE TABLE submission_record (
    submission_id BLOB NOT NULL,
    record_index INTEGER NOT NULL,
    status INTEGER NOT NULL,
    correction INTEGER NOT NULL,
    hold TEXT,
    record_id BLOB,
    row_id BLOB,
    findings BLOB,
    PRIMARY KEY (submission_id, record_index)
) WITHOUT ROWID, STRICT;

CREATE TABLE person (
    person BLOB PRIMARY KEY NOT NULL,
    consent_epoch INTEGER NOT NULL,
    test INTEGER NOT NULL,
    merged_into BLOB
) WITHOUT ROWID, STRICT;
-- Where identifiers lead, and on whose word. scope: empty where it leads everybody, else the
-- partner whose records alone it leads. learned_from: the submission, zeros for a consent; what is
-- learned from a submission that is not sealed is seen by that submission alone.
CREATE TABLE person_identifier (
    identifier BLOB NOT NULL,
    scope TEXT NOT NULL,
    learned_from BLOB NOT NULL,
    person BLOB NOT NULL,
    asserted_by TEXT NOT NULL,
    PRIMARY KEY (identifier, scope, learned_from)
) WITHOUT ROWID, STRICT;
CREATE INDEX person_identifier_person ON person_identifier (person, scope);
CREATE INDEX person_identifier_from ON person_identifier (learned_from);
CREATE TABLE record_person (
    row_id BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    person BLOB NOT NULL,
    focus INTEGER NOT NULL,
    PRIMARY KEY (row_id, ordinal)
) WITHOUT ROWID, STRICT;
CREATE INDEX record_person_person ON record_person (person, row_id);

-- Consents: every change is a new row; the head says which row is in force.
CREATE TABLE consent (
    consent_key BLOB PRIMARY KEY NOT NULL,
    lodger TEXT NOT NULL,
    subject BLOB NOT NULL,
    revision INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX consent_subject ON consent (subject);
CREATE TABLE consent_revision (
    consent_key BLOB NOT NULL,
    revision INTEGER NOT NULL,
    row_id BLOB NOT NULL,
    subject BLOB NOT NULL,
    lodged_at INTEGER NOT NULL,
    revoked_at INTEGER,
    key_id INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (consent_key, revision)
) STRICT;
CREATE UNIQUE INDEX consent_revision_row ON consent_revision (row_id);

CREATE TABLE route_work (
    row_id BLOB PRIMARY KEY NOT NULL,
    queued_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- state: 0 pending, 1 leased, 2 authorised, 3 sent, 4 ambiguous, 5 confirmed, 6 withheld, 7 held,
-- 8 withdrawn, 9 superseded, 10 dead. exposure: 0 nothing left, 1 it may have, 2 confirmed.
CREATE TABLE delivery (
    delivery_id BLOB PRIMARY KEY NOT NULL,
    record_id BLOB NOT NULL,
    row_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    version BLOB NOT NULL,
    partner TEXT NOT NULL,
    channel TEXT NOT NULL,
    generation INTEGER NOT NULL,
    lane BLOB NOT NULL,
    addressee INTEGER NOT NULL,
    test INTEGER NOT NULL,
    state INTEGER NOT NULL,
    token INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    received_month INTEGER NOT NULL,
    late_until INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    exposure INTEGER NOT NULL,
    -- A person has looked at it and let it go on.
    reviewed INTEGER NOT NULL DEFAULT 0,
    detail TEXT
) WITHOUT ROWID, STRICT;
CREATE INDEX delivery_due ON delivery (partner, channel, next_at) WHERE state IN (0, 4);
CREATE INDEX delivery_leased ON delivery (partner, channel, lease_until) WHERE state IN (1, 2);
CREATE INDEX delivery_record ON delivery (record_id, partner, channel);
CREATE INDEX delivery_row ON delivery (row_id);
CREATE INDEX delivery_failed ON delivery (state, updated_at) WHERE state IN (6, 7, 8, 10);

-- The bytes of the first authorised attempt, sealed by the data key of the record's version.
CREATE TABLE delivery_output (
    delivery_id BLOB PRIMARY KEY NOT NULL,
    row_id BLOB NOT NULL,
    media_type TEXT NOT NULL,
    released BLOB NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- Decisions taken at the moment of sending, sealed by a key of their own derived from the store's
-- accounting key (its generation stands behind the sealed bytes): they outlive a shredded payload.
CREATE TABLE decision (
    source_id BLOB NOT NULL,
    token INTEGER NOT NULL,
    at INTEGER NOT NULL,
    rule_set TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (source_id, token)
) STRICT;

-- What the accounting lists. source: 0 delivery (same 16 bytes as the delivery), 1 extract.
CREATE TABLE person_disclosure (
    person BLOB NOT NULL,
    at INTEGER NOT NULL,
    disclosure_id BLOB NOT NULL,
    source INTEGER NOT NULL,
    token INTEGER NOT NULL,
    PRIMARY KEY (person, at, disclosure_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE work_item (
    work_item_id BLOB PRIMARY KEY NOT NULL,
    partner TEXT NOT NULL,
    cause TEXT NOT NULL,
    record_id BLOB,
    row_id BLOB,
    delivery_id BLOB,
    test INTEGER NOT NULL,
    state INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    resolved_at INTEGER,
    resolution TEXT,
    detail TEXT
) WITHOUT ROWID, STRICT;
CREATE INDEX work_item_open ON work_item (state, partner, work_item_id);
CREATE INDEX work_item_delivery ON work_item (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX work_item_row ON work_item (row_id) WHERE row_id IS NOT NULL;

-- A first officer's request to decide a withheld delivery again; a second one confirms in time.
CREATE TABLE replay_request (
    delivery_id BLOB PRIMARY KEY NOT NULL,
    officer TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    work_item_id BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- The ledger: insert-only. On this store one writer commits in order, so the order of insertion is
-- the position; an entry counts as sequenced once a checkpoint covers it. entry_id is the writer's
-- id (8 bytes) and its sequence number (8 bytes, big endian).
CREATE TABLE ledger_entry (
    position INTEGER PRIMARY KEY NOT NULL,
    entry_id BLOB NOT NULL,
    leaf_hash BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
-- Hashes of complete subtrees from level 8 (256 entries) upwards.
CREATE TABLE ledger_node (
    level INTEGER NOT NULL,
    node INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, node)
) WITHOUT ROWID, STRICT;
CREATE TABLE ledger_checkpoint (
    size INTEGER PRIMARY KEY NOT NULL,
    root BLOB NOT NULL,
    at INTEGER NOT NULL,
    key_generation INTEGER NOT NULL,
    signature TEXT NOT NULL
) STRICT;
-- The public halves of the signing key, by generation.
CREATE TABLE ledger_key (
    generation INTEGER PRIMARY KEY NOT NULL,
    public_key BLOB NOT NULL
) STRICT;

-- state: 0 being written, 1 ready, 2 given up. exposure: as of a delivery.
CREATE TABLE extract (
    extract_id BLOB PRIMARY KEY NOT NULL,
    requester TEXT NOT NULL,
    test INTEGER NOT NULL,
    position INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    rule_set TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    params TEXT NOT NULL,
    state INTEGER NOT NULL,
    exposure INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    disclosures_hash BLOB NOT NULL,
    manifest BLOB
) WITHOUT ROWID, STRICT;
CREATE INDEX extract_requester ON extract (requester, extract_id);
-- The epochs the decisions of an extract were taken with: a newer one makes it stale.
CREATE TABLE extract_person (
    extract_id BLOB NOT NULL,
    person BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (extract_id, person)
) WITHOUT ROWID, STRICT;
-- Which records a requester was ever given: only these may it be told are gone.
CREATE TABLE extract_record (
    requester TEXT NOT NULL,
    record_id BLOB NOT NULL,
    extract_id BLOB NOT NULL,
    row_id BLOB NOT NULL,
    disclosure_id BLOB NOT NULL,
    PRIMARY KEY (requester, record_id, extract_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX extract_record_disclosure ON extract_record (disclosure_id);

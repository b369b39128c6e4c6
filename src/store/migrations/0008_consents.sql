-- The registry's own id of a consent, by which others than its lodger name it.
ALTER TABLE consent ADD COLUMN registry_id BLOB;
UPDATE consent SET registry_id = randomblob(16);
CREATE UNIQUE INDEX consent_registry ON consent (registry_id);
CREATE INDEX consent_lodger ON consent (lodger, registry_id);

-- What a revision did: lodged, revoked, ended. ended_on: the local day (days since 1970-01-01) from
-- which on it no longer counts, because what it was to end with has happened.
ALTER TABLE consent_revision ADD COLUMN change TEXT NOT NULL DEFAULT 'lodged';
UPDATE consent_revision SET change = 'revoked' WHERE revoked_at IS NOT NULL;
ALTER TABLE consent_revision ADD COLUMN ended_on INTEGER;

-- Who stands behind a revision besides its lodger. Never changed, never deleted; the body says who
-- entered it.
CREATE TABLE consent_confirmation (
    row_id BLOB PRIMARY KEY NOT NULL,
    consent_key BLOB NOT NULL,
    revision INTEGER NOT NULL,
    confirmed_by TEXT NOT NULL,
    confirmed_at INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX consent_confirmation_once
    ON consent_confirmation (consent_key, revision, confirmed_by);

-- The one delivery a consent for a single disclosure was used by. Attempts of it may go on.
CREATE TABLE consent_use (
    consent_key BLOB PRIMARY KEY NOT NULL,
    delivery_id BLOB NOT NULL,
    used_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- The scanned paper of a revision, sealed.
CREATE TABLE consent_scan (
    row_id BLOB PRIMARY KEY NOT NULL,
    consent_key BLOB NOT NULL,
    revision INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    stored_at INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX consent_scan_once ON consent_scan (consent_key, revision);

-- Of which coming end of a consent its lodger was told: so many days before.
CREATE TABLE consent_notice (
    consent_key BLOB NOT NULL,
    days INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (consent_key, days)
) WITHOUT ROWID, STRICT;

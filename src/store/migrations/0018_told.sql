-- Of a consent that stops several are told: its lodger and the sources it names.
CREATE TABLE consent_told (
    consent_key BLOB NOT NULL,
    partner TEXT NOT NULL,
    days INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (consent_key, partner, days)
) WITHOUT ROWID, STRICT;
INSERT INTO consent_told (consent_key, partner, days, told_at)
    SELECT n.consent_key, c.lodger, n.days, n.told_at FROM consent_notice n
    JOIN consent c ON c.consent_key = n.consent_key;
DROP TABLE consent_notice;
ALTER TABLE consent_told RENAME TO consent_notice;

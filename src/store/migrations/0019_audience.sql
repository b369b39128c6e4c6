-- Who besides its lodger may know of a consent by what its paper says: the partners it names as
-- disclosers and those that confirmed its newest revision; '' stands for any county whose records
-- the person is in. Looked up by reader and person, so that what others hold of a person costs
-- nothing that could be timed.
CREATE TABLE consent_audience (
    reader TEXT NOT NULL,
    registry_id BLOB NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (reader, registry_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX consent_audience_subject ON consent_audience (subject, reader);
CREATE INDEX consent_audience_consent ON consent_audience (registry_id);
CREATE INDEX consent_lodger_subject ON consent (lodger, subject);
-- The next look at each paper writes its audience.
UPDATE consent SET turns_at = 0;

-- A confirmation may be taken back and given again: numbered from 1, odd ones confirm.
ALTER TABLE consent_confirmation ADD COLUMN number INTEGER NOT NULL DEFAULT 1;
DROP INDEX consent_confirmation_once;
CREATE UNIQUE INDEX consent_confirmation_once
    ON consent_confirmation (consent_key, revision, confirmed_by, number);

-- Records that tie a county to a person: none from behind the prevention wall.
CREATE VIEW county_of_person AS
    SELECT person, county_fips, partner FROM newest_of_person
    WHERE service_source IN ('case', 'referral');

-- What one partner asserts of a person.
CREATE INDEX fact_asserter_subject ON fact (asserter, subject);

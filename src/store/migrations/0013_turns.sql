-- When the answer a fact or a consent gives next changes by the calendar alone: 0 = nobody has
-- looked yet, null = never. turned_to: up to when that was minded.
ALTER TABLE fact ADD COLUMN turns_at INTEGER DEFAULT 0;
ALTER TABLE fact ADD COLUMN turned_to INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fact_turns ON fact (turns_at) WHERE turns_at IS NOT NULL;
ALTER TABLE consent ADD COLUMN turns_at INTEGER DEFAULT 0;
ALTER TABLE consent ADD COLUMN turned_to INTEGER NOT NULL DEFAULT 0;
CREATE INDEX consent_turns ON consent (turns_at) WHERE turns_at IS NOT NULL;

-- Facts that concern everybody of their subject's household; of what was entered before, any may.
ALTER TABLE fact ADD COLUMN household INTEGER NOT NULL DEFAULT 1;
-- From when somebody is known to belong to a household: who comes to it newly is looked at again.
ALTER TABLE household_member ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

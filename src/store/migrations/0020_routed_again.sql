-- A record behind the prevention wall is routed again when its persons' consents or facts change:
-- again is 1 where it was routed before, asked counts the changes, so that one which comes while
-- it is being routed is not lost.
ALTER TABLE route_work ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE route_work ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;

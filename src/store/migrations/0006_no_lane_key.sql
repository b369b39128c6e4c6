-- Nothing orders deliveries by case: a channel's room and the revisions of one record do.
ALTER TABLE delivery DROP COLUMN lane;

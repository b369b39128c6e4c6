-- Over which channel a pull raised an item: what was looked at for one purpose was not for another.
-- Of items of before nobody can tell; they settle nothing any more.
ALTER TABLE extract_work ADD COLUMN channel TEXT NOT NULL DEFAULT '';

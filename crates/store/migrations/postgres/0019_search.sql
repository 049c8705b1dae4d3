-- In SQLite texts are compared byte by byte; here that is asked for, so that the index finds what
-- begins with some text.
ALTER TABLE mention ALTER COLUMN value TYPE TEXT COLLATE "C";

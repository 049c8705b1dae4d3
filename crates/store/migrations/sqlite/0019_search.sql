-- The PostgreSQL migration of the same number has texts compared byte by byte, as they are here.
SELECT 1;

-- Every column of everything that can be selected from, without the system's own, TimescaleDB's chunks and the parts of partitioned tables.
-- Output: schema, table, column, type as the catalog writes it. Order: schema, table, position.
SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, NULL)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c
    ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n
    ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT c.relispartition
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_%'
    AND n.nspname NOT LIKE '\_timescaledb\_%'
    AND n.nspname NOT LIKE 'timescaledb\_%'
ORDER BY n.nspname, c.relname, a.attnum
